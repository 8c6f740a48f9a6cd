"""What std.position, std.attention and std.regions compute, in ONNX Runtime: against `transformers`, and against the formulas
of the papers, position by position.
"""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import archdsl

Arrays = dict[str, Any]


def run(module: str, block: str, body: str, inputs: Arrays, folder: Path, weights: Arrays | None = None) -> list[Any]:
    """The outputs of a network of this body, in order."""
    graph = archdsl.load(f"arch 1\nuse std.{module} ({block})\nnetwork Net() {{\n{body}\n}}\n").graph()
    given = None
    if weights is not None:
        assert weights.keys() == graph.parameters().keys()
        np.savez(folder / "w.npz", **{path: value.astype(np.float32) for path, value in weights.items()})
        given = folder / "w.npz"
    archdsl.compile(graph, folder / "m.onnx", weights=given)
    found = archdsl.run(folder / "m.onnx", inputs)
    return [found[name] for name in graph.outputs]


def drawn(*shape: int) -> Any:
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)


RULES: dict[str, tuple[str, dict[str, Any]]] = {
    "turns": ("turns(16, theta = 500.0, start = 3)", {"rope_type": "default"}),
    "turns_linear": ("turns_linear(16, theta = 500.0, factor = 3.0, start = 3)", {"rope_type": "linear", "factor": 3.0}),
    "turns_llama3": (
        "turns_llama3(16, theta = 500.0, factor = 8.0, low = 1.0, high = 4.0, original = 64, start = 3)",
        {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
         "original_max_position_embeddings": 64},
    ),
    "turns_yarn": (
        "turns_yarn(16, theta = 500.0, factor = 4.0, original = 64, start = 3)",
        {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64},
    ),
    "turns_ntk": ("turns_ntk(16, theta = 500.0, factor = 4.0, start = 3)", {"rope_type": "dynamic", "factor": 4.0}),
}  # fmt: skip
"""Our rule, and that of `transformers`; its dynamic rule is the fixed one at a certain length."""


@pytest.mark.reference
@pytest.mark.parametrize("rule", RULES)
def test_turns_are_those_of_transformers(rule: str, tmp_path: Path) -> None:
    from torch_models import transformers

    call, settings = RULES[rule]
    library = transformers()
    config = library.LlamaConfig(
        hidden_size=32, num_attention_heads=2, head_dim=16, max_position_embeddings=64,
        rope_parameters={**settings, "rope_theta": 500.0},
    )  # fmt: skip
    kind, longer = settings["rope_type"], None
    if kind == "default":
        rates, length = library.models.llama.modeling_llama.LlamaRotaryEmbedding.compute_default_rope_parameters(config)
    else:
        if kind == "dynamic":  # where factor * length / 64 - (factor - 1) is the factor: 64 * (2 - 1 / factor)
            longer = int(64 * (2 - 1 / settings["factor"]))
        rates, length = library.modeling_rope_utils.ROPE_INIT_FUNCTIONS[kind](config, "cpu", seq_len=longer)
    angle = np.arange(3, 3 + 100)[:, None] * rates.double().numpy()
    body = f"  input x: f32[N, T, 8]\n  let a, b = x -> {call}\n  output a, b"
    cosine, sine = run("position", rule, body, {"x": drawn(1, 100, 8)}, tmp_path)
    np.testing.assert_allclose(cosine, np.cos(angle) * length, atol=2e-5)
    np.testing.assert_allclose(sine, np.sin(angle) * length, atol=2e-5)


def test_a_turn_of_neighbours_is_a_product_of_complex_numbers(tmp_path: Path) -> None:
    """arXiv:2104.09864, equation 13; halves are neighbours in another order."""
    q = drawn(2, 3, 7, 8)
    turn = np.exp(1j * np.arange(7)[:, None] * 10_000.0 ** (-2 * np.arange(4) / 8))
    wanted = (q[..., ::2] + 1j * q[..., 1::2]) * turn
    body = """  input q: f32[N, 3, T, 8]
  let a, b = reshape(q, [q.shape[0], 3 * q.shape[2], 8]) -> slice(1, 0, q.shape[2]) -> turns(8)
  near: q -> rotary(a, b, neighbours = true)
  far: q -> rotary(a, b)
  output near, far"""
    near, _ = run("position", "rotary, turns", body, {"q": q}, tmp_path)
    np.testing.assert_allclose(near[..., ::2] + 1j * near[..., 1::2], wanted, atol=1e-5)
    halves = np.concatenate([q[..., ::2], q[..., 1::2]], -1)
    _, far = run("position", "rotary, turns", body, {"q": halves}, tmp_path)
    np.testing.assert_allclose(far[..., :4] + 1j * far[..., 4:], wanted, atol=1e-5)


