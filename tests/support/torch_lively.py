"""Networks in PyTorch with values that make them worth comparing: random, alive in every layer, calibrated."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


def pictures(count: int, *shape: int, seed: int = 1) -> Tensor:
    """Inputs that differ in what pooling keeps: of noise alone, all means over a map are the same."""
    draw = torch.Generator().manual_seed(seed)
    x = torch.randn(count, *shape, generator=draw)
    if len(shape) != 3:
        return x
    coarse = torch.randn(count, shape[0], 4, 4, generator=draw)
    return 0.3 * x + nn.functional.interpolate(coarse, shape[1:], mode="bilinear")


def enliven(net: nn.Module, *inputs: Tensor, seed: int = 0, gain: float = 2, bias: float = 0.8) -> nn.Module:
    """Random parameters (of variance ``gain`` / fan); running statistics of this batch, so that activations neither die nor explode.

    Biases are larger than the scales of norms: with small ones half of every map is cut off by a ReLU, near its zero,
    and a network of a hundred layers makes 1e-3 of a rounding error of 1e-6 (so it is 1e-5). Where every sample is normalised
    by itself, they would outweigh what a picture changes: see :func:`bias_of`. The network ends in inference mode.
    """
    torch.manual_seed(seed)
    with torch.no_grad():
        for name, value in net.named_parameters():
            if value.dim() > 1:
                nn.init.kaiming_normal_(value).mul_((gain / 2) ** 0.5)
            elif name.endswith("weight"):
                value.uniform_(0.25, 0.75)
            else:
                value.normal_(0, bias)
    calibrate(net, *inputs)
    return net


def bias_of(name: str) -> float:
    """The deviation of the biases of a network of the zoo."""
    return 0.08 if name.startswith(("convnext", "edgenext", "resnetv2")) else 0.8


def calibrate(net: nn.Module, *inputs: Tensor) -> None:
    """Running statistics are about those of one batch. Channels that hardly vary are not blown up to what others are,
    and none to more than ten times its values: of two images' pooled features that would be the rounding errors.
    """

    def measure(norm: Any, given: tuple[Tensor, ...]) -> None:
        (x,) = given
        axes = [axis for axis in range(x.dim()) if axis != 1]
        spread = x.var(axes, unbiased=False)
        norm.running_mean.copy_(x.mean(axes))
        norm.running_var.copy_((spread + spread.mean()) / 2 + x.square().mean() / 100)

    norms: list[Any] = [module for module in net.eval().modules() if hasattr(module, "running_var")]
    for norm in norms:
        norm.running_mean.zero_()
        norm.running_var.fill_(1)
    hooks = [norm.register_forward_pre_hook(measure) for norm in norms]
    if hooks:
        with torch.no_grad():
            net(*inputs)
    for hook in hooks:
        hook.remove()
