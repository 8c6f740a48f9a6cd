"""Activations: what stands between the layers. What one element costs follows from the formula as written."""

from __future__ import annotations

from archdsl import dims
from archdsl.diagnostics import Refusal
from archdsl.element_types import ANY, FLOATS, NUMBERS, SIGNED
from archdsl.ops.base import AxisWindow, Initializer, Op, Types, Weight, Window, Work, arg
from archdsl.ops.kinds import Axis, Boolean, Choice, Number
from archdsl.ops.operand_checks import need_dtype, times
from archdsl.ops.pointwise import Pointwise
from archdsl.shapes import TensorType, resolve_axis


class Identity(Pointwise):
    """``x``. It stands where a block is wanted; the compiler leaves no node for it."""

    name = "identity"
    sources = "ONNX Identity"
    takes = ANY


class Relu(Pointwise):
    """``max(x, 0)``. One comparison per element."""

    name = "relu"
    sources = "ONNX Relu; Nair and Hinton 2010"
    takes = SIGNED
    cost = Work(cmp=1)


class Relu6(Pointwise):
    """``min(max(x, 0), 6)``. Two comparisons per element."""

    name = "relu6"
    sources = "ONNX Clip(0, 6); MobileNet, arXiv:1704.04861"
    domain = (-4.0, 9.0)
    cost = Work(cmp=2)


class LeakyRelu(Pointwise):
    """``x`` where it is positive, ``slope * x`` elsewhere. One comparison and one multiplication per element."""

    name = "leaky_relu"
    sources = "ONNX LeakyRelu; Maas et al. 2013"
    cost = Work(cmp=1, mul=1)
    examples = ("leaky_relu : f32[N,3,H] -> f32[N,3,H]", "leaky_relu[0.1] : f32[2,3,4,4] -> f32[2,3,4,4]")

    slope: float = arg(Number(), 0.01, doc="factor of negative inputs")


class PRelu(Pointwise):
    """``x`` where it is positive, ``weight * x`` elsewhere, with a learned weight for each channel (axis 1).

    The weight begins at 0.25, as in the paper. One comparison and one multiplication per element.
    """

    name = "prelu"
    sources = "ONNX PRelu; arXiv:1502.01852"
    cost = Work(cmp=1, mul=1)
    examples = (
        "prelu : f32[2,3,4,4] -> f32[2,3,4,4]",
        "prelu : f32[N,3] -> f32[N,3]",
        "prelu[shared=true] : f32[2,3,4] -> f32[2,3,4]",
    )

    shared: bool = arg(Boolean(), False, doc="one weight for all channels")

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        (x,) = ins
        if not self.shared and x.rank < 2:
            raise Refusal("E0301", f"`prelu` needs a channel axis, not {x}", help="`prelu(shared = true)` needs none")
        if not self.shared and not isinstance(x.shape[1], int):
            raise Refusal("E0306", f"the channels of {x} must be known while compiling")
        return super().shape(x)

    def weights(self, *ins: TensorType) -> tuple[Weight, ...]:
        return (Weight("weight", (1 if self.shared else ins[0].shape[1],), Initializer("constant", (0.25,))),)


class Elu(Pointwise):
    """``x`` where it is positive, ``alpha * (exp(x) - 1)`` elsewhere."""

    name = "elu"
    sources = "ONNX Elu; arXiv:1511.07289"
    cost = Work(add=1, mul=1, cmp=1, special=1)
    examples = ("elu : f32[N,3,H] -> f32[N,3,H]", "elu[alpha=0.5] : f32[2,3,4] -> f32[2,3,4]")

    alpha: float = arg(Number(), 1.0, doc="the limit for very negative inputs, negated")


class Selu(Pointwise):
    """``gamma * elu(x, alpha)`` with the fixed alpha = 1.67326… and gamma = 1.05070… of the paper."""

    name = "selu"
    sources = "ONNX Selu; arXiv:1706.02515"
    cost = Work(add=1, mul=2, cmp=1, special=1)


class Gelu(Pointwise):
    """``x * (1 + erf(x / sqrt(2))) / 2``, or with ``approximate = tanh``
    ``x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3))) / 2``.
    """

    name = "gelu"
    sources = "ONNX Gelu (opset 20); arXiv:1606.08415"
    examples = ("gelu : f32[N,3,H] -> f32[N,3,H]", "gelu[approximate=tanh] : f32[2,3,4] -> f32[2,3,4]")

    approximate: str = arg(Choice(("none", "tanh")), "none", doc="the exact form, or the approximation by tanh")

    def work(self, ins: Types, outs: Types) -> Work:
        one = Work(add=2, mul=6, special=1) if self.approximate == "tanh" else Work(add=1, mul=3, special=1)
        return times(one, outs[0].elements)


class Sigmoid(Pointwise):
    """``1 / (1 + exp(-x))``. One addition, one exponential and one division per element."""

    name = "sigmoid"
    sources = "ONNX Sigmoid"
    cost = Work(add=1, special=2)


