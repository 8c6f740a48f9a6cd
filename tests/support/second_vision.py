"""Second sources of Transformers for pictures, and of what took attention's place: timm, torchvision and `transformers`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from second import Arrays, Second
from second_more import classifier, from_timm
from second_words import named


def deit(name: str) -> Callable[[], Second]:
    other = from_timm(name, embed_dim=24, num_heads=3, depth=2, img_size=48)
    return lambda: classifier(name, {"d": 24, "heads": 3, "depth": 2}, other, 48)


BLIND = ("k_proj.bias",)
"""What is added to all keys, a softmax takes off again."""


def mixed(name: str, ratio: Any, *unseen: str, **kinds: str) -> Callable[[], Second]:
    """A network of timm's `MlpMixer` of these of its classes."""

    def make() -> Any:
        from torch_models import timm

        module = timm().models.mlp_mixer
        parts = {part: getattr(module, kind) for part, kind in kinds.items()}
        gated = {"mlp_layer": timm().layers.GatedMlp} if ratio == 6 else {}
        return module.MlpMixer(7, 48, num_blocks=2, embed_dim=24, mlp_ratio=ratio, **parts, **gated)

    return lambda: classifier(name, {"d": 24, "depth": 2}, make, 48, unseen=unseen)


def swin_v2() -> Second:
    def make() -> Any:
        from torch_models import torchvision_models

        module = torchvision_models().swin_transformer
        return module.SwinTransformer(
            [4, 4], 12, [2, 2], [2, 3], [8, 8], stochastic_depth_prob=0.0, num_classes=7,
            block=module.SwinTransformerBlockV2, downsample_layer=module.PatchMergingV2,
        )  # fmt: skip

    small = {"d": 12, "depths": [2, 2], "heads": [2, 3]}
    return classifier("swin_v2_t", small, make, 64, names="torchvision")


def two_towers(variant: str, small: dict[str, Any], make: Callable[[], Any]) -> Second:
    """Pictures of 48 x 48 pixels beside texts of 50 words, each with each."""
    return Second(
        variant, small, "transformers", make,
        lambda draw, n: {"image": draw.normal(size=(n["N"], 3, 48, 48)), "text": draw.integers(3, 50, (n["M"], n["T"]))},
        lambda net, x: named(
            net(input_ids=x["text"], pixel_values=x["image"]),
            scores="logits_per_image", image_embeds="image_embeds", text_embeds="text_embeds",
        ),
        {"N": 2, "M": 3, "T": 11}, {"N": (1, 3), "M": (1, 2), "T": (1, 2, 5)}, unseen=BLIND,
    )  # fmt: skip


def clip() -> Second:
    """The greatest token of a text is drawn to stand anywhere."""

    def make() -> Any:
        from torch_models import transformers

        library = transformers()
        text = {"vocab_size": 50, "hidden_size": 16, "intermediate_size": 64, "num_hidden_layers": 2,
                "num_attention_heads": 4, "max_position_embeddings": 77, "eos_token_id": 2}  # fmt: skip
        vision = {"hidden_size": 24, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 3,
                  "image_size": 48, "patch_size": 16}  # fmt: skip
        config = library.CLIPConfig(
            text_config=text, vision_config=vision, projection_dim=20, attn_implementation="eager"
        )
        return library.CLIPModel(config)

    pictures = {"d": 24, "depth": 2, "heads": 3, "res": 48}
    texts = {"width": 16, "text_heads": 4, "text_depth": 2, "vocab": 50}
    return two_towers("clip_vit_b_16", {**pictures, **texts, "e": 20}, make)


def segformer() -> Second:
    def make() -> Any:
        from torch_models import transformers

        library = transformers()
        config = library.SegformerConfig(
            depths=[1, 2, 1, 1], hidden_sizes=[8, 12, 20, 24], num_attention_heads=[1, 2, 5, 3],
            decoder_hidden_size=16, num_labels=7, attn_implementation="eager",
        )  # fmt: skip
        return library.SegformerForSemanticSegmentation(config)

    return Second(
        "segformer_b0",
        {"depths": [1, 2, 1, 1], "widths": [8, 12, 20, 24], "heads": [1, 2, 5, 3], "width": 16, "classes": 7},
        "transformers", make,
        lambda draw, n: {"image": draw.normal(size=(n["N"], 3, 32 * n["H"], 32 * n["W"]))},
        lambda net, x: named(net(pixel_values=x["image"]), masks="logits"),
        {"N": 2, "H": 2, "W": 3}, {"N": (1, 3), "H": (1, 2, 4), "W": (1, 2, 3)}, unseen=BLIND,
    )  # fmt: skip


def mobilevit() -> Second:
    def make() -> Any:
        from torch_models import timm

        module = timm().models
        known = module.mobilevit.model_cfgs["mobilevit_xxs"]
        return module.byobnet.ByobNet(known, num_classes=7)

    return classifier("mobilevit_xxs", {}, make, 64)


def detection(layers: list[int], **settings: Any) -> Any:
    """DETR of a trunk with so many units in each stage. The trunk's norms are buffers, which get values that matter here;
    the authors do not train what lies before its second stage, either (arXiv:2005.12872, their code), which `transformers`
    leaves to users.
    """
    from functools import partial
    from unittest.mock import patch

    import torch
    from torch_models import timm, transformers

    library = transformers()
    create = partial(timm().create_model, layers=layers)
    with patch.object(timm(), "create_model", create):
        net = library.DetrForObjectDetection(library.DetrConfig(attn_implementation="eager", **settings))
    draw = torch.Generator().manual_seed(2)
    for value in net.model.backbone.buffers():
        value.copy_(torch.rand(value.shape, generator=draw) * 0.5 + 0.5)
    for part in ("conv1", "layer1"):
        net.model.backbone.model.get_submodule(part).requires_grad_(False)
    return net


