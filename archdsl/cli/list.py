"""``archdsl list``: the packaged networks."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Annotated

from archdsl.cli.options import choose
from archdsl.cli.output import out, progress, show
from archdsl.cli.signature import Arg, opt
from archdsl.diagnostics import Refusal, suggest

FORMATS = ("text", "json", "names")


def command(
    pattern: Annotated[str, Arg("a shell pattern: resnet*")] = "*",
    format: Annotated[str, opt("--format", help="text, json, or names (which is fast)")] = "text",
) -> None:
    """List the packaged networks, with year and costs."""
    choose(format, "--format", FORMATS)
    from archdsl import driver

    zoo = {name: file for name, file in driver.zoo_names().items() if fnmatchcase(name, pattern)}
    if not zoo:
        begins = any(name.startswith(pattern) for name in driver.zoo_names())
        help = suggest(f"'{pattern}*'" if begins else None, "`archdsl list` lists all")
        raise Refusal("E0007", f"no network of the zoo matches `{pattern}`", help=help)
    if format == "names":
        out("".join(name + "\n" for name in zoo))
        return
    from archdsl.project.zoo import entries
    from archdsl.report.listing import networks

    with progress("measuring"):
        found = list(entries(zoo))
    show(networks([entry.record() for entry in found]), format)
