"""``scan`` -> ``Scan``, of which as much as can be runs once, in front of the loop.

What depends on no slice is computed once. Products that depend on slices and on no state are one product for all steps,
with the steps on the first axis; so is what they need. What knows no such axis, as a convolution does, gets the steps
and the batch as one.
"""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.backends.onnx.lower import apply_rules
from archdsl.backends.onnx.wire import Attribute
from archdsl.backends.onnx.writer import Body, Emit
from archdsl.graph import Graph, Node, Value
from archdsl.rewrites.scan_plan import Plan
from archdsl.shapes import TensorType


def scan(emit: Emit) -> None:
    """The nodes in front of the loop, then the loop, then its results with the axis where it belongs."""
    op, writer, body = emit.op, emit.writer, emit.node.body
    assert body is not None
    states, slices = body.inputs[: op.states], body.inputs[op.states : op.first_captured]
    writer.value_names.update(zip(body.inputs[op.first_captured :], emit.ins[op.first_captured :]))
    firsts = {
        value: _first(emit, name, type, axis)
        for value, name, type, axis in zip(slices, emit.ins[op.states :], emit.types[op.states :], op.axes)
    }
    plan = Plan(body, states, slices, op.runs(emit.types))
    apply_rules(writer, plan.once)
    for value, wide in plan.wide.items():
        if value in firsts:
            writer.value_names[wide] = firsts[value]
    apply_rules(writer, plan.all_steps)
    if writer.emitted is writer.outermost:
        writer.hoisted += [value for node in (*plan.once, *plan.all_steps) for value in node.outputs]
    firsts |= {value: writer.value_names[wide] for value, wide in plan.wide.items() if value not in firsts}
    cut = [value for value in firsts if value in plan.read] or list(slices[:1])
    _loop(emit, body, plan.left, states, {value: firsts[value] for value in cut})


def _first(emit: Emit, name: str, type: TensorType, axis: int) -> str:
    """A tensor with the axis that is cut in front."""
    if axis == 0:
        return name
    perm = (axis, *(i for i in range(type.rank) if i != axis))
    return emit.once(("first", name, axis), lambda: emit.helper("Transpose", [name], perm=perm))


def _loop(emit: Emit, body: Graph, nodes: Sequence[Node], states: Sequence[Value], cut: dict[Value, str]) -> None:
    op, writer = emit.op, emit.writer
    inner = Body(writer.fresh(f"{emit.node.path}/body"))
    for value in (*states, *cut):
        writer.value_names[value] = name = writer.fresh(value.name)
        writer.dtypes[name] = value.type.dtype
        inner.inputs[name] = value.type
    with writer.inside(inner):
        apply_rules(writer, nodes)
        made = {name for item in inner.nodes for name in item.outputs}
        for value in body.outputs.values():
            name = writer.value_names[value]
            if name not in made or name in inner.outputs:  # of an input, of outside, or given before
                name = emit.helper("Identity", [name])
            inner.outputs[name] = value.type
    way: dict[str, Attribute] = {}
    results = len(body.outputs) - len(states)
    if op.reverse:
        way = {"scan_input_directions": (1,) * len(cut)}
        way |= {"scan_output_directions": (1,) * results} if results else {}
    names = emit.helpers(
        "Scan", [*emit.ins[: op.states], *cut.values()], len(body.outputs), body=inner, num_scan_inputs=len(cut), **way
    )
    axis = op.axes[0]
    for index, (name, type) in enumerate(zip(names, emit.outs)):
        if index < op.states or axis == 0:
            writer.value_names[emit.node.outputs[index]] = name
        else:
            emit.give(index, "Transpose", [name], perm=(*range(1, axis + 1), 0, *range(axis + 1, type.rank)))


RULES = {"scan": scan}
