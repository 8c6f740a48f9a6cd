"""Weights from files: readers for the usual formats, and matching by name.

A :class:`~archdsl.weights.tensor.Checkpoint` maps names to tensors that are read when their values are wanted. Nothing
in here imports PyTorch, and no file is ever executed.
"""

from __future__ import annotations

import errno
from pathlib import Path

from archdsl.diagnostics import Refusal, did_you_mean
from archdsl.files import check_file
from archdsl.weights.tensor import FREE_GROWTH, MAX_GROWTH, MAX_NAME, Checkpoint, Tensor, malformed, refuse

__all__ = ["Checkpoint", "Tensor", "read"]

SUFFIXES = {
    ".safetensors": "safetensors", ".json": "sharded", ".npz": "npz", ".onnx": "onnx_file", ".pt2": "exported",
    ".pth": "torch_file", ".pt": "torch_file", ".bin": "torch_file", ".ckpt": "torch_file",
}  # fmt: skip
"""How a file ends -> the module that reads it."""


def read(path: str | Path, key: str = "") -> Checkpoint:
    """The tensors of a weight file; with ``key`` those of the dictionary, or below the prefix, that it names by dots.

    Raises ``Refusal``: E0001 no such file, E0901 kind, E0902 damaged or hostile, E0007 no such key.
    """
    from importlib import import_module

    path = Path(path)
    check_file(path)
    module = SUFFIXES.get(path.suffix.lower())
    if module is None:
        refuse(
            "E0901",
            f"`{path}` is not a weight file by its name",
            help=f"the supported suffixes are {', '.join(SUFFIXES)}",
        )
    try:
        found: Checkpoint = import_module(f"archdsl.weights.{module}").read(path)
        _check_bounds(found)
    except OSError as error:
        if error.errno in (errno.EINVAL, errno.ENAMETOOLONG):  # what the file says, not what became of it
            malformed(path, "it names a place or a file that cannot be")
        refuse("E0001", f"`{path}` cannot be read: {error.strerror or error}")
    if not found.tensors:
        malformed(path, "it contains no tensors")
    try:
        "".join(found).encode()
    except UnicodeEncodeError:  # halves of characters, which JSON and pickles can say
        malformed(path, "the name of a tensor in it is not text")
    return _keyed(found, key) if key else found


def _check_bounds(found: Checkpoint) -> None:
    """What names and tensors may take, held before any of them is shown or read."""
    longest = max(map(len, found), default=0)
    if longest > MAX_NAME:
        malformed(found.path, f"a tensor in it has a name of {longest:,} characters")
    tensors = list(found.values())
    files = {found.path, *(tensor.place.path for tensor in tensors if tensor.place)}
    held, wanted = sum(file.stat().st_size for file in files), sum(tensor.size for tensor in tensors)
    if wanted > MAX_GROWTH * held + FREE_GROWTH:
        malformed(found.path, f"its tensors would have {wanted:,} bytes, in {held:,} of a file")


def _keyed(found: Checkpoint, key: str) -> Checkpoint:
    inner = found.under(key)
    if inner.tensors:
        return inner
    prefixes = dict.fromkeys(name.rpartition(".")[0] for name in found)
    known = [k for k in found.keys_inside if k] or [p for p in prefixes if p]
    listed = ", ".join(f"`{one}`" for one in known[:8])
    help = did_you_mean(key, known, f"the file has {listed}" if known else "its names have no common parts")
    raise Refusal("E0007", f"`{found.path}` has no tensors under the key `{key[:80]}`", help=help)
