"""DCGAN (arXiv:1511.06434), StyleGAN2's synthesis (arXiv:1912.04958) and VQ-VAE (arXiv:1711.00937), from their papers.

DCGAN: 64 x 64, 4 x 4 kernels, under the names of PyTorch's example (`main.{i}`), width 64, 100 random numbers. StyleGAN2:
configuration F under the names of NVIDIA's stylegan2-ada-pytorch (`b4.const`, `b8.conv0`, `b8.torgb`, each with `affine`),
styles [N, layers + 1, 512], 256 x 256. VQ-VAE: section 4.1, `encoder.0/1`, `encoder.2/3.conv1/conv2`, `before`, `codebook`,
`after`, `decoder.0/1.conv1/conv2`, `decoder.2/3`; 256 channels, 512 codes of 64, 128 x 128.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn


class Generator(nn.Module):
    """Random numbers [N, z, 1, 1] to pictures [N, 3, 64, 64] between -1 and 1."""

    def __init__(self, width: int = 64, z: int = 100, colours: int = 3) -> None:
        super().__init__()
        widths, parts = [8 * width, 4 * width, 2 * width, width], []
        for i, (a, b) in enumerate(zip([z, *widths], widths, strict=False)):
            parts += [
                nn.ConvTranspose2d(a, b, 4, 2 if i else 1, 1 if i else 0, bias=False),
                nn.BatchNorm2d(b),
                nn.ReLU(),
            ]
        self.main = nn.Sequential(*parts, nn.ConvTranspose2d(width, colours, 4, 2, 1, bias=False), nn.Tanh())

    def forward(self, x: Tensor) -> Tensor:
        return self.main(x)


class Discriminator(nn.Module):
    """Pictures [N, 3, 64, 64] to the probability that they are real, [N]; no norm on the input and the output."""

    def __init__(self, width: int = 64, colours: int = 3) -> None:
        super().__init__()
        widths, parts = [width, 2 * width, 4 * width, 8 * width], list[nn.Module]()
        for a, b in zip([colours, *widths], widths, strict=False):
            parts.append(nn.Conv2d(a, b, 4, 2, 1, bias=False))
            parts += [nn.BatchNorm2d(b)] * (b > width) + [nn.LeakyReLU(0.2)]
        self.main = nn.Sequential(*parts, nn.Conv2d(8 * width, 1, 4, bias=False), nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        return self.main(x).flatten()


class Affine(nn.Module):
    """A linear layer whose weight is scaled to variance 1 / inputs when it runs ("equalized")."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.randn(outputs, inputs)), nn.Parameter(torch.ones(outputs))

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight * self.weight.shape[1] ** -0.5, self.bias)


def blurred(x: Tensor, low: int, high: int) -> Tensor:
    """Each channel with [1, 3, 3, 1] along both axes, and a gain of 4: what stands between zeros is interpolated."""
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0], dtype=x.dtype, device=x.device) / 4
    kernel = (taps[:, None] * taps).expand(x.shape[1], 1, 4, 4)
    return F.conv2d(F.pad(x, (low, high, low, high)), kernel, groups=x.shape[1])


def doubled(x: Tensor) -> Tensor:
    """Pictures at twice the size: zeros behind each pixel, then the blur, as one transposed convolution: nobody counts the
    products with those zeros.
    """
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0], dtype=x.dtype, device=x.device) / 4
    kernel = (taps[:, None] * taps).expand(x.shape[1], 1, 4, 4)
    return F.conv_transpose2d(x, kernel, stride=2, padding=1, groups=x.shape[1])


