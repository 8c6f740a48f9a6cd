"""A graph at sizes: every rule of its operators applied again, with numbers in the places of symbols.

What fixed sizes are held against, sizes that are declared or bound are held against here: a rule that could not be
decided with symbols is decided now.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple
from weakref import ref

from archdsl import dims
from archdsl.diagnostics import Diagnostic, DiagnosticError, Refusal
from archdsl.dims import Dim, Expr
from archdsl.graph import Graph, Node, Value
from archdsl.ops.base import Op
from archdsl.ops.counted import Counted
from archdsl.shapes import AXES, TensorType, resolve_axis
from archdsl.tape.empty import anything_empty
from archdsl.tape.rebuild import rebuilt
from archdsl.tape.tape import shapes

Sizes = Mapping[str, Dim]
_PLAIN = frozenset({int, bool, float, type(None)})
"""Types of arguments that have no symbols: most of them."""
_MOST = 20_000
"""Steps that are kept."""


class Step(NamedTuple):
    """An operator at sizes, applied to tensors of some types. Nodes of which both are the same share one."""

    op: Op
    ins: tuple[TensorType, ...]
    outs: tuple[TensorType, ...]
    holds: tuple[object, ...]
    """What is known by identity besides ``ins``, so that it lives as long."""


class Sized(NamedTuple):
    """Every value's type at the sizes, and what every node applies there."""

    types: dict[Value, TensorType]
    steps: dict[Node, Step]


class _Shared:
    """Steps by the sizes, and by the identities of an operator and of types: the networks of a file, and blocks of the
    library in several files, repeat one another's.
    """

    by_sizes: ClassVar[dict[object, dict[tuple[int, ...], Step]]] = {}

    @classmethod
    def at(cls, sizes: Sizes, empty: bool) -> dict[tuple[int, ...], Step]:
        """Those at some sizes; too many of them are forgotten first."""
        if len(cls.by_sizes) + sum(map(len, cls.by_sizes.values())) > _MOST:
            cls.by_sizes = {}
        key = (empty, *[(type(name), name, type(size), size) for name, size in sizes.items()])
        return cls.by_sizes.setdefault(key, {})


class _Last:
    """What was found last: a graph is held to its sizes, and then measured at them. One value, since threads replace it
    while others read it.
    """

    kept: ClassVar[tuple[ref[Graph], Sizes, Sized] | None] = None


def at_sizes(graph: Graph, sizes: Sizes) -> Sized:
    """The graph's types and operators with the symbols in ``sizes`` replaced.

    Raises ``DiagnosticError`` with what the operators' rules refuse at these sizes, each at the place of its operator;
    what follows from a refused value stays silent.
    """
    last = _Last.kept
    if last is not None and last[0]() is graph and last[1] == sizes:
        return last[2]
    found = _derived(graph, sizes)
    _Last.kept = ref(graph, _forget), dict(sizes), found
    return found


def _forget(gone: ref[Graph]) -> None:
    last = _Last.kept
    if last is not None and last[0] is gone:
        _Last.kept = None


def _derived(graph: Graph, sizes: Sizes) -> Sized:
    sized = Sized({value: value.type.bind(sizes) for value in graph.inputs}, {})
    faults: list[Diagnostic] = []
    _derive(graph, sizes, sized, faults)
    if faults:
        raise DiagnosticError(faults)
    return sized


def _derive(graph: Graph, sizes: Sizes, sized: Sized, faults: list[Diagnostic]) -> None:
    """Add the types of a graph's values, those of its inputs being known, and of the values of bodies."""
    types, steps = sized
    empty = anything_empty(dim for value in graph.inputs for dim in types[value].shape)
    known = _Shared.at(sizes, empty)
    for node in graph.nodes:
        op, inputs, outputs = node.op, node.inputs, node.outputs
        if isinstance(op, Counted):
            sizes = _with_found(node, sizes, types)
            known = _Shared.at(sizes, empty)
        try:
            key = (id(op), *[id(types[value]) for value in inputs])
        except KeyError:
            continue
        named = not sizes.keys().isdisjoint(_names(op))
        if named:  # the types before tell which axis a name means
            key += (*[id(value.type) for value in inputs],)
        step = known.get(key)
        if step is None:
            try:
                step = known[key] = _step(node, tuple([types[value] for value in inputs]), sizes, empty, named)
            except Refusal as refusal:
                faults.append(_told(refusal, node))
                continue
        steps[node] = step
        if node.body is not None:
            types.update(zip(node.body.inputs, step.op.enters(step.ins)))
            _derive(node.body, sizes, sized, faults)
        types.update(zip(outputs, step.outs))


