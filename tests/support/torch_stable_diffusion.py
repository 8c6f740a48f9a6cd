"""Stable Diffusion 1.5 (arXiv:2112.10752): the U-Net that predicts the noise, and the decoder of the autoencoder.

Section 3.3, appendix E.2 and the model's published configuration, under the names of the published checkpoints in the format
of diffusers: `conv_in`, `time_embedding.linear_1/linear_2`, `down_blocks.{i}.resnets.{j}.norm1/conv1/time_emb_proj/norm2/conv2`
and, where widths differ, `conv_shortcut`, `down_blocks.{i}.attentions.{j}.norm/proj_in/proj_out` with
`transformer_blocks.0.norm1/attn1/norm2/attn2/norm3/ff.net.0.proj/ff.net.2`, `down_blocks.{i}.downsamplers.0.conv`, `mid_block`,
`up_blocks.{i}.upsamplers.0.conv`, `conv_norm_out`, `conv_out`; and `post_quant_conv`, `decoder.conv_in`, `decoder.mid_block`,
`decoder.up_blocks`. Widths 320, 640, 1280, 1280, 8 heads, context 768: 859,520,964 parameters; decoder of widths 128, 256,
512, 512, with `post_quant_conv`: 49,490,199.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn


class Resnet(nn.Module):
    """Norm, SiLU and convolution twice; between them, what the step says is added to each channel."""

    def __init__(self, inputs: int, outputs: int, step: int, groups: int, eps: float) -> None:
        super().__init__()
        self.norm1, self.conv1 = nn.GroupNorm(groups, inputs, eps), nn.Conv2d(inputs, outputs, 3, padding=1)
        self.time_emb_proj = nn.Linear(step, outputs) if step else None
        self.norm2, self.conv2 = nn.GroupNorm(groups, outputs, eps), nn.Conv2d(outputs, outputs, 3, padding=1)
        self.conv_shortcut = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else None

    def forward(self, x: Tensor, step: Tensor | None = None) -> Tensor:
        y = self.conv1(F.silu(self.norm1(x)))
        if self.time_emb_proj is not None:
            y = y + self.time_emb_proj(F.silu(step))[:, :, None, None]
        y = self.conv2(F.silu(self.norm2(y)))
        return y + (x if self.conv_shortcut is None else self.conv_shortcut(x))


class Attention(nn.Module):
    """Of tokens to those of the context; the output projection alone has a bias, or all have."""

    def __init__(self, d: int, context: int, heads: int, bias: bool = False) -> None:
        super().__init__()
        self.heads = heads
        self.to_q, self.to_out = nn.Linear(d, d, bias), nn.ModuleList([nn.Linear(d, d)])
        self.to_k, self.to_v = nn.Linear(context, d, bias), nn.Linear(context, d, bias)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        q, k, v = (
            y.unflatten(2, (self.heads, -1)).transpose(1, 2)
            for y in (self.to_q(x), self.to_k(context), self.to_v(context))
        )
        weights = (q @ k.transpose(2, 3) * q.shape[3] ** -0.5).softmax(3)
        return self.to_out[0]((weights @ v).transpose(1, 2).flatten(2))


class Gated(nn.Module):
    """GEGLU (arXiv:2002.05202): the second half of the projection gates the first."""

    def __init__(self, d: int, hidden: int) -> None:
        super().__init__()
        self.proj = nn.Linear(d, 2 * hidden)

    def forward(self, x: Tensor) -> Tensor:
        y, gate = self.proj(x).chunk(2, -1)
        return y * F.gelu(gate)


class TransformerBlock(nn.Module):
    def __init__(self, d: int, context: int, heads: int) -> None:
        super().__init__()
        self.norm1, self.attn1 = nn.LayerNorm(d), Attention(d, d, heads)
        self.norm2, self.attn2 = nn.LayerNorm(d), Attention(d, context, heads)
        self.norm3 = nn.LayerNorm(d)
        self.ff = nn.ModuleDict({"net": nn.Sequential(Gated(d, 4 * d), nn.Identity(), nn.Linear(4 * d, d))})

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        y = self.norm1(x)
        x = x + self.attn1(y, y)
        x = x + self.attn2(self.norm2(x), context)
        return x + self.ff["net"](self.norm3(x))


class SpatialTransformer(nn.Module):
    """A Transformer layer over the places of a map, between two convolutions 1 x 1; the input is added."""

    def __init__(self, d: int, context: int, heads: int, groups: int) -> None:
        super().__init__()
        self.norm, self.proj_in, self.proj_out = nn.GroupNorm(groups, d, 1e-6), nn.Conv2d(d, d, 1), nn.Conv2d(d, d, 1)
        self.transformer_blocks = nn.ModuleList([TransformerBlock(d, context, heads)])

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        tokens = self.proj_in(self.norm(x)).flatten(2).transpose(1, 2)
        tokens = self.transformer_blocks[0](tokens, context)
        return x + self.proj_out(tokens.transpose(1, 2).unflatten(2, x.shape[2:]))


class Upsampler(nn.Module):
    def __init__(self, c: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(c, c, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x.repeat_interleave(2, 2).repeat_interleave(2, 3))


class Stage(nn.Module):
    """What one resolution of the U-Net consists of."""

    def __init__(self, resnets: list[Resnet], attentions: list[SpatialTransformer], **end: nn.Module) -> None:
        super().__init__()
        self.resnets, self.attentions = nn.ModuleList(resnets), nn.ModuleList(attentions)
        for name, part in end.items():
            setattr(self, name, nn.ModuleList([part]))

    def unit(self, i: int, x: Tensor, step: Tensor, context: Tensor) -> Tensor:
        x = self.resnets[i](x, step)
        return self.attentions[i](x, context) if len(self.attentions) else x


class UNet(nn.Module):
    """Noisy latents [N, channels, H, W], steps [N] and a context [N, L, context] to the noise, [N, channels, H, W]."""

    def __init__(
        self, widths: Sequence[int] = (320, 640, 1280, 1280), layers: int = 2, heads: int = 8, context: int = 768,
        channels: int = 4, groups: int = 32,
    ) -> None:  # fmt: skip
        super().__init__()
        self.layers, c, wide = layers, widths[0], widths[-1]
        step = 4 * c

        def resnet(inputs: int, outputs: int) -> Resnet:
            return Resnet(inputs, outputs, step, groups, 1e-5)

        def attentions(d: int, count: int, there: bool = True) -> list[SpatialTransformer]:
            return [SpatialTransformer(d, context, heads, groups) for _ in range(count * there)]

        self.conv_in = nn.Conv2d(channels, c, 3, padding=1)
        self.time_embedding = nn.ModuleDict({"linear_1": nn.Linear(c, step), "linear_2": nn.Linear(step, step)})
        self.down_blocks, skips = nn.ModuleList(), [c]
        for i, width in enumerate(widths):
            last = i == len(widths) - 1
            end = {} if last else {"downsamplers": nn.ModuleDict({"conv": nn.Conv2d(width, width, 3, 2, 1)})}
            resnets = [resnet(width if j else skips[-1], width) for j in range(layers)]
            self.down_blocks.append(Stage(resnets, attentions(width, layers, not last), **end))
            skips += [width] * (layers + (not last))
        self.mid_block = Stage([resnet(wide, wide), resnet(wide, wide)], attentions(wide, 1))
        self.up_blocks, below = nn.ModuleList(), wide
        for i, width in enumerate(reversed(widths)):
            resnets = []
            for _ in range(layers + 1):
                resnets.append(resnet(below + skips.pop(), width))
                below = width
            end = {"upsamplers": Upsampler(width)} if i < len(widths) - 1 else {}
            self.up_blocks.append(Stage(resnets, attentions(width, layers + 1, i > 0), **end))
        self.conv_norm_out = nn.GroupNorm(groups, c, 1e-5)
        self.conv_out = nn.Conv2d(c, channels, 3, padding=1)

    def step(self, t: Tensor, like: Tensor) -> Tensor:
        half = self.conv_in.out_channels // 2
        angles = t[:, None].to(like.dtype) * torch.exp(-math.log(10_000) * torch.arange(half, dtype=like.dtype) / half)
        waves = torch.cat([angles.cos(), angles.sin()], 1)
        return self.time_embedding["linear_2"](F.silu(self.time_embedding["linear_1"](waves)))

    def forward(self, x: Tensor, t: Tensor, context: Tensor) -> Tensor:
        step, x = self.step(t, x), self.conv_in(x)
        skips = [x]
        for stage in self.down_blocks:
            for i in range(self.layers):
                x = stage.unit(i, x, step, context)
                skips.append(x)
            if hasattr(stage, "downsamplers"):
                x = stage.downsamplers[0]["conv"](x)
                skips.append(x)
        x = self.mid_block.resnets[1](self.mid_block.unit(0, x, step, context), step)
        for stage in self.up_blocks:
            for i in range(self.layers + 1):
                x = stage.unit(i, torch.cat([x, skips.pop()], 1), step, context)
            if hasattr(stage, "upsamplers"):
                x = stage.upsamplers[0](x)
        return self.conv_out(F.silu(self.conv_norm_out(x)))


class PlaceAttention(Attention):
    """Of each place of a map to all, one head, with biases; the input is added."""

    def __init__(self, d: int, groups: int) -> None:
        super().__init__(d, d, 1, bias=True)
        self.group_norm = nn.GroupNorm(groups, d, 1e-6)

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        tokens = self.group_norm(x).flatten(2).transpose(1, 2)
        return x + super().forward(tokens, tokens).transpose(1, 2).unflatten(2, x.shape[2:])


class Decoder(nn.Module):
    def __init__(self, widths: Sequence[int], layers: int, channels: int, colours: int, groups: int) -> None:
        super().__init__()
        c = widths[-1]

        def resnet(inputs: int, outputs: int) -> Resnet:
            return Resnet(inputs, outputs, 0, groups, 1e-6)

        self.conv_in = nn.Conv2d(channels, c, 3, padding=1)
        middle = {"resnets": [resnet(c, c), resnet(c, c)], "attentions": [PlaceAttention(c, groups)]}
        self.mid_block = nn.ModuleDict({name: nn.ModuleList(parts) for name, parts in middle.items()})
        self.up_blocks = nn.ModuleList()
        for i, width in enumerate(reversed(widths)):
            parts = {"resnets": nn.ModuleList([resnet(width if j else c, width) for j in range(layers + 1)])}
            parts["upsamplers"] = nn.ModuleList([Upsampler(width)] if i < len(widths) - 1 else [])
            self.up_blocks.append(nn.ModuleDict(parts))
            c = width
        self.conv_norm_out = nn.GroupNorm(groups, c, 1e-6)
        self.conv_out = nn.Conv2d(c, colours, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        first, second = self.mid_block["resnets"]
        x = second(self.mid_block["attentions"][0](first(self.conv_in(x))))
        for stage in self.up_blocks:
            for part in [*stage["resnets"], *stage["upsamplers"]]:
                x = part(x)
        return self.conv_out(F.silu(self.conv_norm_out(x)))


class Autoencoder(nn.Module):
    """The half that decodes: latents [N, channels, H, W], already unscaled, to pictures [N, colours, 8 H, 8 W]."""

    def __init__(
        self, widths: Sequence[int] = (128, 256, 512, 512), layers: int = 2, channels: int = 4, colours: int = 3,
        groups: int = 32,
    ) -> None:  # fmt: skip
        super().__init__()
        self.post_quant_conv = nn.Conv2d(channels, channels, 1)
        self.decoder = Decoder(widths, layers, channels, colours, groups)

    def forward(self, x: Tensor) -> Tensor:
        return self.decoder(self.post_quant_conv(x))
