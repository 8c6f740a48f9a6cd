"""Merging of parallel linear branches into one layer: what is added has the same input and is linear in it.

A convolution, a batch norm (with constant statistics), a mean over windows and the input itself are all convolutions of
their input, and so is their sum: kernels are laid over one another, aligned at the positions that they look at, and
biases are added. So the 3x3, the 1x1 and the identity of RepVGG become one 3x3 (Ding et al., arXiv:2101.03697, section
3.3), and the 3x3, 1x3 and 3x1 of ACNet (arXiv:1908.03930). Linear layers are the same without positions. Strides and
groups must agree; a merged kernel must not have more taps than the kernels that it replaces. What is taken away from a
convolution is a branch with a minus (FastViT's RepMixer, arXiv:2303.14189, section 3.2). Runs behind
:mod:`archdsl.rewrites.fold`; the values are computed when they are written. Linear in the graph.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from math import prod

from archdsl.graph import Graph, Node, Parameter, Value
from archdsl.ops.arithmetic import Add, Sub
from archdsl.ops.base import Initializer
from archdsl.ops.conv import Conv
from archdsl.ops.linear import Linear
from archdsl.ops.norm import BatchNorm
from archdsl.ops.pool import AvgPool
from archdsl.record import Record
from archdsl.rewrites.fold import Statistics, fold, sizes, statistics
from archdsl.rewrites.scales import fold_scales
from archdsl.shapes import TensorType
from archdsl.tape.rebuild import rebuilt

ROUNDS = 8
"""How often what was merged is looked at again: published networks take three; sums in sums stay linear."""


class Part(Record):
    """One branch of a merged convolution: where its taps lie in the merged kernel, and what they are."""

    weight: Parameter | None
    """``None``: each channel is mapped to itself."""
    bias: Parameter | None
    norm: Statistics | None
    """The norm that the branch is, if it is one."""
    share: float
    """What all of it is multiplied by: less than one for a mean, negative for what is taken away."""
    taps: tuple[int, ...]
    """The size of its kernel."""
    first: tuple[int, ...]
    """Where its first tap lies in the merged kernel, on each axis."""
    step: tuple[int, ...]
    """How far its taps are apart there."""


class Merged(Initializer):
    """The initial value of the weight of a merged convolution, or of its bias."""

    parts: tuple[Part, ...] = ()
    shape: tuple[int, ...] = ()
    is_bias: bool = False


class _Branch(Record):
    """A term of a sum as a convolution of ``source``: ``nodes`` from the source to the sum."""

    source: Value
    nodes: tuple[Node, ...]
    layer: Node | None
    """The convolution, norm or pooling; ``None``: the source itself."""
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    pads: tuple[tuple[int, int], ...]
    sign: float = 1.0

    @property
    def groups(self) -> int:
        """The groups of a convolution with a weight; 0 for others."""
        op = None if self.layer is None else self.layer.op
        return op.groups if isinstance(op, Conv) else 1 if isinstance(op, Linear) else 0


def deployed(graph: Graph) -> Graph:
    """The graph for inference: norms and channel scales folded into layers, parallel linear branches merged; and again,
    where a norm or a scale stands behind what was merged.
    """
    for _ in range(ROUNDS):
        smaller = merge(fold_scales(fold(graph)))
        if smaller is graph:
            break
        graph = smaller
    return graph


def merge(graph: Graph) -> Graph:
    """The graph with the parallel branches of every sum merged that are linear in the same value."""
    merged, gone, dropped = _plan(graph)
    if not merged:
        return graph
    lost = {value for node in (*gone, *merged) for value in node.outputs}
    taps = {name: value for name, value in graph.taps.items() if value not in lost}
    graph = graph.rewired(graph.inputs, graph.nodes, graph.outputs, taps)

    def change(node: Node, inputs: Sequence[Value]) -> Node | Value:
        types = [value.type for value in node.outputs]
        if node in gone:
            return inputs[0]
        if node in merged:
            new = merged[node]
            return Node(new.op, inputs[:1], types, node.path, new.params, node.origin)
        if node in dropped:
            inputs = [value for index, value in enumerate(inputs) if index not in dropped[node]]
            if len(inputs) == 1:
                return inputs[0]
        return Node(node.op, inputs, types, node.path, node.params, node.origin)

    return rebuilt(graph, change)


_Term = tuple[_Branch, Node, int]
"""A branch, the sum that it enters, and at which place."""


def _plan(graph: Graph) -> tuple[dict[Node, Node], set[Node], dict[Node, set[int]]]:
    """Convolutions and what they become; nodes that are gone; the terms of sums that are."""
    merged: dict[Node, Node] = {}
    gone: set[Node] = set()
    dropped: dict[Node, set[int]] = {}
    uses = _Uses(graph)
    for home, others, new in _groups(uses):
        merged[home] = new
        for branch, inner, index in others:
            gone.update(branch.nodes)
            dropped.setdefault(inner, set()).add(index)
    for node in uses.nodes if merged else ():  # inner sums first
        if len(dropped.get(node, ())) == len(node.inputs) > 0:
            gone.add(node)
            outer, index = uses.of[node.outputs[0]][0]
            dropped.setdefault(outer, set()).add(index)
    return merged, gone, dropped


class _Uses:
    """Where the values of a graph are used, and how often parameters are."""

    def __init__(self, graph: Graph) -> None:
        self.nodes = graph.all_nodes()
        self.of: dict[Value, list[tuple[Node, int]]] = {}
        for node in self.nodes:
            for index, value in enumerate(node.inputs):
                self.of.setdefault(value, []).append((node, index))
        self.results = set(graph.outputs.values())
        for node in self.nodes:
            self.results.update(node.body.outputs.values() if node.body is not None else ())
        self.owners = Counter(parameter.path for node in self.nodes for parameter in node.params.values())

    def once(self, value: Value) -> bool:
        """Whether one node alone uses it."""
        return len(self.of.get(value, ())) == 1 and value not in self.results

    def inner(self, value: Value) -> bool:
        """Whether it is a sum that is a term of another sum alone, in the same type."""
        if value.producer is None or not isinstance(value.producer.op, Add) or not self.once(value):
            return False
        outer = self.of[value][0][0]
        return isinstance(outer.op, Add) and outer.outputs[0].type == value.type


def _groups(uses: _Uses) -> Iterator[tuple[Node, list[_Term], Node]]:
    """The convolutions that take others over: each with these others, and with what it becomes."""
    for node in uses.nodes:
        if isinstance(node.op, Sub):
            yield from _difference(node, uses)
        if not isinstance(node.op, Add) or uses.inner(node.outputs[0]):
            continue
        kinds: dict[object, list[_Term]] = {}
        for term in _terms(node, uses):
            kinds.setdefault((term[0].source, term[0].stride), []).append(term)
        for terms in kinds.values():
            yield from _merged(terms)


def _difference(node: Node, uses: _Uses) -> Iterator[tuple[Node, list[_Term], Node]]:
    """The convolution from which something is taken away that is linear in the same value."""
    if any(value.type != node.outputs[0].type for value in node.inputs):
        return
    kept, taken = (_branch(value, uses) for value in node.inputs)
    home = kept.layer
    if home is None or not kept.groups or taken.groups not in (0, kept.groups):
        return
    box = _Box(kept)
    if (taken.source, taken.stride) == (kept.source, kept.stride) and box.take(taken):
        yield home, [(taken, node, 1)], _convolution(home, box, [kept, taken.replace(sign=-1.0)])


def _terms(node: Node, uses: _Uses) -> Iterator[_Term]:
    """The terms of a sum, and of those in it, which have its type."""
    waiting = [node]
    while waiting:
        inner = waiting.pop()
        for index, value in enumerate(inner.inputs):
            if uses.inner(value) and value.producer is not None:
                waiting.append(value.producer)
            elif value.type == node.outputs[0].type:
                yield _branch(value, uses), inner, index


def _branch(value: Value, uses: _Uses) -> _Branch:
    """A term as a convolution of what it is linear in; at least of itself."""
    rank = max(value.type.rank - 2, 0)
    ones, still = (1,) * rank, ((0, 0),) * rank
    passed: list[Node] = []
    while uses.once(value) and value.producer is not None:
        node = value.producer
        if node.op.role != "view" or not node.op.pointwise:
            found = _linear(node, uses)
            return (
                found.replace(nodes=(node, *passed))
                if found
                else _Branch(value, (*passed,), None, ones, ones, ones, still)
            )
        passed.append(node)
        value = node.inputs[0]
    return _Branch(value, (*passed,), None, ones, ones, ones, still)


def _linear(node: Node, uses: _Uses) -> _Branch | None:
    """A node as a convolution of its input, if it is one whose kernel is fixed, and its own."""
    op = node.op
    if not isinstance(op, BatchNorm | Conv | Linear | AvgPool):
        return None
    source = node.inputs[0]
    if any(uses.owners[parameter.path] > 1 for parameter in node.params.values()):
        return None
    if isinstance(op, BatchNorm):
        rank = source.type.rank - 2
        ones, still = (1,) * rank, ((0, 0),) * rank
        return _Branch(source, (), node, ones, ones, ones, still) if op.channel_axis(source.type) == 1 else None
    if isinstance(op, Linear):  # a kernel of no axes, over the last axis alone
        own = "weight" in node.params and not op.transposed
        return _Branch(source, (), node, (), (), (), ()) if own else None
    pads = op.pads(source.type)
    if pads is None or (isinstance(op, Conv) and "weight" not in node.params):
        return None
    if isinstance(op, AvgPool) and (op.ceil or (any(map(any, pads)) and not op.count_pad)):
        return None
    return _Branch(source, (), node, *op.geometry(source.type), tuple(pads))


def _merged(terms: Sequence[_Term]) -> Iterator[tuple[Node, list[_Term], Node]]:
    """The terms of one source and stride, for each number of groups, as one convolution in the place of the largest."""
    left = list(terms)
    for groups in dict.fromkeys(branch.groups for branch, _, _ in terms if branch.groups):
        convs = sorted([term for term in left if term[0].groups == groups], key=lambda term: -prod(term[0].kernel))
        home = convs[0][0].layer
        box = _Box(convs[0][0])
        chosen = [convs[0]]
        for term in [*convs[1:], *(term for term in left if not term[0].groups)]:
            if box.take(term[0]):
                chosen.append(term)
        if len(chosen) > 1 and home is not None:
            left = [term for term in left if term not in chosen]
            yield home, chosen[1:], _convolution(home, box, [branch for branch, _, _ in chosen])


class _Box:
    """The taps of a merged kernel on each axis: from ``low`` to ``high`` in steps of ``step``, relative to the position
    that an output position begins at; ``spare``: how much padding at the end goes beyond the last tap.
    """

    def __init__(self, branch: _Branch) -> None:
        self.step = tuple(d if k > 1 else 1 for k, d in zip(branch.kernel, branch.dilation))
        self.single = tuple(k == 1 for k in branch.kernel)
        self.low, self.high = _ends(branch)
        self.spare = tuple(end - high for (_, end), high in zip(branch.pads, self.high))
        self.budget = prod(branch.kernel)

    @property
    def taps(self) -> tuple[int, ...]:
        """The size of the kernel."""
        return tuple((high - low) // step + 1 for low, high, step in zip(self.low, self.high, self.step))

    def take(self, branch: _Branch) -> bool:
        """Make room for the taps of another branch; ``False`` where they do not fit, or it would cost more than it
        saves.
        """
        low, high = _ends(branch)
        step = tuple(
            own if k == 1 else d if single else own if own == d else 0
            for own, single, k, d in zip(self.step, self.single, branch.kernel, branch.dilation)
        )
        if not all(step) or any((a - b) % s for a, b, s in zip(low, self.low, step)):
            return False
        new_low, new_high = tuple(map(min, low, self.low)), tuple(map(max, high, self.high))
        budget = self.budget + (prod(branch.kernel) if branch.groups else 0)
        if prod((b - a) // s + 1 for a, b, s in zip(new_low, new_high, step)) > budget:
            return False
        self.low, self.high, self.step, self.budget = new_low, new_high, step, budget
        self.single = tuple(a == b for a, b in zip(new_low, new_high))
        return True


def _ends(branch: _Branch) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The positions of the first and the last tap on each axis."""
    low = tuple(-begin for begin, _ in branch.pads)
    return low, tuple(first + (k - 1) * d for first, k, d in zip(low, branch.kernel, branch.dilation))


