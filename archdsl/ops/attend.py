"""Scaled dot-product attention."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import sqrt

from archdsl.diagnostics import Refusal
from archdsl.dims import product
from archdsl.element_types import FLOATS
from archdsl.ops.base import Op, Types, Work, arg
from archdsl.ops.estimates import Interval, Moments, hull
from archdsl.ops.kinds import Boolean, Integer, Number, Operand, Optional
from archdsl.ops.look import AxisWindow, OneWindow, Window, repeated
from archdsl.ops.operand_checks import need_dtype, need_equal, need_past, need_rank, same_dtype, static_size
from archdsl.shapes import Shape, TensorType, broadcast, show_shape


class Attend(Op):
    """Attention: ``softmax(q @ transpose(k) * scale) @ v`` for each head.

    Queries [N, h, T, e], keys [N, kv, S, e] and values [N, kv, S, g] give [N, h, T, g]. ``kv`` divides ``h``: query
    head i looks at head ``i // (h / kv)`` of the others. ``mask`` broadcasts to [N, h, T, S]: ``bool`` is what may
    be seen, a float is added to the scores. With ``causal`` and ``sliding_window`` positions are aligned at their
    ends, query i stands at key ``i + S - T``, and there must be as many keys as queries, or more. A query that sees
    nothing gives zeros.

    MACs: ``N * h * T * S * (e + g)``. Per score one multiplication (``scale``) and a softmax, one comparison for each
    of ``causal``, ``sliding_window`` and a mask of bool, one addition for a mask of floats, two multiplications and a
    tanh for ``softcap``.
    """

    name = "attend"
    arity = (3, 3)
    sources = "ONNX Attention (opset 23), or its formula; arXiv:1706.03762, arXiv:2305.13245 (grouped)"
    elsewhere = ("scaled_dot_product_attention", "sdpa")
    examples = (
        "attend : f32[N,4,T,16], f32[N,4,S,16], f32[N,4,S,8] -> f32[N,4,T,8]",
        "attend[causal=true] : f32[2,4,5,8], f32[2,2,5,8], f32[2,2,5,8] -> f32[2,4,5,8]",
        "attend[causal=true] : f32[N,2,T,8], f32[N,1,S+T,8], f32[N,1,S+T,8] -> f32[N,2,T,8]",
        "attend[causal=true, sliding_window=3] : f32[1,2,T,8], f32[1,2,T,8], f32[1,2,T,8] -> f32[1,2,T,8]",
        "attend[mask=1] : f32[N,2,T,8], f32[N,2,T,8], f32[N,2,T,8], bool[N,1,1,T] -> f32[N,2,T,8]",
        "attend[mask=1, scale=0.5] : f32[2,2,3,4], f32[2,2,6,4], f32[2,2,6,4], f32[2,3,6] -> f32[2,2,3,4]",
        "attend[softcap=2.0, sliding_window=2] : f32[2,2,4,8], f32[2,2,6,8], f32[2,2,6,8] -> f32[2,2,4,8]",
    )

    mask: int | None = arg(Operand(), None, doc="what may be seen (bool), or what is added to the scores")
    causal: bool = arg(Boolean(), False, doc="no query sees keys behind its own position")
    scale: float | None = arg(Optional(Number()), None, doc="factor of the scores; `1 / sqrt(e)` if none")
    sliding_window: int | None = arg(Optional(Integer(1)), None, doc="only keys less than this far away are seen")
    softcap: float | None = arg(Optional(Number(0)), None, doc="scores become `softcap * tanh(scores / softcap)`")

    def validate(self) -> None:
        if self.softcap == 0:
            raise Refusal("E0205", "`softcap` of `attend` must be above 0", help="leave it out for none")

    def misread(self, ins: Types) -> tuple[str, str] | None:
        heads = ins[0].shape[1]
        if ins[0].shape[3] != 1 or not isinstance(heads, int) or heads < 8:
            return None
        message = f"{heads} heads of one feature each"
        return message, "attention takes the number of heads; the features are known, and do not come first"

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        q, k, v = ins[:3]
        for one, layout in zip((q, k, v), ("[N, heads, T, e]", "[N, heads, S, e]", "[N, heads, S, g]")):
            need_dtype(self.name, one, FLOATS)
            if one.rank == 3:
                raise Refusal(
                    "E0301", f"`{self.name}` needs a tensor {layout}, not {one}",
                    help="take the heads apart first: `use std.attention (split_heads)`, `split_heads(8)`",
                )  # fmt: skip
            need_rank(self.name, one, 4, layout)
        same_dtype(self.name, (q, k, v))
        need_equal("the batches", q.shape[0], k.shape[0], (q, k))
        need_equal("the batches", q.shape[0], v.shape[0], (q, v))
        need_equal("the features of queries and keys", q.shape[3], k.shape[3], (q, k))
        need_equal("the heads of keys and values", k.shape[1], v.shape[1], (k, v))
        need_equal("the positions of keys and values", k.shape[2], v.shape[2], (k, v))
        if self.scale is None:
            static_size(q, 3, "the number of features of a head")
        heads, shared = (static_size(one, 1, "the number of heads") for one in (q, k))
        if heads % shared:
            raise Refusal("E0305", f"{shared} heads of keys and values do not divide {heads} heads of queries")
        if self.causal or self.sliding_window is not None:
            need_past(f"attend({'causal' if self.causal else 'sliding_window'})", q.shape[2], k.shape[2], (q, k))
        scores = (*q.shape[:3], k.shape[2])
        for mask in self.operand("mask", ins):
            self._check_mask(mask, q, scores)
        return (q.with_shape([*q.shape[:3], v.shape[3]]),)

    def _check_mask(self, mask: TensorType, q: TensorType, scores: Shape) -> None:
        if mask.dtype not in ("bool", q.dtype):
            help = f"`cast(bool)` for what may be seen, `cast({q.dtype})` for what is added to the scores"
            raise Refusal("E0309", f"`mask` of `attend` must be bool or {q.dtype}, not {mask}", help=help)
        if mask.rank > 4 or broadcast([mask.shape, scores]) != scores:
            message = f"`mask` of `attend` is {mask}, and does not broadcast to the scores {show_shape(scores)}"
            raise Refusal("E0303", message)

    def work(self, ins: Types, outs: Types) -> Work:
        q, k, v = ins[:3]
        scores = product((*q.shape[:3], k.shape[2]))
        masks = self.operand("mask", ins)
        compared = sum(mask.dtype == "bool" for mask in masks) + self.causal + (self.sliding_window is not None)
        added = sum(mask.dtype != "bool" for mask in masks)
        capped = self.softcap is not None
        return Work(
            mac=scores * (q.shape[3] + v.shape[3]), add=scores * (2 + added), mul=scores * (1 + 2 * capped),
            cmp=scores * (1 + compared), special=scores * (2 + capped),
        )  # fmt: skip

    def factor(self, ins: Types) -> float:
        """What the scores are multiplied with."""
        return self.scale if self.scale is not None else 1 / sqrt(static_size(ins[0], 3, "the features of a head"))

    def range(self, entering: Sequence[Interval]) -> Interval:
        return hull((entering[2], (0.0, 0.0))) if self.mask else entering[2]

    def moments(self, entering: Sequence[Moments], ins: Types, outs: Types) -> Moments:
        return entering[2]

    def window(self, ins: Types, outs: Types) -> Window:
        return self.looks(ins, outs, 0, 0)

    def _positions(self, ins: Types) -> OneWindow:
        """How the positions of queries look at those of keys."""
        past = ins[1].shape[2] - ins[0].shape[2]
        if self.sliding_window is None or not isinstance(past, int):
            return None
        reach = self.sliding_window - 1
        return AxisWindow(2, reach if self.causal else 2 * reach, 1, past - Fraction(reach * self.causal, 2))

    def looks(self, ins: Types, outs: Types, source: int, result: int) -> Window:
        if source == 0:
            return AxisWindow(0), AxisWindow(1), AxisWindow(2), None
        if source == 3:
            offset, rank = 4 - ins[3].rank, ins[3].rank
            rows = [repeated(axis - offset, ins[3], outs[0].shape[axis]) for axis in range(3)]
            return (*rows, None) if rank else (None,) * 4
        heads = AxisWindow(1) if ins[0].shape[1] == ins[1].shape[1] else None
        return AxisWindow(0), heads, self._positions(ins), None if source == 1 else AxisWindow(3)
