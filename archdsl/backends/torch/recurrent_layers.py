"""Recurrent layers as PyTorch has them not, and what goes around those that it has. Read as text, like
``helper_layers``, and copied into the files that use them.
"""
# fmt: off

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def recurrent(
    layer: nn.RNNBase,
    x: Tensor,
    start: tuple[Tensor, ...] = (),
    lengths: Tensor | None = None,
    reverse: bool = False,
) -> tuple[Tensor, ...]:
    """Outputs and last states; both directions lie side by side on the last axis."""
    count = 2 if layer.bidirectional else 1
    given = tuple([torch.stack(s.chunk(count, 1)) for s in start])
    state = None if not given else given if isinstance(layer, nn.LSTM) else given[0]
    x = turned(x, lengths) if reverse else x
    if lengths is None:
        y, last = layer(x, state)
    else:
        rnn, steps = nn.utils.rnn, lengths.to("cpu", torch.int64)
        pack = rnn.pack_padded_sequence(x, steps, True, enforce_sorted=False)
        pack, last = layer(pack, state)
        y, _ = rnn.pad_packed_sequence(pack, True, total_length=x.shape[1])
    states = last if isinstance(last, tuple) else (last,)
    y = turned(y, lengths) if reverse else y
    return (y, *(s.transpose(0, 1).flatten(1) for s in states))


def turned(x: Tensor, lengths: Tensor | None) -> Tensor:
    """Sequences from their ends; what is behind their lengths stays where it is."""
    if lengths is None:
        return x.flip(1)
    at = torch.arange(x.shape[1], device=x.device)
    place = lengths.unsqueeze(1) - 1 - at
    return x.take_along_dim(torch.where(place < 0, at, place).unsqueeze(2), 1)


def scan(
    body: nn.Module,
    states: tuple[Tensor, ...],
    cut: tuple[Tensor, ...],
    axes: tuple[int, ...],
    held: tuple[Tensor | int | nn.Module, ...] = (),
    reverse: bool = False,
) -> tuple[Tensor, ...]:
    """The states after the last run of the body, and its results along the axis."""
    runs = list(zip(*[x.unbind(axis) for x, axis in zip(cut, axes)]))
    results, count = [], len(states)
    for pieces in reversed(runs) if reverse else runs:
        found = body(*states, *pieces, *held)
        found = found if isinstance(found, tuple) else (found,)
        states = found[:count]
        results.append(found[count:])
    stacks = zip(*(reversed(results) if reverse else results))
    return (*states, *[torch.stack(one, axes[0]) for one in stacks])


def one_bias(layer: nn.RNNBase) -> nn.RNNBase:
    """The layer with zeros for the second bias, which are no parameters."""
    for name, value in list(layer.named_parameters()):
        if name.startswith("bias_hh"):
            delattr(layer, name)
            layer.register_buffer(name, torch.zeros_like(value), persistent=False)
            setattr(layer, name, getattr(layer, name))
    return layer


