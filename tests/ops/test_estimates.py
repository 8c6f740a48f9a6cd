"""Ranges and functions of the cards against ONNX Runtime, on the cards' own examples."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from onnx_case import BINDING, generator, graph_of, inputs_of, model_of, randomise, run
from op_examples import Example, all_examples

from archdsl import ops
from archdsl.backends.onnx import backend
from archdsl.ops.estimates import greatest, least, quantile, through
from archdsl.ops.pointwise import Pointwise

EXAMPLES = [example.bound({name: BINDING[name] for name in example.symbols}) for example in all_examples()]
EXAMPLES = [example for example in EXAMPLES if backend.lowers(type(example.op))]
WIDE = [e for e in EXAMPLES if not any(t.dtype in ("f16", "bf16") for t in (*e.input_types, *e.output_types))]


def computed(example: Example, signs: str) -> tuple[dict[str, np.ndarray], list[np.ndarray]]:
    """Inputs of one sign or both, and what ONNX Runtime makes of them with weights that matter."""
    model = model_of(graph_of(example))
    draw = generator(example.text, signs)
    randomise(model, draw)
    inputs = inputs_of(example, draw)
    for name, kind in zip(inputs, example.input_types):
        if signs != "both" and kind.dtype[0] == "f":
            inputs[name] = np.asarray(np.abs(inputs[name]) * (1 if signs == "positive" else -1), inputs[name].dtype)
    return inputs, run(model, inputs)


@pytest.mark.parametrize("signs", ["both", "positive", "negative"])
@pytest.mark.parametrize("example", WIDE, ids=lambda example: example.text)
def test_results_lie_in_the_range(example: Example, signs: str) -> None:
    inputs, results = computed(example, signs)
    entering = [(float(x.min()), float(x.max())) for x in inputs.values()]
    low, high = example.op.range(entering)
    assert low <= high
    for result in results:
        numbers = result.astype("f8")
        numbers = numbers[~np.isnan(numbers)]
        slack = 1e-5 * max(1.0, float(np.abs(numbers[np.isfinite(numbers)]).max(initial=0)))
        assert low - slack <= numbers.min(initial=low) and numbers.max(initial=high) <= high + slack


NO_SIGN = ("resize", "constant", "param")
"""Cubic interpolation overshoots, here only sometimes; sources are what the spec says."""


@pytest.mark.parametrize("name", [name for name in ops.names() if name not in NO_SIGN])
def test_a_sign_that_always_comes_out_is_known(name: str) -> None:
    """A card that says nothing of its range knows less than what is seen when it runs."""
    examples = [example for example in WIDE if example.op.name == name]
    results = [(e, *computed(e, "positive")) for e in examples]
    if all(float(y.min(initial=0)) >= 0 for _, _, ys in results for y in ys):
        for example, inputs, _ in results:
            low, _ = example.op.range([(float(x.min()), float(x.max())) for x in inputs.values()])
            assert low >= 0, f"`{name}` gives no negative values here: say `limits`, `rises` or `range` on its card"


@pytest.mark.parametrize(
    "example",
    [e for e in WIDE if isinstance(e.op, Pointwise) and not e.op.weights(*e.input_types)],
    ids=lambda example: example.text,
)
def test_functions_are_what_runs(example: Example) -> None:
    inputs, (result,) = computed(example, "both")
    (x,) = inputs.values()
    expected = np.vectorize(example.op.function, otypes=["f8"])(x.astype("f8"))
    np.testing.assert_allclose(result.astype("f8"), expected, rtol=1e-5, atol=1e-5)


def test_ranges_without_bounds_are_no_numbers_out_of_nothing() -> None:
    """An operator of which nothing enters that is known gives an interval, whatever it does at infinity."""
    for example in EXAMPLES:
        low, high = example.op.range([(-np.inf, np.inf)] * len(example.input_types))
        assert low <= high and not np.isnan([low, high]).any(), example.text


def test_quantiles_and_extremes_of_gaussians() -> None:
    for p, z in (
        (0.5, 0.0),
        (0.8413447460685429, 1.0),
        (0.975, 1.959963984540054),
    ):  # tables of the normal distribution
        assert quantile(p) == pytest.approx(z, abs=1e-9)
    draws = np.random.default_rng(0).normal(3, 2, (200_000, 9)).max(1)
    mean, variance = greatest((3.0, 4.0), 9)
    assert mean == pytest.approx(draws.mean(), rel=0.01) and variance == pytest.approx(draws.var(), rel=0.1)
    assert least((-3.0, 4.0), 9) == (-mean, variance)


def test_moments_through_a_function() -> None:
    """Of |z|: sqrt(2 / pi) and 1 - 2 / pi. A function that is not defined everywhere leaves them as they are."""
    mean, variance = through(abs, (0.0, 1.0))
    assert mean == pytest.approx((2 / np.pi) ** 0.5, rel=0.02) and variance == pytest.approx(1 - 2 / np.pi, rel=0.05)
    assert through(sqrt, (0.0, 1.0)) == (0.0, 1.0)
