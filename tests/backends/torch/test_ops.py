"""The PyTorch backend against ONNX Runtime: every operator's examples, and a network of sharing and gates."""

from __future__ import annotations

import numpy as np
import pytest
from onnx_case import BINDING, LOOSE, comparable, generator, graph_of, inputs_of, model_of, randomise, run
from op_examples import Example, all_examples

from archdsl.backends.onnx import backend as onnx
from archdsl.backends.torch import backend

pytestmark = pytest.mark.reference

EXAMPLES = [
    e for e in all_examples()
    if onnx.lowers(type(e.op)) and backend.lowers(type(e.op))
    and not any(t.dtype in ("f16", "bf16") for t in (*e.input_types, *e.output_types))
]  # fmt: skip


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: e.text)
def test_operator_agrees_with_onnx_runtime(example: Example) -> None:
    import torch
    from torch_module import distance, load_initialisers, module_of, outputs_of

    example = example.bound(BINDING)
    graph, draw = graph_of(example), generator("torch", example.text)
    model = model_of(graph)
    randomise(model, draw)
    net, inputs = module_of(graph), inputs_of(example, draw)
    if net.state_dict():
        load_initialisers(net, model)
    expected = run(model, inputs)
    with torch.no_grad():
        found = outputs_of(net(*(torch.from_numpy(np.array(a)) for a in inputs.values())))
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.shape == theirs.shape and ours.dtype == theirs.dtype
        apart = distance(comparable(example.op, ours), comparable(example.op, theirs))
        assert apart <= (LOOSE if example.op.draws else 1e-5)


def test_a_network_of_every_combinator_agrees_with_onnx_runtime() -> None:
    """Sharing, two outputs, gates, dense and parallel joins, drop path: nested as no zoo network nests them."""
    import torch
    from torch_module import distance, load_initialisers, module_of, outputs_of

    import archdsl

    graph = archdsl.load(COMBINED).graph()
    model, draw = model_of(graph), generator("combined")
    randomise(model, draw)
    net = module_of(graph)
    load_initialisers(net, model)
    x = draw.normal(size=(2, 4, 8, 8)).astype(np.float32)
    with torch.no_grad():
        found = outputs_of(net(torch.from_numpy(x)))
    assert len(found) == 2
    for ours, theirs in zip(found, run(model, {"x": x}), strict=True):
        assert distance(ours, theirs) <= 1e-5
    net.train()
    torch.manual_seed(0)
    assert len({float(net(torch.from_numpy(x))["y"].sum()) for _ in range(16)}) > 1  # branches are dropped


COMBINED = """arch 1
block unit(c, p = 0.5) {
  body: residual { conv(c, 3, pad = same) -> batch_norm -> relu -> conv(c, 3) -> drop_path(p) }
  relu
}
network Net() {
  input x: f32[N, 4, 8, 8]
  share head = conv(4, 3) -> own batch_norm -> relu
  stem: seq { conv(4, 3); repeat 2 { unit(4) } }
  wide: dense(2) { conv(4, 1) }
  parallel(concat) { | identity | conv(4, 3) -> head | avg_pool(3, stride = 1, pad = 1) -> conv(4, 1) -> head }
  mixed: conv(4, 1)
  let s = mixed -> global_avg_pool -> conv(4, 1) -> sigmoid
  let gate = mixed * s
  pos: param([1, 4, 1, 1], init = ones)
  output y = gate + pos
  output z = gate -> global_avg_pool -> flatten -> linear(3) -> softmax
}
"""
