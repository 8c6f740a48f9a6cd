"""Checkpoints of torchvision's own definitions load with every tensor matched and give the same numbers."""

from __future__ import annotations

import numpy as np
import pytest

pytestmark = pytest.mark.reference

NETWORKS = {
    "alexnet": 224, "vgg11": 224, "vgg16_bn": 224, "googlenet": 224, "inception_v3": 299, "squeezenet1_0": 224,
    "squeezenet1_1": 224, "resnet18": 224, "resnet50": 224, "resnext50_32x4d": 224, "wide_resnet50_2": 224,
    "densenet121": 224, "mobilenet_v2": 224, "shufflenet_v2_x1_0": 224,
}  # fmt: skip


def build(name: str):
    """The network with random values that keep activations alive, in inference mode."""
    import torch
    from torch_models import torchvision_models

    torch.manual_seed(sum(map(ord, name)))
    options = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    net = getattr(torchvision_models(), name)(**options)
    with torch.no_grad():
        for key, p in net.named_parameters():
            if p.dim() > 1:
                torch.nn.init.kaiming_normal_(p)
            else:
                p.uniform_(0.5, 1.5) if key.endswith("weight") else p.normal_(0, 0.1)
        for m in net.modules():
            if isinstance(m, torch.nn.BatchNorm2d):
                m.momentum = 1.0
        net.train()
        for m in net.modules():
            if isinstance(m, torch.nn.Dropout):
                m.eval()
        size = NETWORKS[name]
        x = torch.randn(2, 3, size, size)
        net(x)
        return net.eval(), x


def shuffled(state: dict) -> dict:
    names = list(state)
    np.random.default_rng(1).shuffle(names)
    return {name: state[name] for name in names}


@pytest.mark.parametrize("name", NETWORKS)
def test_checkpoint_gives_the_same_logits(name: str, tmp_path) -> None:
    import torch
    from torch_module import distance

    from archdsl import driver

    net, x = build(name)
    torch.save(shuffled(net.state_dict()), tmp_path / "w.pth")
    program, variant = driver.resolve_target(name)
    graph = program.graph(variant)
    loaded, told = driver.with_weights(graph, tmp_path / "w.pth", training=lambda: program.graph(variant, train=True))
    count = len(graph.parameters())
    assert told[0].startswith(f"w.pth: {count} of {count} tensors matched")
    driver.compile(loaded, tmp_path / "m.onnx")
    (found,) = driver.run(tmp_path / "m.onnx", x.numpy()).values()
    with torch.no_grad():
        assert distance(found, net(x).numpy()) <= 1e-4


def test_loading_follows_names(tmp_path) -> None:
    import torch
    from torch_module import distance

    from archdsl import driver

    net, x = build("resnet18")
    state = net.state_dict()
    one, other = "layer1.0.conv1.weight", "layer1.1.conv2.weight"
    state[one], state[other] = state[other].clone(), state[one].clone()
    torch.save(state, tmp_path / "w.pth")
    before = net(x).detach().numpy()
    program, variant = driver.resolve_target("resnet18")
    loaded, _ = driver.with_weights(program.graph(variant), tmp_path / "w.pth")
    driver.compile(loaded, tmp_path / "m.onnx")
    (found,) = driver.run(tmp_path / "m.onnx", x.numpy()).values()
    net.load_state_dict(state)
    assert distance(found, net(x).detach().numpy()) <= 1e-4
    assert distance(found, before) > 1e-3
