"""The networks of ``bench_sequences.py`` as other libraries have them, with random weights, and what they are given.

``sequence_networks.py NAME EXPORTER FOLDER`` writes the weights (``weights.safetensors``), the inputs (``inputs.npz``),
what the network gives for them (``wanted.npz``), and its export by one of ``EXPORTERS``.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "support"))

EXPORTERS: dict[str, dict[str, Any]] = {
    "default": {"dynamo": True},
    "set 23": {"dynamo": True, "opset_version": 23},
    "legacy": {"dynamo": False},
}
"""What ``torch.onnx.export`` is asked for: its default, the operator set with ``Attention``, the exporter before."""


class Case(NamedTuple):
    """A variant of the zoo, and the same network elsewhere."""

    variant: str
    settings: Mapping[str, Any]
    map: str
    make: Callable[[], nn.Module]
    inputs: Callable[[np.random.Generator], dict[str, Any]]
    outputs: tuple[str, ...]
    size: str


class Called(nn.Module):
    """A model of `transformers` whose inputs are those of the spec, in their order, and whose outputs are tensors."""

    def __init__(self, net: nn.Module, inputs: tuple[str, ...], outputs: tuple[str, ...], **settings: Any) -> None:
        super().__init__()
        self.net, self.inputs, self.outputs, self.settings = net, inputs, outputs, settings

    def forward(self, *given: Tensor) -> tuple[Tensor, ...]:
        found = self.net(**dict(zip(self.inputs, given)), **self.settings)
        return tuple(found[name] for name in self.outputs)


def of_transformers(
    model: str, config: str, inputs: str, outputs: str, settings: dict[str, Any], cached: bool = True
) -> Callable[[], nn.Module]:
    """From a configuration; what differs from its defaults is given."""

    def make() -> nn.Module:
        from torch_models import transformers

        library = transformers()
        net = getattr(library, model)(getattr(library, config)(**settings))
        return Called(net, tuple(inputs.split()), tuple(outputs.split()), **({"use_cache": False} if cached else {}))

    return make


def of_torchvision(name: str) -> Callable[[], nn.Module]:
    def make() -> nn.Module:
        from torch_models import torchvision_models

        net: nn.Module = getattr(torchvision_models(), name)(weights=None)
        return net

    return make


def of_timm(name: str) -> Callable[[], nn.Module]:
    def make() -> nn.Module:
        from torch_models import timm

        net: nn.Module = timm().create_model(name)
        return net

    return make


def language_model() -> nn.Module:
    from torch_recurrent import LanguageModel

    return LanguageModel(650, 10_000)


class ConvLSTM(nn.Module):
    """A layer of arXiv:1506.04214, from a start state; without an input it reads its own state alone."""

    def __init__(self, inputs: int, width: int, k: int = 5) -> None:
        super().__init__()
        self.recurrent = nn.Conv2d(width, 4 * width, k, padding=k // 2)
        if inputs:
            self.sums = nn.ModuleDict({"conv": nn.Conv2d(inputs, 4 * width, k, padding=k // 2, bias=False)})
        for name in ("ci", "cf", "co"):
            setattr(self, name, nn.Parameter(torch.zeros(width, 1, 1)))

    def forward(self, frames: list[Tensor | None], h: Tensor, m: Tensor) -> tuple[list[Tensor | None], Tensor, Tensor]:
        found: list[Tensor | None] = []
        for frame in frames:
            sums = self.recurrent(h)
            if frame is not None:
                sums = sums + self.sums["conv"](frame)
            i, f, g, o = sums.chunk(4, 1)
            m = torch.sigmoid(f + self.cf * m) * m + torch.sigmoid(i + self.ci * m) * torch.tanh(g)
            h = torch.sigmoid(o + self.co * m) * torch.tanh(m)
            found.append(h)
        return found, h, m


class Forecaster(nn.Module):
    """The third network of its table 1: an encoder, a forecaster of as many frames, and a 1x1 convolution."""

    def __init__(self, widths: tuple[int, ...] = (128, 64, 64), patch: int = 4) -> None:
        super().__init__()
        self.widths, self.patch = widths, patch
        for name, first in (("encoder", patch**2), ("forecaster", 0)):
            layers = [nn.ModuleDict({"conv_lstm": ConvLSTM(c, w)}) for c, w in zip((first, *widths), widths)]
            setattr(self, name, nn.ModuleList(layers))
        self.head = nn.ModuleDict({"conv": nn.Conv2d(sum(widths), patch**2, 1)})

    def forward(self, video: Tensor) -> Tensor:
        n, steps, _, height, width = map(int, video.shape)
        patches = nn.functional.pixel_unshuffle(video.flatten(0, 1), self.patch).unflatten(0, (n, steps))
        frames: list[Tensor | None] = list(patches.unbind(1))
        states, maps = [], []
        for layer, w in zip(self.encoder, self.widths):
            empty = video.new_zeros(n, w, height // self.patch, width // self.patch)
            frames, h, m = layer["conv_lstm"](frames, empty, empty)
            states.append((h, m))
        frames = [None] * steps
        for layer, (h, m) in zip(self.forecaster, states):
            frames, _, _ = layer["conv_lstm"](frames, h, m)
            maps.append(torch.stack([one for one in frames if one is not None], 1))
        scores = torch.sigmoid(self.head["conv"](torch.cat(maps, 2).flatten(0, 1)))
        return nn.functional.pixel_shuffle(scores, self.patch).unflatten(0, (n, steps))


def tokens(words: int, *shape: int) -> Callable[[np.random.Generator], Any]:
    return lambda draw: draw.integers(0, words, shape)


def normal(*shape: int) -> Callable[[np.random.Generator], Any]:
    return lambda draw: draw.normal(size=shape).astype(np.float32)


def given(**inputs: Callable[[np.random.Generator], Any]) -> Callable[[np.random.Generator], dict[str, Any]]:
    return lambda draw: {name: make(draw) for name, make in inputs.items()}


ROPE = {
    "rope_type": "llama3", "rope_theta": 500_000.0, "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8192,
}  # fmt: skip
LLAMA = {
    "vocab_size": 32_000, "hidden_size": 512, "num_hidden_layers": 6, "num_attention_heads": 8, "head_dim": 64,
    "num_key_value_heads": 4, "intermediate_size": 1536, "rms_norm_eps": 1e-5, "rope_parameters": ROPE,
    "tie_word_embeddings": True, "max_position_embeddings": 131_072,
}  # fmt: skip
TEXT = "input_ids token_type_ids attention_mask"

CASES = {
    "BERT": Case(
        "bert_base", {}, "transformers",
        of_transformers("BertModel", "BertConfig", TEXT, "last_hidden_state pooler_output", {}, cached=False),
        given(tokens=tokens(30_522, 1, 128), kinds=tokens(2, 1, 128), seen=lambda draw: np.ones((1, 128), np.int64)),
        ("hidden", "pooled"), "base, 128 words",
    ),
    "GPT-2": Case(
        "gpt2", {}, "transformers", of_transformers("GPT2LMHeadModel", "GPT2Config", "input_ids", "logits", {}),
        given(tokens=tokens(50_257, 1, 256)), ("logits",), "small, 256 words",
    ),
    "ViT": Case(
        "vit_b_16", {}, "torchvision", of_torchvision("vit_b_16"), given(image=normal(1, 3, 224, 224)), ("logits",),
        "B/16, 224x224",
    ),
    "Swin": Case(
        "swin_t", {}, "torchvision", of_torchvision("swin_t"), given(image=normal(1, 3, 224, 224)), ("logits",),
        "T, 224x224",
    ),
    "DeiT": Case(
        "deit_small_patch16_224", {}, "", of_timm("deit_small_patch16_224"), given(image=normal(1, 3, 224, 224)),
        ("logits",), "small, 224x224",
    ),
    "T5": Case(
        "t5_small", {}, "transformers",
        of_transformers("T5ForConditionalGeneration", "T5Config", "input_ids decoder_input_ids attention_mask",
                        "logits", {"tie_word_embeddings": True}),
        given(source=tokens(32_128, 1, 128), target=tokens(32_128, 1, 128),
              seen=lambda draw: np.ones((1, 128), np.int64)),
        ("logits",), "small, 128 words to 128",
    ),
    "Whisper": Case(
        "whisper_tiny", {}, "transformers",
        of_transformers("WhisperForConditionalGeneration", "WhisperConfig", "input_features decoder_input_ids",
                        "logits", {}),
        given(mel=normal(1, 80, 3000), tokens=tokens(51_865, 1, 64)), ("logits",), "tiny, 30 s to 64 words",
    ),
    "Llama": Case(
        "llama_3_2_1b", {"d": 512, "depth": 6, "heads": 8, "kv": 4, "hidden": 1536, "vocab": 32_000}, "transformers",
        of_transformers("LlamaForCausalLM", "LlamaConfig", "input_ids", "logits", LLAMA),
        given(tokens=tokens(32_000, 1, 256)), ("logits",), "6 layers of 512, 256 words",
    ),
    "Mamba": Case(
        "mamba_130m", {"d": 384, "depth": 6, "vocab": 32_000, "length": 32}, "",
        of_transformers("MambaForCausalLM", "MambaConfig", "input_ids", "logits",
                        {"vocab_size": 32_000, "hidden_size": 384, "num_hidden_layers": 6}),
        given(tokens=tokens(32_000, 1, 32)), ("logits",), "6 layers of 384, 32 words",
    ),
    "LSTM": Case(
        "zaremba_medium_torch", {}, "torch", language_model, given(tokens=tokens(10_000, 20, 35)), ("scores",),
        "2 layers of 650, 20 x 35 words",
    ),
    "ConvLSTM": Case(
        "convlstm", {}, "", Forecaster, given(video=normal(1, 10, 1, 64, 64)), ("frames",),
        "3 layers each way, 10 frames",
    ),
}  # fmt: skip


def built(case: Case) -> nn.Module:
    """The network, every parameter of which matters."""
    torch.manual_seed(0)
    net = case.make().eval()
    with torch.no_grad():
        for value in net.parameters():
            if value.ndim == 1 or not value.any():
                value.add_(0.02 * torch.randn_like(value))
    return net


def weights(net: nn.Module, path: Path) -> None:
    """The checkpoint, each tensor once."""
    from safetensors.torch import save_file

    inner: nn.Module = getattr(net, "net", net)
    statistics = [(name, value) for name, value in inner.named_buffers() if "running_" in name]
    values = [*inner.named_parameters(), *statistics]
    save_file({name: value.detach().contiguous().clone() for name, value in values}, path)


def write(
    cases: Mapping[str, Case], exporters: Mapping[str, dict[str, Any]], name: str, exporter: str, target: str,
    ready: Callable[[nn.Module, tuple[Tensor, ...]], None] = lambda net, arguments: None,
) -> None:  # fmt: skip
    """The files of one network and exporter in a folder; ``ready`` sees the network and its inputs before."""
    warnings.simplefilter("ignore")
    torch.backends.mha.set_fastpath_enabled(False)  # which the exporter before does not know
    case, folder = cases[name], Path(target)
    net, inputs = built(case), case.inputs(np.random.default_rng(0))
    arguments = tuple(torch.from_numpy(value) for value in inputs.values())
    ready(net, arguments)
    if not (folder / "wanted.npz").exists():
        weights(net, folder / "weights.safetensors")
        with torch.no_grad():
            found = net(*arguments)
        found = found if isinstance(found, tuple) else (found,)
        np.savez(folder / "inputs.npz", **inputs)
        np.savez(folder / "wanted.npz", **{name: one.numpy() for name, one in zip(case.outputs, found)})
    with torch.no_grad():
        torch.onnx.export(net, arguments, str(folder / f"{exporter.replace(' ', '_')}.onnx"), input_names=list(inputs),
                          output_names=list(case.outputs), **exporters[exporter])  # fmt: skip


if __name__ == "__main__":
    write(CASES, EXPORTERS, *sys.argv[1:])
