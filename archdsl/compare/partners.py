"""Networks that have another name or file now: which of the new ones is which of those that are gone.

As git takes files for renamed: equal ones first, then those that are alike by half.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from archdsl.compare.snapshot import Snapshot
from archdsl.record import Record

ALIKE = 0.5
"""The part of its operators that two networks must share to be one network, changed."""
MOST = 250_000
"""Pairs that are compared; beyond, only equal networks and equal names are found."""


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
    taken: set[int] = set()
    found: list[tuple[Trace, Trace]] = []

    def pair(one: Trace, other: Trace) -> None:
        if id(one) not in taken and id(other) not in taken:
            taken.update((id(one), id(other)))
            found.append((one, other))

    keys: tuple[Callable[[Trace], object], ...] = (
        lambda x: (x.exact, x.name), lambda x: (x.exact, _base(x)), lambda x: x.exact,
    )  # fmt: skip
    for key in keys:  # equal ones need no search, however many they are
        waiting: dict[object, list[Trace]] = {}
        for other in reversed(gone):
            if id(other) not in taken:
                waiting.setdefault(key(other), []).append(other)
        for one in fresh:
            if id(one) not in taken and waiting.get(key(one)):
                pair(one, waiting[key(one)].pop())
    left = [x for x in fresh if id(x) not in taken], [x for x in gone if id(x) not in taken]
    for _, one, other in sorted(_alike(*left), key=lambda three: -three[0]):
        pair(one, other)
    return found


def _alike(fresh: Sequence[Trace], gone: Sequence[Trace]) -> Iterable[tuple[float, Trace, Trace]]:
    few = len(fresh) * len(gone) <= MOST
    by_name: dict[str, list[Trace]] = {}
    for other in gone:
        by_name.setdefault(other.name, []).append(other)
    for one in fresh:
        for other in gone if few else by_name.get(one.name, ()):
            score = _score(one, other)
            if score:
                yield score, one, other


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
