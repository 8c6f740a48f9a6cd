"""Random numbers that are drawn while the model runs, from a seed that the spec gives."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from archdsl.diagnostics import Refusal
from archdsl.element_types import FLOATS
from archdsl.ops.base import Op, Types, arg
from archdsl.ops.estimates import Interval
from archdsl.ops.kinds import Choice, Dimension, Integer, ListOf, Number
from archdsl.ops.look import Window
from archdsl.shapes import Shape, TensorType

LARGEST_SEED = 1 << 24
"""ONNX keeps seeds as ``f32``, which has all integers up to here."""


class _Noise(Op):
    """Base: numbers of one distribution, new ones in each run."""

    arity = (0, 0)
    follows = True
    role = "source"
    draws = True

    size: Shape = arg(ListOf(Dimension(0)), doc="the sizes")
    seed: int = arg(Integer(0, LARGEST_SEED), doc="where the numbers begin")
    dtype: str = arg(
        Choice(tuple(sorted(FLOATS))), "f32", doc="element type; by default that of the flow, if it is a float"
    )

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        return (TensorType(self.dtype, self.size),)

    def window(self, ins: Types, outs: Types) -> Window:
        return (None,) * outs[0].rank


class RandomNormal(_Noise):
    """Normally distributed numbers, new ones in each run: ``x + random_normal(x.shape, seed = 1)``.

    The seed says where a loaded model begins: loaded again, it gives the same numbers in the same order in the same
    engine and version on the same kind of device. ONNX Runtime and PyTorch have generators of their own, so that only
    shape, mean and deviation agree. Two operators with one seed and size give the same numbers.
    """

    name = "random_normal"
    sources = "ONNX RandomNormal, RandomNormalLike; torch.randn"
    elsewhere = ("randn", "RandomNormalLike")
    limits = (-inf, inf)
    examples = (
        "random_normal[[200, 100], seed=1] : -> f32[200,100]",
        "random_normal[[20000], 7, mean=2, deviation=0.5, dtype=f64] : -> f64[20000]",
    )

    mean: float = arg(Number(), 0.0, doc="the mean")
    deviation: float = arg(Number(0), 1.0, doc="the standard deviation")


class RandomUniform(_Noise):
    """Numbers between ``low`` and ``high``, all as likely, new ones in each run: ``random_uniform([N, 1], seed = 3)``.

    Of the seed, ``random_normal`` tells.
    """

    name = "random_uniform"
    sources = "ONNX RandomUniform, RandomUniformLike; torch.rand"
    elsewhere = ("rand", "RandomUniformLike")
    examples = (
        "random_uniform[[200, 100], seed=1] : -> f32[200,100]",
        "random_uniform[[20000], 7, low=-2, high=0.5, dtype=f64] : -> f64[20000]",
    )

    low: float = arg(Number(), 0.0, doc="least value")
    high: float = arg(Number(), 1.0, doc="greatest value")

    def validate(self) -> None:
        if self.low >= self.high:
            raise Refusal("E0205", f"`low` of `{self.name}` must be below `high`, but {self.low:g} >= {self.high:g}")

    def range(self, entering: Sequence[Interval]) -> Interval:
        return self.low, self.high
