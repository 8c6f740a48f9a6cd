"""Matching without names: the layers of both sides, by their roles and shapes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from archdsl.graph import Parameter
from archdsl.weights.tensor import Tensor

Layer = tuple[tuple[str, tuple[object, ...]], ...]
"""The roles (last parts of the names) and shapes of one layer's tensors."""
Alike = tuple[tuple[str, str], ...]
"""Layers that only their order tells apart: ours, and the file's at the same place."""


def by_structure(parameters: Mapping[str, Parameter], tensors: Mapping[str, Tensor]) -> tuple[dict[str, str], Alike]:
    """Parameter path -> tensor name, if both sides are the same sequence of layers; else nothing. And those of the
    layers that are alike: for them it is the order alone that decides, which is no proof (a file may well have `k`,
    `v`, `q`).

    A layer is what shares a prefix, its identity the roles and shapes of its tensors. One layer more or less leaves no
    match at all rather than a wrong one; where no two are alike, the order is of no consequence.
    """
    ours = _layers((path, tuple(p.type.shape)) for path, p in parameters.items())
    theirs = _layers((name, t.shape) for name, t in tensors.items())
    kinds, others = [_layer(one) for one in ours.values()], [_layer(one) for one in theirs.values()]
    counts = Counter(kinds)
    if len(counts) == len(kinds) == len(others) and counts == Counter(others):
        where = dict(zip(others, theirs))
        order = [where[kind] for kind in kinds]
    elif kinds == others:
        order = list(theirs)
    else:
        return {}, ()
    found = {
        _joined(mine, role): _joined(prefix, role)
        for (mine, roles), prefix in zip(ours.items(), order)
        for role in roles
    }
    return found, tuple((mine, prefix) for mine, prefix, kind in zip(ours, order, kinds) if counts[kind] > 1)


def _joined(prefix: str, role: str) -> str:
    return f"{prefix}.{role}" if prefix else role


def _layers(named: Iterable[tuple[str, tuple[object, ...]]]) -> dict[str, dict[str, tuple[object, ...]]]:
    found: dict[str, dict[str, tuple[object, ...]]] = {}
    for name, shape in named:
        prefix, _, role = name.rpartition(".")
        found.setdefault(prefix, {})[role] = shape
    return found


def _layer(tensors: Mapping[str, tuple[object, ...]]) -> Layer:
    return tuple(sorted(tensors.items()))