class Modulated(nn.Module):
    """A convolution whose input channels are scaled by the style, each output channel brought back to length 1
    (section 2.2); for each sample by itself.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, style: int, bias: float = 0.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias, self.affine = nn.Parameter(torch.full((outputs,), bias)), Affine(style, inputs)

    def kernels(self, style: Tensor) -> Tensor:
        return self.weight * self.affine(style)[:, None, :, None, None]


class StyledConv(Modulated):
    def __init__(self, inputs: int, outputs: int, style: int, side: int, up: bool) -> None:
        super().__init__(inputs, outputs, 3, style)
        self.register_buffer("noise_const", torch.randn(side, side))
        self.noise_strength, self.up = nn.Parameter(torch.zeros([])), up

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        w = self.kernels(style)
        w = w / (w.square().sum((2, 3, 4), keepdim=True) + 1e-8).sqrt()
        if self.up:
            pairs = zip(x, w, strict=True)
            wide = torch.cat([F.conv_transpose2d(one[None], k.transpose(0, 1), stride=2) for one, k in pairs])
            x = blurred(wide, 1, 1)
        else:
            x = torch.cat([F.conv2d(one[None], k, padding=1) for one, k in zip(x, w, strict=True)])
        x = x + self.noise_const * self.noise_strength + self.bias[:, None, None]
        return F.leaky_relu(x, 0.2) * 2**0.5


class ToRGB(Modulated):
    """A 1x1 modulated convolution to colours, without demodulation."""

    def __init__(self, inputs: int, style: int, colours: int) -> None:
        super().__init__(inputs, colours, 1, style)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        w = self.kernels(style)[:, :, :, 0, 0] * self.weight.shape[1] ** -0.5
        return torch.einsum("noi,nihw->nohw", w, x) + self.bias[:, None, None]


class Resolution(nn.Module):
    def __init__(self, inputs: int, outputs: int, style: int, side: int, colours: int) -> None:
        super().__init__()
        self.first = side == 4
        if self.first:
            self.const = nn.Parameter(torch.randn(outputs, 4, 4))
        else:
            self.conv0 = StyledConv(inputs, outputs, style, side, up=True)
        self.conv1 = StyledConv(outputs, outputs, style, side, up=False)
        self.torgb = ToRGB(outputs, style, colours)

    def forward(self, x: Tensor | None, picture: Tensor | None, styles: list[Tensor]) -> tuple[Tensor, Tensor]:
        if x is None or picture is None:
            x = self.conv1(self.const.expand(len(styles[0]), -1, -1, -1), styles[0])
            return x, self.torgb(x, styles[1])
        x = self.conv1(self.conv0(x, styles[0]), styles[1])
        return x, doubled(picture) + self.torgb(x, styles[2])


class Synthesis(nn.Module):
    """Styles [N, 2 log2(side) - 2, style] to pictures [N, 3, side, side]: output skips (figure 7b)."""

    def __init__(self, side: int = 256, style: int = 512, most: int = 512, base: int = 32768, colours: int = 3) -> None:
        super().__init__()
        self.sides, inputs = [2**i for i in range(2, side.bit_length())], 0
        for one in self.sides:
            outputs = min(base // one, most)
            self.add_module(f"b{one}", Resolution(inputs, outputs, style, one, colours))
            inputs = outputs

    def forward(self, styles: Tensor) -> Tensor:
        x, picture, each = None, None, list(styles.unbind(1))
        for side in self.sides:
            at = 0 if side == 4 else 2 * side.bit_length() - 7
            x, picture = getattr(self, f"b{side}")(x, picture, each[at : at + 2 + (side > 4)])
        assert picture is not None
        return picture


class ResidualUnit(nn.Module):
    def __init__(self, c: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(c, c, 3, padding=1), nn.Conv2d(c, c, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv2(F.relu(self.conv1(F.relu(x))))


class VQVAE(nn.Module):
    """Pictures to the same pictures, by way of codes: the nearest of `codes` vectors at each place (equation 1)."""

    def __init__(self, c: int = 256, codes: int = 512, width: int = 64, colours: int = 3) -> None:
        super().__init__()
        down = [nn.Conv2d(colours, c, 4, 2, 1), nn.Conv2d(c, c, 4, 2, 1)]
        up = [nn.ConvTranspose2d(c, c, 4, 2, 1), nn.ConvTranspose2d(c, colours, 4, 2, 1)]
        self.encoder = nn.ModuleList([*down, ResidualUnit(c), ResidualUnit(c)])
        self.before, self.after = nn.Conv2d(c, width, 1), nn.Conv2d(width, c, 1)
        self.codebook = nn.Embedding(codes, width)
        self.decoder = nn.ModuleList([ResidualUnit(c), ResidualUnit(c), *up])

    def encode(self, x: Tensor) -> Tensor:
        """The numbers of the codes, [N, H / 4, W / 4]."""
        x = self.encoder[1](F.relu(self.encoder[0](x)))
        x = self.before(self.encoder[3](self.encoder[2](x))).permute(0, 2, 3, 1)
        codes = self.codebook.weight  # |x - e|^2 without |x|^2, which is the same for all
        return (codes.square().sum(1) - 2 * x @ codes.T).argmin(-1)

    def decode(self, codes: Tensor) -> Tensor:
        x = self.after(self.codebook(codes).permute(0, 3, 1, 2))
        x = F.relu(self.decoder[2](self.decoder[1](self.decoder[0](x))))
        return self.decoder[3](x)

    def forward(self, x: Tensor) -> Tensor:
        return self.decode(self.encode(x))
