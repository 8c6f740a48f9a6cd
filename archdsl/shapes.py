"""Tensor types: element type and shape, both known when a value is made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from archdsl import dim_order, dims
from archdsl.diagnostics import Refusal
from archdsl.dim_faults import depends
from archdsl.dims import Dim
from archdsl.element_types import ELEMENT_TYPES
from archdsl.record import Record

Shape = tuple[Dim, ...]


class TensorType(Record):
    """``f32[N, 3, 224, 224]``: element type and shape."""

    dtype: str
    shape: Shape

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TensorType) and self.shape == other.shape and self.dtype == other.dtype

    def __hash__(self) -> int:
        store = self.__dict__
        if "_hash" not in store:
            store["_hash"] = hash((self.dtype, self.shape))
        return store["_hash"]  # type: ignore[no-any-return]

    @property
    def rank(self) -> int:
        """The number of dimensions."""
        return len(self.shape)

    @cached_property
    def elements(self) -> Dim:
        """The number of elements."""
        return dims.product(self.shape)

    @cached_property
    def bytes(self) -> Dim:
        """The size in bytes."""
        return self.elements * ELEMENT_TYPES[self.dtype].bytes

    def with_shape(self, shape: Iterable[Dim]) -> TensorType:
        """The same element type with another shape."""
        return TensorType(self.dtype, tuple(shape))

    def bind(self, binding: Mapping[str, Dim]) -> TensorType:
        """The type with symbols replaced."""
        return TensorType(self.dtype, tuple(dims.evaluate(d, binding) for d in self.shape))

    def __str__(self) -> str:
        return f"{self.dtype}{show_shape(self.shape)}"


def show_shape(shape: Sequence[Dim]) -> str:
    """``[N, 64, 56, 56]``."""
    return "[" + ", ".join(map(str, shape)) + "]"


LONG = 96
"""Characters of shapes in a message."""
AXES = {"n": 0, "c": 1, "t": 1, "f": -1, "h": -2, "w": -1}
"""Axis letters by position: ``n`` is axis 0, ``c`` and ``t`` axis 1, ``f`` the last, ``h w`` the last two."""
_POSITIONS = {2: "nt", 3: "ntt", 4: "nchw", 5: "ncdhw"}
"""Axes of positions by rank, for reports: those of sequences ([N, T], [N, T, F] and [N, C, T]), images and volumes."""


def axis_letter(axis: int, rank: int) -> str:
    """An axis of positions of an input as a reader names it; its number where it has no name."""
    return _POSITIONS[rank][axis] if rank in _POSITIONS else str(axis)


def resolve_axis(axis: int | str, type: TensorType) -> int:
    """The non-negative index of ``axis``: an integer, an axis letter, or the name of a declared symbol."""
    if isinstance(axis, str):
        found = [i for i, dim in enumerate(type.shape) if dims.is_symbol(dim, axis)]
        if axis in AXES and not found:
            axis = AXES[axis]
        elif len(found) == 1:
            return found[0]
        else:
            raise Refusal("E0308", f"no single axis of {type} is called `{axis}`")
    index = axis + type.rank if axis < 0 else axis
    if not 0 <= index < type.rank:
        raise Refusal("E0308", f"axis {axis} is outside of {type}, which has {type.rank} axes")
    return index


def _aligned(shapes: Sequence[Shape]) -> str:
    """Help for one value per channel that meets a map: axes are aligned at the end, so it needs axes behind."""
    large, small = max(shapes, key=len), min(shapes, key=len)
    if len(small) != 2 or len(large) < 3 or large[:2] != small:
        return ""
    return f"sizes are aligned at the end: `reshape({show_shape((*small, *(1,) * (len(large) - 2)))})` comes first"


def broadcast(shapes: Sequence[Shape]) -> Shape:
    """The common shape by ONNX's (NumPy's) multidirectional broadcasting; refuses what cannot be decided."""
    rank = max(map(len, shapes))
    result: list[Dim] = []
    for position in range(rank):
        size: Dim = 1
        for shape in shapes:
            offset = position - rank + len(shape)
            dim = shape[offset] if offset >= 0 else 1
            if dim == 1 or dim == size:
                continue
            if size != 1:
                shown = " and ".join(map(show_shape, shapes))
                if len(shown) > LONG:
                    shown = f"the sizes {size} and {dim} of axis {position}"
                names = sorted(dims.symbols(dim) | dims.symbols(size))
                aligned = _aligned(shapes)
                if None in (dim_order.stretches(dim, size), dim_order.stretches(size, dim)) and names:
                    help = aligned or f"give `{names[0]}` a fixed value, or make both sides the same expression"
                    raise depends("E0307", f"whether {shown} agree depends on `{names[0]}`", [dim, size], help)
                raise Refusal("E0303", f"the shapes {shown} do not broadcast: {size} against {dim}", help=aligned)
            size = dim
        result.append(size)
    return tuple(result)
