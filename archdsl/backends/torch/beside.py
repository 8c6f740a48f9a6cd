"""The weights that a network got from a file, beside its module: a safetensors file under the module's own names."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

from archdsl.graph import Graph
from archdsl.weights.tensor import Loaded, Tensor


def loaded(graph: Graph) -> dict[str, Tensor]:
    """The tensors of the parameters whose values come from a file, by their paths."""
    every = {one.path: one for node in graph.all_nodes() for one in node.params.values()}
    found = {path: one.init.tensor for path, one in every.items() if isinstance(one.init, Loaded)}
    return {path: tensor for path, tensor in found.items() if tensor is not None}


def file_of(module: Path) -> Path:
    """Where the weights of a module lie."""
    return module.with_suffix(".safetensors")


def write(tensors: dict[str, Tensor], module: Path) -> int:
    """Write the weights of a module, as they are stored; the bytes of the file.

    Refuses (E0006) to replace a file that archdsl did not write, or one that a tensor lies in.
    """
    from archdsl.diagnostics import Refusal
    from archdsl.outputs import WEIGHTS, check_output
    from archdsl.weights.safetensors import encode
    from archdsl.writing import write_file

    target = file_of(module)
    if target.resolve() in {one.place.path.resolve() for one in tensors.values() if one.place is not None}:
        raise Refusal("E0006", f"the weights of the module would overwrite `{target}`, which is read",
                      help="give the module another name with `-o`")  # fmt: skip
    check_output(target, WEIGHTS)
    kinds = {name: (one.dtype, one.shape) for name, one in tensors.items()}
    head = encode(kinds, {"format": "pt", "producer": "archdsl", "archdsl.names": "own"})
    write_file(target, chain([head], *(one.stretches() for one in tensors.values())))
    return target.stat().st_size
