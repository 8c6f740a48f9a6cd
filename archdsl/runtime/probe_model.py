"""A model of one operator, written byte by byte: what ``doctor`` tries a runtime with, and nothing else."""

from __future__ import annotations


def _varint(number: int) -> bytes:
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def _field(number: int, value: bytes | int) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def tiny_model(size: int = 4) -> bytes:
    """ONNX (IR 8, opset 17): ``y = Relu(x)`` for float32 [size]."""
    shape = _field(2, _field(1, _field(1, size)))
    tensor = _field(2, _field(1, _field(1, 1) + shape))
    node = _field(1, b"x") + _field(2, b"y") + _field(4, b"Relu")
    graph = _field(1, node) + _field(2, b"tiny")
    graph += _field(11, _field(1, b"x") + tensor) + _field(12, _field(1, b"y") + tensor)
    return _field(1, 8) + _field(7, graph) + _field(8, _field(1, b"") + _field(2, 17))
