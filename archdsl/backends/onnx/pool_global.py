"""Poolings over all positions, or into a fixed number of bins."""

from __future__ import annotations

from archdsl.backends.onnx.simple_rules import plain
from archdsl.backends.onnx.wire import Attribute
from archdsl.backends.onnx.writer import Emit
from archdsl.diagnostics import Refusal
from archdsl.ops.pool_global import adaptive_bins


def global_lp_pool(emit: Emit) -> None:
    """``ReduceL1``, ``ReduceL2`` or the formula; of ``GlobalLpPool`` runtimes have old versions only."""
    p, axes = emit.op.p, range(2, emit.types[0].rank)
    if p <= 2:
        inputs, attributes = emit.reduce(f"ReduceL{p}", emit.ins[0], axes, keep=True)
        emit.result(f"ReduceL{p}", inputs, **attributes)
        return
    emit = emit.wide()
    terms = emit.helper("Pow", [emit.helper("Abs", emit.ins), emit.scalar(p)])
    inputs, attributes = emit.reduce("ReduceSum", terms, axes, keep=True)
    emit.result("Pow", [emit.helper("ReduceSum", inputs, **attributes), emit.scalar(1 / p)])


def adaptive_avg_pool(emit: Emit) -> None:
    """Equal bins are an ``AveragePool``; others are first laid out side by side, weighted to the widest of them."""
    _adaptive(emit, "AveragePool", "GlobalAveragePool", "ReduceMean")


def adaptive_max_pool(emit: Emit) -> None:
    """Equal bins are a ``MaxPool``; others are first laid out side by side, filled up with their last element."""
    _adaptive(emit, "MaxPool", "GlobalMaxPool", "ReduceMax")


def _adaptive(emit: Emit, pool: str, whole: str, reduce: str) -> None:
    (x,) = emit.types
    sizes = emit.op.sizes(x)
    if all(count == 1 for count in sizes):
        emit.result(whole, emit.ins)
        return
    if x.shape[2:] == sizes:
        emit.forward()
        return
    name = emit.ins[0]
    kernel: list[int] = []
    for axis, (n, count) in enumerate(zip(x.shape[2:], sizes), 2):
        if not isinstance(n, int):  # one bin over a symbolic size
            inputs, attributes = emit.reduce(reduce, name, [axis], keep=True)
            name = emit.helper(reduce, inputs, **attributes)
            kernel.append(1)
        elif n % count == 0:
            kernel.append(n // count)
        else:
            name, width = _lay_out(emit, name, axis, n, count, weighted=pool == "AveragePool")
            kernel.append(width)
    settings: dict[str, Attribute] = {"kernel_shape": tuple(kernel), "strides": tuple(kernel)}
    emit.result(pool, [name], **settings)


MAX_BINS = 100_000
"""Positions and bins of one axis that are laid out as a list of indices."""


def _lay_out(emit: Emit, name: str, axis: int, size: int, count: int, *, weighted: bool) -> tuple[str, int]:
    """Every bin in as many positions as the widest one has; fillers repeat the last element, or weigh nothing."""
    if size + count > MAX_BINS:
        message = f"{count:,} bins of unequal size are too many for ONNX"
        raise Refusal("E0602", message, help="choose a number of bins that divides the size")
    bins = adaptive_bins(size, count)
    width = max(stop - start for start, stop in bins)
    indices = [min(start + i, stop - 1) for start, stop in bins for i in range(width)]
    name = emit.helper("Gather", [name, emit.ints(indices)], axis=axis)
    if weighted:
        weights = [width / (stop - start) * (start + i < stop) for start, stop in bins for i in range(width)]
        shape = [1] * emit.types[0].rank
        shape[axis] = len(weights)
        name = emit.helper("Mul", [name, emit.constant(emit.types[0].dtype, weights, shape)])
    return name, width


RULES = {
    "global_avg_pool": plain("GlobalAveragePool"),
    "global_max_pool": plain("GlobalMaxPool"),
    "global_lp_pool": global_lp_pool,
    "adaptive_avg_pool": adaptive_avg_pool,
    "adaptive_max_pool": adaptive_max_pool,
}
