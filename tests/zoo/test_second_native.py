"""Networks of the zoo as large as they are against their second sources; nightly.

By day ``test_second_sources.py`` compares small ones. What timm and torchvision have under the same name is compared at
its own size in ``tests/weights``; here are the others, with the networks that those cases count.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from second import Second, checkpoint as saved, compiled, lively, noise, said, singles, tensors
from zoo_models import graph_of, images

import archdsl
from tests.zoo.test_second_sources import CASES

pytestmark = [pytest.mark.reference, pytest.mark.nightly]

CLOSE = 1e-4


def of(module: str, name: str, *given: Any) -> Callable[[], Any]:
    """What a module's class makes by default."""

    def make() -> Any:
        from importlib import import_module

        return getattr(import_module(module), name)(*given)

    return make


def eca() -> Any:
    from torch_models import timm

    return timm().create_model("resnet50", block_args={"attn_layer": "eca"})


def video(name: str) -> Callable[[], Any]:
    def make() -> Any:
        from torch_models import torchvision_models

        return getattr(torchvision_models().video, name)()

    return make


def faster(body: str, *given: int) -> Callable[[], Any]:
    def make() -> Any:
        import torch_rcnn

        return torch_rcnn.FasterRCNN(getattr(torch_rcnn, body)(), *given)

    return make


def centernet() -> Any:
    from second_onestage import renamed
    from torch_centernet import CenterNet

    return renamed(CenterNet("BasicBlock", [2, 2, 2, 2]), [("conv_offset", "conv_offset_mask")])


def from_torchvision(name: str) -> Callable[[], Any]:
    def make() -> Any:
        from torch_models import torchvision_models

        return torchvision_models().get_model(name)

    return make


def from_transformers(model: str, config: str, **settings: Any) -> Callable[[], Any]:
    def make() -> Any:
        from torch_models import transformers

        return getattr(transformers(), model)(getattr(transformers(), config)(attn_implementation="eager", **settings))

    return make


def detr() -> Any:
    from second_vision import detection

    return detection([3, 4, 6, 3], num_labels=91)


HARDNET = [
    (8, 14, 128, True), (16, 16, 256, False), (16, 20, 320, True), (16, 40, 640, True), (4, 160, 1024, False),
]  # fmt: skip
"""HarDNet-68 of arXiv:1909.00948, table 1: layers, growth, channels behind, whether a pool follows."""
NATIVE: dict[str, Callable[[], Any]] = {
    "eca_resnet": eca,
    "hardnet": of("torch_hardnet", "HarDNet", HARDNET, (32, 64), 1.7, 1000),
    "coordinate_attention": of("torch_coordinate", "CoordinateMobileNetV2", 1.0),
    "c3d": of("torch_video", "C3D"),
    "x3d": of("torch_video", "X3D"),
    "wavenet": of("torch_wave", "WaveNet"),
    "tcn": of("torch_wave", "TemporalNet"),
    "dcgan": of("torch_generative", "Generator"),
    "dcgan_discriminator": of("torch_generative", "Discriminator"),
    "stylegan2": of("torch_generative", "Synthesis"),
    "vqvae": of("torch_generative", "VQVAE"),
    "siamfc": of("torch_siamfc", "SiamFC"),
    "faster_rcnn_vgg16": faster("VGG16Body"),
    "faster_rcnn_zf": faster("ZFBody", 256),
    "centernet": centernet,
    "swin_v2": from_torchvision("swin_v2_t"),
    "maxvit": from_torchvision("maxvit_t"),
    "segformer": from_transformers("SegformerForSemanticSegmentation", "SegformerConfig", num_labels=150),
    "siglip": from_transformers("SiglipModel", "SiglipConfig"),
    "clip": from_transformers(
        "CLIPModel", "CLIPConfig", text_config={"eos_token_id": 2}, vision_config={"patch_size": 16}
    ),
    "detr": detr,
    **{name: video(name) for name in ("r3d_18", "mc3_18", "r2plus1d_18")},
}
"""Of cases that do not count the variant itself, the network as large as it is."""
REGIONS = {"faster_rcnn_vgg16": {"regions": 12}, "faster_rcnn_zf": {"regions": 12}}
"""So many are looked at by the cases."""
SAME = ("fcn", "deeplabv3", "lraspp", "hrnet", "nf_resnet", "darknet")
"""Compared at their own size in ``tests/weights``."""
TAME = ("centernet", "dcn", "segnet", "ssdlite")
"""As deep as they are, values as large as those of the other cases make a thousandth or more of a rounding error."""
LARGE = ("mamba_130m", "sparse_transformer")
"""Networks on words, and on the 3,072 values of a picture, are tried small."""


def floating(value: Any) -> Any:
    """In double precision, where it has a fraction."""
    return value.astype(float) if value.dtype.kind == "f" else value


def whole(name: str) -> Second:
    """The case, as large as its variant is."""
    case = CASES[name]()
    if name in NATIVE:
        settings: dict[str, Any] = REGIONS.get(name, {})
        drawn = images(graph_of(case.variant, **settings), 1, name, native=True)
        return case._replace(
            small=settings, other=NATIVE[name], inputs=lambda *_: {k: floating(v) for k, v in drawn.items()}
        )
    sizes = case.full_sizes[0]
    settings = {key: value for key, value in sizes.items() if key.islower()}
    return case._replace(small=settings, other=case.full, sizes=sizes)


NAMES = [*NATIVE, *(name for name, make in CASES.items() if make().full and name not in {*NATIVE, *SAME, *LARGE})]


def far(name: str, folder: Path) -> tuple[float, float]:
    """How far ONNX Runtime is from the second source in double precision, and what is allowed: 1e-4, or four times what
    the second source in single precision is away.
    """
    from torch_lively import enliven
    from torch_module import distance

    case = whole(name)
    inputs = case.inputs(np.random.default_rng(3), case.sizes)
    real = [value for value in tensors(inputs).values() if value.is_floating_point()]
    net = enliven(case.other().double(), *real) if name in TAME else lively(case.other(), *real)
    wanted = said(case, net, inputs)
    found = archdsl.run(compiled(case, saved(net, folder / "w.pth")), singles(inputs))
    assert set(found) == set(wanted)
    apart = max(distance(found[output], value) for output, value in wanted.items())
    return apart, CLOSE if apart <= CLOSE else max(CLOSE, 4 * noise(case, net, inputs, wanted))


@pytest.mark.parametrize("name", NAMES)
def test_the_same_numbers_at_native_size(name: str, tmp_path: Path) -> None:
    apart, allowed = far(name, tmp_path)
    assert apart <= allowed


def test_every_case_is_compared_at_native_size() -> None:
    """Here or in ``tests/weights``; networks on words, whose size is in their tables, are tried small."""
    from second_language import LANGUAGE
    from second_translators import TRANSLATORS
    from second_words import WORDS

    from tests.weights import test_timm, test_torchvision

    words = {*WORDS, *LANGUAGE, *TRANSLATORS}
    left = {name: make().variant for name, make in CASES.items() if name not in {*NAMES, *SAME, *LARGE, *words}}
    known = {*test_timm.NETWORKS, *test_timm.MORE, *test_torchvision.NETWORKS, *test_torchvision.MORE}
    known |= {*test_torchvision.SEGMENTERS}
    assert {name: variant for name, variant in left.items() if variant not in known} == {}
    assert {CASES[name]().variant for name in SAME} <= known
