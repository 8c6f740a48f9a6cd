"""Formatting: one layout for every spec."""

from __future__ import annotations

from pathlib import Path

from archdsl.diagnostics import Diagnostic, DiagnosticError
from archdsl.process import deep_stack
from archdsl.project.targets import arch_files, read_source
from archdsl.record import Record
from archdsl.report.text import counted, render
from archdsl.shown import Verbatim
from archdsl.writing import write_file


class Formatted(Record):
    """One file: its text before and after. ``diagnostics``: why it cannot be read, and stays what it is."""

    name: str
    before: str
    after: str
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether it is not what it was."""
        return self.before != self.after

    @property
    def diff(self) -> str:
        """What changes, as a unified diff."""
        import difflib

        sides = self.before.splitlines(), self.after.splitlines()
        lines = difflib.unified_diff(*sides, self.name, f"{self.name} (formatted)", lineterm="")
        return "".join(line + "\n" for line in lines)


class Formatting(Verbatim, Record):
    """What formatting came to. ``written``: whether the files were changed."""

    files: tuple[Formatted, ...]
    written: bool

    @property
    def changed(self) -> tuple[Formatted, ...]:
        """The files that are not what they were."""
        return tuple(file for file in self.files if file.changed)

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Why some files cannot be read."""
        return tuple(d for file in self.files for d in file.diagnostics)

    @property
    def summary(self) -> str:
        """``2 files of 7 formatted, 1 cannot be read``."""
        total, changed = len(self.files), len(self.changed)
        broken = sum(bool(file.diagnostics) for file in self.files)
        if changed:
            said = [f"{counted(changed, 'file')} of {total} {'formatted' if self.written else 'would change'}"]
        else:
            said = [f"{counted(total - broken, 'file')} already formatted"] if total > broken else []
        return ", ".join([*said, *([f"{counted(broken, 'file')} cannot be read"] if broken else [])])

    def __str__(self) -> str:
        return "\n".join([*map(render, self.diagnostics), self.summary])


def fmt(*paths: str | Path, check: bool = False) -> Formatting:
    """Format files, and all ``.arch`` files in folders, in place; ``check`` changes nothing.

    A file that cannot be parsed is reported in the result and not changed. Raises ``DiagnosticError`` for what cannot
    be written.
    """
    found = [_formatted(name) for name in arch_files(paths)]
    for file in found if not check else ():
        if file.changed and file.name != "-":
            write_file(Path(file.name), file.after)
    return Formatting(tuple(found), not check)


def _formatted(name: str) -> Formatted:
    from archdsl.syntax.format import format_file
    from archdsl.syntax.parse import parse_file

    try:
        source = read_source(name)
        with deep_stack():
            return Formatted(name, source.text, format_file(parse_file(source)))
    except DiagnosticError as error:
        return Formatted(name, "", "", error.diagnostics)