def test_sines_and_slopes_are_the_formulas(tmp_path: Path) -> None:
    """arXiv:1706.03762, section 3.5, in two orders; arXiv:2108.12409, section 3, where queries come behind keys."""
    body = """  input x: f32[N, T, 6]
  input y: f32[N, S, 6]
  pairs: x -> sinusoids
  halves: x -> sinusoids(theta = 100.0, halves = true)
  slopes: x -> alibi(8, memory = y)
  output pairs, halves, slopes"""
    inputs = {"x": drawn(1, 5, 6), "y": drawn(1, 9, 6)}
    pairs, halves, slopes = run("position", "alibi, sinusoids", body, inputs, tmp_path)
    for t, i in itertools.product(range(5), range(3)):
        angle, other = t / 10_000 ** (2 * i / 6), t / 100 ** (2 * i / 6)
        np.testing.assert_allclose(pairs[t, 2 * i : 2 * i + 2], [math.sin(angle), math.cos(angle)], atol=1e-6)
        np.testing.assert_allclose(halves[t, [i, i + 3]], [math.sin(other), math.cos(other)], atol=1e-6)
    for h, t, s in itertools.product(range(8), range(5), range(9)):
        np.testing.assert_allclose(slopes[h, t, s], 2.0 ** -(h + 1) * (s - (t + 4)), rtol=1e-6)


def test_lengths_are_what_comes_before_them(tmp_path: Path) -> None:
    body = "  input count: i64[N]\n  input x: f32[N, T, 2]\n  mask: count -> lengths(x.t)\n  output mask"
    inputs = {"count": np.array([0, 2, 5]), "x": drawn(3, 5, 2)}
    (mask,) = run("attention", "lengths", body, inputs, tmp_path)
    assert mask.astype(int).tolist() == [[[[0, 0, 0, 0, 0]]], [[[1, 1, 0, 0, 0]]], [[[1, 1, 1, 1, 1]]]]


RELATIVE = """  input x: f32[N, T, 12]
  input old: f32[N, M, 12]
  y: x -> relative_attention(3, memory = concat(old, x, axis = t))
  output y"""
PATHS = ("q_proj.weight", "k_proj.weight", "v_proj.weight", "r_proj.linear.weight", "out_proj.weight")


def relative_weights() -> Arrays:
    draw = np.random.default_rng(7)
    found: Arrays = {f"y.{path}": draw.normal(0, 0.5, (12, 12)) for path in PATHS}
    return found | {f"y.{name}_bias": draw.normal(0, 1, (3, 1, 4)) for name in ("content", "distance")}


def test_relative_attention_is_the_papers_formula(tmp_path: Path) -> None:
    """Score by score (arXiv:1901.02860, section 3.3), with four positions of memory."""
    w, x, old = relative_weights(), drawn(2, 5, 12), drawn(2, 4, 12)
    (found,) = run("position", "relative_attention", RELATIVE, {"x": x, "old": old}, tmp_path, w)
    q, k, v, r, out = (w[f"y.{path}"] for path in PATHS)
    u, apart = w["y.content_bias"][:, 0], w["y.distance_bias"][:, 0]
    for n, i in itertools.product(range(2), range(5)):
        seen = np.concatenate([old[n], x[n, : i + 1]])
        heads = []
        for h in range(3):
            own = slice(4 * h, 4 * h + 4)
            query, scores = (q @ x[n, i])[own], []
            for j, key in enumerate(seen):
                distance = len(seen) - 1 - j
                angles = distance / 10_000 ** (np.arange(0, 12, 2) / 12)
                sines = r @ np.concatenate([np.sin(angles), np.cos(angles)])
                scores.append(((query + u[h]) @ (k @ key)[own] + (query + apart[h]) @ sines[own]) / 2)
            shares = np.exp(scores) / np.exp(scores).sum()
            heads.append(shares @ (seen @ v.T)[:, own])
        np.testing.assert_allclose(found[n, i], out @ np.concatenate(heads), atol=2e-5)


