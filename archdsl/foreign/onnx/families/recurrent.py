"""Recurrent layers: ONNX has steps first, its own order of gates, and a direction as an axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archdsl.diagnostics import Refusal
from archdsl.foreign.known import Known
from archdsl.foreign.onnx.call import Call, Item, Result, rule
from archdsl.foreign.onnx.families.recurrent_steps import by_steps
from archdsl.graph import Value

ORDER = {"LSTM": (0, 2, 3, 1), "GRU": (1, 0, 2), "RNN": (0,)}
"""Our gates among ONNX's: i f g o of i o f c, r z n of z r h."""
PEEPHOLES = (0, 2, 1)
"""Ours, i f o, among ONNX's i o f."""
USUAL = {"LSTM": ("sigmoid", "tanh", "tanh"), "GRU": ("sigmoid", "tanh"), "RNN": ("tanh",)}


@rule("LSTM", "GRU", "RNN")
def recurrent(call: Call) -> Result:
    """Outputs [T, D, N, H] and states [D, N, H], as ONNX has them."""
    kind = call.node.op
    weights = {name: _stored(call, index) for index, name in ((1, "W"), (2, "R"), (3, "B")) if call.given(index)}
    if "W" not in weights or "R" not in weights:
        raise Refusal("E1001", f"`{kind}` has no weights")
    direction = call.attr("direction", "forward")
    features = weights["R"].sizes[-1]
    arguments: dict[str, Any] = {
        "features": features, "both": direction == "bidirectional", "reverse": direction == "reverse",
        "bias": "two" if "B" in weights else "none",
    }  # fmt: skip
    peepholes = _stored(call, 7) if kind == "LSTM" and call.given(7) else None
    if not _usual(call, kind, arguments):
        return by_steps(call, weights | ({"P": peepholes} if peepholes else {}), features, _part)
    if kind == "GRU":
        arguments["reset"] = "after" if call.attr("linear_before_reset", 0) else "before"
    if kind == "LSTM":
        arguments["peephole"] = peepholes is not None
    slots = _slots(kind, features, weights, peepholes)
    first = bool(call.attr("layout", 0))
    inputs = _entering(call, arguments, first)
    asked = [bool(name) for name in call.node.outputs] + [False] * 3
    arguments["final"] = asked[1] or asked[2]
    found = call.apply_all(kind.lower(), *inputs, weights=slots, **arguments)
    directions = 2 if arguments["both"] else 1
    results: list[Item] = [_outputs(call, found[0], directions, features, first)]
    results += [_state(call, one, directions, features, first) for one in found[1:]]
    return results


def _entering(call: Call, arguments: dict[str, Any], first: bool) -> list[Value]:
    """The sequence [N, T, F], then states and lengths if there are any."""
    x = call.value(0)
    inputs = [x if first else call.apply("permute", x, order=[1, 0, 2])]
    starts = [call.given(i) for i in ((5, 6) if call.node.op == "LSTM" else (5,))]
    if any(one is not None for one in starts):
        width = arguments["features"] * (2 if arguments["both"] else 1)
        sides = [_start(call, one, inputs[0], width, first) for one in starts]
        arguments["start"] = len(sides)
        inputs += sides
    lengths = call.given(4)
    if lengths is not None and not _all_steps(lengths, inputs[0]):
        arguments["lengths"] = 1
        inputs.append(call.as_value(lengths, "lengths"))
    return inputs


def _stored(call: Call, index: int) -> Known:
    item = call.item(index)
    if not isinstance(item, Known) or not item.plain:
        call.not_supported("weights that are computed")
    return item


def _usual(call: Call, kind: str, arguments: dict[str, Any]) -> bool:
    """Whether our layers compute it: with the activations of the papers, and none clipped."""
    named = [
        one.decode() if isinstance(one, bytes) else str(one) for one in call.node.attributes.get("activations", [])
    ]
    usual = USUAL[kind] * (2 if arguments["both"] else 1)
    found = tuple(one.lower() for one in named)
    if kind == "RNN" and found and {*found} == {"relu"}:
        arguments["activation"] = "relu"
    elif found and found != usual:
        return False
    return not (call.attr("clip") or call.attr("input_forget", 0))


def _slots(kind: str, features: int, weights: dict[str, Known], peepholes: Known | None) -> dict[str, Known]:
    """Our parameters, as parts of ONNX's tensors, with the gates in our order."""
    slots: dict[str, Known] = {}
    count = weights["W"].sizes[0]
    gates = ORDER[kind]
    rows = len(gates) * features
    for direction in range(count):
        end = "_l0" + ("_reverse" if direction else "")
        slots[f"weight_ih{end}"] = _part(weights["W"], direction, 0, rows, gates, features)
        slots[f"weight_hh{end}"] = _part(weights["R"], direction, 0, rows, gates, features)
        if "B" in weights:
            slots[f"bias_ih{end}"] = _part(weights["B"], direction, 0, rows, gates, features)
            slots[f"bias_hh{end}"] = _part(weights["B"], direction, rows, rows, gates, features)
        if peepholes is not None:
            slots[f"weight_ch{end}"] = _part(peepholes, direction, 0, 3 * features, PEEPHOLES, features)
    return slots


def _part(whole: Known, direction: int, start: int, rows: int, gates: Sequence[int], features: int) -> Known:
    """Rows of one direction, gate by gate in another order."""
    key = ("gates", direction, start, tuple(gates))
    if key not in whole.turned:

        def load() -> Any:
            import numpy as np

            part = whole.array()[direction, start : start + rows]
            return np.concatenate([part[gate * features : (gate + 1) * features] for gate in gates])

        shape = (rows, *whole.sizes[2:])
        whole.turned[key] = Known(whole.dtype, shape, load=load, name=whole.name, weight=True)
    return whole.turned[key]


def _start(call: Call, given: Item | None, x: Value, width: int, first: bool) -> Value:
    """A state [D, N, H] as ours, [N, D * H]; zeros where none is given."""
    if given is None:
        return call.apply("zeros", size=[x.type.shape[0], width], dtype=x.type.dtype)
    if isinstance(given, Known):
        given.weight = False  # where a sequence begins
    value = call.as_value(given, "state")
    if not first:
        value = call.apply("permute", value, order=[1, 0, 2])
    return call.apply("reshape", value, to=[value.type.shape[0], width])


def _all_steps(lengths: Item, x: Value) -> bool:
    """Whether the lengths are known to be all steps."""
    if not isinstance(lengths, Known):
        return False
    if lengths.fill is not None:
        return bool(lengths.fill == x.type.shape[1])
    return lengths.small and all(one == x.type.shape[1] for one in lengths.array().ravel().tolist())


def _outputs(call: Call, found: Value, directions: int, features: int, first: bool) -> Value:
    n, t, _ = found.type.shape
    apart = call.apply("reshape", found, to=[n, t, directions, features])
    return apart if first else call.apply("permute", apart, order=[1, 2, 0, 3])


def _state(call: Call, found: Value, directions: int, features: int, first: bool) -> Value:
    apart = call.apply("reshape", found, to=[found.type.shape[0], directions, features])
    return apart if first else call.apply("permute", apart, order=[1, 0, 2])
