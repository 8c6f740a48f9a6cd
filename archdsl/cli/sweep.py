"""``archdsl cost --set width=0.5..1.5:0.1``: the figures of a family, a line for each member."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from archdsl.diagnostics import Refusal
from archdsl.project.family import Member, members

SHOWN = ("params", "macs", "weights", "peak_activations", "receptive_field", "depth")


def sweep(
    target: str, varied: Mapping[str, Sequence[Any]], fixed: Mapping[str, Any], bind: Mapping[str, int], format: str
) -> str:
    """The whole table in one of the formats of ``archdsl cost``."""
    found = list(members(target, varied, fixed, bind))
    if format == "json":
        from archdsl.report.json import document

        return document("sweep", target=target, members=[_record(member) for member in found])
    rows = [[*map(str, m.settings.values()), *_shown(m)] for m in found]
    head = (*varied, *SHOWN)
    if format == "csv":
        from archdsl.report.render import comma_separated

        return comma_separated(head, ([*map(str, m.settings.values()), *map(_exact, _figures(m))] for m in found))
    from archdsl.report.page import Table

    table = Table(head, tuple(map(tuple, rows)), frozenset(range(len(head))))
    if format == "markdown":
        from archdsl.report.markdown import table as as_markdown

        return as_markdown(table)
    from archdsl.report.layout import aligned

    return "\n".join(aligned(table)) + "\n"


def _figures(member: Member) -> list[Any]:
    """The shown quantities; ``None`` where the member is refused or a symbol has no value."""
    return [figure(member, name) for name in SHOWN]


def figure(member: Member, quantity: str, part: str | None = None, tap: str | None = None) -> Any:
    """One quantity of a member as plain data."""
    from archdsl.analyses.measure import plain

    if member.measures is None:
        return None
    try:
        return plain(member.measures.of(quantity, part, tap).value)
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


def _record(member: Member) -> dict[str, Any]:
    return {
        "settings": dict(member.settings), "refused": member.refused or None,
        **dict(zip(SHOWN, _figures(member))),
    }  # fmt: skip
