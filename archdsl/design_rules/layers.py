"""Rules about layers and their neighbours."""

from __future__ import annotations

from collections.abc import Iterator

from archdsl.analyses.ranges import signs
from archdsl.design_rules.view import DesignRule, Finding, View
from archdsl.graph import Node, Value
from archdsl.ops.activation import Dropout
from archdsl.ops.arithmetic import Add
from archdsl.ops.conv import Conv, ConvTranspose
from archdsl.ops.join import Concat
from archdsl.ops.linear import Linear
from archdsl.ops.norm import BatchNorm
from archdsl.ops.windows import Windowed

LONGEST = 1_000
"""Operators of the longest residual branch that is looked at, so that the walks stay linear in the graph."""


def bias_before_norm(view: View) -> Iterator[Finding]:
    """W0401."""
    for node in view.nodes:
        if node.op.role != "layer" or "bias" not in node.params:
            continue
        user = view.alone(node.outputs[0])
        type = node.outputs[0].type
        if user is None or not user.op.centres_channels:
            continue
        if user.op.channel_axis(type) == node.op.feature_axis % type.rank:
            count = node.params["bias"].type.elements
            message = (
                f"the bias of `{node.op.name}` is removed again by `{user.op.name}`: {count} parameters have no effect"
            )
            yield Finding(node, message, "write `bias = false`")


def unseen_positions(view: View) -> Iterator[Finding]:
    """W0402."""
    for node in view.nodes:
        geometry = _geometry(node, view)
        if geometry is None or isinstance(node.op, ConvTranspose):
            continue
        kernel, stride, _ = geometry
        if any(s > k for k, s in zip(kernel, stride)) and not _beside_larger(node, view):
            share = 1.0
            for k, s in zip(kernel, stride):
                share *= min(k / s, 1)
            message = f"a stride of {_sizes(stride)} is larger than the kernel of {_sizes(kernel)}"
            message += f": it never sees {1 - share:.0%} of the positions"
            yield Finding(node, message, "pool before it, or use a larger kernel")


def _beside_larger(node: Node, view: View) -> bool:
    """Whether the result is added to that of a window that leaves out no position of the same input, both through
    nothing but norms, so that the two are one layer (RepVGG, arXiv:2101.03697).
    """
    join = _added(node, view)
    for other in view.users[node.inputs[0]] if join is not None else ():
        geometry = _geometry(other, view) if other is not node and _added(other, view) is join else None
        if geometry is not None and all(s <= k for k, s in zip(*geometry[:2])):
            return True
    return False


def _added(node: Node, view: View) -> Node | None:
    """The join to which a result goes through nothing but norms."""
    user = view.alone(node.outputs[0])
    while user is not None and user.op.role == "norm":
        user = view.alone(user.outputs[0])
    return user if user is not None and user.op.role == "join" and user.op.pointwise else None


def two_linear_maps(view: View) -> Iterator[Finding]:
    """W0409."""
    for node in view.nodes:
        if not _dense(node, view):
            continue
        before = view.above(node.inputs[0])
        if before is None or not _dense(before, view) or view.alone(before.outputs[0]) is None:
            continue
        shapes = [view.shape(v) for v in (before.inputs[0], before.outputs[0], node.outputs[0])]
        wide = [shape[node.op.feature_axis] for shape in shapes if shape is not None]
        if len(wide) == 3 and wide[1] >= min(wide[0], wide[2]):
            message = f"`{before.path}` and this layer are one linear map of {wide[0]} to {wide[2]} features"
            yield Finding(node, message, "put an activation between them, or leave out one of them")


def dropout_before_norm(view: View) -> Iterator[Finding]:
    """W0410."""
    origin: dict[Value, Node] = {}
    told: set[Node] = set()
    for node in view.nodes:
        source = next((origin[value] for value in node.inputs if value in origin), None)
        if isinstance(node.op, Dropout) and node.op.p > 0:
            source = node
        elif source is not None and isinstance(node.op, BatchNorm) and source not in told:
            told.add(source)
            message = f"the batch norm `{node.path}` follows: its variance in training is not that of inference"
            yield Finding(source, message, "move the dropout after the last batch norm, or use another normalisation")
        if source is not None:
            origin.update(dict.fromkeys(node.outputs, source))


