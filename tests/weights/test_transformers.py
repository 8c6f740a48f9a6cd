"""The zoo's Transformers are those of `transformers`, torchvision and timm: a checkpoint of a small one with random values
loads by its map, and gives the same numbers; masks and lengths are exercised; PyTorch in float64 is the judge.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import archdsl
from archdsl import driver
from archdsl.project.compiling import with_weights

Arrays = dict[str, Any]


class Case(NamedTuple):
    """A variant of the zoo made small, the other library's network, and what both are given."""

    variant: str
    small: dict[str, Any]
    map: str
    other: Callable[[], Any]
    inputs: Callable[[np.random.Generator], Arrays]
    outputs: Callable[[Any, Arrays], Arrays]
    """Of the other network, by our names."""


def tokens(draw: np.random.Generator, *shape: int, words: int = 50) -> Any:
    return draw.integers(0, words, shape)


def seen(*lengths: int) -> Any:
    """Sequences of these lengths, padded behind."""
    return (np.arange(max(lengths)) < np.array(lengths)[:, None]).astype(np.int64)


def hf(model: str, config: str, **settings: Any) -> Callable[[], Any]:
    def make() -> Any:
        from torch_models import transformers

        library = transformers()
        return getattr(library, model)(getattr(library, config)(**settings, attn_implementation="eager"))

    return make


def bert() -> Case:
    return Case(
        "bert_base", {"d": 16, "depth": 2, "heads": 4, "vocab": 50, "longest": 20}, "transformers",
        hf("BertModel", "BertConfig", vocab_size=50, hidden_size=16, num_hidden_layers=2, num_attention_heads=4,
           intermediate_size=64, max_position_embeddings=20),
        lambda draw: {"tokens": tokens(draw, 3, 9), "kinds": tokens(draw, 3, 9, words=2), "seen": seen(9, 5, 1)},
        lambda net, x: named(
            net(input_ids=x["tokens"], token_type_ids=x["kinds"], attention_mask=x["seen"]),
            hidden="last_hidden_state", pooled="pooler_output",
        ),
    )  # fmt: skip


def gpt2() -> Case:
    return Case(
        "gpt2", {"d": 16, "depth": 2, "heads": 4, "vocab": 50, "longest": 20}, "transformers",
        hf("GPT2LMHeadModel", "GPT2Config", vocab_size=50, n_embd=16, n_layer=2, n_head=4, n_positions=20),
        lambda draw: {"tokens": tokens(draw, 2, 11)},
        lambda net, x: named(net(input_ids=x["tokens"]), logits="logits"),
    )  # fmt: skip


def t5() -> Case:
    return Case(
        "t5_small", {"d": 16, "depth": 2, "heads": 4, "e": 8, "hidden": 24, "vocab": 50}, "transformers",
        hf("T5ForConditionalGeneration", "T5Config", vocab_size=50, d_model=16, d_kv=8, d_ff=24, num_layers=2, num_heads=4,
           tie_word_embeddings=True),
        lambda draw: {"source": tokens(draw, 2, 150), "target": tokens(draw, 2, 140), "seen": seen(150, 60)},
        lambda net, x: named(
            net(input_ids=x["source"], attention_mask=x["seen"], decoder_input_ids=x["target"]), logits="logits"
        ),
    )  # fmt: skip


ROPE = {
    "rope_type": "llama3", "rope_theta": 500_000.0, "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8192,
}  # fmt: skip


def llama() -> Case:
    return Case(
        "llama_3_2_1b", {"d": 16, "depth": 2, "heads": 4, "kv": 2, "e": 8, "hidden": 24, "vocab": 50}, "transformers",
        hf("LlamaForCausalLM", "LlamaConfig", vocab_size=50, hidden_size=16, num_hidden_layers=2, num_attention_heads=4,
           num_key_value_heads=2, head_dim=8, intermediate_size=24, rms_norm_eps=1e-5, rope_parameters=ROPE,
           tie_word_embeddings=True, max_position_embeddings=131_072),
        lambda draw: {"tokens": tokens(draw, 2, 70)},
        lambda net, x: named(net(input_ids=x["tokens"]), logits="logits"),
    )  # fmt: skip


