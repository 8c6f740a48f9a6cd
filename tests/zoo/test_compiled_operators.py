"""Suppression, regions and moved taps in plain PyTorch against torchvision's compiled operators.

The tests of detectors hold the zoo against the plain ones, because the torchvision of their environment is of another
build than its PyTorch and its operators do not load. Here both are of one build (``docs/testing.md`` has the command).
"""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.compiled

HEIGHT, WIDTH = 19, 26
SEEDS = range(8)
EXACT = 1e-12
"""Beside the largest value, in double precision."""


@pytest.fixture
def ops() -> Any:
    """``torchvision.ops``, where its operators load."""
    pytest.importorskip("torch")
    from torch_models import torchvision_models

    torchvision_models()
    import torchvision

    if not torchvision.extension._has_ops():
        pytest.skip(
            "torchvision is of another build than PyTorch: its compiled operators do not load (docs/testing.md)"
        )
    return torchvision.ops


def boxes(count: int, seed: int, size: float, dtype: str, upside_down: bool = False) -> Any:
    """Some of all kinds [count, 4]: in and beyond the picture, tiny, alike, on whole positions, of no area, or with ends
    that are the wrong way round.
    """
    import torch

    draw = torch.Generator().manual_seed(seed)
    spread = torch.rand(count, 2, 2, generator=draw, dtype=torch.float64) * 1.6 * size - 0.3 * size
    found = torch.cat([spread.amin(1), spread.amax(1)], 1)
    kinds = torch.randint(8, (count,), generator=draw)
    found = torch.where((kinds == 1)[:, None], found.round(), found)
    found[kinds == 2, 2:] = found[kinds == 2, :2]
    found[kinds == 3, 2] = found[kinds == 3, 0]
    found[kinds == 4, 2:] = found[kinds == 4, :2] + 0.01 * size
    found[kinds == 5] = found[:1].clone()
    if upside_down:
        found[kinds == 6] = found[kinds == 6][:, [2, 1, 0, 3]]
    return found.to(getattr(torch, dtype))


def maps_and_rois(seed: int, scale: float, **options: Any) -> tuple[Any, Any]:
    """[3, 18, HEIGHT, WIDTH] and [120, 5]: the number of the picture, then the box."""
    import torch

    draw = torch.Generator().manual_seed(seed)
    maps = torch.randn(3, 18, HEIGHT, WIDTH, generator=draw, dtype=torch.float64)
    places = boxes(120, seed, max(HEIGHT, WIDTH) / scale, "float64", **options)
    return maps, torch.cat([torch.randint(3, (120, 1), generator=draw), places], 1)


def at_the_edge(places: Any, points: int, aligned: bool) -> Any:
    """Which boxes have a point just one position outside of the map, where it counts in full: one rounding further it
    counts nothing.
    """
    import torch

    size = places[:, 2:] - places[:, :2]
    size = size if aligned else size.clamp(min=1)
    steps = (torch.arange(points) + 0.5) / points
    at = places[:, :2, None] + size[..., None] * steps
    ends = torch.tensor([[-1.0, WIDTH], [-1.0, HEIGHT]])
    return ((at[..., None] - ends[:, None]).abs() < 1e-9).flatten(1).any(1)


def same(found: Any, wanted: Any, close: float = EXACT) -> None:
    assert found.shape == wanted.shape
    assert (found - wanted).abs().max() <= close * wanted.abs().max()
    assert wanted.abs().max() > 0.1


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("count", [0, 1, 40, 600])
def test_the_same_boxes_are_kept(ops: Any, count: int, dtype: str, seed: int) -> None:
    """Scores tie for a third of them; overlaps are the limit itself, or that of two boxes of no area."""
    import torch
    from torch_boxes import suppress

    draw = torch.Generator().manual_seed(seed)
    given = boxes(count, seed, 50, dtype, upside_down=True)
    scores = torch.rand(count, generator=draw, dtype=given.dtype)
    scores = torch.where(torch.rand(count, generator=draw) < 0.3, (scores * 4).round() / 4, scores)
    for limit in (0.0, 0.3, 0.5, 0.7, 1.0):
        assert suppress(given, scores, limit).tolist() == ops.nms(given, scores, limit).tolist()
    assert count < 40 or len(ops.nms(given, scores, 0.5)) < count


