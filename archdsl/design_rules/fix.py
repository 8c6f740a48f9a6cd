"""Edits of the text that fix a finding of a design rule, where that is safe."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from archdsl.design_rules.layers import bias_before_norm
from archdsl.design_rules.view import View
from archdsl.diagnostics import Diagnostic, Edit
from archdsl.graph import Graph
from archdsl.modules.module import Module
from archdsl.source import Span
from archdsl.syntax import spec
from archdsl.syntax.walk import walk

CODE = "W0401"


def with_edits(found: Sequence[Diagnostic], module: Module, graphs: Iterable[Graph]) -> list[Diagnostic]:
    """The findings, those of W0401 with ``bias = false`` as their edit.

    A call in the text may make many layers. It gets an edit only if the finding holds for each of them, in every
    variant: then the networks compute what they did.
    """
    spans = {d.span for d in found if d.code == CODE and d.span is not None and d.span.source is module.source}
    if not spans:
        return list(found)
    for graph in graphs:
        idle = {finding.node for finding in bias_before_norm(View(graph))}
        spans -= {n.origin.span for n in graph.all_nodes() if "bias" in n.params and n not in idle and n.origin.span}
    edits = _edits(module, spans)
    return [d.replace(edit=edits.get(d.span)) if d.code == CODE and d.span is not None else d for d in found]


def _edits(module: Module, spans: set[Span]) -> dict[Span, Edit]:
    found = {}
    for node in walk(module.file):
        if isinstance(node, spec.Call) and node.span in spans and node.arguments:
            edit = _without_bias(node)
            if edit is not None:
                found[node.span] = edit
    return found


def _without_bias(call: spec.Call) -> Edit | None:
    """The call with ``bias = false``; ``None`` where its bias is computed."""
    for argument in call.arguments:
        if argument.name == "bias":
            value = argument.value
            return Edit(value.span, "false") if isinstance(value, spec.Boolean) else None
    end = call.arguments[-1].span.end - call.span.start
    return Edit(call.span.part(end, end), ", bias = false")
