"""Two implementations of one network, compared on the same inputs: outputs, and layers on the way to them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archdsl.diagnostics import Refusal
from archdsl.files import check_file
from archdsl.interface import DRAWN
from archdsl.record import Record
from archdsl.runtime.entering import declared_in, ones
from archdsl.runtime.inputs import Usual, check_inputs, completed, file_inputs, symbols_of
from archdsl.runtime.model_inputs import wanted_inputs
from archdsl.runtime.outputs import tensors_of
from archdsl.runtime.referred import check_referred
from archdsl.runtime.session import BFLOAT16, call, first_line, metadata_of, open_session
from archdsl.tape.bindings import check_bound

if TYPE_CHECKING:
    import numpy

    Arrays = Mapping[str, numpy.ndarray]


class Compared(Record):
    """How far one tensor of ``model`` is from the other's: ``max|a - b|``, and that over ``max|b|``.

    Of what is ``drawn`` at random: how far the means and the deviations are apart, and that over the deviation.
    """

    name: str
    absolute: float
    relative: float
    drawn: bool = False


class Values(Record):
    """What one side gave: outputs in order, and inner values by the paths of the network."""

    outputs: Mapping[str, Any]
    layers: Mapping[str, Any]


def verify(
    model: Path, against: Path, files: Sequence[str], seed: int, sizes: Mapping[str, int], layers: bool
) -> tuple[list[Compared], list[Compared], str]:
    """The differences of the outputs, and (``layers``) of what both sides call by the same name, in the model's order;
    with a note on the sizes, if these leave something open.

    ``against`` is another ONNX file, or a module that the PyTorch backend wrote, which gets the weights that it wrote
    beside it, else the model's.
    Refuses (E0001, E07xx) what cannot be run or has other outputs; (E0903) parameters that do not fit.
    """
    for path in (model, against):
        check_file(path)
    session = open_session(model)
    wanted = wanted_inputs(session)
    check_bound(sizes, symbols_of(wanted))
    declared = {
        name: size for name, size in declared_in(metadata_of(session)).items() if size > 0
    }  # of nothing, nothing is seen
    usual = Usual(sizes, declared, BATCH_OF_TWO)
    inputs = check_inputs(wanted, completed(wanted, file_inputs(wanted, files), seed, usual))
    note = ones((one.dims(), inputs[one.name].shape) for one in wanted)
    ours = _onnx(model, inputs, layers)
    theirs = _torch(against, model, inputs, layers) if against.suffix == ".py" else _onnx(against, inputs, layers)
    if len(ours.outputs) != len(theirs.outputs):
        raise Refusal("E0705", f"`{model}` has {len(ours.outputs)} outputs, `{against}` {len(theirs.outputs)}")
    drawn = set(json.loads(metadata_of(session).get(DRAWN, "[]")))
    found = [
        _moments(name, a, b) if name in drawn else _compare(name, a, b)
        for (name, a), b in zip(ours.outputs.items(), theirs.outputs.values())
    ]
    common = {} if drawn else theirs.layers  # of a model that draws, it is not known which layers do
    inner = [_compare(name, a, common[name]) for name, a in ours.layers.items() if name in common]
    flat = [f"`{name}`" for name, a in ours.outputs.items() if a.dtype.kind == "f" and _flat(a)]
    told = f"{', '.join(flat)}: the same number everywhere, so that little is compared" if flat else ""
    return found, inner, "; ".join(filter(None, (note, told)))


def _flat(a: Any) -> bool:
    """Whether all of several elements are equal."""
    return a.size > 1 and bool((a == a.flat[0]).all())


BATCH_OF_TWO = 2
"""One sample would show nothing of what is mixed between samples."""
COARSE = {BFLOAT16: 5e-2, "tensor(float16)": 1e-2}
"""What two right implementations may differ by in half types, of the largest value."""


def tolerance_of(model: Path) -> float:
    """How far two right implementations may be apart, by the coarsest type of the model's inputs and outputs."""
    session = open_session(model)
    types = {one.type for one in (*session.get_inputs(), *session.get_outputs())}
    return next((limit for type, limit in COARSE.items() if type in types), 1e-4)


def _moments(name: str, a: Any, b: Any) -> Compared:
    """What two engines agree in that draw other numbers: the shape, and more or less the mean and the deviation."""
    if a.shape != b.shape:
        raise _other_shape(name, a, b)
    apart = max(abs(float(a.mean()) - float(b.mean())), abs(float(a.std()) - float(b.std()))) if a.size else 0.0
    return Compared(name, apart, apart / max(float(b.std()) if b.size else 0.0, 1e-30), True)


def _other_shape(name: str, a: Any, b: Any) -> Refusal:
    return Refusal("E0705", f"`{name}` has the shape {list(a.shape)} on one side and {list(b.shape)} on the other")


def _compare(name: str, a: Any, b: Any) -> Compared:
    import numpy as np

    if a.shape != b.shape:
        raise _other_shape(name, a, b)
    if a.dtype.kind in "OUS" or b.dtype.kind in "OUS":  # texts
        apart = 0.0 if np.array_equal(a, b) else float("inf")
        return Compared(name, apart, apart)
    a, b = a.astype(np.float64), b.astype(np.float64)
    finite = np.isfinite(a)
    if not np.array_equal(finite, np.isfinite(b)) or not np.array_equal(a[~finite], b[~finite], equal_nan=True):
        return Compared(name, float("inf"), float("inf"))
    apart = float(np.abs(a[finite] - b[finite]).max(initial=0.0))
    return Compared(name, apart, apart / max(float(np.abs(b[finite]).max(initial=0.0)), 1e-30))


