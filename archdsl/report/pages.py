"""The pages that explain codes."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def page(code: str) -> str:
    """The Markdown page of a code; empty where there is none."""
    found = files("archdsl").joinpath("explain", f"{code}.md")
    return found.read_text(encoding="utf-8") if found.is_file() else ""
