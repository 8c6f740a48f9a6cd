"""Networks as generated PyTorch modules against ONNX Runtime: every family, and every tensor of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx_case import generator
from zoo_models import VARIANTS, gain_of, graph_of, has_parameter, images, jumps, session_of, structure, symbolic

import archdsl
from archdsl.diagnostics import DiagnosticError
from archdsl.graph import Graph
from archdsl.project.compiling import with_weights

TOLERANCE = 1e-4

SMALLEST = (
    "as_resnet_w32", "alexnet", "amoebanet_a", "autoencoder_mnist", "bam_resnet50", "bn_inception", "cbam_resnet50",
    "se_wrn_28_10", "delugenet_92", "densenet121", "densenet_bc_100_k12", "dpn92", "efficientnet_b0", "fe_net_1_375",
    "googlenet", "highway_mlp_10", "inception_resnet_v1", "inception_v3", "inception_v4", "lenet5", "mlp3",
    "mnasnet0_5", "mobilenet_v1_w0_25", "mobilenet_v2_w0_35", "mobilenet_v3_small_w0_75", "msdnet22", "nasnet_mobile",
    "nin_cifar10", "overfeat_fast_slim", "pnasnet5large", "polynet", "preact_resnet164_cifar",
    "pyramidnet200_a240_cifar", "residual_attention56", "resnet110_original", "resnet18_a", "resnet20_cifar_a",
    "resnext50_2x40d", "seresnet50_v1", "senet154", "shiftnet_b", "shufflenet_v1_g4", "shufflenet_v2_x0_5", "sknet50",
    "repvgg_a0", "squeezenet1_1", "stochastic_depth_110_a", "vgg11", "wrn_40_4", "xception", "zfnet",
)  # fmt: skip
"""Of each family the variant with the least arithmetic; all others are for the night."""
LARGE = (
    "amoebanet_a", "delugenet_92", "inception_v4", "overfeat_fast_slim", "pnasnet5large", "polynet", "senet154", "vgg11",
)  # fmt: skip
"""Those that take longest: by day the outputs are compared at half the resolution only."""


WORDS = ("recurrent", "whisper")


def variants() -> list[Any]:
    """Networks on words are compared small in ``zoo/test_second_sources.py``."""
    by_day = set(SMALLEST) - set(LARGE)
    words = {name for name, path in VARIANTS.items() if path.parent.name == "language" or path.stem in WORDS}
    names = [*SMALLEST, *(name for name in VARIANTS if name not in {*SMALLEST, *words})]
    return [pytest.param(n, marks=pytest.mark.reference if n in by_day else pytest.mark.nightly) for n in names]


def lively(graph: Graph, name: str) -> tuple[Any, list[Any]]:
    """The generated module with random values, and two of each input, which its running statistics are of."""
    import torch
    from torch_lively import enliven, pictures
    from torch_module import module_of

    drawn = images(graph, 2, name, native=True)
    x = [
        pictures(2, *a.shape[1:]) if len(a) == 2 and a.dtype == np.float32 else torch.from_numpy(a)
        for a in drawn.values()
    ]
    net = enliven(module_of(graph), *x, seed=sum(map(ord, name)), gain=gain_of(graph))
    for path, value in net.named_parameters():
        if name.startswith("highway_mlp") and path.endswith("linear_2.bias"):
            value.data -= 4  # gates begin by carrying, as in the paper: a hundred open ones forget the input
    return net, x


def state_of(net: Any, graph: Graph) -> dict[str, np.ndarray]:
    """The module's tensors: exactly the network's parameters."""
    found = {k: v.numpy() for k, v in net.state_dict().items() if not k.endswith("num_batches_tracked")}
    assert set(found) == set(graph.parameters())
    return found


def outputs(net: Any, *x: Any) -> list[np.ndarray]:
    import torch
    from torch_module import outputs_of

    with torch.no_grad():
        return outputs_of(net(*x))


def apart(found: list[np.ndarray], expected: list[np.ndarray]) -> float:
    """The greatest distance of an output."""
    from torch_module import distance

    assert [a.shape for a in found] == [b.shape for b in expected]
    return max(distance(a, b) for a, b in zip(found, expected))


@pytest.mark.parametrize("name", variants())
def test_scores_at_native_resolution(name: str, tmp_path: Path) -> None:
    """The module's state, saved and loaded by ``--weights``; two images with different scores."""
    from archdsl.weights.safetensors import encode

    graph = symbolic(name)
    if not graph.parameters():
        assert jumps(graph)  # the logic gates of 1943: their operators are tested
        return
    net, x = lively(graph, name)
    state = state_of(net, graph)
    head = encode({k: ("f32", tuple(v.shape)) for k, v in state.items()}, {})
    (tmp_path / "w.safetensors").write_bytes(head + b"".join(np.ascontiguousarray(v).tobytes() for v in state.values()))
    loaded, _ = with_weights(graph, tmp_path / "w.safetensors")
    archdsl.compile(loaded, tmp_path / "m.onnx")
    given = {value.name: one.numpy() for value, one in zip(graph.inputs, x, strict=True)}
    found = list(archdsl.run(tmp_path / "m.onnx", given).values())
    assert apart(found, outputs(net, *x)) <= TOLERANCE
    for scores in [] if jumps(graph) else found:  # threshold units: all or nothing
        assert np.abs(scores[0] - scores[1]).max() > 100 * TOLERANCE * np.abs(scores).max()


FEW = 8
"""Tensors of a network that are disturbed in CI; every night all are."""


