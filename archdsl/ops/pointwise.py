"""The base of operators that change every element by itself.

A new one is a docstring with the formula, a name, what one element costs, and the function of a number, and that is
all: the shape rule, the receptive field, range, moments and two examples come from here.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, ClassVar

from archdsl.element_types import FLOATS
from archdsl.ops.base import Op, Types, Work
from archdsl.ops.estimates import Interval, Moments, image, through
from archdsl.ops.operand_checks import need_dtype, times
from archdsl.shapes import TensorType


class Pointwise(Op):
    """One input; the output has its type. Written as a stage (``-> relu``) or as a function (``relu(x)``)."""

    pointwise = True
    takes: ClassVar[frozenset[str]] = FLOATS
    """The element types it works on."""
    cost: ClassVar[Work]
    """The work of one element; to be said even where there is none."""
    domain: ClassVar[tuple[float, float]] = (-4.0, 4.0)
    """Where examples are run: inside of it the function is defined and interesting."""

    def function(self, x: float) -> float:
        """The result for one element (with the initial value of a learned parameter)."""
        raise NotImplementedError

    @property
    def rises(self) -> bool:
        """Whether a larger element never gives a smaller result."""
        return False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "name" in cls.__dict__ and "examples" not in cls.__dict__:
            cls.examples = (f"{cls.name} : f32[2,3,5] -> f32[2,3,5]", f"{cls.name} : f32[N,3,H] -> f32[N,3,H]")

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        (x,) = ins
        need_dtype(self.name, x, self.takes)
        return (x,)

    def work(self, ins: Types, outs: Types) -> Work:
        return times(self.cost, outs[0].elements)

    def range(self, entering: Sequence[Interval]) -> Interval:
        return image(self.function, entering[0], self.limits) if self.rises else self.limits

    def moments(self, entering: Sequence[Moments], ins: Types, outs: Types) -> Moments:
        return _through(self, entering[0])


@lru_cache(4096)
def _through(op: Pointwise, entering: Moments) -> Moments:
    """Repeated blocks soon repeat their moments."""
    return through(op.function, entering)
