"""Counts Transformers for pictures, and what took attention's place, as timm, torchvision and `transformers` define them.

    python tests/reference/count_vision.py tests/data

writes ``counts_vision.csv`` there. The networks come from configurations, without weights, on PyTorch's meta device;
``torch.utils.flop_counter`` sees every matrix product and convolution that they make, of attention too, and counts two
operations for one multiply-accumulate.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
from torch_models import timm, torchvision_models, transformers

Row = tuple[str, str, Callable[[], nn.Module], dict[str, torch.Tensor]]
"""Our variant, the source, the network and its inputs."""

TIMM = (
    "vit_tiny_patch16_224", "vit_small_patch16_224",
    *(f"deit_{size}{kind}_patch16_224" for kind in ("", "_distilled") for size in ("tiny", "small", "base")),
    "mixer_s32_224", "mixer_s16_224", "mixer_b16_224", "mixer_l16_224", "resmlp_12_224", "resmlp_24_224", "resmlp_36_224",
    "gmlp_ti16_224", "gmlp_s16_224",
)  # fmt: skip
"""timm's names, which are ours."""
TORCHVISION = ("vit_l_32", "vit_h_14", "swin_v2_t", "swin_v2_s", "swin_v2_b")


def picture(side: int, name: str = "x") -> dict[str, torch.Tensor]:
    return {name: torch.zeros(1, 3, side, side)}


def rows() -> Iterator[Row]:
    for name in TIMM:
        side = timm().get_pretrained_cfg(name).input_size[-1]
        yield name, f"timm {timm().__version__}", partial(timm().create_model, name), picture(side)
    for name in TORCHVISION:
        make = getattr(torchvision_models(), name)
        yield name, f"torchvision {version('torchvision')}", make, picture(256 if "swin" in name else 224)


def count(make: Callable[[], nn.Module], inputs: dict[str, torch.Tensor]) -> tuple[int, int]:
    """Parameters that learn, each tensor once, and multiply-accumulates."""
    with torch.device("meta"):
        net = make().eval()
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad(), torch.device("meta"), sdpa_kernel(SDPBackend.MATH):
        net(**{name: value.to("meta") for name, value in inputs.items()})
    assert counter.get_total_flops() % 2 == 0
    return sum(p.numel() for p in net.parameters() if p.requires_grad), counter.get_total_flops() // 2


def main(folder: Path) -> None:
    lines: list[list[Any]] = [["variant", "params", "macs", "source"]]
    for variant, source, make, inputs in rows():
        lines.append([variant, *count(make, inputs), f"{source}, counted by tests/reference/count_vision.py"])
    with (folder / "counts_vision.csv").open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(lines)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
