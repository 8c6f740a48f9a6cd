"""An ONNX Runtime session on exactly the providers that were asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from archdsl.diagnostics import Refusal
from archdsl.element_types import ELEMENT_TYPES
from archdsl.runtime.denormals import arithmetic_of_sessions

if TYPE_CHECKING:
    from pathlib import Path

_LACKING = re.compile(r"Could not find an implementation for (\w+)\(\d+\) node with name '([^']*)'")
_UNKNOWN = re.compile(r"([\w.]*):(\w+)\(-?\d+\) is not a registered function/op")

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
"""``--ep`` name -> ONNX Runtime's name."""

BFLOAT16 = "tensor(bfloat16)"
"""NumPy lacks it."""

DISTRIBUTIONS = {"cpu": "onnxruntime", "cuda": "onnxruntime-gpu"}


def runtime() -> Any:
    """The module ``onnxruntime``; refuses (E0701) where no runtime is installed."""
    try:
        import numpy  # noqa: F401 - first: loaded from within the runtime's C code, it could not be interrupted
        import onnxruntime
    except ImportError as error:
        broken = not isinstance(error, ModuleNotFoundError)
        raise Refusal(
            "E0701", f"ONNX Runtime cannot be loaded: {error}" if broken else "ONNX Runtime is not installed",
            help='pip install "archdsl[cpu]" (or "archdsl[gpu]" for NVIDIA GPUs; never both)',
        ) from None  # fmt: skip
    if not hasattr(onnxruntime, "InferenceSession"):
        raise Refusal(
            "E0701", "ONNX Runtime is only partly installed",
            help='uninstall onnxruntime and onnxruntime-gpu, then pip install "archdsl[cpu]" or "archdsl[gpu]"',
        )  # fmt: skip
    return onnxruntime


def providers(ep: str) -> list[str]:
    """``cuda,cpu`` as ONNX Runtime's provider names, in order of preference; refuses unknown names (E0007)."""
    names = [name.strip().lower() for name in ep.split(",") if name.strip()]
    if not names or any(name not in PROVIDERS for name in names):
        raise Refusal("E0007", f"`--ep {ep}` is not an execution provider", help="write `cpu`, `cuda` or `cuda,cpu`")
    return [PROVIDERS[name] for name in dict.fromkeys(names)]


def open_session(model: Path | bytes, ep: str = "cpu", threads: int = 0) -> Any:
    """A session that really runs on the providers of ``ep``; refuses what is not there (E0702), never falls back."""
    wanted = check_providers(ep)
    ort = runtime()
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = threads
    if wanted == [PROVIDERS["cuda"]]:
        options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
    try:
        with arithmetic_of_sessions(options):
            session = ort.InferenceSession(model if isinstance(model, bytes) else str(model), options, providers=wanted)
    except Exception as error:  # ONNX Runtime's exceptions share no base class but Exception
        raise _session_refusal(error, wanted) from None
    real = session.get_providers()
    missing = [name for name in wanted if name not in real]
    if missing:
        raise Refusal(
            "E0702", f"{missing[0]} was asked for, but the session runs on {', '.join(real)}",
            help="`archdsl doctor` shows which provider works and why",
        )  # fmt: skip
    return session


def call(session: Any, names: Sequence[str], arrays: Mapping[str, Any]) -> list[Any]:
    """The outputs called ``names``. ``bfloat16``, which NumPy lacks, is ``float32`` on both sides."""
    types = {one.name: one.type for one in (*session.get_inputs(), *session.get_outputs())}
    if BFLOAT16 not in types.values():
        with arithmetic_of_sessions():
            found: list[Any] = session.run(list(names), dict(arrays))
        return found
    value = runtime().OrtValue
    given = {
        name: value.ortvalue_from_numpy_with_onnx_type(_rounded(array), ELEMENT_TYPES["bf16"].onnx)
        if types[name] == BFLOAT16 else value.ortvalue_from_numpy(array)
        for name, array in arrays.items()
    }  # fmt: skip
    return [_widened(one) if types[name] == BFLOAT16 else one.numpy()
            for name, one in zip(names, session.run_with_ort_values(list(names), given))]  # fmt: skip


def _rounded(array: Any) -> Any:
    """The bits of ``float32`` numbers, rounded to ``bfloat16`` (half to even)."""
    import numpy as np

    bits = np.ascontiguousarray(array, np.float32).view(np.uint32)
    return ((bits + (0x7FFF + (bits >> 16 & 1))) >> 16).astype(np.uint16)


def _widened(value: Any) -> Any:
    """A ``bfloat16`` tensor of the runtime as ``float32``."""
    import ctypes

    import numpy as np

    shape = value.shape()
    count = int(np.prod(shape, dtype=np.int64))
    bits = np.frombuffer(ctypes.string_at(value.data_ptr(), 2 * count), np.uint16).astype(np.uint32)
    return (bits << 16).view(np.float32).reshape(shape)


def metadata_of(session: Any) -> dict[str, str]:
    """What the model says of itself; refuses (E0706) what is not text."""
    try:
        found: dict[str, str] = session.get_modelmeta().custom_metadata_map
    except UnicodeDecodeError:
        raise Refusal("E0706", "the model's metadata is not UTF-8 text") from None
    return found


def check_providers(ep: str) -> list[str]:
    """ONNX Runtime's names for ``ep``; refuses (E0007, E0701, E0702) what is not a provider or not installed."""
    wanted, available = providers(ep), runtime().get_available_providers()
    for name in wanted:
        if name not in available:
            raise Refusal(
                "E0702", f"{name} is not in the installed ONNX Runtime, which has {', '.join(available)}",
                help='for CUDA: pip uninstall onnxruntime, then pip install "archdsl[gpu]"; or run with `--ep cpu`',
            )  # fmt: skip
    return wanted


def _session_refusal(error: Exception, wanted: Sequence[str]) -> Refusal:
    text = first_line(error)
    if "disable_cpu_ep_fallback" in text or "fallback" in text.lower():
        return Refusal(
            "E0702", "some operators of this model do not run on CUDA, and only CUDA was asked for",
            help="allow both with `--ep cuda,cpu`", notes=(text,),
        )  # fmt: skip
    if PROVIDERS["cuda"] in wanted and ("CUDA" in text or "cudnn" in text.lower()):
        return Refusal("E0702", "CUDA does not work here", help="`archdsl doctor` gives the details", notes=(text,))
    if lacking := _LACKING.search(text):
        kind, place = lacking[1], lacking[2]
        return Refusal(
            "E0703", f"ONNX Runtime has no kernel for `{kind}` of the element types that it has at `{place}`",
            help="the file is valid ONNX for other runtimes; compile without `--native`, or in f32, to run it here",
            notes=(text,),
        )  # fmt: skip
    if unknown := _UNKNOWN.search(text):
        return Refusal(
            "E0703", f"ONNX Runtime does not know the operator `{unknown[1] or 'ai.onnx'}::{unknown[2]}`",
            help="it belongs to another runtime; everything but running the model works here", notes=(text,),
        )  # fmt: skip
    return Refusal("E0703", "ONNX Runtime cannot load this model", notes=(text,))


def first_line(error: BaseException) -> str:
    """The first line of a foreign exception's text, cut to a readable length."""
    text = str(error).strip().partition("\n")[0] or type(error).__name__
    return text if len(text) <= 300 else text[:300] + "…"
