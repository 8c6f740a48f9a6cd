"""Blocks: functions from tensors to tensors, and what it means to apply each of them."""

from __future__ import annotations

from functools import cache, partial
from typing import Any, Self

from archdsl import ops
from archdsl.diagnostics import Refusal
from archdsl.elaborate import guess
from archdsl.elaborate.bind import Formal
from archdsl.elaborate.bodies import is_single
from archdsl.elaborate.env import Env, Place
from archdsl.elaborate.kinds import parameter_kind
from archdsl.elaborate.paths import PathScope, join
from archdsl.elaborate.replay import Application
from archdsl.elaborate.session import BoundExceeded, Session, shared_scope
from archdsl.elaborate.values import POISON, BlockValue, Flow, describe, is_flow, show_arguments, show_settings
from archdsl.graph import Value
from archdsl.ops.base import REQUIRED, Op
from archdsl.source import Frame, Span
from archdsl.syntax import spec


class Parametric(BlockValue):
    """A block with parameters, some of them given (``bound``)."""

    formals: tuple[Formal, ...]
    runs_poisoned = False
    """Whether it is worth applying with a refused argument: a block's body may hold faults of its own."""
    takes_inputs = False
    """Whether tensors in a call are further inputs (operators)."""

    def __init__(self) -> None:
        self.bound: dict[str, Any] = {}
        self.defaults: dict[str, Any] = {}
        self.tensors: tuple[Any, ...] = ()
        self.written: Span | None = None
        """Where the call stands that gave the arguments."""

    def _copy(self) -> Self:
        cls = type(self)
        copy = cls.__new__(cls)
        copy.__dict__ = self.__dict__.copy()
        return copy

    def with_bound(self, given: dict[str, Any], tensors: list[Any]) -> Self:
        """The block with further arguments."""
        copy = self._copy()
        copy.bound = {**self.bound, **given}
        copy.tensors = (*self.tensors, *tensors)
        return copy

    def with_defaults(self, defaults: dict[str, Any]) -> Self:
        """The block with the arguments that an enclosing ``with`` gives; explicit ones win."""
        if not defaults:
            return self
        copy = self._copy()
        copy.defaults = defaults
        return copy

    def settle(self, env: Env, span: Span) -> Any:
        """What a call gives: the block, or (operators on tensors) its result."""
        return self

    def missing(self, effective: dict[str, Any]) -> None:
        """Refuse to be applied without a required argument."""
        for formal in self.formals:
            if formal.required and formal.name not in effective:
                raise self._missing(formal, effective)

    def _missing(self, formal: Formal, given: dict[str, Any]) -> Refusal:
        required = [f for f in self.formals if f.required]
        last = required[-1]
        body = ""
        if last is self.formals[-1] and getattr(last.kind, "takes_body", False):
            required.pop()
            body = " { | … | … }" if type(last.kind).__name__ == "BranchesKind" else " { … }"
        call = f"({', '.join(f.name for f in required)})" if required else ""
        what = "a body" if body and formal is last else f"the argument `{formal.name}`"
        return Refusal("E0203", f"`{self.name}` needs {what}", help=f"write `{self.name}{call}{body}`")


class OpBlock(Parametric):
    """An operator with arguments."""

    def __init__(self, card: type[Op]) -> None:
        super().__init__()
        self.card = card
        self.takes_inputs = card.applies_at is not None or card.arity[1] is None or card.arity[1] > 1
        self.name = card.name
        self._made: Op | None = None
        self.formals = tuple(Formal(n, a.kind, a.default is REQUIRED) for n, a in card.signature.items())

    def operator(self) -> Op:
        """The card with its arguments; made once, since blocks and operators are immutable."""
        if self._made is None:
            effective = {**self.defaults, **self.bound}
            self.missing(effective)
            op = self.card(**effective)
            op.validate()
            self._made = op
        return self._made

    def _copy(self) -> Self:
        copy = super()._copy()
        copy._made = None
        return copy

    def settle(self, env: Env, span: Span) -> Any:
        least = 0 if self.card.arity[1] == 0 else self.card.applies_at
        if least is None or len(self.tensors) < least:
            return self
        return env.session.node(self.operator(), self.tensors, env.place, self.name, span)

    def guess(self, flow: Flow, session: Session) -> Flow:
        """What is certain of the result, after a fault."""
        if flow is POISON:
            return POISON
        inputs = (*(flow if isinstance(flow, tuple) else (flow,)), *self.tensors)
        return guess.application(self.card, {**self.defaults, **self.bound}, inputs, session)

    def apply(self, flow: Flow, place: Place, span: Span | None) -> Flow:
        if self.name == "identity":
            return flow
        op = self.operator()
        if flow is POISON:
            place.scope.operator(self.name)
            return POISON
        inputs = (*(flow if isinstance(flow, tuple) else (flow,)), *self.tensors)
        return place.session.node(op, inputs, place, self.name, span)


