"""Fully connected layers, matrix products and embeddings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

from archdsl.diagnostics import Refusal
from archdsl.element_types import FLOATS
from archdsl.ops.base import ChannelLayout, Empties, Ends, Initializer, Op, Types, Weight, Work, arg, fan
from archdsl.ops.estimates import Interval, product_sign
from archdsl.ops.given_weight import check_init, need_weight, owned
from archdsl.ops.kinds import Boolean, DType, Integer, Operand
from archdsl.ops.look import AxisWindow, Window, pass_through, repeated
from archdsl.ops.operand_checks import at_least_rank, need_dtype, need_equal, same_dtype, static_size
from archdsl.ops.start import WeightStart, fan_of, started
from archdsl.shapes import Shape, TensorType, broadcast


class Linear(Op):
    """``x W^T + b`` over the last axis: [N, F] -> [N, features], or [N, T, F] -> [N, T, features].

    The weight is [features, F] as in PyTorch, or [F, features] with ``transposed``, as other files have it; F must be
    static. With ``weight = w`` it is the tensor ``w``, so that ``linear(vocab, weight = embed.weight, bias = false)``
    is a tied head. MACs: output elements * F.
    """

    name = "linear"
    sources = "ONNX Gemm (2 axes), MatMul and Add (more)"
    sized_elsewhere = "first"
    elsewhere = (
        "fc",
        "fully_connected",
        "Linear2d",
    )
    role = "layer"
    feature_axis = -1
    examples = (
        "linear[1000] : f32[N,512] -> f32[N,1000]",
        "linear[8, bias=false] : f32[2,5] -> f32[2,8]",
        "linear[8] : f32[N,T,16] -> f32[N,T,8]",
        "linear[8] : f32[2,3,4,5] -> f32[2,3,4,8]",
        "linear[8, init=xavier] : f32[2,5] -> f32[2,8]",
        "linear[8, bias=false, weight=1] : f32[N,T,16], f32[8,16] -> f32[N,T,8]",
        "linear[8, weight=1] : f32[2,5], f32[8,5] -> f32[2,8]",
        "linear[8, transposed=true] : f32[N,T,16] -> f32[N,T,8]",
        "linear[8, bias=false, transposed=true] : f32[2,5] -> f32[2,8]",
        "linear[8, weight=1, transposed=true] : f32[2,5], f32[5,8] -> f32[2,8]",
    )

    features: int = arg(Integer(1), doc="output features")
    bias: bool = arg(Boolean(), True, doc="add a learned bias per feature")
    weight: int | None = arg(Operand(), None, doc="the weight, if it is another layer's or computed")
    init: Any = arg(WeightStart(), "fan", doc="how the weight begins; numbers are repeated for leading axes")
    transposed: bool = arg(Boolean(), False, doc="the weight is stored [F, features]")

    def validate(self) -> None:
        check_init(self)

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        x = ins[0]
        need_dtype(self.name, x, FLOATS)
        at_least_rank(self.name, x, 2, "[N, F] or [N, T, F]")
        need_weight(self.name, ins, self._stored(static_size(x, -1, "the last axis")), samples=False)
        return (x.with_shape([*x.shape[:-1], self.features]),)

    def weights(self, *ins: TensorType) -> tuple[Weight, ...]:
        inputs = static_size(ins[0], -1, "the last axis")
        return owned(self, self._stored(inputs), fan(inputs, self.features), self.features)

    def _stored(self, inputs: int) -> tuple[int, int]:
        return (inputs, self.features) if self.transposed else (self.features, inputs)

    def channel_layout(self, weight: Sequence[int]) -> ChannelLayout:
        return ChannelLayout(block=1, rows=weight[0]) if self.transposed else ChannelLayout(block=prod(weight[1:]))

    def work(self, ins: Types, outs: Types) -> Work:
        elements = outs[0].elements
        return Work(mac=elements * ins[0].shape[-1], add=elements if self.bias else 0)

    def window(self, ins: Types, outs: Types) -> Window:
        return (*pass_through(outs[0].rank - 1), None)

    def looks(self, ins: Types, outs: Types, source: int, result: int) -> Window:
        return (None,) * outs[0].rank if source else self.window(ins, outs)


class MatMul(Op):
    """The matrix product ``a @ b`` as in NumPy and ONNX: the last two axes are contracted, those before broadcast.

    A vector on the left counts as a row, on the right as a column, and its axis is dropped. MACs: output elements
    times the contracted size. ``matmul(a, b)`` is ``a @ b``; ``a -> matmul(b)`` is the same.
    """

    name = "matmul"
    arity = (2, 2)
    sources = "ONNX MatMul"
    elsewhere = (
        "bmm",
        "mm",
    )
    infix = "@"
    examples = (
        "matmul : f32[N,5,8], f32[N,8,3] -> f32[N,5,3]",
        "matmul : f32[N,T,8], f32[8,3] -> f32[N,T,3]",
        "matmul : f32[2,1,5,8], f32[3,8,4] -> f32[2,3,5,4]",
        "matmul : f32[5,8], f32[8] -> f32[5]",
        "matmul : f32[8], f32[2,8,3] -> f32[2,3]",
        "matmul : f32[N,T,T], f32[N,T,8] -> f32[N,T,8]",
    )

    def empty_axes(self) -> Empties:
        return "all"

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        a, b = ins
        for side in (a, b):
            need_dtype(self.name, side, FLOATS)
            at_least_rank(self.name, side, 1, "of one axis or more")
        same_dtype(self.name, ins)
        left, right = a.shape[-1], b.shape[-2 if b.rank > 1 else -1]
        need_equal("the last axis of the left side and the last but one of the right", left, right, ins)
        rows: Shape = a.shape[-2:-1]
        columns: Shape = b.shape[-1:] if b.rank > 1 else ()
        return (a.with_shape([*broadcast([a.shape[:-2], b.shape[:-2]]), *rows, *columns]),)

    def work(self, ins: Types, outs: Types) -> Work:
        return Work(mac=outs[0].elements * ins[0].shape[-1])

    def range(self, entering: Sequence[Interval]) -> Interval:
        return product_sign(entering)

    def window(self, ins: Types, outs: Types) -> Window:
        return self.looks(ins, outs, 0, 0)

    def looks(self, ins: Types, outs: Types, source: int, result: int) -> Window:
        # Rows follow the left side, and columns the right one; the axis between them is summed up.
        type, other = ins[source], ins[1 - source]
        shared = max(type.rank, other.rank, 2) - 2
        batch = [repeated(i - shared + type.rank - 2, type, outs[0].shape[i]) for i in range(shared)]
        along = {0: type.rank - 2, 1: type.rank - 1}[source]
        own = AxisWindow(along) if type.rank > 1 else None
        rows = (own if source == 0 else None,) * (ins[0].rank > 1)
        columns = (own if source == 1 else None,) * (ins[1].rank > 1)
        return (*batch, *rows, *columns)


class Embedding(Op):
    """The row of a learned table for every index: integers [N, T] -> [N, T, features]. No arithmetic.

    The weight is [count, features], by default drawn from the standard normal distribution as in PyTorch.
    """

    name = "embedding"
    moves_data = True
    sources = "ONNX Gather"
    role = "layer"
    feature_axis = -1
    looks_up = True
    examples = (
        "embedding[1000, 64] : i64[N,T] -> f32[N,T,64]",
        "embedding[10, 4] : i32[2] -> f32[2,4]",
        "embedding[10, 4, dtype=f16] : i64[2,3] -> f16[2,3,4]",
    )

    count: int = arg(Integer(1), doc="number of rows, above the largest index")
    features: int = arg(Integer(1), doc="length of a row")
    dtype: str = arg(DType(), "f32", doc="element type of the table")
    init: Any = arg(WeightStart(), Initializer("normal", (0.0, 1.0)), doc="how the table begins")

    def validate(self) -> None:
        if self.dtype not in FLOATS:
            raise Refusal("E0205", f"`dtype` of `embedding` must be a floating-point type, not `{self.dtype}`")

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        (x,) = ins
        if x.dtype not in ("i64", "i32"):
            raise Refusal(
                "E0309", f"`embedding` takes indices of i64 or i32, not {x}",
                help="declare the input as `i64[N, T]`, or convert it: `cast(i64)`",
            )  # fmt: skip
        return (TensorType(self.dtype, (*x.shape, self.features)),)

    def integers(self, ins: Types, outs: Types, asked: Ends | None, entering: Sequence[Interval]) -> Mapping[int, Ends]:
        return {0: (0, self.count - 1)}

    def weights(self, *ins: TensorType) -> tuple[Weight, ...]:
        shape = (self.count, self.features)
        return (Weight("weight", shape, started(self.init, shape, fan_of(shape)), dtype=self.dtype),)

    def channel_layout(self, weight: Sequence[int]) -> ChannelLayout | None:
        return None  # it looks rows up, and sums no products

    def misread(self, ins: Types) -> tuple[str, str] | None:
        if self.features < 10_000 or self.features <= self.count:
            return None
        message = f"`embedding({self.count}, {self.features})` has {self.count} rows of {self.features} numbers"
        return message, f"the number of rows comes first: `embedding({self.features}, {self.count})`"

    def window(self, ins: Types, outs: Types) -> Window:
        return (*(AxisWindow(axis) for axis in range(ins[0].rank)), None)
