"""The PyTorch backend against ONNX Runtime: every operator's examples, and a network of each family."""

from __future__ import annotations

import numpy as np
import pytest
from onnx_case import BINDING, generator, graph_of, inputs_of, model_of, randomise, run
from op_examples import Example, all_examples

from archdsl import ops
from archdsl.backends.torch import backend

pytestmark = pytest.mark.reference

EXAMPLES = [e for e in all_examples() if not any(t.dtype in ("f16", "bf16") for t in (*e.input_types, *e.output_types))]


def test_every_operator_has_a_rule() -> None:
    assert [name for name in ops.names() if not backend.lowers(ops.load(name))] == []


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
        assert distance(ours, theirs) <= 1e-5


FAMILIES = (
    "alexnet", "vgg11_bn", "googlenet", "inception_v3", "squeezenet1_0", "resnet50", "resnext50_32x4d",
    "wide_resnet50_2", "densenet121", "mobilenet_v2", "shufflenet_v2_x0_5", "seresnet50", "bn_inception",
    "nin_cifar10", "zfnet", "lenet5", "xception", "mobilenet_v1", "stochastic_depth_110", "preact_resnet18",
    "resnet110_full_pre_activation", "resnet20_cifar_a", "overfeat_fast", "mlp3",
)  # fmt: skip


def _calibrated(net, draw):
    """Random parameters; running statistics of the batch, so that activations neither die nor explode."""
    import torch

    torch.manual_seed(int(draw.integers(1 << 30)))
    norms = [m for m in net.modules() if "BatchNorm" in type(m).__name__]
    with torch.no_grad():
        for name, p in net.named_parameters():
            if p.dim() > 1:
                torch.nn.init.kaiming_normal_(p)
            elif name.endswith("weight"):
                p.uniform_(0.5, 1.5)
            else:
                p.normal_(0, 0.1)
    for norm in norms:
        norm.momentum = 1.0
        norm.train()
    return net


@pytest.mark.parametrize("name", FAMILIES)
def test_network_agrees_with_onnx_runtime(name: str, tmp_path) -> None:
    import torch
    from torch_module import distance, module_of, outputs_of

    from archdsl import driver
    from archdsl.weights.safetensors import encode

    if name not in driver.zoo_names():
        pytest.fail(f"the zoo has no {name}")
    program, variant = driver.resolve_target(name)
    graph, draw = program.graph(variant), generator("network", name)
    net = _calibrated(module_of(graph), draw)
    shape = [2 if not isinstance(n, int) else n for n in graph.inputs[0].type.shape]
    x = torch.from_numpy(draw.normal(0, 1, shape).astype(np.float32))
    with torch.no_grad():
        net(x)
        expected = outputs_of(net.eval()(x))
    state = {k: v.contiguous() for k, v in net.state_dict().items() if not k.endswith("num_batches_tracked")}
    assert set(state) == set(graph.parameters())
    head = encode({k: ("f32", tuple(v.shape)) for k, v in state.items()}, {})
    file = tmp_path / "w.safetensors"
    file.write_bytes(head + b"".join(v.numpy().tobytes() for v in state.values()))
    loaded, _ = driver.with_weights(graph, file)
    driver.compile(loaded, tmp_path / "m.onnx")
    found = list(driver.run(tmp_path / "m.onnx", x.numpy()).values())
    for ours, theirs in zip(found, expected, strict=True):
        assert distance(ours, theirs) <= 1e-4
        assert np.abs(ours[0] - ours[1]).max() > 1e-3 * np.abs(ours).max()


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
    assert any((net(torch.from_numpy(x))["y"] != net(torch.from_numpy(x))["y"]).flatten())


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


CONFIGURATIONS = [
    "conv[6, {k}, stride={s}, pad={p}, dilation={d}] : f32[2,4,{n},{m}] -> f32[1]",
    "conv_transpose[6, {k}, stride={s}, pad={p}, dilation={d}] : f32[2,4,{n},{m}] -> f32[1]",
    "max_pool[{k}, stride={s}, pad={q}, dilation={d}, ceil={c}] : f32[2,4,{n},{m}] -> f32[1]",
    "avg_pool[{k}, stride={s}, pad={q}, ceil={c}, count_pad={t}] : f32[2,4,{n},{m}] -> f32[1]",
    "adaptive_avg_pool[[{k}, {s}]] : f32[2,4,{n},{m}] -> f32[1]",
    "resize[size=[{n}, {k}], mode=bilinear, align_corners={c}] : f32[2,4,{m},{n}] -> f32[1]",
]


@pytest.mark.parametrize("form", CONFIGURATIONS, ids=lambda f: f.partition("[")[0])
def test_drawn_configurations_agree_with_onnx_runtime(form: str) -> None:
    import torch
    from op_examples import parse_example
    from torch_module import distance, load_initialisers, module_of, outputs_of

    from archdsl.diagnostics import Refusal

    draw, done = generator("drawn", form), 0
    while done < 25:
        k, s, d = (int(draw.integers(1, high)) for high in (5, 4, 3))
        ends = [int(draw.integers(0, k)) for _ in range(4)]
        kind = draw.choice(["valid", "same_upper", "same_lower", str(ends)])
        flags = ["true" if bit else "false" for bit in draw.integers(0, 2, 2)]
        n, m = (int(size) for size in draw.integers(9, 14, 2))
        text = form.format(k=k, s=s, d=d, n=n, m=m, p=kind, q=str(ends), c=flags[0], t=flags[1])
        try:
            example = parse_example(text)
            graph = graph_of(example)
        except Refusal:
            continue
        model = model_of(graph)
        randomise(model, draw)
        net, inputs = module_of(graph), inputs_of(example, draw)
        load_initialisers(net, model)
        with torch.no_grad():
            (found,) = outputs_of(net(*map(torch.from_numpy, inputs.values())))
        (expected,) = run(model, inputs)
        assert found.shape == expected.shape, text
        assert distance(found, expected) <= 1e-5, text
        done += 1
