"""``archdsl explain E0304``: what a diagnostic means, with a bad and a fixed example."""

from __future__ import annotations

from typing import Annotated

from archdsl.cli.options import TextOrJson
from archdsl.cli.output import out, show
from archdsl.cli.signature import Arg

EXAMPLE = "archdsl explain E0304"


def command(
    code: Annotated[str | None, Arg("a code such as E0304; without one, all codes are listed", "codes")] = None,
    format: TextOrJson = "text",
) -> None:
    """Explain a diagnostic code, with examples."""
    from archdsl.project.pages import explain

    found = explain(code)
    if code and format == "text":
        out(str(found) + "\n")
    else:
        show(found.report(), format)
