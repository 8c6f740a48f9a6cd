"""Counts networks that others defined (timm, torchvision, pytorchcv) or that were written from their papers without a look at the
zoo's (``tests/support/torch_*.py``): parameters and multiply-accumulates.

    python tests/reference/count_more.py tests/data

writes ``counts_more.csv`` there. All run on PyTorch's meta device, and ``torch.utils.flop_counter`` counts, so that
convolutions of all ranks and transposed ones are in it. Needs what ``count_torchvision.py`` needs.
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
from count_torchvision import module
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

Row = tuple[str, str, Callable[[], nn.Module], tuple[int, ...]]
"""Our variant, the source, the network and the shape of its input."""

TIMM = {
    224: (
        *(f"inception_next_{n}" for n in ("atto", "tiny", "small", "base")), *(f"starnet_s{n}" for n in (1, 2, 3, 4)),
        *(f"fasternet_{n}" for n in ("t0", "t1", "t2", "s", "m", "l")), "resnetv2_50x1_bit",
    ),
    256: ("cspresnet50", "cspresnext50", "cspdarknet53"),
    448: ("resnetv2_101x1_bit", "resnetv2_50x3_bit"),
}  # fmt: skip
"""Resolution -> timm's names, which are ours."""


def from_libraries() -> Iterator[Row]:
    timm = module("timm")
    tag = f"timm {timm.__version__}"
    for side, names in TIMM.items():
        for name in names:
            yield name, tag, partial(timm.create_model, name), (3, side, side)
    for n in (50, 101):
        make = partial(timm.create_model, f"resnet{n}", block_args={"attn_layer": "eca"})
        yield f"eca_resnet{n}", f"{tag} resnet{n} with its EcaModule", make, (3, 224, 224)
    hardnet = module("pytorchcv.models.hardnet")
    for n in (68, 85):
        yield f"hardnet{n}", f"pytorchcv {version('pytorchcv')}", getattr(hardnet, f"hardnet{n}"), (3, 224, 224)


def from_papers() -> Iterator[Row]:
    def paper(file: str, name: str, *given: Any, **more: Any) -> Callable[[], nn.Module]:
        return partial(getattr(module(file), name), *given, **more)

    for variant, width in (("mobilenet_v2_ca", 1.0), ("mobilenet_v2_ca_w0_5", 0.5)):
        yield variant, "torch_coordinate.py", paper("torch_coordinate", "CoordinateMobileNetV2", width), (3, 224, 224)


def count(make: Callable[[], nn.Module], shape: tuple[int, ...]) -> tuple[int, int]:
    """Parameters, and multiply-accumulates of one input."""
    with torch.device("meta"):
        net, counter = make().eval(), FlopCounterMode(display=False)
        with counter, torch.no_grad():
            net(torch.zeros(1, *shape))
    return sum(p.numel() for p in net.parameters()), counter.get_total_flops() // 2


def main(folder: Path) -> None:
    rows: list[list[Any]] = [["variant", "params", "macs", "source"]]
    for variant, source, make, shape in [*from_libraries(), *from_papers()]:
        rows.append([variant, *count(make, shape), f"{source}, counted by tests/reference/count_more.py"])
    with (folder / "counts_more.csv").open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
