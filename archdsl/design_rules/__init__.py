"""Design rules: what an experienced colleague would point out in a network that is correct.

A rule is a function from a :class:`View` of a graph to findings. Rules know no text: who runs them adds what silences
them. Sources are on the pages of the codes.
"""

from __future__ import annotations

from collections.abc import Iterable

from archdsl.design_rules import layers, machines, shapes
from archdsl.design_rules.view import DesignRule, Finding, Machine, View
from archdsl.diagnostics import Diagnostic
from archdsl.graph import Graph, Node
from archdsl.process import collector_paused


def rules() -> dict[str, DesignRule]:
    """All rules by code."""
    return {**layers.RULES, **shapes.RULES, **machines.RULES}


@collector_paused()
def lint(graph: Graph, codes: Iterable[str] | None = None, target: Machine | None = None) -> list[Diagnostic]:
    """The findings of the rules in a graph, in the order of the codes; each is reported once for a line of the text."""
    known = rules()
    view = View(graph, target)
    found: list[Diagnostic] = []
    for code in sorted(known if codes is None else codes):
        places: dict[object, list[Finding]] = {}
        for finding in known[code](view):
            places.setdefault(_place(finding.node), []).append(finding)
        found += [_diagnostic(code, findings, graph.name) for findings in places.values()]
    return found


def _place(node: Node) -> object:
    """What a reader takes for one place: the call in the text, and the line of the network that led to it."""
    frames = node.origin.frames()
    spans = [node.origin.span, *(frame.span for frame in frames[:-1])]
    return tuple((span.source.name, span.start) for span in (spans[0], spans[-1]) if span is not None) or node.path


def _diagnostic(code: str, findings: list[Finding], network: str) -> Diagnostic:
    first = findings[0]
    others = len(findings) - 1
    also = (f"also at {', '.join(f.node.path for f in findings[1:4])}{', …' if others > 3 else ''}",) if others else ()
    origin = first.node.origin
    where = f" (`{first.node.path}` of `{network}`)"
    return Diagnostic(code, first.message + where, origin.span, notes=also, help=first.help, frame=origin.frame)
