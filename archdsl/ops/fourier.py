"""Discrete Fourier transforms. Complex numbers are a last axis of 2, the real part first, as ONNX has them."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl import dims
from archdsl.diagnostics import Refusal
from archdsl.dims import Dim
from archdsl.element_types import FLOATS
from archdsl.ops.base import Empties, Op, Types, Work, arg
from archdsl.ops.estimates import Moments
from archdsl.ops.kinds import Axis, Boolean, Dimension, Optional
from archdsl.ops.look import AxisWindow, Window
from archdsl.ops.operand_checks import at_least_rank, need_dtype, need_equal
from archdsl.shapes import TensorType, resolve_axis


def _transforms(size: Dim, rows: Dim, real: bool = False) -> Work | None:
    """``rows`` transforms of ``size`` complex numbers with radix 2; ``None`` for a size that is not known.

    Each of ceil(log2 n) stages has n / 2 butterflies: a complex product (4 multiplications, 2 additions) and two
    complex sums (4 additions). Of ``real`` numbers it is half of that.
    """
    if not isinstance(size, int):
        return None
    products = 2 * size * (size - 1).bit_length() // (2 if real else 1)
    return Work(mul=rows * products, add=rows * (3 * products // 2))


class _Transform(Op):
    """Base: along one axis, in front of that of the complex numbers."""

    sources = "ONNX DFT; torch.fft"

    axis: int | str = arg(Axis(), doc="the axis along which it is taken")

    def empty_axes(self) -> Empties:
        return "none"

    def along(self, x: TensorType, complex: bool = True) -> int:
        """The index of the axis; refuses what is no complex number, and the axis of its parts."""
        need_dtype(self.name, x, FLOATS)
        axis = resolve_axis(self.axis, x)
        if not complex:
            return axis
        at_least_rank(self.name, x, 2, "with a last axis of 2, the real and the imaginary part")
        if x.shape[-1] != 2:
            help = "`rfft` takes real numbers; `stack(x, zeros(x.shape), axis = -1)` makes them complex"
            raise Refusal("E0303", f"`{self.name}` needs a last axis of 2, not {x}", help=help)
        if axis == x.rank - 1:
            help = f"the last axis has the real and the imaginary part: `axis = {x.rank - 2}` is the one before"
            raise Refusal("E0308", f"`{self.name}` cannot go along the last axis of {x}", help=help)
        return axis


class Fft(_Transform):
    """The discrete Fourier transform of complex numbers along ``axis``; ``inverse`` divides by the size.

    ``y[k] = sum of x[n] * exp(-2 pi i k n / size)``; the last axis has the real and the imaginary part. Counted as a
    radix-2 transform: 2 n ceil(log2 n) multiplications and 3 n ceil(log2 n) additions; not known for a symbolic size.
    """

    name = "fft"
    elsewhere = ("DFT", "ifft")
    examples = (
        "fft[axis=1] : f32[2,8,2] -> f32[2,8,2]",
        "fft[axis=1, inverse=true] : f32[N,6,3,2] -> f32[N,6,3,2]",
        "fft[axis=t] : f32[N,T,2] -> f32[N,T,2]",
    )

    inverse: bool = arg(Boolean(), False, doc="the inverse transform")

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        self.along(ins[0])
        return (ins[0],)

    def work(self, ins: Types, outs: Types) -> Work | None:
        (x,) = ins
        axis = self.along(x)
        size, rows = x.shape[axis], dims.product(s for i, s in enumerate(x.shape[:-1]) if i != axis)
        return _transforms(size, rows)

    def window(self, ins: Types, outs: Types) -> Window:
        axis, last = self.along(ins[0]), ins[0].rank - 1
        return tuple(None if i in (axis, last) else AxisWindow(i) for i in range(ins[0].rank))

    def moments(self, entering: Sequence[Moments], ins: Types, outs: Types) -> Moments:
        return _scaled(entering[0], ins[0].shape[self.along(ins[0])], -1 if self.inverse else 0, 1)


class Rfft(_Transform):
    """The discrete Fourier transform of real numbers along ``axis``: the ``size // 2 + 1`` frequencies that are not the
    mirror image of others, with a new last axis of 2 (real, imaginary).

    Counted as half of a complex transform: n ceil(log2 n) multiplications and 1.5 n ceil(log2 n) additions.
    """

    name = "rfft"
    examples = (
        "rfft[axis=1] : f32[2,8] -> f32[2,5,2]",
        "rfft[axis=-1] : f32[N,3,7] -> f32[N,3,4,2]",
        "rfft[axis=t] : f32[N,T,4] -> f32[N,T // 2 + 1,4,2]",
    )

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        (x,) = ins
        axis = self.along(x, complex=False)
        return (x.with_shape([*x.shape[:axis], dims.floordiv(x.shape[axis], 2) + 1, *x.shape[axis + 1 :], 2]),)

    def work(self, ins: Types, outs: Types) -> Work | None:
        (x,) = ins
        axis = self.along(x, complex=False)
        return _transforms(x.shape[axis], dims.product(s for i, s in enumerate(x.shape) if i != axis), real=True)

    def window(self, ins: Types, outs: Types) -> Window:
        axis = self.along(ins[0], complex=False)
        return (*(None if i == axis else AxisWindow(i) for i in range(ins[0].rank)), None)

    def moments(self, entering: Sequence[Moments], ins: Types, outs: Types) -> Moments:
        return _scaled(entering[0], ins[0].shape[self.along(ins[0], complex=False)], 0, 0.5)


class Irfft(_Transform):
    """The inverse of ``rfft``: from ``size // 2 + 1`` complex frequencies to ``size`` real numbers.

    ``size`` says which of the two sizes with as many frequencies it is; by default the even one. Counted as ``rfft``.
    """

    name = "irfft"
    examples = (
        "irfft[axis=1] : f32[2,5,2] -> f32[2,8]",
        "irfft[axis=1, size=7] : f32[N,4,3,2] -> f32[N,7,3]",
        "irfft[axis=t] : f32[N,T,2] -> f32[N,2 * T - 2]",
    )

    size: Dim | None = arg(Optional(Dimension(1)), None, doc="how many real numbers; the even one if none")

    def count(self, x: TensorType) -> Dim:
        """The size along the axis of the result."""
        frequencies = x.shape[self.along(x)]
        if self.size is not None:
            need_equal("the frequencies of `irfft`", dims.floordiv(self.size, 2) + 1, frequencies, (x,))
            return self.size
        if frequencies == 1:
            raise Refusal("E0205", f"`irfft` of {x} would have no positions", help="give the size: `size = 1`")
        return frequencies * 2 - 2

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        (x,) = ins
        axis = self.along(x)
        return (x.with_shape([*x.shape[:axis], self.count(x), *x.shape[axis + 1 : -1]]),)

    def work(self, ins: Types, outs: Types) -> Work | None:
        (x,) = ins
        axis = self.along(x)
        rows = dims.product(s for i, s in enumerate(x.shape[:-1]) if i != axis)
        return _transforms(self.count(x), rows, real=True)

    def window(self, ins: Types, outs: Types) -> Window:
        axis = self.along(ins[0])
        return tuple(None if i == axis else AxisWindow(i) for i in range(ins[0].rank - 1))

    def moments(self, entering: Sequence[Moments], ins: Types, outs: Types) -> Moments:
        return _scaled(entering[0], self.count(ins[0]), -1, 2)


def _scaled(entering: Moments, size: Dim, mean: int, variance: float) -> Moments:
    """Of a sum of ``size`` numbers with factors on the unit circle: mean and variance times powers of the size."""
    if not isinstance(size, int):
        return entering
    return entering[0] * float(size) ** mean, entering[1] * variance * float(size) ** (1 if mean == 0 else -1)
