"""An ONNX Runtime session on exactly the providers that were asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from archdsl.diagnostics import Refusal

if TYPE_CHECKING:
    from pathlib import Path

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
"""``--ep`` name -> ONNX Runtime's name."""

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
    return Refusal("E0703", "ONNX Runtime cannot load this model", notes=(text,))


def first_line(error: BaseException) -> str:
    """The first line of a foreign exception's text, cut to a readable length."""
    text = str(error).strip().partition("\n")[0] or type(error).__name__
    return text if len(text) <= 300 else text[:300] + "…"
