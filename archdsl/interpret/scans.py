"""``scan``, its states, and ``map``: blocks that run along an axis.

``scan`` leaves a node that holds a graph (:mod:`archdsl.tape.scan`); ``map`` folds the axis into the batch, and leaves
nothing but views.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from archdsl.diagnostics import Diagnostic, Refusal, did_you_mean
from archdsl.dims import Dim
from archdsl.graph import Value
from archdsl.interpret.code import BodyBlock, Context, Step, compiled, located, statement
from archdsl.interpret.combinators import COMBINATORS, Combinator, _written
from archdsl.interpret.env import Env
from archdsl.interpret.kinds import BlockKind
from archdsl.interpret.model_states import set_next
from archdsl.interpret.parametric import Formal
from archdsl.interpret.stages import what_enters
from archdsl.interpret.values import BlockValue, as_flow, describe, is_flow, items
from archdsl.ops.base import Op
from archdsl.ops.kinds import Axis, Boolean
from archdsl.ops.scan import stacked
from archdsl.ops.shape import Permute, Reshape
from archdsl.source import Span
from archdsl.syntax import spec
from archdsl.tape.batch import check_foldable, follow_batch
from archdsl.tape.bound_axes import axis_index
from archdsl.tape.paths import Naming
from archdsl.tape.poison import POISON, Flow, Poison
from archdsl.tape.scan import Loop
from archdsl.tape.tape import Place


class ScanRun:
    """The body of a ``scan`` while it is made; without a loop where what enters was refused."""

    __slots__ = ("level", "loop", "places", "unknown")
    folds = False

    def __init__(self, loop: Loop | None, level: int) -> None:
        self.loop = loop
        self.level = level
        self.places: dict[str, Span] = {}
        """Where its states are declared."""
        self.unknown: set[str] = set()
        """States of which something was refused."""


class _AlongAxis(Combinator):
    """Base of what applies its body at the positions of an axis."""

    is_scope = True

    def apply(self, flow: Flow, place: Place, span: Span | None) -> Flow:
        tape = place.tape
        tape.bounds.step()
        given = self.effective()
        flow = what_enters(flow, self.name)
        inner = place.at(place.block(self.name))
        if flow is POISON or any(value is POISON for value in given.values()):
            _blind(given["body"], inner, span, tape.loops)
            return POISON
        values = items(flow)
        axes = [axis_index(given["axis"], value, tape.bound_axes) for value in values]
        return self._along(values, axes, given, place, inner, span)

    def _along(
        self, values: Sequence[Value], axes: list[int], given: dict[str, Any], place: Place, inner: Place,
        span: Span | None,
    ) -> Flow:  # fmt: skip
        """The result; ``inner`` is the place of the body."""
        raise NotImplementedError


class Scan(_AlongAxis):
    """``scan(axis = t) { state h = …; …; next h = … }``."""

    def _along(
        self, values: Sequence[Value], axes: list[int], given: dict[str, Any], place: Place, inner: Place,
        span: Span | None,
    ) -> Flow:  # fmt: skip
        tape, body = place.tape, given["body"]
        run = ScanRun(Loop(tape, inner.scope.path, values, axes), tape.loops)
        try:
            result = _run(body, run.loop.slices if run.loop else (), inner, span, run)
            return self._closed(run, result, place, span, given)
        finally:
            if tape.loops == run.level and run.loop is not None:
                run.loop.drop()

    def _closed(self, run: ScanRun, result: Flow, place: Place, span: Span | None, given: dict[str, Any]) -> Flow:
        loop, final = run.loop, given.get("final", False)
        assert loop is not None
        unset = [name for name in loop.states if name not in loop.after and name not in run.unknown]
        for name in unset:
            place.tape.faults.refuse(loop.never_set(name).located(run.places[name]), place.frame)
        if result is POISON or unset or run.unknown:
            return POISON
        if final and not loop.states:
            help = "declare what is handed on, `state h = …` and `next h = …`, or leave out `final = true`"
            raise Refusal("E0203", "`final` gives the states of a `scan`, and this one has none", help=help)
        if loop.states and not final and all(a is b for a, b in zip(items(result), loop.slices, strict=False)):
            message = "the body of `scan` ends with `in`: what it gives is what entered, and its states are for nothing"
            help = f"say in the last line what it gives, such as `{next(iter(loop.states))}`, or write `final = true`"
            place.tape.faults.report(Diagnostic("W0212", message, span, help=help, frame=place.frame))
        stacked, last = loop.close(items(result), place, span, reverse=given.get("reverse", False))
        results = (*stacked, *last) if final else stacked
        return results[0] if len(results) == 1 else results


def _run(body: BlockValue, slices: tuple[Value, ...], place: Place, span: Span | None, run: ScanRun | MapRun) -> Flow:
    """Apply a body to what it sees of the axis. A body written in place is the one that has states."""
    flow: Flow = slices[0] if len(slices) == 1 else slices
    if not isinstance(body, BodyBlock):
        return body.apply(flow, place, _written(body, span))
    env = body.inside(flow, place)
    env.along = run
    return body.code.run(env, flow)


def _blind(body: BlockValue | Poison, place: Place, span: Span | None, level: int) -> None:
    """Look for the faults of a body that cannot be applied."""
    if isinstance(body, BodyBlock):
        env = body.inside(POISON, place)
        env.along = ScanRun(None, level)
        body.code.run(env, POISON)
    elif isinstance(body, BlockValue):
        body.apply(POISON, place, _written(body, span))


@statement(spec.State)
def _state(statement: spec.State, context: Context) -> Step:
    code = located(compiled(statement.value, context), statement.value.span)
    name, word = statement.name, statement.span.word(statement.name)

    def run(env: Env, flow: Flow, naming: Naming) -> Flow:
        scan = env.along
        if not isinstance(scan, ScanRun):
            help = f"`scan(axis = t) {{ … }}` has states with a first value; one of the model is `state {name}: f32[…]`"
            raise Refusal("E0217", "`state` can be used only in the body of a `scan`", help=help)
        if name in scan.places:
            raise Refusal("E0207", f"two states are called `{name}`").located(word)
        scan.places[name] = word
        scan.unknown.add(name)
        env.names[name] = POISON
        loop = scan.loop
        if loop is None:
            code(env)
            return flow
        if loop.begun:
            help = "a state begins before the first run: move it to the beginning of the body"
            raise Refusal("E0217", f"the state `{name}` must stand in front of what the body computes", help=help)
        with loop.outside():
            start = as_flow(code(env), env.session.bounds)
        if isinstance(start, Value):
            env.names[name] = loop.state(name, start)
            scan.unknown.discard(name)
        elif start is not POISON:
            help = "give it a tensor to begin with: `state h = zeros([in.shape[0], 64])`"
            help = "declare a state for each of them" if is_flow(start) else help
            message = f"a state must be a tensor, not {describe(start)}"
            raise Refusal("E0204", message, help=help).located(statement.value.span)
        return flow

    return run


@statement(spec.Next)
def _next(statement: spec.Next, context: Context) -> Step:
    codes = [(item, located(compiled(item.value, context), item.value.span)) for item in statement.items]

    def run(env: Env, flow: Flow, naming: Naming) -> Flow:
        values = [(item, as_flow(code(env), env.session.bounds)) for item, code in codes]
        for item, value in values:
            try:
                _set(item, value, env)
            except Refusal as refusal:
                env.session.faults.refuse(refusal.located(item.span), env.place.frame)
        return flow

    return run


def _set(item: spec.NextItem, value: Any, env: Env) -> None:
    name = item.name
    scans = list(_around(env))
    if not any(name in scan.places for scan in scans) and set_next(name, value, env):
        return
    if not scans:
        raise Refusal(
            "E0217", f"`next` sets a state, and there is no state `{name}` here",
            help="it sets a state for the next run: `scan(axis = t) { state h = …; …; next h = … }`",
        )  # fmt: skip
    scan = next((scan for scan in scans if name in scan.places), None)
    if scan is None:
        scan = scans[0]
        scan.unknown |= scan.places.keys()  # one of them may have been meant
        help = did_you_mean(name, scan.places, f"declare it at the beginning of the body: `state {name} = …`")
        raise Refusal("E0201", f"this `scan` has no state `{name}`", help=help)
    if scan is not scans[0] or scan.level != env.session.tape.loops:
        scan.unknown.add(name)
        help = "let the inner `scan` have a state of its own, with `final = true`, and set this one behind it"
        raise Refusal(
            "E0217", f"`{name}` is a state of a `scan` further out, which runs once for all of this", help=help
        )
    if value is POISON or scan.loop is None or name in scan.unknown:
        scan.unknown.add(name)
        return
    if not isinstance(value, Value):
        scan.unknown.add(name)
        raise Refusal("E0204", f"a state must be a tensor, not {describe(value)}")
    try:
        scan.loop.next(name, value)
    except Refusal:
        scan.unknown.add(name)
        raise


def _around(env: Env | None) -> Iterator[ScanRun]:
    """The ``scan``s in whose text this stands, innermost first."""
    while env is not None:
        if isinstance(env.along, ScanRun):
            yield env.along
        env = env.parent


class MapRun:
    """The body of a ``map`` while it is made."""

    folds = True


class Map(_AlongAxis):
    """``map(axis = t) { … }``: the body at every position of an axis, which is folded into the batch meanwhile."""

    def _along(
        self, values: Sequence[Value], axes: list[int], given: dict[str, Any], place: Place, inner: Place,
        span: Span | None,
    ) -> Flow:  # fmt: skip
        tape, body = place.tape, given["body"]
        check_foldable(values, axes)
        batch, length = values[0].type.shape[0], values[0].type.shape[axes[0]]
        before = len(tape.nodes)
        folded = tuple([_folded(value, at, inner, span) for value, at in zip(values, axes)])
        result = _run(body, folded, inner, span, MapRun())
        if result is POISON:
            return POISON
        follow_batch(folded, tape.nodes[before:], items(result))
        results = tuple([_unfolded(value, batch, length, axes[0], inner, span) for value in items(result)])
        return results[0] if len(results) == 1 else results


def _folded(value: Value, axis: int, place: Place, span: Span | None) -> Value:
    """The axis brought behind the batch, and both in one."""
    order = (0, axis, *[i for i in range(1, value.type.rank) if i != axis])
    shape = value.type.shape
    if axis != 1:
        value = _applied(Permute.create(order=order), value, place, span)
    return _applied(Reshape.create(to=(shape[0] * shape[axis], *[shape[i] for i in order[2:]])), value, place, span)


def _unfolded(value: Value, batch: Dim, length: Dim, axis: int, place: Place, span: Span | None) -> Value:
    """The batch and the axis apart again, the axis where it was."""
    stacked(value.type, axis, length)
    rest = value.type.shape[1:]
    value = _applied(Reshape.create(to=(batch, length, *rest)), value, place, span)
    if axis == 1:
        return value
    order = (0, *range(2, axis + 1), 1, *range(axis + 1, len(rest) + 2))
    return _applied(Permute.create(order=order), value, place, span)


def _applied(op: Op, value: Value, place: Place, span: Span | None) -> Value:
    found = place.tape.node(op, (value,), place, op.name, span)
    assert isinstance(found, Value)
    return found


_AXIS = Formal("axis", Axis(), True)
_BODY = Formal("body", BlockKind(), True)
COMBINATORS["scan"] = Scan(
    "scan", (_AXIS, Formal("reverse", Boolean(), False), Formal("final", Boolean(), False), _BODY)
)
COMBINATORS["map"] = Map("map", (_AXIS, _BODY))