@pytest.mark.parametrize("limit", [1 / 3, 0.5, 0.25])
def test_an_overlap_that_is_the_limit_itself(ops: Any, limit: float) -> None:
    """Of whole positions, so that both quotients are exact: what overlaps by just the limit stays."""
    import torch
    from torch_boxes import suppress

    given = torch.tensor([[i, 0.0, i + 4, 4.0] for i in range(5)] + [[0.0, 0.0, 8.0, 4.0]], dtype=torch.float64)
    scores = torch.arange(6, 0, -1).double()
    found = suppress(given, scores, limit).tolist()
    assert found == ops.nms(given, scores, limit).tolist()
    assert len(found) < len(given)


@pytest.mark.parametrize("seed", SEEDS[:3])
@pytest.mark.parametrize("aligned", [False, True])
@pytest.mark.parametrize("samples", [1, 2, 3, 4])
@pytest.mark.parametrize("n", [1, 3, 7])
def test_the_same_means_of_regions(ops: Any, n: int, samples: int, aligned: bool, seed: int) -> None:
    """Both ways of writing them down: region by region, and of all at once as the detectors of the tests do."""
    from torch_boxes import roi_align
    from torch_detectors import plain_align

    for scale in (1.0, 0.25, 1 / 16):
        # torchvision refuses what ends before it begins where regions are aligned
        maps, rois = maps_and_rois(seed, scale, upside_down=not aligned)
        rois = rois[~at_the_edge(rois[:, 1:] * scale - 0.5 * aligned, n * samples, aligned)]
        assert len(rois) > 90
        wanted = ops.roi_align(maps, rois, n, scale, samples, aligned)
        same(roi_align(maps, rois[:, 1:], rois[:, 0].long(), n, scale, samples, aligned), wanted)
        if not aligned:
            same(plain_align(maps, rois, (n, n), scale, samples), wanted)


@pytest.mark.parametrize("seed", SEEDS[:3])
@pytest.mark.parametrize("n", [1, 3, 7])
def test_the_same_maxima_of_regions(ops: Any, n: int, seed: int) -> None:
    """Halves are rounded away from zero, and a region beyond the map is zeros."""
    from torch_boxes import roi_pool

    for scale in (1.0, 0.25, 1 / 16):
        maps, rois = maps_and_rois(seed, scale, upside_down=True)
        rois[::5, 1:] = (rois[::5, 1:] * scale).floor().add(0.5) / scale
        same(roi_pool(maps, rois[:, 1:], rois[:, 0].long(), n, scale), ops.roi_pool(maps, rois, n, scale))


@pytest.mark.parametrize("seed", SEEDS[:3])
@pytest.mark.parametrize("n", [1, 3])
def test_the_same_means_of_position_sensitive_regions(ops: Any, n: int, seed: int) -> None:
    """torchvision rounds after scaling and counts neither last position, the paper's authors round before and count it:
    they agree on regions that begin and end at whole positions of the map, of at least one, inside of it.
    """
    import torch
    from torch_boxes import psroi_pool

    for scale in (1.0, 1 / 16):
        maps, rois = maps_and_rois(seed, scale)
        low = (rois[:, 1:3] * scale).round().clamp(min=0).minimum(torch.tensor([WIDTH - 3.0, HEIGHT - 3.0]))
        high = torch.maximum((rois[:, 3:] * scale).round(), low + 1).minimum(torch.tensor([WIDTH - 1.0, HEIGHT - 1.0]))
        rois[:, 1:] = torch.cat([low, high], 1) / scale
        theirs = ops.ps_roi_pool(maps, rois, n, scale)
        rois[:, 3:] -= 1
        same(psroi_pool(maps, rois[:, 1:], rois[:, 0].long(), n, scale), theirs)


@pytest.mark.parametrize("stride", [1, 2])
def test_the_same_deformable_convolutions(ops: Any, stride: int) -> None:
    """With masks; taps up to four positions away, many beyond the border."""
    import torch
    from torch_deformable import Deformable

    draw = torch.Generator().manual_seed(stride)
    layer = Deformable(6, 5, stride, bias=True).double()
    x = torch.randn(2, 6, HEIGHT, WIDTH, generator=draw, dtype=torch.float64)
    with torch.no_grad():
        for value in layer.parameters():
            value.copy_(torch.randn(value.shape, generator=draw, dtype=torch.float64) * 0.3)
        said = layer.conv_offset(x)
        assert said[:, :18].abs().max() > 4
        mask = said[:, 18:].sigmoid()
        wanted = ops.deform_conv2d(x, said[:, :18], layer.weight, layer.bias, stride, 1, 1, mask)
        same(layer(x), wanted)
