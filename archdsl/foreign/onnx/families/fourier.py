"""Fourier transforms, of whole tensors and of windows that go along a signal."""

from __future__ import annotations

from archdsl.diagnostics import Refusal
from archdsl.dims import Dim
from archdsl.foreign.known import Known
from archdsl.foreign.onnx.call import Call, Result, rule
from archdsl.graph import Value


@rule("DFT")
def dft(call: Call) -> Result:
    """Of real numbers half of the frequencies, of complex ones all."""
    x, onesided, inverse = call.value(0), bool(call.attr("onesided", 0)), bool(call.attr("inverse", 0))
    rank = x.type.rank
    given = call.integers("", 2) if call.version >= 20 else [call.attr("axis", 1)]
    axis = call.axes(given or [-2], rank)[0]
    if onesided and inverse:
        return call.not_supported("real numbers from half of the frequencies")
    length = call.integers("", 1)
    if length and length[0] != x.type.shape[axis]:
        x = _as_long(call, x, axis, length[0])
    if x.type.shape[-1] == 1:
        if onesided:
            return call.apply("rfft", call.apply("squeeze", x, axis=rank - 1), axis=axis)
        x = call.apply("pad_axes", x, amount=[0, 1], axis=[rank - 1])
    elif onesided:
        return call.not_supported("half of the frequencies of complex numbers")
    return call.apply("fft", x, axis=axis, inverse=inverse)


def _as_long(call: Call, x: Value, axis: int, length: int) -> Value:
    """The first ``length`` positions, with zeros behind them where there are fewer."""
    size = call.integer(x.type.shape[axis], "the transformed axis")
    if length < size:
        return call.apply("slice", x, axis=axis, start=0, stop=length)
    return call.apply("pad_axes", x, amount=[0, length - size], axis=[axis])


@rule("STFT")
def stft(call: Call) -> Result:
    """Of a real signal of known length: its windows as rows, then a transform of each."""
    import numpy as np

    x, step = call.value(0), (call.integers("", 1) or [0])[0]
    if x.type.rank == 3:
        if x.type.shape[2] != 1:
            return call.not_supported("complex signals")
        x = call.apply("squeeze", x, axis=2)
    size, given = x.type.shape[1], call.integers("", 3)
    wide: Dim = given[0] if given else call.type(2).shape[0]
    if not isinstance(size, int) or not isinstance(wide, int):
        return call.not_supported("signals of free length")
    if not 0 < wide <= size or step < 1:
        raise Refusal("E1001", f"`STFT` has windows of {wide} at every {step} of {size}")
    call.no_weights()
    places = np.arange(0, size - wide + 1, step)[:, None] + np.arange(wide)
    rows = call.apply("take", x, call.as_value(Known("i64", places.shape, array=places), "places"), axis=1)
    if call.given(2) is not None:
        rows = call.apply("mul", rows, call.value(2))
    if call.attr("onesided", 1):
        return call.apply("rfft", rows, axis=2)
    whole = call.apply("pad_axes", call.apply("unsqueeze", rows, axis=3), amount=[0, 1], axis=[3])
    return call.apply("fft", whole, axis=2)
