"""What was found of which network of the zoo a model is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from archdsl.compare.skeleton import Skeleton
from archdsl.record import Record
from archdsl.shown import Shown

LIKE = 0.5
"""The part of the layers that must be shared to be called alike."""


class Match(Record):
    """A network of the zoo beside the model."""

    name: str
    likeness: float
    shared: int
    layers: int
    params: int
    macs: int | None


class Which(Shown, report="archdsl.report.which:WhichReport"):
    """The networks of the zoo that are most like a model, best first, and what differs from the best."""

    def __init__(self, name: str, of: Match, found: tuple[Match, ...], best: tuple[Skeleton, Skeleton] | None) -> None:
        self.name = name
        self.of = of
        """The model itself."""
        self.found = found
        self._sides = best

    @property
    def best(self) -> str | None:
        """The network that it is, or that it is like; ``None`` where none is alike."""
        return self.found[0].name if self.found and self.found[0].likeness >= LIKE else None

    @property
    def same(self) -> bool:
        """Whether all layers are those of the best one."""
        return self.best is not None and self.found[0].likeness == 1

    def only(self, side: int, kind: str) -> Mapping[str, int]:
        """Layers or activations (``kind``) that the model (0) or the best network (1) alone has, and how many."""
        if self._sides is None or self.best is None:
            return {}
        ours, theirs = (getattr(one, kind) for one in self._sides)
        return Counter(ours) - Counter(theirs) if side == 0 else Counter(theirs) - Counter(ours)