def _convolution(home: Node, box: _Box, branches: Sequence[_Branch]) -> Node:
    """The convolution that takes the place of ``home``, under its path."""
    weight = home.params["weight"]
    out, each, *_ = sizes(weight)
    shape = (out, each, *box.taps)
    parts = tuple(_part(branch, box) for branch in branches)
    op: Conv | Linear = home.op  # type: ignore[assignment]
    if isinstance(op, Conv) and box.taps != branches[0].kernel:
        pads = [*(-low for low in box.low), *(high + spare for high, spare in zip(box.high, box.spare))]
        op = op.replace(kernel=box.taps, pad=tuple(pads), dilation=box.step)
    params = {
        "weight": Parameter(
            weight.path,
            weight.type.with_shape(shape),
            Merged("merged", parts=parts, shape=shape),
            trainable=weight.trainable,
        )
    }
    if any(part.bias is not None or part.norm is not None for part in parts):
        path = home.params["bias"].path if "bias" in home.params else f"{weight.path.removesuffix('.weight')}.bias"
        init = Merged("merged", parts=parts, shape=(out,), is_bias=True)
        params["bias"] = Parameter(path, TensorType(weight.type.dtype, (out,)), init, trainable=weight.trainable)
        op = op.replace(bias=True)
    return Node(op, home.inputs[:1], [value.type for value in home.outputs], home.path, params, home.origin)


def _part(branch: _Branch, box: _Box) -> Part:
    low, _ = _ends(branch)
    first = tuple((a - b) // s for a, b, s in zip(low, box.low, box.step))
    step = tuple(d // s if k > 1 else 1 for d, s, k in zip(branch.dilation, box.step, branch.kernel))
    layer, share = branch.layer, branch.sign
    if layer is not None and isinstance(layer.op, AvgPool):
        share /= prod(branch.kernel)
    params = layer.params if layer is not None and branch.groups else {}
    norm = statistics(layer) if layer is not None and isinstance(layer.op, BatchNorm) else None
    return Part(params.get("weight"), params.get("bias"), norm, share, branch.kernel, first, step)
