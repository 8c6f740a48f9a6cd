"""Mamba of the zoo is that of `transformers`: a checkpoint of a small one with random values loads by its own names and
gives the same numbers in ONNX Runtime; a tensor that is corrupted is noticed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import archdsl

SMALL = {"d": 32, "depth": 2, "vocab": 50}


def reference() -> Any:
    """The library's network in float64, without fused kernels, all of its parameters drawn."""
    import torch
    from torch_models import transformers

    library = transformers()
    torch.manual_seed(0)
    net = library.MambaForCausalLM(
        library.MambaConfig(
            hidden_size=32, num_hidden_layers=2, vocab_size=50, tie_word_embeddings=True, use_mambapy=False
        )
    )
    for name, parameter in net.named_parameters():
        scale = 0.5 if name.endswith(("A_log", "D", "norm.weight", "norm_f.weight")) else 0.2
        parameter.data = torch.rand_like(parameter) + 0.5 if scale == 0.5 else torch.randn_like(parameter) * scale
    return net.double().eval()


@pytest.mark.reference
def test_it_is_that_of_transformers(tmp_path: Path) -> None:
    import torch

    net = reference()
    tokens = np.random.default_rng(0).integers(0, 50, (3, 11))
    with torch.no_grad():
        wanted = net(torch.from_numpy(tokens)).logits.numpy()
    state = {name: tensor.float() for name, tensor in net.state_dict().items() if name != "lm_head.weight"}
    torch.save(state, tmp_path / "mamba.pt")
    graph = archdsl.load("specs/mamba.arch").graph("mamba_130m", **SMALL)

    def logits(file: str) -> Any:
        archdsl.compile(graph, tmp_path / "net.onnx", weights=tmp_path / file)
        return archdsl.run(str(tmp_path / "net.onnx"), {"tokens": tokens})["logits"]

    scale = float(np.abs(wanted).max())
    np.testing.assert_allclose(logits("mamba.pt"), wanted, rtol=0, atol=2e-5 * scale)
    for name in ("backbone.layers.1.mixer.A_log", "backbone.layers.0.mixer.conv1d.weight"):
        torch.save({**state, name: state[name] * 1.5}, tmp_path / "other.pt")
        assert np.abs(logits("other.pt") - wanted).max() > 1e-3 * scale
