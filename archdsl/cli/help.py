"""What the help of a command shows: values by their choices, options under headings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from archdsl.cli.signature import Arg, Opt, Param, choices


def metavar(p: Param) -> str | None:
    """How the help calls a value: its choices, or what kind it is; typer would write Python's type."""
    allowed = choices(p.role)
    if allowed and len(allowed) < 12:
        return "|".join(allowed)
    if isinstance(p.role, Arg):
        return p.name.strip("_").upper()
    if p.kind is bool:
        return None
    return p.role.metavar or {int: "NUMBER", Path: "FILE"}.get(p.kind, "TEXT")


def grouped(more: Sequence[Param]) -> Any:
    """A class for typer's commands whose help shows the options of a group under a heading of their own."""
    from typer.core import TyperCommand

    headings: dict[str, list[str]] = {}
    for p in more:
        for heading in p.role.groups if isinstance(p.role, Opt) else ():
            headings.setdefault(heading, []).append(p.name)
    inside = {name for names in headings.values() for name in names}

    class Grouped(TyperCommand):
        def format_options(self, ctx: Any, formatter: Any) -> None:
            every: list[Any] = self.params
            for p in every:  # what a value is, its name and its choices say; typer would add Python's type
                if p.param_type_name == "argument":
                    p.display_type = p.display_type_rich = lambda ctx: ""
            self.params = [p for p in every if p.name not in inside]
            super().format_options(ctx, formatter)
            self.params = every
            for heading, names in headings.items():
                records = [p.get_help_record(ctx) for p in every if p.name in names]
                with formatter.section(heading):
                    formatter.write_dl([record for record in records if record is not None])

    return Grouped
