"""Tensors without inputs: constants, and raw parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from archdsl.diagnostics import Refusal
from archdsl.dims import Dim
from archdsl.element_types import FLOATS, INTEGERS, NUMBERS, holds
from archdsl.ops.base import Ends, Initializer, Op, Types, Weight, arg
from archdsl.ops.estimates import EVERYTHING, Interval
from archdsl.ops.kinds import Choice, Dimension, DType, Integer, ListOf, Number, OneOf
from archdsl.ops.look import AxisWindow, Window
from archdsl.ops.operand_checks import insertion, need_dtype, need_value
from archdsl.ops.start import SCHEMES, Array, Start, elements, fan_of, outline, started
from archdsl.shapes import Shape, TensorType, show_shape

_WHOLE = frozenset({bool, int})


class Constant(Op):
    """A number, or nested lists of numbers: ``constant([[1, 0], [0, 1]])``. It is fixed and counts as no parameter.

    A number in an equation (``0.5 * x``) is a constant without axes, of the other operand's element type.
    """

    name = "constant"
    follows = True
    role = "source"
    sources = "ONNX Constant"
    arity = (0, 0)
    examples = (
        "constant[0.5] : -> f32[]",
        "constant[[[1, 2, 3], [4, 5, 6]]] : -> f32[2,3]",
        "constant[[0, 2, 1], dtype=i64] : -> i64[3]",
        "constant[[true, false], dtype=bool] : -> bool[2]",
    )

    values: Any = arg(Array(), doc="a number, or nested lists of numbers")
    dtype: str = arg(DType(), "f32", doc="element type; by default that of the flow, if it is a float")

    def validate(self) -> None:
        values: Sequence[Any] = elements(self.values)
        if _WHOLE.issuperset(map(type, values)):  # of integers the ends tell of all
            values = [min(values), max(values)] if values else []
        for value in values:
            if not holds(self.dtype, value):
                help = "use a wider type" if self.dtype in FLOATS else "say how to round, or use a wider type"
                raise Refusal("E0309", f"a constant of {self.dtype} cannot hold {value}", help=help)

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        return (TensorType(self.dtype, outline(self.values)),)

    def window(self, ins: Types, outs: Types) -> Window:
        return (None,) * outs[0].rank

    def range(self, entering: Sequence[Interval]) -> Interval:
        values = elements(self.values)
        return (float(min(values)), float(max(values))) if values else EVERYTHING


class _Filled(Op):
    """Base: one number everywhere. Sizes may be symbolic."""

    arity = (0, 0)
    sources = "ONNX ConstantOfShape"
    follows = True
    role = "source"

    size: Shape = arg(ListOf(Dimension(0)), doc="the sizes")
    dtype: str = arg(DType(), "f32", doc="element type; by default that of the flow, if it is a float")

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        return (TensorType(self.dtype, self.size),)

    def window(self, ins: Types, outs: Types) -> Window:
        return (None,) * outs[0].rank


class Zeros(_Filled):
    """Zeros: ``zeros([N, 8, x.h, x.w])``."""

    name = "zeros"
    limits = (0.0, 0.0)
    examples = ("zeros[[2, 3]] : -> f32[2,3]", "zeros[[4], dtype=i64] : -> i64[4]")


class Ones(_Filled):
    """Ones: ``ones([N, 1])``."""

    name = "ones"
    limits = (1.0, 1.0)
    examples = ("ones[[2, 3]] : -> f32[2,3]", "ones[[4], dtype=i64] : -> i64[4]")


class Positions(Op):
    """The numbers of ``size`` positions, ``start + step * i``: grids and anchors without lists of numbers.

    ``positions(x.w, start = 0.5)`` are the centres of a row of pixels; two of them broadcast to a grid.
    ``positions(x.t, start = past.t)`` are those of steps that follow others.
    """

    name = "positions"
    arity = (0, 0)
    role = "source"
    sources = "ONNX Range; torch.arange"
    elsewhere = ("arange", "linspace", "meshgrid")
    examples = (
        "positions[4] : -> f32[4]",
        "positions[3, start=0.5, step=8] : -> f32[3]",
        "positions[5, dtype=i64] : -> i64[5]",
    )

    size: Dim = arg(Dimension(1), doc="how many")
    start: float | Dim = arg(OneOf((Number(), Dimension())), 0.0, doc="the first; a size, behind what came before")
    step: float = arg(Number(), 1.0, doc="the distance of two")
    dtype: str = arg(Choice(tuple(sorted(NUMBERS))), "f32", doc="element type")

    def validate(self) -> None:
        first = self.start if isinstance(self.start, int | float) else 0
        whole = first == int(first) and self.step == int(self.step)
        if self.dtype not in FLOATS and not whole:
            raise Refusal("E0309", f"`positions` of {self.dtype} are whole numbers", help="use `dtype = f32`")
        if self.dtype[0] == "u" and (first < 0 or self.step < 0):
            raise Refusal("E0205", f"`positions` of {self.dtype} cannot be negative", help="use `dtype = i64`")

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        return (TensorType(self.dtype, (self.size,)),)

    def window(self, ins: Types, outs: Types) -> Window:
        return (None,)

    def range(self, entering: Sequence[Interval]) -> Interval:
        if not isinstance(self.size, int) or not isinstance(self.start, int | float):
            return EVERYTHING
        last = self.start + self.step * (self.size - 1)
        return min(self.start, last), max(self.start, last)


WEIGHTS = ("i8", "u8", "i16", "u16", "i32")
"""The integers that quantised weights and their biases are."""
_NORMAL = Initializer("normal", (0.0, 0.02))


class Param(Op):
    """A learned tensor: ``param([1, 197, 768])``. Its path is that of its label: there is no ``.weight``.

    ``init`` is ``normal(mean, deviation)``, ``uniform(low, high)``, ``fan`` (as a weight [out, in, …] of a layer, by
    the scheme chosen when compiling) or a scheme, ``zeros``, ``ones``, one number, or nested lists of numbers. Weights
    that were quantised are integers, which nothing draws: they begin as 0 unless numbers are given.
    """

    name = "param"
    follows = True
    role = "source"
    sources = "torch.nn.Parameter"
    elsewhere = ("Parameter",)
    arity = (0, 0)
    examples = (
        "param[[1, 5, 8]] : -> f32[1,5,8]",
        "param[[4], init=ones] : -> f32[4]",
        "param[[2], init=[0.5, -0.5]] : -> f32[2]",
        "param[[], init=20] : -> f32[]",
        "param[[4, 8], init=fan] : -> f32[4,8]",
        "param[[2, 2], init=[[1, -2], [3, 4]], dtype=i8] : -> i8[2,2]",
    )

    size: tuple[int, ...] = arg(ListOf(Integer(1)), doc="the sizes")
    init: Any = arg(
        Start(), _NORMAL,
        doc="how it begins: `normal(0, 0.02)`, `uniform(-1, 1)`, `fan`, `zeros`, `ones`, a number, or nested lists",
    )  # fmt: skip
    dtype: str = arg(
        Choice((*sorted(FLOATS), *WEIGHTS)), "f32", doc="element type; by default that of the flow, if it is a float"
    )

    def validate(self) -> None:
        if isinstance(self.init, tuple) and outline(self.init) != self.size:
            shapes = f"{show_shape(outline(self.init))} for a parameter of {show_shape(self.size)}"
            raise Refusal("E0303", f"`init` of `param` is {shapes}", help="give one number, or one for each element")
        if self.dtype in WEIGHTS and self.init != _NORMAL:
            if isinstance(self.init, Initializer) or self.init in ("fan", *SCHEMES):
                raise Refusal("E0205", f"a `param` of {self.dtype} begins with `zeros`, `ones` or numbers")
            for value in elements(self.init) if not isinstance(self.init, str) else ():
                need_value(self.name, value, self.dtype)
        if self.init in ("fan", *SCHEMES) and len(self.size) < 2:
            raise Refusal("E0205", f"`init = {self.init}` needs a shape [out, in, …], not {show_shape(self.size)}")

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        return (TensorType(self.dtype, self.size),)

    def weights(self, *ins: TensorType) -> tuple[Weight, ...]:
        init = "zeros" if self.dtype in WEIGHTS and self.init == _NORMAL else self.init
        return (Weight("", self.size, started(init, self.size, fan_of(self.size)), dtype=self.dtype),)

    def window(self, ins: Types, outs: Types) -> Window:
        return (None,) * outs[0].rank


class OneHot(Op):
    """1 at the position that the input names, 0 elsewhere, along a new axis of size ``depth``.

    Positions from ``depth`` on, and negative ones below ``-depth``, give zeros.
    """

    name = "one_hot"
    moves_data = True
    sources = "ONNX OneHot"
    limits = (0.0, 1.0)
    examples = (
        "one_hot[4] : i64[2,3] -> f32[2,3,4]",
        "one_hot[5, axis=1] : i64[N,T] -> f32[N,5,T]",
        "one_hot[3, dtype=i64] : i64[N] -> i64[N,3]",
        "one_hot[5, dtype=bool] : i32[] -> bool[5]",
    )

    depth: int = arg(Integer(1), doc="size of the new axis")
    axis: int = arg(Integer(), -1, doc="position of the new axis")
    dtype: str = arg(DType(), "f32", doc="element type")

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        (x,) = ins
        need_dtype(self.name, x, INTEGERS)
        axis = insertion(self.axis, x.rank + 1, self.name)
        sizes: list[Dim] = [*x.shape[:axis], self.depth, *x.shape[axis:]]
        return (TensorType(self.dtype, tuple(sizes)),)

    def integers(self, ins: Types, outs: Types, asked: Ends | None, entering: Sequence[Interval]) -> Mapping[int, Ends]:
        return {0: (0, self.depth - 1)}

    def window(self, ins: Types, outs: Types) -> Window:
        axis = insertion(self.axis, outs[0].rank, self.name)
        axes: list[AxisWindow | None] = [AxisWindow(i) for i in range(ins[0].rank)]
        return (*axes[:axis], None, *axes[axis:])
