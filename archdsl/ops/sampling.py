"""Maps looked up at positions that the network computes."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.diagnostics import Refusal
from archdsl.element_types import FLOATS
from archdsl.ops.base import Op, Types, Work, arg
from archdsl.ops.estimates import EVERYTHING, Interval
from archdsl.ops.kinds import Boolean, Choice
from archdsl.ops.look import AxisWindow, Window
from archdsl.ops.operand_checks import need_dtype, need_equal, same_dtype, times
from archdsl.ops.windows import spatial
from archdsl.shapes import TensorType

TAPS = {"nearest": 1, "bilinear": 2, "bicubic": 4}


class GridSample(Op):
    """Each position of the result reads the input where the grid says: ``x -> grid_sample(grid)``.

    [N, C, H, W] and a grid [N, h, w, 2] give [N, C, h, w]; volumes [N, C, D, H, W] take [N, d, h, w, 3] (``bilinear``,
    ``nearest``). A point of the grid is x, then y (, then z): -1 and 1 are the borders of the input, or with
    ``align_corners`` the centres of the positions at the corners. Beyond the border there are zeros, the border
    (``border``), or the input mirrored (``reflection``). ``bicubic`` has a = -0.75. Per element of the result, with
    t = 2 or 4 taps on each of d axes, t**d multiplications and t**d - 1 additions as in ``resize``; what is the same
    for all channels is not counted.
    """

    name = "grid_sample"
    arity = (2, 2)
    sources = "ONNX GridSample; Jaderberg et al., Spatial transformer networks (arXiv:1506.02025)"
    elsewhere = ("warp", "remap", "spatial_transformer")
    examples = (
        "grid_sample : f32[N,3,H,W], f32[N,5,6,2] -> f32[N,3,5,6]",
        "grid_sample[mode=nearest, pad=border] : f32[2,3,4,5], f32[2,6,7,2] -> f32[2,3,6,7]",
        "grid_sample[mode=bicubic, align_corners=true] : f32[2,3,4,5], f32[2,6,7,2] -> f32[2,3,6,7]",
        "grid_sample[pad=reflection] : f32[1,2,3,4,5], f32[1,4,5,6,3] -> f32[1,2,4,5,6]",
    )

    mode: str = arg(Choice(("bilinear", "nearest", "bicubic")), "bilinear", doc="the interpolation")
    pad: str = arg(Choice(("zeros", "border", "reflection")), "zeros", doc="what is beyond the border")
    align_corners: bool = arg(Boolean(), False, doc="-1 and 1 are the outermost positions, not the border")

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        x, grid = ins
        need_dtype(self.name, x, FLOATS)
        same_dtype(self.name, ins)
        rank = len(spatial(x, self.name))
        if rank not in (2, 3) or (rank == 3 and self.mode == "bicubic"):
            help = "use `mode = bilinear`" if rank == 3 else ""
            raise Refusal("E0301", f"`grid_sample` with `mode = {self.mode}` does not work on {x}", help=help)
        if grid.rank != rank + 2 or grid.shape[-1] != rank:
            wanted = "[N, h, w, 2]" if rank == 2 else "[N, d, h, w, 3]"
            raise Refusal("E0301", f"the grid of `grid_sample` must be {wanted} for {x}, not {grid}")
        need_equal("the numbers of samples", x.shape[0], grid.shape[0], ins)
        return (x.with_shape([*x.shape[:2], *grid.shape[1:-1]]),)

    def work(self, ins: Types, outs: Types) -> Work:
        taps = TAPS[self.mode] ** (ins[0].rank - 2)
        return times(Work(mul=taps if taps > 1 else 0, add=taps - 1), outs[0].elements)

    def window(self, ins: Types, outs: Types) -> Window:
        return (AxisWindow(0), AxisWindow(1), *(None,) * (outs[0].rank - 2))

    def looks(self, ins: Types, outs: Types, source: int, result: int) -> Window:
        if source == 0:
            return self.window(ins, outs)
        return (AxisWindow(0), None, *(AxisWindow(axis) for axis in range(1, ins[1].rank - 1)))

    def range(self, entering: Sequence[Interval]) -> Interval:
        if self.mode == "bicubic":
            return EVERYTHING
        low, high = entering[0]
        return (min(low, 0.0), max(high, 0.0)) if self.pad == "zeros" else (low, high)
