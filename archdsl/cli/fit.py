"""``archdsl fit``: the largest member of a family inside a budget."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

from archdsl.cli.exit import CLEAN, FINDINGS
from archdsl.cli.options import Bind, Set, Target, bindings, choose, settings
from archdsl.cli.output import progress, say, show
from archdsl.cli.signature import opt
from archdsl.diagnostics import Refusal, did_you_mean
from archdsl.record import Record

if TYPE_CHECKING:
    from archdsl.analyses.claims import Result
    from archdsl.project.family import Member
    from archdsl.report.listing import Listing

FORMATS = ("text", "json")
_BOUND = re.compile(r"\s*(\w+)(?: of ([\w.]+))?(?: at ([\w.]+))?\s*(<=|>=|==|<|>)\s*(.+?)\s*")


class Bound(Record):
    """``macs <= 300M``."""

    quantity: str
    part: str | None
    tap: str | None
    op: str
    value: int | float


def command(
    target: Target,
    vary: Annotated[list[str], opt("--vary", metavar="NAME=A..B:STEP", help="a parameter and its values")],
    budget: Annotated[list[str], opt("--budget", metavar="'macs<=300M'", help="a bound that must hold")],
    maximize: Annotated[str | None, opt("--maximize", help="the quantity to maximize: params, unless given")] = None,
    minimize: Annotated[str | None, opt("--minimize", help="the quantity to minimize instead")] = None,
    format: Annotated[str, opt("--format", help=", ".join(FORMATS))] = "text",
    set_: Set = None,
    bind: Bind = None,
) -> int:
    """Find the best member of a family inside a budget: all members are tried, so the answer is exact."""
    choose(format, "--format", FORMATS)
    from archdsl.project.family import members, ranges

    if maximize and minimize:
        raise Refusal("E0007", "`--maximize` and `--minimize` exclude each other")
    goal, sign = (minimize, -1) if minimize else (maximize or "params", 1)
    bounds = [parse_bound(text) for text in budget]
    best: tuple[Any, Member, list[Result]] | None = None
    tried = refused = 0
    with progress("trying members"):
        for member in members(target, ranges(vary, "--vary"), settings(set_), bindings(bind)):
            tried += 1
            refused += member.measures is None
            held = judged(member, bounds)
            if held is None:
                continue
            value = objective(member, goal)
            if best is None or sign * value > sign * best[0]:
                best = (value, member, held)
    show(answer(target, goal, best, tried), format)
    say(f"tried {tried:,} members" + (f", {refused:,} of them refused" if refused else ""))
    return CLEAN if best is not None else FINDINGS


def parse_bound(text: str) -> Bound:
    """A bound of the command line; refuses (E0007) what is none."""
    from archdsl.analyses.measure import QUANTITIES
    from archdsl.syntax.literals import number_value

    found = _BOUND.fullmatch(text)
    number = None
    if found and re.fullmatch(r"[0-9][0-9_]*(\.[0-9]+)?( ?[KMGT](iB)?)?", found[5]):
        number = number_value(found[5])
    if found and found[1] not in QUANTITIES:
        help = did_you_mean(found[1], QUANTITIES, "quantities: " + ", ".join(QUANTITIES))
        raise Refusal("E0007", f"`--budget {text}`: there is no quantity `{found[1]}`", help=help)
    if found is None or number is None:
        raise Refusal("E0007", f"`--budget {text}` is no bound", help="write `macs<=300M`, `peak_activations<=6 MiB`")
    return Bound(found[1], found[2], found[3], found[4], number)


def judged(member: Member, bounds: list[Bound]) -> list[Result] | None:
    """What was measured for the bounds if all hold; ``None`` otherwise."""
    from archdsl.analyses.claims import check_claim

    if member.measures is None:
        return None
    found = [check_claim(member.measures, b.quantity, b.op, b.value, b.part, b.tap) for b in bounds]
    return found if all(result.ok for result in found) else None


def objective(member: Member, goal: str) -> Any:
    """The figure to maximize; refuses (E0007) what has no order."""
    from fractions import Fraction

    assert member.measures is not None
    value = member.measures.of(goal).value
    if not isinstance(value, int | Fraction):
        raise Refusal("E0007", f"`{goal}` is {value}: no single number", help="bind symbols with `--bind`")
    return value


def answer(target: str, goal: str, best: tuple[Any, Member, list[Result]] | None, tried: int) -> Listing:
    """The best member as a variant, and how the bounds hold."""
    from archdsl.analyses.measure import plain, show
    from archdsl.report.listing import fitted

    if best is None:
        return fitted(target, goal, tried, "", (), None)
    value, member, held = best
    rows = [(r.subject, r.shown, f"{r.op} {show(r.quantity, r.bound)}") for r in held]
    if goal not in {r.subject for r in held}:
        rows.insert(0, (goal, show(goal, value), ""))
    found = {
        "settings": dict(member.settings), "variant": member.application, goal: plain(value),
        "measured": {result.subject: plain(result.measured) for result in held},
    }  # fmt: skip
    return fitted(target, goal, tried, member.application, rows, found)
