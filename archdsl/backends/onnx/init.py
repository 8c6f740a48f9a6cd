"""Initial values: a documented function of (seed, parameter path), the same on every machine.

NumPy's distributions may change between releases, so only its raw Philox-4x64-10 words are used (Salmon et al.,
"Parallel random numbers: as easy as 1, 2, 3", SC11; fixed by NumPy's compatibility policy), with our own transform:

* key: the first 16 bytes of the SHA-256 of ``archdsl init 1``, the seed in decimal and the path, separated by zero
  bytes, as two little-endian 64-bit words; counter from 0; each word gives two 32-bit integers, the low half first.
* uniform: ``centre + half * (int32 / 2**31)``: one IEEE multiplication of the converted integer by ``half / 2**31`` in
  float32 (and one addition where the centre is not 0).
* normal: Wichura's AS 241 (PPND7) applied to ``(uint32 + 1/2) / 2**32`` in float64, rounded to float32. It needs only
  ``+ - * /``, ``sqrt`` and a logarithm, which is computed from its series: no libm, hence no platform differences.

Any stretch of a parameter can be computed on its own (the counter is set), so neither the number of threads nor the
size of the stretches shows in the result, and memory stays at a few stretches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from archdsl.backends.onnx.writer import fixed
from archdsl.diagnostics import Diagnostic, DiagnosticError, Refusal, did_you_mean
from archdsl.element_types import ELEMENT_TYPES
from archdsl.graph import Parameter
from archdsl.rewrites.fold import Folded
from archdsl.rewrites.merge import Merged, Part
from archdsl.weights.tensor import Loaded

Array = np.ndarray[Any, np.dtype[Any]]

STRETCH = 1 << 17
"""Elements computed at a time: 512 KiB of float32 and as much of random words stay in a core's cache."""

SCHEMES: dict[str, str] = {
    "kaiming": "uniform, variance 2 / fan_in: keeps the variance of activations through ReLU (arXiv:1502.01852)",
    "kaiming_normal": "normal, variance 2 / fan_in",
    "xavier": "uniform, variance 2 / (fan_in + fan_out) (Glorot and Bengio 2010)",
    "xavier_normal": "normal, variance 2 / (fan_in + fan_out)",
    "lecun": "uniform, variance 1 / fan_in (Efficient BackProp, 1998)",
    "lecun_normal": "normal, variance 1 / fan_in",
    "zeros": "all zero",
}
"""What ``--init`` offers for parameters that are scaled by their fans; the others begin as their operator says."""

Stretch = Callable[[int, int], Array]
"""``(start, stop)`` -> those elements in row-major order, as they are stored."""


def check_scheme(scheme: str) -> None:
    """Refuse a scheme that is not in :data:`SCHEMES`."""
    if scheme not in SCHEMES:
        raise Refusal(
            "E0603", f"there is no initialisation scheme `{scheme}`",
            help=did_you_mean(scheme, SCHEMES, f"choose one of {', '.join(SCHEMES)}"),
        )  # fmt: skip


def initial_values(parameter: Parameter, scheme: str = "kaiming", seed: int = 0) -> Array:
    """All values of a parameter in its shape (bfloat16 as ``uint16`` bits)."""
    count = elements(parameter)
    stretch = stretches(parameter, scheme, seed)
    found = np.empty(count, ELEMENT_TYPES[parameter.type.dtype].stored)
    for start in range(0, count, STRETCH):
        stop = min(start + STRETCH, count)
        found[start:stop] = stretch(start, stop)
    return found.reshape(fixed(parameter.type.shape))


def elements(parameter: Parameter) -> int:
    """The number of elements; parameters have static shapes."""
    count = parameter.type.elements
    assert isinstance(count, int)
    return count


