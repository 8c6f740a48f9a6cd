"""The safetensors format (https://github.com/huggingface/safetensors): a JSON header, then the tensors' bytes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from archdsl.element_types import ELEMENT_TYPES
from archdsl.files import open_file
from archdsl.weights.tensor import MAX_HEADER, MAX_TENSORS, Checkpoint, Place, Tensor, check_shape, malformed, once

DTYPES = {type.safetensors: name for name, type in ELEMENT_TYPES.items()}


def read(path: Path) -> Checkpoint:
    """The tensors of one file."""
    size = path.stat().st_size
    with open_file(path) as file:
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or length > min(size - 8, MAX_HEADER):
            malformed(path, f"its header would have {length:,} bytes, but the file has {size:,}")
        header = _header(path, file.read(length))
    about = header.get("__metadata__")
    said = about.get("archdsl.names", "") if isinstance(about, dict) else ""
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__":
            tensors[name] = _tensor(path, name, entry, 8 + length, size)
    _check_layout(path, list(tensors.values()), 8 + length, size)
    return Checkpoint(path, "safetensors", tensors, names=said if isinstance(said, str) else "")


def _header(path: Path, text: bytes) -> dict[str, Any]:
    if text.count(b"{") + text.count(b"[") > 4 * MAX_TENSORS:  # each of them is far larger in memory than in the file
        malformed(path, f"its header describes more than {MAX_TENSORS:,} tensors")
    try:
        header = json.loads(text.decode(), object_pairs_hook=once(path))
    except (ValueError, RecursionError):
        malformed(path, "its header is not JSON")
    if not isinstance(header, dict) or len(header) > MAX_TENSORS:
        malformed(path, "its header is not a table of tensors")
    return header


def _tensor(path: Path, name: str, entry: Any, begin: int, size: int) -> Tensor:
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        malformed(path, f"the entry of `{name[:80]}` is not dtype, shape and data_offsets")
    dtype = DTYPES.get(entry["dtype"]) if isinstance(entry["dtype"], str) else None
    if dtype is None:
        malformed(path, f"`{name[:80]}` has the element type {str(entry['dtype'])[:40]!r}, which is not supported")
    shape = check_shape(path, name, entry["shape"])
    place = entry["data_offsets"]
    if not (isinstance(place, list) and len(place) == 2 and all(type(n) is int for n in place)):
        malformed(path, f"the offsets of `{name[:80]}` are not a pair of numbers")
    start, stop = place
    if not 0 <= start <= stop <= size - begin:
        malformed(path, f"`{name[:80]}` lies outside of the file")
    tensor = Tensor(name, dtype, shape, Place(path, begin + start, stop - start))
    if tensor.size != stop - start:
        malformed(path, f"`{name[:80]}` has {stop - start:,} bytes, but its shape needs {tensor.size:,}")
    return tensor


def _check_layout(path: Path, tensors: list[Tensor], begin: int, size: int) -> None:
    """The format's rule: tensors neither overlap nor leave holes."""
    position = begin
    places = sorted((t.place.offset, t.place.size) for t in tensors if t.place)
    for offset, length in places:
        if offset != position:
            malformed(path, "its tensors overlap or leave gaps")
        position += length
    if position != size:
        malformed(path, f"{size - position:,} bytes after its tensors belong to no tensor")


def encode(tensors: dict[str, tuple[str, tuple[int, ...]]], metadata: dict[str, str]) -> bytes:
    """The head of a file with these element types and shapes, whose bytes follow in order."""
    header: dict[str, Any] = {"__metadata__": metadata} if metadata else {}
    position = 0
    for name, (dtype, shape) in tensors.items():
        type = ELEMENT_TYPES[dtype]
        size = type.bytes
        for n in shape:
            size *= n
        header[name] = {
            "dtype": type.safetensors,
            "shape": list(shape),
            "data_offsets": [position, position + size],
        }
        position += size
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text
