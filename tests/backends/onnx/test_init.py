"""Initial values: a pinned stream, the promised moments, no dependence on threads or stretches."""

from __future__ import annotations

import hashlib
from math import sqrt
from statistics import NormalDist

import numpy as np
import pytest

from archdsl.backends.onnx import init
from archdsl.backends.onnx.init import SCHEMES, initial_values
from archdsl.diagnostics import Refusal
from archdsl.graph import Parameter
from archdsl.ops.base import Initializer
from archdsl.shapes import TensorType

FAN_IN, FAN_OUT = 3 * 9, 64 * 9
VARIANCE = {"kaiming": 2 / FAN_IN, "xavier": 2 / (FAN_IN + FAN_OUT), "lecun": 1 / FAN_IN, "zeros": 0.0}


def parameter(
    *shape: int, path: str = "conv.weight", scheme: str = "fan", values: tuple[float, ...] = (), dtype: str = "f32"
) -> Parameter:
    start = Initializer(scheme, values, fan_in=FAN_IN, fan_out=FAN_OUT)
    return Parameter(path, TensorType(dtype, shape), start)


@pytest.mark.parametrize(
    ("scheme", "seed", "digest"),
    [
        ("kaiming", 0, "d9b7be3e8f83bb45"),
        ("kaiming", 1, "451ab82b2d6936ca"),
        ("kaiming_normal", 0, "254a8443b83907e6"),
        ("xavier", 0, "5eac48517920d820"),
    ],
)
def test_the_stream_is_pinned(scheme: str, seed: int, digest: str) -> None:
    """These never change: files of the same spec, seed and scheme are the same for ever."""
    data = initial_values(parameter(64, 3, 7, 7), scheme, seed).astype("<f4").tobytes()
    assert hashlib.sha256(data).hexdigest()[:16] == digest


def test_the_first_numbers_by_hand() -> None:
    """The definition, written out with Python integers: key, counter, ten Philox rounds, the transform."""
    digest = hashlib.sha256(b"archdsl init 1\0" + b"5\0" + b"conv.weight").digest()
    words = philox(int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:16], "little"), counter=1)
    halves = [half for word in words for half in (word & 0xFFFFFFFF, word >> 32)]
    signed = [half - (1 << 32) if half >> 31 else half for half in halves]
    scale = np.float32(sqrt(2 / FAN_IN) * sqrt(3) / 2**31)
    found = initial_values(parameter(8), "kaiming", 5)
    assert found.tolist() == [float(np.float32(value) * scale) for value in signed]


def philox(key0: int, key1: int, counter: int) -> list[int]:
    """Philox-4x64-10 as in the paper (Salmon et al. 2011)."""
    mask = (1 << 64) - 1
    c = [counter, 0, 0, 0]
    for _ in range(10):
        a, b = c[0] * 0xD2E7470EE14C6C93, c[2] * 0xCA5A826395121157
        c = [(b >> 64) ^ c[1] ^ key0, b & mask, (a >> 64) ^ c[3] ^ key1, a & mask]
        key0, key1 = (key0 + 0x9E3779B97F4A7C15) & mask, (key1 + 0xBB67AE8584CAA73B) & mask
    return c


@pytest.mark.parametrize("scheme", SCHEMES)
def test_moments(scheme: str) -> None:
    """Mean, variance and fourth moment over 2**21 values, within five standard errors."""
    x = initial_values(parameter(1 << 21), scheme, 3).astype(np.float64)
    variance = VARIANCE[scheme.removesuffix("_normal")]
    kurtosis = 3.0 if scheme.endswith("_normal") else 1.8
    assert abs(x.mean()) <= 5 * sqrt(variance / x.size)
    assert abs((x**2).mean() - variance) <= 5 * variance * sqrt((kurtosis - 1) / x.size)
    if scheme == "zeros":
        return
    assert abs((x**4).mean() / variance**2 - kurtosis) < 0.02
    neighbours = (x[:-1] * x[1:]).mean() / variance
    assert abs(neighbours) <= 5 / sqrt(x.size)
    if not scheme.endswith("_normal"):
        assert np.abs(x).max() <= np.float32(sqrt(3 * variance))
        counts = np.bincount(((x / sqrt(3 * variance) + 1) * 127.999).astype(int), minlength=256)
        assert ((counts - x.size / 256) ** 2 / (x.size / 256)).sum() < 400  # chi-square, 255 degrees of freedom


def test_activations_keep_their_variance() -> None:
    """Twenty ReLU layers of the default scheme neither explode nor vanish."""
    draw = np.random.default_rng(0)
    x = draw.normal(size=(512, 256))
    for layer in range(20):
        start = Initializer("fan", fan_in=256, fan_out=256)
        weight = initial_values(Parameter(f"{layer}.weight", TensorType("f32", (256, 256)), start))
        x = np.maximum(x @ weight.T, 0)
    assert 0.2 < (x**2).mean() < 5


def test_quantiles_are_those_of_the_normal_distribution() -> None:
    p = np.concatenate([np.geomspace(2.0**-33, 0.5, 300), 1 - np.geomspace(2.0**-33, 0.5, 300)])
    expected = [NormalDist().inv_cdf(value) for value in p]
    np.testing.assert_allclose(init.normal_quantile(p), expected, rtol=3e-7, atol=1e-7)


@pytest.mark.parametrize("scheme", ["kaiming", "kaiming_normal"])
def test_stretches_do_not_show(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = initial_values(parameter(1000, 301), scheme, 7)
    monkeypatch.setattr(init, "STRETCH", 1 << 10)
    assert (initial_values(parameter(1000, 301), scheme, 7) == whole).all()


def test_paths_and_seeds_are_independent() -> None:
    first = initial_values(parameter(4096), seed=0)
    for other in (initial_values(parameter(4096), seed=1), initial_values(parameter(4096, path="conv_2.weight"))):
        assert abs(np.corrcoef(first, other)[0, 1]) < 0.08


def test_fixed_schemes() -> None:
    assert initial_values(parameter(3, scheme="ones")).tolist() == [1, 1, 1]
    assert initial_values(parameter(2, scheme="constant", values=(0.25,))).tolist() == [0.25, 0.25]
    data = initial_values(parameter(2, 2, scheme="data", values=(1.0, 2.0, 3.0, 4.5)))
    assert data.tolist() == [[1, 2], [3, 4.5]]
    wide = initial_values(parameter(1 << 16, scheme="uniform", values=(2.0, 4.0)))
    assert 2 <= wide.min() < 2.01 and 3.99 < wide.max() <= 4 and abs(wide.mean() - 3) < 0.02
    bell = initial_values(parameter(1 << 16, scheme="normal", values=(5.0, 0.5)))
    assert abs(bell.mean() - 5) < 0.01 and abs(bell.std() - 0.5) < 0.01


def test_element_types() -> None:
    reference = initial_values(parameter(4096))
    assert (initial_values(parameter(4096, dtype="f16")) == reference.astype(np.float16)).all()
    assert (initial_values(parameter(4096, dtype="f64")) == reference).all()
    bits = initial_values(parameter(4096, dtype="bf16"))
    assert bits.dtype == np.uint16
    back = (bits.astype(np.uint32) << 16).view(np.float32)
    assert (np.abs(back - reference) <= np.abs(reference) * 2.0**-8).all()


def test_a_scheme_that_does_not_exist() -> None:
    with pytest.raises(Refusal) as caught:
        init.check_scheme("kaimin")
    assert caught.value.code == "E0603" and "kaiming" in caught.value.help
