"""ConvLSTM and RNNsearch of PyTorch's parts, from the equations of their papers, under the zoo's paths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn


def put(root: nn.Module, path: str, part: nn.Module | nn.Parameter) -> None:
    """Below ``root``, with empty modules on the way."""
    *above, name = path.split(".")
    for one in above:
        if one not in root._modules:
            root.add_module(one, nn.Module())
        root = root.get_submodule(one)
    setattr(root, name, part)


class ConvLstm(nn.Module):
    """Equation 3 of arXiv:1506.04214, one convolution a gate, in the order i, f, c, o."""

    def __init__(self, inputs: int, c: int, entering: int, k: int) -> None:
        super().__init__()
        self.c, self.inputs = c, inputs
        put(self, "recurrent", nn.Conv2d(c, 4 * c, k, padding=k // 2))
        if inputs:
            put(self, "sums.conv", nn.Conv2d(inputs, 4 * c, entering, padding=entering // 2, bias=False))
        for name in ("ci", "cf", "co"):
            put(self, name, nn.Parameter(torch.zeros(c, 1, 1)))

    def gate(self, n: int, x: Tensor | None, h: Tensor) -> Tensor:
        """W_x * X + W_h * H + b of gate ``n``."""
        rows = slice(n * self.c, (n + 1) * self.c)
        own = self.recurrent
        found = F.conv2d(h, own.weight[rows], own.bias[rows], padding=own.padding)
        if x is None:
            return found
        conv = self.sums.conv
        return found + F.conv2d(x, conv.weight[rows], padding=conv.padding)

    def forward(self, x: Tensor | None, h: Tensor, m: Tensor, steps: int) -> tuple[list[Tensor], Tensor, Tensor]:
        found = []
        for t in range(steps):
            now = x[:, t] if x is not None else None
            i = torch.sigmoid(self.gate(0, now, h) + self.ci * m)
            f = torch.sigmoid(self.gate(1, now, h) + self.cf * m)
            m = f * m + i * torch.tanh(self.gate(2, now, h))
            # `h` of the step before goes into the gate of the output; its cell is the new one
            h = torch.sigmoid(self.gate(3, now, h) + self.co * m) * torch.tanh(m)
            found.append(h)
        return found, h, m


class ConvLstmNetwork(nn.Module):
    """Figure 3: an encoder, whose last states begin the forecaster, and a 1x1 over all of its maps."""

    def __init__(self, widths: Sequence[int], entering: int, k: int, patch: int) -> None:
        super().__init__()
        self.patch, self.count = patch, len(widths)
        for side in ("encoder", "forecaster"):
            before = patch * patch if side == "encoder" else 0
            for i, c in enumerate(widths):
                put(self, f"{side}.{i}.conv_lstm", ConvLstm(before, c, entering, k))
                before = c
        put(self, "head.conv", nn.Conv2d(sum(widths), patch * patch, 1))

    def cut(self, frame: Tensor) -> Tensor:
        """Patches of a frame, row by row, as channels."""
        p = self.patch
        rows = [frame[:, 0, i::p, j::p] for i in range(p) for j in range(p)]
        return torch.stack(rows, 1)

    def forward(self, video: Tensor) -> Tensor:
        steps = video.shape[1]
        flow = torch.stack([self.cut(video[:, t]) for t in range(steps)], 1)
        states = []
        for i in range(self.count):
            layer: Any = self.get_submodule(f"encoder.{i}.conv_lstm")
            empty = flow.new_zeros(len(flow), layer.c, *flow.shape[3:])
            found, *last = layer(flow, empty, empty, steps)
            flow = torch.stack(found, 1)
            states.append(last)
        maps: list[list[Tensor]] = []
        for i in range(self.count):
            layer = self.get_submodule(f"forecaster.{i}.conv_lstm")
            maps.append(layer(torch.stack(maps[-1], 1) if maps else None, *states[i], steps)[0])
        frames = []
        for now in zip(*maps):
            scores = torch.sigmoid(self.head.conv(torch.cat(now, 1)))
            frame = scores.new_zeros(len(scores), 1, *(self.patch * n for n in scores.shape[2:]))
            for at in range(self.patch**2):
                i, j = divmod(at, self.patch)
                frame[:, 0, i :: self.patch, j :: self.patch] = scores[:, at]
            frames.append(frame)
        return torch.stack(frames, 1)


class Reader(nn.Module):
    """Gated units that reset a state in front of its product (arXiv:1406.1078), from both ends; rows r, z, n."""

    def __init__(self, inputs: int, d: int) -> None:
        super().__init__()
        self.d = d
        for end in ("", "_reverse"):
            put(self, f"weight_ih_l0{end}", nn.Parameter(torch.zeros(3 * d, inputs)))
            put(self, f"weight_hh_l0{end}", nn.Parameter(torch.zeros(3 * d, d)))
            put(self, f"bias_ih_l0{end}", nn.Parameter(torch.zeros(3 * d)))

    def forward(self, x: Tensor) -> Tensor:
        ways = []
        for end in ("", "_reverse"):
            (w, u, b) = (getattr(self, f"{name}_l0{end}") for name in ("weight_ih", "weight_hh", "bias_ih"))
            h, found = x.new_zeros(len(x), self.d), []
            order = range(x.shape[1])
            for t in reversed(order) if end else order:
                r, z, n = F.linear(x[:, t], w, b).chunk(3, 1)
                ur, uz, un = u.chunk(3)
                r, z = torch.sigmoid(r + F.linear(h, ur)), torch.sigmoid(z + F.linear(h, uz))
                h = z * h + (1 - z) * torch.tanh(n + F.linear(r * h, un))
                found.append(h)
            ways.append(torch.stack(found[::-1] if end else found, 1))
        return torch.cat(ways, 2)


class RnnSearch(nn.Module):
    """Appendix A of arXiv:1409.0473. Its z is 1 - z here, and its pairs of maxout are halves: orders of weights."""

    def __init__(self, d: int, m: int, l: int, words: int) -> None:  # noqa: E741
        super().__init__()
        put(self, "annotations.embedding", nn.Embedding(words, m))
        put(self, "annotations.gru", Reader(m, d))
        put(self, "embedding", nn.Embedding(words, m))
        sizes = {
            "keys": (2 * d, d), "start.linear": (d, d), "decoder.query.linear": (d, d), "decoder.align.linear": (d, 1),
            "decoder.cell.gru_cell.ih": (m + 2 * d, 3 * d), "decoder.cell.gru_cell.hh": (d, 2 * d),
            "decoder.cell.gru_cell.hn": (d, d), "decoder.maxout.linear": (d + m + 2 * d, 2 * l),
            "decoder.word": (l, words),
        }  # fmt: skip
        for path, (inputs, outputs) in sizes.items():
            put(self, path, nn.Linear(inputs, outputs, bias=False))

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        of: Any = self.get_submodule
        h = of("annotations.gru")(of("annotations.embedding")(source))
        s = torch.tanh(of("start.linear")(h[:, 0, h.shape[2] // 2 :]))
        keys, words, found = of("keys")(h), of("embedding")(target), []
        for i in range(target.shape[1]):
            y = words[:, i]
            e = of("decoder.align.linear")(torch.tanh(of("decoder.query.linear")(s)[:, None] + keys))
            share = e.exp() / e.exp().sum(1, keepdim=True)
            c = (share * h).sum(1)
            a, b, n = of("decoder.cell.gru_cell.ih")(torch.cat([y, c], 1)).chunk(3, 1)
            u, v = of("decoder.cell.gru_cell.hh")(s).chunk(2, 1)
            t = of("decoder.maxout.linear")(torch.cat([s, y, c], 1))
            r, z = torch.sigmoid(a + u), torch.sigmoid(b + v)
            s = z * s + (1 - z) * torch.tanh(n + of("decoder.cell.gru_cell.hn")(r * s))
            first, second = t.chunk(2, 1)
            found.append(of("decoder.word")(torch.maximum(first, second)))
        return torch.stack(found, 1)
