"""Attention, row by row of the scores: what each query sees, and the mean of the values there."""

from __future__ import annotations

import torch
from torch import Tensor

from archdsl.ops.base import Op
from drawn import Case, Draw, operator
from drawn.words import Parameters


def looked_at(op: Op, p: Parameters, q: Tensor, k: Tensor, v: Tensor, *masks: Tensor) -> Tensor:
    """The formula for every query and head by itself, without PyTorch's own attention."""
    (n, heads, rows, features), keys = q.shape, k.shape[2]
    found = q.new_zeros(n, heads, rows, v.shape[3])
    scale = features**-0.5 if op.scale is None else op.scale
    mask = (masks[0] if masks else torch.ones((), dtype=torch.bool)).expand(n, heads, rows, keys)
    for head in range(heads):
        theirs = head // (heads // k.shape[1])
        for row in range(rows):
            distance = row + keys - rows - torch.arange(keys)
            seen = torch.ones(n, keys, dtype=torch.bool)
            if op.causal:
                seen = seen & (distance >= 0)
            if op.sliding_window is not None:
                seen = seen & (distance.abs() < op.sliding_window)
            scores = torch.einsum("ne,nse->ns", q[:, head, row], k[:, theirs]) * scale
            if op.softcap is not None:
                scores = op.softcap * torch.tanh(scores / op.softcap)
            if mask.dtype == torch.bool:
                seen = seen & mask[:, head, row]
            else:
                scores = scores + mask[:, head, row]
            weights = torch.where(seen, scores.exp(), torch.zeros(()))
            total = weights.sum(-1, keepdim=True)
            weights = torch.where(total > 0, weights / total, torch.zeros(()))
            found[:, head, row] = torch.einsum("ns,nsg->ng", weights, v[:, theirs])
    return found


@operator("attend", looked_at)
def attend(draw: Draw) -> Case:
    n, shared, groups, features, wide = draw.whole(1, 2), *(draw.whole(1, 3) for _ in range(4))
    rows, past = draw.whole(1, 5), draw.one(0, 0, 1, 3)
    dtype = draw.one("f32", "f32", "f64")
    heads, keys = shared * groups, rows + past
    q = draw.array([n, heads, rows, features], dtype, -2.0, 2.0)
    k = draw.array([n, shared, keys, features], dtype, -2.0, 2.0)
    v = draw.array([n, shared, keys, wide], dtype)
    arguments = {
        "causal": draw.flag(),
        "scale": draw.one(None, 0.5, 1.0),
        "sliding_window": draw.one(None, None, 1, 2, 4),
        "softcap": draw.one(None, None, 1.5),
    }
    if draw.flag():
        shape = [draw.one(size, 1) for size in (n, heads, rows, keys)][draw.whole(0, 3) :]
        return Case({**arguments, "mask": 1}, [q, k, v, draw.array(shape, draw.one("bool", dtype))])
    return Case(arguments, [q, k, v], (0, 2) if draw.flag() else ())
