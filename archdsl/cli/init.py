"""``archdsl init``: a small spec that compiles, as a start."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from archdsl.cli.output import say
from archdsl.cli.signature import Arg, opt

EXAMPLE = "archdsl init mine.arch"


def command(
    path: Annotated[Path, Arg("the file to write")] = Path("model.arch"),
    force: Annotated[bool, opt("--force", help="replace a file that exists")] = False,
) -> None:
    """Write a starter spec."""
    from archdsl.project.starter import init

    written = init(path, force=force)
    say(f"wrote {written}; next: archdsl check {written}")
