"""Counts networks for speech, and networks that make pictures: of `transformers`, diffusers and written from their papers.

    python tests/reference/count_speech.py tests/data

writes ``counts_speech.csv`` there. The networks come from configurations, without weights, on PyTorch's meta device;
``torch.utils.flop_counter`` sees every matrix product and convolution that they make, of attention too, and counts two
operations for one multiply-accumulate. Those of ``tests/support/torch_conformer.py`` and ``torch_dit.py`` were written by
somebody who had not seen the zoo's. The tests read the file and need none of these libraries.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
from torch_conformer import Conformer
from torch_dit import DiT
from torch_models import transformers

WHISPER = {
    "whisper_medium": (1024, 24, 16, 80, 51_865),
    "whisper_large": (1280, 32, 20, 80, 51_865),
    "whisper_large_v3": (1280, 32, 20, 128, 51_866),
}
"""Width, depth of each half, heads (arXiv:2212.04356, table 1), mels and words: those of large-v3 as in its model card."""


CONFORMER = {"conformer_s": (144, 16, 4), "conformer_m": (256, 16, 4), "conformer_l": (512, 17, 8)}
"""Width, depth, heads (arXiv:2005.08100, table 1); kernels of 32."""
DIT = {"dit_s_2": (384, 12, 6), "dit_b_2": (768, 12, 12), "dit_l_2": (1024, 24, 16), "dit_xl_2": (1152, 28, 16)}
"""Width, depth, heads (arXiv:2212.09748, table 1)."""
UNET = {"sample_size": 64, "cross_attention_dim": 768, "attention_head_dim": 8}
DECODER: dict[str, Any] = {
    "block_out_channels": (128, 256, 512, 512), "layers_per_block": 2, "latent_channels": 4,
    "down_block_types": ("DownEncoderBlock2D",) * 4, "up_block_types": ("UpDecoderBlock2D",) * 4,
}  # fmt: skip
"""What differs from the defaults of diffusers in the configurations published with Stable Diffusion 1.5
(``unet/config.json`` and ``vae/config.json``)."""


def count(net: nn.Module, **inputs: torch.Tensor) -> tuple[int, int]:
    """Parameters, each tensor once, and multiply-accumulates."""
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad(), torch.device("meta"), sdpa_kernel(SDPBackend.MATH):
        net.eval()(**{name: value.to("meta") for name, value in inputs.items()})
    assert counter.get_total_flops() % 2 == 0
    return sum(p.numel() for p in net.parameters()), counter.get_total_flops() // 2


def tokens(length: int) -> torch.Tensor:
    return torch.zeros(1, length, dtype=torch.int64)


def whisper(d: int, depth: int, heads: int, mels: int, words: int) -> Any:
    sides = {"layers": depth, "attention_heads": heads, "ffn_dim": 4 * d}
    halves = {f"{side}_{name}": value for side in ("encoder", "decoder") for name, value in sides.items()}
    library = transformers()
    config = library.WhisperConfig(
        d_model=d, vocab_size=words, num_mel_bins=mels, attn_implementation="eager", **halves
    )
    with torch.device("meta"):
        net = library.WhisperForConditionalGeneration(config)
    net.tie_weights()
    return net


def wav2vec2(samples: int) -> tuple[int, int]:
    """The defaults are those of the base model (arXiv:2006.11477, section 4.2). Not counted: the vector that stands for
    hidden frames while it learns, and the last of the positions' convolution, which is made and thrown away.
    """
    library = transformers()
    with torch.device("meta"):
        net = library.Wav2Vec2Model(library.Wav2Vec2Config(attn_implementation="eager"))
    params, macs = count(net, input_values=torch.zeros(1, samples))
    convolution = net.encoder.pos_conv_embed.conv
    return params - net.masked_spec_embed.numel(), macs - convolution.weight.numel()


def unet(high: int, wide: int) -> tuple[int, int]:
    from diffusers import UNet2DConditionModel

    with torch.device("meta"):
        net = UNet2DConditionModel(**UNET)
    latents, text = torch.zeros(1, 4, 8 * high, 8 * wide), torch.zeros(1, 77, 768)
    return count(net, sample=latents, timestep=torch.zeros(1), encoder_hidden_states=text)


def decoder(high: int, wide: int) -> tuple[int, int]:
    """The decoder of the autoencoder with the convolution in front of it."""
    from diffusers import AutoencoderKL

    with torch.device("meta"):
        net = AutoencoderKL(**DECODER)
    net.encoder, net.quant_conv, net.forward = None, None, net.decode
    return count(net, z=torch.zeros(1, 4, high, wide))


def frames(length: int) -> torch.Tensor:
    return torch.zeros(1, length, 80)


def rows() -> Iterator[tuple[str, tuple[int, int], str]]:
    yield "wav2vec2_base", wav2vec2(16_000), "transformers"
    yield "wav2vec2_base L=50_000", wav2vec2(50_000), "transformers"
    for variant, (d, depth, heads, mels, words) in WHISPER.items():
        net = whisper(d, depth, heads, mels, words)
        for length, name in ((448, variant), (20, f"{variant} T=20")):
            sound = torch.zeros(1, mels, 3000)
            yield name, count(net, input_features=sound, decoder_input_ids=tokens(length)), "transformers"
    yield "stable_diffusion_1_5_unet", unet(8, 8), "diffusers"
    yield "stable_diffusion_1_5_unet H=9 W=12", unet(9, 12), "diffusers"
    yield "stable_diffusion_1_5_decoder", decoder(64, 64), "diffusers"
    yield "stable_diffusion_1_5_decoder H=24 W=32", decoder(24, 32), "diffusers"
    for variant, (d, depth, heads) in CONFORMER.items():
        with torch.device("meta"):
            net = Conformer(d, depth, heads, 32)
        yield variant, count(net, x=frames(1000)), "torch_conformer.py"
        yield f"{variant} T=77", count(net, x=frames(77)), "torch_conformer.py"
    for variant, (d, depth, heads) in DIT.items():
        with torch.device("meta"):
            net = DiT(d, depth, heads)
        latents, one = torch.zeros(1, 4, 32, 32), torch.zeros(1, dtype=torch.int64)
        yield variant, count(net, x=latents, t=one, y=one), "torch_dit.py"


if __name__ == "__main__":
    with (Path(sys.argv[1]) / "counts_speech.csv").open("w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(("variant", "params", "macs", "source"))
        for name, (params, macs), library in rows():
            print(name, params, macs)
            source = library if library.endswith(".py") else f"{library} {version(library)}"
            table.writerow((name, params, macs, f"{source}, counted by tests/reference/count_speech.py"))
