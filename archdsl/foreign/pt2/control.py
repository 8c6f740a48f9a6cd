"""Operators of higher order: branches that are decided, and loops whose runs can be counted, run by run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from archdsl.diagnostics import Refusal
from archdsl.foreign.deciding import depends, inputs_of
from archdsl.foreign.known import Known
from archdsl.foreign.pt2.arguments import Args
from archdsl.foreign.pt2.constants import evaluated
from archdsl.foreign.pt2.memory import Complex, Item, Memory, Tensor
from archdsl.foreign.pt2.program import Body, Call, Ref
from archdsl.foreign.pt2.scopes import Scopes
from archdsl.graph import Value

MOST_RUNS = 256
"""Runs of a loop that are written one after another; a longer loop is opaque."""
Results = Sequence[Item | None]


class Flow(Protocol):
    """What reads the calls of a program."""

    memory: Memory
    scopes: Scopes

    def applied(self, body: Body, refs: Sequence[Ref]) -> list[Item | None]:
        """The results of a graph inside of the program, of tensors by their names."""
        ...

    def results(self, body: Body, given: Sequence[Item]) -> list[Item | None]:
        """The results of a graph inside of the program."""
        ...


Control = Callable[["Flow", Call], "Results | None"]
"""What a call gives; ``None``: nothing says which branch is taken, or how often a loop runs."""


def inlined(flow: Flow, call: Call) -> Results:
    """A graph that is applied as it stands: under other settings of autocast or gradients."""
    return flow.applied(_bodies(call)[0], call.refs())


def branch(flow: Flow, call: Call) -> Results | None:
    """The branch that is taken; refuses (E1002) a condition that an input of one number decides, and is not bound."""
    given, _, _, operands = _arguments(call, 4)
    condition = flow.memory.tensor(given) if isinstance(given, Ref) else given
    if isinstance(condition, Value):
        if any(number for _, number in inputs_of(condition)):
            raise depends(condition, "the condition", "torch.cond")
        return None
    if isinstance(condition, Known) and not condition.weight and condition.small and not condition.symbolic:
        condition = bool(condition.array().ravel()[0])
    if not isinstance(condition, bool):
        return None
    return flow.applied(_bodies(call)[0 if condition else 1], operands)


def while_loop(flow: Flow, call: Call) -> Results | None:
    """As many runs as its condition says, where that depends on nothing that enters."""
    test, step = _bodies(call)
    *_, carried, more = _arguments(call, 4)
    states, others = ([flow.memory.tensor(one) for one in refs] for refs in (carried, more))
    runs = _runs(flow, test, step, states, others)
    if runs is None:
        return None
    for _ in range(runs):
        found = flow.results(step, [*states, *others])
        states = [_made(one) for one in found]
    return states


def scan(flow: Flow, call: Call) -> Results | None:
    """A run for each slice of the first axis."""
    (step,) = _bodies(call)
    _, start, cut, more = _arguments(call, 4)
    states, wholes, others = ([flow.memory.tensor(one) for one in refs] for refs in (start, cut, more))
    lengths = {one.type.shape[0] if isinstance(one, Value) else one.shape[0] for one in wholes}
    if len(lengths) != 1:
        return None
    (length,) = lengths
    if not isinstance(length, int) or not 0 < length <= MOST_RUNS:
        return None
    args = Args(flow.memory, flow.scopes, step, call)
    values = [args.materialised(one) for one in wholes]
    stacked: list[list[Value]] = []
    for index in range(length):
        slices = [args.one("select", one, part="slice", axis=0, index=index) for one in values]
        found = [_made(one) for one in flow.results(step, [*states, *slices, *others])]
        states = found[: len(states)]
        stacked.append([args.materialised(one) for one in found[len(states) :]])
    return [*states, *(args.one("stack", *each, part="stack", axis=0) for each in zip(*stacked))]


CONTROL: Mapping[str, Control] = {
    "higher_order.wrap_with_set_grad_enabled": inlined, "higher_order.wrap_with_autocast": inlined,
    "higher_order": inlined, "higher_order.cond": branch, "higher_order.while_loop": while_loop,
    "higher_order.scan": scan,
}  # fmt: skip


def _bodies(call: Call) -> list[Body]:
    return [one for one in call.arguments.values() if isinstance(one, Body)]


def _arguments(call: Call, count: int) -> list[Any]:
    """The arguments; refuses (E1001) another number of them, or one that is no list of tensors where one is needed."""
    found = list(call.arguments.values())
    if len(found) != count or len(_bodies(call)) != {"higher_order.scan": 1}.get(call.operator, 2):
        raise Refusal("E1001", f"`{call.target}` has {len(found)} arguments, and not those that it takes")
    return found


def _made(one: Item | None) -> Tensor:
    if one is None or isinstance(one, Complex):
        raise Refusal("E1001", "a graph inside of the program gives nothing where a tensor is needed")
    return one


def _runs(flow: Flow, test: Body, step: Body, states: Sequence[Tensor], others: Sequence[Tensor]) -> int | None:
    """How often a loop runs: its condition is computed with what is known of its states, and no node is made."""
    held: list[Item | None] = list(states)
    for count in range(MOST_RUNS + 1):
        (decided,) = _foreseen(flow, test, [*held, *others])[:1] or [None]
        if not isinstance(decided, Known):
            return None
        if not bool(decided.array().ravel()[0]):
            return count
        held = _foreseen(flow, step, [*held, *others])
    return None


def _foreseen(flow: Flow, body: Body, given: Sequence[Item | None]) -> list[Item | None]:
    """The results of a graph as far as they are computed of what is known."""
    memory = Memory(flow.memory.importer)
    memory.env = {name: one for name, one in zip(inputs(body), given) if isinstance(one, Known)}
    for call in body.calls():
        if call.outputs and call.outputs[0] and all(one.name in memory.env for one in call.refs()):
            found = evaluated(Args(memory, flow.scopes, body, call))
            if found is not None:
                memory.env[call.outputs[0]] = found
    return [memory.env.get(one.name) for one in body.results()]


def inputs(body: Body) -> list[str]:
    """The names of what enters a graph."""
    found = map(body.argument, body.listed("inputs"))
    return [one.name if isinstance(one, Ref) else "" for one in found]
