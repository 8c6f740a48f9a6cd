"""The project's own file: ``archdsl.toml``, or ``pyproject.toml`` with a ``[tool.archdsl]``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from archdsl.diagnostics import Refusal
from archdsl.files import check_inside, read_file
from archdsl.source import note

_LARGEST = 4_000_000
"""Bytes of a `pyproject.toml` that are looked at."""

if TYPE_CHECKING:
    from archdsl.source import Source


def config_file() -> Path | None:
    """The nearest file with a configuration, here or above, up to the repository's root."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        note(folder / "archdsl.toml")
        note(folder / "pyproject.toml")
        if (folder / "archdsl.toml").is_file():
            return folder / "archdsl.toml"
        project = folder / "pyproject.toml"
        if project.is_file() and b"tool.archdsl" in read_file(project, _LARGEST):
            return project
        if (folder / ".git").exists():
            return None
    return None


def read_config(path: Path) -> tuple[Source, dict[str, Any]]:
    """The text of a configuration, and its settings; refuses (E0013) a text that is not TOML."""
    import tomllib

    from archdsl.reading import read_source

    check_inside(path)
    source = read_source(path, path.name if path.parent == Path.cwd() else str(path))
    try:
        found = tomllib.loads(source.text)
    except tomllib.TOMLDecodeError as error:
        raise Refusal("E0013", f"{source.name} is not TOML: {error}") from None
    section: Any = found
    for name in ("tool", "archdsl") if path.name == "pyproject.toml" else ():
        section = section.get(name) if isinstance(section, dict) else None
    return source, section if isinstance(section, dict) else {}
