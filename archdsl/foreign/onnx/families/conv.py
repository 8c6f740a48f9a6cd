"""Convolutions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archdsl.diagnostics import Refusal
from archdsl.foreign.known import Known
from archdsl.foreign.onnx.call import Call, Result, rule
from archdsl.graph import Value


def padding(call: Call, rank: int) -> Any:
    """``auto_pad`` and ``pads`` as an operator here has them."""
    auto = call.attr("auto_pad", "NOTSET")
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        return auto.lower()
    pads = call.attr("pads") or [0] * 2 * rank
    if auto == "VALID" or not any(pads):
        return "valid"
    if min(pads) < 0 or len(pads) != 2 * rank:
        call.not_supported(f"padding {pads}")
    return pads[0] if len({*pads}) == 1 else [*pads]


def numbers(found: Sequence[int] | None, rank: int) -> Any:
    """One number for all axes where they are equal."""
    found = found or [1] * rank
    return found[0] if len({*found}) == 1 else [*found]


@rule("Conv", "ConvTranspose")
def conv(call: Call) -> Result:
    """Weights of the file are the layer's own; others enter it."""
    x, transposed = call.value(0), call.node.op == "ConvTranspose"
    weight = call.item(1)
    shape = weight.shape if isinstance(weight, Known) else weight.type.shape
    rank = x.type.rank - 2
    if len(shape) != rank + 2 or rank < 1:
        raise Refusal("E0301", f"a weight of {len(shape)} axes does not fit {x.type}")
    groups = call.attr("group", 1)
    channels = call.integer(shape[1], "a weight") * groups if transposed else call.integer(shape[0], "a weight")
    kernel = [call.integer(size, "a kernel") for size in shape[2:]]
    arguments: dict[str, Any] = {
        "channels": channels, "kernel": numbers(kernel, rank), "stride": numbers(call.attr("strides"), rank),
        "pad": padding(call, rank), "dilation": numbers(call.attr("dilations"), rank), "groups": groups,
    }  # fmt: skip
    if transposed:
        _outputs(call, arguments, rank, kernel)
    inputs, weights = [x], dict[str, Known]()
    if isinstance(weight, Known):
        weights["weight"] = weight
    else:
        arguments["weight"] = 1
        inputs.append(weight)
    bias = call.given(2)
    arguments["bias"] = isinstance(bias, Known)
    if isinstance(bias, Known):
        weights["bias"] = bias
    made = call.apply(call_name(transposed), *inputs, weights=weights, **arguments)
    if isinstance(bias, Value):
        lifted = call.apply("reshape", bias, to=[channels, *[1] * rank])
        return call.apply("add", made, lifted)
    return made


def call_name(transposed: bool) -> str:
    """Which of ours it is."""
    return "conv_transpose" if transposed else "conv"


def _outputs(call: Call, arguments: dict[str, Any], rank: int, kernel: Sequence[int]) -> None:
    """What a transposed convolution adds at the end, or the padding that gives the size that is asked for."""
    extra = call.attr("output_padding")
    sizes = call.attr("output_shape")
    if sizes is None:
        if extra and any(extra):
            arguments["output_pad"] = numbers(extra, rank)
        return
    strides, dilations = call.attr("strides") or [1] * rank, call.attr("dilations") or [1] * rank
    pads: list[tuple[int, int]] = []
    for i, size in enumerate(sizes[-rank:]):
        n = call.integer(call.type(0).shape[2 + i], "the size of its input")
        added = extra[i] if extra else 0
        total = max(strides[i] * (n - 1) + added + (kernel[i] - 1) * dilations[i] + 1 - size, 0)
        half = total // 2
        upper = call.attr("auto_pad", "NOTSET") == "SAME_UPPER"
        pads.append((half, total - half) if upper else (total - half, half))
    arguments["pad"] = [begin for begin, _ in pads] + [end for _, end in pads]
    if extra and any(extra):
        arguments["output_pad"] = numbers(extra, rank)
