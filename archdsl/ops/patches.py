"""The windows of a map side by side, and back."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from archdsl import dims
from archdsl.dims import Dim
from archdsl.element_types import FLOATS
from archdsl.ops.base import Op, Types, Work, arg
from archdsl.ops.estimates import EVERYTHING, Interval
from archdsl.ops.kinds import Dimension, ListOf, Padding, PerAxis
from archdsl.ops.look import AxisWindow, Window
from archdsl.ops.operand_checks import divide, need_dtype, need_equal, need_rank, static_size, undecided
from archdsl.ops.windows import Pads, Windowed, output_size, per_axis, resolve_pads, sliding
from archdsl.shapes import TensorType

Sizes = int | tuple[int, ...]


class Unfold(Windowed):
    """The windows of [N, C, spatial…] as columns: [N, C * taps, windows], as PyTorch lays them out.

    The taps of a channel are neighbours; windows are in row-major order. Nothing is computed: a convolution is
    ``linear`` on it.
    """

    name = "unfold"
    moves_data = True
    sources = "torch.nn.Unfold"
    elsewhere = ("im2col", "extract_patches")
    examples = (
        "unfold[3] : f32[N,4,H,W] -> f32[N,36,(H - 2) * (W - 2)]",
        "unfold[[2, 3], stride=[1, 2], pad=1, dilation=2] : f32[2,3,5,6] -> f32[2,18,10]",
        "unfold[3, pad=same_upper, stride=2] : f32[2,3,5,7] -> f32[2,27,12]",
        "unfold[4, stride=2] : f32[2,3,9] -> f32[2,12,3]",
        "unfold[2] : f32[1,2,3,4,3] -> f32[1,16,12]",
    )

    kernel: Sizes = arg(PerAxis(1), doc="window size")
    stride: Sizes = arg(PerAxis(1), 1, doc="step of the window")
    pad: str | int | tuple[int, ...] = arg(Padding(), "valid", doc="padding rule, or numbers: begins, then ends")
    dilation: Sizes = arg(PerAxis(1), 1, doc="distance between the taps of the window")

    def dilations(self, rank: int) -> tuple[int, ...]:
        return per_axis(self.dilation, rank, "`dilation`")

    def counts(self, type: TensorType) -> list[Dim]:
        """The number of windows along each axis."""
        pads = self.pads(type)
        if pads is None:
            raise undecided(f"`pad = {self.pad}` of `unfold`", type.shape[2:])
        return [output_size(n, k, s, d, p) for n, k, s, d, p in zip(type.shape[2:], *self.geometry(type), pads)]

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        (x,) = ins
        need_dtype(self.name, x, FLOATS)
        taps = prod(self.geometry(x)[0])
        return (x.with_shape([x.shape[0], x.shape[1] * taps, dims.product(self.counts(x))]),)

    def range(self, entering: Sequence[Interval]) -> Interval:
        low, high = entering[0]
        return min(low, 0.0), max(high, 0.0)

    def window(self, ins: Types, outs: Types) -> Window:
        x = ins[0]
        if x.rank > 3:
            return (AxisWindow(0), None, None)
        (k,), (s,), (d,) = self.geometry(x)
        pads = self.pads(x)
        return (AxisWindow(0), None, sliding(2, k, s, d, pads[0][0] if pads else 0))


class Fold(Op):
    """Windows put back: [N, C * taps, windows] -> [N, C, size…], and what lies in several windows is their sum.

    The inverse of ``unfold`` in layout; of windows that do not overlap also in values. One addition per element that
    enters.
    """

    name = "fold"
    sources = "ONNX Col2Im; torch.nn.Fold"
    elsewhere = ("col2im",)
    examples = (
        "fold[[5, 6], 3] : f32[N,36,12] -> f32[N,4,5,6]",
        "fold[[5, 6], [2, 3], stride=[1, 2], pad=1, dilation=2] : f32[2,18,10] -> f32[2,3,5,6]",
        "fold[[5, 7], 3, stride=2, pad=same_upper] : f32[2,27,12] -> f32[2,3,5,7]",
        "fold[[9], 4, stride=2] : f32[2,12,3] -> f32[2,3,9]",
        "fold[[3, 4, 3], 2] : f32[1,16,12] -> f32[1,2,3,4,3]",
    )

    size: tuple[Dim, ...] = arg(ListOf(Dimension(1)), doc="the sizes of the map")
    kernel: Sizes = arg(PerAxis(1), doc="window size")
    stride: Sizes = arg(PerAxis(1), 1, doc="step of the window")
    pad: str | int | tuple[int, ...] = arg(Padding(), "valid", doc="padding rule, or numbers: begins, then ends")
    dilation: Sizes = arg(PerAxis(1), 1, doc="distance between the taps of the window")

    def geometry(self) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
        """Kernel, stride and dilation with one entry for each axis."""
        rank = len(self.size)
        return (
            per_axis(self.kernel, rank, "`kernel`"),
            per_axis(self.stride, rank, "`stride`"),
            per_axis(self.dilation, rank, "`dilation`"),
        )

    def pads(self) -> Pads:
        """Begin and end padding of each axis."""
        map = TensorType("f32", (1, 1, *self.size))
        pads = resolve_pads(self.pad, map, *self.geometry())
        if pads is None:
            raise undecided(f"`pad = {self.pad}` of `fold`", self.size)
        return pads

    def counts(self) -> list[Dim]:
        """The number of windows along each axis."""
        return [output_size(n, k, s, d, p) for n, k, s, d, p in zip(self.size, *self.geometry(), self.pads())]

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        (x,) = ins
        need_dtype(self.name, x, FLOATS)
        need_rank(self.name, x, 3, "[N, C * taps, windows]")
        channels = divide(static_size(x, 1, "the channels"), prod(self.geometry()[0]), "channels")
        windows = dims.product(self.counts())
        need_equal(
            "the windows that enter and those of the map",
            x.shape[2],
            windows,
            (x, x.with_shape([*x.shape[:2], windows])),
        )
        return (x.with_shape([x.shape[0], channels, *self.size]),)

    def work(self, ins: Types, outs: Types) -> Work:
        return Work(add=ins[0].elements)

    def window(self, ins: Types, outs: Types) -> Window:
        return (AxisWindow(0), None, *(None,) * len(self.size))

    def range(self, entering: Sequence[Interval]) -> Interval:
        low, high = entering[0]
        return (0.0 if low >= 0 else EVERYTHING[0], 0.0 if high <= 0 else EVERYTHING[1])
