"""Comparisons, logic and choice: operators whose results or conditions are ``bool``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf

from archdsl.diagnostics import Refusal
from archdsl.element_types import ANY, BOOLEANS, FLOATS
from archdsl.ops.arithmetic import Binary, Broadcasting
from archdsl.ops.base import Ends, Op, Types, Work
from archdsl.ops.estimates import Interval, Moments, hull, mixture
from archdsl.ops.look import Window, pass_through
from archdsl.ops.operand_checks import need_dtype, need_past, same_dtype, times
from archdsl.ops.pointwise import Pointwise
from archdsl.shapes import TensorType, broadcast


class Comparison(Binary):
    """``bool`` from two tensors of one element type. One comparison per element."""

    limits = (0.0, 1.0)
    cost = Work(cmp=1)

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        (common,) = super().shape(*ins)
        return (TensorType("bool", common.shape),)

    def integers(self, ins: Types, outs: Types, asked: Ends | None, entering: Sequence[Interval]) -> Mapping[int, Ends]:
        """A number that is held against each of a row of numbers, ``positions < length``, is a length of the row."""
        found: dict[int, Ends] = {}
        for slot, one in enumerate(ins):
            shape = [*(1,) * (outs[0].rank - one.rank), *one.shape]
            rows = [size for size, own in zip(outs[0].shape, shape) if own == 1 and size != 1]
            if rows:
                found[slot] = (1, rows[-1])
        return found


class Equal(Comparison):
    """``x == y``. One comparison per element."""

    name = "equal"
    sources = "ONNX Equal"
    infix = "=="
    takes = ANY
    examples = ("equal : i64[2,3], i64[3] -> bool[2,3]", "equal : f32[N,T], f32[N,T] -> bool[N,T]")


class NotEqual(Comparison):
    """``x != y``. One comparison per element."""

    name = "not_equal"
    sources = "ONNX Equal and Not"
    infix = "!="
    takes = ANY
    examples = ("not_equal : i64[2,3], i64[3] -> bool[2,3]", "not_equal : f32[N,T], f32[N,T] -> bool[N,T]")


class Less(Comparison):
    """``x < y``. One comparison per element."""

    name = "less"
    sources = "ONNX Less"
    infix = "<"
    examples = ("less : f32[2,3], f32[3] -> bool[2,3]", "less : f32[N,T], f32[] -> bool[N,T]")


class LessEqual(Comparison):
    """``x <= y``. One comparison per element."""

    name = "less_equal"
    sources = "ONNX LessOrEqual"
    infix = "<="
    examples = ("less_equal : i64[2,3], i64[3] -> bool[2,3]", "less_equal : f32[N,T], f32[] -> bool[N,T]")


class Greater(Comparison):
    """``x > y``. One comparison per element."""

    name = "greater"
    sources = "ONNX Greater"
    infix = ">"
    examples = ("greater : f32[2,3], f32[3] -> bool[2,3]", "greater : f32[N,T], f32[] -> bool[N,T]")


class GreaterEqual(Comparison):
    """``x >= y``. One comparison per element."""

    name = "greater_equal"
    sources = "ONNX GreaterOrEqual"
    infix = ">="
    examples = ("greater_equal : i64[2,3], i64[3] -> bool[2,3]", "greater_equal : f32[N,T], f32[] -> bool[N,T]")


class IsNaN(Pointwise):
    """True where an element is no number. One comparison per element."""

    name = "is_nan"
    sources = "ONNX IsNaN"
    limits = (0.0, 1.0)
    cost = Work(cmp=1)
    examples = ("is_nan : f32[N,T] -> bool[N,T]", "is_nan : f64[2,3,4] -> bool[2,3,4]")

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        return (TensorType("bool", super().shape(*ins)[0].shape),)

    def function(self, x: float) -> float:
        return float(x != x)


class LogicalAnd(Binary):
    """True where both are. Counted as one comparison per element."""

    name = "logical_and"
    sources = "ONNX And"
    limits = (0.0, 1.0)
    takes = BOOLEANS
    cost = Work(cmp=1)
    examples = ("logical_and : bool[2,3], bool[3] -> bool[2,3]", "logical_and : bool[N,T], bool[N,1] -> bool[N,T]")


class LogicalOr(Binary):
    """True where either is. Counted as one comparison per element."""

    name = "logical_or"
    sources = "ONNX Or"
    limits = (0.0, 1.0)
    takes = BOOLEANS
    cost = Work(cmp=1)
    examples = ("logical_or : bool[2,3], bool[3] -> bool[2,3]", "logical_or : bool[N,T], bool[N,1] -> bool[N,T]")


class LogicalNot(Pointwise):
    """True where ``x`` is false. Counted as one comparison per element."""

    name = "logical_not"
    sources = "ONNX Not"
    limits = (0.0, 1.0)
    takes = BOOLEANS
    cost = Work(cmp=1)
    examples = ("logical_not : bool[2,3] -> bool[2,3]", "logical_not : bool[N,T] -> bool[N,T]")

    def function(self, x: float) -> float:
        return float(not x)


class Where(Broadcasting):
    """``x`` where ``condition`` is true, ``y`` elsewhere: ``where(condition, x, y)``. One comparison per element."""

    name = "where"
    sources = "ONNX Where"
    arity = (3, 3)
    cost = Work(cmp=1)
    examples = (
        "where : bool[2,3], f32[2,3], f32[2,3] -> f32[2,3]",
        "where : bool[N,T,T], f32[N,T,T], f32[] -> f32[N,T,T]",
    )

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        condition, x, y = ins
        if condition.dtype != "bool":
            raise Refusal("E0309", f"the condition of `where` must be bool, not {condition}", help="compare: `x > 0`")
        return (TensorType(same_dtype(self.name, (x, y)), broadcast([t.shape for t in ins])),)

    def range(self, entering: Sequence[Interval]) -> Interval:
        return hull(entering[1:])

    def moments(self, entering: Sequence[Moments], ins: Types, outs: Types) -> Moments:
        return mixture((1, 1), entering[1:])


class CausalMask(Op):
    """Scores [..., T, S] with minus infinity where a key stands behind the query: query i sees keys j <= i + S - T.

    T queries and S keys are aligned at their ends, and S - T keys are of the past; there must be as many keys as
    queries, or more. Counted as one comparison per element.
    """

    name = "causal_mask"
    sources = "ONNX Trilu and Add; arXiv:1706.03762"
    examples = (
        "causal_mask : f32[2,4,4] -> f32[2,4,4]",
        "causal_mask : f32[N,2,T,T] -> f32[N,2,T,T]",
        "causal_mask : f32[N,T,S+T] -> f32[N,T,S+T]",
    )

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        (x,) = ins
        need_dtype(self.name, x, FLOATS)
        if x.rank < 2:
            raise Refusal("E0301", f"`causal_mask` needs scores [..., T, S], not {x}")
        need_past(self.name, x.shape[-2], x.shape[-1], ins)
        return (x,)

    def work(self, ins: Types, outs: Types) -> Work:
        return times(Work(cmp=1), outs[0].elements)

    def window(self, ins: Types, outs: Types) -> Window:
        return pass_through(outs[0].rank)

    def range(self, entering: Sequence[Interval]) -> Interval:
        return -inf, entering[0][1]
