"""Checkpoints of torchvision's own definitions load with every tensor matched and give the same numbers, by name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import archdsl
from archdsl import driver, reading
from archdsl.project.compiling import with_weights

NETWORKS = (
    "alexnet", "vgg11_bn", "googlenet", "inception_v3", "squeezenet1_0", "squeezenet1_1", "resnet18",
    "resnet50", "resnext50_32x4d", "densenet121", "mobilenet_v2", "mobilenet_v3_small",
    "mobilenet_v3_large", "mnasnet0_5", "mnasnet1_0", "shufflenet_v2_x0_5", "efficientnet_b0",
)  # fmt: skip
"""One of each kind; the rest of torchvision's are for the night."""

MORE = (
    "vgg11", "vgg13", "vgg16", "vgg19", "vgg13_bn", "vgg16_bn", "vgg19_bn", "resnet34", "resnet101", "resnet152",
    "resnext101_32x8d", "resnext101_64x4d", "wide_resnet50_2", "wide_resnet101_2", "densenet161", "densenet169", "densenet201",
    "mnasnet0_75", "mnasnet1_3", "shufflenet_v2_x1_0", "shufflenet_v2_x1_5", "shufflenet_v2_x2_0",
    *(f"efficientnet_b{i}" for i in range(1, 8)), "efficientnet_v2_s", "efficientnet_v2_m", "efficientnet_v2_l",
    "convnext_tiny", "convnext_small", "convnext_base", "convnext_large",
)  # fmt: skip

SEGMENTERS = (
    "fcn_resnet50", "fcn_resnet101", "deeplabv3_resnet50", "deeplabv3_resnet101", "deeplabv3_mobilenet_v3_large",
    "lraspp_mobilenet_v3_large",
)  # fmt: skip
"""For the night; narrow ones are compared in ``zoo/test_second_sources``."""

TRANSFORMERS = (
    "swin_t", "swin_s", "swin_b", "vit_b_16", "vit_b_32", "vit_l_16", "vit_l_32", "vit_h_14",
    "swin_v2_t", "swin_v2_s", "swin_v2_b", "maxvit_t",
)  # fmt: skip
"""Small ones of these are compared in ``zoo/test_second_sources``."""

TOLERANCE = 1e-4

CASES = [
    *(pytest.param(name, marks=pytest.mark.reference) for name in NETWORKS),
    *(pytest.param(name, marks=pytest.mark.nightly) for name in (*MORE, *SEGMENTERS)),
]


def build(name: str, x: Any) -> Any:
    """torchvision's network with random values."""
    import torch
    from torch_lively import bias_of, enliven
    from torch_models import torchvision_models

    options: dict[str, Any] = {}
    if name in ("googlenet", "inception_v3"):
        options = {"init_weights": False, "transform_input": False}
    if name in SEGMENTERS:
        options = {"weights_backbone": None, **({} if name.startswith("lraspp") else {"aux_loss": True})}
    with torch.device("meta"):
        net = torchvision_models().get_model(name, **options)
    return enliven(net.to_empty(device="cpu"), x, seed=sum(map(ord, name)), bias=bias_of(name))


def shuffled(state: dict[str, Any]) -> dict[str, Any]:
    names = list(state)
    np.random.default_rng(1).shuffle(names)
    return {name: state[name] for name in names}


def twins(state: dict[str, Any]) -> tuple[str, str]:
    """The first and the last of the tensors of one shape, of those shapes that most have, the largest."""
    alike: dict[tuple[int, ...], list[str]] = {}
    for name, value in state.items():
        if value.ndim and not name.lower().startswith("aux"):  # heads that there are only while training
            alike.setdefault(tuple(value.shape), []).append(name)
    names = max(alike.values(), key=lambda found: (len(found) > 1, state[found[0]].ndim, state[found[0]].numel()))
    return names[0], names[-1]


def logits(name: str, state: dict[str, Any], x: Any, folder: Path) -> np.ndarray:
    """Of our network with a checkpoint of these tensors, shuffled; every one of its own is matched."""
    import torch

    torch.save(shuffled(state), folder / "w.pth")
    program, variant = driver.resolve_target(name)
    graph = program.graph(variant)
    loaded, told = with_weights(graph, folder / "w.pth", training=lambda: program.graph(variant, train=True))
    count = len(graph.parameters())
    assert told[0].startswith(f"w.pth: {count} of {count} tensors matched")
    archdsl.compile(loaded, folder / "m.onnx")
    (found,) = archdsl.run(folder / "m.onnx", x.numpy()).values()
    return np.asarray(found)


def said(net: Any, x: Any) -> np.ndarray:
    """What torchvision's network gives; of several outputs the one that is not for training alone."""
    found = net(x)
    return np.asarray(found["out"] if isinstance(found, dict) else found)


@pytest.mark.parametrize("name", CASES)
def test_checkpoint_gives_the_same_logits(name: str, tmp_path: Path) -> None:
    """And with two tensors of one shape swapped, those of torchvision's network with the two swapped."""
    import torch
    from torch_lively import pictures
    from torch_module import distance

    program, variant = driver.resolve_target(name)
    size = program.graph(variant).inputs[0].type.shape[-1]
    x = pictures(2, 3, size, size)
    net = build(name, x)
    with torch.no_grad():
        before = said(net, x)
        found = logits(name, net.state_dict(), x, tmp_path)
        assert distance(found, before) <= TOLERANCE
        assert np.abs(before[0] - before[1]).max() > 100 * TOLERANCE * np.abs(before).max()

        one, other = (net.state_dict()[name] for name in twins(net.state_dict()))
        kept = one.clone()
        one.copy_(other), other.copy_(kept)
        found, after = logits(name, net.state_dict(), x, tmp_path), said(net, x)
    assert distance(found, after) <= TOLERANCE
    assert distance(after, before) > 10 * TOLERANCE


def every_name() -> Iterator[str]:
    """torchvision's functions of the families that the zoo has."""
    from torch_models import torchvision_models

    models, zoo = torchvision_models(), reading.zoo_names()
    for module in (models, models.segmentation):
        yield from (name for name in models.list_models(module=module) if name in zoo)


@pytest.mark.reference
def test_no_network_of_torchvision_is_forgotten() -> None:
    assert sorted(every_name()) == sorted([*NETWORKS, *MORE, *SEGMENTERS, *TRANSFORMERS])
