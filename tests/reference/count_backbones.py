"""Counts timm's and torchvision's backbones of the years since 2019: parameters, and products as PyTorch counts them.

    python tests/reference/count_backbones.py tests/data

writes ``counts_backbones.csv`` there, and ``deployed.csv``: of MobileOne when timm has merged its branches. The networks are made without weights, and ``torch.utils.flop_counter`` sees every
matrix product and convolution that they make, and counts two operations for one multiply-accumulate. The tests read the
file and need neither library.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import Any

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
from torch_models import timm, torchvision_models

TIMM: dict[str, tuple[str, ...]] = {
    "convnext": ("atto", "femto", "pico", "nano", "tiny", "small", "base", "large"),
    "convnextv2": ("atto", "nano", "base"),
    "regnetx": ("002", "008", "032", "160"),
    "regnety": ("004", "016", "032", "160"),
    "tf_efficientnetv2": ("s",),
    "mobilenetv4": ("conv_small", "conv_small_050", "conv_medium", "hybrid_medium"),
    "ghostnet": ("050", "100", "130"),
    "res2net50": ("26w_4s", "48w_2s", "26w_8s"),
    "res2net101": ("26w_4s",),
    "": ("resnest14d", "resnest26d", "resnest50d", "resnest101e", "dla34", "dla60"),
    "mobileone": ("s0", "s1", "s2", "s3"),
    "repvit": ("m0_9", "m1_0", "m1_1", "m1", "m2"),
    "ese": ("vovnet19b_dw", "vovnet39b", "vovnet57b", "vovnet99b"),
    "edgenext": ("xx_small", "x_small", "small"),
    "fastvit": ("t8", "t12", "s12"),
    "poolformer": ("s12", "s24", "s36", "m36"),
    "convmixer": ("768_32", "1024_20_ks9_p14", "1536_20"),
}
"""Families of timm and their variants; the zoo calls them the same."""

TORCHVISION = {
    **{name: name for name in ("convnext_tiny", "convnext_small", "convnext_base", "convnext_large")},
    **{name: name for name in ("efficientnet_v2_s", "efficientnet_v2_m", "efficientnet_v2_l")},
    "regnetx_008": "regnet_x_800mf", "regnetx_032": "regnet_x_3_2gf", "regnetx_160": "regnet_x_16gf",
    "regnety_004": "regnet_y_400mf", "regnety_016": "regnet_y_1_6gf", "regnety_032": "regnet_y_3_2gf",
    "regnety_160": "regnet_y_16gf",
}  # fmt: skip
"""Ours and torchvision's names."""

RES = {
    **dict.fromkeys(("mobilenetv4_conv_medium", "mobilenetv4_hybrid_medium", "resnest101e"), 256),
    **dict.fromkeys(("edgenext_xx_small", "edgenext_x_small", "edgenext_small"), 256),
    **dict.fromkeys(("fastvit_t8", "fastvit_t12", "fastvit_s12"), 256),
    "efficientnet_v2_s": 384, "tf_efficientnetv2_s": 384, "efficientnet_v2_m": 480, "efficientnet_v2_l": 480,
}  # fmt: skip
"""Pixels a side, where they are not 224."""


def build() -> list[tuple[str, str, Any]]:
    """Name, source, network."""
    theirs = torchvision_models()
    found = []
    for family, sizes in TIMM.items():
        for name in (f"{family}_{size}".removeprefix("_") for size in sizes):
            with torch.device("meta"):
                found.append((name, f"timm {timm().__version__}", timm().create_model(name)))
    tag = f"torchvision {sys.modules['torchvision'].__version__}"
    for ours, name in TORCHVISION.items():
        with torch.device("cpu" if name.startswith("regnet") else "meta"):  # RegNet computes its widths with tensors
            net = getattr(theirs, name)()
        found.append((ours, f"{tag} {name}", net.to("meta")))
    return found


def deployed() -> list[tuple[str, str, Any]]:
    """MobileOne with one convolution where several were."""
    library = timm()
    from timm.utils.model import reparameterize_model

    names = [f"mobileone_{size}" for size in TIMM["mobileone"]]
    source = f"timm {library.__version__}'s reparameterize_model"
    return [(name, source, reparameterize_model(library.create_model(name).eval()).to("meta")) for name in names]


def count(net: Any, res: int) -> tuple[int, int]:
    """Parameters, and multiply-accumulates of one picture."""
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad(), sdpa_kernel(SDPBackend.MATH):
        net.eval()(torch.zeros(1, 3, res, res, device="meta"))
    return sum(p.numel() for p in net.parameters()), counter.get_total_flops() // 2


def write(path: Path, networks: list[tuple[str, str, Any]]) -> None:
    """One file."""
    rows: list[list[Any]] = [["variant", "params", "macs", "source"]]
    for name, source, net in networks:
        rows.append([name, *count(net, RES.get(name, 224)), f"{source}, counted by tests/reference/count_backbones.py"])
    with path.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def main(folder: Path) -> None:
    """Write both files."""
    write(folder / "counts_backbones.csv", build())
    write(folder / "deployed.csv", deployed())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
