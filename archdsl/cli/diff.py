"""``archdsl diff``: what changed between two networks, and what each change costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from archdsl.cli.exit import CLEAN, FINDINGS
from archdsl.cli.options import choose
from archdsl.cli.output import columns, out
from archdsl.cli.signature import Arg, opt

if TYPE_CHECKING:
    from archdsl.compare.diff import Difference
    from archdsl.compare.snapshot import Snapshot

FORMATS = ("text", "json", "markdown")


def command(
    old: Annotated[str, Arg("before: spec.arch, spec.arch:variant or a name of the zoo")],
    new: Annotated[str, Arg("after")],
    format: Annotated[str, opt("--format", help=", ".join(FORMATS))] = "text",
    strict: Annotated[bool, opt("--strict", help="exit 1 where inputs or outputs changed")] = False,
) -> int:
    """Compare two networks: figures, interface, and the changes with their costs."""
    choose(format, "--format", FORMATS)
    from archdsl.compare.diff import diff

    found = diff(taken(old), taken(new))
    if format == "json":
        from archdsl.report.diff_views import as_json

        out(as_json(found))
    elif format == "markdown":
        out(as_markdown(found))
    else:
        out(as_text(found))
    return FINDINGS if strict and found.interface.breaking else CLEAN


def taken(target: str) -> Snapshot:
    """The figures of a target."""
    from archdsl.cli.targets import graph_of
    from archdsl.project.baseline import figures

    return figures(graph_of(target, {}, {}))


def as_text(found: Difference) -> str:
    """For a terminal."""
    from archdsl.report.diff_views import change_rows, figure_rows, heading, structure

    lines = [heading(found), ""]
    lines += columns([("", "before", "after", "change", ""), *figure_rows(found)], frozenset({1, 2, 3, 4}), "  ")
    lines += [f"  {found.remark}"] if found.remark else []
    lines += ["", f"interface: {found.interface.verdict}"]
    lines += [f"  {line}" for line in found.interface.lines]
    lines += ["", f"structure: {structure(found)}"] if structure(found) else []
    rows = change_rows(found)
    if rows:
        table = [("changes", "where", "params", "MACs"), *(("  " * level + a, b, c, d) for level, a, b, c, d in rows)]
        lines += ["", *columns(table, frozenset({2, 3}))]
    return "\n".join(lines) + "\n"


def as_markdown(found: Difference) -> str:
    """For a pull request."""
    from archdsl.report.diff_views import change_rows, figure_rows, heading, structure
    from archdsl.report.markdown import escaped, rows_of

    parts = [f"### {escaped(heading(found))}\n", rows_of(("", "before", "after", "change", ""), figure_rows(found))]
    parts += [f"{escaped(found.remark)}\n"] if found.remark else []
    notes = found.interface.lines
    parts += [f"**Interface:** {found.interface.verdict}\n" + "".join(f"\n- {escaped(line)}" for line in notes)]
    rows = [("\u2003" * level + a, f"`{b}`" if b else "", c, d) for level, a, b, c, d in change_rows(found)]
    parts += [f"**Structure:** {structure(found)}\n"] if structure(found) else []
    parts += [rows_of(("change", "where", "params", "MACs"), rows)] if rows else []
    return "\n".join(part if part.endswith("\n") else part + "\n" for part in parts)