def stretches(parameter: Parameter, scheme: str, seed: int) -> Stretch:
    """The values of a parameter as a function of a range of elements, as stored; refuses (E0602) those which the
    element type cannot hold.
    """
    dtype = parameter.type.dtype
    stored = np.dtype(ELEMENT_TYPES[dtype].stored)

    def stretch(start: int, stop: int) -> Array:
        with _held(parameter):
            values = exact(start, stop)
            return _bfloat16(values) if dtype == "bf16" else values.astype(stored, copy=False)

    with _held(parameter):
        exact = _exact(parameter, scheme, seed)
    return stretch


@contextmanager
def _held(parameter: Parameter) -> Iterator[None]:
    """Refuse computed values that are infinite or NaN; such values from a file of weights are kept."""
    try:
        with np.errstate(over="raise", divide="raise", invalid="raise"):
            yield
    except FloatingPointError:
        message = f"the values of `{parameter.path}` are not finite numbers of its element type, {parameter.type.dtype}"
        raise DiagnosticError([Diagnostic("E0602", message)]) from None


def _exact(parameter: Parameter, scheme: str, seed: int) -> Stretch:
    """The values before they are converted to the element type."""
    init = parameter.init
    if isinstance(init, Folded):
        return _folded(init, scheme, seed)
    if isinstance(init, Merged):
        return _merged(init, scheme, seed)
    if isinstance(init, Loaded):
        assert init.tensor is not None
        return init.tensor.values
    kind, centre, spread = init.distribution(scheme)
    if kind == "data":
        wide = parameter.type.dtype != "f32" and ELEMENT_TYPES[parameter.type.dtype].bytes >= 4
        data = np.array(init.values, None if wide else "<f4")
        return lambda start, stop: data[start:stop]
    if kind == "fill":
        return lambda start, stop: np.full(
            stop - start, centre, "<f8" if parameter.type.dtype in ("f64", "i32") else "<f4"
        )
    if kind == "uniform":
        return lambda start, stop: _uniform(parameter.path, seed, start, stop, centre, spread)
    return lambda start, stop: _normal(parameter.path, seed, start, stop, centre, spread)


