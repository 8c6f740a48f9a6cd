"""Branches that are decided, and scans by their bodies."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from archdsl.diagnostics import Refusal
from archdsl.foreign.deciding import inputs_of
from archdsl.foreign.known import Known, fixed
from archdsl.foreign.onnx.call import Call, Item, Result, rule
from archdsl.foreign.onnx.model import Graph
from archdsl.graph import Value
from archdsl.tape.paths import PathScope
from archdsl.tape.scan import Loop
from archdsl.tape.tape import Place


@rule("If")
def if_(call: Call) -> Result:
    """The branch that runs; refuses (E1002) a condition that an input of one number decides, and is not bound."""
    condition = call.item(0)
    if not isinstance(condition, Known):
        if not any(number for _, number in inputs_of(condition)):
            return call.not_supported("a condition on the values of a tensor")
        raise call.depends(condition, "the condition")
    chosen = "then_branch" if bool(condition.array().ravel()[0]) else "else_branch"
    return call.run_graph(body_of(call, chosen), {})


def body_of(call: Call, name: str) -> Graph:
    """A graph that is an attribute."""
    found = call.node.attributes.get(name)
    if not isinstance(found, Graph):
        raise Refusal("E1001", f"`{call.node.op}` has no `{name}`")
    return found


@rule("Scan")
def scan(call: Call) -> Result:
    """Along one axis of each input; all in one direction."""
    body = body_of(call, "body")
    count = call.attr("num_scan_inputs", 1)
    if call.version < 9:
        return call.not_supported("the form before opset 9")
    states = len(call.inputs) - count
    values = [call.as_value(fixed(call.item(i)), "state") for i in range(states)]
    values += [call.value(i) for i in range(states, len(call.inputs))]
    cut = values[states:]
    axes = [axis % one.type.rank for axis, one in zip(call.attr("scan_input_axes") or [0] * count, cut)]
    turned = {*(call.attr("scan_input_directions") or [0]), *(call.attr("scan_output_directions") or [0])}
    if len(turned) > 1:
        return call.not_supported("two directions")
    wanted = call.attr("scan_output_axes") or [0] * (len(call.node.outputs) - states)
    names = [port.name for port in body.inputs]

    def run(held: Sequence[Value], slices: Sequence[Value]) -> list[Item]:
        return call.run_graph(body, dict(zip(names, [*held, *slices])))

    found = looped(call, cut, axes, values[:states], run, reverse=turned == {1})
    return [*found[:states], *(_moved(call, one, axes[0], to) for one, to in zip(found[states:], wanted))]


def _moved(call: Call, value: Value, axis: int, to: int) -> Value:
    """The axis of runs at another place."""
    rank = value.type.rank
    to = to % rank
    order = [i for i in range(rank) if i != axis]
    order.insert(to, axis)
    return value if order == list(range(rank)) else call.apply("permute", value, order=order)


def looped(
    call: Call, cut: Sequence[Value], axes: Sequence[int], starts: Sequence[Value],
    run: Callable[[Sequence[Value], Sequence[Value]], list[Item]], *, reverse: bool,
) -> list[Value]:  # fmt: skip
    """The states after the last run, then the stacked results. ``run`` makes the nodes of one run."""
    tape = call.importer.tape
    place = Place(tape, PathScope(), naming="direct")
    loop = Loop(tape, call.importer.fresh(call.path("scan")), cut, axes)
    try:
        held = [loop.state(f"state.{i}", start) for i, start in enumerate(starts)]
        made = [call.as_value(one, "result") for one in run(held, loop.slices)]
        for (name, state), value in zip(loop.states.items(), made):
            if value.type != state.value.type:
                call.not_supported(f"a state that is {state.value.type} before a run and {value.type} behind it")
            loop.next(name, value)
    except BaseException:
        loop.drop()
        raise
    results, after = loop.close(made[len(starts) :], place, call.importer.span, reverse=reverse)
    return [*after, *results]
