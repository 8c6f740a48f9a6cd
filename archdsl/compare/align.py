"""Alignment of the path trees of two networks: which parts belong together, so that an insertion is an insertion.

The operators' paths make a tree. The children of two matched scopes are aligned in order (Needleman and Wunsch 1970):
equal ones first, then those that are alike; what finds no partner is added or removed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from archdsl.compare.snapshot import Layer
from archdsl.record import Record

CELLS = 250_000
"""Of the alignment table; beyond, children are matched by name."""
ALIKE = 0.5
"""The part of their operators that two scopes must share to be one scope, changed."""


class Branch:
    """A scope or an operator: its children in order of first appearance."""

    __slots__ = ("children", "kind", "layer", "name", "ops", "path", "same")

    def __init__(self, name: str, path: str) -> None:
        self.name = name
        self.path = path
        self.children: dict[str, Branch] = {}
        self.layer: Layer | None = None
        self.ops: Counter[str] = Counter()
        self.kind: object = None
        """Equal for equal operators in equal order, whatever their sizes."""
        self.same: object = None
        """Equal where names and arguments are equal too."""

    def layers(self) -> list[Layer]:
        """The operators below, in order of the tree."""
        found: list[Layer] = []
        waiting = [self]
        while waiting:
            branch = waiting.pop()
            if branch.layer is not None:
                found.append(branch.layer)
            waiting += reversed(branch.children.values())
        return found


class Pair(Record):
    """Two parts that belong together; one of them is ``None`` for what was added or removed as a whole."""

    old: Branch | None
    new: Branch | None


def align(old: Iterable[Layer], new: Iterable[Layer]) -> list[Pair]:
    """Pairs of operators, and parts that have no partner, in the order of the newer tree."""
    known: dict[object, int] = {}
    found: list[Pair] = []
    waiting = [Pair(tree(old, known), tree(new, known))]
    while waiting:
        pair = waiting.pop()
        if pair.old is None or pair.new is None or not (pair.old.children and pair.new.children):
            found.append(pair)
            continue
        waiting += reversed(_children(list(pair.old.children.values()), list(pair.new.children.values())))
    return [pair for pair in found if any(side is not None and side.ops for side in (pair.old, pair.new))]


def tree(layers: Iterable[Layer], known: dict[object, int]) -> Branch:
    """The tree of paths; ``known`` numbers signatures, and is shared by trees that are compared."""
    root = Branch("", "")
    order = [root]
    for layer in layers:
        branch = root
        for name in layer.path.split("."):
            below = branch.children.get(name)
            if below is None:
                below = branch.children[name] = Branch(name, f"{branch.path}.{name}".lstrip("."))
                order.append(below)
            branch = below
        branch.layer = layer
    for branch in order[:]:
        if branch.layer is not None and branch.children:  # an operator whose path is also a scope
            own = branch.children[""] = Branch("", branch.path)
            own.layer, branch.layer = branch.layer, None
            order.append(own)
    for branch in reversed(order):
        _sign(branch, known)
    return root


def _sign(branch: Branch, known: dict[object, int]) -> None:
    own = branch.layer
    below = list(branch.children.values())
    if own is not None:
        branch.ops[own.op] += 1
    for child in below:
        branch.ops += child.ops
    op = own.op if own else None
    config = tuple(own.config.items()) if own else None
    branch.kind = known.setdefault(("kind", op, *(c.kind for c in below)), len(known))
    branch.same = known.setdefault((op, config, *((c.name if c.children else "", c.same) for c in below)), len(known))


def _children(old: Sequence[Branch], new: Sequence[Branch]) -> list[Pair]:
    """The children of two matched scopes as pairs; equal ends first, since most of a network did not change."""
    head = 0
    while head < min(len(old), len(new)) and _equal(old[head], new[head]):
        head += 1
    tail = 0
    while tail < min(len(old), len(new)) - head and _equal(old[-1 - tail], new[-1 - tail]):
        tail += 1
    a, b = old[head : len(old) - tail], new[head : len(new) - tail]
    middle = _by_score(a, b) if len(a) * len(b) <= CELLS else _by_name(a, b)
    ends = [Pair(x, y) for x, y in zip(old[:head], new[:head])]
    return [*ends, *middle, *(Pair(x, y) for x, y in zip(old[len(old) - tail :], new[len(new) - tail :]))]


def _equal(a: Branch, b: Branch) -> bool:
    return a.name == b.name and a.same == b.same


Known = dict[tuple[object, object], tuple[float, bool]]
"""What is known of two kinds of children: see :func:`_likeness`."""


def _score(a: Branch, b: Branch, known: Known) -> float:
    """How well two children match; 0: not at all. A number as a name is only a place: an insertion moves it."""
    if bool(a.children) != bool(b.children):
        return 0.0
    likeness = known.get((a.same, b.same))
    if likeness is None:
        likeness = known[a.same, b.same] = _likeness(a, b)
    score, alike = likeness
    label = a.name == b.name and not a.name.isdigit()
    if a.children:
        return score + 1.5 * label if alike or label else 0.0
    return score + 0.5 * label if alike else 0.5 * (a.name == b.name) + 0.5 * label


def _likeness(a: Branch, b: Branch) -> tuple[float, bool]:
    """The part of the score that names take no part in, and whether the two may be the same without names."""
    if not a.children:
        alike = a.layer is not None and b.layer is not None and a.layer.op == b.layer.op
        return 2.0 + (a.same == b.same), alike
    shared = 2 * (a.ops & b.ops).total() / (a.ops.total() + b.ops.total())
    return 2.0 * shared + (a.kind == b.kind) + (a.same == b.same), shared >= ALIKE


def _by_score(a: Sequence[Branch], b: Sequence[Branch]) -> list[Pair]:
    known: Known = {}
    best = [[0.0] * (len(b) + 1) for _ in range(len(a) + 1)]
    scores = [[_score(x, y, known) for y in b] for x in a]
    for i in range(len(a) - 1, -1, -1):
        for j in range(len(b) - 1, -1, -1):
            both = best[i + 1][j + 1] + scores[i][j] if scores[i][j] else 0.0
            best[i][j] = max(both, best[i + 1][j], best[i][j + 1])
    found, i, j = [], 0, 0
    while i < len(a) or j < len(b):
        paired = i < len(a) and j < len(b) and scores[i][j] and best[i][j] == best[i + 1][j + 1] + scores[i][j]
        if paired:
            found.append(Pair(a[i], b[j]))
            i, j = i + 1, j + 1
        elif i < len(a) and (j == len(b) or best[i][j] == best[i + 1][j]):
            found.append(Pair(a[i], None))
            i += 1
        else:
            found.append(Pair(None, b[j]))
            j += 1
    return found


def _by_name(a: Sequence[Branch], b: Sequence[Branch]) -> list[Pair]:
    others = {branch.name: branch for branch in a}
    kept = [Pair(others.get(y.name) if _like(others.get(y.name), y) else None, y) for y in b]
    taken = {pair.old.name for pair in kept if pair.old is not None}
    return [*(Pair(x, None) for x in a if x.name not in taken), *kept]


def _like(a: Branch | None, b: Branch) -> bool:
    return a is not None and bool(a.children) == bool(b.children)
