"""The rule about the text itself: labels that are not needed."""

from __future__ import annotations

from collections.abc import Iterable

from archdsl.diagnostics import Diagnostic
from archdsl.graph import Graph
from archdsl.modules.module import Module
from archdsl.modules.structure import label_of
from archdsl.source import Span
from archdsl.syntax import spec
from archdsl.syntax.walk import walk

CODE = "W0415"


def unused_labels(module: Module, graphs: Iterable[Graph]) -> list[Diagnostic]:
    """W0415: labels that no line mentions and that neither name a parameter nor group operators, in any variant.

    A label that no variant reaches (in an arm that is never taken) is not reported.
    """
    labels, mentioned = _labels(module.file)
    waiting = {name: span for name, span in labels.items() if name not in mentioned}
    if not waiting:
        return []
    named: set[str] = set()
    needed: set[str] = set()
    for graph in graphs:
        for path in (*graph.all_taps(), *(node.path for node in graph.all_nodes())):
            *scopes, last = path.split(".")
            needed.update(scopes)
            named.add(last)
        for path in graph.parameters():
            needed.update(path.split("."))
    help = "use it (in an expression, a claim or an `output`), or leave it out"
    return [
        Diagnostic(CODE, f"the label `{name}` is never used and names no parameters", span, help=help)
        for name, span in waiting.items() if name in named - needed
    ]  # fmt: skip


def _labels(file: spec.File) -> tuple[dict[str, Span], set[str]]:
    """Where each label of the file is given first, and every name that the file mentions."""
    labels: dict[str, Span] = {}
    mentioned: set[str] = set()
    for node in walk(file):
        label = label_of(node) if isinstance(node, spec.Statement) else None
        if label is not None and label.name is not None and label.index is None:
            labels.setdefault(label.name, label.span)
        if isinstance(node, spec.Name):
            mentioned.add(node.id)
        elif isinstance(node, spec.Attribute | spec.OutputItem):
            mentioned.add(node.name)
        elif isinstance(node, spec.Claim):
            mentioned.update(name for path in (node.part, node.tap) if path for name in path.split("."))
    return labels, mentioned
