"""What std.attention and std.transformer compute, with all that can be chosen, against PyTorch and `transformers`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import archdsl

pytestmark = pytest.mark.reference

NETWORK = """arch 1
use std.attention (attention, lengths)
use std.position (rotary, turns)
use std.transformer (gated_feed_forward)
network Net() {
  input x: f32[N, T, 16]
  input count: i64[N]
  let cosine, sine = x -> turns(8, theta = 100.0)
  layer: {
    residual {
      input_layernorm: rms_norm(eps = 1e-6)
      self_attn: attention(4, kv = 2, e = 8, causal = true, mask = count -> lengths(x.t), bias = false,
        norm = rms_norm(eps = 1e-6), place = rotary(cosine = cosine, sine = sine))
    }
    residual { post_attention_layernorm: rms_norm(eps = 1e-6); mlp: gated_feed_forward(24) }
  }
  output y = layer
  weights transformers {
    "layer.self_attn.q_norm.rms_norm" -> "self_attn.q_norm"
    "layer.self_attn.k_norm.rms_norm" -> "self_attn.k_norm"
    "layer.self_attn.out_proj" -> "self_attn.o_proj"
    "layer" -> ""
  }
}
"""


def test_norms_of_heads_shared_keys_turns_and_lengths_together(tmp_path: Path) -> None:
    """A layer of Qwen3 (arXiv:2505.09388), with sequences of different lengths."""
    import torch
    from second import checkpoint, lively
    from torch_models import transformers

    library = transformers()
    kind = library.models.qwen3.modeling_qwen3
    config = library.Qwen3Config(
        hidden_size=16, num_attention_heads=4, num_key_value_heads=2, head_dim=8, intermediate_size=24, num_hidden_layers=1,
        rms_norm_eps=1e-6, rope_parameters={"rope_type": "default", "rope_theta": 100.0}, attn_implementation="eager",
    )  # fmt: skip
    net = lively(kind.Qwen3DecoderLayer(config, 0))
    x, count = np.random.default_rng(0).normal(size=(3, 7, 16)), np.array([7, 4, 1])
    places = kind.Qwen3RotaryEmbedding(config)(torch.zeros(1, dtype=torch.float64), torch.arange(7)[None])
    hidden = torch.ones(7, 7).triu(1).bool() | (torch.arange(7) >= torch.from_numpy(count)[:, None, None, None])
    mask = torch.zeros(hidden.shape, dtype=torch.float64).masked_fill(hidden, -torch.inf)
    with torch.no_grad():
        wanted: Any = net(torch.from_numpy(x), attention_mask=mask, position_embeddings=places)
    wanted = (wanted[0] if isinstance(wanted, tuple) else wanted).numpy()
    archdsl.compile(archdsl.load(NETWORK).graph(), tmp_path / "m.onnx", weights=checkpoint(net, tmp_path / "w.pth"))
    found = archdsl.run(tmp_path / "m.onnx", {"x": x.astype(np.float32), "count": count})["y"]
    np.testing.assert_allclose(found, wanted, atol=1e-5 * np.abs(wanted).max())
    free = archdsl.run(tmp_path / "m.onnx", {"x": x.astype(np.float32), "count": np.array([7, 7, 7])})["y"]
    assert np.abs(free - found)[1:].max() > 1e-3


GATES = """arch 1
use std.transformer (gated_feed_forward, glu)
network Net() {
  input x: f32[N, T, 8]
  a: x -> gated_feed_forward(6, act = gelu, bias = true)
  b: x -> gated_feed_forward(6, act = identity)
  c: x -> glu
  d: x -> glu(gate = tanh)
  output a, b, c, d
}
"""


def test_gated_networks_are_their_equations(tmp_path: Path) -> None:
    """arXiv:2002.05202, equations 5 and 6; arXiv:1612.08083, which is PyTorch's `glu`."""
    import torch
    import torch.nn.functional as F  # noqa: N812

    graph, draw = archdsl.load(GATES).graph(), np.random.default_rng(1)
    weights: Any = {path: draw.normal(size=p.type.shape).astype("f4") for path, p in graph.parameters().items()}
    np.savez(tmp_path / "w.npz", **weights)
    archdsl.compile(graph, tmp_path / "m.onnx", weights=tmp_path / "w.npz")
    x = draw.normal(size=(2, 3, 8)).astype(np.float32)
    found, t = archdsl.run(tmp_path / "m.onnx", {"x": x}), torch.from_numpy(x)

    def through(net: str, part: str, x: Any) -> Any:
        bias = weights.get(f"{net}.{part}_proj.bias")
        return F.linear(
            x, torch.from_numpy(weights[f"{net}.{part}_proj.weight"]), None if bias is None else torch.from_numpy(bias)
        )

    wanted = {
        "a": through("a", "down", F.gelu(through("a", "gate", t)) * through("a", "up", t)),
        "b": through("b", "down", through("b", "gate", t) * through("b", "up", t)),
        "c": F.glu(t), "d": t[..., :4] * t[..., 4:].tanh(),
    }  # fmt: skip
    for name, value in wanted.items():
        np.testing.assert_allclose(found[name], value.numpy(), rtol=1e-4, atol=1e-4)