def _onnx(path: Path, inputs: Arrays, layers: bool) -> Values:
    """The values in ONNX Runtime."""
    session = open_session(path)
    check_referred(path, metadata_of(session))
    names = [one.name for one in session.get_outputs()]
    if layers:
        session = open_session(_opened(path))
    wanted = [one.name for one in session.get_inputs()]
    if len(wanted) != len(inputs):
        raise Refusal("E0704", f"`{path}` takes {len(wanted)} inputs, not {len(inputs)}")
    every = session.get_outputs()
    try:
        given = call(session, [one.name for one in every], dict(zip(wanted, inputs.values())))
    except Exception as error:  # ONNX Runtime's exceptions share no base class but Exception
        raise Refusal("E0705", f"`{path}` failed while it ran", notes=(first_line(error),)) from None
    asked = [(one, value) for one, value in zip(every, given) if one.name in names]
    inner = [(one, value) for one, value in zip(every, given) if one.name not in names]
    return Values(_arrays(asked), _arrays(inner))


def _arrays(pairs: Sequence[tuple[Any, Any]]) -> dict[str, Any]:
    return tensors_of([one for one, _ in pairs], [value for _, value in pairs], lambda note: None)


def _opened(path: Path) -> bytes:
    """The model with every inner value of known type as an output."""
    import onnx

    model = onnx.load(path)
    has = {one.name for one in model.graph.output}
    typed = {one.name: one for one in model.graph.value_info}
    for node in model.graph.node:
        model.graph.output.extend(typed[name] for name in node.output if name in typed and name not in has)
    try:
        return bytes(model.SerializeToString())
    except Exception as error:  # protobuf's, of another kind in each version
        raise Refusal("E0705", f"`{path}` is too large for `--layers`", notes=(first_line(error),)) from None


def _torch(path: Path, model: Path, inputs: Arrays, layers: bool) -> Values:
    """The values in PyTorch, of the class that the file offers, with the parameters of the model."""
    try:
        import torch
    except ImportError:
        raise Refusal("E0701", "PyTorch is not installed", help='pip install "archdsl[torch]"') from None
    net = _loaded(path, model)
    seen: dict[str, Any] = {}
    if layers:
        for name, inner in net.named_modules():
            inner.register_forward_hook(lambda _m, _i, result, name=name: seen.setdefault(name, result))
    try:
        with torch.no_grad():
            result = net(*_given(model, inputs))
    except Exception as error:  # whatever the module's code raises
        raise Refusal("E0705", f"`{path}` failed while it ran", notes=(first_line(error),)) from None
    several = result if isinstance(result, dict) else dict(enumerate(result if isinstance(result, tuple) else [result]))
    inner = {name: _array(value) for name, value in seen.items() if name and isinstance(value, torch.Tensor)}
    return Values({str(name): _array(value) for name, value in several.items()}, inner)


def _given(model: Path, inputs: Arrays) -> list[Any]:
    """The inputs as tensors of the model's types."""
    import torch

    types = [one.type for one in open_session(model).get_inputs()]
    tensors = [torch.from_numpy(array.copy()) for array in inputs.values()]
    return [x.to(torch.bfloat16) if type == BFLOAT16 else x for x, type in zip(tensors, types)]


def _array(value: Any) -> Any:
    """A tensor as an array, ``bfloat16`` as ``float32``."""
    import torch

    return (value.float() if value.dtype == torch.bfloat16 else value).numpy()


def _loaded(path: Path, model: Path) -> Any:
    import torch

    from archdsl import weights

    found = spec_from_file_location("_archdsl_verified", path)
    assert found is not None and found.loader is not None
    module = module_from_spec(found)
    try:
        found.loader.exec_module(module)
        net = getattr(module, module.__all__[0])().eval()
    except Exception as error:  # whatever the file's code raises
        raise Refusal("E0705", f"`{path}` does not give a module", notes=(first_line(error),)) from None
    wanted = {name for name in net.state_dict() if not name.endswith("num_batches_tracked")}
    if not wanted:
        return net
    beside = path.with_suffix(".safetensors")
    given = weights.read(beside if beside.is_file() else model)
    if lacking := sorted(wanted - given.keys()):
        raise Refusal(
            "E0903", f"`{given.path}` has no parameter `{lacking[0]}`", notes=(f"{len(lacking)} are missing",),
            help="compile it without `--fold` and `--deploy`; the weights of a model that is no spec's are written "
            f"beside its module, as `{beside.name}`",
        )  # fmt: skip
    state = {name: torch.from_numpy(given[name].array().copy()) for name in wanted}
    try:
        net.load_state_dict(state, strict=False)
    except RuntimeError as error:
        raise Refusal(
            "E0903", f"the parameters of `{given.path}` do not fit `{path}`", notes=(first_line(error),)
        ) from None
    return net
