"""Calls on nothing but known tensors, computed: masks and tables that the exporter wrote out.

Views share their memory as PyTorch's do, so that writes through them (``mask[a:b, c:d] = 1``) are right.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from archdsl.foreign.importer import MISFITS, misfit
from archdsl.foreign.known import Known, numpy_type
from archdsl.foreign.pt2.arguments import Args
from archdsl.graph import Value

MAX_ELEMENTS = 1 << 22
"""Elements of a tensor that is computed here."""
_LARGEST = (1 << 63) - 1


def evaluated(args: Args) -> Known | None:
    """What a call on known tensors gives; ``None`` where it is none, or where nobody here can compute it."""
    compute = _COMPUTED.get(args.call.operator.rstrip("_") if not args.call.operator.startswith("_") else "")
    if compute is None:
        return None
    name = args.call.outputs[0]
    declared = args.body.declared(name) if name else None
    count = None if declared is None else declared.elements
    tensors = args.tensors()
    if declared is None or not isinstance(count, int) or count > MAX_ELEMENTS or not all(map(_computable, tensors)):
        return None
    if not tensors and args.call.operator not in _MADE:
        return None
    import numpy as np

    with np.errstate(all="ignore"):
        try:
            array = compute(_Arrays(args))
        except MISFITS as error:  # told, and no node instead: it would hide a fault of the rules here
            raise misfit(args.call.target, error, "`torch.export.load`") from error
    wanted = numpy_type(declared.dtype)
    array = np.asarray(array)
    target = args.known("self")
    if args.call.operator.endswith("_") and target is not None:
        target.array()[...] = array
        array = target.array()
    if array.shape != declared.shape:
        return None
    return Known(declared.dtype, declared.shape, array=array if array.dtype == wanted else array.astype(wanted))


def _computable(tensor: Value | Known) -> bool:
    """Whether a tensor is known without reading the file's: those stay parameters and tables of their own."""
    if not isinstance(tensor, Known) or tensor.weight or tensor.file is not None or tensor.symbolic:
        return False
    return _count(tensor) <= MAX_ELEMENTS


def _count(tensor: Known) -> int:
    return prod([size for size in tensor.shape if isinstance(size, int)])


class _Arrays:
    """The arguments of a call as NumPy has them."""

    def __init__(self, args: Args) -> None:
        self.args = args

    def __getitem__(self, name: str) -> Any:
        known = self.args.known(name)
        if known is None:
            return self.args.get(name)
        array = known.array()
        if not array.flags.writeable:
            array = known._array = array.copy()
        return array

    def get(self, name: str, default: Any = None) -> Any:
        """An argument that may be left out."""
        return self[name] if self.args.call.arguments.get(name) is not None else default

    @property
    def shape(self) -> tuple[int, ...]:
        """The declared shape of the result."""
        return tuple([int(size) for size in self.args.declared.shape])  # type: ignore[arg-type]

    @property
    def dtype(self) -> str:
        """The declared element type of the result."""
        return numpy_type(self.args.declared.dtype)


def _slice(a: _Arrays) -> Any:
    index = [slice(None)] * a["self"].ndim
    end = a.get("end")
    index[a.get("dim", 0)] = slice(a.get("start"), None if end is None or end >= _LARGEST else end, a.get("step", 1))
    return a["self"][tuple(index)]


def _select(a: _Arrays) -> Any:
    index: list[Any] = [slice(None)] * a["self"].ndim
    index[a["dim"]] = a["index"]
    found = a["self"][tuple(index)]
    return a["self"][(*index, ...)] if not hasattr(found, "shape") or found.shape == () else found


def _fill(a: _Arrays) -> Any:
    target = a["self"]
    target[...] = a.get("value", 0)
    return target


def _copied(a: _Arrays) -> Any:
    target = a["self"]
    target[...] = a["src"]
    return target


def _arange(a: _Arrays) -> Any:
    import numpy as np

    return np.arange(a.get("start", 0), a["end"], a.get("step", 1)).astype(a.dtype)


def _full(number: float | None) -> Callable[[_Arrays], Any]:
    def make(a: _Arrays) -> Any:
        import numpy as np

        value = number if number is not None else a.get("fill_value", 0)
        return np.full(a.shape, value, a.dtype)

    return make


def _binary(name: str) -> Callable[[_Arrays], Any]:
    def compute(a: _Arrays) -> Any:
        import numpy as np

        other = a["other"]
        if a.get("alpha", 1) != 1:
            other = other * a["alpha"]
        return getattr(np, name)(a["self"], other)

    return compute


def _unary(name: str) -> Callable[[_Arrays], Any]:
    def compute(a: _Arrays) -> Any:
        import numpy as np

        return getattr(np, name)(a["self"])

    return compute


def _numpy(call: Callable[[Any, _Arrays], Any]) -> Callable[[_Arrays], Any]:
    def compute(a: _Arrays) -> Any:
        import numpy as np

        return call(np, a)

    return compute


