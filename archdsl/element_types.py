"""Element types: the names of each here, in files and in the frameworks, and its size.

The one table of them. NumPy and PyTorch are not imported for it: it holds their names.
"""

from __future__ import annotations

from math import isfinite

from archdsl.record import Record


class ElementType(Record):
    """One element type."""

    bytes: int
    """The size of an element."""
    onnx: int
    """``TensorProto.DataType`` (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto)."""
    stored: str
    """How NumPy reads the elements of a file (little-endian); bfloat16, which NumPy lacks, as its bits."""
    struct: str
    """The character of the module ``struct``; empty for bfloat16."""
    framework: str
    """The name in PyTorch, NumPy and ONNX Runtime: ``float32``."""
    safetensors: str
    """The name in a safetensors file."""
    storage: str = ""
    """The class of its storage in a PyTorch file (``FloatStorage``); empty where PyTorch has none."""
    largest: float = 0.0
    """For floating-point types, a number that is safe from overflow; 0 for others."""


ELEMENT_TYPES: dict[str, ElementType] = {
    "f32": ElementType(4, 1, "<f4", "f", "float32", "F32", "FloatStorage", 3e38),
    "f16": ElementType(2, 10, "<f2", "e", "float16", "F16", "HalfStorage", 65504.0),
    "bf16": ElementType(2, 16, "<u2", "", "bfloat16", "BF16", "BFloat16Storage", 3e38),
    "f64": ElementType(8, 11, "<f8", "d", "float64", "F64", "DoubleStorage", 1e308),
    "i64": ElementType(8, 7, "<i8", "q", "int64", "I64", "LongStorage"),
    "i32": ElementType(4, 6, "<i4", "i", "int32", "I32", "IntStorage"),
    "i16": ElementType(2, 5, "<i2", "h", "int16", "I16", "ShortStorage"),
    "i8": ElementType(1, 3, "|i1", "b", "int8", "I8", "CharStorage"),
    "u64": ElementType(8, 13, "<u8", "Q", "uint64", "U64"),
    "u32": ElementType(4, 12, "<u4", "I", "uint32", "U32"),
    "u16": ElementType(2, 4, "<u2", "H", "uint16", "U16"),
    "u8": ElementType(1, 2, "|u1", "B", "uint8", "U8", "ByteStorage"),
    "bool": ElementType(1, 9, "|b1", "?", "bool", "BOOL", "BoolStorage"),
}
"""By the name in the language."""

FLOATS = frozenset(name for name, type in ELEMENT_TYPES.items() if type.largest)
INTEGERS = frozenset(name for name in ELEMENT_TYPES if name[0] in "iu")
NUMBERS = FLOATS | INTEGERS
SIGNED = FLOATS | frozenset(name for name in INTEGERS if name[0] == "i")
BOOLEANS = frozenset({"bool"})
ANY = NUMBERS | BOOLEANS


def holds(dtype: str, value: float) -> bool:
    """Whether an element can be this number; a float may round it, but not to infinity."""
    if dtype in FLOATS:
        return not isfinite(value) or abs(value) < _BEYOND[dtype]
    if not isfinite(value) or value != int(value):
        return False
    if dtype == "bool":
        return value in (0, 1)
    bits = 8 * ELEMENT_TYPES[dtype].bytes
    least = -(1 << bits - 1) if dtype in SIGNED else 0
    return least <= value < least + (1 << bits)


_BEYOND = {"f16": 65520.0, "bf16": 255.5 * 2.0**120, "f32": (2.0 - 2.0**-24) * 2.0**127, "f64": float("inf")}
"""The least number that rounds to infinity."""
