"""The same operators as functions of PyTorch: element types, several results, and what each output position sees."""

from __future__ import annotations

import itertools
import random
from fractions import Fraction
from math import ceil, floor
from typing import Any

import pytest
from op_examples import Example, examples_of

from archdsl import ops
from archdsl.diagnostics import Refusal
from archdsl.shapes import TensorType

pytestmark = pytest.mark.reference

FAMILIES = (
    "activation", "elementary", "arithmetic", "logic", "reduce", "shape", "join", "index", "pad", "resample",
    "constant",
)  # fmt: skip
NAMES = [name for family in FAMILIES for name in ops.FAMILIES[family]]
EXAMPLES = [
    example.bound({name: 5 + i for i, name in enumerate(example.symbols)})
    for name in NAMES
    for example in examples_of(name)
]


@pytest.fixture(scope="module")
def reference() -> Any:
    """PyTorch's functions; imported late, because it takes more than a second."""
    import torch_reference

    return torch_reference


def test_every_operator_has_a_reference(reference: Any) -> None:
    assert set(NAMES) == set(reference.REFERENCE)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: e.text)
def test_example_is_pytorchs(example: Example, reference: Any) -> None:
    found = reference.REFERENCE[example.op.name](example.op, *reference.inputs(example))
    found = list(found) if isinstance(found, tuple | list) else [found]
    expected = [(t.shape, reference.DTYPES[t.dtype]) for t in example.output_types]
    assert [(tuple(x.shape), x.dtype) for x in found] == expected


@pytest.mark.parametrize("example", [e for e in EXAMPLES if e.input_types], ids=lambda e: e.text)
def test_windows_hold_what_gradients_see(example: Example, reference: Any) -> None:
    check_windows(reference, example.op, example.input_types, reference.inputs(example), random.Random(example.text))


def check_windows(reference: Any, op: Any, types: Any, xs: list[Any], draw: random.Random) -> None:
    """Sampled outputs have a gradient only where every axis of the window says they may."""
    x = xs[0].double().requires_grad_() if xs[0].is_floating_point() else xs[0]
    rest = [y.double() if y.is_floating_point() else y for y in xs[1:]]
    out = reference.REFERENCE[op.name](op, x, *rest)
    out = out[0] if isinstance(out, tuple | list) else out
    if not out.requires_grad or x.ndim == 0:
        return
    window = op.window(types, op.shape(*types))
    positions = list(itertools.product(*map(range, out.shape)))
    new = out.ndim - x.ndim if op.name in BROADCASTING else 0
    for position in draw.sample(positions, min(24, len(positions))):
        if not reference.torch.isfinite(out[position]):
            continue
        (gradient,) = reference.torch.autograd.grad(out[position], x, retain_graph=True)
        for axis, y in zip(window, position):
            if axis is None:
                continue
            source = axis.axis - new
            if source < 0 or x.shape[source] == 1:
                continue
            centre, half = axis.stride * y + axis.shift, Fraction(axis.extent) / 2
            low, high = max(ceil(centre - half), 0), min(floor(centre + half), x.shape[source] - 1)
            if low > high and op.name == "pad" and op.mode != "constant":
                continue  # beyond the border, where padding that mirrors the inside is not followed
            seen = {index[source] for index in gradient.nonzero().tolist()}
            assert seen <= set(range(low, high + 1)), (op, position, seen, low, high)


BROADCASTING = frozenset({*ops.FAMILIES["arithmetic"], "where"})
"""Axes of their windows count from the right where an input has fewer axes than the result."""


def test_interpolation_windows(reference: Any) -> None:
    """Every mode up and down: the taps with a weight lie inside of the claimed span, and reach its ends somewhere."""
    draw = random.Random(4)
    for _ in range(150):
        mode = draw.choice(["nearest", "linear"])
        corners = mode == "linear" and draw.random() < 0.5
        n, m = draw.randint(2, 14), draw.randint(1, 30)
        op = ops.load("resize").create(size=m, mode=mode, align_corners=corners)
        x = TensorType("f32", (1, 1, n))
        check_windows(reference, op, (x,), [reference.torch.rand(1, 1, n)], draw)
        (axis,) = op.window((x,), op.shape(x))[2:]
        assert axis is not None and axis.extent < 2
    for _ in range(40):
        n, m = draw.randint(2, 8), draw.randint(1, 16)
        op = ops.load("resize").create(size=(m, n), mode="bicubic", align_corners=draw.random() < 0.5)
        check_windows(reference, op, (TensorType("f32", (1, 1, n, n)),), [reference.torch.rand(1, 1, n, n)], draw)


def test_sizes_of_scaled_resizing(reference: Any) -> None:
    for n in range(1, 40):
        for scale in (0.25, 0.5, 0.75, 1.5, 2, 2.5, 3):
            op = ops.load("resize").create(scale=scale)
            try:
                expected = reference.F.interpolate(reference.torch.empty(1, 1, n), scale_factor=scale).shape[2]
            except RuntimeError:
                with pytest.raises(Refusal):
                    op.shape(TensorType("f32", (1, 1, n)))
                continue
            assert op.shape(TensorType("f32", (1, 1, n)))[0].shape[2] == expected
