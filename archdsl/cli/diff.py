"""``archdsl diff``: what changed between two networks, and what each change costs."""

from __future__ import annotations

from typing import Annotated

from archdsl.cli.exit import CLEAN, FINDINGS
from archdsl.cli.options import Bind, Watching, bindings
from archdsl.cli.output import progress, show
from archdsl.cli.signature import Arg, opt

FORMATS = ("text", "json", "markdown")

EXAMPLE = "archdsl diff resnet18 resnet34"


def command(
    old: Annotated[str, Arg("before: spec.arch, spec.arch:variant or a name of the zoo", "targets")],
    new: Annotated[str, Arg("after", "targets")],
    format: Annotated[str, opt("--format", help="the form of the output", choices=FORMATS)] = "text",
    strict: Annotated[bool, opt("--strict", help="exit 1 if inputs or outputs changed")] = False,
    bind: Bind = None,
    watch: Watching = False,
) -> int:
    """Compare two networks: what changed, and what it costs."""
    from archdsl.project.comparing import diff
    from archdsl.report.diff import DiffReport

    sizes = bindings(bind)
    with progress(f"comparing {old} and {new}"):
        found = diff(old, new, sizes)
    show(DiffReport(found), format)
    return FINDINGS if strict and found.interface.breaking else CLEAN
