"""Shape rules of elementwise, reducing, rearranging and joining operators against NumPy, over random configurations."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from op_examples import parse_example

from archdsl import dims, ops
from archdsl.diagnostics import Refusal
from archdsl.ops.look import pass_through
from archdsl.shapes import TensorType

Case = tuple[dict[str, Any], list[tuple[int, ...]], Callable[..., Any]]
"""Arguments, input shapes, and NumPy's function on arrays of these shapes."""

TRIALS = 250
WRONG = (ValueError, IndexError, TypeError)


def sizes(draw: random.Random, low: int = 1, high: int = 4) -> tuple[int, ...]:
    return tuple(draw.randint(1, 5) for _ in range(draw.randint(low, high)))


def an_axis(draw: random.Random, rank: int) -> int:
    """Often inside, sometimes one too far."""
    return draw.randint(-rank - (draw.random() < 0.1), rank - (draw.random() < 0.9))


def some_axes(draw: random.Random, rank: int) -> tuple[int, ...]:
    return tuple(an_axis(draw, rank) for _ in range(draw.randint(1, rank)))


def alike(draw: random.Random, shape: tuple[int, ...], chance: float = 0.15) -> tuple[int, ...]:
    """The same shape, now and then with another size or without its first axis."""
    other = tuple(draw.randint(1, 5) if draw.random() < chance / 2 else size for size in shape)
    return other[1:] if draw.random() < chance / 2 else other


def broadcast(draw: random.Random) -> Case:
    shape = sizes(draw, 0)
    others = [tuple(1 if draw.random() < 0.3 else n for n in alike(draw, shape)) for _ in range(draw.randint(0, 2))]
    return {}, [shape, *others], lambda *xs: np.empty(np.broadcast_shapes(*(x.shape for x in xs)))


def binary(draw: random.Random) -> Case:
    shape = sizes(draw, 0)
    return {}, [shape, tuple(1 if draw.random() < 0.3 else n for n in alike(draw, shape))], np.subtract


def reduction(draw: random.Random) -> Case:
    shape = sizes(draw)
    axis, keep = some_axes(draw, len(shape)), draw.random() < 0.5
    return {"axis": axis, "keep": keep}, [shape], lambda x: np.sum(x, axis=axis, keepdims=keep)


def position(draw: random.Random) -> Case:
    shape = sizes(draw)
    axis, keep = an_axis(draw, len(shape)), draw.random() < 0.5
    return {"axis": axis, "keep": keep}, [shape], lambda x: np.argmax(x, axis=axis, keepdims=keep)


def running(draw: random.Random) -> Case:
    shape = sizes(draw)
    axis = an_axis(draw, len(shape))
    return {"axis": axis}, [shape], lambda x: np.cumsum(x, axis=axis)


def reshape(draw: random.Random) -> Case:
    shape = sizes(draw)
    to = list(shape)
    draw.shuffle(to)
    if len(to) > 1 and draw.random() < 0.5:
        to = [to[0] * to[1], *to[2:]]
    if draw.random() < 0.5:
        to[draw.randrange(len(to))] = -1
    if draw.random() < 0.2:
        to[0] = draw.randint(1, 5)
    return {"to": to}, [shape], lambda x: x.reshape(to)


def flatten(draw: random.Random) -> Case:
    shape = sizes(draw)
    axis = an_axis(draw, len(shape))

    def reference(x: Any) -> Any:
        x.shape[axis]  # an axis that is not there
        start = axis % x.ndim
        return x.reshape(*x.shape[:start], -1)

    return {"axis": axis}, [shape], reference


def squeeze(draw: random.Random) -> Case:
    shape = tuple(1 if draw.random() < 0.6 else n for n in sizes(draw))
    axes = some_axes(draw, len(shape))
    return {"axis": axes}, [shape], lambda x: np.squeeze(x, axes)


def unsqueeze(draw: random.Random) -> Case:
    shape = sizes(draw, 0)
    axes = some_axes(draw, len(shape) + 1)
    return {"axis": axes}, [shape], lambda x: np.expand_dims(x, axes)


def permute(draw: random.Random) -> Case:
    shape = sizes(draw)
    order = draw.sample(range(len(shape)), len(shape))
    if draw.random() < 0.3:
        order[0] = an_axis(draw, len(shape))
    return {"order": order}, [shape], lambda x: np.transpose(x, order)