def _step(node: Node, ins: tuple[TensorType, ...], sizes: Sizes, empty: bool, named: bool) -> Step:
    """What a node applies at the sizes; refuses what does not fit there."""
    op = bound_op(node, sizes)
    before = [value.type for value in node.inputs] if named else ()
    return Step(op, ins, shapes(op, *ins, empty=empty), (node.op, *before))


def _with_found(node: Node, sizes: Sizes, types: Mapping[Value, TensorType]) -> Sizes:
    """The sizes with the one that a node finds: a symbol with the bounds that follow, unless it is given."""
    assert isinstance(node.op, Counted)
    symbol = node.op.symbol
    if symbol is None or symbol in sizes or any(value not in types for value in node.inputs):
        return sizes
    try:
        return {**sizes, str(symbol): node.op.named(node.path, [types[value] for value in node.inputs]).count}
    except Refusal:  # told where the rule is applied
        return sizes


def counts(graph: Graph, sizes: Sizes) -> dict[str, Dim]:
    """The sizes that operators find in the data, each at its greatest, where the sizes tell it."""
    found: dict[str, Dim] = {}
    nodes = [node for node in graph.nodes if isinstance(node.op, Counted)]
    if not nodes:
        return found
    types = at_sizes(graph, sizes).types
    for node in nodes:
        assert isinstance(node.op, Counted)
        limit = node.op.limit(*[types[value].bind(found) for value in node.inputs])
        if isinstance(limit, int) and node.op.symbol is not None:
            found[str(node.op.symbol)] = limit
    return found


def _told(refusal: Refusal, node: Node) -> Diagnostic:
    if node.origin.span is None:  # made in Python, or data that names no text
        refusal.notes = (*refusal.notes, f"at the operator `{node.path}`")
    return refusal.located(node.origin.span).diagnostic(node.origin.frame)


def bound(graph: Graph, sizes: Sizes) -> Graph:
    """The graph at the sizes, as a graph. Raises ``DiagnosticError`` as :func:`at_sizes` does."""
    sized = at_sizes(graph, sizes)

    def change(node: Node, inputs: Sequence[Value]) -> Node:
        types = [sized.types[value] for value in node.outputs]
        return Node(sized.steps[node].op, inputs, types, node.path, node.params, node.origin)

    made = rebuilt(graph, change, enter=lambda value: Value(value.name, sized.types[value]))
    made.defaults = {name: size for name, size in graph.defaults.items() if name not in sizes}
    return made


def _names(op: Op) -> frozenset[str]:
    """The names in an operator's arguments that may be those of sizes."""
    known: frozenset[str] | None = op.__dict__.get("_names")
    if known is None:
        given = [getattr(op, name) for name in op.signature]
        known = op.__dict__["_names"] = frozenset([name for one in given for name in _names_in(one)])
    return known


def _names_in(given: Any) -> Iterable[str]:
    if isinstance(given, Expr):
        return dims.symbols(given)
    if isinstance(given, TensorType):
        return _names_in(given.shape)
    if isinstance(given, tuple):
        return [name for item in given for name in _names_in(item)]
    return (given,) if isinstance(given, str) else ()


def bound_op(node: Node, sizes: Sizes) -> Op:
    """The node's operator with symbols in its arguments replaced; refuses values that no argument may have."""
    op = node.op
    if isinstance(op, Counted) and op.symbol is not None and op.symbol in sizes:
        op = op.replace(found=sizes[op.symbol])
    if sizes.keys().isdisjoint(_names(op)):
        return op
    before = [value.type for value in node.inputs]
    changed: dict[str, Any] = {}
    for name in op.signature:
        given = getattr(op, name)
        if type(given) not in _PLAIN and isinstance(given, Expr | TensorType | tuple | str):
            found = _bound(given, sizes, before)
            if found is not given and found != given:
                changed[name] = found
    if not changed:
        return op
    kept = {name: getattr(op, name) for name, one in op.signature.items() if getattr(op, name) != one.default}
    made = type(op).create(**kept | changed)
    return made.replace(found=op.found) if isinstance(made, Counted) and isinstance(op, Counted) else made


def _bound(given: Any, sizes: Sizes, types: Sequence[TensorType]) -> Any:
    """An argument with its symbols replaced; an axis that is named by a symbol becomes its index."""
    if isinstance(given, Expr):
        return dims.evaluate(given, sizes)
    if isinstance(given, TensorType):
        return given.bind(sizes)
    if isinstance(given, tuple):
        if _PLAIN.issuperset(map(type, given)):
            return given
        return tuple([_bound(item, sizes, types) for item in given])
    if isinstance(given, str) and given in sizes and types:
        named = any(dims.is_symbol(dim, given) for dim in types[0].shape)
        return resolve_axis(given, types[0]) if named or given in AXES else given
    return given