def words(path: str, seed: int, start: int, stop: int) -> Array:
    """The 32-bit random integers ``start`` to ``stop`` of a parameter (``start`` a multiple of 8)."""
    from hashlib import sha256

    from numpy.random import Philox

    digest = sha256(f"archdsl init 1\0{seed}\0{path}".encode()).digest()
    generator = Philox(key=np.frombuffer(digest, "<u8", 2).astype(np.uint64), counter=start // 8)
    raw: Array = np.asarray(generator.random_raw((stop - start + 1) // 2), "<u8")
    return raw.view("<u4")[: stop - start]


def _uniform(path: str, seed: int, start: int, stop: int, centre: float, half: float) -> Array:
    found = words(path, seed, start, stop).view("<i4").astype("<f4")
    found *= np.float32(half / 2**31)
    if centre:
        found += np.float32(centre)
    return found


def _normal(path: str, seed: int, start: int, stop: int, mean: float, deviation: float) -> Array:
    uniform = (words(path, seed, start, stop).astype("<f8") + 0.5) * 2.0**-32
    found: Array = (normal_quantile(uniform) * deviation + mean).astype("<f4")
    return found


def normal_quantile(p: Array) -> Array:
    """The standard normal quantile of each ``0 < p < 1``: algorithm AS 241, PPND7 (relative error about 1e-7)."""
    q = p - 0.5
    r = 0.180625 - q * q
    found = q * _polynomial(r, 3.3871327179, 50.434271938, 159.29113202, 59.109374720)
    found /= _polynomial(r, 1.0, 17.895169469, 78.757757664, 67.187563600)
    tail = np.flatnonzero(np.abs(q) > 0.425)
    side = q[tail]
    r = np.sqrt(-_log(np.minimum(p[tail], 1.0 - p[tail])))
    near = r - 1.6
    far = r - 5.0
    value = np.where(
        r <= 5.0,
        _polynomial(near, 1.4234372777, 2.7568153900, 1.3067284816, 0.17023821103)
        / _polynomial(near, 1.0, 0.73700164250, 0.12021132975),
        _polynomial(far, 6.6579051150, 3.0812263860, 0.42868294337, 0.017337203997)
        / _polynomial(far, 1.0, 0.24197894225, 0.012258202635),
    )
    found[tail] = np.where(side < 0, -value, value)
    return found


def _polynomial(x: Array, *coefficients: float) -> Array:
    total = np.full_like(x, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        total *= x
        total += coefficient
    return total


def _log(x: Array) -> Array:
    """The natural logarithm to about 1e-11, from ``ln m = 2 artanh((m - 1) / (m + 1))`` on ``1/2 <= m < 1``."""
    mantissa, exponent = np.frexp(x)
    z = (mantissa * 1.5 - 1.0) / (mantissa * 1.5 + 1.0)
    series = _polynomial(z * z, *(1 / n for n in range(1, 21, 2)))
    return 2.0 * z * series + exponent * 0.6931471805599453 - 0.4054651081081644


def _bfloat16(values: Array) -> Array:
    """Rounded to the nearest bfloat16, ties to even, as bits."""
    bits = np.ascontiguousarray(values, "<f4").view("<u4")
    found: Array = ((bits + (0x7FFF + ((bits >> 16) & 1))) >> 16).astype("<u2")
    return found


def _folded(init: Folded, scheme: str, seed: int) -> Stretch:
    """``weight * g`` and ``(bias - mean) * g + beta``, where ``g = gamma / sqrt(variance + eps)`` per channel."""

    def values(parameter: Parameter | None, default: float) -> Array:
        if parameter is None:
            return np.full(init.channels, default)
        stretch = _exact(parameter, scheme, seed)
        return np.asarray(stretch(0, elements(parameter)), "<f8")

    gain = values(init.gamma, 1.0) / np.sqrt(values(init.variance, 1.0) + init.eps)
    layout = init.layout
    if layout is None:
        bias = (values(init.source, 0.0) - values(init.mean, 0.0)) * gain + values(init.beta, 0.0)
        return lambda start, stop: bias[start:stop]
    assert init.source is not None
    source = _exact(init.source, scheme, seed)
    block = layout.block
    gains = np.broadcast_to(
        gain.reshape(layout.groups, 1, -1), (layout.groups, layout.rows, gain.size // layout.groups)
    ).ravel()

    def weight(start: int, stop: int) -> Array:
        first = start // block
        spread = np.repeat(gains[first : -(-stop // block)], block)[start - first * block :][: stop - start]
        return np.asarray(source(start, stop) * spread, "<f8")

    return weight


def _merged(init: Merged, scheme: str, seed: int) -> Stretch:
    """The sum of the branches' kernels, each laid where its taps are; or the sum of their biases."""

    def all_of(parameter: Parameter) -> Array:
        return np.asarray(_exact(parameter, scheme, seed)(0, elements(parameter)), "<f8")

    def norm(part: Part) -> tuple[Array, Array]:
        """What a branch multiplies its channels with besides, and what it adds."""
        bias = all_of(part.bias) if part.bias is not None else np.zeros(init.shape[0])
        if part.norm is None:
            return np.full(init.shape[0], part.share), part.share * bias
        gamma, beta, mean, variance, eps = part.norm
        gain = (part.share if gamma is None else part.share * all_of(gamma)) / np.sqrt(all_of(variance) + eps)
        return gain, (0.0 if beta is None else part.share * all_of(beta)) - all_of(mean) * gain

    found = np.zeros(init.shape)
    for part in init.parts:
        gain, bias = norm(part)
        if init.is_bias:
            found += bias
            continue
        place = tuple(slice(a, a + s * k, s) for a, s, k in zip(part.first, part.step, part.taps))
        if part.weight is not None:
            kernel = all_of(part.weight).reshape(*init.shape[:2], *part.taps)
            found[(slice(None), slice(None), *place)] += part.share * kernel
        else:
            out = np.arange(init.shape[0])
            itself: Any = (out, out % init.shape[1], *place)
            found[itself] += gain.reshape(-1, *[1] * len(part.taps))
    flat = found.ravel()
    return lambda start, stop: flat[start:stop]
