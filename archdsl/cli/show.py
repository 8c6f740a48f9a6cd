"""``archdsl show``: the elaborated graph as text, data or a drawing."""

from __future__ import annotations

from typing import Annotated

from archdsl.cli.options import Bind, Set, Target, Train, bindings, settings
from archdsl.cli.output import out, progress
from archdsl.cli.signature import opt

EXAMPLE = "archdsl show lenet5 --format mermaid"


def command(
    target: Target,
    format: Annotated[
        str, opt("--format", help="the form of the output", choices="archdsl.project.pages:FORMATS")
    ] = "text",
    depth: Annotated[int | None, opt("--depth", min=1, help="draw scopes below this depth as one box")] = None,
    set_: Set = None,
    bind: Bind = None,
    train: Train = False,
) -> None:
    """Print the elaborated graph."""
    from archdsl.project.pages import show

    given, sizes = settings(set_), bindings(bind)
    with progress(f"elaborating {target}"):
        text = show(target, format, depth=depth, settings=given, bind=sizes, train=train)
    out(text)
