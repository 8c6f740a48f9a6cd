"""Checkpoints in several files, with an index ``{"weight_map": {name: file}}`` in the same folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from archdsl.files import check_inside, read_file
from archdsl.weights import npz, safetensors, torch_file
from archdsl.weights.tensor import MAX_HEADER, MAX_TENSORS, Checkpoint, malformed, once, refuse

READERS: dict[str, Callable[[Path], Checkpoint]] = {
    ".safetensors": safetensors.read, ".npz": npz.read, ".bin": torch_file.read, ".pth": torch_file.read,
    ".pt": torch_file.read, ".ckpt": torch_file.read,
}  # fmt: skip
"""How a shard ends -> what reads it; ``pytorch_model.bin.index.json`` is the index of PyTorch files."""


def read(path: Path) -> Checkpoint:
    """The tensors that the index names, from files in its own folder."""
    places = _places(path)
    shards: dict[str, Checkpoint] = {}
    tensors = {}
    for name, file in places.items():
        if file not in shards:
            shards[file] = _shard(path, file)
        if name not in shards[file]:
            malformed(path, f"`{file}` has no tensor `{name[:80]}`")
        tensors[name] = shards[file][name]
    for file, shard in shards.items():
        twice = next((name for name in shard if places.get(name, file) != file), None)
        if twice is not None:
            malformed(path, f"`{twice[:80]}` is in `{places[twice][:80]}` and in `{file[:80]}`")
    formats = dict.fromkeys(shard.format for shard in shards.values())
    said = {shard.names for shard in shards.values()}
    return Checkpoint(path, f"sharded {' and '.join(formats)}", tensors, names=said.pop() if len(said) == 1 else "")


def _places(path: Path) -> dict[str, str]:
    """The file of each tensor, as the index says."""
    text = read_file(path, MAX_HEADER)
    if len(text) > MAX_HEADER:
        malformed(path, "it is too large for an index")
    if text.count(b"{") + text.count(b"[") > MAX_TENSORS:
        malformed(path, "it is not a table of names and files")
    try:
        index = json.loads(text.decode(), object_pairs_hook=once(path))
    except (ValueError, RecursionError):
        malformed(path, "it is not JSON")
    places = index.get("weight_map") if isinstance(index, dict) else None
    if not isinstance(places, dict) or not all(isinstance(file, str) for file in places.values()):
        malformed(path, "it has no `weight_map` of names and files")
    if not places:
        malformed(path, "its `weight_map` is empty")
    if len(places) > MAX_TENSORS:
        malformed(path, f"it names {len(places):,} tensors")
    return places


def _shard(index: Path, file: str) -> Checkpoint:
    if not file or file != Path(file).name or "\\" in file or "\0" in file:
        malformed(index, f"its file `{file[:80]}` is not in the same folder")
    shard = index.with_name(file)
    reader = READERS.get(shard.suffix.lower())
    if reader is None:
        help = f"an index may name {', '.join(READERS)}; Keras' .h5 and Flax' .msgpack must be converted"
        refuse("E0901", f"`{index}` is an index of files that cannot be read: `{file[:80]}`", help=help)
    if not shard.is_file():
        malformed(index, f"there is no file `{file[:80]}` in the same folder")
    check_inside(shard, index)
    return reader(shard)
