"""Networks in PyTorch with values that make them worth comparing: random, alive in every layer, calibrated."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def enliven(net: nn.Module, *inputs: Tensor, seed: int = 0) -> nn.Module:
    """Random parameters; running statistics of this batch, so that activations neither die nor explode.

    Biases are as large as the scales of norms: with smaller ones half of every map is cut off by a ReLU, near its zero,
    and a network of a hundred layers makes 1e-3 of a rounding error of 1e-6 (now 1e-5). The network ends in inference
    mode.
    """
    torch.manual_seed(seed)
    with torch.no_grad():
        for name, value in net.named_parameters():
            if value.dim() > 1:
                nn.init.kaiming_normal_(value)
            elif name.endswith("weight"):
                value.uniform_(0.25, 0.75)
            else:
                value.normal_(0, 0.6)
    calibrate(net, *inputs)
    return net


def calibrate(net: nn.Module, *inputs: Tensor) -> None:
    """Running statistics are those of one batch; channels that hardly vary are not blown up."""

    def measure(norm: Any, given: tuple[Tensor, ...]) -> None:
        (x,) = given
        axes = [axis for axis in range(x.dim()) if axis != 1]
        spread = x.var(axes, unbiased=False)
        norm.running_mean.copy_(x.mean(axes))
        norm.running_var.copy_(spread + 0.05 * spread.mean())

    hooks = [m.register_forward_pre_hook(measure) for m in net.eval().modules() if isinstance(m, NORMS)]
    if hooks:
        with torch.no_grad():
            net(*inputs)
    for hook in hooks:
        hook.remove()
    for norm in net.modules():
        if isinstance(norm, NORMS) and not (norm.running_var > 0).all():  # of a head that only training has
            norm.reset_running_stats()
