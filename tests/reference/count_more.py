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

Row = tuple[str, str, Callable[[], nn.Module], *tuple[tuple[int, ...], ...]]
"""Our variant, the source, the network and the shapes of its inputs."""

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
    for name in ("r3d_18", "mc3_18", "r2plus1d_18"):
        vision = module("torchvision")
        yield name, f"torchvision {vision.__version__}", getattr(vision.models.video, name), (3, 16, 112, 112)
    hardnet = module("pytorchcv.models.hardnet")
    for n in (68, 85):
        yield f"hardnet{n}", f"pytorchcv {version('pytorchcv')}", getattr(hardnet, f"hardnet{n}"), (3, 224, 224)


def from_papers() -> Iterator[Row]:
    def paper(file: str, name: str, *given: Any, **more: Any) -> Callable[[], nn.Module]:
        return partial(getattr(module(file), name), *given, **more)

    for variant, width in (("mobilenet_v2_ca", 1.0), ("mobilenet_v2_ca_w0_5", 0.5)):
        yield variant, "torch_coordinate.py", paper("torch_coordinate", "CoordinateMobileNetV2", width), (3, 224, 224)
    yield "c3d", "torch_video.py", paper("torch_video", "C3D"), (3, 16, 112, 112)
    for variant, frames, side in (("x3d_s", 13, 160), ("x3d_m", 16, 224)):
        yield variant, "torch_video.py", paper("torch_video", "X3D"), (3, frames, side, side)
    yield "siamfc", "torch_siamfc.py", paper("torch_siamfc", "SiamFC"), (3, 127, 127), (3, 255, 255)
    yield "wavenet", "torch_wave.py", paper("torch_wave", "WaveNet"), (256, 4096)
    yield "tcn_mnist", "torch_wave.py", paper("torch_wave", "TemporalNet"), (1, 784)
    for variant, name, shape in (
        ("dcgan", "Generator", (100, 1, 1)), ("dcgan_discriminator", "Discriminator", (3, 64, 64)),
        ("stylegan2_256", "Synthesis", (14, 512)), ("vqvae", "VQVAE", (3, 128, 128)),
    ):  # fmt: skip
        yield variant, "torch_generative.py", paper("torch_generative", name), shape


def count(make: Callable[[], nn.Module], *shapes: tuple[int, ...]) -> tuple[int, int]:
    """Parameters, and multiply-accumulates of one input."""
    with torch.device("meta"):
        net, counter = make().eval().requires_grad_(False), FlopCounterMode(display=False)
        with counter, torch.no_grad():
            net(*[torch.zeros(1, *shape) for shape in shapes])
    return sum(p.numel() for p in net.parameters()), counter.get_total_flops() // 2


def main(folder: Path) -> None:
    rows: list[list[Any]] = [["variant", "params", "macs", "source"]]
    for variant, source, make, *shapes in [*from_libraries(), *from_papers()]:
        rows.append([variant, *count(make, *shapes), f"{source}, counted by tests/reference/count_more.py"])
    with (folder / "counts_more.csv").open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
