"""Activations. The cost of one element follows from the formula as written."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, inf, log1p, tanh

from archdsl.diagnostics import Refusal
from archdsl.element_types import ANY, NUMBERS, SIGNED
from archdsl.ops.base import Weight, Work, arg, filled
from archdsl.ops.estimates import EVERYTHING, Interval
from archdsl.ops.kinds import Boolean, Number
from archdsl.ops.pointwise import Pointwise
from archdsl.shapes import TensorType


def sigmoid(x: float) -> float:
    """``1 / (1 + exp(-x))``, without overflow."""
    return (1 + tanh(x / 2)) / 2


def softplus(x: float) -> float:
    """``log(1 + exp(x))``, without overflow."""
    return max(x, 0.0) + log1p(exp(-abs(x)))


class Identity(Pointwise):
    """``x``. Use it where a block is needed; the compiler makes no node for it."""

    name = "identity"
    cost = Work()
    sources = "ONNX Identity"
    vanishes = True
    role = "view"
    rises = True
    takes = ANY

    def function(self, x: float) -> float:
        return x


class Relu(Pointwise):
    """``max(x, 0)``. One comparison per element."""

    name = "relu"
    sources = "ONNX Relu; Nair and Hinton 2010"
    role = "activation"
    rises = True
    takes = SIGNED
    cost = Work(cmp=1)

    def function(self, x: float) -> float:
        return max(x, 0.0)


class Relu6(Pointwise):
    """``min(max(x, 0), 6)``. Two comparisons per element."""

    name = "relu6"
    sources = "ONNX Clip(0, 6); MobileNet, arXiv:1704.04861"
    role = "activation"
    limits = (0.0, 6.0)
    rises = True
    domain = (-4.0, 9.0)
    cost = Work(cmp=2)

    def function(self, x: float) -> float:
        return min(max(x, 0.0), 6.0)


class LeakyRelu(Pointwise):
    """``x`` where it is positive, ``slope * x`` elsewhere. One comparison and one multiplication per element."""

    name = "leaky_relu"
    sources = "ONNX LeakyRelu; Maas et al. 2013"
    role = "activation"
    cost = Work(cmp=1, mul=1)
    examples = ("leaky_relu : f32[N,3,H] -> f32[N,3,H]", "leaky_relu[0.1] : f32[2,3,4,4] -> f32[2,3,4,4]")

    slope: float = arg(Number(), 0.01, doc="factor of negative inputs")

    def function(self, x: float) -> float:
        return x if x > 0 else self.slope * x

    @property
    def rises(self) -> bool:
        return self.slope >= 0


class PRelu(Pointwise):
    """``x`` where it is positive, ``weight * x`` elsewhere, with a learned weight for each channel (axis 1).

    The weight begins at 0.25, as in the paper. One comparison and one multiplication per element.
    """

    name = "prelu"
    elsewhere = ("PReLU = prelu(shared = true)",)
    sized_elsewhere = "first"
    sources = "ONNX PRelu; arXiv:1502.01852"
    role = "activation"
    cost = Work(cmp=1, mul=1)
    examples = (
        "prelu : f32[2,3,4,4] -> f32[2,3,4,4]",
        "prelu : f32[N,3] -> f32[N,3]",
        "prelu[shared=true] : f32[2,3,4] -> f32[2,3,4]",
    )

    shared: bool = arg(Boolean(), False, doc="one weight for all channels")

    @property
    def channels_second(self) -> bool:  # type: ignore[override]
        """Whether it has a weight for each channel."""
        return not self.shared

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        (x,) = ins
        if not self.shared and x.rank < 2:
            raise Refusal("E0301", f"`prelu` needs a channel axis, not {x}", help="`prelu(shared = true)` needs none")
        if not self.shared and not isinstance(x.shape[1], int):
            raise Refusal("E0306", f"the channels of {x} must be known while compiling")
        return super().shape(x)

    def weights(self, *ins: TensorType) -> tuple[Weight, ...]:
        return (Weight("weight", (1 if self.shared else ins[0].shape[1],), filled(0.25)),)

    def function(self, x: float) -> float:
        return x if x > 0 else 0.25 * x

    def range(self, entering: Sequence[Interval]) -> Interval:
        return entering[0] if entering[0][0] >= 0 else EVERYTHING


class Elu(Pointwise):
    """``x`` where it is positive, ``alpha * (exp(x) - 1)`` elsewhere."""

    name = "elu"
    sources = "ONNX Elu; arXiv:1511.07289"
    role = "activation"
    cost = Work(add=1, mul=1, cmp=1, special=1)
    examples = ("elu : f32[N,3,H] -> f32[N,3,H]", "elu[alpha=0.5] : f32[2,3,4] -> f32[2,3,4]")

    alpha: float = arg(Number(), 1.0, doc="the limit for very negative inputs, negated")

    def function(self, x: float) -> float:
        return x if x > 0 else self.alpha * (exp(x) - 1)

    @property
    def rises(self) -> bool:
        return self.alpha >= 0


class Selu(Pointwise):
    """``gamma * elu(x, alpha)`` with the fixed alpha = 1.67326… and gamma = 1.05070… of the paper."""

    name = "selu"
    sources = "ONNX Selu; arXiv:1706.02515"
    role = "activation"
    rises = True
    cost = Work(add=1, mul=2, cmp=1, special=1)

    def function(self, x: float) -> float:
        return 1.0507009873554805 * (x if x > 0 else 1.6732632423543772 * (exp(x) - 1))


class Sigmoid(Pointwise):
    """``1 / (1 + exp(-x))``. One addition, one exponential and one division per element."""

    name = "sigmoid"
    sources = "ONNX Sigmoid"
    role = "activation"
    limits = (0.0, 1.0)
    rises = True
    cost = Work(add=1, special=2)

    def function(self, x: float) -> float:
        return sigmoid(x)


class HardSigmoid(Pointwise):
    """``alpha * x + beta`` between 0 and 1; by default ``relu6(x + 3) / 6``, MobileNetV3's."""

    name = "hard_sigmoid"
    sources = "ONNX HardSigmoid; arXiv:1905.02244 (1/6 and 1/2)"
    role = "activation"
    limits = (0.0, 1.0)
    cost = Work(add=1, mul=1, cmp=2)
    examples = ("hard_sigmoid : f32[N,3,H] -> f32[N,3,H]", "hard_sigmoid[0.2, 0.5] : f32[2,3,4] -> f32[2,3,4]")

    alpha: float = arg(Number(), 1 / 6, doc="the slope")
    beta: float = arg(Number(), 0.5, doc="the value at 0")

    def function(self, x: float) -> float:
        return min(max(x * self.alpha + self.beta, 0.0), 1.0)

    @property
    def rises(self) -> bool:
        return self.alpha >= 0