@pytest.mark.reference
def test_relative_attention_is_that_of_xlnet(tmp_path: Path) -> None:
    """Whose first stream is Transformer-XL's, without segments; distances there begin one further away."""
    import torch
    from torch_models import transformers

    library = transformers()
    kind = library.models.xlnet.modeling_xlnet
    config = library.XLNetConfig(vocab_size=10, d_model=12, n_head=3, n_layer=1, d_inner=8, attn_type="uni")
    net = kind.XLNetRelativeAttention(config).double().eval()
    w, x, old = relative_weights(), drawn(2, 5, 12), drawn(2, 4, 12)
    with torch.no_grad():
        for name, path in zip(("q", "k", "v", "r"), PATHS):
            getattr(net, name).copy_(torch.from_numpy(w[f"y.{path}"].T.reshape(12, 3, 4)))
        net.o.copy_(torch.from_numpy(w["y.out_proj.weight"].reshape(12, 3, 4)))
        net.r_w_bias.copy_(torch.from_numpy(w["y.content_bias"][:, 0]))
        net.r_r_bias.copy_(torch.from_numpy(w["y.distance_bias"][:, 0]))
        net.layer_norm = torch.nn.Identity()
        place = library.XLNetModel(config).relative_positional_encoding(5, 9).double()
        hidden = torch.ones(5, 9).triu(5)[:, :, None, None].expand(-1, -1, 2, 1).double()
        t = {"h": torch.from_numpy(x).double().movedim(1, 0), "mems": torch.from_numpy(old).double().movedim(1, 0)}
        wanted = net(**t, g=None, attn_mask_h=hidden, attn_mask_g=None, r=place, seg_mat=None)[0] - t["h"]
    (found,) = run("position", "relative_attention", RELATIVE, {"x": x, "old": old}, tmp_path, w)
    np.testing.assert_allclose(found, wanted.movedim(0, 1).numpy(), atol=2e-5)


@pytest.mark.reference
def test_the_module_of_relative_attention_agrees_and_learns(tmp_path: Path) -> None:
    import torch
    from torch_module import module_of

    w, x, old = relative_weights(), drawn(2, 5, 12), drawn(2, 4, 12)
    (wanted,) = run("position", "relative_attention", RELATIVE, {"x": x, "old": old}, tmp_path, w)
    text = f"arch 1\nuse std.position (relative_attention)\nnetwork Net() {{\n{RELATIVE}\n}}\n"
    net = module_of(archdsl.load(text).graph())
    net.load_state_dict({path: torch.from_numpy(value).float() for path, value in w.items()})
    found = net(torch.from_numpy(x), torch.from_numpy(old))
    np.testing.assert_allclose(found.detach().numpy(), wanted, atol=2e-5)
    found.square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())


def test_position_sensitive_regions_are_their_definition(tmp_path: Path) -> None:
    """arXiv:1605.06409, equation 1, the mean of a bin as in arXiv:1711.07264: bin (i, j) of class c reads channel
    (c k + i) k + j, at two points by two, half a pixel earlier than the box begins.
    """
    x, k, scale = drawn(2, 18, 6, 7), 3, 0.5
    boxes = np.array([[0, 0, 10, 9], [2.5, 1, 7, 11], [3, 3, 4, 4], [-4, -2, 5, 20]], np.float32)
    images = np.array([1, 0, 1, 0])
    body = """  input x: f32[N, 18, H, W]
  input boxes: f32[R, 4]
  input images: i64[R]
  y: ps_roi_align(x, boxes, images, 3, scale = 0.5)
  output y"""
    (found,) = run("regions", "ps_roi_align", body, {"x": x, "boxes": boxes, "images": images}, tmp_path)
    assert found.shape == (4, 2, 3, 3)
    for (r, box), c, i, j in itertools.product(enumerate(boxes * scale - 0.5), range(2), range(k), range(k)):
        height, width = (box[3] - box[1]) / k, (box[2] - box[0]) / k
        points = [
            read(x[images[r], (c * k + i) * k + j], box[1] + (i + a) * height, box[0] + (j + b) * width)
            for a, b in itertools.product((0.25, 0.75), repeat=2)
        ]
        np.testing.assert_allclose(found[r, c, i, j], np.mean(points), atol=1e-5)


def read(map: Any, y: float, x: float) -> float:
    """Between four values; the border goes on for one pixel, and is zero further away."""
    if not (-1 <= y <= map.shape[0] and -1 <= x <= map.shape[1]):
        return 0.0
    y, x = np.clip(y, 0, map.shape[0] - 1), np.clip(x, 0, map.shape[1] - 1)
    rows, columns = (np.maximum(1 - np.abs(np.arange(n) - at), 0) for n, at in zip(map.shape, (y, x)))
    return float(rows @ map @ columns)
