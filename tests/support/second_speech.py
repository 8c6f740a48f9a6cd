"""Second sources of networks for speech, and of networks that make pictures: `transformers`, and PyTorch modules written
from their papers.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from math import prod
from typing import Any

import numpy as np
from second import Arrays, Second, Sizes
from second_words import hf


def wav2vec2() -> Second:
    """Its own frames only: what it learns in place of hidden ones is left out."""
    d = 32

    def other(**settings: Any) -> Callable[[], Any]:
        return hf("Wav2Vec2Model", "Wav2Vec2Config", mask_time_prob=0.0, mask_feature_prob=0.0, **settings)

    return Second(
        "wav2vec2_base", {"d": d, "depth": 2, "heads": 4, "c": 16}, "transformers",
        other(hidden_size=d, num_hidden_layers=2, num_attention_heads=4, intermediate_size=4 * d, conv_dim=(16,) * 7),
        lambda draw, n: {"samples": draw.normal(size=(n["N"], n["L"]))},
        lambda net, x: {"hidden": net(input_values=x["samples"]).last_hidden_state},
        {"N": 2, "L": 3000}, {"N": (1, 3), "L": (400, 1039, 2000)}, other(), ({"N": 1, "L": 16_000}, {"N": 2, "L": 5001}),
        lambda size, graph: size["N"] * prod(graph.parameters()["encoder.pos_conv_embed.conv.weight_v"].type.shape),
        unseen=("k_proj.bias",),
    )  # fmt: skip


def written(module: str, kind: str, *given: Any, **named: Any) -> Callable[[], Any]:
    """A network of a module of this folder."""
    return lambda: getattr(import_module(module), kind)(*given, **named)


def conformer() -> Second:
    return Second(
        "conformer_s", {"d": 16, "depth": 2, "heads": 4, "k": 4, "mels": 12}, "nemo",
        written("torch_conformer", "Conformer", 16, 2, 4, 4, 12),
        lambda draw, n: {"sound": draw.normal(size=(n["N"], n["T"], mels(n)))},
        lambda net, x: {"heard": net(x["sound"])}, {"N": 2, "T": 45}, {"N": (1, 3), "T": (5, 13, 40)},
        written("torch_conformer", "Conformer", kernel=32), ({"N": 1, "T": 1000}, {"N": 2, "T": 77}),
        unseen=("linear_k.bias",),
    )  # fmt: skip


def mels(size: Sizes) -> int:
    """Of the small one, where the variant itself is not meant."""
    return 80 if size["T"] > 50 else 12


def unet() -> Second:
    """Sizes are eighths; two widths halve once, so that a map of 8 x 8 is the smallest."""

    def inputs(draw: np.random.Generator, n: Sizes) -> Arrays:
        context = 768 if n["T"] > 50 else 12
        return {
            "latents": draw.normal(size=(n["N"], 4, 8 * n["H"], 8 * n["W"])), "step": draw.integers(0, 100, n["N"]),
            "text": draw.normal(size=(n["N"], n["T"], context)),
        }  # fmt: skip

    return Second(
        "stable_diffusion_1_5_unet", {"widths": [8, 16], "layers": 1, "heads": 2, "context": 12, "groups": 4}, "diffusers",
        written("torch_stable_diffusion", "UNet", (8, 16), 1, 2, 12, groups=4),
        inputs, lambda net, x: {"noise": net(x["latents"], x["step"], x["text"])}, {"N": 2, "H": 1, "W": 2, "T": 5},
        {"N": (1, 2), "H": (1, 2, 3), "W": (1, 2, 3), "T": (1, 4)},
        written("torch_stable_diffusion", "UNet"),
        ({"N": 1, "H": 8, "W": 8, "T": 77}, {"N": 2, "H": 4, "W": 6, "T": 77}),
    )  # fmt: skip


def decoder() -> Second:
    """The half of the autoencoder that makes pictures."""
    return Second(
        "stable_diffusion_1_5_decoder", {"widths": [8, 16], "layers": 1, "groups": 4}, "diffusers",
        written("torch_stable_diffusion", "Autoencoder", (8, 16), 1, groups=4),
        lambda draw, n: {"latents": draw.normal(size=(n["N"], 4, n["H"], n["W"]))},
        lambda net, x: {"picture": net(x["latents"])}, {"N": 2, "H": 5, "W": 6},
        {"N": (1, 2), "H": (1, 2, 4), "W": (1, 3, 4)},
        written("torch_stable_diffusion", "Autoencoder"), ({"N": 1, "H": 64, "W": 64}, {"N": 2, "H": 8, "W": 12}),
        unseen=("attentions.0.to_k.bias",),
    )  # fmt: skip


def dit() -> Second:
    """Places are computed here, and stored there."""

    def make(**settings: Any) -> Callable[[], Any]:
        def made() -> Any:
            net = written("torch_dit", "DiT", **settings)()
            net.register_buffer("pos_embed", net.pos_embed, persistent=False)
            return net

        return made

    def inputs(draw: np.random.Generator, n: Sizes) -> Arrays:
        side = n.get("side", 8)
        return {
            "latents": draw.normal(size=(n["N"], 4, side, side)), "step": draw.integers(0, 100, n["N"]),
            "class": draw.integers(0, 10, n["N"]),
        }  # fmt: skip

    return Second(
        "dit_s_2", {"d": 16, "depth": 2, "heads": 4, "side": 8, "classes": 10}, "",
        make(d=16, layers=2, heads=4, side=8, classes=10), inputs,
        lambda net, x: {"noise": net(x["latents"], x["step"], x["class"])}, {"N": 3}, {"N": (1, 3)},
        make(), ({"N": 1, "side": 32}, {"N": 2, "side": 32}),
    )  # fmt: skip


SPEECH: dict[str, Callable[[], Second]] = {make.__name__: make for make in (wav2vec2, conformer, unet, decoder, dit)}
