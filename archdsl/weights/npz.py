"""NumPy's ``.npz``: a zip archive of ``.npy`` files (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html)."""

from __future__ import annotations

import ast
from math import prod
from pathlib import Path
from typing import Any

from archdsl.element_types import ELEMENT_TYPES
from archdsl.weights.archive import Archive
from archdsl.weights.tensor import Checkpoint, Place, Tensor, check_shape, malformed, refuse

MAX_NPY_HEADER = 2048
"""Bytes; NumPy's have 118, for few axes."""
DTYPES = {type.stored: name for name, type in ELEMENT_TYPES.items() if type.struct}
"""NumPy's names of the element types that it has."""


def read(path: Path) -> Checkpoint:
    """The arrays of the archive; those of Python objects are refused (E0902)."""
    archive = Archive(path)
    tensors = {}
    for name in archive.members:
        if not name.endswith(".npy"):
            malformed(path, f"its member `{name[:80]}` is not an .npy file")
        tensors[name.removesuffix(".npy")] = _array(archive, name)
    return Checkpoint(path, "npz", tensors)


def _array(archive: Archive, member: str) -> Tensor:
    name = member.removesuffix(".npy")
    head = archive.begin(member, MAX_NPY_HEADER + 16)
    if head[:6] != b"\x93NUMPY" or len(head) < 12 or head[6] not in (1, 2, 3):
        malformed(archive.path, f"`{member[:80]}` is not an .npy file")
    width = 2 if head[6] == 1 else 4
    length = int.from_bytes(head[8 : 8 + width], "little")
    start = 8 + width + length
    if length > MAX_NPY_HEADER or start > len(head):
        malformed(archive.path, f"the header of `{member[:80]}` has {length:,} bytes")
    dtype, fortran, shape = _header(archive.path, name, head[8 + width : start])
    size = prod(shape) * ELEMENT_TYPES[dtype].bytes
    place = archive.place(member)
    if place is None:
        return Tensor(name, dtype, shape, None, lambda: _unpacked(archive, member, start, size, dtype, fortran, shape))
    if place.size != start + size:
        malformed(archive.path, f"`{member[:80]}` has {place.size - start:,} bytes, but its shape needs {size:,}")
    if fortran:
        return Tensor(name, dtype, shape, None, lambda: _unpacked(archive, member, start, size, dtype, True, shape))
    return Tensor(name, dtype, shape, Place(archive.path, place.offset + start, size))


def _unpacked(
    archive: Archive, member: str, start: int, size: int, dtype: str, fortran: bool, shape: tuple[int, ...]
) -> bytes:
    data = archive.read(member, start + size)[start:]
    if len(data) != size:
        malformed(archive.path, f"`{member[:80]}` has {len(data):,} bytes, but its shape needs {size:,}")
    if not fortran:
        return data
    import numpy as np

    return np.frombuffer(data, ELEMENT_TYPES[dtype].stored).reshape(shape, order="F").tobytes()


def _header(path: Path, name: str, text: bytes) -> tuple[str, bool, tuple[int, ...]]:
    try:
        header: Any = ast.literal_eval(text.decode("latin-1").strip())
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        malformed(path, f"the header of `{name[:80]}` cannot be read")
    if not isinstance(header, dict) or header.keys() != {"descr", "fortran_order", "shape"}:
        malformed(path, f"the header of `{name[:80]}` is not descr, fortran_order and shape")
    descr = header["descr"]
    if isinstance(descr, str) and "O" in descr:
        refuse("E0902", f"`{path}`: `{name[:80]}` holds Python objects, which are never loaded")
    if not isinstance(descr, str) or descr not in DTYPES or not isinstance(header["fortran_order"], bool):
        malformed(path, f"`{name[:80]}` has the element type {str(descr)[:40]!r}, which is not supported")
    return DTYPES[descr], header["fortran_order"], check_shape(path, name, header["shape"])
