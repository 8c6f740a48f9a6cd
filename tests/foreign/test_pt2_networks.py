"""Networks of torchvision, timm and transformers as exported programs: parameters and MACs as PyTorch has them.

MACs are half of what ``torch.utils.flop_counter`` counts, with the paths switched off that it does not see: fused
attention (``sdpa_kernel``, ``torch.backends.mha``) and oneDNN's LSTM. Parameters are those that operators take: auxiliary
heads do not run; a pooler behind an output that is not asked for does.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import torch
from exported import Function, exported
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode
from torch_models import timm, torchvision_models, transformers

import archdsl

pytestmark = pytest.mark.reference

TORCHVISION = [
    "alexnet", "densenet121", "efficientnet_b0", "googlenet", "inception_v3", "maxvit_t", "mnasnet1_0", "mobilenet_v2",
    "mobilenet_v3_small", "regnet_y_400mf", "resnet18", "resnet50", "shufflenet_v2_x1_0", "squeezenet1_1", "swin_t",
    "swin_v2_t", "convnext_tiny", "vit_b_16",
]  # fmt: skip
TIMM = [
    "ghostnet_100", "repvgg_a0", "mobilenetv4_conv_small", "hrnet_w18_small", "res2net50_26w_4s", "levit_128s",
    "edgenext_xx_small", "mobilevit_xxs", "deit_tiny_patch16_224", "resmlp_12_224", "nfnet_l0", "poolformer_s12",
    "coatnet_nano_rw_224", "xcit_nano_12_p16_224", "convmixer_768_32",
]  # fmt: skip


class First(nn.Module):
    """The first result of a model of transformers."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.model(x)[0]
        return found


def hugging(model: str, config: str, **settings: Any) -> Callable[[], nn.Module]:
    def make() -> nn.Module:
        library = transformers()
        return First(getattr(library, model)(getattr(library, config)(**settings)))

    return make


class Recurrent(nn.Module):
    def __init__(self, kind: str) -> None:
        super().__init__()
        self.embed = nn.Embedding(100, 12)
        self.cells = getattr(nn, kind)(12, 20, 2, batch_first=True, bidirectional=True)
        self.head = nn.Linear(40, 100)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.head(self.cells(self.embed(x))[0])
        return found


SMALL = {
    "vocab_size": 500,
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 96,
}
IDS, IMAGE, SPEECH = torch.arange(24).reshape(2, 12), torch.randn(1, 3, 224, 224), torch.randn(1, 4000)
OTHERS: dict[str, tuple[Callable[[], nn.Module], torch.Tensor]] = {
    "bert": (hugging("BertModel", "BertConfig", **SMALL), IDS),
    "gpt2": (hugging("GPT2LMHeadModel", "GPT2Config", vocab_size=500, n_embd=64, n_layer=2, n_head=4, use_cache=False), IDS),
    "llama": (hugging("LlamaForCausalLM", "LlamaConfig", num_key_value_heads=2, use_cache=False, **SMALL), IDS),
    "t5": (hugging("T5EncoderModel", "T5Config", vocab_size=500, d_model=64, d_kv=16, d_ff=96, num_layers=2, num_heads=4), IDS),
    "distilbert": (hugging("DistilBertModel", "DistilBertConfig", vocab_size=500, dim=64, n_layers=2, n_heads=4, hidden_dim=96), IDS),
    "vit": (hugging("ViTModel", "ViTConfig", **{k: v for k, v in SMALL.items() if k != "vocab_size"}), IMAGE),
    "wav2vec2": (hugging("Wav2Vec2Model", "Wav2Vec2Config", **SMALL), SPEECH),
    "encoder": (lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 4, 32, batch_first=True), 2), torch.randn(2, 5, 16)),
    "lstm": (lambda: Recurrent("LSTM"), IDS), "gru": (lambda: Recurrent("GRU"), IDS), "rnn": (lambda: Recurrent("RNN"), IDS),
}  # fmt: skip


def model(name: str) -> tuple[nn.Module, torch.Tensor]:
    if name in TORCHVISION:
        more = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
        size = 299 if name == "inception_v3" else 224
        return torchvision_models().get_model(name, weights=None, **more), torch.randn(1, 3, size, size)
    if name in TIMM:
        size = 256 if name.startswith("mobilevit") else 224
        return timm().create_model(name), torch.randn(1, 3, size, size)
    make, given = OTHERS[name]
    return make(), given


class Touched(TorchDispatchMode):
    """Notes the memory of all tensors that operators take."""

    def __init__(self) -> None:
        super().__init__()
        self.places: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = [one for one in tree_leaves((args, kwargs or {})) if isinstance(one, torch.Tensor)]
        self.places.update(one.untyped_storage().data_ptr() for one in given)
        return func(*args, **(kwargs or {}))


def counted(module: nn.Module, given: torch.Tensor) -> tuple[int, int]:
    """Elements of parameters that some operator takes, also one whose result nobody asks for (a pooler): it runs. And
    multiply-adds as PyTorch counts them, every kernel taken apart into those that it knows.
    """
    fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    recurrent = any(isinstance(one, nn.RNNBase) for one in module.modules())
    try:
        with ExitStack() as stack:
            contexts = (
                torch.no_grad(),
                sdpa_kernel(SDPBackend.MATH),
                torch.backends.mkldnn.flags(enabled=not recurrent),
            )
            for context in contexts:
                stack.enter_context(context)
            counter = stack.enter_context(FlopCounterMode(display=False))
            touched = stack.enter_context(Touched())
            module(given)
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)
    found = [one for one in module.parameters() if one.untyped_storage().data_ptr() in touched.places]
    return sum(one.numel() for one in found), counter.get_total_flops() // 2


@pytest.mark.parametrize("name", [*TORCHVISION, *TIMM, *OTHERS])
def test_figures(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module, given = model(name)
        module.eval()
        wanted = counted(module, given)
    table = archdsl.cost(exported(module, [given], tmp_path / "it.pt2"))
    assert not any(node.op.foreign for node in table.graph.nodes)
    assert (table.total("params"), table.total("macs")) == wanted


def test_no_figure_hangs_on_the_way_of_counting(tmp_path: Path) -> None:
    """The counter sees a fused kernel only where it is taken apart: the same product in two ways."""

    def fused(x: torch.Tensor) -> torch.Tensor:
        return nn.functional.scaled_dot_product_attention(x, x, x)

    given = torch.randn(1, 2, 6, 8)
    table = archdsl.cost(exported(Function(fused), [given], tmp_path / "it.pt2"))
    assert table.total("macs") == counted(Function(fused), given)[1] == 2 * 2 * 6 * 6 * 8
