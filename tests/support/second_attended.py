"""Second sources of networks that attend to pictures, or read them one after the other: modules written from the papers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from second import Arrays, Second, Sizes
from second_ledger import of, said

MODULE = "torch_attended_images"


def sagan() -> Second:
    """Statistics of its norms are those of the first class: they are taken from real numbers alone."""

    def other() -> Any:
        import torch

        net = of(MODULE, "SaganGenerator", 8, 6, 5)()
        net.register_forward_pre_hook(lambda _, x: x if len(x) > 1 else (*x, torch.zeros(len(x[0]), dtype=torch.int64)))
        return net

    def drawn(draw: np.random.Generator, size: Sizes) -> Arrays:
        n = size["N"]
        return {"z": draw.normal(size=(n, size.get("noise", 6))), "label": draw.integers(0, 5, n)}

    return Second(
        "sagan_generator", {"width": 8, "noise": 6, "classes": 5}, "torch", other, drawn,
        said("image"), {"N": 2}, {"N": (1, 2)}, of(MODULE, "SaganGenerator"),
        ({"N": 1, "noise": 128}, {"N": 2, "noise": 128}),
    )  # fmt: skip


def accuracy_booster() -> Second:
    def pictures(draw: np.random.Generator, size: Sizes) -> Arrays:
        return {"image": draw.normal(size=(size["N"], 3, size.get("res", 64), size.get("res", 64)))}

    return Second(
        "ab_resnet50", {"depths": [1, 1, 1, 1], "res": 64, "classes": 7}, "",
        of(MODULE, "booster_resnet", (1, 1, 1, 1), 7), pictures, said("logits"), {"N": 2}, {"N": (1, 2)},
        of(MODULE, "booster_resnet"), ({"N": 1, "res": 224}, {"N": 2, "res": 96}),
    )  # fmt: skip


def lrcn() -> Second:
    def videos(draw: np.random.Generator, size: Sizes) -> Arrays:
        side = size.get("size", 67)
        return {"video": draw.normal(size=(size["N"], size["T"], 3, side, side))}

    small = {"widths": [4, 6, 6, 6, 6], "hidden": 12, "d": 8, "classes": 3, "size": 67}
    return Second(
        "lrcn", small, "torch", of(MODULE, "Lrcn", (4, 6, 6, 6, 6), 12, 8, 3, 67), videos, said("scores"), {"N": 2, "T": 5},
        {"N": (1, 2), "T": (1, 2)}, of(MODULE, "Lrcn"), ({"N": 1, "T": 3, "size": 227}, {"N": 2, "T": 2, "size": 227}),
    )  # fmt: skip


ATTENDED: dict[str, Callable[[], Second]] = {make.__name__: make for make in (sagan, accuracy_booster, lrcn)}
