"""Combinators: functions on blocks. They make edges and provenance, but no node of the graph.

Sources: residual (He et al. 2015), dense (Huang et al. 2016), parallel (Szegedy et al. 2014), stochastic depth
(Huang et al. 2016, ``drop_path``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from archdsl.diagnostics import Refusal
from archdsl.graph import Value
from archdsl.interpret import recovery
from archdsl.interpret.arithmetic import tensor_operation
from archdsl.interpret.branches import BranchBlock, Branches, MissingBlock
from archdsl.interpret.code import BodyBlock
from archdsl.interpret.kinds import BlockKind, BranchesKind
from archdsl.interpret.operators import OpBlock, operator_block
from archdsl.interpret.parametric import Formal, Parametric
from archdsl.interpret.stages import what_enters
from archdsl.interpret.values import BlockValue, describe, items
from archdsl.ops.kinds import Integer, Number
from archdsl.shapes import show_shape
from archdsl.source import Span
from archdsl.tape.faults import without_unknowns
from archdsl.tape.limits import FAULT_STEPS
from archdsl.tape.poison import POISON, Flow, Poison
from archdsl.tape.provenance import derivations
from archdsl.tape.tape import Place

Rule = Callable[..., Flow]
"""What a combinator does with the flow, the place and its arguments."""
Part = BlockValue | Poison


class Combinator(Parametric):
    """A function on blocks, with arguments. Those that were refused are poison, and the others are looked at."""

    runs_poisoned = True

    def __init__(self, name: str, formals: tuple[Formal, ...]) -> None:
        super().__init__()
        self.name = name
        self.formals = formals


class Seq(Combinator):
    """``seq { … }``: the body, its parts numbered."""

    is_scope = True

    def apply(self, flow: Flow, place: Place, span: Span | None) -> Flow:
        place.tape.bounds.step()
        body: Part = self.effective()["body"]
        place = place.at(place.sequence())
        if isinstance(body, Poison):
            return POISON
        if isinstance(body, BodyBlock):
            return body.code.run(body.inside(flow, place), flow)
        return body.apply(flow, place, _written(body, span))


class Join(Combinator):
    """A combinator that joins what its parts give."""

    def __init__(self, name: str, formals: tuple[Formal, ...], rule: Rule) -> None:
        super().__init__(name, formals)
        self.rule = rule

    def apply(self, flow: Flow, place: Place, span: Span | None) -> Flow:
        place.tape.bounds.step()
        return self.rule(what_enters(flow, self.name), place, span, **self.effective())


def _within(body: BlockValue, place: Place) -> Place:
    """The place of a combinator's part: an inline body stands directly in the combinator's own naming scope."""
    return place.at(place.scope, "direct") if isinstance(body, BodyBlock) else place


def _written(body: BlockValue, span: Span | None) -> Span | None:
    """Where a combinator's part stands: a call where it was written."""
    return body.written or span if isinstance(body, Parametric) else span


def _run(body: Part, flow: Flow, place: Place, span: Span | None) -> Flow:
    """Apply a combinator's part."""
    return POISON if isinstance(body, Poison) else body.apply(flow, _within(body, place), _written(body, span))


def _residual(
    flow: Flow,
    place: Place,
    span: Span | None,
    *,
    body: Part,
    shortcut: Part | None = None,
    join: Part | None = None,
    scale: Any = 1.0,
    drop_path: Any = 0.0,
) -> Flow:
    """``join(body(x) * scale, shortcut(x))``."""
    place = place.at(place.combinator())
    left = _run(body, flow, place, span)
    if drop_path is not POISON and drop_path > 0:
        left = operator_block("drop_path").with_bound({"p": drop_path}).apply(left, place, span)
    if scale is not POISON and scale != 1.0 and isinstance(left, Value):
        left = tensor_operation("mul", (left, float(scale)), place, span)
    right = flow if shortcut is None else _run(shortcut, flow, place, span)
    joined = operator_block("add") if join is None else join
    if left is POISON or right is POISON or isinstance(joined, Poison):
        return _of_the_others(joined, (left, right), place, span)
    agreed = _check_sides("residual", {"body": left, "shortcut": right}, joined, flow, place, span)
    if agreed is not None:
        return agreed
    return joined.apply((*items(left), *items(right)), place, span)


