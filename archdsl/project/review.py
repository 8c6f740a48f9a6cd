"""The review of a check: budgets of a file, and a comparison with a baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from archdsl.analyses.measure import Measures, show
from archdsl.compare.diff import interface
from archdsl.compare.growth import grown, layer_figure
from archdsl.compare.snapshot import Snapshot, snapshot
from archdsl.diagnostics import Diagnostic, DiagnosticError, Label
from archdsl.driver import CheckedVariant
from archdsl.project.baseline import Baseline, figures
from archdsl.project.bounds import Bound
from archdsl.project.budgets import Budget, Increase
from archdsl.project.checked import CheckedTarget
from archdsl.report.page import Table
from archdsl.source import Span

TOLD = ("params", "macs", "peak_activations", "receptive_field", "nodes")
"""What the comparison with a baseline shows of every network that changed."""
MOST = 3


def review(one: CheckedTarget, budgets: Sequence[Budget], baseline: Baseline | None) -> CheckedTarget:
    """Hold a target to the budgets that cover it, and name what grew where a bound is broken."""
    held = [
        (name, budget) for budget in budgets if budget.covers(one.target)
        for name in one.variants if budget.variant in (None, name)
    ]  # fmt: skip
    wanted: dict[str, tuple[str, Mapping[str, Any]]] = {name: (name, {}) for name in one.variants}
    wanted |= {budget.title(name): (name, budget.settings) for name, budget in held}
    before = baseline.of(one.target, wanted) if baseline is not None else {}
    variants, found = dict(one.variants), list(one.diagnostics)
    if not any(d.severity == "error" for d in found):
        missing = (budget.missing(one.target, variants) for budget in budgets if budget.covers(one.target))
        found += [d for d in missing if d is not None]
    for name, budget in held:
        checked, broken = _held(one, name, budget, before.get(budget.title(name)))
        found += broken
        if checked is not None:
            kept = variants.get(checked.name)
            variants[checked.name] = checked.replace(claims=(*(kept.claims if kept else ()), *checked.claims))
    if baseline is not None:
        found = [_blamed(d, variants, before, baseline.name) for d in found]
    return one.replace(diagnostics=tuple(found), variants=variants, before=before)


def _held(
    one: CheckedTarget, name: str, budget: Budget, old: Snapshot | None
) -> tuple[CheckedVariant | None, list[Diagnostic]]:
    """One variant, with the budget's settings, against the budget's bounds and against what it was."""
    from archdsl.analyses.claims import check_claims
    from archdsl.project.targets import open_target

    graph, title = one.variants[name].graph, budget.title(name)
    if budget.settings:
        try:
            graph = open_target(one.target).replace(variant=name).graph(budget.settings, one.bind)
        except DiagnosticError as error:
            return None, list(error.diagnostics)
    measures = Measures(graph)
    checked, broken = check_claims(measures, [bound.claim(span) for bound, span in budget.bounds], title)
    for increase in budget.increases if old is not None else ():
        limit = _limit(increase, old)
        # What was not there before may grow as it likes, but must be there now: a name may be misspelt.
        op, bound = ("<=", limit) if limit is not None else (">=", 0)
        more, wrong = check_claims(measures, [Bound(increase.subject, op, bound).claim(increase.span)])
        checked += more if limit is not None else ()
        broken += [_increased(d, increase, title, old, more[0].result) if more else d for d in wrong]
    if budget.warn:
        broken = [d.replace(code="W0450") if d.code in ("E0402", "E0404") else d for d in broken]
    return CheckedVariant(title, graph, checked), broken


def _limit(increase: Increase, old: Snapshot | None) -> int | float | None:
    value = old.quantities.get(str(increase.subject)) if old is not None else None
    return increase.limit(value) if isinstance(value, int | float) else None


def _increased(d: Diagnostic, increase: Increase, name: str, old: Snapshot | None, result: Any) -> Diagnostic:
    value = old.quantities[str(increase.subject)] if old is not None else 0
    before = show(increase.subject.quantity, value)
    message = f"{increase.subject} of `{name}` grew from {before} to {result.shown}"
    return d.replace(code="E0404", message=f"{message}; the allowed increase is {increase.text}")


# What grew


def _blamed(
    d: Diagnostic, variants: Mapping[str, CheckedVariant], before: Mapping[str, Snapshot], baseline: str
) -> Diagnostic:
    """A broken bound with the lines that grew most since the baseline."""
    if d.code not in ("E0402", "E0404", "W0450", "E0401"):
        return d
    for name, variant in variants.items():
        old = before.get(name)
        claim = next((c.claim for c in variant.claims if c.claim.span == d.span and not c.result.ok), None)
        if old is None or claim is None:
            continue
        inside = {node.path for node in Measures(variant.graph).nodes(claim.part, claim.tap)}
        most = [g for g in grown(old, snapshot(variant.graph), claim.quantity) if g.path in inside][:MOST]
        if not most:
            return d
        figure = {"bytes": "activations"}.get(layer_figure(claim.quantity), layer_figure(claim.quantity))
        told = [f"+{show(figure, g.amount)} {'(new) ' if g.fresh else ''}{g.path}" for g in most]
        note = f"grew most in {figure} since {baseline}:\n" + "\n".join(told)
        labels: dict[Span, Label] = {}
        for g, text in zip(most, told):
            if g.span is not None:
                labels.setdefault(g.span, Label(g.span, f"since {baseline}: {text}"))
        return d.replace(notes=(*d.notes, note), labels=(*d.labels, *labels.values()))
    return d


def tables(reviewed: Sequence[CheckedTarget], baseline: str) -> tuple[Table, ...]:
    """What changed in every network since the baseline: figures, the layers that grew most, the interface."""
    changed: list[tuple[str, ...]] = []
    layers: list[tuple[str, ...]] = []
    seen: list[tuple[str, ...]] = []
    for one in reviewed:
        for name in [name for name in one.before if name in one.variants]:
            old = one.before[name]
            new = figures(one.variants[name].graph)
            rows = [_row(name, q, old.quantities.get(q), new.quantities.get(q)) for q in TOLD]
            changed += [row for row in rows if row is not None]
            for g in grown(old, new, "macs")[:MOST] if any(rows) else ():
                place = str(g.span) if g.span is not None else ""
                layers.append((name, g.path, f"+{g.amount:,}", place))
            of_it = interface(old, new)
            told = (("breaking", of_it.breaking), ("weights", of_it.weights), ("compatible", of_it.notes))
            seen += [(name, word, line) for word, lines in told for line in lines]
    head = ("network", "quantity", "before", "after", "change")
    found = [Table(head, tuple(changed), frozenset({2, 3, 4}), f"against {baseline}")] if changed else []
    if layers:
        found.append(Table(("network", "layer", "MACs", "line"), tuple(layers), frozenset({2}), "grew most"))
    if seen:
        found.append(Table(("network", "is", "what changed"), tuple(seen), frozenset(), "interface"))
    return tuple(found)


def _row(name: str, quantity: str, old: Any, new: Any) -> tuple[str, ...] | None:
    if old == new:
        return None
    step = f"{new / old - 1:+.1%}" if isinstance(old, int | float) and isinstance(new, int | float) and old else ""
    return name, quantity, _text(quantity, old), _text(quantity, new), step


def _text(quantity: str, value: Any) -> str:
    return "symbolic" if value is None else show(quantity, tuple(value) if isinstance(value, list) else value)
