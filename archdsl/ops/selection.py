"""What is chosen by its values: boxes that do not overlap others, elements that fulfil a condition. How many that are
is found in the data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf

from archdsl.diagnostics import Refusal
from archdsl.dims import Dim
from archdsl.element_types import BOOLEANS, FLOATS
from archdsl.ops.base import Types, Work, arg
from archdsl.ops.counted import Counted
from archdsl.ops.estimates import Boxes, Interval
from archdsl.ops.kinds import Axis, Boolean, Integer, Number, Optional
from archdsl.ops.look import AxisWindow, Window
from archdsl.ops.operand_checks import need_dtype, need_equal, need_rank, same_dtype
from archdsl.shapes import TensorType, resolve_axis

ALL = (1 << 31) - 1
"""What exporters write where all boxes may be kept: the greatest integer, or more."""


class NonMaxSuppression(Counted):
    """The boxes of each class that have higher scores than all that they overlap much: ``[K, 3]``, each line the
    sample, the class and the box. K is at most N times classes times ``max_per_class``.

    Boxes [N, B, 4] are two opposite corners (y1, x1, y2, x2), or centre and size (x, y, w, h) with ``center``; scores
    are [N, classes, B]. In each class the best box is kept, those whose intersection over union with it is above
    ``iou_threshold`` go, and so on. Counted at the greatest K: each kept box is compared with all, 7 comparisons, 5
    additions, one multiplication and one division each; sorting is left out.
    """

    name = "non_max_suppression"
    sources = "ONNX NonMaxSuppression; torchvision.ops.batched_nms"
    elsewhere = ("nms", "batched_nms")
    arity = (2, 2)
    limits = (0.0, inf)
    examples = (
        "non_max_suppression[3] : f32[2,6,4], f32[2,2,6] -> i64[K,3]",
        "non_max_suppression[100, iou_threshold=0.3, score_threshold=0.1] : f32[N,T,4], f32[N,3,T] -> i64[K,3]",
        "non_max_suppression[2, center=true] : f32[1,9,4], f32[1,1,9] -> i64[K,3]",
    )

    max_per_class: int = arg(Integer(1), doc="how many boxes of a class are kept at most, in each sample")
    iou_threshold: float = arg(Number(0, 1), 0.5, doc="a box goes whose overlap with a better one is above it")
    score_threshold: float | None = arg(Optional(Number()), None, doc="only boxes with higher scores; all if none")
    center: bool = arg(Boolean(), False, doc="whether boxes are centre and size")

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        boxes, scores = ins
        need_dtype(self.name, boxes, FLOATS)
        same_dtype(self.name, ins)
        need_rank(self.name, boxes, 3, "of boxes [N, B, 4]")
        need_rank(self.name, scores, 3, "of scores [N, classes, B]")
        if boxes.shape[2] != 4:
            raise Refusal("E0303", f"`{self.name}` needs boxes [N, B, 4], not {boxes}")
        need_equal("the samples of boxes and scores", boxes.shape[0], scores.shape[0], ins)
        need_equal("the numbers of boxes and scores", boxes.shape[1], scores.shape[2], ins)
        return (TensorType("i64", (self.count, 3)),)

    def boxes(self, ins: Types) -> Mapping[int, Boxes]:
        return {0: (self.center, 1, 1)}

    def limit(self, *ins: TensorType) -> Dim:
        boxes = ins[0].shape[1]
        if isinstance(boxes, int):
            kept: Dim = min(boxes, self.max_per_class)
        else:
            kept = boxes if self.max_per_class >= ALL else self.max_per_class
        return ins[1].shape[0] * ins[1].shape[1] * kept

    def work(self, ins: Types, outs: Types) -> Work:
        pairs = self.count * ins[0].shape[1]
        return Work(cmp=7 * pairs + ins[1].elements, add=5 * pairs, mul=pairs, special=pairs)

    def window(self, ins: Types, outs: Types) -> Window:
        return (None, None)


class Compress(Counted):
    """The positions of ``axis`` where a vector of ``bool`` is true, in order: ``compress(x, keep, axis = 0)``."""

    name = "compress"
    moves_data = True
    sources = "ONNX Compress; numpy.compress; torch.masked_select along one axis"
    elsewhere = ("masked_select", "boolean_mask")
    arity = (2, 2)
    examples = (
        "compress[axis=0] : f32[6,4], bool[6] -> f32[K,4]",
        "compress[axis=t] : f32[N,T,3], bool[T] -> f32[N,K,3]",
        "compress[axis=-1] : i64[2,5], bool[5] -> i64[2,K]",
    )

    axis: int | str = arg(Axis(), doc="the axis")

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        x, keep = ins
        need_dtype(self.name, keep, BOOLEANS)
        need_rank(self.name, keep, 1, "of one condition for each position")
        axis = resolve_axis(self.axis, x)
        need_equal(f"axis {axis} and the conditions of `{self.name}`", x.shape[axis], keep.shape[0], ins)
        return (x.with_shape([*x.shape[:axis], self.count, *x.shape[axis + 1 :]]),)

    def limit(self, *ins: TensorType) -> Dim:
        return ins[1].shape[0]

    def window(self, ins: Types, outs: Types) -> Window:
        axis = resolve_axis(self.axis, ins[0])
        return tuple(None if i == axis else AxisWindow(i) for i in range(ins[0].rank))

    def looks(self, ins: Types, outs: Types, source: int, result: int) -> Window:
        return self.window(ins, outs) if source == 0 else (None,) * ins[0].rank

    def range(self, entering: Sequence[Interval]) -> Interval:
        return entering[0]


class NonZero(Counted):
    """The positions of the elements that are not zero (or true), in order: [K, axes] of ``i64``.

    One comparison for each element.
    """

    name = "nonzero"
    sources = "ONNX NonZero, transposed; torch.nonzero; numpy.argwhere"
    elsewhere = ("argwhere",)
    limits = (0.0, inf)
    examples = (
        "nonzero : bool[2,3] -> i64[K,2]",
        "nonzero : i64[N,T,4] -> i64[K,3]",
    )

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        (x,) = ins
        if x.rank == 0:
            raise Refusal("E0301", f"`{self.name}` needs an axis, and {x} has none")
        return (TensorType("i64", (self.count, x.rank)),)

    def limit(self, *ins: TensorType) -> Dim:
        return ins[0].elements

    def work(self, ins: Types, outs: Types) -> Work:
        return Work(cmp=ins[0].elements)

    def window(self, ins: Types, outs: Types) -> Window:
        return (None, None)
