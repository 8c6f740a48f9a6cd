"""``archdsl lint --fix``: applies the edits of findings, each only if it causes no new error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from archdsl.diagnostics import Diagnostic, DiagnosticError, Edit, Refusal
from archdsl.process import deep_stack
from archdsl.report.text import counted
from archdsl.writing import write_file


def mend(name: str, look: Callable[[str], Sequence[Diagnostic]]) -> tuple[Sequence[Diagnostic], str]:
    """Fix the file ``name`` and lint it again; the findings that are left, and a line on what was done (or empty).

    Refuses (E0007) targets other than an ``.arch`` file of the user: a variant, a name of the zoo, standard input.
    """
    if not name.endswith(".arch"):
        raise Refusal("E0007", f"`--fix {name}`: only whole files can be fixed", help="give a .arch file or a folder")
    found = look(name)
    edits = [d.edit for d in found if d.edit is not None]
    if not edits:
        return found, ""
    before = edits[0].span.source.text
    text, done = _applied(before, name, edits)
    if done:
        write_file(Path(name), text)
    return look(name), f"fixed {counted(done, 'finding')} in {name}" + _kept(len(edits) - done)


def _kept(count: int) -> str:
    return f"; {count} not fixed, because the edit would break a claim or another rule of the language" if count else ""


def _applied(text: str, name: str, edits: Sequence[Edit]) -> tuple[str, int]:
    """The text with every edit that makes no new error, last first: places before an edit stay what they are."""
    formatted = _formatted(text) == text
    known = _faults(text, name)
    last_first = sorted(edits, key=lambda e: -e.span.start)
    text, done = _most(text, last_first, lambda tried: _faults(tried, name) <= known)
    return (_formatted(text) if formatted else text), done


def _most(text: str, edits: Sequence[Edit], sound: Callable[[str], bool]) -> tuple[str, int]:
    """The text with all of the edits if it is sound then, else with what is sound of either half."""
    tried = text
    for edit in edits:
        tried = tried[: edit.span.start] + edit.text + tried[edit.span.end :]
    if sound(tried):
        return tried, len(edits)
    if len(edits) == 1:
        return text, 0
    half = len(edits) // 2
    text, first = _most(text, edits[:half], sound)
    text, second = _most(text, edits[half:], sound)
    return text, first + second


def _faults(text: str, name: str) -> set[tuple[str, str]]:
    """The errors of a text, wherever they are."""
    from archdsl.driver import open_source
    from archdsl.source import Source

    try:
        found = open_source(Source(name, text), Path(name)).check()
    except DiagnosticError as error:
        found = list(error.diagnostics)
    return {(d.code, d.message) for d in found if d.severity == "error"}


def _formatted(text: str) -> str:
    from archdsl.source import Source
    from archdsl.syntax.format import format_file
    from archdsl.syntax.parse import parse_file

    with deep_stack():
        return format_file(parse_file(Source("", text)))
