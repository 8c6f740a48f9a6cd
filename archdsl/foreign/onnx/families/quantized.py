"""Integers that stand for numbers, and their products; the weights stay integers."""

from __future__ import annotations

from typing import Any

from archdsl.foreign.known import Known, fixed
from archdsl.foreign.onnx.call import Call, Item, Result, rule, type_of
from archdsl.foreign.onnx.families.conv import numbers, padding
from archdsl.graph import Value
from archdsl.shapes import TensorType


def zero(call: Call, index: int, shape: tuple[Any, ...] | None = None) -> list[Value]:
    """The integer that stands for 0, if it is there and not 0; in the shape of its scale."""
    item = call.given(index)
    if item is None or (isinstance(item, Known) and item.small and not item.array().any()):
        return []
    value = call.as_value(fixed(item), "zero")
    if shape is not None and value.type.shape != shape:
        value = call.apply("reshape", value, to=list(shape))
    return [value]


@rule("DequantizeLinear", "QuantizeLinear")
def scaled(call: Call) -> Result:
    """In both directions; weights are looked at as parameters."""
    back = call.node.op == "DequantizeLinear"
    x = call.as_value(learned(call, call.item(0)) if back else call.item(0), "0")
    scale = call.as_value(fixed(call.item(1)), "scale")
    arguments: dict[str, Any] = {"axis": call.axis(1, max(x.type.rank, 2)) if scale.type.rank else 1}
    if call.attr("block_size", 0):
        arguments["block"] = call.attr("block_size")
    zeros = zero(call, 2, scale.type.shape) if not back or x.type.dtype != "i32" else []
    if zeros:
        arguments["zero"] = 1
    if not back:
        given = call.given(2)
        arguments["dtype"] = type_of(given).dtype if given is not None else "u8"
    return call.apply("dequantize" if back else "quantize", x, scale, *zeros, **arguments)


def learned(call: Call, item: Item) -> Item:
    """Integers of the file that are made floats are weights, whatever their type."""
    if isinstance(item, Known) and item.weight:
        item.learned = True
    return item


@rule("DynamicQuantizeLinear")
def dynamic(call: Call) -> Result:
    """With the scale that the tensor needs."""
    return call.apply_all("dynamic_quantize", call.value(0))


@rule("MatMulInteger")
def matmul_integer(call: Call) -> Result:
    """Exact products."""
    zeros, weight_zeros = zero(call, 2), zero(call, 3)
    arguments: dict[str, Any] = ({"zero": 1} if zeros else {}) | ({"weight_zero": 1} if weight_zeros else {})
    return call.apply("matmul_integer", call.value(0), call.value(1), *zeros, *weight_zeros, **arguments)


@rule("ConvInteger")
def conv_integer(call: Call) -> Result:
    """Exact convolutions."""
    x, weight = call.value(0), call.value(1)
    rank = x.type.rank - 2
    zeros, weight_zeros = zero(call, 2), zero(call, 3)
    arguments: dict[str, Any] = ({"zero": 1} if zeros else {}) | ({"weight_zero": 1} if weight_zeros else {})
    kernel = [call.integer(size, "a kernel") for size in weight.type.shape[2:]]
    return call.apply(
        "conv_integer", x, weight, *zeros, *weight_zeros, channels=call.integer(weight.type.shape[0], "a weight"),
        kernel=numbers(kernel, rank), stride=numbers(call.attr("strides"), rank), pad=padding(call, rank),
        dilation=numbers(call.attr("dilations"), rank), groups=call.attr("group", 1), **arguments,
    )  # fmt: skip


@rule("DynamicQuantizeLSTM", domain="com.microsoft")
def dynamic_quantize_lstm(call: Call) -> Result:
    """ONNX Runtime's; its weights are [D, F, 4 H]."""
    from archdsl import ops
    from archdsl.foreign.onnx.opaque import attributes

    card: Any = ops.load("dynamic_quantize_lstm")
    values = [
        call.as_value(one if i in (0, 1, 2, 3, 7) else fixed(one), str(i))
        for i, one in enumerate(call.inputs)
        if one is not None
    ]
    absent = [i for i, one in enumerate(call.inputs) if one is None]
    types: list[TensorType] = []
    op = card.of(call.node.domain, call.node.op, types, attributes(call.node), version=call.version, absent=absent)
    return call.apply_all(op, *values)


@rule("QLinearConv", "QLinearMatMul")
def read_through(call: Call) -> Result:
    """As the float operator between what makes floats and integers; the weight is a parameter of integers."""
    conv = call.node.op == "QLinearConv"
    x = _floats(call, (0, 1, 2), 1)
    weight = _floats(call, (3, 4, 5), 0 if conv else 1)
    if conv:
        rank = x.type.rank - 2
        kernel = [call.integer(size, "a kernel") for size in weight.type.shape[2:]]
        channels = call.integer(weight.type.shape[0], "a weight")
        made = call.apply(
            "conv", x, weight, channels=channels, kernel=numbers(kernel, rank), weight=1, bias=False,
            stride=numbers(call.attr("strides"), rank), pad=padding(call, rank), groups=call.attr("group", 1),
            dilation=numbers(call.attr("dilations"), rank),
        )  # fmt: skip
        if call.given(8) is not None:
            scale = call.apply("mul", call.value(1), call.value(4))
            bias = call.apply("dequantize", call.as_value(learned(call, call.item(8)), "bias"), scale, axis=0)
            made = call.apply("add", made, call.apply("reshape", bias, to=[channels, *[1] * rank]))
    else:
        made = call.apply("matmul", x, weight)
    scale, zeros = call.value(6), zero(call, 7, call.type(6).shape)
    more: dict[str, Any] = {"zero": 1} if zeros else {}
    return call.apply("quantize", made, scale, *zeros, dtype=call.type(7).dtype, **more)


def _floats(call: Call, at: tuple[int, int, int], axis: int) -> Value:
    """A tensor of integers as floats: itself, its scale and what stands for 0 are three inputs."""
    x, scale = call.as_value(learned(call, call.item(at[0])), str(at[0])), call.value(at[1])
    zeros = zero(call, at[2], scale.type.shape)
    more: dict[str, Any] = {"zero": 1} if zeros else {}
    return call.apply("dequantize", x, scale, *zeros, axis=axis % max(x.type.rank, 1), **more)
