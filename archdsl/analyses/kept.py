"""What a planner needs that keeps the buffer of a dead tensor for a later one of its type, as ONNX Runtime's does."""

from __future__ import annotations

from collections import defaultdict

from archdsl import dims
from archdsl.analyses.at_binding import Bound
from archdsl.analyses.memory import Buffer, Schedule, peak
from archdsl.dims import Dim
from archdsl.ops.linear import Linear
from archdsl.shapes import TensorType


def kept(bound: Bound, plan: Schedule) -> Dim:
    """The largest sum of buffers that are allocated at the same time, in bytes; the inputs are the caller's.

    A tensor takes the buffer that was freed last by one of its element type and shape, which is then allocated from the
    first of its tensors to the last: that saves allocations, not memory. Outputs are written into buffers of their own,
    so that nothing is done in place there. Linear in the graph.
    """
    buffers = _apart(bound, plan)
    starting: defaultdict[int, list[Buffer]] = defaultdict(list)
    ending: defaultdict[int, list[Buffer]] = defaultdict(list)
    for buffer in buffers:
        starting[buffer.start].append(buffer)
        ending[buffer.end].append(buffer)
    free: defaultdict[TensorType, list[Buffer]] = defaultdict(list)
    home: dict[Buffer, Buffer] = {}
    until: dict[Buffer, int] = {}
    for step in range(plan.steps):
        for buffer in starting[step]:
            waiting = [] if buffer.external else free[_allocated(bound, buffer)]
            home[buffer] = waiting.pop() if waiting else buffer
            until[home[buffer]] = buffer.end
        for buffer in ending[step]:
            if not buffer.external:
                free[_allocated(bound, buffer)].append(home[buffer])
    lasting = [Buffer(one.values[0], one.size, one.start, end, one.external) for one, end in until.items()]
    return peak(plan.replace(buffers=tuple(lasting))).bytes


def _apart(bound: Bound, plan: Schedule) -> list[Buffer]:
    """The buffers, with one of its own for each output that is written over something else."""
    outputs = set(bound.graph.outputs.values())
    found = []
    for buffer in plan.buffers:
        last = buffer.values[-1]
        if last not in outputs or last.producer is None or last is buffer.values[0]:
            found.append(buffer)
            continue
        step = bound.steps[last.producer]
        found.append(Buffer(buffer.values[0], buffer.size, buffer.start, step, buffer.external))
        found.append(Buffer(last, bound.bytes[last], step, buffer.end))
    return found


def _allocated(bound: Bound, buffer: Buffer) -> TensorType:
    """The type in which a buffer is asked for: a fully connected layer makes rows."""
    value = buffer.values[0]
    type, producer = bound.type(value), value.producer
    if producer is None or not isinstance(producer.op, Linear):
        return type
    return type.with_shape([dims.product(type.shape[:-1]), type.shape[-1]])
