"""Operators as blocks."""

from __future__ import annotations

from functools import cache
from typing import Any, ClassVar, Self

from archdsl import ops
from archdsl.diagnostics import Refusal
from archdsl.element_types import FLOATS
from archdsl.graph import Value
from archdsl.interpret import recovery
from archdsl.interpret.env import Env
from archdsl.interpret.parametric import Formal, Parametric
from archdsl.interpret.stages import what_enters
from archdsl.interpret.values import BlockValue, describe, is_flow, items
from archdsl.modules.suggestions import window_help
from archdsl.ops.base import REQUIRED, Op
from archdsl.ops.kinds import Kind, Operand
from archdsl.source import Span
from archdsl.tape.operands import apart
from archdsl.tape.poison import POISON, REFUSED, Flow, Poison
from archdsl.tape.tape import Place, Tape


class OpBlock(Parametric):
    """An operator with arguments."""

    guesses = True

    def __init__(self, card: type[Op]) -> None:
        super().__init__()
        self.card = card
        self.name = card.name
        self._made: Op | None = None
        self.formals = tuple(Formal(n, _spoken(a.kind), a.default is REQUIRED) for n, a in card.signature.items())

    def operator(self) -> Op:
        """The card with its arguments; made once, since blocks and operators are immutable."""
        if self._made is None:
            op = self.card(**apart(self.card, self.effective())[0])
            op.validate()
            self._made = op
        return self._made

    def _named(self) -> tuple[Value | Poison, ...]:
        """The tensors that are given by name."""
        operands = self.card.operands
        if not any(name in self.bound or name in self.defaults for name in operands):  # most calls
            return ()
        return apart(self.card, {**self.defaults, **self.bound})[1]

    def _copy(self) -> Self:
        copy = super()._copy()
        copy._made = None
        return copy

    def refused(self) -> Any:
        return POISON if self.card.arity[1] == 0 else FailedOp(self)

    def settle(self, env: Env, span: Span) -> Any:
        if self.card.arity[1] != 0:
            return self
        return env.place.tape.node(self._following(env).operator(), (), env.place, self.name, span)

    def _following(self, env: Env) -> OpBlock:
        """A source in the element type of the flow, where that is a float and no ``dtype`` is given."""
        if not self.card.follows or "dtype" in self.bound or "dtype" in self.defaults:
            return self
        flow = env.flowing()
        first = flow[0] if isinstance(flow, tuple) and flow else flow
        dtype = first.type.dtype if isinstance(first, Value) else ""
        if dtype not in FLOATS or dtype == self.card.signature["dtype"].default:
            return self
        copy = self._copy()
        copy.bound = {**self.bound, "dtype": dtype}
        return copy

    def guess(self, flow: Flow, tape: Tape) -> Flow:
        if flow is POISON:
            return POISON
        inputs = flow if isinstance(flow, tuple) else (flow,)
        arguments, named = apart(self.card, {**self.defaults, **self.bound})
        return recovery.application(self.card, arguments, (*inputs, *named), tape)

    def apply(self, flow: Flow, place: Place, span: Span | None) -> Flow:
        if self.card.vanishes:
            return flow
        inputs = items(what_enters(flow, self.name)) if flow is not POISON else ()
        if self.card.role == "join" and len(set(inputs)) < len(inputs):
            self._tell_twice(place, span)
        try:
            op, named = self.operator(), self._named()
            if flow is POISON:
                place.operator(self.name)
                return POISON
            return place.tape.node(op, (*inputs, *named), place, self.name, span)
        except Refusal as refusal:
            if inputs and self.card.role == "layer" and refusal.code in ("E0206", "E0302"):
                entering = inputs[0].type.shape[1] if isinstance(inputs[0], Value) else None
                refusal.help = window_help(self.name, entering, self.bound) or refusal.help
            raise

    def _tell_twice(self, place: Place, span: Span | None) -> None:
        """Warn (W0207): one tensor enters a join more than once."""
        told = Refusal(
            "W0207", f"one tensor enters `{self.name}` more than once",
            help="what is named is what enters, and behind an arrow also what stands before it: name each tensor once",
        )  # fmt: skip
        if span is not None:
            place.tape.faults.report(told.located(span).diagnostic(place.frame))


class NamedTensors(Kind):
    """The tensors of an argument of an operator, ``most`` of them in a tuple; or ``none``."""

    most: int = 1
    takes_tensors: ClassVar[bool] = True
    by_name: ClassVar[bool] = True

    @property
    def text(self) -> str:
        return Operand(self.most).text

    def check(self, value: Any, what: str) -> Any:
        if value is None:
            return None
        if not is_flow(value) or len(items(value)) > self.most:
            raise Refusal("E0204", f"{what} must be {self.text}, not {describe(value)}")
        return value


def _spoken(kind: Kind) -> Kind:
    """What the language gives for an argument of this kind."""
    return NamedTensors(kind.most) if isinstance(kind, Operand) else kind


@cache
def operator_block(name: str) -> OpBlock:
    """The operator ``name`` without arguments; blocks are immutable, so that one serves all."""
    return OpBlock(ops.load(name))


class FailedOp(BlockValue):
    """A call of an operator with a refused argument: the rest of it says what the result would look like."""

    kind_name = REFUSED

    def __init__(self, block: OpBlock) -> None:
        self.block = block
        self.name = block.name

    def apply(self, flow: Flow, place: Place, span: Span | None) -> Flow:
        place.operator(self.name)
        return self.block.guess(flow, place.tape) if recovery.keeps_axes(self.block.card) else POISON