@cache
def operator_block(name: str) -> OpBlock:
    """The operator ``name`` without arguments; blocks are immutable, so that one serves all."""
    return OpBlock(ops.load(name))


class FailedOp(BlockValue):
    """A call of an operator with a refused argument: the rest of it says what the result would look like."""

    def __init__(self, block: OpBlock) -> None:
        self.block = block
        self.name = block.name

    def apply(self, flow: Flow, place: Place, span: Span | None) -> Flow:
        place.scope.operator(self.name)
        return self.block.guess(flow, place.session)


class UserBlock(Parametric):
    """A block defined in the language, with the scope it was defined in."""

    runs_poisoned = True

    def __init__(self, definition: spec.Block, env: Env) -> None:
        super().__init__()
        self.definition = definition
        self.env = env
        self.name = definition.name
        self.formals = tuple(
            Formal(p.name, None if p.kind is None else self._kind(p), p.default is None) for p in definition.parameters
        )

    @staticmethod
    def _kind(parameter: spec.Parameter) -> Any:
        try:
            return parameter_kind(parameter.kind or "")
        except Refusal as refusal:
            raise refusal.located(parameter.span) from None

    def apply(self, flow: Flow, place: Place, span: Span | None) -> Flow:
        session = place.session
        session.step()
        if place.depth > session.limits.depth:
            raise BoundExceeded("E0505", f"blocks are nested more than {session.limits.depth} applications deep")
        effective = {**self.defaults, **self.bound}
        self.missing(effective)
        frame = Frame(self.name, partial(show_arguments, effective), span, place.frame)
        inner = place.inside(place.scope.block(self.name), frame)
        application = Application.of(self, effective, flow, inner)
        known = application.repeat() if application is not None else None
        if known is not None:
            return known
        env = Env(self.env, inner, "body", flow)
        fill_parameters(self.definition.parameters, effective, env)
        frame.settle(partial(show_settings, [p.name for p in self.definition.parameters], env.names))
        result = run_definition(self.definition, env, flow)
        if application is not None:
            application.keep(result)
        return result


def fill_parameters(parameters: tuple[spec.Parameter, ...], given: dict[str, Any], env: Env) -> None:
    """Bind parameters in order; a default may use those to its left, and ``in``."""
    from archdsl.elaborate.bind import argument_value

    for parameter in parameters:
        if parameter.name in given:
            value = given[parameter.name]
            if isinstance(value, Branches):
                value = value.expand(env)
        else:
            assert parameter.default is not None
            kind = parameter_kind(parameter.kind) if parameter.kind else None
            value = argument_value(parameter.default, Formal(parameter.name, kind, False), env)
            if kind is not None and value is not POISON:
                value = _check_default(kind, value, parameter)
        env.names[parameter.name] = value


def _check_default(kind: Any, value: Any, parameter: spec.Parameter) -> Any:
    try:
        return kind.check(value, f"the default of `{parameter.name}`")
    except Refusal as refusal:
        raise refusal.located(parameter.span) from None


def run_definition(definition: spec.Block, env: Env, flow: Flow) -> Flow:
    """Run a block's body or expression, under the defaults of a ``with`` in front of it."""
    from archdsl.elaborate import flow as flows
    from archdsl.elaborate import statements

    if definition.defaults:
        env.defaults = statements.with_defaults(definition.defaults, env)
    env.place.scope.solo = "" if definition.then else "block"
    if definition.value is not None:
        flow = statements.guarded_flow(definition.value, env, flow)
    else:
        assert definition.body is not None
        if not is_single(definition.body):
            env.place.scope.solo = ""
        flow = statements.run_body(definition.body, env, flow)
    return flows.apply_stages(flow, definition.then, env)


class BodyBlock(BlockValue):
    """``{ … }`` with the scope it stands in."""

    def __init__(self, body: spec.Body, env: Env) -> None:
        self.body = body
        self.env = env

    def apply(self, flow: Flow, place: Place, span: Span | None) -> Flow:
        return self.run(flow, place.at(place.scope.combinator()))

    def run(self, flow: Flow, place: Place) -> Flow:
        """Run the body directly in the place's naming scope."""
        from archdsl.elaborate.statements import run_body

        if place.depth > place.session.limits.depth:
            raise BoundExceeded("E0505", f"blocks are nested more than {place.session.limits.depth} applications deep")
        inner = place.inside(place.scope, place.frame)
        return run_body(self.body, Env(self.env, inner, "body", flow), flow)


