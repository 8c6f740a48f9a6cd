"""Layers whose weight is given, as a tensor of the graph, and not owned: ``conv(64, 3, weight = w)``."""

from __future__ import annotations

from typing import Any

from archdsl.diagnostics import Refusal
from archdsl.dim_order import equal
from archdsl.ops.base import ZEROS, Initializer, Types, Weight
from archdsl.ops.look import AxisWindow, Window
from archdsl.ops.operand_checks import same_dtype
from archdsl.ops.start import started
from archdsl.shapes import Shape, show_shape


def need_weight(name: str, ins: Types, shape: Shape, *, samples: bool = True) -> None:
    """Refuse a weight that is given (``ins[1]``) in another shape than the layer's own; in front of it may be the
    batch (``samples``), for a weight for each sample.
    """
    if len(ins) == 1:
        return
    x, w = ins
    same_dtype(name, ins)
    if samples and w.rank == len(shape) + 1 and equal(w.shape[0], x.shape[0]) and w.shape[1:] == shape:
        return
    if w.shape != shape:
        help = f"a weight for each sample is {show_shape((x.shape[0], *shape))}" if samples else ""
        message = f"`weight` of `{name}` must be {show_shape(shape)} here, not {show_shape(w.shape)}"
        raise Refusal("E0303", message, help=help)


def owned(op: Any, shape: Shape, scaled: Initializer, features: int) -> tuple[Weight, ...]:
    """The weight, unless it is given, and the bias of a layer with the arguments ``weight``, ``init`` and ``bias``."""
    weight = () if op.weight else (Weight("weight", shape, started(op.init, shape, scaled)),)
    return (*weight, Weight("bias", (features,), ZEROS)) if op.bias else weight


def check_init(op: Any) -> None:
    """Refuse ``init`` where there is no weight that could begin."""
    if op.weight and op.init != "fan":
        raise Refusal(
            "E0205", f"`{op.name}` has no weight of its own that `init` could be for",
            help="say how the tensor that is given begins: `param([…], init = …)`",
        )  # fmt: skip


def looks_at_weight(ins: Types, outs: Types) -> Window:
    """How results look at what a weight is computed from: everywhere at all of it, sample by sample if it has them."""
    samples = ins[1].rank > ins[0].rank
    return (AxisWindow(0) if samples else None, *(None,) * (outs[0].rank - 1))