class Silu(Pointwise):
    """``x * sigmoid(x)``; many papers call it swish."""

    name = "silu"
    sources = "ONNX Sigmoid and Mul; arXiv:1606.08415, arXiv:1710.05941 (swish)"
    cost = Work(add=1, mul=1, special=2)


class HardSigmoid(Pointwise):
    """``relu6(x + 3) / 6``, MobileNetV3's."""

    name = "hard_sigmoid"
    sources = "ONNX HardSigmoid(alpha = 1/6, beta = 1/2); arXiv:1905.02244"
    cost = Work(add=1, mul=1, cmp=2)


class HardSwish(Pointwise):
    """``x * relu6(x + 3) / 6``, MobileNetV3's."""

    name = "hard_swish"
    sources = "ONNX HardSwish; arXiv:1905.02244"
    cost = Work(add=1, mul=2, cmp=2)


class Tanh(Pointwise):
    """The hyperbolic tangent. One special function per element."""

    name = "tanh"
    sources = "ONNX Tanh"
    cost = Work(special=1)


class Softplus(Pointwise):
    """``log(1 + exp(x))``."""

    name = "softplus"
    sources = "ONNX Softplus"
    cost = Work(add=1, special=2)


class Softsign(Pointwise):
    """``x / (1 + abs(x))``."""

    name = "softsign"
    sources = "ONNX Softsign"
    cost = Work(add=1, special=1)


class Mish(Pointwise):
    """``x * tanh(log(1 + exp(x)))``."""

    name = "mish"
    sources = "ONNX Mish (opset 18); arXiv:1908.08681"
    cost = Work(add=1, mul=1, special=3)


class Step(Pointwise):
    """1 where ``x >= 0``, 0 elsewhere: the threshold unit. Its gradient is zero everywhere."""

    name = "step"
    sources = "ONNX GreaterOrEqual and Cast; Rosenblatt 1958"
    takes = NUMBERS
    cost = Work(cmp=1)


class _Softmax(Op):
    """Along one axis."""

    sources = "ONNX Softmax, LogSoftmax"
    applies_at = 1

    axis: int | str = arg(Axis(), -1, doc="the axis that is normalised")

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        (x,) = ins
        need_dtype(self.name, x, FLOATS)
        resolve_axis(self.axis, x)
        return (x,)

    def window(self, ins: Types, outs: Types) -> Window:
        whole = resolve_axis(self.axis, ins[0])
        return tuple(None if i == whole else AxisWindow(i) for i in range(ins[0].rank))


class Softmax(_Softmax):
    """``exp(x - max(x)) / sum(exp(x - max(x)))`` along ``axis``, by default the last.

    Per element one comparison, two additions, one exponential and one division.
    """

    name = "softmax"
    examples = (
        "softmax : f32[2,5] -> f32[2,5]",
        "softmax[axis=1] : f32[2,3,4,4] -> f32[2,3,4,4]",
        "softmax : f32[N,T,T] -> f32[N,T,T]",
    )

    def work(self, ins: Types, outs: Types) -> Work:
        return times(Work(add=2, cmp=1, special=2), outs[0].elements)


class LogSoftmax(_Softmax):
    """``x - max(x) - log(sum(exp(x - max(x))))`` along ``axis``, by default the last.

    Per element one comparison, three additions and one exponential, and one logarithm for each sum.
    """

    name = "log_softmax"
    examples = (
        "log_softmax : f32[2,5] -> f32[2,5]",
        "log_softmax[axis=1] : f32[2,3,4] -> f32[2,3,4]",
        "log_softmax : f32[N,T] -> f32[N,T]",
    )

    def work(self, ins: Types, outs: Types) -> Work:
        axis = resolve_axis(self.axis, ins[0])
        sums = dims.product(size for i, size in enumerate(ins[0].shape) if i != axis)
        per_element = times(Work(add=3, cmp=1, special=1), outs[0].elements)
        return per_element.replace(special=per_element.special + sums)


class Dropout(Pointwise):
    """While training, zero with probability ``p`` and ``x / (1 - p)`` otherwise; ``x`` at inference."""

    name = "dropout"
    sources = "ONNX Dropout; Srivastava et al. 2014, scaled while training"
    examples = ("dropout : f32[N,3] -> f32[N,3]", "dropout[0.2] : f32[2,3,4,4] -> f32[2,3,4,4]")

    p: float = arg(Number(0.0, 1.0), 0.5, doc="probability of a zero")


class DropPath(Pointwise):
    """While training, all of a sample is zero with probability ``p`` and ``x / (1 - p)`` otherwise; ``x`` at inference.

    Stochastic depth, where it stands at the end of a residual branch.
    """

    name = "drop_path"
    sources = "arXiv:1603.09382, scaled while training"
    examples = ("drop_path : f32[N,3] -> f32[N,3]", "drop_path[0.2] : f32[2,3,4,4] -> f32[2,3,4,4]")

    p: float = arg(Number(0.0, 1.0), 0.5, doc="probability that a sample's branch is dropped")
