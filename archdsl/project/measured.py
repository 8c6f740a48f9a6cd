"""One target of a check with its graphs, for as long as it is looked at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from archdsl.diagnostics import Diagnostic, DiagnosticError, Refusal
from archdsl.driver import CheckedVariant
from archdsl.project.failures import findings_of
from archdsl.project.targets import Target, open_target
from archdsl.record import Record

if TYPE_CHECKING:
    from archdsl.graph import Graph
    from archdsl.project.budgets import Budget
    from archdsl.report.outcome import NetworkOutcome


class Measured(Record):
    """A target: its findings, and the variants that have a graph. ``broken``: the variants that have none."""

    target: str
    opened: Target | None
    diagnostics: tuple[Diagnostic, ...]
    variants: Mapping[str, CheckedVariant]
    broken: tuple[str, ...] = ()
    bind: Mapping[str, int] = {}
    """Sizes of symbols."""

    def outcomes(self) -> tuple[NetworkOutcome, ...]:
        """The variants with their claims, without the graphs."""
        from archdsl.report.outcome import NetworkOutcome, claim_outcome

        return tuple(
            NetworkOutcome(name, tuple(claim_outcome(c.result) for c in variant.claims))
            for name, variant in self.variants.items()
        )


class Titled(Record):
    """A variant, or a variant with parameters that budgets set; ``held``: what it is held to."""

    title: str
    name: str
    graph: Graph | None
    held: tuple[Budget, ...]
    faults: tuple[Diagnostic, ...] = ()


def measure(name: str, bind: Mapping[str, int] | None = None) -> Measured:
    """Elaborate and check one target; its errors are returned, never raised. ``bind`` gives symbols sizes."""
    try:
        target = open_target(name)
        if target.program is None:
            graph = target.graph(bind=bind)
            return Measured(name, target, (), {graph.name: CheckedVariant(graph.name, graph, ())}, (), bind or {})
        report = target.program.report([target.variant] if target.variant else None, bind)
    except BrokenPipeError:
        raise
    except Exception as error:  # whatever is wrong with one target, the others are checked
        return Measured(name, None, findings_of(error), {})
    return Measured(name, target, tuple(report.diagnostics), report.variants, report.broken, bind or {})


def titled(one: Measured, budgets: Sequence[Budget]) -> Iterator[Titled]:
    """Every variant of a target, and every variant with the parameters that a budget sets, with their budgets."""
    for name, variant in one.variants.items():
        groups: dict[str, list[Budget]] = {name: []}
        for budget in budgets:
            if budget.variant in (None, name):
                groups.setdefault(budget.title(name), []).append(budget)
        for title, held in groups.items():
            if title == name:
                yield Titled(title, name, variant.graph, tuple(held))
                continue
            try:
                graph = _with(one, name, held[0].settings)
            except DiagnosticError as error:
                faults = tuple(d if d.span is not None else d.replace(span=held[0].span) for d in error.diagnostics)
                yield Titled(title, name, None, tuple(held), faults)
                continue
            yield Titled(title, name, graph, tuple(held))


def sizes_in(settings: Mapping[str, Any]) -> dict[str, int]:
    """What the `with` of a budget says of the sizes of a model; refuses (E0007) what is no size."""
    for name, value in settings.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise Refusal("E0007", f"`with`: `{name:.60}` must be a size, such as 64")
    return dict(settings)


def _with(one: Measured, name: str, settings: Mapping[str, Any]) -> Graph:
    """A variant with parameters set; of a model or data, which have none, the sizes that it leaves open."""
    assert one.opened is not None
    program = one.opened.program
    if program is None:
        return one.opened.graph(bind={**one.bind, **sizes_in(settings)})
    result = program.elaborate(name, settings, bind=one.bind)
    if result.graph is None:
        raise DiagnosticError(result.diagnostics)
    return result.graph
