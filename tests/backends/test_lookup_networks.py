"""Networks whose operators stand at computed positions, each against its equations in PyTorch: ONNX Runtime, the
generated module, and the gradient that this one gives.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from onnx_case import generator, model_of, randomise, run

import archdsl

pytestmark = pytest.mark.reference

CLIP = """arch 1
network Net(d = 8) {
  input tokens: i64[N, T = 6]
  embed: embedding(50, d)
  layer_norm
  take(embed -> layer_norm, argmax(tokens, axis = 1), axis = t, batch = 1)
  text: linear(5, bias = false)
  output text
}
"""
VQ = """arch 1
## The nearest of the codes (arXiv:1711.00937): squared distances by the dot product, and a lookup.
network Net(k = 12, d = 4) {
  input z: f32[N, d, H, W]
  book: param([k, d], init = normal(0, 1))
  let flat = z -> permute([0, 2, 3, 1])
  let near = reduce_sum(book * book, axis = 1) - 2 * (flat @ transpose(book))
  codes: argmin(near, axis = -1)
  quantised: take(book, codes, axis = 0) -> permute([0, 3, 1, 2])
  output codes, quantised
}
"""
POINTS = """arch 1
## A set abstraction (arXiv:1706.02413) whose groups are the k nearest points of the first m.
network Net(m = 3, k = 4) {
  input xyz: f32[N, 9, 3]
  let centres = xyz -> slice(1, 0, m)
  let apart = unsqueeze(centres, 2) - unsqueeze(xyz, 1)
  let far, at = top_k(neg(reduce_sum(apart * apart, axis = 3)), k, axis = 2)
  grouped: take(xyz, at, axis = 1, batch = 1) - unsqueeze(centres, 2)
  mlp: linear(6) -> relu
  set: reduce_max(axis = 2)
  output set
}
"""
FNET = """arch 1
## A layer of FNet (arXiv:2105.03824): the real part of the transform along steps and features mixes them.
network Net() {
  input x: f32[N, 12, 8]
  let mixed = x -> rfft(axis = 2) -> fft(axis = 1)
  let low = mixed -> select(axis = 3, 0)
  let turned = low -> gather([0, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1], axis = 1)
  let real = concat(low, turned -> slice(2, 1, 4) -> reverse(axis = 2), axis = 2)
  norm: layer_norm(x + real)
  residual { linear(16) -> gelu -> linear(8) }
  output y
}
"""
GRAPH = """arch 1
## Messages along edges, summed where they end (arXiv:1704.01212).
network Net(d = 5) {
  input x: f32[V = 7, d]
  input edges: i64[2, E = 11]
  let source = select(edges, 0, 0)
  let target = select(edges, 0, 1)
  messages: take(x, source, axis = 0) -> linear(d)
  mixed: scatter(zeros([x.shape[0], d]), target, messages, axis = 0, reduce = add)
  best: scatter(zeros([x.shape[0], d]), target, messages, axis = 0, reduce = max)
  concat(x, mixed, best, axis = 1) -> linear(3)
  output y
}
"""
SPECTRAL = """arch 1
## The spectral filter of GFNet (arXiv:2107.00645) along one axis: a complex weight for each frequency.
network Net(d = 3) {
  input x: f32[N, 9, d]
  let f = x -> rfft(axis = 1)
  let w = param([5, d, 2], init = normal(0, 0.1))
  let a, b = f -> split(2, axis = 3)
  let c, e = w -> split(2, axis = 2)
  concat(a * c - b * e, a * e + b * c, axis = 3) -> irfft(axis = 1, size = 9)
  output y
}
"""
DEFORMABLE = """arch 1
## Deformable attention (arXiv:2010.04159) on one level: each head reads the map at a few points of its own.
network Net(heads = 2, points = 3, d = 8) {
  input map: f32[N, d, H, W]
  input q: f32[N, Q = 5, 6]
  input at: f32[N, Q = 5, 2]
  let n = map.shape[0]
  let values = map -> conv(d, 1) -> reshape([heads * n, d // heads, map.h, map.w])
  offsets: q -> linear(heads * points * 2)
  let spread = offsets -> reshape([n, q.shape[1], heads, points, 2]) -> permute([0, 2, 1, 3, 4])
  let places = unsqueeze(at, [1, 3]) + 0.1 * spread
  let grid = 2 * places - 1 -> reshape([heads * n, q.shape[1], points, 2])
  weights_of: q -> linear(heads * points) -> reshape([n, q.shape[1], heads, points]) -> softmax
  let shares = weights_of -> transpose(1, 2) -> reshape([heads * n, 1, q.shape[1], points])
  let read = reduce_sum((values -> grid_sample(grid)) * shares, axis = 3)
  read -> reshape([n, d, q.shape[1]]) -> transpose
  out: linear(d)
  output y
}
"""

Weights = dict[str, Any]


def clip(w: Weights, tokens: Any) -> Any:
    import torch.nn.functional as F  # noqa: N812

    x = w["embed.weight"][tokens]
    x = F.layer_norm(x, (8,), w["layer_norm_2.weight"], w["layer_norm_2.bias"])
    return x[range(len(x)), tokens.argmax(1)] @ w["text.weight"].T


def vq(w: Weights, z: Any) -> Any:
    import torch

    flat = z.permute(0, 2, 3, 1)
    codes = torch.cdist(flat.flatten(1, 2), w["book"][None]).argmin(-1).reshape(flat.shape[:3])
    return codes, w["book"][codes].permute(0, 3, 1, 2)


def points(w: Weights, xyz: Any) -> Any:
    import torch

    near = torch.cdist(xyz[:, :3], xyz).topk(4, largest=False).indices
    grouped = torch.stack([one[i] for one, i in zip(xyz, near)]) - xyz[:, :3, None]
    return (grouped @ w["mlp.linear.weight"].T + w["mlp.linear.bias"]).relu().amax(2)


def fnet(w: Weights, x: Any) -> Any:
    import torch
    import torch.nn.functional as F  # noqa: N812

    x = F.layer_norm(x + torch.fft.fft2(x).real, (8,), w["norm.weight"], w["norm.bias"])
    inner = F.gelu(x @ w["linear.weight"].T + w["linear.bias"])
    return x + inner @ w["linear_2.weight"].T + w["linear_2.bias"]


def graph_network(w: Weights, x: Any, edges: Any) -> Any:
    import torch

    mixed, best = torch.zeros_like(x), torch.zeros_like(x)
    for source, target in edges.T.tolist():
        message = x[source] @ w["messages.weight"].T + w["messages.bias"]
        mixed = mixed + torch.nn.functional.one_hot(torch.tensor(target), len(x))[:, None] * message
        rows = [torch.maximum(best[v], message) if v == target else best[v] for v in range(len(x))]
        best = torch.stack(rows)
    return torch.cat([x, mixed, best], 1) @ w["linear.weight"].T + w["linear.bias"]


def spectral(w: Weights, x: Any) -> Any:
    import torch

    weight = next(iter(w.values()))
    return torch.fft.irfft(torch.fft.rfft(x, dim=1) * torch.view_as_complex(weight), n=9, dim=1)


def deformable(w: Weights, map: Any, q: Any, at: Any) -> Any:
    """Head by head, point by point."""
    import torch
    import torch.nn.functional as F  # noqa: N812

    values = F.conv2d(map, w["conv.weight"], w["conv.bias"])
    offsets = (q @ w["offsets.weight"].T + w["offsets.bias"]).reshape(*q.shape[:2], 2, 3, 2)
    shares = (q @ w["weights_of.linear.weight"].T + w["weights_of.linear.bias"]).reshape(*q.shape[:2], 2, 3).softmax(-1)
    heads = []
    for h in range(2):
        total: Any = 0
        for p in range(3):
            grid = 2 * (at + 0.1 * offsets[:, :, h, p]) - 1
            read = F.grid_sample(values[:, 4 * h : 4 * h + 4], grid[:, :, None], align_corners=False)[..., 0]
            total = total + read * shares[:, None, :, h, p]
        heads.append(total)
    return torch.cat(heads, 1).transpose(1, 2) @ w["out.weight"].T + w["out.bias"]


def floats(*shape: int) -> np.ndarray:
    return generator("lookup", shape).normal(size=shape).astype(np.float32)


NETWORKS: dict[str, tuple[str, Callable[..., Any], dict[str, np.ndarray]]] = {
    "clip": (CLIP, clip, {"tokens": np.array([[3, 49, 7, 0, 0, 0], [5, 6, 7, 48, 1, 0], [49, 1, 2, 3, 4, 5]])}),
    "vq-vae": (VQ, vq, {"z": floats(2, 4, 3, 5)}),
    "pointnet++": (POINTS, points, {"xyz": floats(3, 9, 3)}),
    "fnet": (FNET, fnet, {"x": floats(2, 12, 8)}),
    "messages": (GRAPH, graph_network, {"x": floats(7, 5), "edges": generator("edges").integers(0, 7, (2, 11))}),
    "deformable": (
        DEFORMABLE,
        deformable,
        {"map": floats(2, 8, 6, 7), "q": floats(2, 5, 6), "at": np.abs(floats(2, 5, 2)) / 3},
    ),
    "spectral": (SPECTRAL, spectral, {"x": floats(2, 9, 3)}),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_network_is_its_equations(name: str) -> None:
    import torch
    from torch_module import distance, load_initialisers, module_of, outputs_of

    text, equations, inputs = NETWORKS[name]
    graph = archdsl.load(text).graph()
    model, net = model_of(graph), module_of(graph)
    weights = {k: torch.from_numpy(v) for k, v in randomise(model, generator(name)).items()}
    load_initialisers(net, model)
    tensors = [torch.from_numpy(x).requires_grad_(x.dtype.kind == "f") for x in inputs.values()]
    wanted, found = equations(weights, *tensors), net(*tensors)
    for ours in (run(model, inputs), outputs_of(found)):
        for a, b in zip(ours, outputs_of(wanted), strict=True):
            assert a.shape == b.shape and distance(a, b) <= 2e-5
    gradients = [gradient(result, [t for t in tensors if t.requires_grad]) for result in (found, wanted)]
    for a, b in zip(*gradients, strict=True):
        assert distance(a, b) <= 2e-5
    again = module_of(graph)
    load_initialisers(again, model)
    gradient(again(*tensors), list(again.parameters()))


def gradient(result: Any, of: list[Any]) -> list[np.ndarray]:
    """Of a sum of the outputs with different factors, which reaches all of what it is taken for."""
    import torch

    several = result.values() if isinstance(result, dict) else result if isinstance(result, tuple) else [result]
    reals = [one for one in several if one.is_floating_point() and one.requires_grad]
    if not of or not reals:
        return []
    total = sum((one * torch.arange(one.numel()).reshape(one.shape).cos()).sum() for one in reals)
    found = torch.autograd.grad(total, of, allow_unused=True)
    return [one.numpy() for one in found if one is not None]
