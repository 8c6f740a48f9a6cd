"""``archdsl fit``: the largest member of a family within a budget."""

from __future__ import annotations

from typing import Annotated

from archdsl.cli.exit import CLEAN, FINDINGS
from archdsl.cli.options import Bind, Set, Target, bindings, pairs, settings
from archdsl.cli.output import progress, say, show
from archdsl.cli.signature import opt

FORMATS = ("text", "json")

EXAMPLE = "archdsl fit mobilenet_v2 --vary width=0.25..1:0.25 --budget 'macs<=100M'"


def command(
    target: Target,
    vary: Annotated[list[str], opt("--vary", metavar="NAME=A..B:STEP", help="a parameter and its values")],
    budget: Annotated[list[str], opt("--budget", metavar="'macs<=300M'", help="a bound that must hold")],
    maximize: Annotated[str | None, opt("--maximize", help="the quantity to maximize: params, unless given")] = None,
    minimize: Annotated[str | None, opt("--minimize", help="the quantity to minimize instead")] = None,
    format: Annotated[str, opt("--format", help="the form of the output", choices=FORMATS)] = "text",
    set_: Set = None,
    bind: Bind = None,
) -> int:
    """Find the best member of a family within a budget.

    All members are tried, so that the answer is exact.
    """
    from archdsl.project.fit import fit

    varied, fixed, sizes = pairs(vary, "--vary"), settings(set_), bindings(bind)
    given = {"maximize": maximize, "minimize": minimize}
    found = fit(target, varied, budget, **given, settings=fixed, bind=sizes, step=progress)
    show(found.report(), format)
    say(f"tried {found.tried:,} members" + (f", {found.refused:,} of them refused" if found.refused else ""))
    return CLEAN if found.best is not None else FINDINGS