class Pipe(BlockValue):
    """``a -> b``, a composition; each stage is named as if it stood there itself."""

    name = "pipeline"

    def __init__(self, stages: list[tuple[BlockValue, Span]]) -> None:
        self.stages = stages

    def apply(self, flow: Flow, place: Place, span: Span | None) -> Flow:
        if place.scope.mode == "direct":
            place.scope.mode = "named"
        if place.depth > place.session.limits.depth:
            raise BoundExceeded("E0505", f"blocks are nested more than {place.session.limits.depth} applications deep")
        inner = place.inside(place.scope, place.frame)
        for block, where in self.stages:
            inner.session.step()
            try:
                flow = block.apply(flow, inner, where)
            except Refusal as refusal:
                raise refusal.located(where) from None
        return flow


class BranchBlock(BlockValue):
    """One ``| branch``."""

    name = "branch"

    def __init__(self, statement: spec.Branch, env: Env) -> None:
        self.statement = statement
        self.env = env

    def apply(self, flow: Flow, place: Place, span: Span | None) -> Flow:
        from archdsl.elaborate.statements import labelled

        env = Env(self.env, place.inside(place.scope, place.frame), "body", flow)
        return labelled(self.statement, env, flow)


class MissingBlock(BlockValue):
    """What could not be read: nothing is known of its result."""

    name = "missing"

    def apply(self, flow: Flow, place: Place, span: Span | None) -> Flow:
        return POISON


class Branches(BlockValue):
    """``{ | a | b }``: expanded when the flow that enters is known, since loops over it may make branches."""

    name = "branches"
    kind_name = "a list of branches"

    def __init__(self, body: spec.Body, env: Env) -> None:
        self.body = body
        self.env = env

    def expand(self, env: Env) -> tuple[BlockValue, ...]:
        """The branches, with ``in`` as in ``env``."""
        from archdsl.elaborate.branches import expand_branches

        inner = Env(self.env, env.place, "body", env.input())
        return tuple(expand_branches(self.body, inner))

    def apply(self, flow: Flow, place: Place, span: Span | None) -> Flow:
        raise Refusal("E0217", "a list of branches is no block", help="say how they join: `parallel(concat) { … }`")


class SharedBlock(BlockValue):
    """``share name = …``: one set of weights, used at every application."""

    kind_name = "a shared block"

    def __init__(self, name: str, inner: BlockValue, path: str) -> None:
        self.name = name
        self.inner = inner
        self.path = path
        self.uses = 0

    def apply(self, flow: Flow, place: Place, span: Span | None) -> Flow:
        self.uses += 1
        scope = shared_scope(self.path if self.uses == 1 else f"{self.path}_{self.uses}", self.path)
        scope.mode = "direct"
        return self.inner.apply(
            flow, Place(place.session, scope, place.frame, place.frozen, place.depth + 1, True), span
        )

    def weight(self, name: str, place: Place, span: Span) -> Flow:
        """``shared.weight`` as a tensor."""
        path = join(self.path, name)
        if path not in place.session.parameters:
            raise Refusal(
                "E0211", f"`{self.name}` owns no `{name}`" + ("" if self.uses else " before it is first applied")
            )
        return place.session.weight_value(path, place, span)


class FrozenBlock(BlockValue):
    """``frozen b``."""

    def __init__(self, inner: BlockValue) -> None:
        self.inner = inner
        self.name = inner.name

    def apply(self, flow: Flow, place: Place, span: Span | None) -> Flow:
        return self.inner.apply(flow, frozen_place(place), span)


def frozen_place(place: Place) -> Place:
    """The same place, with weights that are not trained."""
    return Place(place.session, place.scope, place.frame, True, place.depth, place.shared)


class OwnBlock(BlockValue):
    """``own b``: weights of its own at each application, inside ``share``."""

    def __init__(self, inner: BlockValue) -> None:
        self.inner = inner
        self.name = inner.name

    def apply(self, flow: Flow, place: Place, span: Span | None) -> Flow:
        scope: PathScope = place.scope
        kept, scope.weights = scope.weights, scope.path
        try:
            return self.inner.apply(flow, place, span)
        finally:
            scope.weights = kept


class TupleBlock(BlockValue):
    """``tuple``: the join that leaves the branches' results side by side."""

    name = "tuple"

    def apply(self, flow: Flow, place: Place, span: Span | None) -> Flow:
        return flow


TUPLE = TupleBlock()


def flow_items(flow: Flow, what: str) -> tuple[Value, ...]:
    """The tensors of a flow."""
    if not is_flow(flow):
        raise Refusal("E0204", f"{what} must be a tensor, not {describe(flow)}")
    return flow if isinstance(flow, tuple) else (flow,)  # type: ignore[return-value]
