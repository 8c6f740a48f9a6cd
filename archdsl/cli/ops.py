"""``archdsl ops``: the operators, as a table or one page each."""

from __future__ import annotations

from typing import Annotated

from archdsl.cli.exit import FINDINGS, tell
from archdsl.cli.options import TextOrJson, choose
from archdsl.cli.output import show
from archdsl.cli.signature import Arg


def command(
    name: Annotated[
        str | None, Arg("an operator, combinator or block of the library; without one, all are listed")
    ] = None,
    format: TextOrJson = "text",
) -> int:
    """List operators, combinators and the library's blocks, or print the page of one."""
    choose(format, "--format", ("text", "json"))
    from archdsl.project.operators import operators

    found = operators(name)
    show(found.report(), format)
    return tell(found.faults) and FINDINGS
