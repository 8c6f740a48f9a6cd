"""WaveNet (arXiv:1609.03499) and the temporal convolutional network (arXiv:1803.01271), written from their papers.

WaveNet: section 2.3 and figure 4, `causal`, `layers.{i}.filter/gate/residual/skip`, `end.0/1`; 10 dilations of 1 to 512,
three times, 64 channels, 256 to the skips, 256 values of a sample. Temporal network: figure 1 under the names of the
authors' code, `tcn.network.{i}.conv1/conv2/downsample` with `weight_g`, `weight_v`, and `linear`; 8 levels of 25 channels,
kernel 7, 10 classes.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn


def causal(conv: nn.Conv1d, x: Tensor) -> Tensor:
    """Zeros in front, as many as the kernel reaches back."""
    return conv(F.pad(x, ((conv.kernel_size[0] - 1) * conv.dilation[0], 0)))


class GatedLayer(nn.Module):
    def __init__(self, channels: int, skips: int, kernel: int, dilation: int, last: bool) -> None:
        super().__init__()
        self.filter = nn.Conv1d(channels, channels, kernel, dilation=dilation)
        self.gate = nn.Conv1d(channels, channels, kernel, dilation=dilation)
        self.skip = nn.Conv1d(channels, skips, 1)
        self.residual = None if last else nn.Conv1d(channels, channels, 1)  # nobody reads what the last adds

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        z = torch.tanh(causal(self.filter, x)) * torch.sigmoid(causal(self.gate, x))
        return (x if self.residual is None else x + self.residual(z)), self.skip(z)


class WaveNet(nn.Module):
    """Samples as one-hot vectors [N, values, T] to the logits of the next ones, [N, values, T]."""

    def __init__(
        self, channels: int = 64, skips: int = 256, values: int = 256, dilations: int = 10, times: int = 3,
        kernel: int = 2,
    ) -> None:  # fmt: skip
        super().__init__()
        self.causal = nn.Conv1d(values, channels, kernel)
        reach = [2**i for _ in range(times) for i in range(dilations)]
        self.layers = nn.ModuleList(
            [GatedLayer(channels, skips, kernel, d, i == len(reach) - 1) for i, d in enumerate(reach)]
        )
        self.end = nn.ModuleList([nn.Conv1d(skips, skips, 1), nn.Conv1d(skips, values, 1)])

    def forward(self, x: Tensor) -> Tensor:
        x, total = causal(self.causal, x), torch.zeros(())
        for layer in self.layers:
            x, skip = layer(x)
            total = total + skip
        return self.end[1](F.relu(self.end[0](F.relu(total))))


class NormalizedConv(nn.Module):
    """A causal convolution whose weight is `weight_g` times the direction of `weight_v` (arXiv:1602.07868)."""

    def __init__(self, inputs: int, outputs: int, kernel: int, dilation: int) -> None:
        super().__init__()
        self.weight_g = nn.Parameter(torch.ones(outputs, 1, 1))
        self.weight_v = nn.Parameter(torch.randn(outputs, inputs, kernel))
        self.bias, self.dilation = nn.Parameter(torch.zeros(outputs)), dilation

    def forward(self, x: Tensor) -> Tensor:
        length = self.weight_v.square().sum((1, 2), keepdim=True).sqrt()
        x = F.pad(x, ((self.weight_v.shape[2] - 1) * self.dilation, 0))
        return F.conv1d(x, self.weight_g * self.weight_v / length, self.bias, dilation=self.dilation)


class TemporalBlock(nn.Module):
    def __init__(self, inputs: int, outputs: int, kernel: int, dilation: int) -> None:
        super().__init__()
        self.conv1 = NormalizedConv(inputs, outputs, kernel, dilation)
        self.conv2 = NormalizedConv(outputs, outputs, kernel, dilation)
        self.downsample = nn.Conv1d(inputs, outputs, 1) if inputs != outputs else None

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.conv2(F.relu(self.conv1(x))))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class Levels(nn.Module):
    def __init__(self, inputs: int, widths: Sequence[int], kernel: int) -> None:
        super().__init__()
        ends = zip([inputs, *widths], widths, strict=False)
        self.network = nn.Sequential(*[TemporalBlock(a, b, kernel, 2**i) for i, (a, b) in enumerate(ends)])


class TemporalNet(nn.Module):
    """[N, inputs, T] to the logits that the last position gives, [N, classes] (the sequential MNIST of section 5)."""

    def __init__(self, inputs: int = 1, classes: int = 10, widths: Sequence[int] = (25,) * 8, kernel: int = 7) -> None:
        super().__init__()
        self.tcn, self.linear = Levels(inputs, widths, kernel), nn.Linear(widths[-1], classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(self.tcn.network(x)[:, :, -1])
