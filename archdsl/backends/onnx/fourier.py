"""Discrete Fourier transforms -> ``DFT``.

ONNX Runtime computes sizes that are no power of two by Bluestein's method, whose errors in ``f32`` are 1e-4 of the
largest number for some hundreds of positions. In ``f64`` it takes 4 % longer and is as exact as the others.
"""

from __future__ import annotations

from archdsl.backends.onnx.writer import Emit
from archdsl.dims import Dim
from archdsl.element_types import ELEMENT_TYPES


def _width(size: Dim, dtype: str) -> str:
    """The element type in which a transform of this size is computed."""
    return "f32" if dtype != "f64" and isinstance(size, int) and size & (size - 1) == 0 else "f64"


def _transform(emit: Emit, name: str, axis: int, *, inverse: bool = False, onesided: bool = False) -> str:
    """``DFT``, whose axis is an attribute before opset 20, then an input."""
    flags = {**({"inverse": 1} if inverse else {}), **({"onesided": 1} if onesided else {})}
    if emit.opset >= 20:
        return emit.helper("DFT", [name, "", emit.scalar(axis, "i64")], **flags)
    return emit.helper("DFT", [name], axis=axis, **flags)


def _finish(emit: Emit, name: str) -> None:
    emit.result("Cast", [name], to=ELEMENT_TYPES[emit.outs[0].dtype].onnx)


def fft(emit: Emit) -> None:
    """``DFT`` of complex numbers."""
    (x,) = emit.types
    axis = emit.op.along(x)
    entering = emit.cast(emit.ins[0], _width(x.shape[axis], x.dtype))
    _finish(emit, _transform(emit, entering, axis, inverse=emit.op.inverse))


def rfft(emit: Emit) -> None:
    """``DFT`` of real numbers, one-sided."""
    (x,) = emit.types
    axis = emit.op.along(x, complex=False)
    entering = emit.cast(emit.ins[0], _width(x.shape[axis], x.dtype))
    _finish(emit, _transform(emit, emit.helper("Unsqueeze", [entering, emit.ints([-1])]), axis, onesided=True))


def irfft(emit: Emit) -> None:
    """The frequencies and their mirror image, transformed back; the real part."""
    (x,) = emit.types
    axis, size = emit.op.along(x), emit.op.count(x)
    width = _width(size, x.dtype)
    entering = emit.cast(emit.ins[0], width)
    mirrored = size - x.shape[axis]
    if mirrored != 0:
        ends = [emit.vector([mirrored]), emit.ints([0]), emit.ints([axis]), emit.ints([-1])]
        tail = emit.helper("Slice", [entering, *ends])
        tail = emit.helper("Mul", [tail, emit.constant(width, [1, -1], [2])])
        entering = emit.helper("Concat", [entering, tail], axis=axis)
    found = _transform(emit, entering, axis, inverse=True)
    _finish(emit, emit.helper("Gather", [found, emit.scalar(0, "i64")], axis=x.rank - 1))


RULES = {"fft": fft, "rfft": rfft, "irfft": irfft}
