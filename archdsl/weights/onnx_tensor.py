"""One tensor of an ONNX file (``TensorProto``): the place of its bytes, in the model or beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from archdsl.element_types import ELEMENT_TYPES
from archdsl.files import check_inside
from archdsl.weights.protobuf import Reader
from archdsl.weights.tensor import MAX_RANK, Place, Tensor, check_shape

ELEMENTS = {type.onnx: name for name, type in ELEMENT_TYPES.items()}
DIMS, DATA_TYPE, FLOAT_DATA, INT32_DATA, STRING_DATA, INT64_DATA, NAME, RAW_DATA = 1, 2, 4, 5, 6, 7, 8, 9
DOUBLE_DATA, UINT64_DATA, EXTERNAL, LOCATION = 10, 11, 13, 14
PACKED = {FLOAT_DATA: "f32", DOUBLE_DATA: "f64"}
"""Fields of numbers that lie packed, exactly as raw data would."""
VARINTS = {
    INT32_DATA: ("i32", "i16", "i8", "u16", "u8", "bool", "f16", "bf16"), INT64_DATA: ("i64",),
    UINT64_DATA: ("u64", "u32"),
}  # fmt: skip
"""Fields of numbers in base 128, and the element types that they are for."""
_DATA = frozenset({RAW_DATA, STRING_DATA, *VARINTS, *PACKED})
_AS_BITS = {"f16": "<u2", "bf16": "<u2"}


def tensor(reader: Reader, begin: int, end: int) -> Tensor:
    """The ``TensorProto`` between two positions; its bytes are not read."""
    name, kind, shape, external, outside = "", 0, list[int](), dict[str, str](), False
    data: list[tuple[int, int, int, int]] = []
    for number, wire, start, stop in reader.fields(begin, end):
        if number == DIMS:
            shape += reader.integers(wire, start, stop, MAX_RANK)
        elif (number, wire) == (DATA_TYPE, 0):
            kind = start
        elif (number, wire) == (NAME, 2):
            name = reader.text(start, stop)
        elif number in _DATA:
            data.append((number, wire, start, stop))
        elif (number, wire) == (EXTERNAL, 2):
            external.update([reader.entry(start, stop)])
        elif (number, wire) == (LOCATION, 0):
            outside = start == 1
    dtype = ELEMENTS.get(kind)
    if dtype is None:
        reader.refuse(f"the tensor `{name[:80]}` has the element type {kind}, which is not supported")
    made = Tensor(name, dtype, check_shape(reader.path, name, shape), None)
    return _at(reader, made, _outside(reader, name, external)) if outside else _inside(reader, made, data)


def _at(reader: Reader, made: Tensor, place: Place, dtype: str = "") -> Tensor:
    """The tensor with its bytes at a place; refuses another number of them than its shape asks for."""
    if place.size != made.size or dtype not in ("", made.dtype):
        reader.refuse(f"the tensor `{made.name[:80]}` has {place.size:,} bytes, but its shape needs {made.size:,}")
    made.place = place
    return made


def _inside(reader: Reader, made: Tensor, data: list[tuple[int, int, int, int]]) -> Tensor:
    """The tensor with its data in the model: bytes, or numbers one by one."""
    if len(data) > 1 and len({number for number, *_ in data}) > 1:
        reader.refuse(f"the tensor `{made.name[:80]}` has its values twice")
    packed = data[0][0] if data else RAW_DATA
    if packed == RAW_DATA or (packed in PACKED and len(data) == 1 and data[0][1] == 2):
        start, stop = data[0][2:] if data else (0, 0)
        return _at(reader, made, Place(reader.path, start, stop - start, reader.mapped), PACKED.get(packed, ""))
    if made.dtype not in VARINTS.get(packed, (PACKED.get(packed, ""),)):
        reader.refuse(f"the values of the tensor `{made.name[:80]}` are not stored as its element type asks")
    parts = [one[1:] for one in data]
    return Tensor(made.name, made.dtype, made.shape, None, _decoder(reader, made, packed, parts))


def _decoder(reader: Reader, made: Tensor, packed: int, parts: list[tuple[int, int, int]]) -> Callable[[], bytes]:
    """What reads numbers that do not lie as raw data would; refuses another count of them than the shape says."""
    least = sum(stop - start if wire == 2 else 1 for wire, start, stop in parts)
    if made.elements > least:
        reader.refuse(f"the tensor `{made.name[:80]}` has fewer values than its shape needs")
    if packed in PACKED:
        raw = b"".join([reader.bytes(start, stop) for _, start, stop in parts])
        if len(raw) != made.size:
            reader.refuse(f"the tensor `{made.name[:80]}` has {len(raw):,} bytes, but its shape needs {made.size:,}")
        return lambda: raw
    found: list[int] = []
    for wire, start, stop in parts:
        found += reader.integers(wire, start, stop, made.elements)
    if len(found) != made.elements:
        reader.refuse(f"the tensor `{made.name[:80]}` has other than {made.elements:,} values")
    return lambda: _as_bytes(made.dtype, found)


def _as_bytes(dtype: str, values: list[int]) -> bytes:
    import numpy as np

    stored = _AS_BITS.get(dtype, ELEMENT_TYPES[dtype].stored)
    return bytes(np.array(values, "<i8" if dtype != "u64" else "<u8").astype(stored).tobytes())


LONGEST = 255
"""Bytes of a file's name: no system has longer ones, and asking for one is an error."""


def _outside(reader: Reader, name: str, entries: dict[str, str]) -> Place:
    """A place in a file in the model's folder; refuses other paths."""
    location = entries.get("location", "")
    if not location or Path(location).is_absolute() or ".." in Path(location).parts or "\0" in location:
        reader.refuse(f"the data of `{name[:80]}` are not in the folder of the model")
    target = reader.path.parent / location
    offset, length = entries.get("offset", "0"), entries.get("length", "")
    if max(len(part.encode()) for part in target.parts) > LONGEST or not target.is_file():
        reader.refuse(f"the data of `{name[:80]}` are not in the folder of the model, in `{location[:80]}`")
    check_inside(target, reader.path)
    size = target.stat().st_size
    length = length or str(size)
    if not all(t.isascii() and t.isdigit() and len(t) < 19 for t in (offset, length)):
        reader.refuse(f"the data of `{name[:80]}` are not in the folder of the model, in `{location[:80]}`")
    if int(offset) + int(length) > size:
        reader.refuse(f"`{location[:80]}` ends before the data of `{name[:80]}`")
    return Place(target, int(offset), int(length))
