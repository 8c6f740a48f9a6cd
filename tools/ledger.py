"""Writes ``specs/ledger.json``: the identifiers of the survey of published networks -> our variants.

    python tools/ledger.py            # write
    python tools/ledger.py --check    # exit 1 if the file is not what would be written

The survey's identifiers are regular, so most follow from a variant's name by the rules below; the rest are listed.
Where it gives one network in two forms, the identifier stands for the published one (a ResNet's stride in its 1x1).
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from archdsl.reading import zoo_files, zoo_path

SPECS = Path(__file__).parent.parent / "specs"

LISTED = {
    "lenet5_1998": "lenet5",
    "lenet5": "lenet5_modern",
    "lenet_caffe": "lenet_caffe",
    "alexnet_2012": "alexnet",
    "alexnet_one_tower": "alexnet_ungrouped",
    "alexnet": "alexnet_torchvision",
    "caffenet": "caffenet",
    "vgg11": "vgg_a",
    "vgg11_lrn": "vgg_a_lrn",
    "vgg13": "vgg_b",
    "vgg16_c": "vgg_c",
    "vgg16": "vgg_d",
    "vgg19": "vgg_e",
    "conv_mobilenet": "conv_mobilenet",
    "googlenet": "googlenet_torchvision",
    "googlenet_2014": "googlenet",
    "resnet34_a": "resnet_34_optA",
    "plain34": "plain_34",
    "highway_mlp_50": "highway_mlp",
    "mnasnet1_0": "mnasnet_b1_1",
    "fe_net_1_375": "fe_net_1.375",
    "nasnetalarge": "nasnet_a_large",
    "nasnet_mobile": "nasnet_a_mobile",
    "pnasnet5large": "pnasnet_5_large",
    "msdnet22": "msdnet",
    "rnn_elman": "rnn_simple",
    "rnn_lstm": "lstm_single",
    "rnn_gru": "gru_single",
    "rnn_bidirectional": "birnn",
    "rnn_stacked_bidirectional": "birnn_deep",
    "rnn_dense": "birnn_dense",
    "zeiler_visualiser": "zeiler_deconv_vis",
    "las_listener": "rnn_pyramidal",
    "ssd300_voc": "ssd300_vgg16",
    "moe_lstm_4": "rnn_moe",
    "seq2seq_attention": "seq2seq_attn_9k10k",
    "rnnsearch": "seq2seq_bahdanau",
    "tutorial_translator": "seq2seq_pytorch_tutorial",
    "self_attention_eight_heads": "self_attention_layer",
    "product_key_memory": "pkm",
    "lrcn": "timedistributed_cnn_lstm",
    "evolved_transformer_base": "evolved_transformer",
    "dynamicconv_iwslt_de_en": "dynamicconv",
    "gcnn_8": "glu_lm",
    "sparse_transformer_cifar10": "sparse_transformer",
    "area_transformer_tiny": "area_attention",
    "adaptive_span_small": "adaptive_span",
    "all_attention_small": "persistent_memory",
    "synthesizer_random": "synthesizer",
    "universal_transformer_base": "universal_transformer",
    "sagan_generator": "sagan",
    "ab_resnet50": "accuracy_booster",
    "structured_self_attention": "structured_self_attn",
    "snail_omniglot": "snail",
    "ntm_copy": "ntm",
}

AS_HERE = {
    "amoebanet_a", "amoebanet_c", "amoebanet_d", "mnasnet_a1", "mobilenet_v3_large", "mobilenet_v3_small",
    "autoencoder_mnist", "bn_inception", "convnet1989", "gate_mp", "inception_resnet_v1", "inception_resnet_v2",
    "inception_v3", "inception_v4", "madaline", "mlp3", "mlp_keras_121", "nin_cifar10", "nin_imagenet",
    "overfeat_accurate", "overfeat_fast", "perceptron", "polynet", "se_bn_inception", "xception", "zfnet",
    "deconvnet", "fcn8s", "scse_sdnet", "scse_unet", "segnet", "unet",
    "rnn_many_to_many", "rnn_many_to_one", "rnn_one_to_many", "rnn_residual", "rnn_stacked", "convlstm",
    "transformer_base", "memn2n", "pointer_net", "show_attend_tell", "lstmn",
    "rcnn_caffenet", "fast_rcnn_vgg16", "faster_rcnn_vgg16", "faster_rcnn_zf", "rfcn_resnet101", "spp_net", "yolo_v1",
    "yolo_v1_cfg",
}  # fmt: skip
"""The survey's identifier is our name."""

