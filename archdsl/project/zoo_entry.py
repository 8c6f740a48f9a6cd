"""A line of ``archdsl list``."""

from __future__ import annotations

from collections.abc import Mapping

from archdsl.record import Record


class Entry(Record):
    """A network of the zoo.

    ``measured`` has parameters, MACs, depth, receptive field and peak activations as plain numbers (bytes for memory; a
    receptive field is a list where the axes differ, ``None`` the whole axis, a text where it is an upper bound),
    ``partial`` those that are lower bounds only.
    """

    name: str
    spec: str
    year: int | None
    input: str
    measured: Mapping[str, object]
    partial: tuple[str, ...]
    ledger_ids: tuple[str, ...]

    @property
    def family(self) -> str:
        """The stem of its file."""
        return self.spec.rpartition("/")[2].removesuffix(".arch")

    @property
    def kind(self) -> str:
        """What its family does: the folder of the file; without one, it classifies images."""
        return self.spec.rpartition("/")[0] or "classification"

    def record(self) -> dict[str, object]:
        """As plain data."""
        return {
            "name": self.name, "kind": self.kind, "family": self.family, "year": self.year, "spec": self.spec,
            "input": self.input, **self.measured, "partial": [*self.partial], "ledger_ids": [*self.ledger_ids],
        }  # fmt: skip
