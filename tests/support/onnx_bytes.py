"""ONNX files written byte by byte: also those that the package ``onnx`` would not write."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any


def varint(value: int) -> bytes:
    """A base-128 integer; negative ones as 64 bits."""
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def field(number: int, value: int | str | bytes, claims: int | None = None) -> bytes:
    """One field; a text or message may claim another length than it has."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data) if claims is None else claims) + data


def attribute(name: str, value: Any) -> bytes:
    """An ``AttributeProto``: an integer, a float, a text, a list of integers, a graph (bytes) or a tensor (tuple)."""
    start = field(1, name)
    if isinstance(value, int):
        return start + field(3, value) + field(20, 2)
    if isinstance(value, float):
        return start + varint(2 << 3 | 5) + struct.pack("<f", value) + field(20, 1)
    if isinstance(value, str):
        return start + field(4, value) + field(20, 3)
    if isinstance(value, list):
        return start + b"".join(field(8, one) for one in value) + field(20, 7)
    if isinstance(value, tuple):
        return start + field(5, value[0]) + field(20, 4)
    return start + field(6, value) + field(20, 5)


def node(op: str, inputs: Sequence[str], outputs: Sequence[str], domain: str = "", **attributes: Any) -> bytes:
    """A ``NodeProto`` as a field of a graph."""
    body = b"".join(field(1, one) for one in inputs) + b"".join(field(2, one) for one in outputs) + field(4, op)
    body += field(7, domain) if domain else b""
    return field(1, body + b"".join(field(5, attribute(*pair)) for pair in attributes.items()))


def tensor(name: str, sizes: Sequence[int], dtype: int = 1, raw: bytes | None = None, more: bytes = b"") -> bytes:
    """A ``TensorProto``."""
    dims = b"".join(field(1, size) for size in sizes)
    return dims + field(2, dtype) + field(8, name) + (field(9, raw) if raw is not None else b"") + more


def integers(name: str, values: Sequence[int]) -> bytes:
    """A tensor of 64-bit integers as an initialiser of a graph."""
    return field(5, tensor(name, [len(values)], 7, struct.pack(f"<{len(values)}q", *values)))


def port(number: int, name: str, sizes: Sequence[int | str] | None, dtype: int = 1) -> bytes:
    """An input (11) or output (12) of a graph."""
    shape = b"" if sizes is None else field(2, b"".join(
        field(1, field(2, one) if isinstance(one, str) else field(1, one)) for one in sizes
    ))  # fmt: skip
    return field(number, field(1, name) + field(2, field(1, field(1, dtype) + shape)))


def file(graph: bytes, functions: bytes = b"", opset: int = 17, version: int = 8, domain: str = "own") -> bytes:
    """A ``ModelProto``."""
    sets = field(8, field(2, opset)) + field(8, field(1, domain) + field(2, 1))
    return field(1, version) + sets + field(7, graph) + functions


def simple(nodes: bytes, more: bytes = b"", sizes: Sequence[int | str] = ("N", 3, 8, 8), last: str = "y") -> bytes:
    """A model of one input ``x`` and one output."""
    return file(nodes + field(2, "net") + more + port(11, "x", sizes) + port(12, last, None))
