"""Claims: whether a measured quantity holds its bound, and with how much room."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from operator import eq, ge, gt, le, lt, ne
from typing import Any, Protocol

from archdsl import dims
from archdsl.diagnostics import Diagnostic, Refusal
from archdsl.dims import Expr
from archdsl.graph import Graph
from archdsl.passes.measure import QUANTITIES, Amount, Measures, Subject
from archdsl.record import Record
from archdsl.source import Span

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

    def __str__(self) -> str:
        text = f"{self.subject} is {self.shown}"
        text += f"; the bound is {self.op} {show(self.quantity, self.bound)}"
        return text if self.headroom is None else f"{text} ({_percent(self.headroom)})"


class Claim(Protocol):
    """An ``expect`` or ``budget`` line with its bound evaluated (``archdsl.elaborate`` makes them)."""

    @property
    def kind(self) -> str:
        """``expect`` or ``budget``."""
        ...

    @property
    def quantity(self) -> str: ...
    @property
    def part(self) -> str | None: ...
    @property
    def tap(self) -> str | None: ...
    @property
    def op(self) -> str: ...
    @property
    def bound(self) -> Any: ...
    @property
    def span(self) -> Span: ...


class Checked(Record):
    """A claim of the text and what came of it: a result, or why it could not be measured."""

    claim: Claim
    result: Result | None
    refusal: Refusal | None = None

    @property
    def ok(self) -> bool:
        """Whether the claim holds."""
        return self.result is not None and self.result.ok

    def diagnostic(self) -> Diagnostic | None:
        """E0401 for a broken ``expect``, E0402 for a broken ``budget``, the refusal's own; ``None`` if it holds."""
        if self.refusal is not None:
            return self.refusal.located(self.claim.span).diagnostic()
        assert self.result is not None
        if self.result.ok:
            return None
        expected = self.claim.kind == "expect"
        name = "expectation" if expected else "budget"
        return Diagnostic(
            "E0401" if expected else "E0402",
            f"the {name} for `{self.result.subject}` does not hold",
            self.claim.span, f"it is {self.result.shown}", notes=(str(self.result),),
        )  # fmt: skip


def check_claims(graph: Graph, claims: Iterable[Claim]) -> list[Checked]:
    """Check every claim at the graph's defaults; what is measured once is kept for all."""
    measures = Measures(graph)
    found = []
    for claim in claims:
        try:
            result = check_claim(measures, claim.quantity, claim.op, claim.bound, claim.part, claim.tap)
            found.append(Checked(claim, result))
        except Refusal as refusal:
            found.append(Checked(claim, None, refusal))
    return found


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
    if isinstance(measured, Expr) or isinstance(bound, Expr):
        order = dims.compare(measured, bound)
        if order is None:
            names = sorted(dims.symbols(measured) | dims.symbols(bound))
            raise Refusal(
                "E0307", f"whether {measured} {op} {bound} depends on `{names[0]}`",
                help=f"give `{names[0]}` a value: in the input declaration, or with `--bind`",
            )  # fmt: skip
        measured, bound = order, 0
    return COMPARISONS[op](measured, bound)


def _headroom(measured: Any, op: str, bound: Any) -> Fraction | None:
    numbers = int | float | Fraction
    if op in ("==", "!=") or not isinstance(measured, numbers) or not isinstance(bound, numbers) or not bound:
        return None
    room = Fraction(bound) - Fraction(measured)
    return (room if op in ("<", "<=") else -room) / abs(Fraction(bound))


def _percent(part: Fraction) -> str:
    return f"{float(abs(part)) * 100:.2g} % {'left' if part >= 0 else 'beyond it'}"


def show(quantity: str, value: Any) -> str:
    """A value as the reader would write it: ``300,774,272``, ``5.74 MiB``."""
    if isinstance(value, tuple):
        return "[" + ", ".join("all" if v is None else show(quantity, v) for v in value) + "]"
    if not isinstance(value, int | float | Fraction):
        return str(value)
    if QUANTITIES[quantity].unit == "bytes":
        size = f" ({float(value) / 2**20:.2f} MiB)" if value >= 2**20 else ""
        return f"{round(value):,}{size}"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{float(value):,.6g}"
