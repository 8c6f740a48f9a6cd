"""``archdsl ops``: the operators, as a table or one page each."""

from __future__ import annotations

from typing import Annotated

from archdsl.cli.options import TextOrJson, choose
from archdsl.cli.output import show
from archdsl.cli.signature import Arg


def command(
    name: Annotated[str | None, Arg("an operator; without one, all are listed")] = None,
    format: TextOrJson = "text",
) -> None:
    """List the operators, or print the page of one."""
    choose(format, "--format", ("text", "json"))
    from archdsl.project.operators import operators

    show(operators(name), format)
