"""Pooling over all positions, or into a fixed number of bins."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import gcd, inf

from archdsl import dims
from archdsl.dim_faults import depends
from archdsl.dims import Dim
from archdsl.element_types import FLOATS
from archdsl.ops.base import Op, Types, Work, arg
from archdsl.ops.estimates import Interval, Moments, greatest, share
from archdsl.ops.kinds import Integer, PerAxis
from archdsl.ops.look import AxisWindow, Unsettled, Window
from archdsl.ops.operand_checks import need_dtype
from archdsl.ops.pool import lp_work
from archdsl.ops.windows import per_axis, spatial
from archdsl.shapes import TensorType


class GlobalPooling(Op):
    """Base of the global poolings: one value per channel, the spatial axes stay as 1."""

    pools_maps = True

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        (x,) = ins
        need_dtype(self.name, x, FLOATS)
        return (x.with_shape([*x.shape[:2], *(1 for _ in spatial(x, self.name))]),)

    def window(self, ins: Types, outs: Types) -> Window:
        return (AxisWindow(0), AxisWindow(1), *(None,) * (outs[0].rank - 2))

    def range(self, entering: Sequence[Interval]) -> Interval:
        return entering[0]


class GlobalAvgPool(GlobalPooling):
    """The mean over all positions of each channel: [N, C, spatial…] -> [N, C, 1…].

    ``positions - 1`` additions and one multiplication per channel.
    """

    name = "global_avg_pool"
    sources = "ONNX GlobalAveragePool; Lin et al., Network in network (arXiv:1312.4400)"
    elsewhere = ("gap",)
    examples = (
        "global_avg_pool : f32[N,512,7,7] -> f32[N,512,1,1]",
        "global_avg_pool : f32[N,512,H,W] -> f32[N,512,1,1]",
        "global_avg_pool : f32[2,8,5] -> f32[2,8,1]",
        "global_avg_pool : f32[2,8,3,4,5] -> f32[2,8,1,1,1]",
    )

    def work(self, ins: Types, outs: Types) -> Work:
        return Work(add=ins[0].elements - outs[0].elements, mul=outs[0].elements)


class GlobalMaxPool(GlobalPooling):
    """The maximum over all positions of each channel; ``positions - 1`` comparisons per channel."""

    name = "global_max_pool"
    sources = "ONNX GlobalMaxPool"
    examples = (
        "global_max_pool : f32[N,512,7,7] -> f32[N,512,1,1]",
        "global_max_pool : f32[2,8,5] -> f32[2,8,1]",
    )

    def work(self, ins: Types, outs: Types) -> Work:
        return Work(cmp=ins[0].elements - outs[0].elements)

    def moments(self, entering: Sequence[Moments], ins: Types, outs: Types) -> Moments:
        return greatest(entering[0], share(ins[0].elements, outs[0].elements))


class GlobalLpPool(GlobalPooling):
    """``(sum |x|^p)^(1/p)`` over all positions of each channel; counted as in ``lp_pool``."""

    name = "global_lp_pool"
    sources = "ONNX GlobalLpPool"
    limits = (0.0, inf)
    examples = (
        "global_lp_pool : f32[N,8,7,7] -> f32[N,8,1,1]",
        "global_lp_pool[p=3] : f32[2,8,5] -> f32[2,8,1]",
    )

    p: int = arg(Integer(1), 2, doc="exponent of the norm")

    def work(self, ins: Types, outs: Types) -> Work:
        return lp_work(self.p, ins[0].elements, outs[0].elements)

    def range(self, entering: Sequence[Interval]) -> Interval:
        return self.limits


Bins = tuple[tuple[int, int], ...]


def adaptive_bins(size: int, count: int) -> Bins:
    """PyTorch's bins, for the backends: bin i is ``floor(i * size / count)`` until ``ceil((i + 1) * size / count)``."""
    return tuple((i * size // count, -(-(i + 1) * size // count)) for i in range(count))


class AdaptivePooling(Op):
    """Base of the adaptive poolings: a fixed output size, whatever the input size."""

    size: int | tuple[int, ...] = arg(PerAxis(1), doc="output size")

    def sizes(self, type: TensorType) -> tuple[int, ...]:
        """The output size of each spatial axis."""
        return per_axis(self.size, len(spatial(type, self.name)), "`size`")

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        (x,) = ins
        need_dtype(self.name, x, FLOATS)
        for n, count in zip(x.shape[2:], self.sizes(x)):
            if count > 1 and not isinstance(n, int):
                names = ", ".join(f"`{name}`" for name in sorted(dims.symbols(n)))
                message = f"the bins of `{self.name}` must be known while compiling, but {n} depends on {names}"
                raise depends("E0306", message, [n], f"give {names} a fixed value, or pool to size 1")
        return (x.with_shape([*x.shape[:2], *self.sizes(x)]),)

    def terms(self, type: TensorType) -> Dim:
        """Elements read in all: overlapping bins read theirs more than once, n + count - gcd(n, count) per axis."""
        total = type.shape[0] * type.shape[1]
        for n, count in zip(type.shape[2:], self.sizes(type)):
            total = total * (n + count - gcd(n, count) if isinstance(n, int) else n)
        return total

    def window(self, ins: Types, outs: Types) -> Window:
        axes: list[AxisWindow | Unsettled | None] = [AxisWindow(0), AxisWindow(1)]
        for i, (n, count) in enumerate(zip(ins[0].shape[2:], self.sizes(ins[0]))):
            if count == 1:
                axes.append(None)
            elif not isinstance(n, int):
                axes.append(Unsettled(i + 2, n))
            else:  # where the sizes do not divide, bins begin and end up to this fraction of a position off the grid
                step, slack = Fraction(n, count), Fraction(count - gcd(n, count), count)
                axes.append(AxisWindow(i + 2, step + 2 * slack - 1, step, (step - 1) / 2))
        return tuple(axes)

    def range(self, entering: Sequence[Interval]) -> Interval:
        return entering[0]


class AdaptiveAvgPool(AdaptivePooling):
    """The mean over ``size`` bins on each axis: bin i spans ``floor(i n / size)`` to ``ceil((i + 1) n / size)``.

    Bins overlap where ``size`` does not divide n. Per output, one addition less than the bin has elements, and one
    multiplication. Sizes must be static but for ``size = 1``.
    """

    name = "adaptive_avg_pool"
    sources = "PyTorch AdaptiveAvgPool"
    elsewhere = (
        "AdaptiveAvgPool1d",
        "AdaptiveAvgPool2d",
        "AdaptiveAvgPool3d",
    )
    examples = (
        "adaptive_avg_pool[1] : f32[N,8,H,W] -> f32[N,8,1,1]",
        "adaptive_avg_pool[7] : f32[N,8,14,14] -> f32[N,8,7,7]",
        "adaptive_avg_pool[6] : f32[N,8,7,7] -> f32[N,8,6,6]",
        "adaptive_avg_pool[[3, 2]] : f32[2,4,10,5] -> f32[2,4,3,2]",
        "adaptive_avg_pool[[1, 3]] : f32[2,4,H,5] -> f32[2,4,1,3]",
        "adaptive_avg_pool[5] : f32[2,4,3] -> f32[2,4,5]",
    )

    def work(self, ins: Types, outs: Types) -> Work:
        return Work(add=self.terms(ins[0]) - outs[0].elements, mul=outs[0].elements)


class AdaptiveMaxPool(AdaptivePooling):
    """The maximum over ``size`` bins on each axis; bins and sizes as in ``adaptive_avg_pool``."""

    name = "adaptive_max_pool"
    sources = "PyTorch AdaptiveMaxPool; He et al., Spatial pyramid pooling (arXiv:1406.4729)"
    elsewhere = (
        "AdaptiveMaxPool1d",
        "AdaptiveMaxPool2d",
        "AdaptiveMaxPool3d",
    )
    examples = (
        "adaptive_max_pool[1] : f32[N,8,H,W] -> f32[N,8,1,1]",
        "adaptive_max_pool[6] : f32[N,8,13,13] -> f32[N,8,6,6]",
        "adaptive_max_pool[[3, 2]] : f32[2,4,10,5] -> f32[2,4,3,2]",
        "adaptive_max_pool[4] : f32[2,4,8] -> f32[2,4,4]",
    )

    def work(self, ins: Types, outs: Types) -> Work:
        return Work(cmp=self.terms(ins[0]) - outs[0].elements)

    def moments(self, entering: Sequence[Moments], ins: Types, outs: Types) -> Moments:
        return greatest(entering[0], share(ins[0].elements, outs[0].elements))
