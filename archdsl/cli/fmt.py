"""``archdsl fmt``: one layout for every spec."""

from __future__ import annotations

from typing import Annotated

from archdsl.cli.exit import CLEAN, FINDINGS, tell
from archdsl.cli.output import out, progress, say
from archdsl.cli.signature import Arg, opt

EXAMPLE = "archdsl fmt --check specs/"


def command(
    paths: Annotated[list[str], Arg("files, folders, or - for standard input", "targets")],
    check: Annotated[bool, opt("--check", help="change nothing; exit 1 if a file would change")] = False,
    diff: Annotated[bool, opt("--diff", help="change nothing; print what would change")] = False,
) -> int:
    """Format specs in place; standard input to output."""
    from archdsl.project.formatting import fmt

    with progress("formatting"):
        found = fmt(*paths, check=check or diff)
    status = tell(found.diagnostics)
    for file in found.files:
        if file.name == "-" and found.written:
            out(file.after)
        elif file.changed and diff:
            out(file.diff)
        elif file.changed and check:
            say(f"would change {file.name}")
    if [file.name for file in found.files] != ["-"]:
        say(found.summary)
    return max(status, FINDINGS if found.changed and not found.written else CLEAN)