def _of_the_others(join: Part, sides: Sequence[Flow], place: Place, span: Span | None) -> Flow:
    """What a join gives where a side of it was refused: those of an elementwise one have one type."""
    _run(join, POISON, place, span)
    known: Flow = next((side for side in sides if isinstance(side, Value)), POISON)
    if not isinstance(join, Poison) and _elementwise(join):
        return known
    return POISON


def _elementwise(join: Part) -> bool:
    return isinstance(join, OpBlock) and join.card.pointwise and join.card.role == "join"


def _check_sides(
    name: str, sides: dict[str, Flow], join: BlockValue, entered: Flow, place: Place, span: Span | None
) -> Flow | None:
    """Elementwise joins need equal shapes: the message shows both, and where they came from. Products broadcast, as
    ``*`` does: a gate is smaller than what it scales.

    ``None`` if they are equal; else the fault is reported, and the sizes that agree are returned.
    """
    if not _elementwise(join) or (isinstance(join, OpBlock) and join.card.infix == "*"):
        return None
    values = {side: value for side, value in sides.items() if isinstance(value, Value)}
    tensors = list(values.values())
    if len(values) < len(sides) or len({value.type.shape for value in tensors}) <= 1:
        return None
    if recovery.surely_differ(tensors) and not place.tape.faults.told("E0304", span):
        shown = ", ".join(f"{side} gives {show_shape(value.type.shape)}" for side, value in values.items())
        count = "two sides" if name == "residual" else "branches"
        refusal = Refusal(
            "E0304", f"the {count} of `{name}` have different shapes", note=without_unknowns(shown),
            notes=map(without_unknowns, derivations(list(values.items()))),
            help=without_unknowns(_projection(tensors[0], tensors[1], entered)) if name == "residual" else "",
        )  # fmt: skip
        place.tape.faults.refuse(refusal.located(span), place.frame)
    place.tape.bounds.step(FAULT_STEPS)
    join.apply(POISON, place, span)
    return recovery.meet(tensors, place.tape)


