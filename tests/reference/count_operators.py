"""Run the other cost tools on single operators and write what they say to ``tests/data/tool_operators.csv``.

    python -m venv tools
    tools/bin/pip install torch==2.13.0 onnx onnxscript setuptools torchinfo==1.8.0 fvcore==0.1.5.post20221221 \\
        ptflops==0.7.5 thop==0.1.1.post2209072238 onnx-tool==1.0.1
    tools/bin/python tests/reference/count_operators.py > tests/data/tool_operators.csv

A row: our operator as a spec has it, the input's shape, the tool, its count. An operator that PyTorch has as a module is
one, and else a function; untrained weights, evaluation mode.
"""

from __future__ import annotations

import csv
import logging
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)

import torch  # noqa: E402
from count_tools import TOOLS  # noqa: E402
from torch import nn  # noqa: E402

LINE, MAP, BLOCK, FLAT, STEPS = (2, 4, 12), (2, 4, 8, 6), (2, 4, 5, 6, 7), (2, 12), (2, 5, 12)
"""Shapes with one, two and three spatial axes; features; steps of features. The first axis is one example here: the
tools that make the input themselves take none."""


class Function(nn.Module):
    """A module around a function."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Any) -> Any:
        return self.function(x)


class Product(nn.Module):
    """``x @ W`` with a raw parameter."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.zeros(12, 3))

    def forward(self, x: Any) -> Any:
        return torch.matmul(x, self.w)


