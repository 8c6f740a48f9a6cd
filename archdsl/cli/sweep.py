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
    from archdsl.report.listing import family
    from archdsl.report.render import render

    return render(family(target, list(varied), [_record(m) for m in members(target, varied, fixed, bind)]), format)


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


def _record(member: Member) -> dict[str, Any]:
    return {
        "settings": dict(member.settings), "refused": member.refused or None,
        **dict(zip(SHOWN, _figures(member))),
    }  # fmt: skip