WITH_HEADS = {"googlenet_2014": "googlenet_aux"}
"""What the survey calls the network with its auxiliary classifiers, `train = true`."""

RULES = [
    (r"squeezenet(\d)_(\d)", r"squeezenet_\1_\2"),
    (r"densenet(\d+)", r"densenet_\1"),
    (r"resnet(18|34)", r"resnet_\1"),
    (r"resnet(\d+)_v1", r"resnet_\1"),
    (r"resnext(\d+)_(\d+x\d+d)", r"resnext_\1_\2"),
    (r"seresnet(\d+)_v1", r"se_resnet_\1"),
    (r"seresnext(\d+)_32x4d", r"se_resnext_\1_32x4d"),
    (r"shufflenet_v2_x(\d)_(\d)", r"shufflenet_v2_\1.\2"),
    (r"mnasnet(\d)_(\d+)", r"mnasnet_b1_\1.\2"),
    (r"(efficientnet_b\d|shufflenet_v1_g\d|shufflenet_v2_50|shiftnet_[ab]|as_resnet_w\d+|delugenet_\d+)", r"\1"),
    (r"(densenet_bc_\d+_k\d+)", r"\1"),
    (r"resnet(20|56|110|1202)_cifar", r"resnet_cifar_\1"),
    (r"preact_resnet(164|1001)_cifar", r"resnet_cifar_\1"),
    (r"preact_resnet(\d+)", r"preact_resnet_\1"),
    (r"resnet110_(original|\w+_(?:addition|activation))", r"resnet_unit_\1"),
    (r"resnext29_16x64d_cifar", r"resnext_29_16x64d"),
    (r"(wrn_\d+_\d+|stochastic_depth_110|cmpe_se_wrn_28_10)", r"\1"),
    (r"pyramidnet(\d+)_(a\d+)", r"pyramidnet_imagenet_\1_\2"),
    (r"pyramidnet(\d+)_(a\d+)_cifar", r"pyramidnet_cifar_\1_\2"),
    (r"(dpn|senet|sknet|highway|residual_attention|attentionnext)(\d+)", r"\1_\2"),
    (r"(c?bam_resnex?t)(\d+)", r"\1_\2"),
]

UNLISTED = {"densenet_bc_100_k12", "resnext101_32x8d"}
"""torchvision's, and a small one of a family; not in the survey."""


RESOLUTIONS = (192, 160, 128, 96)
"""MobileNetV2's other input sizes, at widths up to 1: a parameter of the network, not variants."""


def identifier(variant: str) -> str | None:
    """The survey's identifier of a variant, or ``None``."""
    if variant in UNLISTED:
        return None
    if variant in AS_HERE:
        return variant
    if variant in LISTED:
        return LISTED[variant]
    if found := re.fullmatch(r"mobilenet_v([12])(?:_w(\d+(?:_\d+)?))?", variant):
        version, width = found.groups()
        return f"mobilenet_v{version}_{(width or '1').replace('_', '.')}" + ("_224" if version == "2" else "")
    for pattern, replacement in RULES:
        if re.fullmatch(pattern, variant):
            return re.sub(pattern, replacement, variant)
    return None


def variants() -> dict[str, str]:
    """Every variant in ``specs/`` and its file, in order."""
    found = {}
    for path in zoo_files():
        for name in re.findall(r"^variant (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE):
            found[name] = zoo_path(path)
    return found


def document() -> str:
    """The text of ``specs/ledger.json``."""
    pairs: dict[str, dict[str, Any]] = {}
    for variant, file in variants().items():
        known = identifier(variant)
        if known is None:
            continue
        pairs[known] = {"file": file, "variant": variant}
        if variant in WITH_HEADS:
            pairs[WITH_HEADS[variant]] = {"file": file, "variant": variant, "train": True}
        for res in RESOLUTIONS if re.fullmatch(r"mobilenet_v2(_w0_\d+)?", variant) else ():
            pairs[known.replace("_224", f"_{res}")] = {"file": file, "variant": variant, "parameters": {"res": res}}
    return json.dumps({k: pairs[k] for k in sorted(pairs)}, indent=2) + "\n"


def main(check: bool) -> int:
    """Write the file, or say whether it is current."""
    target = SPECS / "ledger.json"
    if check:
        return 0 if target.read_text(encoding="utf-8") == document() else 1
    target.write_text(document(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    from options import given

    sys.exit(main(given(__doc__, check="write nothing; exit 1 if a file is not current").check))
