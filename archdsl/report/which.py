"""Which network of the zoo a model is, for people and programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archdsl.report.page import Facts, Page, Report, Table

if TYPE_CHECKING:
    from archdsl.compare.which import Match, Which

MOST = 8
"""Layers that are listed of each side."""


class WhichReport(Report):
    """The verdict, the nearest networks, and what differs from the first."""

    kind = "which"

    def __init__(self, which: Which) -> None:
        self.which = which

    def page(self) -> Page:
        which, of = self.which, self.which.of
        rows = [_row(one) for one in which.found]
        rows.append((which.name, "", str(of.layers), f"{of.params:,}", "" if of.macs is None else f"{of.macs:,}"))
        table = Table(("network", "layers shared", "layers", "params", "MACs"), tuple(rows))
        parts: list[Facts | Table] = [Facts((self.verdict,)), table]
        parts += [Facts(tuple(lines), title) for title, lines in self._differences() if lines]
        return Page("", tuple(parts))

    @property
    def verdict(self) -> str:
        """One sentence."""
        which = self.which
        if which.best is None:
            return f"{which.name} is like no network of the zoo"
        first = which.found[0]
        if which.same:
            other = (
                "" if not (which.only(0, "activations") or which.only(1, "activations")) else ", with other activations"
            )
            return f"{which.name} has the layers of {which.best}{other}"
        return f"{which.name} is like {which.best}: {first.shared} of {first.layers} layers are the same"

    def _differences(self) -> list[tuple[str, list[str]]]:
        which = self.which
        return [
            (f"only in {name}", [*_listed(which.only(side, "layers")), *_listed(which.only(side, "activations"))])
            for side, name in ((0, which.name), (1, which.best or ""))
        ]

    def data(self) -> dict[str, Any]:
        which = self.which
        sides = {"model": 0, "network": 1}
        return {
            "name": which.name, "best": which.best, "same_layers": which.same,
            "networks": [
                {"name": one.name, "shared": one.shared, "layers": one.layers, "likeness": one.likeness,
                 "params": one.params, "macs": one.macs}
                for one in which.found
            ],
            "only": {
                side: {kind: dict(which.only(number, kind)) for kind in ("layers", "activations")}
                for side, number in sides.items()
            },
        }  # fmt: skip


def _row(one: Match) -> tuple[str, ...]:
    macs = "" if one.macs is None else f"{one.macs:,}"
    return (one.name, str(one.shared), str(one.layers), f"{one.params:,}", macs)


def _listed(found: Any) -> list[str]:
    lines = [f"{count} x {what}" if count > 1 else what for what, count in sorted(found.items())]
    rest = len(lines) - MOST
    return [*lines[:MOST], *([f"… and {rest} more"] if rest > 0 else [])]
