"""Exports of networks of torchvision, timm and transformers against a counter that knows nothing of archdsl."""

from __future__ import annotations

import random
import warnings
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

TORCHVISION = (
    "alexnet", "densenet121", "efficientnet_b0", "efficientnet_v2_s", "googlenet", "mnasnet1_0", "mobilenet_v2",
    "mobilenet_v3_large", "mobilenet_v3_small", "regnet_x_400mf", "regnet_y_400mf", "resnet18", "resnet50", "resnext50_32x4d",
    "shufflenet_v2_x1_0", "squeezenet1_0", "squeezenet1_1", "vgg11", "vgg13_bn", "wide_resnet50_2", "convnext_tiny", "vit_b_16",
    "swin_t", "densenet169", "resnet34",
)  # fmt: skip
TIMM = (
    "mobilenetv4_conv_small", "ghostnet_100", "repvgg_a0", "hrnet_w18_small", "res2net50_26w_4s", "resnest14d", "dla34", "dpn68",
    "xception41", "selecsls42b", "mobilevit_xxs", "edgenext_xx_small", "levit_128s", "poolformer_s12", "mixer_s32_224",
    "resmlp_12_224", "deit_tiny_patch16_224", "convmixer_768_32", "nf_resnet50", "eca_resnet33ts", "seresnet18", "tinynet_e",
    "lcnet_050", "fbnetc_100", "hardcorenas_a",
)  # fmt: skip
TRANSFORMERS = (
    "bert",
    "gpt2",
    "distilbert",
    "roberta",
    "albert",
    "electra",
    "mobilebert",
    "squeezebert",
    "vit",
    "deit",
)
NETWORKS = [f"{home}:{name}" for home, names in (
    ("torchvision", TORCHVISION), ("timm", TIMM), ("transformers", TRANSFORMERS)) for name in names]  # fmt: skip
CANNOT = {("transformers:gpt2", False): "aten::diff"}
"""What PyTorch itself cannot export, by exporter (``dynamo``) -> the operator for which that one has no rule."""
LEAST = {("torchvision:vit_b_16", False): 14}
"""The first operator set for which PyTorch exports a network: its attention needs this one."""
FEW = ("torchvision:squeezenet1_1", "torchvision:shufflenet_v2_x1_0", "torchvision:mobilenet_v3_small")


def network(title: str) -> tuple[Any, dict[str, Any]]:
    """The module with weights that differ, and its inputs, two samples each."""
    import torch
    from torch_models import torchvision_models

    home, _, name = title.partition(":")
    torch.manual_seed(0)
    side = 224
    if home == "torchvision":
        more = {"aux_logits": False, "init_weights": False} if name == "googlenet" else {}
        made = torchvision_models().get_model(name, weights=None, **more)
    elif home == "timm":
        from torch_models import timm

        made = timm().create_model(name, pretrained=False)
        side = made.default_cfg["input_size"][-1]
    else:
        return text_or_picture(name)
    for parameter in [*made.parameters(), *made.buffers()]:
        if parameter.is_floating_point():
            parameter.data.uniform_(0.01, 0.1)
    return made.eval(), {"x": torch.randn(2, 3, side, side)}


def text_or_picture(name: str) -> tuple[Any, dict[str, Any]]:
    import torch
    from torch_models import transformers

    config = transformers().AutoConfig.for_model(name)
    for key, value in {"num_hidden_layers": 2, "n_layer": 2, "n_layers": 2, "vocab_size": 500}.items():
        if hasattr(config, key):
            setattr(config, key, value)
    config._attn_implementation = "eager"
    config.use_cache = False
    config.return_dict = False
    made = first_result(transformers().AutoModel.from_config(config).eval())
    for parameter in made.parameters():
        parameter.data.uniform_(0.01, 0.1)
    if name in ("vit", "deit"):
        return made, {"x": torch.randn(2, 3, config.image_size, config.image_size)}
    return made, {"x": torch.randint(0, 500, (2, 16))}


def first_result(model: Any) -> Any:
    """The model as a module with one input by position and one result, as both exporters take it."""
    import torch

    class Wrapped(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, x: Any) -> Any:
            return self.model(x)[0]

    return Wrapped().eval()


