"""Regions of maps, brought to one size each: what region-based detectors read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from archdsl.diagnostics import Refusal
from archdsl.dims import ceildiv
from archdsl.element_types import FLOATS
from archdsl.ops.base import Ends, Op, Types, Work, arg
from archdsl.ops.estimates import Boxes, Interval
from archdsl.ops.kinds import Boolean, Integer, Number, PerAxis
from archdsl.ops.look import AxisWindow, Window
from archdsl.ops.operand_checks import need_dtype, need_equal, need_rank, same_dtype, times
from archdsl.ops.windows import per_axis
from archdsl.shapes import TensorType


class _Regions(Op):
    """Base: [N, C, H, W], boxes [R, 4] and the images [R] in which they lie give [R, C, size, size].

    Subclasses declare ``size`` and ``scale``.
    """

    arity = (3, 3)
    domain = (0.0, 8.0)
    size: int | tuple[int, ...] = arg(PerAxis(1), doc="positions of the result: one number, or rows and columns")
    scale: float = arg(Number(), 1.0, doc="positions of the map for one unit of the boxes: 1/16 behind a stride of 16")

    def validate(self) -> None:
        if self.scale <= 0:
            raise Refusal("E0205", f"`scale` of `{self.name}` must be positive, not {self.scale:g}")

    def sizes(self) -> tuple[int, ...]:
        """Rows and columns of the result."""
        return per_axis(self.size, 2, "`size`")

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        x, boxes, images = ins
        need_dtype(self.name, x, FLOATS)
        need_rank(self.name, x, 4, "[N, C, H, W]")
        same_dtype(self.name, (x, boxes))
        need_rank(f"the boxes of {self.name}", boxes, 2, "[R, 4]")
        if boxes.shape[1] != 4:
            raise Refusal("E0303", f"the boxes of `{self.name}` must be [R, 4], not {boxes}: x1, y1, x2, y2")
        if images.rank != 1 or images.dtype not in ("i64", "i32"):
            raise Refusal(
                "E0309", f"`{self.name}` takes the number of each box's image, i64[R], not {images}",
                help=f"for one image: `zeros([{boxes.shape[0]}], dtype = i64)`",
            )  # fmt: skip
        need_equal("the boxes and their images", boxes.shape[0], images.shape[0], (boxes, images))
        return (x.with_shape([boxes.shape[0], x.shape[1], *self.sizes()]),)

    def integers(self, ins: Types, outs: Types, asked: Ends | None, entering: Sequence[Interval]) -> Mapping[int, Ends]:
        return {2: (0, ins[0].shape[0] - 1)}

    def boxes(self, ins: Types) -> Mapping[int, Boxes]:
        _, _, height, width = ins[0].shape
        units = round(1 / self.scale) if self.scale <= 1 else 1
        return {1: (False, width * units, height * units)}

    def window(self, ins: Types, outs: Types) -> Window:
        return (None, AxisWindow(1), None, None)

    def looks(self, ins: Types, outs: Types, source: int, result: int) -> Window:
        return self.window(ins, outs) if source == 0 else (AxisWindow(0), None, None, None)

    def range(self, entering: Sequence[Interval]) -> Interval:
        low, high = entering[0]
        return min(low, 0.0), max(high, 0.0)


class RoiAlign(_Regions):
    """Boxes cut into ``size`` x ``size`` bins, and of each the mean of ``samples`` x ``samples`` interpolated points.

    ``x -> roi_align(boxes, images, 7, scale = 1 / 16, samples = 2)``: boxes are x1, y1, x2, y2 in pixels of the image,
    ``images`` says in which of the N images each lies. With 0 samples, as many as a bin has positions, rounded up. By
    default pixels are at their centres, so that a box begins half a pixel earlier (``aligned``; torchvision's default
    is false, where boxes have at least one position). Points more than one position outside are zero. Per element of
    the result and sample 4 multiplications and 3 additions, and the mean; not known with ``samples = 0``.

    ONNX has ``max`` besides the mean; its runtime takes the greatest weighted corner there, which is no interpolated
    value, so that it is left out.
    """

    name = "roi_align"
    sources = "ONNX RoiAlign; He et al., Mask R-CNN (arXiv:1703.06870)"
    elsewhere = ("ROIAlign", "crop_and_resize")
    examples = (
        "roi_align[7, scale=0.0625, samples=2] : f32[N,8,H,W], f32[R,4], i64[R] -> f32[R,8,7,7]",
        "roi_align[[2, 3], aligned=false] : f32[2,3,8,9], f32[5,4], i64[5] -> f32[5,3,2,3]",
        "roi_align[2, scale=0.5, samples=1] : f32[2,3,8,9], f32[4,4], i32[4] -> f32[4,3,2,2]",
    )

    samples: int = arg(Integer(0), 0, doc="points along each side of a bin; 0: as many as it has positions")
    aligned: bool = arg(Boolean(), True, doc="pixels are at their centres: boxes begin half a pixel earlier")

    def work(self, ins: Types, outs: Types) -> Work | None:
        if not self.samples:
            return None
        points = self.samples**2
        return times(Work(mul=4 * points + 1, add=4 * points - 1), outs[0].elements)


class RoiPool(_Regions):
    """Each box, rounded to whole positions, cut into ``size`` x ``size`` bins, and the maximum of each bin.

    ``x -> roi_pool(boxes, images, 7, scale = 1 / 16)``, with boxes and images as for ``roi_align``. Bins are rounded
    outwards and overlap; an empty one gives zero. Counted for boxes as large as the map, whose bins have at most a part
    of the map, rounded up, and one position on each axis: smaller ones need fewer comparisons.
    """

    name = "roi_pool"
    sources = "ONNX MaxRoiPool; Girshick, Fast R-CNN (arXiv:1504.08083)"
    elsewhere = ("ROIPooling", "MaxRoiPool")
    examples = (
        "roi_pool[7, scale=0.0625] : f32[N,8,H,W], f32[R,4], i64[R] -> f32[R,8,7,7]",
        "roi_pool[[2, 3]] : f32[2,3,8,9], f32[5,4], i64[5] -> f32[5,3,2,3]",
    )

    def work(self, ins: Types, outs: Types) -> Work:
        rows, columns = (ceildiv(size, n) + 1 for size, n in zip(ins[0].shape[2:], self.sizes()))
        return Work(cmp=outs[0].elements * (rows * columns - 1))
