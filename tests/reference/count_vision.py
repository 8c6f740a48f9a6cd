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
    "gmlp_ti16_224", "gmlp_s16_224", "mobilevit_xxs", "mobilevit_xs", "mobilevit_s",
    "levit_128s", "levit_128", "levit_192", "levit_256", "beit_base_patch16_224", "beit_large_patch16_224",
    *(f"coatnet_{i}_224" for i in range(4)), *(f"samvit_{size}_patch16" for size in ("base", "large", "huge")),
)  # fmt: skip
"""timm's names, which are ours."""
TORCHVISION = ("vit_l_32", "vit_h_14", "swin_v2_t", "swin_v2_s", "swin_v2_b", "maxvit_t")
CLIP: dict[str, tuple[dict[str, int], dict[str, int]]] = {
    "clip_vit_b_32": ({}, {}), "clip_vit_b_16": ({"patch_size": 16}, {}),
    "clip_vit_l_14": (
        {"patch_size": 14, "hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24, "num_attention_heads": 16},
        {"hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12, "projection_dim": 768},
    ),
}  # fmt: skip
"""What differs from the defaults of `CLIPConfig`, those of B/32: of the pictures' tower and of the texts' (arXiv:2103.00020,
table 20).
"""
SEGFORMER: dict[str, dict[str, Any]] = {
    "segformer_b0": {},
    "segformer_b1": {"hidden_sizes": [64, 128, 320, 512]},
    "segformer_b2": {"hidden_sizes": [64, 128, 320, 512], "depths": [3, 4, 6, 3], "decoder_hidden_size": 768},
    "segformer_b5": {"hidden_sizes": [64, 128, 320, 512], "depths": [3, 6, 40, 3], "decoder_hidden_size": 768},
}
"""The same of `SegformerConfig`, whose defaults are B0's (arXiv:2105.15203, table 6)."""


def picture(side: int, name: str = "x") -> dict[str, torch.Tensor]:
    return {name: torch.zeros(1, 3, side, side)}


def rows() -> Iterator[Row]:
    for name in TIMM:
        side = timm().get_pretrained_cfg(name).input_size[-1]
        yield name, f"timm {timm().__version__}", partial(timm().create_model, name), picture(side)
    for name in TORCHVISION:
        make = getattr(torchvision_models(), name)
        yield name, f"torchvision {version('torchvision')}", make, picture(256 if "swin" in name else 224)
    yield from hugging_face()


def hugging_face() -> Iterator[Row]:
    library = transformers()
    tag = f"transformers {library.__version__}"

    def model(kind: str, config: Any) -> Callable[[], nn.Module]:
        return partial(getattr(library, kind), config)

    pixels = picture(224, "pixel_values")
    for name, (vision, text) in CLIP.items():
        e = {"projection_dim": text["projection_dim"]} if "projection_dim" in text else {}
        settled = library.CLIPConfig(vision_config={**vision, **e}, text_config=text, **e)
        yield name, tag, model("CLIPModel", settled), {**pixels, "input_ids": torch.zeros(1, 77, dtype=torch.int64)}
    words = {"input_ids": torch.zeros(1, 64, dtype=torch.int64)}
    yield "siglip_base_patch16_224", tag, model("SiglipModel", library.SiglipConfig()), {**pixels, **words}
    for name, settings in SEGFORMER.items():
        settled = library.SegformerConfig(**settings, num_labels=150)
        yield name, tag, model("SegformerForSemanticSegmentation", settled), picture(512, "pixel_values")
    for depth in (50, 101):
        trunk = library.TimmBackboneConfig(backbone=f"resnet{depth}", features_only=True, out_indices=[1, 2, 3, 4])
        settled = library.DetrConfig(backbone_config=trunk, num_labels=91)
        inputs = {"pixel_values": torch.zeros(1, 3, 800, 1066)}
        yield f"detr_resnet{depth}", f"{tag}, conv1 and layer1 frozen", partial(frozen, settled), inputs


def frozen(config: Any) -> nn.Module:
    """DETR as its authors train it: not what lies before the trunk's second stage."""
    net: nn.Module = transformers().DetrForObjectDetection(config)
    for part in ("conv1", "layer1"):
        net.get_submodule(f"model.backbone.model.{part}").requires_grad_(False)
    return net


def count(make: Callable[[], nn.Module], inputs: dict[str, torch.Tensor], device: str = "meta") -> tuple[int, int]:
    """Parameters that learn, each tensor once, and multiply-accumulates."""
    with torch.device(device):
        net = make().eval()
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad(), torch.device(device), sdpa_kernel(SDPBackend.MATH):
        net(**{name: value.to(device) for name, value in inputs.items()})
    assert counter.get_total_flops() % 2 == 0
    return sum(p.numel() for p in net.parameters() if p.requires_grad), counter.get_total_flops() // 2


def where(variant: str) -> str:
    """DETR looks at the values of its masks."""
    return "cpu" if variant.startswith("detr") else "meta"


def main(folder: Path) -> None:
    lines: list[list[Any]] = [["variant", "params", "macs", "source"]]
    for variant, source, make, inputs in rows():
        lines.append(
            [variant, *count(make, inputs, where(variant)), f"{source}, counted by tests/reference/count_vision.py"]
        )
    with (folder / "counts_vision.csv").open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(lines)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
