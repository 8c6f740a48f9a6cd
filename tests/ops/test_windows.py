"""What an output position sees, found by changing inputs one at a time, against every operator's ``window``."""

from __future__ import annotations

import random
from fractions import Fraction
from math import ceil, floor
from typing import Any

import numpy as np
import pytest
from op_examples import Example, all_examples

from archdsl import ops
from archdsl.diagnostics import Refusal
from archdsl.ops.counted import Counted
from archdsl.shapes import TensorType

pytestmark = pytest.mark.reference

EXAMPLES = [
    example.bound({name: 12 + i for i, name in enumerate(example.symbols)})
    for example in all_examples()
    if example.input_types
    and example.input_types[0].rank
    and example.op.name not in ("max_unpool", "is_nan")
    and not isinstance(example.op, Counted)
]  # (what unpooling sees depends on the positions it is given, what is found in the data has no positions, and no
# input is NaN)
ALIGNED_RIGHT = frozenset({*ops.FAMILIES["arithmetic"], *ops.FAMILIES["logic"]})
"""Axes of their windows are those of the result; inputs with fewer axes lack the first ones."""
TRIES = 20


@pytest.fixture(scope="module")
def compute() -> Any:
    """PyTorch's functions; imported late, because it takes more than a second."""
    from drawn import compute

    return compute


def small(example: Example) -> Example | None:
    """Examples of a real network's size say nothing more and take long."""
    sizes = [type.elements for type in (*example.input_types, *example.output_types)]
    return example if all(not isinstance(size, int) or size <= 60_000 for size in sizes) else None


def values(type: TensorType, domain: tuple[float, float], draw: np.random.Generator) -> np.ndarray:
    if type.dtype in ("f32", "f16"):
        return draw.uniform(*domain, type.shape).astype({"f32": np.float32, "f16": np.float16}[type.dtype])
    kinds = {"i64": np.int64, "i32": np.int32, "i8": np.int8, "u8": np.uint8, "bool": np.bool_}
    return np.asarray(draw.integers(0, 2, type.shape)).astype(kinds[type.dtype])


def changed(value: Any, domain: tuple[float, float]) -> Any:
    """Another value of the same kind, far from this one."""
    if isinstance(value, np.bool_ | np.integer):
        return type(value)(1 - value)
    middle = sum(domain) / 2
    return type(value)(domain[1] if value < middle else domain[0])


def check(op: Any, types: Any, compute: Any, draw: np.random.Generator) -> int:
    """Every output that an input element changes says by its window that it may; the number of changes seen."""
    domain = getattr(type(op), "domain", (-2.0, 2.0))
    inputs = [values(t, domain, draw) for t in types]
    if op.name in ("equal", "not_equal"):
        inputs = [np.round(x) for x in inputs]  # so that some are equal
    if "lengths" in op.operands:  # 0 and 1 would hide most steps
        inputs[1:] = [x + types[0].shape[1] - 1 if x.dtype.kind == "i" else x for x in inputs[1:]]
    params = {w.slot: draw.uniform(0.5, 1.5, w.shape).astype(np.float32) for w in op.weights(*types)}
    before = compute(op, params, inputs)[0]
    window = op.window(types, op.shape(*types))
    new = before.ndim - inputs[0].ndim if op.name in ALIGNED_RIGHT else 0
    seen = 0
    for _ in range(min(TRIES, inputs[0].size)):
        place = tuple(int(draw.integers(n)) for n in inputs[0].shape)
        other = inputs[0].copy()
        other[place] = changed(other[place], domain)
        after = compute(op, params, [other, *inputs[1:]])[0]
        # Not exactly: where a centre is rounded, a tap may have the weight 1e-7.
        moved = np.argwhere(~np.isclose(after, before, rtol=1e-5, atol=1e-5))
        seen += len(moved)
        for axis, y in ((a, y) for position in moved[:50] for a, y in zip(window, position)):
            if (
                axis is None
                or getattr(axis, "whole", False)
                or axis.axis < new
                or inputs[0].shape[axis.axis - new] == 1
            ):
                continue
            centre, half = axis.stride * int(y) + axis.shift, Fraction(axis.extent) / 2
            assert ceil(centre - half) <= place[axis.axis - new] <= floor(centre + half), (op, place, axis, int(y))
    return seen


INSIDE_OUT = ("reflect", "edge")
"""Padding that repeats the inside: windows do not follow it beyond the border."""


@pytest.mark.parametrize("example", [e for e in EXAMPLES if small(e)], ids=lambda e: e.text)
def test_windows_hold_what_is_seen(example: Example, compute: Any) -> None:
    if getattr(example.op, "mode", "") in INSIDE_OUT:
        example = Example(example.op.replace(mode="constant"), example.input_types, example.output_types, example.text)
    assert check(example.op, example.input_types, compute, np.random.default_rng(5)) > 0


def test_interpolation(compute: Any) -> None:
    """Every mode up and down, in sizes that divide and sizes that do not."""
    draw = random.Random(4)
    for _ in range(120):
        mode = draw.choice(["nearest", "linear", "bicubic"])
        rank = 2 if mode == "bicubic" else 1
        size = tuple(draw.randint(2, 24) for _ in range(rank))
        op = ops.load("resize").create(size=size, mode=mode, align_corners=mode != "nearest" and draw.random() < 0.5)
        x = TensorType("f32", (1, 1, *(draw.randint(2, 12) for _ in range(rank))))
        assert all(axis is not None and axis.extent < 4 for axis in op.window((x,), op.shape(x)))
        check(op, (x,), compute, np.random.default_rng(draw.randrange(1000)))


def test_sizes_of_scaled_resizing() -> None:
    import torch

    for n in range(1, 40):
        for scale in (0.25, 0.5, 0.75, 1.5, 2, 2.5, 3):
            op = ops.load("resize").create(scale=scale)
            try:
                expected = torch.nn.functional.interpolate(torch.empty(1, 1, n), scale_factor=scale).shape[2]
            except RuntimeError:
                with pytest.raises(Refusal):
                    op.shape(TensorType("f32", (1, 1, n)))
                continue
            assert op.shape(TensorType("f32", (1, 1, n)))[0].shape[2] == expected
