"""What ONNX Runtime holds at its worst moment on a CPU: buffers that are kept, copies and scratch of its kernels.

Its planner gives the buffer of a dead tensor to the next one of the same element type and shape, and keeps it allocated
in between: that saves allocations, not memory. Outputs are written into buffers of their own, so that nothing is done
in place there. A sum is no activation: only a convolution adds onto another tensor. What nobody reads of an operator's
results stays to the end.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import accumulate

from archdsl.analyses.at_binding import Bound
from archdsl.analyses.kernel_needs import NOTHING, Needs, Readers, as_rows
from archdsl.analyses.memory import Buffer, Planner
from archdsl.dim_faults import needs_sizes
from archdsl.dims import Dim
from archdsl.graph import Graph, Node, Value
from archdsl.ops.conv import Conv
from archdsl.ops.elementary import Clip
from archdsl.ops.gated import Silu
from archdsl.ops.linear import Linear
from archdsl.ops.norm import LayerNorm, RmsNorm
from archdsl.shapes import TensorType

ENTER, RUN, LEAVE = range(3)
"""The moments of a step: inputs are brought into the kernel's layout, the kernel runs, results leave that layout."""


def kept(bound: Bound) -> int:
    """The largest sum of what is allocated at the same time, in bytes; the caller's inputs until their last use.

    Refuses (E0307) sizes that depend on a symbol. n log n for n tensors.
    """
    return _Runtime(bound.of(_as_run(bound.graph))).peak()


def _as_run(graph: Graph) -> Graph:
    """The nodes in the order in which ONNX Runtime runs them: depth first from the outputs, and of what enters a node
    first what was made last. What it makes of several nodes, a norm of a sum and `x` times its sigmoid, is made last.
    """
    fused = {node: _is_fused(node) for node in graph.nodes}
    place = {node: (fused[node], number) for number, node in enumerate(graph.nodes)}
    found: dict[Node, None] = {}
    entered: set[Node] = set()
    stack = sorted({value.producer for value in graph.outputs.values() if value.producer}, key=place.__getitem__)
    while stack:
        node = stack[-1]
        if node in entered:
            found.setdefault(stack.pop())
            continue
        entered.add(node)
        makers = {value.producer for value in node.inputs if value.producer and value.producer not in entered}
        stack += sorted(makers, key=place.__getitem__)
    return graph.rewired(graph.inputs, list(found), graph.outputs, graph.taps)


def _is_fused(node: Node) -> bool:
    if isinstance(node.op, LayerNorm):
        maker = node.inputs[0].producer
        return maker is not None and maker.op.accumulates
    return isinstance(node.op, RmsNorm | Silu)


class _Fused(Planner):
    """What ONNX Runtime does in place: activations, what joins the kernel of a convolution, a norm of a sum."""

    def may_overwrite(self, node: Node) -> bool:
        if isinstance(node.op, Clip):
            return True
        if isinstance(node.op, LayerNorm | RmsNorm):
            maker = node.inputs[0].producer
            return maker is not None and maker.op.accumulates and self.uses.count[node.inputs[0]] == 1
        if node.op.accumulates:
            return any(value.producer is not None and self._convolves(value.producer) for value in node.inputs)
        return super().may_overwrite(node)

    def _convolves(self, maker: Node) -> bool:
        return isinstance(self.kernels.get(maker, maker).op, Conv) and (maker.op.folds or isinstance(maker.op, Conv))


class _Block:
    """Something allocated from one moment to another; ``key``: what may take its place later."""

    __slots__ = ("begin", "end", "key", "size")

    def __init__(self, size: Dim, begin: int, end: int, key: object = None) -> None:
        if not isinstance(size, int):
            raise needs_sizes("memory", [size])
        self.size = size
        self.begin = begin
        self.end = end
        self.key = key


