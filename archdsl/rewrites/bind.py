"""Binding of symbols to sizes: the same graph with every type derived again from the bound inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from archdsl import dims
from archdsl.diagnostics import Diagnostic, DiagnosticError, Refusal, did_you_mean
from archdsl.dims import Expr
from archdsl.graph import Graph, Node, Value
from archdsl.rewrites.rebuild import rebuilt
from archdsl.shapes import AXES, TensorType, resolve_axis


def bind(graph: Graph, sizes: Mapping[str, int]) -> Graph:
    """The graph with the symbols in ``sizes`` replaced, each shape rule applied again.

    Raises ``DiagnosticError``: E0007 for a symbol that no input declares or a size below 1, and whatever a shape rule
    refuses at these sizes.
    """
    _check(graph, sizes)

    def change(node: Node, inputs: Sequence[Value]) -> Node:
        before = [value.type for value in node.inputs]
        op = type(node.op)(**{name: _bound(getattr(node.op, name), sizes, before) for name in node.op._fields})
        try:
            types = op.shape(*(value.type for value in inputs))
        except Refusal as refusal:
            raise DiagnosticError([refusal.located(node.origin.span).diagnostic(node.origin.frame)]) from None
        return Node(op, inputs, types, node.path, node.params, node.origin)

    return rebuilt(graph, change, inputs=[Value(value.name, value.type.bind(sizes)) for value in graph.inputs])


def _check(graph: Graph, sizes: Mapping[str, int]) -> None:
    declared = sorted({name for value in graph.inputs for dim in value.type.shape for name in dims.symbols(dim)})
    for name, size in sizes.items():
        if name not in declared:
            known = f"its symbols are {', '.join(declared)}" if declared else "it has no symbols"
            help = did_you_mean(name, declared, known)
            raise DiagnosticError([Diagnostic("E0007", f"`{graph.name}` declares no symbol `{name}`", help=help)])
        if size < 1:
            raise DiagnosticError([Diagnostic("E0007", f"a size must be at least 1, but `{name}` is bound to {size}")])


def _bound(field: Any, sizes: Mapping[str, int], types: Sequence[TensorType]) -> Any:
    """An argument of an operator with its symbols replaced; an axis named by a symbol becomes its index."""
    if isinstance(field, Expr):
        return dims.evaluate(field, sizes)
    if isinstance(field, TensorType):
        return field.bind(sizes)
    if isinstance(field, tuple):
        return tuple(_bound(item, sizes, types) for item in field)
    if isinstance(field, str) and field in sizes and types:
        named = any(dim == dims.symbol(field) for dim in types[0].shape)
        return resolve_axis(field, types[0]) if named or field in AXES else field
    return field
