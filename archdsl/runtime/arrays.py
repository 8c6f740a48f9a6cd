"""Arrays from ``.npy`` and ``.npz`` files: what they hold is looked at before it is read."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from math import prod
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from archdsl.diagnostics import Refusal
from archdsl.files import open_file
from archdsl.runtime.session import first_line

if TYPE_CHECKING:
    import numpy

KINDS = "give .npy, .npz or an image"
MAX_BYTES = 2**31
"""Of an array that an archive may inflate to."""
Check = Callable[[tuple[int, ...]], None]
"""Refuses an array by its shape."""


def array(path: Path, check: Check) -> numpy.ndarray:
    """The array in a ``.npy`` file; refuses (E0001, E0704) what is none."""
    with open_file(path) as file:
        begin = file.read(6)
        if begin[:2] == b"PK":
            help = "rename it to .npz, and give it without an input name"
            raise Refusal("E0704", f"`{path}` is an archive, not one array", help=help)
        if begin != b"\x93NUMPY":
            raise Refusal("E0704", f"`{path}` is not an array file", help=KINDS)
        file.seek(0, io.SEEK_END)
        size = file.tell()
        file.seek(0)
        return _read(path, file, size, check)


def archive(path: Path, checks: Mapping[str, Check], unknown: Callable[[str], Refusal]) -> dict[str, numpy.ndarray]:
    """The arrays of a ``.npz`` file by name; nothing is unpacked that no input takes."""
    from zipfile import ZipFile

    with open_file(path) as file:
        if file.read(6) == b"\x93NUMPY":
            raise Refusal("E0704", f"`{path}` is named .npz but is a single array")
        file.seek(0)
        try:
            found = {}
            with ZipFile(file) as opened:
                for info in opened.infolist():
                    name = info.filename.removesuffix(".npy")
                    if name not in checks:
                        raise unknown(name)
                    if info.file_size > MAX_BYTES:
                        raise Refusal("E0008", f"`{name}` in `{path}` unpacks to {info.file_size:,} bytes")
                    with opened.open(info) as member:
                        found[name] = _read(path, member, info.file_size, checks[name])
        except Refusal:
            raise
        except Exception as error:  # zipfile's, zlib's and lzma's share no base
            raise Refusal("E0704", f"`{path}` is damaged", notes=(first_line(error),)) from None
        return found


def _read(path: Path, stream: IO[bytes], size: int, check: Check) -> numpy.ndarray:
    """The array in a stream of ``size`` bytes; its shape is checked before its elements are read."""
    import numpy as np

    try:
        shape, fortran, dtype = _header(stream)
    except Exception as error:  # NumPy's reader meets damaged headers with errors of many kinds
        raise Refusal("E0704", f"`{path}` has a damaged header", notes=(first_line(error),)) from None
    if dtype.hasobject:
        raise Refusal("E0704", f"`{path}` holds Python objects, which are never loaded")
    if not dtype.itemsize or dtype.subdtype is not None:
        raise Refusal("E0704", f"`{path}` holds elements of {dtype}, which no input takes")
    check(shape)
    wanted = prod(shape) * dtype.itemsize
    if wanted > size:
        raise Refusal("E0704", f"`{path}` has {size:,} bytes, but its shape needs {wanted:,}")
    data = stream.read(wanted)
    if len(data) != wanted:
        raise Refusal("E0704", f"`{path}` ends before its array does")
    found = np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C")
    return np.ascontiguousarray(found) if fortran else found


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, Any]:
    from numpy.lib import format as npy

    readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    version = npy.read_magic(stream)
    if version not in readers:
        raise ValueError(f"the version {version[0]}.{version[1]} of the format is not supported")
    shape, fortran, dtype = readers[version](stream)
    if any(n < 0 for n in shape):
        raise ValueError("a negative size")
    return shape, fortran, dtype
