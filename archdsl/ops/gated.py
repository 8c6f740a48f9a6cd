"""Activations that are ``x`` times a gate: a number from 0 to 1 that rises with it."""

from __future__ import annotations

from collections.abc import Sequence
from math import erf, inf, pi, sqrt, tanh

from archdsl.ops.activation import sigmoid, softplus
from archdsl.ops.base import Types, Work, arg
from archdsl.ops.estimates import Interval, image
from archdsl.ops.kinds import Choice
from archdsl.ops.operand_checks import times
from archdsl.ops.pointwise import Pointwise


class _SelfGated(Pointwise):
    """Base: ``x`` times a number from 0 to 1 that rises with it. Kernels compute the gate, and then need ``x``."""

    in_place = False

    def range(self, entering: Sequence[Interval]) -> Interval:
        low, high = entering[0]
        least = self.limits[0] if low < 0 else image(self.function, (low, low), (0.0, inf))[0]
        return least, image(self.function, (0.0, max(high, 0.0)), (0.0, inf))[1]


class Gelu(_SelfGated):
    """``x * (1 + erf(x / sqrt(2))) / 2``, or with ``approximate = tanh``
    ``x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3))) / 2``.
    """

    name = "gelu"
    sources = "ONNX Gelu (opset 20); arXiv:1606.08415"
    role = "activation"
    limits = (-0.18, inf)
    examples = ("gelu : f32[N,3,H] -> f32[N,3,H]", "gelu[approximate=tanh] : f32[2,3,4] -> f32[2,3,4]")

    approximate: str = arg(Choice(("none", "tanh")), "none", doc="the exact form, or the approximation by tanh")

    def work(self, ins: Types, outs: Types) -> Work:
        one = Work(add=2, mul=6, special=1) if self.approximate == "tanh" else Work(add=1, mul=3, special=1)
        return times(one, outs[0].elements)

    def function(self, x: float) -> float:
        if self.approximate == "tanh":
            return x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3))) / 2
        return x * (1 + erf(x / sqrt(2))) / 2


class Silu(_SelfGated):
    """``x * sigmoid(x)``; many papers call it swish."""

    name = "silu"
    sources = "ONNX Sigmoid and Mul; arXiv:1606.08415, arXiv:1710.05941 (swish)"
    role = "activation"
    limits = (-0.28, inf)
    elsewhere = ("swish",)
    cost = Work(add=1, mul=1, special=2)

    def function(self, x: float) -> float:
        return x * sigmoid(x)


class HardSwish(_SelfGated):
    """``x * relu6(x + 3) / 6``, MobileNetV3's."""

    name = "hard_swish"
    sources = "ONNX HardSwish; arXiv:1905.02244"
    role = "activation"
    limits = (-0.375, inf)
    cost = Work(add=1, mul=2, cmp=2)

    def function(self, x: float) -> float:
        return x * min(max(x / 6 + 0.5, 0.0), 1.0)


class Mish(_SelfGated):
    """``x * tanh(log(1 + exp(x)))``."""

    name = "mish"
    sources = "ONNX Mish (opset 18); arXiv:1908.08681"
    role = "activation"
    limits = (-0.31, inf)
    cost = Work(add=1, mul=1, special=3)

    def function(self, x: float) -> float:
        return x * tanh(softplus(x))
