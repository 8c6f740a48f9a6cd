"""Drawn terms of layers and combinators: as text in the language, and what PyTorch makes of the same.

A term takes its parameters from the network's, one layer after the other in the order of the text; that order and
what the combinators do to the flow are stated here a second time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import reduce

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from drawn import Draw

Parameters = Iterator[Tensor]


@dataclass(frozen=True)
class Term:
    """A block on maps: its text, its output channels, and its function of the flow and the parameters left."""

    text: str
    channels: int
    run: Callable[[Tensor, Parameters], Tensor]


JOINS: dict[str, Callable[[list[Tensor]], Tensor]] = {
    "add": lambda x: reduce(torch.add, x),
    "mul": lambda x: reduce(torch.mul, x),
    "max": lambda x: reduce(torch.maximum, x),
    "min": lambda x: reduce(torch.minimum, x),
    "average": lambda x: torch.stack(x).mean(0),
    "concat": lambda x: torch.cat(x, 1),
}
PAIRS: dict[str, Callable[[list[Tensor]], Tensor]] = {
    "sub": lambda x: x[0] - x[1],
    "{ in[0] * sigmoid(in[1]) }": lambda x: x[0] * torch.sigmoid(x[1]),
}
"""Joins that tell the sides apart."""


def conv(draw: Draw, channels: int) -> Term:
    kernel, bias = draw.one(1, 3), draw.flag()
    text = f"conv({channels}, {kernel}{'' if bias else ', bias = false'})"

    def run(x: Tensor, parameters: Parameters) -> Tensor:
        weight = next(parameters)
        return F.conv2d(x, weight, next(parameters) if bias else None, padding=kernel // 2)

    return Term(text, channels, run)


def batch_norm(x: Tensor, parameters: Parameters) -> Tensor:
    weight, bias, mean, var = (next(parameters) for _ in range(4))
    return F.batch_norm(x, mean, var, weight, bias)


def layer(draw: Draw, channels: int) -> Term:
    """One operator; half of the time a convolution, to any number of channels."""
    kind = draw.one("conv", "conv", "conv", "batch_norm", "relu", "identity")
    if kind == "conv":
        return conv(draw, draw.whole(1, 4))
    functions = {"batch_norm": batch_norm, "relu": lambda x, _: F.relu(x), "identity": lambda x, _: x}
    return Term(kind, channels, functions[kind])


def term(draw: Draw, channels: int, depth: int) -> Term:
    """A layer, or a combinator of terms."""
    kind = draw.one("layer", *COMBINATORS) if depth else "layer"
    return layer(draw, channels) if kind == "layer" else COMBINATORS[kind](draw, channels, depth)


def chain(draw: Draw, channels: int, depth: int) -> Term:
    """One term or several, one after the other."""
    terms = [term(draw, channels, depth)]
    for _ in range(draw.whole(0, 2)):
        terms.append(term(draw, terms[-1].channels, depth))
    return after(*terms)


def after(*terms: Term) -> Term:
    def run(x: Tensor, parameters: Parameters) -> Tensor:
        for one in terms:
            x = one.run(x, parameters)
        return x

    return Term(" -> ".join(one.text for one in terms), terms[-1].channels, run)


def to(draw: Draw, body: Term, channels: int) -> Term:
    """The same with that many channels."""
    return body if body.channels == channels else after(body, conv(draw, channels))


def seq(draw: Draw, channels: int, depth: int) -> Term:
    body = chain(draw, channels, depth - 1)
    times = draw.one(1, 1, 2, 3)
    if times == 1:
        return Term(f"seq {{ {body.text} }}", body.channels, body.run)
    body = to(draw, body, channels)
    return Term(f"seq {{ repeat {times} {{ {body.text} }} }}", channels, after(*[body] * times).run)


def residual(draw: Draw, channels: int, depth: int) -> Term:
    """``join(body * scale, shortcut)``; the body's parameters come first."""
    body = chain(draw, channels, depth - 1)
    join = draw.one(None, *JOINS, *PAIRS)
    arguments, shortcut = [f"join = {join}"] if join else [], Term("identity", channels, lambda x, _: x)
    if draw.flag() or (join != "concat" and body.channels != channels):
        shortcut = conv(draw, body.channels)
        arguments.append(f"shortcut = {shortcut.text}")
    scale = draw.one(1.0, 0.5, -2.0)
    if scale != 1:
        arguments.append(f"scale = {scale}")
    if draw.flag():
        arguments.append("drop_path = 0.3")  # of no consequence at inference

    def run(x: Tensor, parameters: Parameters) -> Tensor:
        left = body.run(x, parameters) * scale
        return {**JOINS, **PAIRS}[join or "add"]([left, shortcut.run(x, parameters)])

    made = body.channels + (shortcut.channels if join == "concat" else 0)
    return Term(f"residual({', '.join(arguments)}) {{ {body.text} }}", made, run)


def parallel(draw: Draw, channels: int, depth: int) -> Term:
    """Every branch gets the flow, or its part of a tuple; the branches' results are joined in order."""
    dealt = channels % 2 == 0 and draw.flag()
    join = draw.one(*JOINS, *PAIRS, "tuple", "stack")
    count = 2 if dealt or join in PAIRS else draw.whole(1, 3)
    bodies = [chain(draw, channels // 2 if dealt else channels, depth - 1) for _ in range(count)]
    if join not in ("concat", "tuple"):
        bodies = [to(draw, body, bodies[0].channels) for body in bodies]
    branches = " ".join(f"| {body.text}" for body in bodies)
    text = f"{'split(2) -> ' if dealt else ''}parallel({join}) {{ {branches} }}"
    finish = {"tuple": " -> concat", "stack": " -> reduce_sum(axis = 1)"}.get(join, "")
    function = {"tuple": JOINS["concat"], "stack": JOINS["add"], **JOINS, **PAIRS}[join]

    def run(x: Tensor, parameters: Parameters) -> Tensor:
        parts = torch.chunk(x, 2, 1) if dealt else [x] * count
        return function([body.run(part, parameters) for body, part in zip(bodies, parts)])

    made = sum(body.channels for body in bodies) if join in ("concat", "tuple") else bodies[0].channels
    return Term(text + finish, made, run)


def dense(draw: Draw, channels: int, depth: int) -> Term:
    """Each application sees the join of the input and all outputs before."""
    count, join = draw.whole(0, 3), draw.one("concat", "concat", "add", "max", "average")
    growth = draw.whole(1, 3) if join == "concat" else channels
    body = conv(draw, growth)
    if draw.flag():
        body = after(Term("batch_norm", channels, batch_norm), Term("relu", channels, lambda x, _: F.relu(x)), body)

    def run(x: Tensor, parameters: Parameters) -> Tensor:
        found = [x]
        for _ in range(count):
            found.append(body.run(JOINS[join](found), parameters))
        return JOINS[join](found) if count else x

    argument = "" if join == "concat" else f", join = {join}"
    made = channels + count * growth if join == "concat" else channels
    return Term(f"dense({count}{argument}) {{ {body.text} }}", made, run)


COMBINATORS: dict[str, Callable[[Draw, int, int], Term]] = {
    "seq": seq, "residual": residual, "parallel": parallel, "dense": dense,
}  # fmt: skip
