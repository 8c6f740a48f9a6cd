"""Sweeps: the figures of a family of networks, a line for each member."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from archdsl.diagnostics import Refusal
from archdsl.driver import Settings
from archdsl.project.family import Member, Varied, members
from archdsl.report.page import Page, Table
from archdsl.report.render import Printed

SHOWN = ("params", "macs", "weights", "peak_activations", "receptive_field", "depth")


class Sweep(Printed):
    """What ``archdsl cost --set width=0.5..1.5:0.1`` tells."""

    kind = "sweep"

    def __init__(self, target: str, found: Sequence[Member]) -> None:
        self.target = target
        self.members = tuple(found)

    @property
    def head(self) -> tuple[str, ...]:
        """The varied parameters, and the quantities that are shown."""
        return (*(self.members[0].settings if self.members else ()), *SHOWN)

    def page(self) -> Page:
        """One table."""
        rows = tuple((*map(str, m.settings.values()), *_shown(m)) for m in self.members)
        return Page("", (Table(self.head, rows, frozenset(range(len(self.head)))),))

    def grid(self) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        """The same with exact numbers."""
        rows = [(*m.settings.values(), *map(_exact, _figures(m))) for m in self.members]
        return self.head, [tuple(map(str, row)) for row in rows]

    def data(self) -> dict[str, Any]:
        """Every member with its figures; nulls where it is refused or a symbol has no value."""
        records = [
            {"settings": dict(m.settings), "refused": m.refused or None, **dict(zip(SHOWN, _figures(m)))}
            for m in self.members
        ]
        return {"target": self.target, "members": records}


def sweep(
    target: str, vary: Varied, *, settings: Settings | None = None, bind: Mapping[str, int] | None = None
) -> Sweep:
    """The figures of every member of a family: ``sweep("mobilenet_v2", {"width": "0.5..1.5:0.1"})``.

    ``settings`` are parameters that stay what they are, ``bind`` gives symbols sizes. Raises ``DiagnosticError``.
    """
    return Sweep(target, list(members(target, vary, settings or {}, bind or {})))


def _figures(member: Member) -> list[Any]:
    return [_figure(member, name) for name in SHOWN]


def _figure(member: Member, quantity: str) -> Any:
    """One quantity as plain data; ``None`` where the member is refused or a symbol has no value."""
    from archdsl.analyses.measure import plain

    if member.measures is None:
        return None
    try:
        return plain(member.measures.of(quantity).value)
    except Refusal as refusal:
        if refusal.code != "E0307":
            raise
        return None


def _shown(member: Member) -> list[str]:
    from archdsl.analyses.measure import show

    if member.measures is None:
        return [f"refused: {member.refused}", *[""] * (len(SHOWN) - 1)]
    figures = zip(SHOWN, _figures(member))
    return ["symbolic" if v is None else show(n, tuple(v) if isinstance(v, list) else v) for n, v in figures]


def _exact(value: Any) -> str:
    return "" if value is None else "x".join(map(str, value)) if isinstance(value, list) else str(value)
