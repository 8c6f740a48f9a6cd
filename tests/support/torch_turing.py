"""The neural Turing machine of PyTorch's parts, from arXiv:1410.5401, section 3, equation by equation."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from torch_scans import put


class Turing(nn.Module):
    """One head that reads and one that writes, both where the memory of the step before says; an LSTM with one bias a gate
    in front of them, which reads what was read. The memory begins at 1e-6 (arXiv:1807.08518), what was read at 0, and where
    the heads stand is learned.

    ``machine.cell.{ih,hh}`` (``hh`` without bias), ``machine.{reader,writer}`` (key, strength, gate, three
    shifts, sharpness; then for the writer what is erased and what is added), ``reader_start``, ``writer_start``,
    ``machine.head``.
    """

    def __init__(self, inputs: int, outputs: int, d: int, rows: int, width: int) -> None:
        super().__init__()
        self.rows, self.width, self.d = rows, width, d
        put(self, "machine.cell.ih", nn.Linear(inputs + width, 4 * d))
        put(self, "machine.cell.hh", nn.Linear(d, 4 * d, bias=False))
        put(self, "machine.reader", nn.Linear(d, width + 6))
        put(self, "machine.writer", nn.Linear(d, 3 * width + 6))
        put(self, "machine.head", nn.Linear(d + width, outputs))
        put(self, "reader_start", nn.Parameter(torch.zeros(1, rows)))
        put(self, "writer_start", nn.Parameter(torch.zeros(1, rows)))

    def address(self, told: Tensor, memory: Tensor, before: Tensor) -> Tensor:
        key, strength, gate, shift, sharp = told.split([self.width, 1, 1, 3, 1], 1)
        alike = (memory @ key[:, :, None])[..., 0]  # equation 6: the cosine
        alike = alike / (memory.square().sum(2).sqrt() * key.square().sum(1, keepdim=True).sqrt())
        content = torch.softmax(F.softplus(strength) * alike, 1)  # equation 5
        gate = torch.sigmoid(gate)
        mixed = gate * content + (1 - gate) * before  # equation 7
        s = torch.softmax(shift, 1)
        moved = sum(s[:, j + 1, None] * mixed.roll(j, 1) for j in (-1, 0, 1))  # equation 8
        power = moved ** (1 + F.softplus(sharp))
        return power / power.sum(1, keepdim=True)  # equation 9

    def forward(self, x: Tensor) -> Tensor:
        of = self.get_submodule
        n = len(x)
        memory = x.new_full((n, self.rows, self.width), 1e-6)
        read, h, c = x.new_zeros(n, self.width), x.new_zeros(n, self.d), x.new_zeros(n, self.d)
        r, w = (torch.softmax(start, 1).expand(n, -1) for start in (self.reader_start, self.writer_start))
        found = []
        for t in range(x.shape[1]):
            gates = of("machine.cell.ih")(torch.cat([x[:, t], read], 1)) + of("machine.cell.hh")(h)
            i, f, g, o = gates.chunk(4, 1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            r = self.address(of("machine.reader")(h), memory, r)
            told, erased, added = of("machine.writer")(h).split([self.width + 6, self.width, self.width], 1)
            w = self.address(told, memory, w)
            read = (r[:, None] @ memory)[:, 0]  # equation 2
            memory = memory * (1 - w[:, :, None] * torch.sigmoid(erased)[:, None])  # equation 3
            memory = memory + w[:, :, None] * added[:, None]  # equation 4
            found.append(of("machine.head")(torch.cat([h, read], 1)))
        return torch.stack(found, 1)