def whisper() -> Case:
    return Case(
        "whisper_tiny", {"d": 16, "depth": 2, "heads": 4, "vocab": 50, "longest": 20, "mels": 8}, "transformers",
        hf("WhisperForConditionalGeneration", "WhisperConfig", vocab_size=50, num_mel_bins=8, d_model=16,
           encoder_layers=2, decoder_layers=2, encoder_attention_heads=4, decoder_attention_heads=4, encoder_ffn_dim=64,
           decoder_ffn_dim=64, max_target_positions=20, pad_token_id=0, bos_token_id=1, eos_token_id=2,
           decoder_start_token_id=1),
        lambda draw: {"mel": draw.normal(size=(2, 8, 3000)), "tokens": tokens(draw, 2, 11)},
        lambda net, x: named(net(input_features=x["mel"], decoder_input_ids=x["tokens"]), logits="logits"),
    )  # fmt: skip


def vit() -> Case:
    def other() -> Any:
        from torch_models import timm

        return timm().create_model(
            "vit_base_patch16_224", depth=2, embed_dim=24, num_heads=3, img_size=48, num_classes=7
        )

    return Case(
        "vit_b_16", {"d": 24, "depth": 2, "heads": 3, "res": 48, "classes": 7}, "", other,
        lambda draw: {"image": draw.normal(size=(2, 3, 48, 48))}, lambda net, x: {"logits": net(x["image"])},
    )  # fmt: skip


def vit_torchvision() -> Case:
    def other() -> Any:
        from torch_models import torchvision_models

        kind = torchvision_models().VisionTransformer
        return kind(image_size=48, patch_size=16, num_layers=2, num_heads=3, hidden_dim=24, mlp_dim=96, num_classes=7)

    return Case(
        "vit_b_16", {"d": 24, "depth": 2, "heads": 3, "res": 48, "classes": 7}, "torchvision", other,
        lambda draw: {"image": draw.normal(size=(2, 3, 48, 48))}, lambda net, x: {"logits": net(x["image"])},
    )  # fmt: skip


def swin() -> Case:
    def other() -> Any:
        from torch_models import torchvision_models

        models = torchvision_models()
        return models.SwinTransformer([4, 4], 12, [2, 2], [2, 3], [7, 7], num_classes=7, stochastic_depth_prob=0.0)

    small = {"d": 12, "depths": [2, 2], "heads": [2, 3], "res": 56, "classes": 7}
    return Case(
        "swin_t", small, "torchvision", other,
        lambda draw: {"image": draw.normal(size=(2, 3, 56, 56))}, lambda net, x: {"logits": net(x["image"])},
    )  # fmt: skip


