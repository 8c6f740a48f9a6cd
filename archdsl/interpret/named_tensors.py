"""Calls that name tensors. One rule for all blocks: what is named is what enters.

``concat(up, skip)`` is ``(up, skip) -> concat``. Behind an arrow, what stands before it enters first: ``x ->
concat(skip)`` is ``concat(x, skip)``.
"""

from __future__ import annotations

from typing import Any

from archdsl.diagnostics import Refusal
from archdsl.interpret.env import Env
from archdsl.interpret.operators import OpBlock
from archdsl.interpret.parametric import Parametric
from archdsl.interpret.stages import apply_block, what_enters
from archdsl.interpret.values import BlockValue, items
from archdsl.source import Span, shortened
from archdsl.tape.poison import POISON, Flow
from archdsl.tape.tape import Place, Tape


class Fed(BlockValue):
    """``-> concat(skip)``: a block behind an arrow whose call names tensors, which enter behind the flow."""

    def __init__(self, block: BlockValue, tensors: tuple[Any, ...]) -> None:
        self.block = block
        self.tensors = tensors
        self.name = block.name
        self.guesses = block.guesses

    def apply(self, flow: Flow, place: Place, span: Span | None) -> Flow:
        return self.block.apply(self._all(flow, self.name), place, span)

    def guess(self, flow: Flow, tape: Tape) -> Flow:
        return self.block.guess(self._all(flow, self.name), tape)

    def _all(self, flow: Flow, name: str) -> Flow:
        if flow is POISON or any(tensor is POISON for tensor in self.tensors):
            return POISON
        return (*items(what_enters(flow, name)), *self.tensors)


def unnamed(env: Env) -> Env:
    """The scope of a call's arguments: what they make does not take the path that a label gives to the call."""
    return env if env.place.naming == "spliced" else env.at(env.place.at(env.place.scope))


def dealt(block: Any, tensors: list[Any], *, behind: bool) -> tuple[Any, list[Any]]:
    """The block with its parameters that are declared ``: tensor``, and the tensors that enter it. Those of operators
    that take tensors (``start = h``) are given by name alone.

    The tensors of a call are those that enter, and behind them those of the parameters. Behind an arrow something
    enters already; where as many are named as parameters must be given, nothing does.
    """
    if not isinstance(block, Parametric):
        return block, tensors
    wanting = [f for f in block.formals if f.takes_tensors and not f.by_name and f.name not in block.bound]
    required = sum(f.required for f in wanting)
    surplus = max(0 if behind else 1, len(tensors) - len(wanting))
    if not behind and 0 < required == len(tensors):
        surplus = 0
    given = {f.name: tensor for f, tensor in zip(wanting, tensors[surplus:])}
    return block.with_bound(given) if given else block, tensors[:surplus]


def applied(block: BlockValue, tensors: list[Any], env: Env, span: Span) -> Flow:
    """The block applied to the tensors that a call names, and to nothing else."""
    if any(tensor is POISON for tensor in tensors):
        return apply_block(block, POISON, env.place, span)
    if isinstance(block, Parametric):
        try:
            block.effective()
        except Refusal as missing:
            missing.help = missing.help.replace(f"`{block.name}(", f"`{block.name}(…, ", 1)
            missing.notes = ("a tensor that a call names enters the block, and is no argument of it",)
            raise
    return apply_block(block, tensors[0] if len(tensors) == 1 else tuple(tensors), env.place, span)


def enough(block: BlockValue, tensors: list[Any], call: Span) -> None:
    """Refuse (E0310) a call that names fewer tensors, one by one, than its operator takes."""
    if not isinstance(block, OpBlock):
        return
    least, most = block.card.arity
    least = 2 if most is None else least
    if len(tensors) >= least:
        return
    written = " ".join(call.text.split())
    shown, name = shortened(written, 60), block.name
    wanted = f"{least} tensors or more" if most is None else f"{least} tensors"
    raise Refusal(
        "E0310", f"`{name}` takes {wanted}, and this call names {len(tensors)}",
        help=f"begin with what stands before an arrow, `… -> {shown}`, or name all of them:"
        f" `{shortened(written.replace(f'{name}(', f'{name}(…, ', 1), 60)}`",
    )  # fmt: skip
