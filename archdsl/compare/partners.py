"""Networks that have another name or file now: which of the new ones is which of those that are gone.

Almost as git takes files for renamed: those of the same name, equal ones, then those that are alike by half.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from archdsl.compare.snapshot import Snapshot
from archdsl.record import Record

ALIKE = 0.5
"""The part of its operators that two networks must share to be one network, changed."""
FEW, MOST = 2_500, 100_000
"""Pairs that are compared: of one name, of any; of more, only equal networks are found."""


class Trace(Record):
    """A network without its figures: where it is defined, and what it is made of."""

    file: str
    name: str
    made_of: Counter[int]
    """Operators with their arguments and sizes."""
    kinds: Counter[str]
    exact: int

    @property
    def shown(self) -> str:
        """``specs/net.arch:small``."""
        return f"{self.file}:{self.name}"


def trace(file: str, name: str, taken: Snapshot) -> Trace:
    """What stays of a snapshot."""
    parts = [hash((x.op, tuple(x.config.items()), x.output)) for x in taken.layers]
    kinds = Counter(x.op for x in taken.layers)
    exact = hash((tuple(parts), tuple(taken.inputs.values()), tuple(taken.outputs.values())))
    return Trace(file, name, Counter(parts), kinds, exact)


def partners(fresh: Sequence[Trace], gone: Sequence[Trace]) -> list[tuple[Trace, Trace]]:
    """Pairs of a new network and the one that it was; each is in one pair at most."""
    found = _Pairs(fresh, gone)
    found.equal(lambda x: (x.exact, x.name))
    found.alike(lambda x: (x.name, _base(x)), FEW)  # a name is what people mean, also where an equal one is at hand
    found.alike(lambda x: x.name, FEW)
    found.equal(lambda x: (x.exact, _base(x)))
    found.equal(lambda x: x.exact)
    found.alike(lambda x: None, MOST)
    return found.pairs


class _Pairs:
    """The pairs found so far."""

    def __init__(self, fresh: Sequence[Trace], gone: Sequence[Trace]) -> None:
        self.sides = fresh, gone
        self.taken: set[int] = set()
        self.pairs: list[tuple[Trace, Trace]] = []

    def equal(self, key: Callable[[Trace], object]) -> None:
        """Pair those of equal keys; this is no search, however many there are."""
        for ours, theirs in self._groups(key):
            for pair in zip(ours, theirs):
                self._pair(*pair)

    def alike(self, key: Callable[[Trace], object], most: int) -> None:
        """Of those of equal keys, pair the most alike first."""
        for ours, theirs in self._groups(key):
            if len(ours) * len(theirs) <= most:
                scored = [(_score(one, other), one, other) for one in ours for other in theirs]
                for score, one, other in sorted(scored, key=lambda three: -three[0]):
                    if score:
                        self._pair(one, other)

    def _groups(self, key: Callable[[Trace], object]) -> list[tuple[list[Trace], list[Trace]]]:
        groups: dict[object, tuple[list[Trace], list[Trace]]] = {}
        for side, traces in enumerate(self.sides):
            for one in traces:
                if id(one) not in self.taken:
                    groups.setdefault(key(one), ([], []))[side].append(one)
        return list(groups.values())

    def _pair(self, one: Trace, other: Trace) -> None:
        if id(one) not in self.taken and id(other) not in self.taken:
            self.taken.update((id(one), id(other)))
            self.pairs.append((one, other))


def _score(one: Trace, other: Trace) -> float:
    """How alike two networks are; 0: not at all."""
    named = one.name == other.name
    shared = _shared(one.made_of, other.made_of)
    if shared < ALIKE and not (named and _shared(one.kinds, other.kinds) >= ALIKE):
        return 0.0
    return shared + named + 0.5 * (_base(one) == _base(other))


def _base(one: Trace) -> str:
    return one.file.rpartition("/")[2]


def _shared(a: Counter[int] | Counter[str], b: Counter[int] | Counter[str]) -> float:
    total = a.total() + b.total()
    return 2 * (a & b).total() / total if total else 1.0  # type: ignore[operator]
