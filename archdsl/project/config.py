"""The project's own file: ``archdsl.toml``, or ``pyproject.toml`` with a ``[tool.archdsl]``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archdsl.diagnostics import Diagnostic, DiagnosticError
from archdsl.files import check_inside, read_file
from archdsl.source import Span, note

if TYPE_CHECKING:
    from archdsl.source import Source

LONGEST = 1_000_000
"""Bytes of a configuration that are read."""
_OURS = re.compile(
    rb"""^\s*(?:\[\[?\s*)?["']?tool["']?\s*(?:\.\s*["']?archdsl|(?=[=\]])[\s\S]*archdsl)""", re.MULTILINE
)
"""What a ``pyproject.toml`` looks like that may have something to say: others are not parsed."""


def config_file(folder: Path | None = None) -> Path | None:
    """The file with a configuration that is nearest to a folder (by default the current one): there or above it, up to
    the repository's root.
    """
    here = Path.cwd() if folder is None else folder
    for place in (here, *here.parents):
        found = config_in(place)
        if found is not None or (place / ".git").exists():
            return found
    return None


def config_in(folder: Path) -> Path | None:
    """The file with a configuration in a folder."""
    note(folder / "archdsl.toml")
    note(folder / "pyproject.toml")
    if (folder / "archdsl.toml").is_file():
        return folder / "archdsl.toml"
    project = folder / "pyproject.toml"
    if project.is_file():
        return project if _OURS.search(read_file(project, LONGEST)) else None
    return None


def root_of(folder: Path) -> Path:
    """The root of the repository that a folder lies in; the folder itself where there is none."""
    return next((place for place in (folder, *folder.parents) if (place / ".git").exists()), folder)


def shown_name(path: Path) -> str:
    """A configuration as messages name it: relative to the current folder where it lies inside."""
    here = Path.cwd()
    return path.relative_to(here).as_posix() if path.is_relative_to(here) else str(path)


def read_config(path: Path, name: str | None = None) -> tuple[Source, dict[str, Any]]:
    """The text of a configuration, and its settings; refuses (E0013) a text that is not TOML, and other types."""
    import tomllib

    from archdsl.reading import read_source

    check_inside(path)
    source = read_source(path, name or shown_name(path))
    if len(source.text) > LONGEST:
        raise fault(Span(source, 0, 0), f"{source.name} is longer than {LONGEST:,} characters")
    try:
        found: Any = tomllib.loads(source.text)
    except ValueError as error:
        raise fault(_place(source, str(error)), f"{source.name} is not TOML: {error}") from None
    except RecursionError:
        raise fault(Span(source, 0, 0), f"{source.name} is nested too deeply") from None
    names: list[str] = []
    for key in ("tool", "archdsl") if path.name == "pyproject.toml" else ():
        names.append(key)
        found = found.get(key, {})
        if not isinstance(found, dict):
            title = ".".join(names)
            raise fault(line_of(source, key), f"`{title}` must be a table", "budgets are `[[tool.archdsl.budget]]`")
    return source, found


def line_of(source: Source, key: str) -> Span:
    """The first line that has a word: TOML readers keep no places."""
    found = re.compile(rf"^[^\S\n]*(.*\b{re.escape(key)}\b.*)$", re.MULTILINE).search(source.text)
    return Span(source, found.start(1), found.end(1)) if found else Span(source, 0, 0)


def _place(source: Source, message: str) -> Span:
    """The line that ``tomllib`` names."""
    named = re.search(r"at line (\d+), column (\d+)", message)
    if named is None or int(named[1]) > len(source.line_starts):
        return Span(source, len(source.text.rstrip()), len(source.text.rstrip()))
    start = source.line_starts[int(named[1]) - 1]
    return Span(source, start, start + len(source.line(int(named[1]))))


def fault(span: Span, message: str, help: str = "") -> DiagnosticError:
    """E0013, at its place."""
    return DiagnosticError([Diagnostic("E0013", message, span, help=help)])
