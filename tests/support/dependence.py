"""What every position of every map really depends on: sets of input positions, propagated through each operator by its
definition. It knows nothing of windows, jumps and offsets, and nothing of ``archdsl.analyses``.

A position is a tuple of indices on the spatial axes; a set of input positions is an integer with a bit for each. Bit 0
stands for what lies outside of a map (padding, what was cropped away): a position whose set has it is at the border.
What is the same for all positions (a global mean) is no set: ``None``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from math import ceil, floor, prod
from typing import Any

from archdsl.graph import Graph, Node, Value

Position = tuple[int, ...]
Sets = dict[Position, int]
Taps = Callable[[int], list[int]]
"""For an index on an axis of the result, those on the axis of the input."""


class Repeated(Exception):
    """A map of one position is repeated along an axis: that is no set of this axis, but may be one of the other."""


OUTSIDE = 1
GLOBAL = ("global_avg_pool", "global_max_pool", "reduce_mean", "reduce_max")
STATISTIC = ("instance_norm", "softmax")
"""A map goes through, beside a figure of all of it."""


def dependences(graph: Graph) -> dict[Value, Sets | None]:
    """The sets of every value of [N, C, spatial…]."""
    source = graph.inputs[0]
    sizes = _sizes(source)
    found: dict[Value, Sets | None] = {source: {p: 2 << i for i, p in enumerate(product(*map(range, sizes)))}}
    for node in graph.nodes:
        for result, value in enumerate(node.outputs):
            found[value] = _through(node, result, value, found)
    return found


def statistics(graph: Graph) -> dict[Value, Node | None]:
    """For every value the first operator on its way that looks at all positions of a map."""
    found: dict[Value, Node | None] = {graph.inputs[0]: None}
    order = {node: i for i, node in enumerate(graph.nodes)}
    for node in graph.nodes:
        before = [found[v] for v in node.inputs if found.get(v) is not None]
        first = min(before, key=lambda n: order[n]) if before else None  # type: ignore[index]
        looks = node.op.name in (*GLOBAL, *STATISTIC)
        for value in node.outputs:
            found[value] = first or (node if looks else None)
    return found


def ends(sets: Sets, sizes: tuple[int, ...], axis: int) -> dict[Position, tuple[int, int] | None]:
    """The first and last input index on an axis that each position that is not at the border depends on."""
    lines = [0] * sizes[axis]
    for i, p in enumerate(product(*map(range, sizes))):
        lines[p[axis]] |= 2 << i
    found: dict[Position, tuple[int, int] | None] = {}
    for position, bits in sets.items():
        if not bits & OUTSIDE:
            held = [i for i, line in enumerate(lines) if line & bits]
            found[position] = (held[0], held[-1]) if held else None
    return found


def _sizes(value: Value) -> tuple[int, ...]:
    sizes = value.type.shape[2:]
    assert all(isinstance(size, int) for size in sizes)
    return sizes  # type: ignore[return-value]


def _through(node: Node, result: int, value: Value, known: dict[Value, Sets | None]) -> Sets | None:
    if node.op.name in GLOBAL:
        return None
    ways = [v for v in node.inputs if known.get(v) is not None]
    if not ways:
        return None
    found: Sets = dict.fromkeys(product(*map(range, _sizes(value))), 0)
    for way in ways:
        sets = known[way]
        assert sets is not None
        if node.op.name == "transpose":
            moved = {p[::-1]: bits for p, bits in sets.items()}
            found = {p: found[p] | moved[p] for p in found}
            continue
        taps = [_taps(node, result, axis, _sizes(way)[axis], _sizes(value)[axis]) for axis in range(len(_sizes(way)))]
        seen = [[tap(y) for y in range(size)] for tap, size in zip(taps, _sizes(value))]
        for p in found:
            for q in product(*(seen[axis][y] for axis, y in enumerate(p))):
                found[p] |= sets.get(q, OUTSIDE)
    return found


def _taps(node: Node, result: int, axis: int, before: int, after: int) -> Taps:
    """How an operator's definition reads an axis, one axis at a time."""
    op: Any = node.op
    if op.name in ("conv", "max_pool", "avg_pool"):
        k, s, d = _per(op.kernel, axis), _per(op.kernel if op.stride is None else op.stride, axis), _dilation(op, axis)
        begin = _padding(op.pad, axis, len(node.inputs[0].type.shape) - 2, before, k, s, d)[0]
        return lambda y: [y * s + d * t - begin for t in range(k)]
    if op.name == "conv_transpose":
        k, s, d = _per(op.kernel, axis), _per(op.stride, axis), _dilation(op, axis)
        begin = _trim(op.pad, axis, len(node.inputs[0].type.shape) - 2, k, s, d)
        return lambda y: [(y + begin - d * t) // s for t in range(k) if (y + begin - d * t) % s == 0]
    if op.name == "resize":
        return _interpolation(op.mode, op.align_corners, before, after)
    if op.name == "adaptive_avg_pool":
        return lambda y: list(range(floor(y * before / after), ceil((y + 1) * before / after)))
    if op.name == "pad_axes":
        begin = op.amount if isinstance(op.amount, int) else op.amount[axis]
        return lambda y: [y - begin]
    if op.name == "crop":
        begin = (before - after) // 2 if op.offset == "center" else _per(op.offset, axis)
        return lambda y: [y + begin]
    if op.name in ("slice", "split", "reverse") and _axis(op.axis, node) == axis + 2:
        return _cut(op, result, before, node)
    if op.name == "depth_to_space":
        return lambda y: [y // op.block]
    if op.name == "space_to_depth":
        return lambda y: [y * op.block + t for t in range(op.block)]
    if before == 1 and after > 1:
        raise Repeated
    return lambda y: [y]


def _cut(op: Any, result: int, before: int, node: Node) -> Taps:
    if op.name == "reverse":
        return lambda y: [before - 1 - y]
    if op.name == "slice":
        start = op.start + before if op.start < 0 else op.start
        return lambda y: [start + op.step * y]
    parts = [before // op.parts] * op.parts if isinstance(op.parts, int) else op.parts
    return lambda y: [sum(parts[:result]) + y]


def _interpolation(mode: str, corners: bool, before: int, after: int) -> Taps:
    def centre(y: int) -> tuple[int, bool]:
        """The position at or before the one that is looked at, and whether that lies between two."""
        if corners:
            top, below = y * (before - 1), max(after - 1, 1)
        else:
            top, below = (2 * y + 1) * before - after, 2 * after
        return top // below, top % below != 0

    def taps(y: int) -> list[int]:
        at, between = centre(y)
        if not between:
            return [at]
        return [at, at + 1] if mode != "bicubic" else [at - 1, at, at + 1, at + 2]

    return (lambda y: [y * before // after]) if mode == "nearest" else taps


def _per(value: Any, axis: int) -> int:
    return value if isinstance(value, int) else value[axis]


def _dilation(op: Any, axis: int) -> int:
    return _per(getattr(op, "dilation", 1), axis)


def _axis(axis: Any, node: Node) -> int:
    rank = node.inputs[0].type.rank
    if isinstance(axis, str):
        return "nchw".index(axis)
    return axis % rank


def _padding(pad: Any, axis: int, rank: int, size: int, k: int, s: int, d: int) -> tuple[int, int]:
    """Zeros before and behind the axis; TensorFlow's SAME as its documentation has it."""
    if pad == "valid":
        return 0, 0
    if pad == "same":
        return d * (k - 1) // 2, d * (k - 1) // 2
    if pad in ("same_upper", "same_lower"):
        outputs = ceil(size / s)
        total = max((outputs - 1) * s + (k - 1) * d + 1 - size, 0)
        return (total // 2, total - total // 2) if pad == "same_upper" else (total - total // 2, total // 2)
    if isinstance(pad, int):
        return pad, pad
    return (pad[axis], pad[axis]) if len(pad) == rank else (pad[axis], pad[axis + rank])


def _trim(pad: Any, axis: int, rank: int, k: int, s: int, d: int) -> int:
    """What a transposed convolution leaves away at the beginning."""
    if pad in ("same_upper", "same_lower"):
        total = max(d * (k - 1) + 1 - s, 0)
        return total // 2 if pad == "same_upper" else total - total // 2
    return _padding(pad, axis, rank, 0, k, s, d)[0]


def positions(sizes: tuple[int, ...]) -> Iterator[Position]:
    """All positions of a map."""
    return iter(product(*map(range, sizes)))


def count(sizes: tuple[int, ...]) -> int:
    """How many."""
    return prod(sizes)
