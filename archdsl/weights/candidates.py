"""Ways to read the names of a file as a network's: under each of its maps, without a prefix that one side has.

Frameworks wrap networks in one another, and each puts its own attribute in front of all names: ``module.``
(DataParallel), ``_orig_mod.`` (torch.compile), ``model.`` (Lightning). What is left without it are the network's names,
and these say which tensor is whose. So one prefix is left out of the file's names, whatever it is, and one of the
network's; never more than that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from itertools import islice

from archdsl.element_types import FLOATS
from archdsl.graph import Parameter, Stored
from archdsl.record import Record
from archdsl.weights.tensor import Tensor

DEPTH = 8
"""Components that a prefix may have."""
TRIED = 4
"""Pairs of prefixes that are looked at more closely: those under which most names are known."""


class Reading(Record):
    """One way: parameters by path, and the tensors of the file that are theirs by name."""

    key: str
    """The dictionary of the file, or the part of its names, that is looked at."""
    map: str
    """The map of the spec, empty for the network's own names."""
    ours: str
    theirs: str
    """What is left out before the names of the network, and before those of the file."""
    stored: Mapping[str, Stored]
    names: Mapping[str, str]
    fitting: int
    """How many of these tensors have the right shape and type."""

    @property
    def rank(self) -> tuple[int, int, int]:
        """The greater, the better: most that fit, most that are known, least left out."""
        return self.fitting, len(self.names), -bool(self.ours) - bool(self.theirs)

    @property
    def taken(self) -> dict[str, tuple[str, tuple[int, ...]]]:
        """What is loaded from where: in the names of the whole file, with the order of axes."""
        begin = f"{self.key}." if self.key else ""
        return {path: (begin + name, self.stored[path].order) for path, name in self.names.items()}

    def known_as(self, names: Collection[str]) -> set[str]:
        """The same prefixes, left out of other names of the network: what the file would call them."""
        return {self.theirs + name.removeprefix(self.ours) for name in names if name.startswith(self.ours)}


def fits(parameter: Parameter, stored: Stored, tensor: Tensor) -> bool:
    """Whether shapes agree and the element types are the same or both floating-point."""
    same = parameter.type.dtype == tensor.dtype or {parameter.type.dtype, tensor.dtype} <= FLOATS
    return same and stored.shape == tensor.shape


def readings(
    wanted: Mapping[str, Parameter], offered: Mapping[str, Tensor], stored: Mapping[str, Stored], key: str, map: str
) -> Iterator[Reading]:
    """The ways that know a name at all, under one map of names."""
    ours = {one.name: path for path, one in stored.items()}
    for mine, other in prefixes(ours, offered):
        names = {
            path: other + name.removeprefix(mine)
            for name, path in ours.items()
            if name.startswith(mine) and other + name.removeprefix(mine) in offered
        }
        fitting = sum(fits(wanted[path], stored[path], offered[name]) for path, name in names.items())
        if names:
            yield Reading(key, map, mine, other, stored, names, fitting)


def prefixes(ours: Collection[str], theirs: Collection[str]) -> list[tuple[str, str]]:
    """Prefixes of both sides without which most names agree; first, with none left out at all."""
    votes: Counter[tuple[str, str]] = Counter()
    known, offered = set(ours), set(theirs)
    for name in theirs:
        votes.update(("", head) for head in heads(name) if name[len(head) :] in known)
    for name in ours:
        votes.update((head, "") for head in heads(name) if _speaks(name[len(head) :], offered))
    mine, other = common(ours), common(theirs)
    if mine and other:
        _vote_for_both(votes, mine, other, known, offered)
    best = [pair for pair, _ in votes.most_common(TRIED) if pair != ("", "")]
    return [("", ""), *best]


def _vote_for_both(votes: Counter[tuple[str, str]], mine: str, other: str, known: set[str], offered: set[str]) -> None:
    """Where each side has a prefix."""
    bare = {name[len(mine) :] for name in known}
    for name in offered:
        votes.update((mine, head) for head in heads(name) if _speaks(name[len(head) :], bare))
    bare = {name[len(other) :] for name in offered}
    for name in known:
        votes.update((head, other) for head in heads(name) if _speaks(name[len(head) :], bare))


def _speaks(rest: str, known: set[str]) -> bool:
    """What is left of a name of ours must still have two components: a role alone says nothing."""
    return "." in rest and rest in known


def heads(name: str) -> Iterator[str]:
    """``a.b.c`` -> ``a.``, ``a.b.``."""
    return islice(_heads(name), DEPTH)


def _heads(name: str) -> Iterator[str]:
    at = name.find(".") + 1
    while at:
        yield name[:at]
        at = name.find(".", at) + 1


def common(names: Collection[str]) -> str:
    """What all names begin with, in whole components; never a whole name."""
    low, high = min(names, default=""), max(names, default="")
    found = ""
    for head in _heads(low):
        if not high.startswith(head):
            break
        found = head
    return found
