"""``archdsl diff``: what changed between two networks, and what each change costs."""

from __future__ import annotations

from typing import Annotated

from archdsl.cli.exit import CLEAN, FINDINGS
from archdsl.cli.options import Bind, Watching, bindings
from archdsl.cli.output import progress, show
from archdsl.cli.signature import Arg, opt
from archdsl.diagnostics import Refusal

FORMATS = ("text", "json", "markdown")

EXAMPLE = "archdsl diff resnet18 resnet34"


def command(
    old: Annotated[str, Arg("before: spec.arch, spec.arch:variant or a name of the zoo", "targets")],
    new: Annotated[str, Arg("after", "targets")],
    format: Annotated[str, opt("--format", help="the form of the output", choices=FORMATS)] = "text",
    output: Annotated[
        str | None, opt("--output", "-o", metavar="FILE", help="draw both as one picture: .svg, .png, .mmd or .dot")
    ] = None,
    depth: Annotated[int | None, opt("--depth", min=0, help="with -o: open so many levels of what changed")] = None,
    strict: Annotated[bool, opt("--strict", help="exit 1 if inputs or outputs changed")] = False,
    bind: Bind = None,
    watch: Watching = False,
) -> int:
    """Compare two networks: what changed, and what it costs."""
    from archdsl.project.comparing import both
    from archdsl.project.picture import checked_output, of_both
    from archdsl.report.diff import DiffReport

    sizes = bindings(bind)
    if output is not None:
        checked_output(output)
    elif depth is not None:
        help = "name the file of the picture: `-o diff.svg`"
        raise Refusal("E0007", "`--depth` is for a picture", help=help)
    with progress(f"comparing {old} and {new}"):
        found = both(old, new, sizes)
        if output is not None:
            of_both(found, depth).save(output)
    show(DiffReport(found.difference), format)
    return FINDINGS if strict and found.difference.interface.breaking else CLEAN
