"""Applying blocks, and the values that stand behind arrows."""

from __future__ import annotations

from typing import Any

from archdsl import ops
from archdsl.diagnostics import Refusal
from archdsl.interpret.values import BlockValue, describe, is_flow
from archdsl.modules.words import COMBINATORS
from archdsl.source import Span
from archdsl.tape.limits import BoundExceeded
from archdsl.tape.poison import POISON, Flow
from archdsl.tape.tape import Place


def what_enters(flow: Flow, name: str) -> Flow:
    """The flow that ``name`` takes; refuses (E0310) where a call named tensors for the parameters alone."""
    if flow == ():
        raise Refusal(
            "E0310", f"`{name}` takes what enters the block, and its call names the tensors of its parameters alone",
            help="what is named is what enters: `x -> f(t)` and `f(x, t)` give `x` to `f`, and `t` to its parameter",
        )  # fmt: skip
    return flow


def apply_block(block: BlockValue, flow: Flow, place: Place, span: Span) -> Flow:
    """Apply at the place; refusals without a place of their own get ``span``."""
    try:
        return block.apply(flow, place, span)
    except BoundExceeded as exceeded:
        raise exceeded.located(span) from None
    except Refusal as refusal:
        return recovered(block, refusal.located(span), flow, place)


def recovered(block: BlockValue, refusal: Refusal, flow: Flow, place: Place) -> Flow:
    """After an application was refused: an operator's fault is reported, and the flow goes on with what is certain of
    its result.
    """
    if not block.guesses:
        raise refusal from None
    place.tape.faults.refuse(refusal, place.frame)
    return block.guess(flow, place.tape)


def as_stage(value: Any, span: Span) -> Any:
    """The value after an arrow: a block, or poison."""
    if value is POISON or isinstance(value, BlockValue):
        return value
    if is_flow(value):
        raise Refusal(
            "E0204", f"{describe(value)} cannot follow `->`: only blocks can be applied",
            help=hiding(span) or "a tensor begins a statement: `x -> f`; join tensors with `concat(x)` or `add(x)`",
        ).located(span)  # fmt: skip
    message = f"only blocks can be applied with `->`, not {describe(value)}"
    raise Refusal("E0204", message, help=hiding(span)).located(span)


def hiding(span: Span) -> str:
    """Help where a name at this place means a value, and would be an operator if nothing bound it."""
    name = span.text
    if not (ops.is_operator(name) or name in COMBINATORS):
        return ""
    return f"what is called `{name}` here hides the operator `{name}`: choose another name for it"
