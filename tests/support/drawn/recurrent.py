"""Recurrent layers by their equations: one sequence, one step at a time, over its length alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from drawn import Case, Draw, operator
from drawn.words import Parameters

Step = Callable[[Any, Parameters, Tensor, tuple[Tensor, ...]], tuple[Tensor, ...]]


def layer(step: Step, states: int) -> Callable[..., Any]:
    """The layer of a step, which gives the next state, the output first."""

    def reference(op: Any, p: Parameters, x: Tensor, *others: Tensor) -> Any:
        given, rest = others[: states if op.start else 0], others[states if op.start else 0 :]
        lengths = [int(n) for n in rest[0]] if rest else [x.shape[1]] * len(x)
        found = []
        for end in ("_l0", "_l0_reverse") if op.both else ("_l0",):
            own = {name.removesuffix(end): value for name, value in p.items() if name.endswith(end)}
            first = {"_l0": 0, "_l0_reverse": 1}[end]
            start = [one.chunk(2 if op.both else 1, 1)[first] for one in given] or zeros(own, x, states)
            found.append(direction(op, own, step, x, start, lengths, op.reverse or first == 1))
        results = tuple(torch.cat(parts, -1) for parts in zip(*found))
        return results if op.final else results[0]

    return reference


def zeros(p: Parameters, x: Tensor, states: int) -> list[Tensor]:
    """h, and the c of an lstm, which may be wider."""
    units = p["weight_hr"].shape[1] if "weight_hr" in p else p["weight_hh"].shape[1]
    return [x.new_zeros(len(x), size) for size in (p["weight_hh"].shape[1], units)[:states]]


def direction(
    op: Any, p: Parameters, step: Step, x: Tensor, start: list[Tensor], lengths: list[int], back: bool
) -> list[Tensor]:
    outputs = x.new_zeros(*x.shape[:2], p["weight_hh"].shape[1])
    last = []
    for n, length in enumerate(lengths):
        state = tuple(one[n] for one in start)
        for t in reversed(range(length)) if back else range(length):
            state = step(op, p, x[n, t], state)
            outputs[n, t] = state[0]
        last.append(state)
    return [outputs, *(torch.stack(parts) for parts in zip(*last))]


def products(p: Parameters, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
    """Of the input and of the state, with their biases."""
    zero = x.new_zeros(())
    return p["weight_ih"] @ x + p.get("bias_ih", zero), p["weight_hh"] @ h + p.get("bias_hh", zero)


def elman(op: Any, p: Parameters, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    total = sum(products(p, x, state[0]), x.new_zeros(()))
    return (total.tanh() if op.activation == "tanh" else total.relu(),)


def gated(op: Any, p: Parameters, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    (h,) = state
    (r, z, n), (s, u, m) = (whole.chunk(3) for whole in products(p, x, h))
    r, z = (r + s).sigmoid(), (z + u).sigmoid()
    if op.reset == "before":
        m = products(p, x, r * h)[1].chunk(3)[2]
        return ((1 - z) * (n + m).tanh() + z * h,)
    return ((1 - z) * (n + r * m).tanh() + z * h,)


def long(op: Any, p: Parameters, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    h, c = state
    i, f, g, o = sum(products(p, x, h), x.new_zeros(())).chunk(4)
    pi, pf, po = p["weight_ch"].chunk(3) if op.peephole else [x.new_zeros(())] * 3
    new = (f + pf * c).sigmoid() * c + (i + pi * c).sigmoid() * g.tanh()
    h = (o + po * new).sigmoid() * new.tanh()
    return (p["weight_hr"] @ h if op.projection else h), new


def drawn(draw: Draw, arguments: dict[str, Any], *widths: int) -> Case:
    """A case of a layer whose state has these features in a direction."""
    n, steps, inputs = draw.whole(1, 3), draw.whole(1, 5), draw.whole(1, 4)
    way = draw.one("forward", "reverse", "both")
    arguments |= {"both": way == "both", "reverse": way == "reverse"}
    arguments |= {"bias": draw.one("two", "one", "none"), "final": draw.flag()}
    tensors: list[np.ndarray] = [draw.array([n, steps, inputs], low=-1.0, high=1.0)]
    if draw.flag():
        arguments["start"] = len(widths)
        tensors += [draw.array([n, width * (1 + (way == "both"))], low=-1.0, high=1.0) for width in widths]
    if draw.flag():
        arguments["lengths"] = 1
        tensors.append(draw.array([n], draw.one("i64", "i32"), 1, steps))
    free = () if n in (*tensors[0].shape[1:], *(size for one in tensors[1:] for size in one.shape[1:])) else (0,)
    return Case(arguments, tensors, draw.one((), free))


@operator("rnn", layer(elman, 1))
def rnn(draw: Draw) -> Case:
    features = draw.whole(2, 4)
    return drawn(draw, {"features": features, "activation": draw.one("tanh", "relu")}, features)


@operator("gru", layer(gated, 1))
def gru(draw: Draw) -> Case:
    features = draw.whole(2, 4)
    return drawn(draw, {"features": features, "reset": draw.one("after", "before")}, features)


@operator("lstm", layer(long, 2))
def lstm(draw: Draw) -> Case:
    features, projection = draw.whole(2, 4), draw.one(None, None, 1, 3)
    if projection is not None and projection >= features:  # which PyTorch does not take
        projection = None
    arguments = {"features": features, "peephole": draw.flag(), "projection": projection}
    return drawn(draw, arguments, projection or features, features)
