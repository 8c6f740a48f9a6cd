"""The inputs that a model expects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from archdsl.diagnostics import Refusal
from archdsl.dim_text import parse_dimension
from archdsl.dims import Dim, Symbol, symbol
from archdsl.element_types import ELEMENT_TYPES
from archdsl.interface import PREPROCESS, STATE
from archdsl.ops.estimates import Boxes
from archdsl.record import Record
from archdsl.runtime.entering import bounds_in, boxes_in, ends_in
from archdsl.runtime.session import BFLOAT16, metadata_of

Tell = Callable[[str], None]
"""A function that gets messages for the reader."""

_C_NAMES = {"float32": "float", "float64": "double"}
NUMPY = {
    f"tensor({_C_NAMES.get(type.framework, type.framework)})": type.framework
    for type in ELEMENT_TYPES.values()
    if type.struct
}
"""ONNX Runtime's type -> NumPy's."""


class Wanted(Record):
    """One input of a model: ``shape`` holds integers and the names of symbolic dimensions, ``preprocess`` is what the
    metadata says of pictures.
    """

    name: str
    dtype: str
    shape: tuple[int | str, ...]
    preprocess: str | None = None
    symbols: Mapping[str, Symbol] = {}
    """The symbols that have bounds, by name."""
    ends: tuple[Dim, Dim] | None = None
    """The least and the greatest integer that it takes, if that is known."""

    boxes: Boxes | None = None
    """What boxes its last axis is, if it is known."""
    state: bool = False
    """Whether it is a state of the model: what the call before has left."""

    def dims(self) -> list[Dim | None]:
        """The dimensions: integers and expressions over symbols; ``None``: any size."""
        return [_dim(size, self.symbols) for size in self.shape]

    def __str__(self) -> str:
        return f"{self.name}: {self.dtype}[{', '.join(map(str, self.shape))}]"


def _dim(size: int | str, known: Mapping[str, Symbol]) -> Dim | None:
    """What a model calls a dimension; a name that is no expression, as other tools write, is a symbol."""
    if isinstance(size, int) or size == "?":
        return None if size == "?" else size  # type: ignore[return-value]
    try:
        return parse_dimension(size, known)
    except Refusal:
        return symbol(size)


def wanted_inputs(session: Any) -> list[Wanted]:
    """What a session takes; refuses element types NumPy does not have (E0704)."""
    metadata = metadata_of(session)
    bounds = bounds_in(metadata)
    found = []
    for one in session.get_inputs():
        dtype = "float32" if one.type == BFLOAT16 else NUMPY.get(one.type)
        if dtype is None:
            raise Refusal("E0704", f"the input `{one.name}` is a {one.type}, which cannot be given here")
        shape = tuple(d if d is not None else "?" for d in one.shape)
        state = STATE + one.name in metadata
        ends, boxes = ends_in(metadata, one.name), boxes_in(metadata, one.name)
        found.append(
            Wanted(
                one.name,
                dtype,
                shape,
                metadata.get(PREPROCESS + one.name),
                bounds,
                ends,
                boxes,
                state,
            )
        )
    return found
