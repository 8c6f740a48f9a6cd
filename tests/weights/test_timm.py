"""Checkpoints of timm's own definitions load with every tensor matched, by name or by a map, and give the same numbers."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import archdsl
from archdsl import driver, reading
from archdsl.project.compiling import with_weights

NETWORKS = {
    "xception": ("legacy_xception", "by the map `timm`"),
    "inception_v4": ("inception_v4", "by name"),
    "inception_resnet_v2": ("inception_resnet_v2", "by the map `timm`"),
    "dpn92": ("dpn92", "by the map `timm`"),
    "seresnet50": ("seresnet50", "by name"),
    "seresnet50_v1": ("legacy_seresnet50", "by the map `timm_legacy`"),
    "seresnext50_32x4d": ("seresnext50_32x4d", "by name"),
    "senet154": ("legacy_senet154", "by the map `timm`"),
    "sknet50": ("skresnext50_32x4d", "by the map `timm`"),
    "nasnetalarge": ("nasnetalarge", "by the map `timm`"),
    "pnasnet5large": ("pnasnet5large", "by the map `timm`"),
    "vgg11_bn": ("vgg11_bn", "by the map `timm`"),
    "densenet121": ("densenet121", "by the map `torchvision`"),
    "resnet50": ("resnet50", "by name"),
    "resnext50_32x4d": ("resnext50_32x4d", "by name"),
    "inception_v3": ("inception_v3", "by name"),
    "mobilenet_v2": ("mobilenetv2_100", "by the map `timm`"),
    "mobilenet_v3_large": ("mobilenetv3_large_100", "by the map `timm`"),
    "mobilenet_v3_small": ("mobilenetv3_small_100", "by the map `timm`"),
    "efficientnet_b0": ("efficientnet_b0", "by the map `timm`"),
    "tf_efficientnet_b0": ("tf_efficientnet_b0", "by the map `timm`"),
    "mnasnet1_0": ("mnasnet_100", "by the map `timm`"),
    "mnasnet_a1": ("semnasnet_100", "by the map `timm`"),
    "mobilenet_v1": ("mobilenetv1_100", "by the map `timm`"),
    "nf_resnet50": ("nf_resnet50", "by the map `timm`"),
}
"""Our network, timm's, and how its names are known: one or two of each family."""
BY_NAME = """
    regnetx_002 regnetx_008 regnetx_032 regnetx_160 regnety_004 regnety_016 regnety_032 regnety_160 convnextv2_atto
    convnextv2_nano mobilenetv4_conv_small mobilenetv4_conv_small_050 mobilenetv4_conv_medium
    res2net50_26w_4s res2net50_48w_2s res2net50_26w_8s res2net101_26w_4s mobileone_s0 mobileone_s1 mobileone_s2
    mobileone_s3 repvit_m0_9 repvit_m1_0 repvit_m1_1 repvit_m1 repvit_m2 dla34 dla60 ese_vovnet19b_dw ese_vovnet39b
    ese_vovnet57b ese_vovnet99b edgenext_xx_small edgenext_x_small edgenext_small convmixer_768_32
    convmixer_1024_20_ks9_p14 convmixer_1536_20 vit_tiny_patch16_224 vit_small_patch16_224 deit_tiny_patch16_224
    deit_small_patch16_224 deit_base_patch16_224 deit_tiny_distilled_patch16_224 deit_small_distilled_patch16_224
    deit_base_distilled_patch16_224 mixer_s32_224 mixer_s16_224 mixer_b16_224 mixer_l16_224 resmlp_12_224 resmlp_24_224
    resmlp_36_224 gmlp_ti16_224 gmlp_s16_224 mobilevit_xxs mobilevit_xs mobilevit_s levit_128s levit_128 levit_192
    levit_256 beit_base_patch16_224 beit_large_patch16_224 coatnet_0_224 coatnet_1_224 coatnet_2_224 coatnet_3_224
    samvit_base_patch16 samvit_large_patch16
"""
BY_MAP = """
    convnext_atto convnext_femto convnext_pico convnext_nano tf_efficientnetv2_s mobilenetv4_hybrid_medium
    ghostnet_050 ghostnet_100 ghostnet_130 resnest14d resnest26d resnest50d resnest101e fastvit_t8 fastvit_t12
    fastvit_s12 poolformer_s12 poolformer_s24 poolformer_s36 poolformer_m36
"""
"""Backbones under timm's names, for the night: by day small ones are compared, in ``zoo/test_second_sources``."""
MORE = {
    **{name: (name, "by name") for name in BY_NAME.split()},
    **{name: (name, "by the map `timm`") for name in BY_MAP.split()},
    **{
        f"convnext{n}": (f"convnext{n}", "by the map `timm_linear`")
        for n in ("_tiny", "_small", "_base", "_large", "v2_base")
    },
    "seresnet101": ("seresnet101", "by name"),
    "seresnet152": ("seresnet152", "by name"),
    "seresnet101_v1": ("legacy_seresnet101", "by the map `timm_legacy`"),
    "seresnet152_v1": ("legacy_seresnet152", "by the map `timm_legacy`"),
    "dpn98": ("dpn98", "by the map `timm`"),
    "vgg16": ("vgg16", "by the map `timm`"),
    "seresnext101_32x4d": ("seresnext101_32x4d", "by name"),
    "wide_resnet50_2": ("wide_resnet50_2", "by name"),
    "mobilenet_v2_w0_5": ("mobilenetv2_050", "by the map `timm`"),
    "efficientnet_b1": ("efficientnet_b1", "by the map `timm`"),
    **{name: (name, "by the map `timm`") for name in ("vgg11", "vgg13", "vgg19", "vgg13_bn", "vgg16_bn", "vgg19_bn")},
    **{f"densenet{n}": (f"densenet{n}", "by the map `torchvision`") for n in (161, 169, 201)},
    **{name: (name, "by name") for name in ("resnet18", "resnet34", "resnet101", "resnet152", "wide_resnet101_2")},
    **{name: (name, "by name") for name in ("resnext101_32x4d", "resnext101_32x8d", "resnext101_64x4d")},
    **{
        name: (name, "by name")
        for name in ("hrnet_w18", "hrnet_w18_small", "hrnet_w18_small_v2", "hrnet_w32", "hrnet_w48")
    },
    **{f"efficientnet_b{n}": (f"efficientnet_b{n}", "by the map `timm`") for n in range(2, 8)},
    "darknet53": ("darknet53", "by the map `timm`"),
    "mobilenet_v2_w0_35": ("mobilenetv2_035", "by the map `timm`"),
    "mobilenet_v2_w0_75": ("mobilenetv2_075", "by the map `timm`"),
    "mobilenet_v2_w1_4": ("mobilenetv2_140", "by the map `timm`"),
    "mnasnet0_5": ("mnasnet_050", "by the map `timm`"),
    "mnasnet0_75": ("mnasnet_075", "by the map `timm`"),
    **{f"inception_next_{n}": (f"inception_next_{n}", "by name") for n in ("atto", "tiny", "small", "base")},
    **{f"starnet_s{n}": (f"starnet_s{n}", "by name") for n in (1, 2, 3, 4)},
    **{f"fasternet_{n}": (f"fasternet_{n}", "by name") for n in ("t0", "t1", "t2", "s", "m", "l")},
    **{name: (name, "by name") for name in ("cspresnet50", "cspresnext50", "cspdarknet53")},
    **{f"resnetv2_{n}_bit": (f"resnetv2_{n}_bit", "by name") for n in ("50x1", "101x1", "50x3")},
}
"""The rest of those that timm has, deeper or wider than one above, for the night."""
SETTINGS = {
    "mobilenet_v3_large": {"eps": 1e-5}, "mobilenet_v3_small": {"eps": 1e-5},
    **{f"efficientnet_b{n}": {"eps": 1e-5} for n in (5, 6, 7)},
}  # fmt: skip
"""What timm has otherwise than torchvision, whose network the zoo's is."""
SMALLER = {
    "inception_v4": 171, "inception_resnet_v2": 171, "dpn98": 128, "seresnet101": 128, "seresnet152": 128,
    "seresnet101_v1": 128, "seresnet152_v1": 128, "seresnext101_32x4d": 128, "senet154": 128, "nasnetalarge": 171,
    "pnasnet5large": 171, "resnetv2_101x1_bit": 128, "resnetv2_50x3_bit": 128, "samvit_base_patch16": 512,
    "samvit_large_patch16": 512,
}  # fmt: skip
"""Pixels a side, where the native image takes long."""
IN_PARTS = ("coatnet", "levit")
"""What makes almost the same of pictures whose parts have the same means."""
TOLERANCE = 1e-4