def export(made: Any, inputs: Mapping[str, Any], path: Path, *, dynamo: bool, opset: int, free: bool) -> None:
    """The module as a file; ``free``: the batch stays open."""
    import torch

    names = list(inputs)
    sizes: dict[str, Any] = {}
    if free and dynamo:
        sizes = {"dynamic_shapes": {name: {0: torch.export.Dim("batch")} for name in names}}
    elif free:
        sizes = {"dynamic_axes": {name: {0: "batch"} for name in names}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if dynamo:
            torch.onnx.export(
                made, tuple(inputs.values()), str(path), input_names=names, dynamo=True, opset_version=opset,
                external_data=False, verbose=False, **sizes,
            )  # fmt: skip
        else:
            torch.onnx.export(
                made, tuple(inputs.values()), str(path), input_names=names, dynamo=False, opset_version=opset, **sizes
            )  # fmt: skip


def check(title: str, dynamo: bool, folder: Path) -> str:
    """Export and count twice; what differs, or an empty text."""
    from onnx_counter import measured

    import archdsl

    draw = random.Random(zlib.crc32(f"{title}{dynamo}".encode()))
    opset, free = draw.randint(18, 23) if dynamo else draw.randint(13, 20), draw.random() < 0.5
    opset = max(opset, LEAST.get((title, dynamo), opset))
    made, inputs = network(title)
    path = folder / "net.onnx"
    export(made, inputs, path, dynamo=dynamo, opset=opset, free=free)
    params, macs, shapes = measured(path, {name: np.asarray(value) for name, value in inputs.items()})
    which = f"{title} dynamo={dynamo} opset={opset} free={free}"
    try:
        table = archdsl.cost(path, {"batch": 2} if free else {})
    except archdsl.DiagnosticError as error:
        return f"{which}: {error}"
    found = table.total("params"), table.total("macs")
    if table.partial or found != (params, macs):
        return f"{which}: {'>= ' * table.partial}{found}, counted {(params, macs)}"
    wrong = [one for sizes in ([{"batch": 2}, {}] if free else [{}]) for one in differing(path, shapes, sizes)]
    return f"{which}: {len(wrong)} shapes differ: {wrong[:3]}" if wrong else ""


def differing(path: Path, shapes: Mapping[str, tuple[int, ...]], bind: Mapping[str, int]) -> list[str]:
    """Values whose shapes are not those of a run; a batch that is not bound is put in afterwards."""
    from foreign_models import shapes_by_name

    from archdsl.dims import evaluate

    ours = shapes_by_name(path, bind)
    found = {name: tuple([evaluate(size, {"batch": 2}) for size in shape]) for name, shape in ours.items()}
    return [f"{name}: {found.get(name)}, is {shape}" for name, shape in shapes.items() if found.get(name) != shape]


def often(title: str, dynamo: bool) -> bool:
    """Whether a change waits for this export: the newer exporter takes half a minute for each network."""
    return title in FEW[:1] or (title in FEW and not dynamo)


@pytest.mark.parametrize(
    ("title", "dynamo"),
    [
        pytest.param(
            name, dynamo, id=f"{name}-{'dynamo' if dynamo else 'legacy'}",
            marks=pytest.mark.reference if often(name, dynamo) else pytest.mark.nightly,
        )
        for name in NETWORKS for dynamo in (False, True)
    ],
)  # fmt: skip
def test_exports_are_counted_right(title: str, dynamo: bool, tmp_path: Path) -> None:
    if dynamo:
        pytest.importorskip("onnxscript", reason="PyTorch's newer exporter needs it: pip install onnxscript")
    from torch.onnx.errors import UnsupportedOperatorError

    try:
        different = check(title, dynamo, tmp_path)
    except UnsupportedOperatorError as error:
        if CANNOT.get((title, dynamo), "nothing") not in str(error):
            raise
        pytest.skip(f"PyTorch cannot export it: {error}")
    assert different == ""


@pytest.mark.reference
def test_a_wrong_count_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import onnx_counter

    right = onnx_counter.MACS["Conv"]
    monkeypatch.setitem(onnx_counter.MACS, "Conv", lambda ins, outs, given: right(ins, outs, given) + 1)
    assert "counted" in check(FEW[0], False, tmp_path)