def transpose(draw: random.Random) -> Case:
    shape = sizes(draw)
    a, b = an_axis(draw, len(shape)), an_axis(draw, len(shape))
    return {"first": a, "second": b}, [shape], lambda x: np.swapaxes(x, a, b)


def expand(draw: random.Random) -> Case:
    to = sizes(draw)
    shape = tuple(1 if draw.random() < 0.3 else n for n in alike(draw, to))
    return {"to": to}, [shape], lambda x: np.broadcast_to(x, to)


def concat(draw: random.Random) -> Case:
    shape = sizes(draw)
    axis = an_axis(draw, len(shape))
    others = [alike(draw, shape) for _ in range(draw.randint(0, 3))]
    return {"axis": axis}, [shape, *others], lambda *xs: np.concatenate(xs, axis)


def stack(draw: random.Random) -> Case:
    shape = sizes(draw)
    axis = an_axis(draw, len(shape) + 1)
    others = [alike(draw, shape) for _ in range(draw.randint(0, 3))]
    return {"axis": axis}, [shape, *others], lambda *xs: np.stack(xs, axis)


def split(draw: random.Random) -> Case:
    shape = sizes(draw)
    axis, parts = an_axis(draw, len(shape)), draw.randint(1, 4)
    return {"parts": parts, "axis": axis}, [shape], lambda x: np.split(x, parts, axis)


def split_sizes(draw: random.Random) -> Case:
    shape = sizes(draw)
    axis = draw.randrange(len(shape))
    cuts = sorted({0, shape[axis], *(draw.randint(0, shape[axis]) for _ in range(2))})
    parts = [b - a for a, b in pairwise(cuts)]
    parts[0] += draw.random() < 0.2

    def reference(x: Any) -> Any:
        if sum(parts) != x.shape[axis]:
            raise ValueError
        return np.split(x, list(np.cumsum(parts))[:-1], axis)

    return {"parts": parts, "axis": axis}, [shape], reference


def slicing(draw: random.Random) -> Case:
    shape = sizes(draw)
    axis, step = draw.randrange(len(shape)), draw.randint(1, 3)
    start, stop = draw.randint(-6, 6), draw.choice([None, draw.randint(-6, 6)])

    def reference(x: Any) -> Any:
        n = x.shape[axis]
        if not -n <= start <= n or (stop is not None and not -n <= stop <= n):
            raise IndexError
        part = x[(*(slice(None),) * axis, slice(start, stop, step))]
        if not part.size:
            raise IndexError
        return part

    return {"axis": axis, "start": start, "stop": stop, "step": step}, [shape], reference


def select(draw: random.Random) -> Case:
    shape = sizes(draw)
    axis, index = draw.randrange(len(shape)), draw.randint(-6, 5)
    return {"axis": axis, "index": index}, [shape], lambda x: x[(*(slice(None),) * axis, index)]


def gather(draw: random.Random) -> Case:
    shape = sizes(draw)
    axis = an_axis(draw, len(shape))
    indices = [draw.randint(-4, 3) for _ in range(draw.randint(1, 3))]
    return {"indices": indices, "axis": axis}, [shape], lambda x: np.take(x, indices, axis)


def tile(draw: random.Random) -> Case:
    shape = sizes(draw)
    counts = [draw.randint(1, 3) for _ in shape]
    return {"counts": counts}, [shape], lambda x: np.tile(x, counts)


def pad(draw: random.Random) -> Case:
    shape = sizes(draw)
    axes = draw.sample(range(len(shape)), draw.randint(1, len(shape)))
    begins, ends = ([draw.randint(0, 3) for _ in axes] for _ in range(2))
    mode = draw.choice(["constant", "edge"])
    widths = [(0, 0)] * len(shape)
    for axis, begin, end in zip(axes, begins, ends):
        widths[axis] = (begin, end)
    return {"amount": begins + ends, "axis": axes, "mode": mode}, [shape], lambda x: np.pad(x, widths, mode)


