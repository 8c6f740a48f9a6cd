"""What networks are held to, before a change and after it: whether the change loosens it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from archdsl.analyses.measure import Subject, plain
from archdsl.compare.snapshot import Demand, fixed

if TYPE_CHECKING:
    from archdsl.interpret.session import ClaimValue
    from archdsl.project.budgets import Budget
    from archdsl.source import Span

OF_PROJECT = ("project", "warn")
"""Kinds of what ``archdsl.toml`` demands; ``expect`` and ``budget`` stand in the spec."""
GROWTH = "may grow by"
UPPER, LOWER = ("<", "<="), (">", ">=")


def demands_of(claims: Iterable[ClaimValue]) -> tuple[Demand, ...]:
    """What a spec demands of a network."""
    return tuple(Demand(c.kind, str(Subject(c.quantity, c.part, c.tap)), c.op, fixed(plain(c.bound))) for c in claims)


def of_budgets(budgets: Sequence[Budget], names: Iterable[str]) -> dict[str, tuple[Demand, ...]]:
    """What a project demands of these variants, by title."""
    found: dict[str, list[Demand]] = {}
    for name in names:
        for budget in budgets:
            if budget.variant in (None, name):
                found.setdefault(budget.title(name), []).extend(demand for demand, _ in placed(budget))
    return {title: tuple(of_it) for title, of_it in found.items()}


def placed(budget: Budget) -> list[tuple[Demand, Span]]:
    """What a budget demands, each with its line."""
    kind = "warn" if budget.warn else "project"
    bounds = [(Demand(kind, str(b.subject), b.op, b.value), span) for b, span in budget.bounds]
    return [*bounds, *((Demand(kind, str(i.subject), GROWTH, i.text), i.span) for i in budget.increases)]


def loosened(old: Iterable[Demand], new: Sequence[Demand]) -> list[tuple[str, Demand | None]]:
    """What was demanded and is not any more, or not as strictly: a line for each, and what is demanded instead.

    The spec and the project stand for themselves: a looser budget of one is told, whatever the other one demands.
    """
    found: list[tuple[str, Demand | None]] = []
    alike: dict[tuple[str, bool, bool], list[Demand]] = {}
    for one in new:
        alike.setdefault((one.subject, one.op == GROWTH, one.kind in OF_PROJECT), []).append(one)
    for was in dict.fromkeys(old):
        rest = alike.get((was.subject, was.op == GROWTH, was.kind in OF_PROJECT), [])
        if any(_as_strict(now, was) for now in rest):
            continue
        now = next((one for one in rest if one.op == was.op), None)
        where = " of the project" if was.kind in OF_PROJECT else ""
        what = "expectation" if was.kind == "expect" else "budget"
        if now is None:
            found.append((f"the {what}{where} `{was}` is gone", None))
        elif was.kind == "expect" and now.kind == "expect":
            continue  # a fact that changed with the network
        else:
            level = " as a warning" if now.kind == "warn" and was.kind != "warn" else ""
            found.append((f"the {what}{where} `{was}` is `{now}`{level} now", now))
    return found


def _as_strict(now: Demand, was: Demand) -> bool:
    if now.kind == "warn" and was.kind != "warn":
        return False
    if now.op == was.op and now.bound == was.bound:
        return True
    if was.op == GROWTH:
        return _growth_within(str(now.bound), str(was.bound))
    if not isinstance(now.bound, int | float) or not isinstance(was.bound, int | float):
        return False
    if was.op in UPPER and now.op in (*UPPER, "=="):
        return now.bound < was.bound or (now.bound == was.bound and not (was.op == "<" and now.op != "<"))
    if was.op in LOWER and now.op in (*LOWER, "=="):
        return now.bound > was.bound or (now.bound == was.bound and not (was.op == ">" and now.op != ">"))
    return False


def _growth_within(now: str, was: str) -> bool:
    """Whether both are parts, or both amounts, and the first is not larger."""
    from archdsl.project.bounds import read_value

    if now.endswith("%") != was.endswith("%"):
        return False
    if now.endswith("%"):
        return Fraction(now[:-1].strip()) <= Fraction(was[:-1].strip())
    sizes = [read_value(text) for text in (now, was)]
    return all(sizes) and sizes[0][1] <= sizes[1][1]  # type: ignore[index]


def titles(of_project: Mapping[str, Sequence[Demand]], name: str, own: Sequence[Demand]) -> dict[str, list[Demand]]:
    """All that a variant is held to, by title: its own claims, and the project's for it and for it with parameters."""
    found: dict[str, list[Demand]] = {name: list(own)}
    for title, of_it in of_project.items():
        if title == name or title.startswith(f"{name}("):
            found.setdefault(title, []).extend(of_it)
    return found
