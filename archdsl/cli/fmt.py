"""``archdsl fmt``: one layout for every spec."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from archdsl.cli.exit import CLEAN, FINDINGS, tell
from archdsl.cli.output import out, say
from archdsl.cli.signature import Arg, opt
from archdsl.cli.targets import arch_files, read_source
from archdsl.diagnostics import DiagnosticError
from archdsl.files import write_file
from archdsl.report.text import counted


def command(
    paths: Annotated[list[str], Arg("files, folders, or - for standard input")],
    check: Annotated[bool, opt("--check", help="change nothing; exit 1 where a file would change")] = False,
    diff: Annotated[bool, opt("--diff", help="change nothing; print what would change")] = False,
) -> int:
    """Format specs in place; standard input to output."""
    changed: list[str] = []
    status = CLEAN
    names = arch_files(paths)
    for name in names:
        try:
            before, after = _formatted(name)
        except DiagnosticError as error:
            status = max(status, tell(error.diagnostics))
            continue
        if name == "-" and not (check or diff):
            out(after)
            continue
        if before == after:
            continue
        changed.append(name)
        if diff:
            out(unified(name, before, after))
        elif not check:
            write_file(Path(name), after)
        else:
            say(f"would change {name}")
    if names != ["-"]:
        say(_summary(len(names), len(changed), check or diff))
    return max(status, FINDINGS if changed and (check or diff) else CLEAN)


def _formatted(name: str) -> tuple[str, str]:
    """The text of a file before and after; raises ``DiagnosticError`` where it does not parse."""
    from archdsl.syntax.format import format_file
    from archdsl.syntax.parse import parse_file

    source = read_source(name)
    return source.text, format_file(parse_file(source))


def unified(name: str, before: str, after: str) -> str:
    """A unified diff."""
    import difflib

    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), name, f"{name} (formatted)", lineterm="")
    return "".join(line + "\n" for line in lines)


def _summary(total: int, changed: int, only_checked: bool) -> str:
    if not changed:
        return f"{counted(total, 'file')} already formatted"
    return f"{counted(changed, 'file')} of {total} {'would change' if only_checked else 'formatted'}"
