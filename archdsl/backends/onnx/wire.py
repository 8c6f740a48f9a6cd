"""The protobuf wire format, as far as ONNX needs it.

``import onnx`` costs 148 ms and its helpers copy every initialiser; a model is a few thousand small messages, so they
are written here directly. Fields go out in the order of their numbers, with no optional field left at its default:
exactly the bytes that ``SerializeToString(deterministic=True)`` gives for the same model (a test compares them).
Field numbers are those of ``onnx.proto`` (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

from archdsl.dims import Dim
from archdsl.element_types import ELEMENT_TYPES
from archdsl.shapes import TensorType

_SMALL = [bytes([n]) for n in range(128)]


class Literal:
    """A small tensor as an attribute: element type, shape and raw little-endian bytes."""

    __slots__ = ("data", "dtype", "shape")

    def __init__(self, dtype: str, shape: Sequence[int], data: bytes) -> None:
        self.dtype = dtype
        self.shape = tuple(shape)
        self.data = data


class Subgraph:
    """An encoded ``GraphProto`` as an attribute (the body of a ``Scan``)."""

    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data = data


Attribute = int | float | str | Literal | Subgraph | Sequence[int] | Sequence[float] | Sequence[str]


def varint(number: int) -> bytes:
    """A base-128 integer; negative ones as 64-bit two's complement. ``OverflowError`` beyond 64 bits."""
    if 0 <= number < 128:
        return _SMALL[number]
    if not -(1 << 63) <= number < 1 << 63:
        raise OverflowError(f"{number} does not fit into 64 bits")
    if number < 0:
        number += 1 << 64
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def integer(field: int, number: int) -> bytes:
    """An integer field."""
    return varint(field << 3) + varint(number)


def head(field: int, length: int) -> bytes:
    """The head of a string, bytes or message field of ``length`` bytes."""
    return varint(field << 3 | 2) + varint(length)


def message(field: int, data: bytes) -> bytes:
    """A string, bytes or message field."""
    return varint(field << 3 | 2) + varint(len(data)) + data


def text(field: int, value: str) -> bytes:
    """A string field."""
    return message(field, value.encode())


def real(field: int, value: float) -> bytes:
    """A float field. ``OverflowError`` where a finite value does not fit 32 bits."""
    try:
        return varint(field << 3 | 5) + struct.pack("<f", value)
    except OverflowError:
        raise OverflowError(f"{value:g} does not fit into 32 bits") from None


def attribute(name: str, value: Attribute) -> bytes:
    """An ``AttributeProto``; its kind follows from the Python type."""
    begin = text(1, name)
    match value:
        case int():
            return begin + integer(3, value) + integer(20, 2)
        case float():
            return begin + real(2, value) + integer(20, 1)
        case str():
            return begin + text(4, value) + integer(20, 3)
        case Literal():
            tensor = tensor_head("", value.dtype, value.shape) + message(9, value.data)
            return begin + message(5, tensor) + integer(20, 4)
        case Subgraph():
            return begin + message(6, value.data) + integer(20, 5)
    if any(isinstance(item, str) for item in value):
        return begin + b"".join(text(9, str(item)) for item in value) + integer(20, 8)
    if any(isinstance(item, float) for item in value):
        return begin + b"".join(real(7, float(item)) for item in value) + integer(20, 6)
    return begin + b"".join(integer(8, int(item)) for item in value) + integer(20, 7)


def node(
    kind: str,
    name: str,
    inputs: Iterable[str],
    outputs: Iterable[str],
    attributes: dict[str, Attribute],
    domain: str = "",
) -> bytes:
    """A ``NodeProto``; attributes in alphabetical order."""
    parts = [text(1, item) for item in inputs]
    parts += [text(2, item) for item in outputs]
    parts += [text(3, name), text(4, kind)]
    parts += [message(5, attribute(key, attributes[key])) for key in sorted(attributes)]
    if domain:
        parts.append(text(7, domain))
    return b"".join(parts)


def dimension(dim: Dim) -> bytes:
    """A ``TensorShapeProto.Dimension``: a number, or the printed expression as its parameter."""
    return integer(1, dim) if isinstance(dim, int) else text(2, str(dim))


def value_info(name: str, type: TensorType) -> bytes:
    """A ``ValueInfoProto`` of a tensor."""
    shape = b"".join(message(1, dimension(dim)) for dim in type.shape)
    tensor = integer(1, ELEMENT_TYPES[type.dtype].onnx) + message(2, shape)
    return text(1, name) + message(2, message(1, tensor))


def tensor_head(name: str, dtype: str, shape: Sequence[int]) -> bytes:
    """A ``TensorProto`` up to its data: shape, element type, name."""
    head = b"".join(integer(1, size) for size in shape) + integer(2, ELEMENT_TYPES[dtype].onnx)
    return head + text(8, name) if name else head


def external(location: str, offset: int, length: int) -> bytes:
    """The end of a ``TensorProto`` whose data lies in another file: ``external_data`` and ``data_location``."""
    entries = (("location", location), ("offset", str(offset)), ("length", str(length)))
    return b"".join(message(13, text(1, key) + text(2, value)) for key, value in entries) + integer(14, 1)


def opset(version: int, domain: str = "") -> bytes:
    """An ``OperatorSetIdProto``."""
    return (text(1, domain) if domain else b"") + integer(2, version)


def entry(key: str, value: str) -> bytes:
    """A ``StringStringEntryProto``."""
    return text(1, key) + text(2, value)
