"""``archdsl which``: which network of the zoo a model is."""

from __future__ import annotations

from typing import Annotated

from archdsl.cli.exit import CLEAN, FINDINGS
from archdsl.cli.options import Bind, bindings
from archdsl.cli.output import progress, show
from archdsl.cli.signature import Arg, opt

FORMATS = ("text", "json", "markdown")

EXAMPLE = "archdsl which model.onnx"


def command(
    model: Annotated[str, Arg("a model.onnx, a model.pt2, or any target", "targets")],
    format: Annotated[str, opt("--format", help="the form of the output", choices=FORMATS)] = "text",
    bind: Bind = None,
) -> int:
    """Name the network of the zoo that a model is, by its layers, and what differs."""
    from archdsl.project.which import which

    sizes = bindings(bind)
    with progress(f"comparing {model} with the zoo"):
        found = which(model, sizes)
    show(found.report(), format)
    return FINDINGS if found.best is None else CLEAN