def mixtral() -> Case:
    """A layer's mixture as `transformers` has it, whose experts are stacked, and apart in checkpoints."""

    def other() -> Any:
        from torch import nn
        from torch_models import transformers

        library = transformers()
        config = library.MixtralConfig(
            hidden_size=16, intermediate_size=24, num_local_experts=5, num_experts_per_tok=2, num_attention_heads=4,
            num_key_value_heads=2, attn_implementation="eager", experts_implementation="eager",
        )  # fmt: skip
        kind = library.models.mixtral.modeling_mixtral.MixtralSparseMoeBlock

        class Layer(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.block_sparse_moe = kind(config)

            def state_dict(self, *args: Any, **kwargs: Any) -> Any:
                found = {"block_sparse_moe.gate.weight": self.block_sparse_moe.gate.weight}
                both, down = self.block_sparse_moe.experts.gate_up_proj, self.block_sparse_moe.experts.down_proj
                for i in range(5):
                    parts = (("w1", both[i, :24]), ("w3", both[i, 24:]), ("w2", down[i]))
                    found |= {f"block_sparse_moe.experts.{i}.{name}.weight": value.clone() for name, value in parts}
                return {name: value.detach() for name, value in found.items()}

        return Layer()

    return Case(
        "mixtral_layer", {"d": 16, "hidden": 24, "count": 5}, "transformers", other,
        lambda draw: {"x": draw.normal(size=(2, 7, 16))}, lambda net, x: {"y": sole(net.block_sparse_moe(x["x"]))},
    )  # fmt: skip


def sole(found: Any) -> Any:
    return found[0] if isinstance(found, tuple) else found


def transformer() -> Case:
    """The paper's, of PyTorch's parts: it has no biases in attention, which `nn.Transformer` cannot leave out alone."""

    def other() -> Any:
        from torch_transformer import Transformer

        return Transformer(50, 16, 24, 4, 2)

    return Case(
        "transformer_base", {"d": 16, "depth": 2, "heads": 4, "hidden": 24, "vocab": 50}, "", other,
        lambda draw: {"source": tokens(draw, 2, 13), "target": tokens(draw, 2, 9)},
        lambda net, x: {"logits": net(x["source"], x["target"])},
    )  # fmt: skip


def named(found: Any, **names: str) -> Arrays:
    return {ours: found[theirs] for ours, theirs in names.items()}


CASES = {
    make.__name__: make for make in (bert, gpt2, t5, llama, whisper, vit, vit_torchvision, swin, mixtral, transformer)
}


def lively(net: Any) -> Any:
    """Random values in every parameter, large enough that each matters."""
    import torch

    draw = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, value in net.named_parameters():
            spread = 0.3 if value.ndim == 1 else 1.5 * value[0].numel() ** -0.5
            value.copy_(torch.randn(value.shape, generator=draw) * spread + (value.ndim == 1 and "weight" in name))
    return net.double().eval()


def expected(case: Case, net: Any, inputs: Arrays) -> Arrays:
    import torch

    with torch.no_grad():
        found = case.outputs(net, {name: torch.from_numpy(value) for name, value in inputs.items()})
    return {name: value.numpy() for name, value in found.items()}


def checkpoint(net: Any, path: Path) -> Path:
    """As the library saves it."""
    import torch

    torch.save({name: value.float() for name, value in net.state_dict().items() if value.is_floating_point()}, path)
    return path


def plain(case: Case) -> Any:
    return driver.resolve_target(case.variant)[0].graph(case.variant, **case.small)


def loaded(case: Case, path: Path) -> Any:
    """Our network with the values of a checkpoint, all of them."""
    graph = plain(case)
    found, told = with_weights(graph, path)
    count, how = len(graph.parameters()), f"by the map `{case.map}`" if case.map else "by name"
    assert told[0].startswith(f"{path.name}: {count} of {count} tensors matched {how}"), told
    return found


def arrays(inputs: Arrays) -> Arrays:
    return {name: value.astype(np.float32) if value.dtype.kind == "f" else value for name, value in inputs.items()}


@pytest.mark.reference
@pytest.mark.parametrize("name", CASES)
def test_small_networks_give_the_same_numbers(name: str, tmp_path: Path) -> None:
    """ONNX Runtime and the generated module, each against the other library in float64."""
    import onnx
    import torch
    from torch_module import distance, load_initialisers, module_of, outputs_of

    case = CASES[name]()
    net = lively(case.other())
    inputs = case.inputs(np.random.default_rng(3))
    wanted = expected(case, net, inputs)
    graph = loaded(case, checkpoint(net, tmp_path / "w.pth"))
    archdsl.compile(graph, tmp_path / "m.onnx")
    found = archdsl.run(tmp_path / "m.onnx", arrays(inputs))
    assert set(found) == set(wanted)
    for output, value in wanted.items():
        assert distance(found[output], value) <= 1e-5, output
    module = module_of(plain(case))
    load_initialisers(module, onnx.load(tmp_path / "m.onnx"))
    given = arrays(inputs)
    with torch.no_grad():
        made = outputs_of(module(*[torch.from_numpy(given[value.name]) for value in graph.inputs]))
    for output, value in zip(graph.outputs, made):
        assert distance(value, wanted[output]) <= 1e-5, output


@pytest.mark.reference
@pytest.mark.parametrize("name", CASES)
def test_a_tensor_that_is_moved_by_one_place_is_noticed(name: str, tmp_path: Path) -> None:
    import torch
    from torch_module import distance

    case = CASES[name]()
    net = lively(case.other())
    inputs = case.inputs(np.random.default_rng(3))
    wanted = expected(case, net, inputs)
    path, value = max(net.named_parameters(), key=lambda one: (one[1].ndim == 2, "attn" in one[0] or "att" in one[0]))
    with torch.no_grad():
        value.copy_(value.flatten().roll(1).reshape(value.shape))
    archdsl.compile(loaded(case, checkpoint(net, tmp_path / "w.pth")), tmp_path / "m.onnx")
    found = archdsl.run(tmp_path / "m.onnx", arrays(inputs))
    assert max(distance(found[output], one) for output, one in wanted.items()) > 1e-2, path