def mixed_signs(view: View) -> Iterator[Finding]:
    """W0405."""
    for node in view.nodes:
        if not isinstance(node.op, Add | Concat) or _takes_data(node):
            continue
        found = [signs(view.ranges[value]) for value in node.inputs]
        if "signed" in found and "non-negative" in found:
            side = node.inputs[found.index("non-negative")].name
            message = f"`{node.op.name}` joins non-negative values (`{side}`) with signed ones"
            yield Finding(node, message, "end both sides in the same way: with an activation, or without one")


def branch_ends_in_activation(view: View) -> Iterator[Finding]:
    """W0411."""
    for node in view.nodes:
        if not isinstance(node.op, Add) or len(node.inputs) != 2 or _takes_data(node):
            continue
        steps = [-1 if value.producer is None else view.step[value.producer] for value in node.inputs]
        branch, shortcut = (0, 1) if steps[0] > steps[1] else (1, 0)
        if not _is_ancestor(node.inputs[shortcut], node.inputs[branch], view):
            continue
        last = view.above(node.inputs[branch])
        if last is not None and last.op.role == "activation" and view.ranges[node.inputs[branch]][0] >= 0:
            message = f"the residual branch ends in `{last.op.name}`: it can only add, never subtract"
            yield Finding(
                node, message, "end the branch with its last layer or norm, and put the activation after the join"
            )


def _is_ancestor(early: Value, late: Value, view: View) -> bool:
    """Whether ``late`` is computed from ``early``, by no more than :data:`LONGEST` operators; the walk stops where it
    is past ``early``.
    """
    if early.producer is None:
        return True
    limit, seen = view.step[early.producer], {late}
    waiting = [late]
    while waiting and len(seen) < LONGEST:
        value = waiting.pop()
        if value is early:
            return True
        producer = value.producer
        if producer is not None and view.step[producer] > limit:
            fresh = [v for v in producer.inputs if v not in seen]
            seen.update(fresh)
            waiting += fresh
    return False


def large_kernels(view: View) -> Iterator[Finding]:
    """W0413."""
    for node in view.nodes:
        geometry = _geometry(node, view)
        if geometry is None or not isinstance(node.op, Conv) or _is_depthwise(node.op, node):
            continue
        kernel, stride, _ = geometry
        if len(kernel) > 1 and len(set(kernel)) == 1 and kernel[0] >= 5 and kernel[0] % 2 and set(stride) == {1}:
            count = (kernel[0] - 1) // 2
            share = 1 - count * 3 ** len(kernel) / kernel[0] ** len(kernel)
            message = f"{count} convolutions with kernel 3 see the same positions as a kernel of {_sizes(kernel)}"
            message += f", for {share:.0%} less per channel pair"
            yield Finding(node, message, "stack small kernels, with activations between them")


def _geometry(node: Node, view: View) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]] | None:
    """Kernel, stride and dilation of a window operator."""
    if not isinstance(node.op, Windowed):
        return None
    return node.op.geometry(view.measures.bound.type(node.inputs[0]))


def _takes_data(node: Node) -> bool:
    """Whether an input is a parameter or a constant."""
    return any(value.producer is not None and not value.producer.inputs for value in node.inputs)


def _is_depthwise(op: Conv, node: Node) -> bool:
    """Whether each channel has kernels of its own, which are cheap however large they are."""
    return 1 < op.groups == node.inputs[0].type.shape[1]


def _dense(node: Node, view: View) -> bool:
    """Whether a node maps all features to all features at each position, and nothing else."""
    geometry = _geometry(node, view)
    if geometry is None:
        return isinstance(node.op, Linear)
    return isinstance(node.op, Conv) and set(geometry[0]) == {1} and node.op.groups == 1


def _sizes(sizes: tuple[int, ...]) -> str:
    return "x".join(map(str, sizes))


RULES: dict[str, DesignRule] = {
    "W0401": bias_before_norm, "W0402": unseen_positions, "W0405": mixed_signs, "W0409": two_linear_maps,
    "W0410": dropout_before_norm, "W0411": branch_ends_in_activation, "W0413": large_kernels,
}  # fmt: skip
