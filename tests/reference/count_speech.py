"""Counts networks for speech, and networks that make pictures, of `transformers` and diffusers.

    python tests/reference/count_speech.py tests/data

writes ``counts_speech.csv`` there. The networks come from configurations, without weights, on PyTorch's meta device;
``torch.utils.flop_counter`` sees every matrix product and convolution that they make, of attention too, and counts two
operations for one multiply-accumulate. The tests read the file and need none of these libraries.
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
from torch_models import transformers

WHISPER = {
    "whisper_medium": (1024, 24, 16, 80, 51_865),
    "whisper_large": (1280, 32, 20, 80, 51_865),
    "whisper_large_v3": (1280, 32, 20, 128, 51_866),
}
"""Width, depth of each half, heads (arXiv:2212.04356, table 1), mels and words: those of large-v3 as in its model card."""


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


def rows() -> Iterator[tuple[str, tuple[int, int], str]]:
    yield "wav2vec2_base", wav2vec2(16_000), "transformers"
    yield "wav2vec2_base L=50_000", wav2vec2(50_000), "transformers"
    for variant, (d, depth, heads, mels, words) in WHISPER.items():
        net = whisper(d, depth, heads, mels, words)
        for length, name in ((448, variant), (20, f"{variant} T=20")):
            sound = torch.zeros(1, mels, 3000)
            yield name, count(net, input_features=sound, decoder_input_ids=tokens(length)), "transformers"


if __name__ == "__main__":
    with (Path(sys.argv[1]) / "counts_speech.csv").open("w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(("variant", "params", "macs", "source"))
        for name, (params, macs), library in rows():
            print(name, params, macs)
            source = f"{library} {version(library)}, counted by tests/reference/count_speech.py"
            table.writerow((name, params, macs, source))
