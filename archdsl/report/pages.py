"""The pages that explain codes."""

from __future__ import annotations

from functools import cache


@cache
def page(code: str) -> str:
    """The Markdown page of a code; empty where there is none."""
    from importlib.resources import files  # it takes longer to import than most texts to check

    found = files("archdsl").joinpath("explain", f"{code}.md")
    return found.read_text(encoding="utf-8") if found.is_file() else ""
