"""Recurrent layers -> ``RNN``, ``GRU``, ``LSTM``.

ONNX wants the steps on the first axis and its own order of gates. ``layout = 1`` would spare the transpositions, and no
runtime has it. The weights stay as PyTorch keeps them; what rearranges them has no other input, and is computed when a
model is loaded.
"""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.backends.onnx.recurrent_steps import projected
from archdsl.backends.onnx.wire import Attribute, Literal
from archdsl.backends.onnx.writer import Emit, pack

NEWEST = 21
"""ONNX Runtime's kernels for GPUs are registered up to this set; what comes later runs on the CPU."""


def rnn(emit: Emit) -> None:
    """``RNN``."""
    _layer(emit, "RNN", (0,), activations=[emit.op.activation.capitalize()] * len(emit.op.directions))


def gru(emit: Emit) -> None:
    """``GRU``, whose gates are z, r, n."""
    _layer(emit, "GRU", (1, 0, 2), linear_before_reset=int(emit.op.reset == "after"))


def lstm(emit: Emit) -> None:
    """``LSTM``, whose gates are i, o, f, g; ``Scan`` with a projection."""
    if emit.op.projection:
        projected(emit)
    else:
        _layer(emit, "LSTM", (0, 3, 1, 2))


def _layer(emit: Emit, kind: str, order: Sequence[int], **attributes: Attribute) -> None:
    op = emit.op
    emit.at_most(NEWEST)
    for slot in emit.node.params:  # in this order in the file
        emit.param(slot)
    x = emit.helper("Transpose", [emit.ins[0]], perm=(1, 0, 2))
    weights = [_weights(emit, slot, order) for slot in ("weight_ih", "weight_hh")]
    lengths = "".join(emit.cast(name, "i32") for name in op.operand("lengths", emit.ins))
    start = [_entering(emit, name) for name in op.operand("start", emit.ins)]
    inputs = [x, *weights, _biases(emit, order), lengths, *start]
    if kind == "LSTM" and op.peephole:
        inputs += [""] * (7 - len(inputs)) + [_weights(emit, "weight_ch", (0, 2, 1), rank=1)]
    way = "bidirectional" if op.both else "reverse" if op.reverse else "forward"
    count = 1 + len(op.state_widths) if op.final else 1
    made = emit.helpers(kind, inputs, count, hidden_size=op.features, direction=way, **attributes)
    _outputs(emit, made[0])
    for index, name in enumerate(made[1:], 1):
        _leaving(emit, index, name)


def _weights(emit: Emit, slot: str, order: Sequence[int], rank: int = 2) -> str:
    """A parameter of all directions, the rows of its gates in ONNX's order: [directions, gates * d, …]."""
    found = []
    for direction in emit.op.directions:
        name = emit.param(f"{slot}_l0{direction}")
        name = _rearranged(emit, name, order, rank)
        found.append(emit.helper("Unsqueeze", [name, emit.ints([0])]))
    return found[0] if len(found) == 1 else emit.helper("Concat", found, axis=0)


def _rearranged(emit: Emit, name: str, order: Sequence[int], rank: int) -> str:
    if list(order) == sorted(order):
        return name
    ends = [-1] * (rank - 1)
    gates = emit.helper("Reshape", [name, emit.ints([len(order), emit.op.features, *ends])])
    chosen = emit.helper("Gather", [gates, emit.ints(order)], axis=0)
    return emit.helper("Reshape", [chosen, emit.ints([len(order) * emit.op.features, *ends])])


def _biases(emit: Emit, order: Sequence[int]) -> str:
    """Both biases one behind the other, zeros for the second where there is one: [directions, 2 * gates * d]."""
    op = emit.op
    if op.bias == "none":
        return ""
    first = _weights(emit, "bias_ih", order, rank=1)
    if op.bias == "two":
        second = _weights(emit, "bias_hh", order, rank=1)
    else:
        dtype = emit.writer.dtypes[first]
        zero = Literal(dtype, (1,), pack(dtype, (0,)))
        size = emit.ints([len(op.directions), op.gates * op.features])
        second = emit.helper("ConstantOfShape", [size], value=zero)
    return emit.helper("Concat", [first, second], axis=1)


def _entering(emit: Emit, name: str) -> str:
    """A state [N, directions * d] as ONNX has it, [directions, N, d]."""
    if not emit.op.both:
        return emit.helper("Unsqueeze", [name, emit.ints([0])])
    apart = emit.helper("Reshape", [name, emit.ints([0, 2, -1])])
    return emit.helper("Transpose", [apart], perm=(1, 0, 2))


def _outputs(emit: Emit, name: str) -> None:
    """[T, directions, N, d] as [N, T, directions * d]."""
    if emit.op.both:
        turned = emit.helper("Transpose", [name], perm=(2, 0, 1, 3))
        emit.give(0, "Reshape", [turned, emit.ints([0, 0, -1])])
    else:
        emit.give(0, "Transpose", [emit.helper("Squeeze", [name, emit.ints([1])])], perm=(1, 0, 2))


def _leaving(emit: Emit, index: int, name: str) -> None:
    """A last state of ONNX's, [directions, N, d], as [N, directions * d]."""
    if emit.op.both:
        turned = emit.helper("Transpose", [name], perm=(1, 0, 2))
        emit.give(index, "Reshape", [turned, emit.ints([0, -1])])
    else:
        emit.give(index, "Squeeze", [name, emit.ints([0])])


RULES = {"rnn": rnn, "gru": gru, "lstm": lstm}
