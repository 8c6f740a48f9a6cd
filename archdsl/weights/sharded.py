"""Checkpoints in several safetensors files, with an index ``{"weight_map": {name: file}}`` in the same folder."""

from __future__ import annotations

import json
from pathlib import Path

from archdsl.files import check_inside, read_file
from archdsl.weights import safetensors
from archdsl.weights.tensor import MAX_HEADER, MAX_TENSORS, Checkpoint, malformed


def read(path: Path) -> Checkpoint:
    """The tensors that the index names, from files in its own folder."""
    if path.stat().st_size > MAX_HEADER:
        malformed(path, "it is too large for an index")
    try:
        index = json.loads(read_file(path, MAX_HEADER).decode())
    except (ValueError, RecursionError):
        malformed(path, "it is not JSON")
    places = index.get("weight_map") if isinstance(index, dict) else None
    if not isinstance(places, dict) or not all(isinstance(file, str) for file in places.values()):
        malformed(path, "it has no `weight_map` of names and files")
    if len(places) > MAX_TENSORS:
        malformed(path, f"it names {len(places):,} tensors")
    shards: dict[str, Checkpoint] = {}
    tensors = {}
    for name, file in places.items():
        if file not in shards:
            shards[file] = _shard(path, file)
        if name not in shards[file]:
            malformed(path, f"`{file}` has no tensor `{name[:80]}`")
        tensors[name] = shards[file][name]
    return Checkpoint(path, "sharded safetensors", tensors)


def _shard(index: Path, file: str) -> Checkpoint:
    if not file or file != Path(file).name or "\\" in file or "\0" in file:
        malformed(index, f"its file `{file[:80]}` is not in the same folder")
    shard = index.with_name(file)
    if not shard.is_file():
        malformed(index, f"there is no file `{file[:80]}` in the same folder")
    check_inside(shard, index)
    return safetensors.read(shard)
