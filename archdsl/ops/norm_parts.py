"""What normalisations share: how work is counted, learned scales and shifts.

For the norms that take their statistics from the data, E elements in G groups: mean (E - G add, G mul), centring
(E add), variance (E mul, E - G add, G mul), eps (G add), root and division (2 G special), scaling by the inverse
deviation (E mul); then ``scale`` (E mul) and ``shift`` (E add).
"""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.dims import Dim
from archdsl.ops.base import ONES, ZEROS, Op, Types, Weight, Work
from archdsl.ops.estimates import UNIT, Moments


def data_work(elements: Dim, groups: Dim, scale: bool, shift: bool) -> Work:
    """The formula of the module's docstring."""
    return Work(add=elements * (3 + shift) - groups, mul=elements * (2 + scale) + 2 * groups, special=2 * groups)


def affine(shape: tuple[int, ...], scale: bool, shift: bool) -> tuple[Weight, ...]:
    """The learned scale and shift, as far as they are wanted."""
    weight, bias = Weight("weight", shape, ONES), Weight("bias", shape, ZEROS)
    return (weight,) * scale + (bias,) * shift


class Norm(Op):
    """Base of the norms after which elements have about mean 0 and variance 1."""

    role = "norm"

    def moments(self, entering: Sequence[Moments], ins: Types, outs: Types) -> Moments:
        return UNIT
