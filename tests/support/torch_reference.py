"""Feed-forward operators without windows or weights as functions of PyTorch: an independent reference for examples.

``REFERENCE[name](op, *tensors)`` is the operator's value; ``inputs(example)`` draws tensors it may be run on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from op_examples import Example

from archdsl.shapes import AXES, TensorType

F = torch.nn.functional
DTYPES = {"f32": torch.float32, "i64": torch.int64, "bool": torch.bool}


def index(axis: int | str) -> int:
    """An axis letter by its position."""
    return AXES[axis] if isinstance(axis, str) else axis


def at(op: Any) -> Any:
    """The axis argument as PyTorch takes it: letters by position."""
    plain = [index(a) for a in (op.axis if isinstance(op.axis, tuple) else [op.axis])]
    return tuple(plain) if isinstance(op.axis, tuple) else plain[0]


def fold(function: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    def joined(op: Any, *xs: Any) -> Any:
        total = xs[0]
        for x in xs[1:]:
            total = function(total, x)
        return total

    return joined


def reduced(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda op, x: function(x, dim=at(op), keepdim=op.keep)


def product(op: Any, x: Any) -> Any:
    for axis in sorted((a % x.ndim for a in (at(op) if isinstance(op.axis, tuple) else (at(op),))), reverse=True):
        x = x.prod(axis, keepdim=op.keep)
    return x


def resize(op: Any, x: Any) -> Any:
    size = tuple(int(n) for n in op.sizes(TensorType("f32", tuple(x.shape))))
    more = {} if op.mode == "nearest" else {"align_corners": op.align_corners}
    return F.interpolate(x, size=size, mode=op.mode, **more)


def crop(op: Any, x: Any) -> Any:
    window = op.like.shape[2:] if op.like else (op.size,) * (x.ndim - 2) if isinstance(op.size, int) else op.size
    for i, size in enumerate(window):
        n = x.shape[i + 2]
        x = x.narrow(i + 2, (n - size) // 2 if op.offset == "center" else op.offset[i], size)
    return x


def padded(op: Any, x: Any) -> Any:
    ends = [end for pair in reversed(op.pads(TensorType("f32", tuple(x.shape)))[2:]) for end in pair]
    return F.pad(x, ends, {"edge": "replicate"}.get(op.mode, op.mode), *((op.value,) if op.mode == "constant" else ()))


def padded_axis(op: Any, x: Any) -> Any:
    axis = at(op) % x.ndim
    before, after = (x.new_full([*x.shape[:axis], n, *x.shape[axis + 1 :]], op.value) for n in op.amount)
    return torch.cat([before, x, after], axis)


def space_to_depth(op: Any, x: Any) -> Any:
    n, c, h, w = x.shape
    b = op.block
    return x.reshape(n, c, h // b, b, w // b, b).permute(0, 3, 5, 1, 2, 4).reshape(n, -1, h // b, w // b)


def depth_to_space(op: Any, x: Any) -> Any:
    if op.mode == "crd":
        return F.pixel_shuffle(x, op.block)
    n, c, h, w = x.shape
    b = op.block
    return x.reshape(n, b, b, c // b**2, h, w).permute(0, 3, 4, 1, 5, 2).reshape(n, -1, h * b, w * b)


def slicing(op: Any, x: Any) -> Any:
    return x[(*(slice(None),) * (at(op) % x.ndim), slice(op.start, op.stop, op.step))]


def one_hot(op: Any, x: Any) -> Any:
    return F.one_hot(x, op.depth).movedim(-1, op.axis).to(DTYPES[op.dtype])


def filled(value: float) -> Callable[..., Any]:
    return lambda op: torch.full(op.size, value, dtype=DTYPES[op.dtype])


def unsqueezed(op: Any, x: Any) -> tuple[int, ...]:
    import numpy as np

    return np.expand_dims(np.empty(x.shape), op.axis).shape


REFERENCE: dict[str, Callable[..., Any]] = {
    "identity": lambda op, x: x, "relu": lambda op, x: F.relu(x), "relu6": lambda op, x: F.relu6(x),
    "leaky_relu": lambda op, x: F.leaky_relu(x, op.slope), "prelu": lambda op, x: F.leaky_relu(x, 0.25),
    "elu": lambda op, x: F.elu(x, op.alpha), "selu": lambda op, x: F.selu(x),
    "gelu": lambda op, x: F.gelu(x, approximate=op.approximate), "sigmoid": lambda op, x: torch.sigmoid(x),
    "silu": lambda op, x: F.silu(x), "hard_sigmoid": lambda op, x: F.hardsigmoid(x),
    "hard_swish": lambda op, x: F.hardswish(x), "tanh": lambda op, x: torch.tanh(x),
    "softplus": lambda op, x: F.softplus(x), "softsign": lambda op, x: F.softsign(x), "mish": lambda op, x: F.mish(x),
    "step": lambda op, x: (x >= 0).to(x.dtype), "softmax": lambda op, x: x.softmax(at(op)),
    "log_softmax": lambda op, x: x.log_softmax(at(op)), "dropout": lambda op, x: F.dropout(x, op.p, training=False),
    "drop_path": lambda op, x: x,
    "neg": lambda op, x: -x, "abs": lambda op, x: x.abs(), "sign": lambda op, x: x.sign(), "exp": lambda op, x: x.exp(),
    "log": lambda op, x: x.log(), "sqrt": lambda op, x: x.sqrt(), "reciprocal": lambda op, x: 1 / x,
    "erf": lambda op, x: x.erf(), "sin": lambda op, x: x.sin(), "cos": lambda op, x: x.cos(),
    "floor": lambda op, x: x.floor(), "ceil": lambda op, x: x.ceil(), "round": lambda op, x: x.round(),
    "clip": lambda op, x: x.clamp(op.low, op.high), "cast": lambda op, x: x.to(DTYPES[op.dtype]),
    "add": fold(torch.add), "mul": fold(torch.mul), "max": fold(torch.maximum), "min": fold(torch.minimum),
    "average": lambda op, *xs: sum(xs[1:], xs[0]) / len(xs), "sub": fold(torch.sub), "div": fold(torch.div),
    "pow": lambda op, x, *y: torch.pow(x, y[0] if y else op.exponent),
    "equal": fold(torch.eq), "not_equal": fold(torch.ne), "less": fold(torch.lt), "less_equal": fold(torch.le),
    "greater": fold(torch.gt), "greater_equal": fold(torch.ge), "logical_and": fold(torch.logical_and),
    "logical_or": fold(torch.logical_or), "logical_not": lambda op, x: ~x, "where": lambda op, *xs: torch.where(*xs),
    "causal_mask": lambda op, x: x.masked_fill(torch.ones_like(x, dtype=torch.bool).triu(1), float("-inf")),
    "reduce_sum": reduced(torch.sum), "reduce_mean": reduced(torch.mean), "reduce_max": reduced(torch.amax),
    "reduce_min": reduced(torch.amin), "reduce_prod": product,
    "reduce_l1": reduced(lambda x, **k: torch.linalg.vector_norm(x, 1, **k)),
    "reduce_l2": reduced(lambda x, **k: torch.linalg.vector_norm(x, 2, **k)),
    "argmax": reduced(torch.argmax), "argmin": reduced(torch.argmin),
    "top_k": lambda op, x: torch.topk(x, op.k, at(op)), "cumsum": lambda op, x: x.cumsum(at(op)),
    "flatten": lambda op, x: x.flatten(at(op)), "reshape": lambda op, x: x.reshape(op.to),
    "squeeze": lambda op, x: x.squeeze(at(op)), "unsqueeze": lambda op, x: x.reshape(unsqueezed(op, x)),
    "permute": lambda op, x: x.permute(*map(index, op.order)),
    "transpose": lambda op, x: x.transpose(op.first, op.second), "expand": lambda op, x: x.expand(op.to),
    "concat": lambda op, *xs: torch.cat(xs, at(op)), "stack": lambda op, *xs: torch.stack(xs, op.axis),
    "split": lambda op, x: (torch.tensor_split(x, op.parts, at(op)) if isinstance(op.parts, int)
                            else torch.split(x, op.parts, at(op))),
    "slice": slicing, "select": lambda op, x: x.select(at(op), op.index),
    "gather": lambda op, x: x.index_select(at(op), torch.tensor([i % x.shape[at(op)] for i in op.indices])),
    "take": lambda op, x, i: x.movedim(at(op), 0)[i].movedim(tuple(range(i.ndim)), tuple(
        at(op) % x.ndim + k for k in range(i.ndim))),
    "reverse": lambda op, x: x.flip(at(op)), "tile": lambda op, x: x.tile(op.counts),
    "pad": lambda op, x: padded(op, x) if op.axis is None else padded_axis(op, x), "crop": crop,
    "pad_channels": lambda op, x: torch.cat([x, x.new_zeros(x.shape[0], op.count, *x.shape[2:])], 1),
    "resize": resize, "depth_to_space": depth_to_space, "space_to_depth": space_to_depth,
    "constant": lambda op: torch.tensor(op.values, dtype=DTYPES[op.dtype]), "zeros": filled(0), "ones": filled(1),
    "param": lambda op: torch.nn.Parameter(torch.empty(op.size)), "one_hot": one_hot,
}  # fmt: skip


def inputs(example: Example) -> list[Any]:
    low, high = getattr(type(example.op), "domain", (-2.0, 2.0))
    generator = torch.Generator().manual_seed(1)
    made = []
    for type_ in example.input_types:
        shape = tuple(int(n) for n in type_.shape)
        if type_.dtype == "f32":
            made.append(torch.rand(shape, generator=generator) * (high - low) + low)
        else:
            made.append(torch.randint(0, 2, shape, generator=generator).to(DTYPES[type_.dtype]))
    return made
