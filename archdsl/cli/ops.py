"""``archdsl ops``: the operators, as a table or one page each."""

from __future__ import annotations

from typing import Annotated

from archdsl.cli.exit import FINDINGS, tell
from archdsl.cli.options import TextOrJson
from archdsl.cli.output import show
from archdsl.cli.signature import Arg

EXAMPLE = "archdsl ops conv"


def command(
    name: Annotated[
        str | None, Arg("an operator, combinator or block of the library; without one, all are listed", "operators")
    ] = None,
    format: TextOrJson = "text",
) -> int:
    """List operators, combinators and the library's blocks, or print the page of one."""
    from archdsl.project.operators import operators

    found = operators(name)
    show(found.report(), format)
    return tell(found.faults) and FINDINGS
