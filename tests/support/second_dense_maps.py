"""Second sources of networks from maps to maps: U-Nets of all kinds, restored and enlarged pictures; with torch.nn, from the
papers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from second import Second, Sizes
from second_dense import by_rules, case, named, stage
from second_maps import picture


def unetpp() -> Second:
    def row(i: str) -> str:
        return "x" + ".below.row" * int(i)

    rename = by_rules(
        (r"conv(\d)_0", lambda m: f"{row(m[1])}.first"), (r"conv(\d)_(\d)", lambda m: f"{row(m[1])}.node.{int(m[2]) - 1}"),
        (r"up(\d)_(\d)", lambda m: f"{row(m[1])}.up.{int(m[2]) - 1}"), (r"final(\d)", lambda m: f"mask.{int(m[1]) - 1}.conv"),
    )  # fmt: skip

    def make(*given: Any) -> Any:
        from torch_dense_maps import UNetPP

        return named(UNetPP(*given), rename)

    def masks(found: Any) -> Any:
        import torch

        return torch.stack(found, 1).sigmoid()

    widths = [3, 4, 5, 6, 7]
    return case(
        "unetpp", {"widths": widths, "res": 32}, lambda: make(3, 1, widths), make, picture(3, 32),
        ({"N": 1, "res": 96}, {"N": 2, "res": 64}), masks,
    )  # fmt: skip


def volume(channels: int, size: int) -> Any:
    def draw_it(draw: Any, given: Sizes) -> Any:
        n = given.get("size", size)
        return {"volume": draw.normal(size=(given["N"], channels, n, n, n - 16))}

    return draw_it


def unet_3d() -> Second:
    """Cropped by different sizes at its two levels, which are no cubes."""

    def make(depth: int, *given: int) -> Any:
        from torch_dense_maps import UNet3D

        def part(m: re.Match[str]) -> str:
            n, k = divmod(int(m[3]), 3)
            level = int(m[2]) if m[1] == "down" else depth - 1 - int(m[2])
            return f"{stage(level, '.below')}.{m[1]}.{n}.{['conv', 'batch_norm'][k]}"

        rename = by_rules(
            (r"(down|join)\.(\d)\.(\d)", part), (r"up\.(\d)", lambda m: f"{stage(depth - 1 - int(m[1]), '.below')}.up"),
            (r"out", "outc"),
        )  # fmt: skip
        return named(UNet3D(*given, depth), rename)

    return case(
        "unet_3d", {"c": 2, "depth": 2, "size": 60}, lambda: make(2, 3, 3, 1), lambda: make(3, 3, 3, 32), volume(3, 60),
        ({"N": 1, "size": 132}, {"N": 2, "size": 116}),
    )  # fmt: skip


def small_picture(channels: int) -> Any:
    def draw_it(draw: Any, given: Sizes) -> Any:
        return {"image": draw.normal(size=(given["N"], channels, given["H"], given["W"]))}

    return draw_it


FREE: dict[str, Any] = {"at": {"H": 9, "W": 7}, "grid": {"H": (1, 8), "W": (5, 6)}, "name": "restored"}
"""Of networks that take every size."""
SIZES = ({"N": 1, "H": 96, "W": 96}, {"N": 2, "H": 5, "W": 30})


def espcn() -> Second:
    def make() -> Any:
        from torch_dense_maps import ESPCN

        return ESPCN()

    return case("espcn_x3", {}, make, make, small_picture(1), SIZES, **FREE)


def edsr() -> Second:
    """With scaled branches; twice two pixels."""

    def make(units: int, *given: Any) -> Any:
        from torch_dense_maps import EDSR

        rename = by_rules(
            (r"head", "head.0"), (r"body\.(\d+)", r"body.\1.body"), (r"last", f"body.{units}"),
            (r"up\.(\d)", lambda m: f"tail.0.{2 * int(m[1])}"), (r"tail", "tail.1"),
        )  # fmt: skip
        return named(EDSR(*given), rename)

    small = {"c": 4, "units": 2}
    return case(
        "edsr_x4",
        small,
        lambda: make(2, 4, 4, 2, 0.1),
        lambda: make(32, 4, 256, 32, 0.1),
        small_picture(3),
        SIZES,
        **FREE,
    )


def dncnn() -> Second:
    def make(*given: int) -> Any:
        from torch_dense_maps import DnCNN

        return named(DnCNN(*given), by_rules((r"layers", "dncnn")))

    return case("dncnn", {"depth": 4, "c": 6}, lambda: make(4, 6), lambda: make(), small_picture(1), SIZES, **FREE)


def scse_unet() -> Second:
    rename = by_rules(
        (r"(se_down|down)\.(\d)", lambda m: f"{stage(int(m[2]), '.below')}.{m[1]}"),
        (r"(se_join|join|up)\.(\d)", lambda m: f"{stage(3 - int(m[2]), '.below')}.{m[1]}"),
        (r"bottom", f"{stage(4, '.below')}.down"), (r"out", "outc"),
    )  # fmt: skip

    def make(*given: int) -> Any:
        from torch_dense_maps import SEUNet

        return named(SEUNet(*given), lambda name: gates(rename(name)))

    return case(
        "scse_unet", {"c": 4, "classes": 5}, lambda: make(1, 5, 4), lambda: make(1, 28), picture(1, 0),
        ({"N": 1, "H": 16, "W": 16}, {"N": 2, "H": 3, "W": 5}), at={"H": 3, "W": 2}, grid={"H": (1, 4), "W": (2, 3)},
    )  # fmt: skip


def gates(name: str) -> str:
    """Of the parts of an scSE."""
    for theirs, ours in (("cse.0", "channels.fc1"), ("cse.2", "channels.fc2"), ("sse", "places.score")):
        name = name.replace(f".{theirs}.", f".{ours}.")
    return name


def scse_sdnet() -> Second:
    def at(i: int) -> str:
        return "unpooled_level" + ".below.unpooled_level" * i

    def layer(m: re.Match[str]) -> str:
        i = int(m[2])
        return f"{at(i if m[1] == 'down' else 3 - i)}.{m[1]}.{['conv', 'batch_norm'][int(m[3])]}"

    rename = by_rules(
        (r"(down|join)\.(\d)\.(\d)", layer), (r"se_down\.(\d)", lambda m: f"{at(int(m[1]))}.se_down"),
        (r"se_join\.(\d)", lambda m: f"{at(3 - int(m[1]))}.se_join"), (r"bottom\.0", f"{at(4)}.down.conv"),
        (r"bottom\.1", f"{at(4)}.down.batch_norm"), (r"out", "outc"),
    )  # fmt: skip

    def make(*given: int) -> Any:
        from torch_dense_maps import SDNet

        return named(SDNet(*given), lambda name: gates(rename(name)))

    return case(
        "scse_sdnet", {"c": 8, "k": 3, "classes": 5, "res": 32}, lambda: make(1, 5, 8, 3), lambda: make(), picture(1, 32),
        ({"N": 1, "res": 256}, {"N": 2, "res": 64}),
    )  # fmt: skip


DENSE_MAPS: dict[str, Callable[[], Second]] = {
    make.__name__: make for make in (unetpp, unet_3d, espcn, edsr, dncnn, scse_unet, scse_sdnet)
}