class Tanh(Pointwise):
    """The hyperbolic tangent. One special function per element."""

    name = "tanh"
    sources = "ONNX Tanh"
    role = "activation"
    limits = (-1.0, 1.0)
    rises = True
    cost = Work(special=1)

    def function(self, x: float) -> float:
        return tanh(x)


class Softplus(Pointwise):
    """``log(1 + exp(x))``."""

    name = "softplus"
    sources = "ONNX Softplus"
    role = "activation"
    limits = (0.0, inf)
    rises = True
    cost = Work(add=1, special=2)

    def function(self, x: float) -> float:
        return softplus(x)


class Softsign(Pointwise):
    """``x / (1 + abs(x))``."""

    name = "softsign"
    sources = "ONNX Softsign"
    role = "activation"
    limits = (-1.0, 1.0)
    rises = True
    cost = Work(add=1, special=1)

    def function(self, x: float) -> float:
        return x / (1 + abs(x))


class Step(Pointwise):
    """1 where ``x >= 0``, 0 elsewhere: the threshold unit. Its gradient is zero everywhere."""

    name = "step"
    sources = "ONNX GreaterOrEqual and Cast; Rosenblatt 1958"
    role = "activation"
    limits = (0.0, 1.0)
    rises = True
    takes = NUMBERS
    cost = Work(cmp=1)

    def function(self, x: float) -> float:
        return float(x >= 0)


class Dropout(Pointwise):
    """While training, zero with probability ``p`` and ``x / (1 - p)`` otherwise; ``x`` at inference."""

    name = "dropout"
    cost = Work()
    sources = "ONNX Dropout; Srivastava et al. 2014, scaled while training"
    role = "view"
    rises = True
    examples = ("dropout : f32[N,3] -> f32[N,3]", "dropout[0.2] : f32[2,3,4,4] -> f32[2,3,4,4]")

    p: float = arg(Number(0.0, 1.0), 0.5, doc="probability of a zero")

    def function(self, x: float) -> float:
        return x


class DropPath(Pointwise):
    """While training, all of a sample is zero with probability ``p`` and ``x / (1 - p)`` otherwise; ``x`` at inference.

    Stochastic depth, where it stands at the end of a residual branch.
    """

    name = "drop_path"
    cost = Work()
    sources = "arXiv:1603.09382, scaled while training"
    role = "view"
    rises = True
    examples = ("drop_path : f32[N,3] -> f32[N,3]", "drop_path[0.2] : f32[2,3,4,4] -> f32[2,3,4,4]")

    p: float = arg(Number(0.0, 1.0), 0.5, doc="probability that a sample's branch is dropped")

    def function(self, x: float) -> float:
        return x