class Steps(nn.Module):
    """A recurrent layer step by step, with the names of PyTorch's own."""

    gates = 1

    def __init__(
        self,
        in_features: int,
        features: int,
        biases: int,
        both: bool = False,
        projection: int = 0,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        self.features = features
        self.width = projection or features
        rows = self.gates * features
        sizes: dict[str, tuple[int, ...]] = {"weight_ih": (rows, in_features)}
        sizes["weight_hh"] = (rows, self.width)
        for name in ("bias_ih", "bias_hh")[:biases]:
            sizes[name] = (rows,)
        if projection:
            sizes["weight_hr"] = (projection, features)
        self.ends = ("_l0", "_l0_reverse") if both else ("_l0",)
        for end in self.ends:
            for name, size in {**sizes, **self.more()}.items():
                value = torch.empty(size, dtype=dtype)
                nn.init.uniform_(value, -(features**-0.5), features**-0.5)
                self.register_parameter(name + end, nn.Parameter(value))

    def more(self) -> dict[str, tuple[int, ...]]:
        return {}

    def states(self, x: Tensor) -> tuple[Tensor, ...]:
        """The state before the first step."""
        return (x.new_zeros(len(x), self.width),)

    def step(self, x: Tensor, state: tuple[Tensor, ...], end: str) -> tuple[Tensor, ...]:
        """The next state; its first tensor is the output."""
        raise NotImplementedError

    def product(self, name: str, x: Tensor, end: str) -> Tensor:
        """The product with a weight, and its bias where there is one."""
        weight: Tensor = getattr(self, f"weight_{name}{end}")
        bias: Tensor | None = getattr(self, f"bias_{name}{end}", None)
        return F.linear(x, weight, bias)

    def forward(
        self,
        x: Tensor,
        start: tuple[Tensor, ...] = (),
        lengths: Tensor | None = None,
        reverse: bool = False,
    ) -> tuple[Tensor, ...]:
        """Outputs and last states; both directions lie side by side on the last axis."""
        count, found = len(self.ends), []
        for i, end in enumerate(self.ends):
            state = tuple([s.chunk(count, 1)[i] for s in start]) or self.states(x)
            found.append(self.direction(x, state, lengths, end, reverse or i == 1))
        return tuple([torch.cat(parts, -1) for parts in zip(*found)])

    def direction(
        self,
        x: Tensor,
        state: tuple[Tensor, ...],
        lengths: Tensor | None,
        end: str,
        back: bool,
    ) -> tuple[Tensor, ...]:
        driven = list(enumerate(self.product("ih", x, end).unbind(1)))
        outputs = []
        for t, one in driven[::-1] if back else driven:
            new = self.step(one, state, end)
            output = new[0]
            if lengths is not None:
                live = (t < lengths).unsqueeze(1)
                output = torch.where(live, output, torch.zeros_like(output))
                new = tuple([torch.where(live, a, b) for a, b in zip(new, state)])
            outputs.append(output)
            state = new
        return (torch.stack(outputs[::-1] if back else outputs, 1), *state)


class GruResetBefore(Steps):
    """Gated recurrent units that reset the state before its product (arXiv:1406.1078)."""

    gates = 3

    def step(self, x: Tensor, state: tuple[Tensor, ...], end: str) -> tuple[Tensor, ...]:
        (h,) = state
        weight: Tensor = getattr(self, f"weight_hh{end}")
        bias: Tensor | None = getattr(self, f"bias_hh{end}", None)
        rows = 2 * self.features
        first = None if bias is None else bias[:rows]
        last = None if bias is None else bias[rows:]
        gates = torch.sigmoid(x[:, :rows] + F.linear(h, weight[:rows], first))
        r, z = gates.chunk(2, 1)
        n = torch.tanh(x[:, rows:] + F.linear(r * h, weight[rows:], last))
        return ((1 - z) * n + z * h,)


class PeepholeLstm(Steps):
    """Long short-term memory of which the gates see the cell (Gers 2000)."""

    gates = 4

    def more(self) -> dict[str, tuple[int, ...]]:
        return {"weight_ch": (3 * self.features,)}

    def states(self, x: Tensor) -> tuple[Tensor, ...]:
        return x.new_zeros(len(x), self.width), x.new_zeros(len(x), self.features)

    def step(self, x: Tensor, state: tuple[Tensor, ...], end: str) -> tuple[Tensor, ...]:
        h, c = state
        i, f, g, o = (x + self.product("hh", h, end)).chunk(4, 1)
        in_, forget, out = getattr(self, f"weight_ch{end}").chunk(3)
        c, old = torch.sigmoid(f + forget * c) * c, c
        c = c + torch.sigmoid(i + in_ * old) * torch.tanh(g)
        h = torch.sigmoid(o + out * c) * torch.tanh(c)
        return (self.product("hr", h, end) if self.width != self.features else h), c
