"""``archdsl report``: the explorer of a network as one file that works offline."""

from __future__ import annotations

from typing import Annotated

from archdsl.cli.options import Beside, Bind, Set, Target, Train, bindings, settings
from archdsl.cli.output import progress, say
from archdsl.cli.signature import opt

EXAMPLE = "archdsl report resnet50 -o report.html"


def command(
    target: Target,
    output: Annotated[
        str, opt("--output", "-o", metavar="FILE", help="the page (.html) or its document (.json)")
    ] = "report.html",
    against: Beside = None,
    set_: Set = None,
    bind: Bind = None,
    train: Train = False,
) -> None:
    """Write a page to explore a network: layers, costs, memory and source, in one file."""
    from archdsl.project.explorer import checked_output, explorer
    from archdsl.report.figures import human_bytes

    checked_output(output)
    with progress(f"exploring {target}"):
        path = explorer(target, bindings(bind), settings=settings(set_), train=train, against=against).save(output)
    say(f"wrote {path}, {human_bytes(path.stat().st_size)}")
