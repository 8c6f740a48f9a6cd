"""Claims: whether a measured quantity holds its bound, and with how much room."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from operator import eq, ge, gt, le, lt, ne
from typing import Any

from archdsl import dim_order, dims
from archdsl.analyses.contributions import contribution_notes
from archdsl.analyses.field import AtMost
from archdsl.analyses.measure import Amount, Measures, Subject, show
from archdsl.diagnostics import Diagnostic, Refusal
from archdsl.dim_faults import to_give
from archdsl.dim_text import brief
from archdsl.dims import Expr
from archdsl.interpret.session import ClaimValue
from archdsl.record import Record
from archdsl.source import shortened

COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {"==": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge}


class Result(Record):
    """One checked claim: ``measured op bound``.

    ``headroom`` is the part of the bound that is left (negative: by which it is broken); ``None`` for ``==``, ``!=``
    and where it is not one number.
    """

    quantity: str
    part: str | None
    tap: str | None
    op: str
    bound: Any
    measured: Amount
    partial: bool
    ok: bool
    headroom: Fraction | None

    @property
    def subject(self) -> str:
        """``receptive_field of features at layer3``."""
        return str(Subject(self.quantity, self.part, self.tap))

    @property
    def shown(self) -> str:
        """The measured value as text; ``>=`` where it is a lower bound."""
        return (">= " if self.partial else "") + show(self.quantity, self.measured)


class Checked(Record):
    """An ``expect`` or ``budget`` line and what was measured for it."""

    claim: ClaimValue
    result: Result


def check_claims(
    measures: Measures, claims: Iterable[ClaimValue], name: str | None = None
) -> tuple[tuple[Checked, ...], list[Diagnostic]]:
    """What was measured for each claim, and a diagnostic for each that does not hold (E0401, E0402).

    ``name``: what the network is called in them, where it is not the graph's name.
    """
    checked: list[Checked] = []
    broken: list[Diagnostic] = []
    for claim in claims:
        try:
            result = check_claim(measures, claim.quantity, claim.op, claim.bound, claim.part, claim.tap)
        except Refusal as refusal:
            title = about(name or measures.graph.name, claim)
            broken.append(refusal.located(claim.span).diagnostic().replace(about=title))
            continue
        checked.append(Checked(claim, result))
        if not result.ok:
            notes = _blame(measures, claim) if claim.op in ("<", "<=") else ()
            notes += unknown_notes(measures) if result.partial else ()
            broken.append(_broken(name or measures.graph.name, claim, result).replace(notes=notes))
    return tuple(checked), broken


def _blame(measures: Measures, claim: ClaimValue) -> tuple[str, ...]:
    return contribution_notes(measures, claim.quantity, claim.part, claim.tap, claim.span.source)


def unknown_notes(measures: Measures) -> tuple[str, ...]:
    """A line for a figure that is a lower bound: which operators it does not count."""
    nodes = [node for node, work in measures.works.items() if work is None]
    named = ", ".join(f"`{node.path}` ({shortened(repr(node.op), 60)})" for node in nodes[:3]) + (
        ", …" if len(nodes) > 3 else ""
    )
    return (f"a lower bound holds no claim but `>` and `>=`; not counted: {named}",) if nodes else ()


def _broken(name: str, claim: ClaimValue, result: Result) -> Diagnostic:
    """The diagnostic of a claim that does not hold."""
    wanted = f"`{result.subject} {result.op} {show(result.quantity, result.bound)}`"
    code, what = ("E0401", "the expectation") if claim.kind == "expect" else ("E0402", "its budget")
    message = f"`{name}` does not meet {what} {wanted}: the measured value is {result.shown}"
    free = result.measured if isinstance(result.measured, Expr) and str(result.measured) != result.shown else None
    help = "" if free is None else to_give(sorted(dims.symbols(free)))
    return Diagnostic(code, message, claim.span, about=about(name, claim), help=help)


def about(name: str, claim: ClaimValue) -> str:
    """``small: macs <=``: what stays when figures and bounds change."""
    return f"{name}: {Subject(claim.quantity, claim.part, claim.tap)} {claim.op}"


def check_claim(
    measures: Measures, quantity: str, op: str, bound: Any, part: str | None = None, tap: str | None = None
) -> Result:
    """Compare a quantity with a bound (a number; a tuple for quantities with a value per axis).

    A partial value is a lower bound: it can break ``<=`` but never holds it. Raises ``Refusal`` for unknown
    quantities, parts, taps, and for comparisons that depend on a symbol.
    """
    found = measures.of(quantity, part, tap)
    ok = _holds(found.value, op, bound) and not (found.partial and op not in (">", ">="))
    room = _headroom(found.value, op, bound)
    return Result(quantity, part, tap, op, bound, found.value, found.partial, ok, room)


def _holds(measured: Any, op: str, bound: Any) -> bool:
    if isinstance(measured, tuple) or isinstance(bound, tuple):
        left = measured if isinstance(measured, tuple) else (measured,) * len(bound)
        right = bound if isinstance(bound, tuple) else (bound,) * len(left)
        pairs = [_compare(a, op, b) for a, b in zip(left, right)]
        if op == "!=":
            return len(left) != len(right) or any(pairs)
        return len(left) == len(right) and all(pairs)
    return _compare(measured, op, bound)


def _compare(measured: Any, op: str, bound: Any) -> bool:
    if measured is None:  # the whole axis: above any bound
        return op in (">", ">=", "!=")
    if isinstance(measured, AtMost):  # it may be anything below: no lower bound holds by it
        holds = COMPARISONS["<" if op == "!=" else op]
        return op not in (">", ">=", "==") and measured.value is not None and holds(measured.value, bound)
    if isinstance(measured, Expr) or isinstance(bound, Expr):
        below, above = (Fraction(n).denominator if not isinstance(n, Expr) else 1 for n in (measured, bound))
        scale = below * above  # a bound such as 10 ** 9 / 2 is no dimension
        order = dim_order.compare(
            *(n * scale if isinstance(n, Expr) else int(Fraction(n) * scale) for n in (measured, bound))
        )
        if order is None:
            names = sorted({name for n in (measured, bound) if isinstance(n, Expr) for name in dims.symbols(n)})
            raise Refusal(
                "E0307", f"whether {_text(measured)} {op} {_text(bound)} depends on `{names[0]}`",
                help=to_give(names),
            )  # fmt: skip
        measured, bound = order, 0
    return COMPARISONS[op](measured, bound)


def _text(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else brief(value)


def _headroom(measured: Any, op: str, bound: Any) -> Fraction | None:
    numbers = int | float | Fraction
    if op in ("==", "!=") or not isinstance(measured, numbers) or not isinstance(bound, numbers) or not bound:
        return None
    room = Fraction(bound) - Fraction(measured)
    return (room if op in ("<", "<=") else -room) / abs(Fraction(bound))
