"""What a model wants to be given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from archdsl.diagnostics import Refusal
from archdsl.interface import PREPROCESS
from archdsl.record import Record
from archdsl.runtime.session import metadata_of

Tell = Callable[[str], None]
"""Gets what is to be told to the reader."""

NUMPY = {
    "tensor(float)": "float32", "tensor(double)": "float64", "tensor(float16)": "float16",
    "tensor(int64)": "int64", "tensor(int32)": "int32", "tensor(int16)": "int16", "tensor(int8)": "int8",
    "tensor(uint64)": "uint64", "tensor(uint32)": "uint32", "tensor(uint16)": "uint16", "tensor(uint8)": "uint8",
    "tensor(bool)": "bool",
}  # fmt: skip
"""ONNX Runtime's type -> NumPy's."""


class Wanted(Record):
    """One input of a model: ``shape`` holds integers and the names of symbolic dimensions, ``preprocess`` is what the
    metadata says of pictures.
    """

    name: str
    dtype: str
    shape: tuple[int | str, ...]
    preprocess: str | None = None

    def __str__(self) -> str:
        return f"{self.name}: {self.dtype}[{', '.join(map(str, self.shape))}]"


def wanted_inputs(session: Any) -> list[Wanted]:
    """What a session takes; refuses element types NumPy does not have (E0704)."""
    metadata = metadata_of(session)
    found = []
    for one in session.get_inputs():
        if one.type not in NUMPY:
            raise Refusal("E0704", f"the input `{one.name}` is a {one.type}, which cannot be made here")
        shape = tuple(d if d is not None else "?" for d in one.shape)
        found.append(Wanted(one.name, NUMPY[one.type], shape, metadata.get(PREPROCESS + one.name)))
    return found