def _joined(name: str) -> Callable[[_Arrays], Any]:
    def compute(a: _Arrays) -> Any:
        import numpy as np

        listed = [one.array() for one in a.args.tensors() if isinstance(one, Known)]
        return getattr(np, name)(listed, axis=a.get("dim", 0))

    return compute


def _divided(a: _Arrays) -> Any:
    import numpy as np

    found = np.true_divide(a["self"], a["other"])
    mode = a.get("rounding_mode")
    return np.floor(found) if mode == "floor" else np.trunc(found) if mode == "trunc" else found


_MADE = frozenset({"arange", "zeros", "ones", "full", "scalar_tensor", "eye"})
"""What makes a tensor of no other."""

_COMPUTED: dict[str, Callable[[_Arrays], Any]] = {
    "arange": _arange, "zeros": _full(0), "ones": _full(1), "full": _full(None), "new_zeros": _full(0),
    "new_ones": _full(1), "new_full": _full(None), "zeros_like": _full(0), "ones_like": _full(1),
    "full_like": _full(None),
    "scalar_tensor": _numpy(lambda np, a: np.full((), a["s"], a.dtype)),
    "eye": _numpy(lambda np, a: np.eye(*a.shape)),
    "lift_fresh_copy": lambda a: a["self"].copy(), "clone": lambda a: a["self"].copy(), "detach": lambda a: a["self"],
    "alias": lambda a: a["self"], "contiguous": lambda a: a["self"], "to": lambda a: a["self"].astype(a.dtype),
    "_to_copy": lambda a: a["self"].astype(a.dtype), "type_as": lambda a: a["self"].astype(a.dtype),
    "slice": _slice, "select": _select, "fill": _fill, "zero": _fill, "copy": _copied,
    "view": lambda a: a["self"].reshape(a.shape), "reshape": lambda a: a["self"].reshape(a.shape),
    "flatten": lambda a: a["self"].reshape(a.shape), "unflatten": lambda a: a["self"].reshape(a.shape),
    "squeeze": lambda a: a["self"].reshape(a.shape), "unsqueeze": lambda a: a["self"].reshape(a.shape),
    "permute": lambda a: a["self"].transpose(a["dims"]), "t": lambda a: a["self"].T,
    "transpose": lambda a: a["self"].swapaxes(a["dim0"], a["dim1"]),
    "swapaxes": lambda a: a["self"].swapaxes(a["axis0"], a["axis1"]),
    "expand": _numpy(lambda np, a: np.broadcast_to(a["self"], a.shape)),
    "repeat": _numpy(lambda np, a: np.tile(a["self"], a["repeats"])), "cat": _joined("concatenate"),
    "stack": _joined("stack"), "flip": _numpy(lambda np, a: np.flip(a["self"], a["dims"])),
    "add": _binary("add"), "sub": _binary("subtract"), "mul": _binary("multiply"), "div": _divided,
    "maximum": _binary("maximum"), "minimum": _binary("minimum"), "remainder": _binary("mod"),
    "floor_divide": _binary("floor_divide"),
    "eq": _binary("equal"), "ne": _binary("not_equal"), "lt": _binary("less"), "le": _binary("less_equal"),
    "gt": _binary("greater"), "ge": _binary("greater_equal"), "bitwise_and": _binary("bitwise_and"),
    "bitwise_or": _binary("bitwise_or"), "logical_and": _binary("logical_and"), "logical_or": _binary("logical_or"),
    "bitwise_not": _unary("invert"), "logical_not": _unary("logical_not"), "neg": _unary("negative"),
    "abs": _unary("abs"), "exp": _unary("exp"), "log": _unary("log"), "log2": _unary("log2"), "sqrt": _unary("sqrt"),
    "sin": _unary("sin"), "cos": _unary("cos"), "sign": _unary("sign"), "floor": _unary("floor"),
    "ceil": _unary("ceil"), "reciprocal": _unary("reciprocal"),
    "pow": _numpy(lambda np, a: np.power(a["self"], a["exponent"], dtype=a.dtype)),
    "masked_fill": _numpy(lambda np, a: np.where(a["mask"], np.asarray(a["value"], a.dtype), a["self"])),
    "where": _numpy(lambda np, a: np.where(a["condition"], a["self"], a["other"])),
    "cumsum": _numpy(lambda np, a: np.cumsum(a["self"], a["dim"])), "sum": _numpy(lambda np, a: _summed(np, a)),
    "tril": _numpy(lambda np, a: np.tril(a["self"], a.get("diagonal", 0))),
    "triu": _numpy(lambda np, a: np.triu(a["self"], a.get("diagonal", 0))),
}  # fmt: skip


def _summed(np: Any, a: _Arrays) -> Any:
    axes = a.get("dim")
    return np.sum(a["self"], None if axes is None else axes, keepdims=bool(a.get("keepdim", False)))
