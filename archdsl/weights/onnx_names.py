"""Names of weights that an exporter has changed.

PyTorch's exporter folds what it can, and what it has computed is called ``onnx::Conv_193``. The node that uses it is
called after the module that made it, ``/layer1/layer1.0/conv1/Conv``, and so has the name that was lost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from archdsl.graph import Stored
from archdsl.record import Record
from archdsl.weights.convert import kept
from archdsl.weights.tensor import Tensor

INVENTED = "onnx::"
ROLES = dict.fromkeys(("Conv", "ConvTranspose", "Gemm", "MatMul"), ("", "weight", "bias"))
"""What the inputs of a node are to the module that it is of."""


COMPUTED = ("val_", "_val_", "onnx::")
"""How the names of constants begin that exporters have made of numbers in the code."""
SIZES = (
    "Reshape", "Expand", "Tile", "Pad", "Slice", "Split", "Squeeze", "Unsqueeze", "Resize", "Upsample", "TopK",
    "Gather", "ConstantOfShape", "ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceL2",
)  # fmt: skip
"""Operators that take sizes, axes and places from all their inputs but the first."""


class Use(Record):
    """A node: operator, name, inputs, first output."""

    operator: str
    name: str
    inputs: tuple[str, ...]
    output: str


def named(tensors: Mapping[str, Tensor], uses: Sequence[Use]) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """The tensors under the names of the modules that use them, where the exporter has invented others; and what is to
    be told of that. Equal tensors that the exporter has kept once are there under each of their names.
    """
    found = dict(tensors)
    for use in uses:
        if use.operator == "Identity" and use.inputs and use.inputs[0] in found and use.output:
            found.setdefault(use.output, found[use.inputs[0]].renamed(use.output))
    others = [use for use in uses if use.operator != "Identity"]
    counts = Counter(name for use in others for name in set(use.inputs) if name.startswith(INVENTED))
    renamed = 0
    for use in others:
        for role, name in zip(ROLES.get(use.operator, ()), use.inputs):
            path = scope(use.name)
            if role and path and counts[name] == 1 and name in found and f"{path}.{role}" not in found:
                found[f"{path}.{role}"] = _as_module(found.pop(name), use)
                renamed += 1
    for name in _constants(found, uses):
        del found[name]
    return found, (f"{renamed} tensors that the exporter has renamed are called after the modules they are of",) * bool(
        renamed
    )


def _constants(tensors: Mapping[str, Tensor], uses: Sequence[Use]) -> list[str]:
    """Names of what is no weight: sizes and axes, and numbers that stood in the code."""
    sizes: set[str] = set()
    others: set[str] = set()
    for use in uses:
        split = 1 if use.operator in SIZES else len(use.inputs)
        others.update(use.inputs[:split])
        sizes.update(use.inputs[split:])
    return [
        name for name, tensor in tensors.items()
        if (name in sizes and name not in others and len(tensor.shape) < 2 and tensor.dtype in ("i64", "i32"))
        or (not tensor.shape and name.startswith(COMPUTED))
    ]  # fmt: skip


def scope(name: str) -> str:
    """``/layer1/layer1.0/conv1/Conv`` -> ``layer1.0.conv1``: modules in a ``Sequential`` repeat its name."""
    words: list[str] = []
    for word in name.split("/")[1:-1]:
        if words and word.startswith(f"{words[-1]}."):
            words.pop()
        words.append(word)
    return ".".join(words)


def _as_module(tensor: Tensor, use: Use) -> Tensor:
    """A matrix of ``MatMul`` is the transposed one of its ``Linear``."""
    if use.operator != "MatMul" or len(tensor.shape) != 2:
        return tensor
    return kept(tensor, Stored(tensor.name, tensor.shape[::-1], (1, 0)))
