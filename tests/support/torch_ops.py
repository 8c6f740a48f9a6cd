"""Every operator in PyTorch (or NumPy where PyTorch lacks it): an independent statement of what it computes.

``REFERENCE[name](op, params, *inputs)`` takes and gives torch tensors; ``params`` are by slot.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from archdsl.ops.base import Op
from archdsl.shapes import AXES

TORCH = {
    "f32": torch.float32, "f16": torch.float16, "f64": torch.float64, "bf16": torch.bfloat16, "i64": torch.int64,
    "i32": torch.int32, "i16": torch.int16, "i8": torch.int8, "u8": torch.uint8, "bool": torch.bool,
}  # fmt: skip

Params = dict[str, Tensor]


def axis_of(axis: Any, x: Tensor) -> int:
    """Axis letters by position; the examples' symbols are bound to indices beforehand."""
    index = AXES[axis] if isinstance(axis, str) else axis
    return index % x.dim()


def axes_of(axes: Any, x: Tensor) -> list[int]:
    return sorted(axis_of(a, x) for a in (axes if isinstance(axes, tuple) else (axes,)))


def many(value: Any, rank: int) -> tuple[int, ...]:
    return (value,) * rank if isinstance(value, int) else tuple(value)


def ends(
    op: Any, x: Tensor, kernel: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...]
) -> list[tuple[int, int]]:
    """Begin and end padding, from the definitions in the language reference."""
    rank = len(kernel)
    found = []
    for i, (k, s, d) in enumerate(zip(kernel, stride, dilation)):
        size, reach = x.shape[i + 2], d * (k - 1) + 1
        if op.pad == "valid":
            found.append((0, 0))
        elif op.pad == "same":
            found.append((d * (k - 1) // 2,) * 2)
        elif op.pad in ("same_upper", "same_lower"):
            total = max((math.ceil(size / s) - 1) * s + reach - size, 0)
            pair = (total // 2, total - total // 2)
            found.append(pair if op.pad == "same_upper" else pair[::-1])
        else:
            pads = many(op.pad, rank)
            found.append((pads[i], pads[i + rank] if len(pads) == 2 * rank else pads[i]))
    return found


def pad_by(x: Tensor, pads: list[tuple[int, int]], value: float = 0.0) -> Tensor:
    flat = [n for pair in reversed(pads) for n in pair]
    return F.pad(x, flat, value=value)


def conv(op: Any, p: Params, x: Tensor) -> Tensor:
    rank = x.dim() - 2
    kernel, stride, dilation = (many(v, rank) for v in (op.kernel, op.stride, op.dilation))
    x = pad_by(x, ends(op, x, kernel, stride, dilation))
    function = (F.conv1d, F.conv2d, F.conv3d)[rank - 1]
    return function(x, p["weight"], p.get("bias"), stride=stride, dilation=dilation, groups=op.groups)


def conv_transpose(op: Any, p: Params, x: Tensor) -> Tensor:
    rank = x.dim() - 2
    kernel, stride, dilation = (many(v, rank) for v in (op.kernel, op.stride, op.dilation))
    function = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[rank - 1]
    extra = many(op.output_pad, rank)
    full = function(x, p["weight"], None, stride=stride, dilation=dilation, groups=op.groups)
    for i, (k, s, d) in enumerate(zip(kernel, stride, dilation)):
        n, reach = x.shape[i + 2], d * (k - 1) + 1
        if op.pad in ("same_upper", "same_lower"):  # the transpose of a convolution that gives n positions of n * s
            total = max(reach - s, 0)
            begin = total // 2 if op.pad == "same_upper" else total - total // 2
            size = n * s
        else:
            begin, end = ends(op, x, kernel, stride, dilation)[i]
            size = (n - 1) * s + reach - begin - end + extra[i]
        axis = i + 2
        short = begin + size - full.shape[axis]
        if short > 0:
            full = pad_by(full, [(0, short) if j == axis else (0, 0) for j in range(full.dim())])
        full = full.narrow(axis, begin, size)
    bias = p.get("bias")
    return full if bias is None else full + bias.reshape(-1, *[1] * rank)


def windows(op: Any, x: Tensor, fill: float) -> tuple[Tensor, Tensor]:
    """All windows of a pooling (taps in the last axis), and for each tap 0: padding beyond, 1: padding, 2: input."""
    rank = x.dim() - 2
    kernel = many(op.kernel, rank)
    stride = kernel if op.stride is None else many(op.stride, rank)
    dilation = many(getattr(op, "dilation", 1), rank)
    mark = torch.full_like(x, 2.0)
    pads = ends(op, x, kernel, stride, dilation)
    x, mark = pad_by(x, pads, fill), pad_by(mark, pads, 1.0)
    for i, (k, s, d) in enumerate(zip(kernel, stride, dilation)):
        axis, reach = i + 2, d * (k - 1) + 1
        size = x.shape[axis] - sum(pads[i])
        span = x.shape[axis] - reach
        count = span // s + 1
        if op.ceil:
            count = -(-span // s) + 1
            if (count - 1) * s >= size + pads[i][
                0
            ]:  # PyTorch: the last window starts inside the input or its left padding
                count -= 1
        short = (count - 1) * s + reach - x.shape[axis]
        if short > 0:
            beyond = [(0, short) if j == axis else (0, 0) for j in range(axis + 1)] + [(0, 0)] * (x.dim() - axis - 1)
            x, mark = pad_by(x, beyond, fill), pad_by(mark, beyond, 0.0)
        index = (torch.arange(count)[:, None] * s + torch.arange(k)[None] * d).flatten()
        x, mark = x.index_select(axis, index), mark.index_select(axis, index)
        x = x.unflatten(axis, (count, k)).movedim(axis + 1, -1)
        mark = mark.unflatten(axis, (count, k)).movedim(axis + 1, -1)
    return x.flatten(2 + rank), mark.flatten(2 + rank)


def avg_pool(op: Any, p: Params, x: Tensor) -> Tensor:
    taps, mark = windows(op, x, 0.0)
    return taps.sum(-1) / (mark >= (1 if op.count_pad else 2)).sum(-1)


def max_pool_indices(op: Any, p: Params, x: Tensor) -> tuple[Tensor, Tensor]:
    place = torch.arange(x.numel(), dtype=x.dtype).reshape(x.shape)
    taps, _ = windows(op, x, -math.inf)
    best = taps.argmax(-1, keepdim=True)
    return taps.amax(-1), windows(op, place, -1.0)[0].gather(-1, best)[..., 0].long()


def max_unpool(op: Any, p: Params, x: Tensor, at: Tensor) -> Tensor:
    rank = x.dim() - 2
    kernel = many(op.kernel, rank)
    stride = kernel if op.stride is None else many(op.stride, rank)
    pads = ends(op, x, kernel, stride, (1,) * rank)
    sizes = [(n - 1) * s - sum(e) + k for n, s, e, k in zip(x.shape[2:], stride, pads, kernel)]
    shape = (*x.shape[:2], *sizes) if op.like is None else tuple(op.like.shape)
    flat = torch.zeros(math.prod(shape))
    flat[at.flatten()] = x.flatten()
    return flat.reshape(shape)


def adaptive(kind: str) -> Any:
    def run(op: Any, p: Params, x: Tensor) -> Tensor:
        function = getattr(F, f"adaptive_{kind}_pool{x.dim() - 2}d")
        return function(x, many(op.size, x.dim() - 2))

    return run


def affine(op: Any, p: Params, y: Tensor, axes: list[int]) -> Tensor:
    shape = [y.shape[i] if i in axes else 1 for i in range(y.dim())]
    if "weight" in p:
        y = y * p["weight"].reshape(shape)
    return y + p["bias"].reshape(shape) if "bias" in p else y


def layer_norm(op: Any, p: Params, x: Tensor) -> Tensor:
    axes = axes_of(op.axes, x)
    mean, var = x.mean(axes, keepdim=True), x.var(axes, keepdim=True, unbiased=False)
    return affine(op, p, (x - mean) / torch.sqrt(var + op.eps), axes)


def rms_norm(op: Any, p: Params, x: Tensor) -> Tensor:
    axes = axes_of(op.axes, x)
    return affine(op, p, x / torch.sqrt((x * x).mean(axes, keepdim=True) + op.eps), axes)


def lrn(op: Any, p: Params, x: Tensor) -> Tensor:
    """The sum over c - (size - 1) // 2 … c + size // 2, in float64."""
    wide, channels = x.double(), x.shape[1]
    out = torch.empty_like(wide)
    for c in range(channels):
        low, high = max(0, c - (op.size - 1) // 2), min(channels - 1, c + op.size // 2)
        total = (wide[:, low : high + 1] ** 2).sum(1)
        out[:, c] = wide[:, c] / (op.k + op.alpha / op.size * total) ** op.beta
    return out.float()


def one_hot(op: Any, p: Params, x: Tensor) -> Tensor:
    eye = torch.eye(op.depth)[x.long().clamp(0, op.depth - 1)] * ((x >= 0) & (x < op.depth))[..., None]
    return eye.movedim(-1, op.axis).to(TORCH[op.dtype])


def top_k(op: Any, p: Params, x: Tensor) -> tuple[Tensor, Tensor]:
    found = torch.topk(x, op.k, dim=axis_of(op.axis, x))
    return found.values, found.indices


def split(op: Any, p: Params, x: Tensor) -> tuple[Tensor, ...]:
    axis = axis_of(op.axis, x)
    parts = x.shape[axis] // op.parts if isinstance(op.parts, int) else list(op.parts)
    return torch.split(x, parts, dim=axis)


def pad(op: Any, p: Params, x: Tensor) -> Tensor:
    axes = (
        list(range(2, x.dim()))
        if op.axis is None
        else [axis_of(a, x) for a in (op.axis if isinstance(op.axis, tuple) else (op.axis,))]
    )
    amount = many(op.amount, len(axes))
    widths = [(0, 0)] * x.dim()
    for i, axis in enumerate(axes):
        widths[axis] = (amount[i], amount[i + len(axes)] if len(amount) == 2 * len(axes) else amount[i])
    extra = {"constant_values": op.value} if op.mode == "constant" else {}
    return torch.from_numpy(np.pad(x.numpy(), widths, mode=op.mode, **extra))


def crop(op: Any, p: Params, x: Tensor) -> Tensor:
    rank = x.dim() - 2
    sizes = tuple(op.like.shape[2:]) if op.like is not None else many(op.size, rank)
    for i, size in enumerate(sizes):
        begin = (x.shape[i + 2] - size) // 2 if op.offset == "center" else many(op.offset, rank)[i]
        x = x.narrow(i + 2, begin, size)
    return x


def resize(op: Any, p: Params, x: Tensor) -> Tensor:
    rank = x.dim() - 2
    if op.like is not None:
        sizes = tuple(op.like.shape[2:])
    elif op.size is not None:
        sizes = many(op.size, rank)
    else:
        scales = op.scale if isinstance(op.scale, tuple) else (op.scale,) * rank
        sizes = tuple(math.floor(n * s) for n, s in zip(x.shape[2:], scales))
    corners = None if op.mode == "nearest" else op.align_corners
    return F.interpolate(x, size=sizes, mode=op.mode, align_corners=corners)


def depth_to_space(op: Any, p: Params, x: Tensor) -> Tensor:
    n, c, h, w = x.shape
    b = op.block
    if op.mode == "crd":
        return F.pixel_shuffle(x, b)
    return x.reshape(n, b, b, c // (b * b), h, w).permute(0, 3, 4, 1, 5, 2).reshape(n, c // (b * b), h * b, w * b)


def space_to_depth(op: Any, p: Params, x: Tensor) -> Tensor:
    n, c, h, w = x.shape
    b = op.block
    return x.reshape(n, c, h // b, b, w // b, b).permute(0, 3, 5, 1, 2, 4).reshape(n, c * b * b, h // b, w // b)


def permute(op: Any, p: Params, x: Tensor) -> Tensor:
    return x.permute([axis_of(a, x) for a in op.order])


def unsqueeze(op: Any, p: Params, x: Tensor) -> Tensor:
    return torch.from_numpy(np.expand_dims(x.numpy(), op.axis))


def select(op: Any, p: Params, x: Tensor) -> Tensor:
    return x.select(axis_of(op.axis, x), op.index)


def slice_(op: Any, p: Params, x: Tensor) -> Tensor:
    index = [slice(None)] * x.dim()
    index[axis_of(op.axis, x)] = slice(op.start, op.stop, op.step)
    return x[tuple(index)]


def take(op: Any, p: Params, x: Tensor, at: Tensor) -> Tensor:
    return torch.from_numpy(np.take(x.numpy(), at.numpy(), axis=axis_of(op.axis, x)))


def reduction(function: Any) -> Any:
    return lambda op, p, x: function(x, axes_of(op.axis, x), op.keep)


def prod(x: Tensor, axes: list[int], keep: bool) -> Tensor:
    return torch.from_numpy(np.prod(x.numpy(), axis=tuple(axes), keepdims=keep))


def of(function: Any) -> Any:
    """A function of the inputs alone."""
    return lambda op, p, *x: function(*x)


def fold(function: Any) -> Any:
    def run(op: Any, p: Params, *x: Tensor) -> Tensor:
        total = x[0]
        for other in x[1:]:
            total = function(total, other)
        return total

    return run


def causal_mask(op: Any, p: Params, x: Tensor) -> Tensor:
    size = x.shape[-1]
    return x.masked_fill(torch.ones(size, size).triu(1).bool(), -math.inf)


def group_norm(op: Any, p: Params, x: Tensor) -> Tensor:
    return F.group_norm(x, op.groups, p.get("weight"), p.get("bias"), op.eps)


def instance_norm(op: Any, p: Params, x: Tensor) -> Tensor:
    return affine(op, p, F.instance_norm(x, eps=op.eps), [1])


def batch_norm(op: Any, p: Params, x: Tensor) -> Tensor:
    return F.batch_norm(x, p["running_mean"], p["running_var"], p.get("weight"), p.get("bias"), eps=op.eps)


def constant(op: Any, p: Params) -> Tensor:
    return torch.tensor(op.values, dtype=TORCH[op.dtype])


REFERENCE: dict[str, Any] = {
    "conv": conv,
    "conv_transpose": conv_transpose,
    "max_pool": lambda op, p, x: windows(op, x, -math.inf)[0].amax(-1),
    "min_pool": lambda op, p, x: windows(op, x, math.inf)[0].amin(-1),
    "avg_pool": avg_pool,
    "lp_pool": lambda op, p, x: (windows(op, x, 0.0)[0].abs() ** op.p).sum(-1) ** (1 / op.p),
    "max_pool_indices": max_pool_indices,
    "max_unpool": max_unpool,
    "global_avg_pool": lambda op, p, x: x.mean(list(range(2, x.dim())), keepdim=True),
    "global_max_pool": lambda op, p, x: x.amax(list(range(2, x.dim())), keepdim=True),
    "global_lp_pool": lambda op, p, x: (x.abs() ** op.p).sum(list(range(2, x.dim())), keepdim=True) ** (1 / op.p),
    "adaptive_avg_pool": adaptive("avg"),
    "adaptive_max_pool": adaptive("max"),
    "batch_norm": batch_norm,
    "layer_norm": layer_norm,
    "group_norm": group_norm,
    "instance_norm": instance_norm,
    "rms_norm": rms_norm,
    "lrn": lrn,
    "l2_norm": lambda op, p, x: F.normalize(x, dim=axis_of(op.axis, x), eps=op.eps),
    "linear": lambda op, p, x: F.linear(x, p["weight"], p.get("bias")),
    "matmul": of(torch.matmul),
    "embedding": lambda op, p, x: p["weight"][x.long()],
    "identity": of(lambda x: x),
    "relu": of(F.relu),
    "relu6": of(F.relu6),
    "leaky_relu": lambda op, p, x: F.leaky_relu(x, op.slope),
    "prelu": lambda op, p, x: F.prelu(x, p["weight"]),
    "elu": lambda op, p, x: F.elu(x, op.alpha),
    "selu": of(F.selu),
    "gelu": lambda op, p, x: F.gelu(x, approximate=op.approximate),
    "sigmoid": of(torch.sigmoid),
    "silu": of(F.silu),
    "hard_sigmoid": of(F.hardsigmoid),
    "hard_swish": of(F.hardswish),
    "tanh": of(torch.tanh),
    "softplus": of(F.softplus),
    "softsign": of(F.softsign),
    "mish": of(F.mish),
    "step": of(lambda x: (x >= 0).to(x.dtype)),
    "softmax": lambda op, p, x: F.softmax(x, axis_of(op.axis, x)),
    "log_softmax": lambda op, p, x: F.log_softmax(x, axis_of(op.axis, x)),
    "dropout": lambda op, p, x: F.dropout(x, op.p, training=False),
    "drop_path": of(lambda x: x),
    "neg": of(torch.neg),
    "abs": of(torch.abs),
    "sign": of(torch.sign),
    "exp": of(torch.exp),
    "log": of(torch.log),
    "sqrt": of(torch.sqrt),
    "reciprocal": of(torch.reciprocal),
    "erf": of(torch.erf),
    "sin": of(torch.sin),
    "cos": of(torch.cos),
    "floor": of(torch.floor),
    "ceil": of(torch.ceil),
    "round": of(torch.round),
    "clip": lambda op, p, x: torch.clamp(x, op.low, op.high),
    "cast": lambda op, p, x: x.to(TORCH[op.dtype]),
    "add": fold(torch.add),
    "mul": fold(torch.mul),
    "max": fold(torch.maximum),
    "min": fold(torch.minimum),
    "average": lambda op, p, *x: fold(torch.add)(op, p, *x) / len(x),
    "sub": of(torch.sub),
    "div": of(torch.div),
    "pow": lambda op, p, x, *y: torch.pow(x, y[0] if y else op.exponent),
    "equal": of(torch.eq),
    "not_equal": of(torch.ne),
    "less": of(torch.lt),
    "less_equal": of(torch.le),
    "greater": of(torch.gt),
    "greater_equal": of(torch.ge),
    "logical_and": of(torch.logical_and),
    "logical_or": of(torch.logical_or),
    "logical_not": of(torch.logical_not),
    "where": of(torch.where),
    "causal_mask": causal_mask,
    "reduce_sum": reduction(torch.sum),
    "reduce_mean": reduction(torch.mean),
    "reduce_max": reduction(torch.amax),
    "reduce_min": reduction(torch.amin),
    "reduce_prod": reduction(prod),
    "reduce_l1": reduction(lambda x, axes, keep: x.abs().sum(axes, keep)),
    "reduce_l2": reduction(lambda x, axes, keep: (x * x).sum(axes, keep).sqrt()),
    "argmax": lambda op, p, x: torch.argmax(x, axis_of(op.axis, x), op.keep),
    "argmin": lambda op, p, x: torch.argmin(x, axis_of(op.axis, x), op.keep),
    "top_k": top_k,
    "cumsum": lambda op, p, x: torch.cumsum(x, axis_of(op.axis, x)),
    "flatten": lambda op, p, x: x.flatten(axis_of(op.axis, x)),
    "reshape": lambda op, p, x: x.reshape(op.to),
    "squeeze": lambda op, p, x: x.squeeze(axes_of(op.axis, x)),
    "unsqueeze": unsqueeze,
    "permute": permute,
    "transpose": lambda op, p, x: x.transpose(axis_of(op.first, x), axis_of(op.second, x)),
    "broadcast_to": lambda op, p, x: x.expand(op.to).contiguous(),
    "concat": lambda op, p, *x: torch.cat(x, axis_of(op.axis, x[0])),
    "stack": lambda op, p, *x: torch.stack(x, op.axis),
    "split": split,
    "slice": slice_,
    "select": select,
    "gather": lambda op, p, x: x.index_select(
        axis_of(op.axis, x), torch.tensor(op.indices) % x.shape[axis_of(op.axis, x)]
    ),
    "take": take,
    "reverse": lambda op, p, x: x.flip(axes_of(op.axis, x)),
    "tile": lambda op, p, x: x.tile(op.counts),
    "pad_axes": pad,
    "pad_channels": lambda op, p, x: torch.cat([x, torch.zeros(x.shape[0], op.count, *x.shape[2:])], 1),
    "crop": crop,
    "resize": resize,
    "depth_to_space": depth_to_space,
    "space_to_depth": space_to_depth,
    "constant": constant,
    "zeros": lambda op, p: torch.zeros(op.size, dtype=TORCH[op.dtype]),
    "ones": lambda op, p: torch.ones(op.size, dtype=TORCH[op.dtype]),
    "param": lambda op, p: p[""],
    "one_hot": one_hot,
}


def compute(op: Op, params: dict[str, np.ndarray], inputs: list[np.ndarray]) -> list[np.ndarray]:
    """The operator's outputs by PyTorch."""
    tensors = {slot: torch.from_numpy(value) for slot, value in params.items()}
    with torch.no_grad():
        found = REFERENCE[op.name](op, tensors, *map(torch.from_numpy, inputs))
    return [item.numpy() for item in (found if isinstance(found, tuple) else (found,))]