def detr() -> Second:
    """The decoder begins with zeros, of which its first self-attention makes values that are all the same (section 3.2)."""

    def make() -> Any:
        return detection(
            [1, 1, 1, 1], d_model=16, encoder_layers=2, decoder_layers=2, encoder_attention_heads=4,
            decoder_attention_heads=4, encoder_ffn_dim=24, decoder_ffn_dim=24, num_queries=5, num_labels=6,
        )  # fmt: skip

    still = [
        f"decoder.layers.0.self_attn.{one}"
        for one in ("q_proj.weight", "q_proj.bias", "k_proj.weight", "v_proj.weight")
    ]
    return Second(
        "detr_resnet50",
        {"depths": [1, 1, 1, 1], "d": 16, "depth": 2, "heads": 4, "hidden": 24, "queries": 5, "classes": 6, "height": 64,
         "width": 96},
        "transformers", make,
        lambda draw, n: {"image": draw.normal(size=(n["N"], 3, 64, 96))},
        lambda net, x: named(net(pixel_values=x["image"]), logits="logits", boxes="pred_boxes"),
        {"N": 2}, {"N": (1, 3)}, unseen=(*BLIND, *still),
    )  # fmt: skip


def maxvit() -> Second:
    def make() -> Any:
        from torch_models import torchvision_models

        kind = torchvision_models().MaxVit
        return kind((56, 56), 12, 7, [32, 64], [2, 1], 32, 0.0, num_classes=7)

    small = {"c": 12, "widths": [32, 64], "depths": [2, 1]}
    return classifier("maxvit_t", small, make, 56, names="torchvision")


def levit() -> Second:
    def make() -> Any:
        from torch_models import timm

        return timm().models.levit.LevitDistilled(
            img_size=96, num_classes=7, embed_dim=(16, 24, 40), key_dim=8, num_heads=(2, 3, 4), depth=(1, 2, 1)
        )

    def outputs(net: Any, x: Arrays) -> Arrays:
        """Without what it keeps of its biases from call to call."""
        for part in net.modules():
            getattr(part, "attention_bias_cache", {}).clear()
        return {"logits": net(x["image"])}

    small = {"widths": [16, 24, 40], "heads": [2, 3, 4], "depths": [1, 2, 1], "e": 8}
    return classifier("levit_128s", small, make, 96)._replace(outputs=outputs)


def beit() -> Second:
    other = from_timm("beit_base_patch16_224", embed_dim=24, num_heads=3, depth=2, img_size=48)
    return classifier("beit_base_patch16_224", {"d": 24, "heads": 3, "depth": 2}, other, 48)


def siglip() -> Second:
    def make() -> Any:
        from torch_models import transformers

        library = transformers()
        tower = {"hidden_size": 16, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
        text = {**tower, "vocab_size": 50, "max_position_embeddings": 64, "projection_size": 16}
        vision = {**tower, "image_size": 48, "patch_size": 16}
        config = library.SiglipConfig(text_config=text, vision_config=vision, attn_implementation="eager")
        return library.SiglipModel(config)

    return two_towers("siglip_base_patch16_224", {"d": 16, "depth": 2, "heads": 4, "vocab": 50, "res": 48}, make)


def coatnet() -> Second:
    def make() -> Any:
        from dataclasses import replace

        from torch_models import timm

        module = timm().models.maxxvit
        config = replace(
            module.model_cfgs["coatnet_0"],
            embed_dim=(16, 24, 32, 64),
            depths=(1, 2, 2, 1),
            stem_width=12,
            head_hidden_size=64,
        )
        return module.MaxxVit(config, img_size=64, num_classes=7)

    small = {"widths": [16, 24, 32, 64], "depths": [1, 2, 2, 1], "first": 12}
    return classifier("coatnet_0_224", small, make)


def sam() -> Second:
    """Of 10 x 10 patches, which windows of 4 x 4 do not divide."""

    def make() -> Any:
        from torch_models import transformers

        library = transformers()
        config = library.SamVisionConfig(
            hidden_size=24, output_channels=16, num_hidden_layers=8, num_attention_heads=3, image_size=160, mlp_dim=96,
            window_size=4, global_attn_indexes=[1, 3, 5, 7], attn_implementation="eager",
        )  # fmt: skip
        return library.SamVisionModel(config)

    return Second(
        "samvit_base_patch16", {"d": 24, "depth": 8, "heads": 3, "m": 4, "features": 16, "res": 160},
        "transformers", make, lambda draw, n: {"image": draw.normal(size=(n["N"], 3, 160, 160))},
        lambda net, x: {"features": net(pixel_values=x["image"]).last_hidden_state}, {"N": 2}, {"N": (1, 3)},
    )  # fmt: skip


VISION: dict[str, Callable[[], Second]] = {
    "coatnet": coatnet, "sam": sam, "swin_v2": swin_v2, "siglip": siglip, "levit": levit, "beit": beit, "maxvit": maxvit, "detr": detr, "mobilevit": mobilevit, "clip": clip, "segformer": segformer,
    "mixer": mixed("mixer_b16_224", (0.5, 4), "mlp_tokens.fc2.bias"), "resmlp": mixed("resmlp_12_224", 4, block_layer="ResBlock", norm_layer="Affine"),
    "gmlp": mixed("gmlp_s16_224", 6, block_layer="SpatialGatingBlock"),
    "deit": deit("deit_tiny_patch16_224"), "deit_distilled": deit("deit_tiny_distilled_patch16_224"),
}  # fmt: skip
