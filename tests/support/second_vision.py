"""Second sources of Transformers for pictures, and of what took attention's place: timm, torchvision and `transformers`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from second import Second
from second_more import classifier, from_timm


def deit(name: str) -> Callable[[], Second]:
    other = from_timm(name, embed_dim=24, num_heads=3, depth=2, img_size=48)
    return lambda: classifier(name, {"d": 24, "heads": 3, "depth": 2}, other, 48)


def mixed(name: str, ratio: Any, **kinds: str) -> Callable[[], Second]:
    """A network of timm's `MlpMixer` of these of its classes."""

    def make() -> Any:
        from torch_models import timm

        module = timm().models.mlp_mixer
        parts = {part: getattr(module, kind) for part, kind in kinds.items()}
        gated = {"mlp_layer": timm().layers.GatedMlp} if ratio == 6 else {}
        return module.MlpMixer(7, 48, num_blocks=2, embed_dim=24, mlp_ratio=ratio, **parts, **gated)

    return lambda: classifier(name, {"d": 24, "depth": 2}, make, 48)


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


VISION: dict[str, Callable[[], Second]] = {
    "swin_v2": swin_v2,
    "mixer": mixed("mixer_b16_224", (0.5, 4)), "resmlp": mixed("resmlp_12_224", 4, block_layer="ResBlock", norm_layer="Affine"),
    "gmlp": mixed("gmlp_s16_224", 6, block_layer="SpatialGatingBlock"),
    "deit": deit("deit_tiny_patch16_224"), "deit_distilled": deit("deit_tiny_distilled_patch16_224"),
}  # fmt: skip
