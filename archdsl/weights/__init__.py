"""Weights from files: readers for the usual formats, and matching by name.

A :class:`~archdsl.weights.tensor.Checkpoint` maps names to tensors that are read when their values are wanted. Nothing
in here imports PyTorch, and no file is ever executed.
"""

from __future__ import annotations

from pathlib import Path

from archdsl.files import check_file
from archdsl.weights.tensor import Checkpoint, Tensor, malformed, refuse

__all__ = ["Checkpoint", "Tensor", "read"]

SUFFIXES = {
    ".safetensors": "safetensors", ".json": "sharded", ".npz": "npz", ".onnx": "onnx_file",
    ".pth": "torch_file", ".pt": "torch_file", ".bin": "torch_file", ".ckpt": "torch_file",
}  # fmt: skip
"""How a file ends -> the module that reads it."""


def read(path: str | Path) -> Checkpoint:
    """The tensors of a weight file. Raises ``Refusal``: E0001 no such file, E0901 kind, E0902 damaged or hostile."""
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
    except OSError as error:
        refuse("E0001", f"`{path}` cannot be read: {error.strerror or error}")
    if not found.tensors:
        malformed(path, "it contains no tensors")
    try:
        "".join(found).encode()
    except UnicodeEncodeError:  # halves of characters, which JSON and pickles can say
        malformed(path, "the name of a tensor in it is not text")
    return found