def shuffled(state: dict[str, Any]) -> dict[str, Any]:
    names = list(state)
    np.random.default_rng(1).shuffle(names)
    return {name: state[name] for name in names}


def build(name: str, x: Any) -> Any:
    """timm's network with random values.

    Three things are set right. SAM's encoder gives a map, of which timm takes the mean. timm counts the padding of its
    strided averages, TensorFlow, where NASNet is from, does not. And the norms of SKNet's attention see one value of each
    image: the variance of two of them is blown up no end.
    """
    from torch_lively import bias_of, enliven
    from torch_models import timm

    net = timm().create_model(name, **({"img_size": x.shape[-1]} if name.startswith("samvit") else {}))
    for module in net.modules():
        if type(module).__name__ == "AvgPool2dSame":
            counted = type(module).forward
            module.forward = lambda x, m=module, f=counted: f(m, x) / f(m, x.new_ones(x.shape))
    if name.startswith("samvit"):
        net.forward = net.forward_features
    enliven(net, x, bias=bias_of(name))
    for path, module in net.named_modules():
        if path.endswith("attn.bn"):
            module.running_var.mul_(100)
    return net


CASES = [
    *(pytest.param(name, marks=pytest.mark.reference) for name in NETWORKS),
    *(pytest.param(name, marks=pytest.mark.nightly) for name in MORE),
]


