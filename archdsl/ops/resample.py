"""Changing the resolution of [N, C, spatial…]: interpolation, and trading space for channels."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import floor, lcm

from archdsl import dim_order, dims
from archdsl.diagnostics import Refusal
from archdsl.dims import Dim
from archdsl.element_types import FLOATS
from archdsl.ops.base import Op, Types, Work, arg
from archdsl.ops.estimates import EVERYTHING, Interval
from archdsl.ops.kinds import Boolean, Choice, Dimension, Integer, Like, ListOf, Number, OneOf, Optional
from archdsl.ops.look import MAX_PHASES, AxisWindow, Unsettled, Window
from archdsl.ops.operand_checks import divide, need_dtype, need_rank, times
from archdsl.ops.pad import target
from archdsl.ops.windows import spatial
from archdsl.shapes import TensorType, show_shape

RANKS = {"linear": 1, "bilinear": 2, "trilinear": 3, "bicubic": 2}
TAPS = {"nearest": 1, "linear": 2, "bilinear": 2, "trilinear": 2, "bicubic": 4}


class Resize(Op):
    """The spatial axes at another size, interpolated; give ``size``, ``scale`` (``floor(n * scale)``) or ``like``.

    Position y of n' looks at ``(y + 1/2) * n / n' - 1/2``, with ``align_corners`` at ``y * (n - 1) / (n' - 1)``, and
    ``nearest`` takes ``floor(y * n / n')``. Only the sizes matter, however they were given. ``bicubic`` has
    a = -0.75; beyond the border the border repeats. Per element of the result, with t = 2 (linear) or 4 (cubic) taps on
    each of d axes: t**d multiplications and t**d - 1 additions.
    """

    name = "resize"
    sources = "ONNX Resize; torch.nn.functional.interpolate"
    elsewhere = (
        "upsample = resize(scale = 2)",
        "UpSampling2D = resize(scale = 2)",
        "interpolate = resize(scale = 2)",
    )
    examples = (
        "resize[scale=2] : f32[2,3,4,5] -> f32[2,3,8,10]",
        "resize[scale=2, mode=bilinear] : f32[N,8,H,W] -> f32[N,8,2 * H,2 * W]",
        "resize[7, mode=bilinear, align_corners=true] : f32[2,3,4,5] -> f32[2,3,7,7]",
        "resize[like=f32[2,8,6,9], mode=bilinear] : f32[2,3,4,5] -> f32[2,3,6,9]",
        "resize[[8, 3], mode=bicubic] : f32[2,3,4,5] -> f32[2,3,8,3]",
        "resize[scale=0.5] : f32[2,3,5,6] -> f32[2,3,2,3]",
        "resize[scale=1.5, mode=linear] : f32[2,3,5] -> f32[2,3,7]",
        "resize[scale=2, mode=trilinear] : f32[1,2,3,3,3] -> f32[1,2,6,6,6]",
    )

    size: Dim | tuple[Dim, ...] | None = arg(
        Optional(OneOf((Dimension(1), ListOf(Dimension(1))))), None, doc="the new sizes: one for all axes, or each"
    )
    scale: float | tuple[float, ...] | None = arg(
        Optional(OneOf((Number(), ListOf(Number())))), None, doc="factors on the sizes: one for all axes, or each"
    )
    like: TensorType | None = arg(Like(), None, doc="a tensor with the wanted spatial sizes")
    mode: str = arg(
        Choice(("nearest", "linear", "bilinear", "trilinear", "bicubic")), "nearest", doc="the interpolation"
    )
    align_corners: bool = arg(Boolean(), False, doc="corners meet corners, instead of borders meeting borders")

    def validate(self) -> None:
        if sum(given is not None for given in (self.size, self.scale, self.like)) != 1:
            raise Refusal("E0203", "`resize` needs exactly one of `size`, `scale` and `like`")
        for scale in self.scale if isinstance(self.scale, tuple) else (self.scale,):
            if scale is not None and scale <= 0:
                raise Refusal("E0205", f"`scale` of `resize` must be positive, not {scale:g}")
        if self.align_corners and self.mode == "nearest":
            raise Refusal(
                "E0205", "`align_corners` has no meaning for `mode = nearest`", help="did you mean `mode = bilinear`?"
            )

    def misread(self, ins: Types) -> tuple[str, str] | None:
        before = ins[0].shape[2:]
        size = self.size if isinstance(self.size, tuple) else (self.size,) * len(before)
        if any(not isinstance(n, int) or n > 4 for n in size):
            return None
        if all(isinstance(n, int) and n <= 4 for n in before):
            return None
        given = show_shape(self.size) if isinstance(self.size, tuple) else str(self.size)
        sizes = " x ".join(map(str, size))
        return (
            f"`resize({given})` makes maps of {sizes}: its first argument is a size, not a factor",
            f"for a factor, write `resize(scale = {given})`; to this size, `adaptive_avg_pool({given})`",
        )

    def sizes(self, type: TensorType) -> tuple[Dim, ...]:
        """The size of each spatial axis of the result."""
        rank = len(spatial(type, self.name))
        if self.scale is None:
            return target(self.size, self.like, rank, self.name)
        scales = self.scale if isinstance(self.scale, tuple) else (self.scale,) * rank
        if len(scales) != rank:
            raise Refusal("E0205", f"`scale` of `resize` has {len(scales)} entries for {rank} spatial axes")
        return tuple(_scaled(n, scale) for n, scale in zip(type.shape[2:], scales))

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        (x,) = ins
        need_dtype(self.name, x, FLOATS)
        rank = len(spatial(x, self.name))
        if RANKS.get(self.mode, rank) != rank:
            names = " or ".join(f"`{mode}`" for mode in ("nearest", *(m for m, r in RANKS.items() if r == rank)))
            raise Refusal("E0301", f"`mode = {self.mode}` works on {RANKS[self.mode]} spatial axes, {x} has {rank}",
                          help=f"use {names}")  # fmt: skip
        return (x.with_shape([*x.shape[:2], *self.sizes(x)]),)

    def work(self, ins: Types, outs: Types) -> Work:
        taps = TAPS[self.mode] ** (ins[0].rank - 2)
        return times(Work(mul=taps if taps > 1 else 0, add=taps - 1), outs[0].elements)

    def window(self, ins: Types, outs: Types) -> Window:
        axes: list[AxisWindow | Unsettled] = [AxisWindow(0), AxisWindow(1)]
        for i, (before, after) in enumerate(zip(ins[0].shape[2:], outs[0].shape[2:])):
            step = _step(before, after, self.align_corners)
            if step is None:
                axes.append(Unsettled(i + 2, after if isinstance(before, int) else before))
            else:
                axes.append(self._cubic(AxisWindow(i + 2, *self._reach(step))))
        return tuple(axes)

    def _cubic(self, window: AxisWindow) -> AxisWindow:
        """Cubic interpolation takes four positions, but exactly on one of them that one alone."""
        period = Fraction(window.stride).denominator
        if self.mode != "bicubic" or period > MAX_PHASES or period == 1:
            return window
        assert isinstance(window.shift, Fraction)
        centres = [window.stride * y + window.shift for y in range(period)]
        return window.replace(phases=tuple(
            (floor(at), floor(at)) if at.denominator == 1 else (floor(at) - 1, floor(at) + 2) for at in centres
        ))  # fmt: skip

    def _reach(self, step: Fraction) -> tuple[Fraction, Fraction, Fraction]:
        """Extent, stride and shift of the taps with a weight, whatever the position in between two inputs."""
        if self.mode == "nearest":  # floor(y * step)
            below = Fraction(step.denominator - 1, step.denominator)
            return below, step, -below / 2
        shift = Fraction(0) if self.align_corners else (step - 1) / 2
        grid = lcm(step.denominator, shift.denominator)
        # Taps lie less than half their number away from the centre, which is a multiple of 1 / grid.
        return TAPS[self.mode] - Fraction(2, grid) if grid > 1 else Fraction(0), step, shift

    def range(self, entering: Sequence[Interval]) -> Interval:
        return EVERYTHING if self.mode == "bicubic" else entering[0]  # cubic weights may be negative


def _scaled(n: Dim, scale: float) -> Dim:
    ratio = Fraction(scale).limit_denominator(4096)
    if isinstance(n, int):
        size: Dim = int(n * ratio)
    elif float(ratio) == scale:
        size = dims.floordiv(n * ratio.numerator, ratio.denominator)
    else:
        raise Refusal("E0307", f"`scale = {scale}` for the symbolic size {n} is not a ratio of small integers",
                      help="give `size`, or a scale such as 1.5")  # fmt: skip
    if dim_order.at_least(size, 1) is False:
        raise Refusal("E0302", f"`scale = {scale:g}` leaves none of {n} positions")
    return size


def _step(before: Dim, after: Dim, corners: bool) -> Fraction | None:
    """Input positions for each output position; ``None`` where the ratio depends on a symbol."""
    if before == after:
        return Fraction(1)
    if isinstance(before, int) and isinstance(after, int):
        if corners:
            return Fraction(before - 1, after - 1) if after > 1 else Fraction(0)
        return Fraction(before, after)
    if corners:
        return None
    for numerator, denominator, up in ((after, before, True), (before, after, False)):
        factor = dims.floordiv(numerator, denominator)
        if isinstance(factor, int) and factor and factor * denominator == numerator:
            return Fraction(1, factor) if up else Fraction(factor)
    return None


class DepthToSpace(Op):
    """Blocks of channels become blocks of pixels: [N, C b b, H, W] -> [N, C, H b, W b].

    ``mode = dcr`` (TensorFlow's and ONNX's) has the place in the block before the channel, ``crd`` (PyTorch's pixel
    shuffle) behind it.
    """

    name = "depth_to_space"
    moves_data = True
    sources = "ONNX DepthToSpace; arXiv:1609.05158"
    elsewhere = ("PixelShuffle = depth_to_space(2, mode = crd)",)
    examples = (
        "depth_to_space[2] : f32[2,8,3,4] -> f32[2,2,6,8]",
        "depth_to_space[2, mode=crd] : f32[2,8,3,4] -> f32[2,2,6,8]",
        "depth_to_space[3] : f32[N,9,H,W] -> f32[N,1,3 * H,3 * W]",
    )

    block: int = arg(Integer(1), doc="side of a block of pixels")
    mode: str = arg(Choice(("dcr", "crd")), "dcr", doc="order of block and channel")

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        (x,) = ins
        need_rank(self.name, x, 4, "[N, C, H, W]")
        n, c, h, w = x.shape
        return (x.with_shape([n, divide(c, self.block**2, "channels"), h * self.block, w * self.block]),)

    def window(self, ins: Types, outs: Types) -> Window:
        below = Fraction(self.block - 1, self.block)  # floor(y / block)
        return (AxisWindow(0), None, *(AxisWindow(i, below, Fraction(1, self.block), -below / 2) for i in (2, 3)))

    def range(self, entering: Sequence[Interval]) -> Interval:
        return entering[0]


class SpaceToDepth(Op):
    """Blocks of pixels become blocks of channels: [N, C, H, W] -> [N, C b b, H / b, W / b].

    It is the inverse of ``depth_to_space`` in the same mode: ``dcr`` (TensorFlow's and ONNX's) has the place in the
    block before the channel, ``crd`` (PyTorch's pixel unshuffle) behind it.
    """

    name = "space_to_depth"
    moves_data = True
    sources = "ONNX SpaceToDepth"
    elsewhere = ("PixelUnshuffle = space_to_depth(2, mode = crd)",)
    examples = (
        "space_to_depth[2] : f32[2,3,4,6] -> f32[2,12,2,3]",
        "space_to_depth[2, mode=crd] : f32[2,3,4,6] -> f32[2,12,2,3]",
        "space_to_depth[2] : f32[N,3,2 * H,8] -> f32[N,12,H,4]",
    )

    block: int = arg(Integer(1), doc="side of a block of pixels")
    mode: str = arg(Choice(("dcr", "crd")), "dcr", doc="order of block and channel")

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        (x,) = ins
        need_rank(self.name, x, 4, "[N, C, H, W]")
        n, c, h, w = x.shape
        rows, columns = divide(h, self.block, "rows"), divide(w, self.block, "columns")
        return (x.with_shape([n, c * self.block**2, rows, columns]),)

    def window(self, ins: Types, outs: Types) -> Window:
        span = self.block - 1
        return (AxisWindow(0), None, *(AxisWindow(i, span, self.block, Fraction(span, 2)) for i in (2, 3)))

    def range(self, entering: Sequence[Interval]) -> Interval:
        return entering[0]