def centre_crop(draw: random.Random) -> Case:
    shape = (2, 3, *sizes(draw, 2, 2))
    size = sizes(draw, 2, 2)

    def reference(x: Any) -> Any:
        begins = [(n - s) // 2 for n, s in zip(x.shape[2:], size)]
        if min(begins) < 0 or any(s > n for n, s in zip(x.shape[2:], size)):
            raise ValueError
        return x[:, :, begins[0] : begins[0] + size[0], begins[1] : begins[1] + size[1]]

    return {"size": size}, [shape], reference


GENERATORS: list[tuple[str, Callable[[random.Random], Case]]] = [
    ("add", broadcast), ("mul", broadcast), ("max", broadcast), ("min", broadcast), ("average", broadcast),
    ("sub", binary), ("div", binary), ("pow", binary), ("less", binary), ("equal", binary),
    ("reduce_sum", reduction), ("reduce_mean", reduction), ("reduce_max", reduction), ("reduce_l2", reduction),
    ("argmax", position), ("argmin", position), ("cumsum", running), ("softmax", running), ("reverse", running),
    ("reshape", reshape), ("flatten", flatten), ("squeeze", squeeze), ("unsqueeze", unsqueeze), ("permute", permute),
    ("transpose", transpose), ("broadcast_to", expand), ("concat", concat), ("stack", stack), ("split", split),
    ("split", split_sizes), ("slice", slicing), ("select", select), ("gather", gather), ("tile", tile), ("pad_axes", pad),
    ("crop", centre_crop),
]  # fmt: skip


@pytest.mark.parametrize(("name", "generate"), GENERATORS, ids=[f"{n}-{g.__name__}" for n, g in GENERATORS])
def test_shape_is_numpys(name: str, generate: Callable[[random.Random], Case]) -> None:
    """The same shapes, and a refusal exactly where NumPy refuses; symbols in place of sizes agree with both."""
    draw = random.Random(f"{name} {generate.__name__}")
    accepted = 0
    for _ in range(TRIALS):
        arguments, shapes, reference = generate(draw)
        types = [TensorType("f32", shape) for shape in shapes]
        try:
            found = reference(*(np.zeros(shape, np.float32) for shape in shapes))
        except WRONG:
            with pytest.raises(Refusal):
                ops.load(name).create(**arguments).shape(*types)
            continue
        accepted += 1
        expected = [tuple(x.shape) for x in (found if isinstance(found, list) else [found])]
        op = ops.load(name).create(**arguments)
        assert [out.shape for out in op.shape(*types)] == expected, (op, shapes)
        agree_symbolically(op, types, expected)
    assert accepted > TRIALS // 5


def agree_symbolically(op: Any, types: list[TensorType], expected: list[tuple[int, ...]]) -> None:
    """With the batch as a symbol the rule either says it cannot decide, or means the same shapes."""
    if not all(type.rank and type.shape[0] == types[0].shape[0] for type in types):
        return
    symbolic = [type.with_shape([dims.symbol("N"), *type.shape[1:]]) for type in types]
    try:
        outs = op.shape(*symbolic)
    except Refusal as refusal:
        assert refusal.code in ("E0303", "E0307", "E0308")
        return
    assert [out.bind({"N": types[0].shape[0]}).shape for out in outs] == expected, op


def test_reshape_windows_are_index_maps() -> None:
    """Where a reshape claims that an output axis is an input axis, both indices agree at every element."""
    draw = random.Random(3)
    kept = 0
    for _ in range(300):
        shape = tuple(draw.choice([1, 2, 3, 4, 6]) for _ in range(draw.randint(1, 4)))
        to = list(shape)
        at = draw.randrange(len(to))
        if to[at] in (4, 6):
            to[at : at + 1] = draw.choice([[2, to[at] // 2], [to[at] // 2, 2], [1, to[at]]])
        elif at + 1 < len(to):
            to[at : at + 2] = [to[at] * to[at + 1]]
        x = TensorType("f32", shape)
        op = ops.load("reshape").create(to=to)
        indices = np.indices(shape).reshape(len(shape), *to)
        for axis, window in enumerate(op.window([x], op.shape(x))):
            if window is not None:
                kept += 1
                here = np.indices(to)[axis]
                assert (indices[window.axis] == here).all(), (shape, to, axis)
    assert kept > 300


def test_reshape_keeps_the_axes_of_a_channel_shuffle() -> None:
    x = parse_example("relu : f32[N,6,H,W] -> f32[N,6,H,W]").input_types[0]
    n, _, h, w = x.shape
    grouped = ops.load("reshape").create(to=[n, 2, 3, h, w])
    (y,) = grouped.shape(x)
    assert [None if a is None else a.axis for a in grouped.window([x], [y])] == [0, None, None, 2, 3]
    back = ops.load("reshape").create(to=[n, 6, h, w])
    assert [None if a is None else a.axis for a in back.window([y], [x])] == [0, None, 3, 4]
    same = ops.load("reshape").create(to=list(x.shape))
    assert same.window([x], [x]) == pass_through(4)


REFUSED = [
    ("relu : bool[2,3] -> f32[]", "E0309"),
    ("sigmoid : i64[2,3] -> f32[]", "E0309"),
    ("prelu : f32[4] -> f32[]", "E0301"),
    ("prelu : f32[2,C,4] -> f32[]", "E0306"),
    ("dropout[1.5] : f32[4] -> f32[]", "E0205"),
    ("gelu[approximate=exact] : f32[4] -> f32[]", "E0204"),
    ("softmax[axis=3] : f32[2,4] -> f32[]", "E0308"),
    ("clip[2, 1] : f32[2,4] -> f32[]", "E0205"),
    ("cast[f31] : f32[2,4] -> f32[]", "E0204"),
    ("add : f32[2,3], f32[2,4] -> f32[]", "E0303"),
    ("add : f32[2,T], f32[2,S] -> f32[]", "E0307"),
    ("add : f32[2,3], i64[2,3] -> f32[]", "E0309"),
    ("div : i64[2,3], i64[2,3] -> f32[]", "E0309"),
    ("pow : f32[2,3] -> f32[]", "E0203"),
    ("pow[2] : f32[2,3], f32[2,3] -> f32[]", "E0203"),
    ("less : bool[2,3], bool[2,3] -> f32[]", "E0309"),
    ("logical_and : f32[2,3], f32[2,3] -> f32[]", "E0309"),
    ("where : f32[2,3], f32[2,3], f32[2,3] -> f32[]", "E0309"),
    ("where : bool[2,3], f32[2,3], i64[2,3] -> f32[]", "E0309"),
    ("causal_mask : f32[2,4,3] -> f32[]", "E0303"),
    ("causal_mask : f32[2,S,T] -> f32[]", "E0307"),
    ("attend : f32[2,4,3,8], f32[2,4,8], f32[2,4,5,8] -> f32[]", "E0301"),
    ("attend : f32[2,4,3,8], f32[2,4,5,6], f32[2,4,5,8] -> f32[]", "E0303"),
    ("attend : f32[2,4,3,8], f32[2,4,5,8], f32[2,4,6,8] -> f32[]", "E0303"),
    ("attend : f32[2,4,3,8], f32[2,3,5,8], f32[2,3,5,8] -> f32[]", "E0305"),
    ("attend : f32[2,4,3,8], f16[2,4,5,8], f16[2,4,5,8] -> f32[]", "E0309"),
    ("attend : f32[2,4,3,T], f32[2,4,5,T], f32[2,4,5,8] -> f32[]", "E0306"),
    ("attend[causal=true] : f32[2,4,5,8], f32[2,4,3,8], f32[2,4,3,8] -> f32[]", "E0303"),
    ("attend[causal=true] : f32[2,4,T,8], f32[2,4,S,8], f32[2,4,S,8] -> f32[]", "E0307"),
    ("attend[sliding_window=2] : f32[2,4,T,8], f32[2,4,S,8], f32[2,4,S,8] -> f32[]", "E0307"),
    ("attend[softcap=0] : f32[2,4,5,8], f32[2,4,5,8], f32[2,4,5,8] -> f32[]", "E0205"),
    ("attend[mask=1] : f32[2,4,3,8], f32[2,4,5,8], f32[2,4,5,8], bool[2,3,5] -> f32[]", "E0303"),
    ("attend[mask=1] : f32[2,4,3,8], f32[2,4,5,8], f32[2,4,5,8], bool[1,1,1,3,5] -> f32[]", "E0303"),
    ("attend[mask=1] : f32[2,4,3,8], f32[2,4,5,8], f32[2,4,5,8], i64[3,5] -> f32[]", "E0309"),
    ("reduce_sum[axis=[1, -1]] : f32[2,3] -> f32[]", "E0308"),
    ("reduce_mean[1] : i64[2,3] -> f32[]", "E0309"),
    ("top_k[4] : f32[2,3] -> f32[]", "E0205"),
    ("top_k[4] : f32[2,T] -> f32[]", "E0307"),
    ("reshape[[-1, -1]] : f32[2,3] -> f32[]", "E0205"),
    ("reshape[[4, -1]] : f32[2,3] -> f32[]", "E0303"),
    ("reshape[[4, -1]] : f32[N,3] -> f32[]", "E0307"),
    ("reshape[[0, 6]] : f32[2,3] -> f32[]", "E0205"),
    ("squeeze[1] : f32[2,3] -> f32[]", "E0303"),
    ("squeeze[1] : f32[2,T] -> f32[]", "E0307"),
    ("permute[[0, 1]] : f32[2,3,4] -> f32[]", "E0308"),
    ("broadcast_to[[2, 4]] : f32[2,3] -> f32[]", "E0303"),
    ("broadcast_to[[4]] : f32[2,3] -> f32[]", "E0301"),
    ("concat : f32[2,3,4], f32[2,3] -> f32[]", "E0303"),
    ("concat : f32[2,3,H], f32[2,3,W] -> f32[]", "E0307"),
    ("concat : f32[2,3], f16[2,3] -> f32[]", "E0309"),
    ("split[4] : f32[2,6] -> f32[]", "E0305"),
    ("split[4] : f32[2,C] -> f32[]", "E0307"),
    ("split[[2, 3]] : f32[2,6] -> f32[]", "E0303"),
    ("slice[1, 0, 9] : f32[2,6] -> f32[]", "E0205"),
    ("slice[1, 0, 9] : f32[2,T] -> f32[]", "E0307"),
    ("slice[1, -2] : f32[2,T] -> f32[]", "E0307"),
    ("select[1, 6] : f32[2,6] -> f32[]", "E0205"),
    ("select[1, 1] : f32[2,T] -> f32[]", "E0307"),
    ("gather[[6]] : f32[2,6] -> f32[]", "E0205"),
    ("take[1] : f32[2,6], f32[2] -> f32[]", "E0309"),
    ("tile[[2]] : f32[2,6] -> f32[]", "E0205"),
    ("pad_axes[1] : f32[2,6] -> f32[]", "E0301"),
    ("pad_axes[[1, 2, 3]] : f32[2,6,4,4] -> f32[]", "E0205"),
    ("pad_axes[4, mode=reflect] : f32[2,6,4,4] -> f32[]", "E0205"),
    ("crop[5] : f32[2,6,4,4] -> f32[]", "E0303"),
    ("crop : f32[2,6,4,4] -> f32[]", "E0203"),
    ("crop[like=f32[2,6,4]] : f32[2,6,4,4] -> f32[]", "E0301"),
    ("resize : f32[2,6,4,4] -> f32[]", "E0203"),
    ("resize[8, scale=2] : f32[2,6,4,4] -> f32[]", "E0203"),
    ("resize[scale=-1] : f32[2,6,4,4] -> f32[]", "E0205"),
    ("resize[scale=0.1] : f32[2,6,4,4] -> f32[]", "E0302"),
    ("resize[8, align_corners=true] : f32[2,6,4,4] -> f32[]", "E0205"),
    ("resize[8, mode=bilinear] : f32[2,6,4] -> f32[]", "E0301"),
    ("depth_to_space[2] : f32[2,6,4,4] -> f32[]", "E0305"),
    ("depth_to_space[2] : f32[2,C,4,4] -> f32[]", "E0307"),
    ("space_to_depth[2] : f32[2,6,4] -> f32[]", "E0301"),
    ("space_to_depth[2] : f32[2,6,5,4] -> f32[]", "E0305"),
    ("constant[[[1, 2], [3]]] : -> f32[]", "E0205"),
    ("constant[0.5, dtype=i64] : -> f32[]", "E0309"),
    ("param[[2], init=[1, 2, 3]] : -> f32[]", "E0303"),
    ("param[[2], init=fan] : -> f32[]", "E0205"),
    ("param[[0]] : -> f32[]", "E0205"),
    ("one_hot[3] : f32[2] -> f32[]", "E0309"),
    ("one_hot[3, axis=4] : i64[2] -> f32[]", "E0308"),
]


@pytest.mark.parametrize(("line", "code"), REFUSED, ids=[line for line, _ in REFUSED])
def test_refused(line: str, code: str) -> None:
    with pytest.raises(Refusal) as refusal:
        example = parse_example(line)
        example.op.shape(*example.input_types)
    assert refusal.value.code == code
    assert "Expr" not in refusal.value.message and "TensorType" not in refusal.value.message
