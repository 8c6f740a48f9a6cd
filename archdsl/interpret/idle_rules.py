"""Rules of ``weights`` statements that no parameter of any variant needs."""

from __future__ import annotations

from collections.abc import Iterable, Set

from archdsl.diagnostics import Diagnostic
from archdsl.interpret.elaboration import Elaboration
from archdsl.source import Source
from archdsl.syntax.limits import LIMITS
from archdsl.tape.limits import DEFAULT


def idle_rules(
    source: Source, results: Iterable[Elaboration], used: Set[int], trained: Iterable[Elaboration]
) -> list[Diagnostic]:
    """A warning (W0205) for each rule in a text that is not among the ``used`` ones of its variants (``results``), nor
    of those that are ``trained``. Rules below such a rule stay unsaid.
    """
    maps = [names for result in results for names in result.maps if names.statement.span.source is source]
    every = {id(rule) for names in maps for rule in names.rules()}
    steps = 0
    for result in trained if not every <= used else ():
        applied = result.applied_maps()
        used = {*used, *(rule for one in applied for rule in one.used)}
        steps += result.steps + sum(one.steps for one in applied)
        if steps > DEFAULT.steps:
            return []
    below = {id(rule) for names in maps for outer in names.rules() if id(outer) not in used for rule in outer.rules}
    idle = {id(rule): rule for names in maps for rule in names.rules() if id(rule) not in used | below}
    message, help = "this rule matches no parameter", "the first rule that matches wins"
    return [Diagnostic("W0205", message, rule.pattern.span, help=help) for rule in [*idle.values()][: LIMITS.faults]]