class _Runtime:
    def __init__(self, bound: Bound) -> None:
        self.bound = bound
        graph = bound.graph
        self.steps = bound.steps
        self.readers = Readers(bound)
        self.first: dict[Node, int] = {}
        """Where the kernel of a node begins: that of a loop with its body."""
        self.given: set[Value] = set()
        """What a body gives: written where the loop keeps it."""
        for holder in graph.holders():
            assert holder.body is not None
            self.given.update(holder.body.outputs.values())
            every = holder.body.all_nodes()
            self.first[holder] = self.steps[every[0]] if every else self.steps[holder]
        self.needs: dict[Node, Needs] = {node: self.readers.needs(node) for node in bound.nodes}
        self.copied = {
            (value, self.steps[node]): self._moment(node, ENTER)
            for node, needs in self.needs.items()
            for number, value in enumerate(node.inputs)
            if number in needs.entering
        }
        """What is read at a step by being copied, and when."""

    def _moment(self, node: Node, moment: int) -> int:
        step = self.steps[node] if moment == LEAVE else self.first.get(node, self.steps[node])
        return 3 * step + moment

    def peak(self) -> int:
        blocks = [block for buffer in _Fused(self.bound, "full").plan().buffers for block in self._tensors(buffer)]
        for node, needs in self.needs.items():
            if needs is not NOTHING:
                blocks += self._besides(node, needs)
        return _peak(blocks)

    def _tensors(self, buffer: Buffer) -> list[_Block]:
        """The block of a buffer; two, where an output is written over something else."""
        value, last = buffer.values[0], buffer.values[-1]
        producer = value.producer
        if producer is None:  # slices and states of a body lie in what is cut, and beside the loop
            external = value in self.readers.outputs or (buffer.external and value not in self.bound.graph.inputs)
            return [] if external else [_Block(buffer.size, 0, self._end(value, buffer.end))]
        if producer in self.readers.hoisted:
            return self._of_all_steps(value, self.readers.hoisted[producer])
        found = []
        outputs = self.readers.outputs | self.given
        if last in outputs and last is not value and last.producer is not None:
            step = self.steps[last.producer]
            if last not in self.given:
                found.append(_Block(self.bound.bytes[last], 3 * step + RUN, 3 * buffer.end + LEAVE, self._key(last)))
            end = step
        else:
            end = buffer.end
        if value in self.given:
            return found
        unread = len(producer.outputs) > 1 and value not in self.readers.of and value not in self.readers.outputs
        if unread:
            end = len(self.bound.nodes)
        leaves = value.index in self.needs[producer].leaving
        begin = self._moment(producer, LEAVE if leaves else RUN)
        return [
            _Block(buffer.size, begin, self._end(last if end == buffer.end else value, end), self._key(value)),
            *found,
        ]

    def _of_all_steps(self, value: Value, loop: Node) -> list[_Block]:
        """What is made in front of a loop: it is there for all steps at once; that of a convolution, twice at first."""
        if value not in self.readers.read_later:
            return []
        type = self.bound.type(value)
        wide = type.with_shape([self.bound.op(loop).runs(self.bound.types(loop.inputs)), *type.shape])
        key = (self.readers.inside.get(loop), wide)
        begin, end = self._moment(loop, ENTER), 3 * self.steps[loop] + RUN
        found = [_Block(wide.bytes, begin, end, key)]
        if value.producer is not None and isinstance(value.producer.op, Conv):
            found.append(_Block(wide.bytes, begin, begin, key))
        return found

    def _end(self, value: Value, step: int) -> int:
        return self.copied.get((value, step), 3 * step + RUN)

    def _besides(self, node: Node, needs: Needs) -> list[_Block]:
        enter, run, leave = (self._moment(node, moment) for moment in (ENTER, RUN, LEAVE))
        ran = leave - LEAVE + RUN
        where = self.readers.inside.get(node)
        found = [_Block(type.bytes, enter, ran, (where, type)) for type in needs.entering.values()]
        found += [_Block(type.bytes, run, leave, (where, type)) for type in needs.leaving.values()]
        return [*found, _Block(needs.scratch, run, ran)]

    def _key(self, value: Value) -> tuple[Node | None, TensorType]:
        """What may take its buffer: a tensor of its type in the same body. A fully connected layer makes rows."""
        assert value.producer is not None
        type = self.bound.type(value)
        rows = isinstance(value.producer.op, Linear) and not value.producer.op.transposed
        return self.readers.inside.get(value.producer), as_rows(type) if rows else type


def _peak(blocks: list[_Block]) -> int:
    """The largest sum, where a block takes the place of the one with its key that was freed last."""
    blocks.sort(key=lambda block: block.begin)
    by_end = sorted(blocks, key=lambda block: block.end)
    free: defaultdict[object, list[_Block]] = defaultdict(list)
    home: dict[_Block, _Block] = {}
    until: dict[_Block, int] = {}
    gone = 0
    for block in blocks:
        while by_end[gone].end < block.begin:
            free[by_end[gone].key].append(home[by_end[gone]])
            gone += 1
        waiting = [] if block.key is None else free[block.key]
        home[block] = waiting.pop() if waiting else block
        until[home[block]] = block.end
    changes: defaultdict[int, int] = defaultdict(int)
    for block, end in until.items():
        changes[block.begin] += block.size
        changes[end + 1] -= block.size
    return max(accumulate(changes[moment] for moment in sorted(changes)), default=0)
