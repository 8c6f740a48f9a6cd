"""``archdsl list``: the packaged networks."""

from __future__ import annotations

from typing import Annotated

from archdsl.cli.output import out, show
from archdsl.cli.signature import Arg, opt

FORMATS = ("text", "json", "names")

EXAMPLE = "archdsl list 'resnet*'"


def command(
    pattern: Annotated[str, Arg("a shell pattern: resnet*")] = "*",
    format: Annotated[str, opt("--format", help="the form of the output", choices=FORMATS)] = "text",
) -> None:
    """List the packaged networks, with year and costs."""
    from archdsl.project.zoo import networks

    found = networks(pattern)
    if format == "names":
        out("".join(name + "\n" for name in found.names))
        return
    show(found.report(), format)
