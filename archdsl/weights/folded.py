"""Models whose exporter has folded the norms: what is left are convolutions with biases.

Such a file is loaded exactly all the same: where a layer has its weight in the file, and the norm behind it nothing,
the norm becomes the identity (weight 1, mean 0, variance 1 - eps) and adds the bias that stands in its place.
"""

from __future__ import annotations

from collections.abc import Mapping

from archdsl.graph import Graph, Node
from archdsl.record import Record
from archdsl.weights.tensor import Tensor


class Unfolded(Record):
    """Values for the parameters of norms, the tensors of the file that these take, and how many norms they are."""

    pairs: Mapping[str, Tensor]
    used: frozenset[str]
    norms: int


def unfolded(graph: Graph, offered: Mapping[str, Tensor], names: Mapping[str, str]) -> Unfolded:
    """The norms that are folded in a file; ``names`` are those of the parameters that it has."""
    from archdsl.rewrites.fold import foldable

    pairs: dict[str, Tensor] = {}
    used: set[str] = set()
    norms = 0
    for layer, norm in foldable(graph).items():
        weight = names.get(layer.params["weight"].path, "")
        name = next((one for one in (weight.removesuffix("weight") + "bias", f"{weight}_bias") if one in offered), "")
        bias = offered.get(name)
        if not weight.endswith("weight") or bias is None or any(p.path in names for p in norm.params.values()):
            continue
        own = "bias" in layer.params
        if not own and ("bias" not in norm.params or tuple(norm.params["bias"].type.shape) != bias.shape):
            continue
        pairs |= _identity(norm, None if own else bias)
        used |= set() if own else {name}
        norms += 1
    return Unfolded(pairs, frozenset(used), norms)


def _identity(norm: Node, bias: Tensor | None) -> dict[str, Tensor]:
    """Values under which a norm adds ``bias`` and does nothing else."""
    found = {}
    eps: float = getattr(norm.op, "eps")  # noqa: B009  (of whatever folds)
    for slot, value in (("weight", 1.0), ("bias", 0.0), ("running_mean", 0.0), ("running_var", 1.0 - eps)):
        if slot in norm.params:
            parameter = norm.params[slot]
            sizes = tuple(size for size in parameter.type.shape if isinstance(size, int))
            found[parameter.path] = bias if slot == "bias" and bias is not None else _filled(sizes, value)
    return found


def _filled(shape: tuple[int, ...], value: float) -> Tensor:
    def load() -> bytes:
        import numpy as np

        return np.full(shape, value, "<f4").tobytes()

    return Tensor(f"{value:g}", "f32", shape, None, load)
