"""Zeiler's visualisation of features (arXiv:1311.2901, section 2.1) as a gradient: another principle than the zoo's, which writes
the way back out.

PyTorch differentiates the convolutions, so that nobody says what their transposed filters are; what has other rules on the
way back than calculus has them as a function: ReLU rectifies what comes, a pooling puts it where the maximum was, and response
normalisation hands it on. `convs.{0..4}`; `c` is 32.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from torch.autograd import Function


class Rectified(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.relu()

    @staticmethod
    def backward(ctx: Any, come: Tensor) -> Tensor:
        return come.relu()


class Pooled(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        y, places = F.max_pool2d(x, 3, 2, 1, return_indices=True)
        ctx.save_for_backward(places)
        ctx.size = x.shape[2:]
        return y

    @staticmethod
    def backward(ctx: Any, come: Tensor) -> Tensor:
        return F.max_unpool2d(come, *ctx.saved_tensors, 3, 2, 1, ctx.size)


class Normalised(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return F.local_response_norm(x, 5, 5e-4, 0.75, 2)

    @staticmethod
    def backward(ctx: Any, come: Tensor) -> Tensor:
        return come


class Visualiser(nn.Module):
    """Pictures [N, 3, H, W] and which features of the fifth layer count, to pixels."""

    def __init__(self, c: int = 32) -> None:
        super().__init__()
        widths, settings = (
            [3, 3 * c, 8 * c, 12 * c, 12 * c, 8 * c],
            ((7, 2, 1), (5, 2, 0), (3, 1, 1), (3, 1, 1), (3, 1, 1)),
        )
        pairs = zip(widths, widths[1:], settings, strict=False)
        self.convs = nn.ModuleList([nn.Conv2d(a, b, *kernel) for a, b, kernel in pairs])

    def forward(self, image: Tensor, seen: Tensor) -> Tensor:
        with torch.enable_grad():
            start = image.detach().requires_grad_()
            x = start.clone()  # the counter of operations wants no leaf
            for i, conv in enumerate(self.convs):
                x = Rectified.apply(conv(x))
                if i < 2:
                    x = Normalised.apply(Pooled.apply(x))
            (pixels,) = torch.autograd.grad(x, start, (x * seen).detach())
        return pixels.detach()