@pytest.mark.parametrize("name", CASES)
def test_checkpoint_gives_the_same_logits(name: str, tmp_path: Path) -> None:
    """Or as far from timm's as that is from itself in double precision."""
    import torch
    from torch_lively import pictures
    from torch_module import distance

    theirs, how = {**NETWORKS, **MORE}[name]
    small = {"res": SMALLER[name]} if name in SMALLER else {}
    graph = driver.resolve_target(name)[0].graph(name, **small, **SETTINGS.get(name, {}))
    size = graph.inputs[0].type.shape[-1]
    torch.manual_seed(1)
    x = pictures(2, 3, size, size) if name.startswith(IN_PARTS) else torch.randn(2, 3, size, size)
    net = build(theirs, x)
    torch.save(shuffled(net.state_dict()), tmp_path / "w.pth")
    loaded, told = with_weights(graph, tmp_path / "w.pth")
    count = len(graph.parameters())
    assert told == [f"w.pth: {count} of {count} tensors matched {how}"]
    archdsl.compile(loaded, tmp_path / "m.onnx")
    (found,) = archdsl.run(tmp_path / "m.onnx", x.numpy()).values()
    with torch.no_grad():
        wanted = net(x).numpy()
        apart = distance(found, wanted)
        assert apart <= TOLERANCE or apart <= 4 * distance(wanted, copy.deepcopy(net).double()(x.double()).numpy())
    assert np.abs(wanted[0] - wanted[1]).max() > 100 * TOLERANCE * np.abs(wanted).max()


OTHERS = {
    "mnasnet1_3": "timm has width 1.4",
    "nf_resnet101": "timm has weights of 50 only",
    **{
        f"repvgg_{n}": "counts and names of all equal timm's; a0 is run in tests/zoo/test_nested.py"
        for n in ("a0", "a1", "a2", "b0", "b1", "b1g4", "b2", "b2g4", "b3", "b3g4")
    },
    "samvit_huge_patch16": "more than 6 GB; its layers are those of the others",
    "senet154": "timm's `senet154` is Gluon's; the authors' is `legacy_senet154`",
}
"""Names or networks that timm has otherwise."""


def timm_names() -> Iterator[str]:
    """The zoo's networks that timm has under the same name."""
    from torch_models import timm

    have = set(timm().list_models())
    yield from (name for name in reading.zoo_names() if name in have)


@pytest.mark.reference
def test_no_network_of_timm_is_forgotten() -> None:
    assert set(timm_names()) <= {*NETWORKS, *MORE, *OTHERS}