CASES: list[tuple[str, tuple[int, ...], Callable[[], nn.Module]]] = [
    ("conv(8, 3)", LINE, lambda: nn.Conv1d(4, 8, 3, padding=1)),
    ("conv(8, 3)", MAP, lambda: nn.Conv2d(4, 8, 3, padding=1)),
    ("conv(8, 3, bias = false)", MAP, lambda: nn.Conv2d(4, 8, 3, padding=1, bias=False)),
    ("conv(8, 3, stride = 2, groups = 4)", MAP, lambda: nn.Conv2d(4, 8, 3, stride=2, padding=1, groups=4)),
    ("conv(8, 3)", BLOCK, lambda: nn.Conv3d(4, 8, 3, padding=1)),
    ("conv_transpose(8, 2, stride = 2)", LINE, lambda: nn.ConvTranspose1d(4, 8, 2, stride=2)),
    ("conv_transpose(8, 3, stride = 2)", MAP, lambda: nn.ConvTranspose2d(4, 8, 3, stride=2)),
    ("conv_transpose(8, 2, stride = 2, groups = 2)", MAP, lambda: nn.ConvTranspose2d(4, 8, 2, stride=2, groups=2)),
    ("linear(3)", FLAT, lambda: nn.Linear(12, 3)),
    ("linear(3)", STEPS, lambda: nn.Linear(12, 3)),
    ("linear(3, bias = false)", STEPS, lambda: nn.Linear(12, 3, bias=False)),
    ("embedding(9, 4)", STEPS[:2], lambda: nn.Embedding(9, 4)),
    ("matmul(param([12, 3]))", STEPS, Product),
    ("batch_norm", MAP, lambda: nn.BatchNorm2d(4)),
    ("batch_norm(scale = false, shift = false)", MAP, lambda: nn.BatchNorm2d(4, affine=False)),
    ("batch_norm", LINE, lambda: nn.BatchNorm1d(4)),
    ("group_norm(2)", MAP, lambda: nn.GroupNorm(2, 4)),
    ("instance_norm", MAP, lambda: nn.InstanceNorm2d(4, affine=True)),
    ("instance_norm(scale = false, shift = false)", MAP, lambda: nn.InstanceNorm2d(4)),
    ("layer_norm", STEPS, lambda: nn.LayerNorm(12)),
    ("layer_norm(scale = false, shift = false)", STEPS, lambda: nn.LayerNorm(12, elementwise_affine=False)),
    ("rms_norm", STEPS, lambda: nn.RMSNorm(12)),
    ("lrn(5)", MAP, lambda: nn.LocalResponseNorm(5)),
    ("max_pool(2)", LINE, lambda: nn.MaxPool1d(2)),
    ("max_pool(3, stride = 2, pad = 1)", MAP, lambda: nn.MaxPool2d(3, 2, 1)),
    ("avg_pool(2)", LINE, lambda: nn.AvgPool1d(2)),
    ("avg_pool(3, stride = 2, pad = 1)", MAP, lambda: nn.AvgPool2d(3, 2, 1)),
    ("avg_pool(2)", BLOCK, lambda: nn.AvgPool3d(2)),
    ("lp_pool(2)", MAP, lambda: nn.LPPool2d(2, 2)),
    ("global_avg_pool", LINE, lambda: nn.AdaptiveAvgPool1d(1)),
    ("global_avg_pool", MAP, lambda: nn.AdaptiveAvgPool2d(1)),
    ("global_avg_pool", BLOCK, lambda: nn.AdaptiveAvgPool3d(1)),
    ("global_max_pool", MAP, lambda: nn.AdaptiveMaxPool2d(1)),
    ("adaptive_avg_pool([4, 3])", MAP, lambda: nn.AdaptiveAvgPool2d((4, 3))),
    ("adaptive_avg_pool([3, 4])", MAP, lambda: nn.AdaptiveAvgPool2d((3, 4))),
    ("adaptive_max_pool([4, 3])", MAP, lambda: nn.AdaptiveMaxPool2d((4, 3))),
    ("relu", MAP, nn.ReLU),
    ("relu6", MAP, nn.ReLU6),
    ("leaky_relu", MAP, nn.LeakyReLU),
    ("prelu", MAP, lambda: nn.PReLU(4)),
    ("elu", MAP, nn.ELU),
    ("selu", MAP, nn.SELU),
    ("gelu", MAP, nn.GELU),
    ("silu", MAP, nn.SiLU),
    ("mish", MAP, nn.Mish),
    ("softplus", MAP, nn.Softplus),
    ("hard_swish", MAP, nn.Hardswish),
    ("hard_sigmoid", MAP, nn.Hardsigmoid),
    ("sigmoid", MAP, nn.Sigmoid),
    ("tanh", MAP, nn.Tanh),
    ("softmax", STEPS, lambda: nn.Softmax(-1)),
    ("softmax(axis = 1)", MAP, lambda: nn.Softmax(1)),
    ("log_softmax", STEPS, lambda: nn.LogSoftmax(-1)),
    ("clip(0, 1)", MAP, lambda: nn.Hardtanh(0, 1)),
    ("exp", MAP, lambda: Function(torch.exp)),
    ("sqrt", MAP, lambda: Function(torch.sqrt)),
    ("abs", MAP, lambda: Function(torch.abs)),
    ("reduce_mean(axis = [2, 3])", MAP, lambda: Function(lambda x: x.mean((2, 3)))),
    ("reduce_sum(axis = 1)", MAP, lambda: Function(lambda x: x.sum(1))),
    ("cumsum(axis = 1)", MAP, lambda: Function(lambda x: x.cumsum(1))),
    ("resize(scale = 2)", MAP, lambda: nn.Upsample(scale_factor=2)),
    ("resize(scale = 2, mode = bilinear)", MAP, lambda: nn.Upsample(scale_factor=2, mode="bilinear")),
    ("resize(scale = 2, mode = bilinear, align_corners = true)", MAP,
     lambda: nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)),
    ("resize(scale = 2, mode = bicubic)", MAP, lambda: nn.Upsample(scale_factor=2, mode="bicubic")),
    ("resize(scale = 2)", LINE, lambda: nn.Upsample(scale_factor=2)),
    ("resize(scale = 2, mode = linear)", LINE, lambda: nn.Upsample(scale_factor=2, mode="linear")),
    ("resize(scale = 2)", BLOCK, lambda: nn.Upsample(scale_factor=2)),
    ("resize(scale = 2, mode = trilinear)", BLOCK, lambda: nn.Upsample(scale_factor=2, mode="trilinear")),
    ("depth_to_space(2, mode = crd)", MAP, lambda: nn.PixelShuffle(2)),
    ("space_to_depth(2)", MAP, lambda: nn.PixelUnshuffle(2)),
    ("flatten", MAP, nn.Flatten),
    ("dropout", MAP, nn.Dropout),
    ("pad_axes(1)", MAP, lambda: nn.ZeroPad2d(1)),
    ("pad_axes(1, mode = reflect)", MAP, lambda: nn.ReflectionPad2d(1)),
    ("split(2) -> concat", MAP, lambda: Function(lambda x: torch.cat(x.chunk(2, 1), 1))),
    ("permute([0, 2, 3, 1])", MAP, lambda: Function(lambda x: x.permute(0, 2, 3, 1))),
    ("add(in)", MAP, lambda: Function(lambda x: x + x)),
    ("mul(in)", MAP, lambda: Function(lambda x: x * x)),
    ("sub(in)", MAP, lambda: Function(lambda x: x - x)),
    ("div(in)", MAP, lambda: Function(lambda x: x / x)),
    ("max(in)", MAP, lambda: Function(lambda x: torch.maximum(x, x))),
    ("min(in)", MAP, lambda: Function(lambda x: torch.minimum(x, x))),
    ("neg", MAP, lambda: Function(torch.neg)),
    ("log", MAP, lambda: Function(torch.log)),
    ("erf", MAP, lambda: Function(torch.erf)),
    ("pow(3)", MAP, lambda: Function(lambda x: x**3)),
    ("reduce_max(axis = 1)", MAP, lambda: Function(lambda x: x.amax(1))),
    ("reduce_min(axis = 1)", MAP, lambda: Function(lambda x: x.amin(1))),
    ("reduce_l2(axis = 1)", MAP, lambda: Function(lambda x: x.norm(dim=1))),
    ("matmul(transpose(in))", STEPS, lambda: Function(lambda x: torch.matmul(x, x.transpose(1, 2)))),
]  # fmt: skip


def main() -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["operator", "shape", "tool", "count"])
    for operator, (_, *sizes), make in CASES:
        shape = (1, *sizes)
        for tool, count in TOOLS.items():
            torch.manual_seed(0)
            x = torch.zeros(shape, dtype=torch.int64) if operator.startswith("embedding") else torch.rand(shape)
            stdout, sys.stdout = sys.stdout, sys.stderr
            try:
                number: int | str = count(make().eval(), x)
            except Exception as error:  # the tool fails on it: there is no count
                number = type(error).__name__
            finally:
                sys.stdout = stdout
            writer.writerow([operator, " ".join(map(str, shape)), tool, number])


if __name__ == "__main__":
    main()