def _projection(body_side: Value, shortcut_side: Value, entered: Flow) -> str:
    """The shortcut that would make the sides agree, where a strided 1x1 convolution does."""
    body, shortcut = body_side.type.shape, shortcut_side.type.shape
    if len(body) != len(shortcut) or len(body) < 3 or not isinstance(body[1], int):
        return "give the shortcut a projection to the body's shape"
    strides = [s // b for b, s in zip(body[2:], shortcut[2:]) if isinstance(b, int) and isinstance(s, int) and b]
    if len(set(strides)) > 1 or any(s < 1 for s in strides):
        return "give the shortcut a projection to the body's shape"
    stride = f", stride = {strides[0]}" if strides and strides[0] > 1 else ""
    return f"give the shortcut a projection: `residual(shortcut = conv({body[1]}, 1{stride}))`"


def _parallel(flow: Flow, place: Place, span: Span | None, *, join: Part, branches: Any) -> Flow:
    """Every branch gets the flow; a tuple gives one element to each branch."""
    place = place.at(place.combinator())
    if isinstance(branches, Poison):
        return POISON
    parts = branches.expand(place, flow) if isinstance(branches, Branches) else branches
    if not parts:
        raise Refusal("E0310", "`parallel` has no branch")
    if isinstance(flow, tuple) and any(isinstance(part, MissingBlock) for part in parts):
        flow = POISON  # which branch gets which of them is not known
    if isinstance(flow, tuple) and len(flow) != len(parts):
        raise Refusal(
            "E0310", f"a tuple of {len(flow)} tensors is dealt out to {len(parts)} branches",
            help="a tuple that enters `parallel` gives one element to each branch; join it first to give it to all",
        )  # fmt: skip
    results: list[Flow] = []
    names: list[str] = []
    for index, part in enumerate(parts):
        entering = flow[index] if isinstance(flow, tuple) else flow
        results.append(POISON if part is POISON else part.apply(entering, place, span))
        label = part.label if isinstance(part, BranchBlock) else None
        names.append(f"branch `{label}`" if label else f"branch {index + 1}")
    if isinstance(join, Poison) or any(result is POISON for result in results):
        return _of_the_others(join, results, place, span)
    agreed = _check_sides("parallel", dict(zip(names, results)), join, flow, place, span)
    if agreed is not None:
        return agreed
    joined = tuple(value for result in results for value in items(result))
    return derived(lambda: join.apply(joined, place, span), list(zip(names, results)))


def _dense(flow: Flow, place: Place, span: Span | None, *, n: Any, body: Part, join: Part | None = None) -> Flow:
    """Application k sees the join of the input and all earlier outputs; the result joins all of them."""
    numbered = place.naming == "direct"
    place = place.at(place.combinator())
    if n is POISON or isinstance(body, Poison) or isinstance(join, Poison):
        _run(body, flow, place, span)
        return POISON
    joined = operator_block("concat") if join is None else join
    if isinstance(flow, tuple):
        raise Refusal("E0310", f"`dense` takes one tensor, not {describe(flow)}")
    found: list[Value] = []
    current: Flow = flow
    if isinstance(flow, Value):
        found.append(flow)
    for k in range(n):
        place.tape.bounds.step()
        result = _run_numbered(body, current, place, span, k) if numbered else _run(body, current, place, span)
        if not isinstance(result, Value) or current is POISON:
            if isinstance(result, tuple):
                raise Refusal("E0310", f"the body of `dense` must give one tensor, not {describe(result)}")
            current = POISON
            continue
        found.append(result)
        sides = [(f"output {i}" if i else "input", value) for i, value in enumerate(found)]
        current = derived(lambda: joined.apply(tuple(found), place, span), sides)
    return current


def derived(join: Callable[[], Flow], sides: list[tuple[str, Any]]) -> Flow:
    """What ``join`` gives; if it refuses, the refusal shows where the different sizes came from."""
    try:
        return join()
    except Refusal as refusal:
        if refusal.span is None and refusal.code == "E0303":
            told = derivations([(name, value) for name, value in sides if isinstance(value, Value)])
            refusal.notes = tuple(map(without_unknowns, told))
        raise


def _run_numbered(body: BlockValue, flow: Flow, place: Place, span: Span | None, k: int) -> Flow:
    """Apply the body under the number ``k``, whose path it takes if it applies one thing."""
    place = place.at(place.scope.child(str(k)))
    if isinstance(body, BodyBlock):
        return body.code.run(body.inside(flow, place), flow, "direct")
    return body.apply(flow, place.at(place.scope, "direct"), _written(body, span))


_BODY = Formal("body", BlockKind(), True)
COMBINATORS: dict[str, Combinator] = {
    "seq": Seq("seq", (_BODY,)),
    "residual": Join(
        "residual",
        (
            Formal("shortcut", BlockKind(), False),
            Formal("join", BlockKind(), False),
            Formal("scale", Number(), False),
            Formal("drop_path", Number(0, 1), False),
            _BODY,
        ),
        _residual,
    ),
    "parallel": Join(
        "parallel", (Formal("join", BlockKind(), True), Formal("branches", BranchesKind(), True)), _parallel
    ),
    "dense": Join("dense", (Formal("n", Integer(0), True), Formal("join", BlockKind(), False), _BODY), _dense),
}
"""Each without arguments; the last parameter takes the trailing body. Blocks are immutable, so that one serves all."""
