"""Normalisations."""

from __future__ import annotations

import re
from typing import Any

from archdsl.diagnostics import Refusal
from archdsl.foreign.known import Known, fixed
from archdsl.foreign.onnx.call import Call, Result, rule
from archdsl.graph import Value


def stored(call: Call, *slots: str) -> dict[str, Known]:
    """The weights of a norm, which stand behind its input.

    A norm of ONNX has to be given a scale and a shift: ones and zeros of an exporter's own are no layer's weights.
    """
    found = {}
    for index, slot in enumerate(slots, 1):
        item = call.given(index)
        if item is None or not slot:
            continue
        if not isinstance(item, Known):
            call.not_supported(f"a `{slot}` that is computed")
        found[slot] = fixed(item) if slot in NEUTRAL and _written_out(item, NEUTRAL[slot]) else item
    return found


NEUTRAL = {"weight": 1, "bias": 0}
_OWN = re.compile(r"val_\d+|(.*/)?Constant(OfShape)?(_\d+)?_output_\d+")
"""Names that PyTorch's exporters give to what they write out."""


def _written_out(item: Known, number: int) -> bool:
    """Whether all elements are one number, in a tensor that an exporter named."""
    if not _OWN.fullmatch(item.name):
        return False
    if item.fill is not None:
        return bool(item.fill == number)
    return item.small and bool((item.array() == number).all())


@rule("BatchNormalization")
def batch_norm(call: Call) -> Result:
    """At inference: a norm of each channel with running statistics; of weights, with statistics that are computed."""
    if call.version < 9 and not call.attr("spatial", 1):
        call.not_supported("a norm of each position")
    x = call.value(0)
    if call.attr("training_mode", 0):
        axes: Any = [axis for axis in range(x.type.rank) if axis != 1]
        mean = call.apply("reduce_mean", x, axis=axes, keep=True)
        centred = call.apply("sub", x, mean)
        variance = call.apply("reduce_mean", call.apply("mul", centred, centred), axis=axes, keep=True)
        return [_scaled(call, centred, variance), *_running(call, mean, variance)]
    if any(isinstance(call.item(i), Value) for i in (1, 2, 3, 4)):
        return _scaled(call, call.apply("sub", x, _channels(call, 3)), _channels(call, 4))
    weights = stored(call, "weight", "bias", "running_mean", "running_var")
    return call.apply("batch_norm", x, weights=weights, eps=call.attr("epsilon", 1e-5))


def _running(call: Call, *now: Value) -> list[Value]:
    """The running statistics that follow, where they are named. They are seldom used, and then left out."""
    found = []
    for i, one in enumerate(now[: len(call.node.outputs) - 1], 3):
        flat = call.apply("reshape", one, to=[call.type(0).shape[1]])
        share = call.attr("momentum", 0.9)
        parts = [
            call.apply("mul", value, call.apply("constant", values=by, dtype=value.type.dtype))
            for value, by in ((call.as_value(fixed(call.item(i)), "running"), share), (flat, 1 - share))
        ]
        found.append(call.apply("add", *parts))
    call.importer.spare += found
    return found


def _scaled(call: Call, centred: Value, variance: Value) -> Value:
    """The rest of a norm, by a mean and a variance that are computed: of weights, or of the tensor itself."""
    eps = call.apply("constant", values=call.attr("epsilon", 1e-5), dtype=centred.type.dtype)
    made = call.apply("div", centred, call.apply("sqrt", call.apply("add", variance, eps)))
    return call.apply("add", call.apply("mul", made, _channels(call, 1)), _channels(call, 2))


def _channels(call: Call, index: int) -> Value:
    """A number for each channel, to be broadcast."""
    item, x = call.item(index), call.type(0)
    if isinstance(item, Known) and (index > 2 or _written_out(item, 2 - index)):
        item = fixed(item)
    return call.apply("reshape", call.as_value(item, str(index)), to=[1, x.shape[1], *[1] * (x.rank - 2)])


@rule("InstanceNormalization")
def instance_norm(call: Call) -> Result:
    """Of each map."""
    return call.apply(
        "instance_norm", call.value(0), weights=stored(call, "weight", "bias"), eps=call.attr("epsilon", 1e-5)
    )


@rule("GroupNormalization")
def group_norm(call: Call) -> Result:
    """Weights of each channel since opset 21; before, of each group."""
    weights = stored(call, "weight", "bias")
    groups = call.attr("num_groups")
    if not groups:
        raise Refusal("E1001", "`GroupNormalization` has no `num_groups`")
    if any(one.shape != (call.type(0).shape[1],) for one in weights.values()):
        call.not_supported("weights of each group")
    return call.apply("group_norm", call.value(0), weights=weights, groups=groups, eps=call.attr("epsilon", 1e-5))


@rule("LayerNormalization", "RMSNormalization", "SimplifiedLayerNormalization")
def layer_norm(call: Call) -> Result:
    """Over the axes from ``axis`` on."""
    x = call.value(0)
    axis = call.axis(-1, x.type.rank)
    rms = call.node.op != "LayerNormalization"
    weights = stored(call, "weight", "bias")
    if len([name for name in call.node.outputs if name]) > 1:
        call.not_supported("mean and deviation as results")
    axes: Any = list(range(axis, x.type.rank))
    for slot, one in weights.items():
        if one.shape != x.type.shape[axis:]:
            call.not_supported(f"a `{slot}` of {list(one.shape)} for {x.type}")
    return call.apply(
        "rms_norm" if rms else "layer_norm", x, weights=weights, axes=axes if len(axes) > 1 else -1,
        eps=call.attr("epsilon", 1e-5), scale="weight" in weights, shift="bias" in weights,
    )  # fmt: skip


@rule("LRN")
def lrn(call: Call) -> Result:
    """Over neighbouring channels."""
    return call.apply(
        "lrn", call.value(0), size=call.attr("size"), alpha=call.attr("alpha", 1e-4), beta=call.attr("beta", 0.75),
        k=call.attr("bias", 1.0),
    )  # fmt: skip


@rule("LpNormalization")
def lp_norm(call: Call) -> Result:
    """Only lengths in the usual sense."""
    if call.attr("p", 2) != 2:
        call.not_supported(f"p = {call.attr('p')}")
    return call.apply("l2_norm", call.value(0), axis=call.axis(-1, call.type(0).rank), eps=0.0)
