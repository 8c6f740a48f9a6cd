"""The pages that explain codes."""

from __future__ import annotations

from functools import cache

from archdsl.files import packaged


@cache
def page(code: str) -> str:
    """The Markdown page of a code; empty where there is none."""
    from importlib.resources import files  # it takes longer to import than most texts to check

    found = files("archdsl").joinpath("explain", f"{code}.md")
    return packaged(found) if found.is_file() else ""
