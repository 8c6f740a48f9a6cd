"""Long short-term memory with a projection, which ONNX's ``LSTM`` has not -> ``Scan``.

The products with the input are one for all steps, in front of the loop.
"""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.backends.onnx.wire import Attribute
from archdsl.backends.onnx.writer import Body, Emit
from archdsl.shapes import TensorType


def projected(emit: Emit) -> None:
    """A ``Scan`` for each direction, and their outputs side by side."""
    x, live = emit.helper("Transpose", [emit.ins[0]], perm=(1, 0, 2)), _live(emit)
    outputs, *states = zip(*[_direction(emit, index, x, live) for index in range(len(emit.op.directions))])
    emit.give(0, "Transpose", [_beside(emit, outputs)], perm=(1, 0, 2))
    for index, parts in enumerate(states, 1):
        emit.give(index, "Concat", parts, axis=-1)


def _beside(emit: Emit, parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else emit.helper("Concat", parts, axis=-1)


def _live(emit: Emit) -> str:
    """Which sequences go on at each step, [T, N, 1]; empty where all do."""
    for name in emit.op.operand("lengths", emit.ins):
        steps = emit.types[0].shape[1]
        last = emit.helper("Squeeze", [emit.vector([steps]), emit.ints([0])])
        at = emit.helper("Range", [emit.scalar(0, "i64"), last, emit.scalar(1, "i64")])
        column = emit.helper("Unsqueeze", [at, emit.ints([1])])
        return emit.helper("Unsqueeze", [emit.helper("Less", [column, emit.cast(name, "i64")]), emit.ints([2])])
    return ""


def _direction(emit: Emit, index: int, x: str, live: str) -> list[str]:
    """Outputs [T, N, p], and the last h and c if they are asked for."""
    op = emit.op
    end = f"_l0{op.directions[index]}"
    rows = op.gates * op.features
    across = emit.helper("Transpose", [emit.param(f"weight_ih{end}")], perm=(1, 0))
    driven = emit.helper("MatMul", [x, across])
    if bias := emit.optional(f"bias_ih{end}"):
        driven = emit.helper("Add", [driven, bias])
    dtype, n = emit.writer.dtypes[driven], emit.types[0].shape[0]
    start = _start(emit, index, dtype)
    states = [TensorType(dtype, (n, width)) for width in op.state_widths]
    slices = {driven: TensorType(dtype, (n, rows)), live: TensorType("bool", (n, 1))}
    slices.pop("", None)
    body = Body(emit.writer.fresh(f"{emit.node.path}/body"))
    names = [emit.writer.fresh(f"{body.name}/{word}") for word in ("h", "c", "x", "live")]
    body.inputs = dict(zip(names, [*states, *slices.values()]))
    emit.writer.dtypes.update({name: type.dtype for name, type in body.inputs.items()})
    with emit.writer.inside(body):
        made = _step(emit, list(body.inputs), end)
    body.outputs = dict(zip(made, [*states, states[0]]))
    way: dict[str, Attribute] = {}
    if op.reverse or index == 1:
        way = {"scan_input_directions": (1,) * len(slices), "scan_output_directions": (1,)}
    *last, outputs = emit.helpers("Scan", [*start, *slices], 3, body=body, num_scan_inputs=len(slices), **way)
    return [outputs, *last] if op.final else [outputs]


def _start(emit: Emit, index: int, dtype: str) -> list[str]:
    """The first h and c of a direction."""
    op = emit.op
    given = op.operand("start", emit.ins)
    if not given:
        zero, n = emit.scalar(0.0, dtype), emit.types[0].shape[0]
        return [emit.helper("Expand", [zero, emit.vector([n, width])]) for width in op.state_widths]
    given = [emit.cast(name, dtype) for name in given]
    if not op.both:
        return list(given)
    ends = [(index * width, (index + 1) * width) for width in op.state_widths]
    return [
        emit.helper("Slice", [name, emit.ints([low]), emit.ints([high]), emit.ints([1])])
        for name, (low, high) in zip(given, ends)
    ]


def _step(emit: Emit, names: Sequence[str], end: str) -> list[str]:
    """The next h and c, and the output, from h, c, the driven gates and what is still live."""
    op = emit.op
    h, c, driven = names[:3]
    product = emit.helper("Gemm", [h, emit.param(f"weight_hh{end}"), emit.optional(f"bias_hh{end}")], transB=1)
    total = emit.helper("Add", [driven, product])
    sizes = emit.ints([op.features] * op.gates)
    i, f, g, o = emit.helpers("Split", [total, sizes], op.gates, axis=1)
    seen = ["", "", ""]
    if op.peephole:
        seen = emit.helpers("Split", [emit.param(f"weight_ch{end}"), emit.ints([op.features] * 3)], 3, axis=0)
    kept = emit.helper("Mul", [_gate(emit, f, seen[1], c), c])
    new = emit.helper("Mul", [_gate(emit, i, seen[0], c), emit.helper("Tanh", [g])])
    cell = emit.helper("Add", [kept, new])
    wide = emit.helper("Mul", [_gate(emit, o, seen[2], cell), emit.helper("Tanh", [cell])])
    output = emit.helper("Gemm", [wide, emit.param(f"weight_hr{end}")], transB=1)
    if len(names) == 3:
        return [output, cell, emit.helper("Identity", [output])]
    live, zero = names[3], emit.scalar(0.0, emit.writer.dtypes[output])
    kept_h, kept_c = emit.helper("Where", [live, output, h]), emit.helper("Where", [live, cell, c])
    return [kept_h, kept_c, emit.helper("Where", [live, output, zero])]


def _gate(emit: Emit, total: str, seen: str, cell: str) -> str:
    """A sigmoid; with a peephole, of what it sees of the cell as well."""
    if seen:
        total = emit.helper("Add", [total, emit.helper("Mul", [seen, cell])])
    return emit.helper("Sigmoid", [total])