@pytest.mark.parametrize("name", SMALLEST)
@pytest.mark.parametrize(
    "few", [pytest.param(True, marks=pytest.mark.reference), pytest.param(False, marks=pytest.mark.nightly)]
)
def test_every_disturbed_tensor_breaks_the_comparison(name: str, few: bool) -> None:
    """Tensor by tensor, the module has the same values one place further on; at half the resolution, for the time."""
    import torch

    graph = halved(name)
    net, (x,) = lively(graph, name)
    state = state_of(net, graph)
    session = session_of(structure(graph))
    expected = session.run(None, {graph.inputs[0].name: x[:1].numpy(), **state})
    assert apart(outputs(net, x[:1]), expected) <= TOLERANCE
    unnoticed = {}
    for tensor in chosen(list(state), state, name) if few else state:
        value = net.state_dict()[tensor]
        kept = value.clone()
        value.copy_(torch.roll(kept.flatten(), 1).reshape(kept.shape) if kept.numel() > 1 else kept + 1)
        if apart(outputs(net, x[:1]), expected) <= TOLERANCE:
            unnoticed[tensor] = kept.shape
        value.copy_(kept)
    assert unnoticed == {}
    assert apart(outputs(net, x[:1]), expected) <= TOLERANCE


def halved(name: str) -> Graph:
    """The network at half its resolution (or the next that is legal), with ten classes, where either can be chosen."""
    arguments: dict[str, Any] = {"classes": 10} if has_parameter(name, "classes") else {}
    native = int(str(symbolic(name).inputs[0].type.shape[-1]))
    if has_parameter(name, "res") and native > 64:
        for res in range(native // 2, native):
            try:
                return graph_of(name, res=res, **arguments)
            except DiagnosticError:
                continue
    return graph_of(name, **arguments)


def chosen(names: list[str], state: dict[str, np.ndarray], name: str) -> list[str]:
    """One of each role at least, then any."""
    draw = generator("chosen", name)
    shuffled = [names[i] for i in draw.permutation(len(names))]
    roles = {(tensor.rpartition(".")[2], state[tensor].ndim): tensor for tensor in shuffled}
    return list(dict.fromkeys([*roles.values(), *shuffled]))[: max(FEW, len(roles))]


ELSEWHERE = {
    "support/second_language.py": (
        "bart", "distilbert", "electra", "gemma", "mistral", "modernbert", "phi", "qwen2", "roberta",
    ),
    "support/second_translators.py": ("awd_lstm", "char_cnn", "gnmt", "lstm_char", "ntm", "seq2seq"),
    "support/second_words.py": ("bert", "gpt2", "llama", "mixtral", "swin", "t5", "transformer", "vit", "whisper"),
    "support/second_loops.py": ("convlstm", "mamba", "recurrent", "rnnsearch"),
    "support/second_onestage.py": (
        "darknet", "efficientdet", "ssd", "ssdlite", "yolo_v1", "yolov3", "yolov5", "yolov8", "yolox",
    ),
    "support/second_dense.py": ("deconvnet", "deeplab", "fcn", "hrnet", "lraspp", "pspnet", "segnet", "visualiser"),
    "support/second_dense_maps.py": ("dncnn", "edsr", "espcn", "scse", "unet_3d", "unetpp"),
    "support/second_vision.py": (
        "beit", "clip", "coatnet", "deit", "detr", "gmlp", "levit", "maxvit", "mixer", "mobilevit", "resmlp", "sam", "segformer", "siglip", "swin_v2",
    ),
    "support/second_backbones.py": (
        "convmixer", "convnext", "dla", "edgenext", "efficientnet_v2", "fastvit", "ghostnet", "mobilenet_v4", "mobileone",
        "poolformer", "regnet", "repvit", "res2net", "resnest", "vovnet",
    ),
    "support/second_maps.py": ("dcn", "hourglass", "unet"),
    "support/second_more.py": (
        "bit", "coordinate_attention", "cspnet", "eca_resnet", "fasternet", "hardnet", "inception_next", "starnet",
        "c3d", "dcgan", "siamfc", "stylegan2", "tcn", "video_resnet", "vqvae", "wavenet", "x3d",
    ),
    "support/second_attended.py": ("accuracy_booster", "lrcn", "sagan"),
    "support/second_ledger.py": (
        "adaptive_span", "area_attention", "dynamic_convolution", "evolved_transformer", "glu_lm", "sparse_transformer",
        "synthesizer", "universal_transformer",
        "lstmn", "memn2n", "moe_lstm", "pointer_net", "product_keys", "self_attention", "seq2seq_attention",
        "show_attend_tell", "snail", "structured_self_attention",
    ),
    "support/second_boxes.py": ("centernet", "faster_rcnn", "fcos", "retinanet"),
    "support/second_rcnn.py": ("rcnn", "rfcn", "spp_net"),
    "support/second_speech.py": ("conformer", "dit", "stable_diffusion", "wav2vec2"),
    "weights/test_timm.py": ("nf_resnet",),
}  # fmt: skip
"""Cases of ``zoo/test_second_sources.py`` and another test, which compare small ones with networks that others wrote or
that were written again from their papers; and their families."""


def test_every_family_has_a_case() -> None:
    others = {family for families in ELSEWHERE.values() for family in families}
    assert sorted(VARIANTS[name].stem for name in SMALLEST) == sorted({p.stem for p in VARIANTS.values()} - others)
    for path, families in ELSEWHERE.items():
        text = (Path(__file__).parents[2] / path).read_text(encoding="utf-8").lower()
        assert all(family in text for family in families), path
