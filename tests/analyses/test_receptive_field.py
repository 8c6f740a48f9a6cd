"""Receptive fields: published values, closed forms, and the positions an output really depends on."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest
from netbuild import Net, resnet50

from archdsl.analyses.at_binding import Bound
from archdsl.analyses.measure import Measures, measure
from archdsl.analyses.receptive_field import Field, receptive_fields
from archdsl.dims import symbol
from archdsl.graph import Graph, Node, Value

LENGTH = 240
Seen = dict[int, frozenset[int]]
"""Position of a value -> the input positions it depends on."""


def convs(*kernels: int, **arguments: int) -> Graph:
    net = Net(1, 3, 64, 64)
    x = net.input
    for k in kernels:
        x = net.conv(x, 4, k, pad="valid", **arguments)
    return net.graph(x)


@pytest.mark.parametrize(
    ("kernels", "size"), [((3,), 3), ((3, 3), 5), ((3, 3, 3), 7), ((5, 5), 9), ((1, 1, 1), 1), ((7, 3, 1, 5), 13)]
)
def test_stacks(kernels: tuple[int, ...], size: int) -> None:
    assert measure(convs(*kernels), "receptive_field") == size == 1 + sum(k - 1 for k in kernels)


def test_strides_multiply_and_dilation_widens() -> None:
    assert measure(convs(3, 3, 3, stride=2), "receptive_field") == 1 + 2 * (1 + 2 + 4)
    assert measure(convs(3, 3, 3, stride=2), "stride") == 8
    assert measure(convs(3, 3, dilation=4), "receptive_field") == 1 + 2 * 4 * 2


def vgg16() -> Graph:
    net = Net(1, 3, 224, 224)
    x = net.input
    for width, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(count):
            x = net.relu(net.conv(x, width, 3))
        x = net.max_pool(x, 2)
    return net.graph(net.linear(net.flatten(x), 10))


def alexnet() -> Graph:
    net = Net(1, 3, 227, 227)
    x = net.max_pool(net.lrn(net.relu(net.conv(net.input, 8, 11, stride=4, pad="valid")), 5), 3, stride=2)
    x = net.max_pool(net.lrn(net.relu(net.conv(x, 8, 5)), 5), 3, stride=2)
    for _ in range(3):
        x = net.relu(net.conv(x, 8, 3))
    return net.graph(net.linear(net.flatten(net.max_pool(x, 3, stride=2)), 10))


def mobilenet_v1() -> Graph:
    net = Net(1, 3, 224, 224)
    x = net.conv(net.input, 8, 3, stride=2)
    for stride in (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1):
        x = net.conv(net.conv(x, 8, 3, stride=stride, groups=8), 8, 1)
    return net.graph(net.linear(net.flatten(net.global_avg_pool(x)), 10))


@pytest.mark.parametrize(
    ("graph", "size"),
    [
        (resnet50(stride_in_3x3=False), 483),
        (resnet50(), 427),
        (vgg16(), 212),
        (alexnet(), 195),
        (mobilenet_v1(), 315),
    ],
    ids=["resnet50_v1", "resnet50_v1.5", "vgg16", "alexnet", "mobilenet_v1"],
)
def test_published_values(graph: Graph, size: int) -> None:
    """Distill's table (Araujo et al. 2019); ResNet-50 with the stride in the 3x3 by hand."""
    assert measure(graph, "receptive_field") == size


def test_at_a_tap_and_of_a_part() -> None:
    m = Measures(resnet50())
    assert [m.of("stride", tap=f"layer{i}").value for i in (1, 2, 3, 4)] == [4, 8, 16, 32]
    assert m.of("receptive_field", tap="layer1").value == 7 + 2 * 2 + 3 * 2 * 4
    assert m.of("receptive_field", part="layer1").value == 7, "three 3x3, seen from the layer's own input"


def test_the_axes_may_differ() -> None:
    net = Net(1, 3, 32, 32)
    graph = net.graph(net.conv(net.conv(net.input, 4, [1, 7]), 4, 3, stride=[2, 1]))
    assert measure(graph, "receptive_field") == (3, 9)
    assert measure(graph, "stride") == (2, 1)


def test_after_the_first_operator_that_sees_everything() -> None:
    net = Net(1, 4, 32, 32)
    x = net.conv(net.input, 4, 3)
    gated = net.mul(x, net.sigmoid(net.conv(net.global_avg_pool(x), 4, 1)))
    y = net.conv(gated, 4, 3)
    graph = net.graph(y)
    fields = Measures(graph).fields
    assert fields.at(gated) == fields.at(y) == (None, None)
    assert fields.before_whole is x
    assert measure(graph, "receptive_field") == 3


def test_symbolic_sizes_have_the_same_fields() -> None:
    graph = resnet50(size=symbol("S"), batch=symbol("N"))
    assert Measures(graph, symbolic=True).of("receptive_field").value == 427


def test_a_value_that_does_not_depend_on_the_input_has_none() -> None:
    net = Net(1, 4, 8, 8)
    bias = net.param([1, 4, 1, 1])
    graph = net.graph(net.add(net.conv(net.input, 4, 3), bias))
    fields = Measures(graph).fields
    assert bias not in fields.fields
    assert measure(graph, "receptive_field") == 3


def test_transposed_axes_are_followed() -> None:
    net = Net(1, 4, 16, 32)
    x = net.conv(net.input, 4, [3, 5])
    y = net.transpose(x, 2, 3)
    z = net.conv(y, 4, [7, 1])
    assert measure(net.graph(z), "receptive_field") == (3, 11)


# What an output really depends on, by each operator's definition


def through(node: Node, seen: dict[Value, Seen]) -> Seen:
    """Positions on the last axis; a position outside of the input depends on nothing."""
    first = seen[node.inputs[0]]
    size = node.outputs[0].type.shape[-1]
    assert isinstance(size, int)
    op, name = node.op, node.op.name
    if name in ("conv", "max_pool", "avg_pool"):
        kernel, stride, dilation = (axis[0] for axis in op.geometry(node.inputs[0].type))
        begin = op.pads(node.inputs[0].type)[0][0]
        taps = [dilation * i - begin for i in range(kernel)]
        return {y: union(first, [y * stride + t for t in taps]) for y in range(size)}
    if name == "conv_transpose":
        kernel, stride, dilation = (axis[0] for axis in op.geometry(node.inputs[0].type))
        begin = op.pads(node.inputs[0].type)[0][0]
        sources: dict[int, list[int]] = {y: [] for y in range(size)}
        for x in first:
            for i in range(kernel):
                sources.setdefault(x * stride + dilation * i - begin, []).append(x)
        return {y: union(first, sources[y]) for y in range(size)}
    if name == "pad_axes":
        begin = op.pads[0]
        return {y: union(first, [y - begin]) for y in range(size)}
    return {y: frozenset().union(*(seen[v][y] for v in node.inputs)) for y in range(size)}


def union(seen: Seen, positions: list[int]) -> frozenset[int]:
    return frozenset().union(*(seen.get(p, frozenset()) for p in positions))


def dependencies(graph: Graph) -> dict[Value, Seen]:
    seen: dict[Value, Seen] = {graph.inputs[0]: {i: frozenset([i]) for i in range(LENGTH)}}
    for node in graph.nodes:
        for value in node.outputs:
            seen[value] = through(node, seen)
    return seen


def check(graph: Graph, exact: bool) -> int:
    """Compare every interior position with the field's formula; how many were compared."""
    found = receptive_fields(Bound(graph))
    compared = 0
    for value, seen in dependencies(graph).items():
        (field,) = found.at(value)
        assert field is not None
        for y, positions in seen.items():
            low = field.offset + field.jump * y - Fraction(field.size - 1, 2)
            high = field.offset + field.jump * y + Fraction(field.size - 1, 2)
            if low < 0 or high >= LENGTH or not positions:
                continue  # touches the border, where padding clips it
            compared += 1
            assert low <= min(positions)
            assert max(positions) <= high
            if exact:
                assert (low, high) == (min(positions), max(positions))
    return compared


@pytest.mark.parametrize("seed", range(40))
def test_chains_against_real_dependencies(seed: int) -> None:
    rng = random.Random(seed)
    net = Net(1, 2, LENGTH)
    x = net.input
    for _ in range(rng.randint(1, 5)):
        kind = rng.choice(["conv", "max_pool", "avg_pool", "relu"])
        if kind == "relu":
            x = net.relu(x)
            continue
        k = rng.choice([1, 2, 3, 5])
        pad = rng.choice(["valid", rng.randint(0, k - 1)])
        arguments = {"dilation": rng.randint(1, 3)} if kind == "conv" else {}
        args = (3, k) if kind == "conv" else (k,)
        x = getattr(net, kind)(x, *args, stride=rng.randint(1, 3), pad=pad, **arguments)
    assert check(net.graph(x), exact=True) > 0


@pytest.mark.parametrize("seed", range(40))
def test_joins_against_real_dependencies(seed: int) -> None:
    """Branches with different kernels (aligned) and paddings (misaligned) under one sum or concatenation."""
    rng = random.Random(seed)
    net = Net(1, 2, LENGTH)
    x = net.conv(net.input, 2, 3, stride=rng.randint(1, 2))
    for _ in range(rng.randint(1, 3)):
        a = net.conv(x, 2, rng.choice([1, 3, 5]), dilation=rng.randint(1, 2))
        k = rng.choice([2, 3, 4])
        begin = rng.randint(0, k - 1)
        b = net.conv(x, 2, k, pad=[begin, k - 1 - begin])
        x = net.add(a, b) if rng.random() < 0.5 else net.concat(a, b)
    assert check(net.graph(x), exact=False) > 0
    fields = receptive_fields(Bound(net.graph(x)))
    (field,) = fields.at(x)
    seen = dependencies(net.graph(x))[x]
    middle = seen[len(seen) // 2]
    assert field is not None
    assert field.size == max(middle) - min(middle) + 1, "the hull is no larger than it must be"


@pytest.mark.parametrize(("kernel", "stride", "pad"), [(2, 2, 0), (4, 2, 1), (3, 1, 1), (4, 4, 0), (6, 2, 2)])
def test_transposed_convolutions_against_real_dependencies(kernel: int, stride: int, pad: int) -> None:
    net = Net(1, 2, LENGTH)
    x = net.conv(net.input, 2, 3, stride=2)
    x = net.conv_transpose(x, 2, kernel, stride=stride, pad=pad)
    graph = net.graph(net.conv(x, 2, 3))
    assert check(graph, exact=False) > 0
    assert measure(graph, "stride") == Fraction(2, stride)


def test_misaligned_joins_are_reported() -> None:
    net = Net(1, 2, 32, 32)
    a = net.conv(net.input, 2, 3)
    b = net.conv(net.input, 2, 4, pad="same_upper")
    c = net.conv(net.input, 2, 5)
    good = net.concat(a, c, path="good")
    bad = net.concat(a, b, path="bad")
    found = receptive_fields(Bound(net.graph(good, bad)))
    assert {m.node.path for m in found.misaligned} == {"bad"}
    assert {m.axis for m in found.misaligned} == {2, 3}
    assert found.misaligned[0].fields == (Field(2, 3, 1, 0), Field(2, 4, 1, Fraction(1, 2)))
    assert found.at(bad)[0] == Field(2, 4, 1, Fraction(1, 2))
    assert found.at(good)[0] == Field(2, 5, 1, 0)


def test_joins_of_different_strides_cover_both() -> None:
    """Nothing in one path, stride 2 and back in the other: the hull holds at the first and at the last position."""
    net = Net(1, 2, 20)
    down = net.conv(net.input, 2, 1, stride=2)
    a, b = net.conv(down, 2, 1), net.max_pool(net.input, 11, stride=1)
    graph = net.graph(net.add(a, b))
    found = receptive_fields(Bound(graph))
    assert [m.node.path for m in found.misaligned] == ["add"]
    (field,) = found.at(graph.outputs["output"])
    assert field is not None
    for y in range(10):
        low = field.offset + field.jump * y - Fraction(field.size - 1, 2)
        high = field.offset + field.jump * y + Fraction(field.size - 1, 2)
        assert low <= min(2 * y, y)
        assert high >= max(2 * y, y + 10)


@pytest.mark.reference
def test_gradients_of_a_real_net_reach_as_far() -> None:
    """ResNet-18's second stage in PyTorch with positive weights: where the gradient of one position is not zero."""
    import torch
    from torch_models import torchvision_models

    model = torchvision_models().resnet18()
    stem = (
        torch.nn.Sequential(model.conv1, model.bn1, model.relu, model.maxpool, model.layer1, model.layer2)
        .eval()
        .double()
    )
    for p in stem.parameters():
        p.data.abs_()
    # the maximum passes a gradient to one position only: average pooling has the same field
    stem[3] = torch.nn.AvgPool2d(3, 2, 1)
    x = torch.rand(1, 3, 256, 256, dtype=torch.double, requires_grad=True)
    stem(x)[0, 0, 16, 16].backward()
    rows = x.grad.abs().sum((0, 1, 3)).nonzero().flatten()
    net = Net(1, 3, 256, 256)

    def unit(x: Value, c: int, stride: int) -> Value:
        y = net.conv(net.conv(x, c, 3, stride=stride), c, 3)
        return net.add(y, net.conv(x, c, 1, stride=stride) if stride > 1 else x)

    v = net.avg_pool(net.conv(net.input, 64, 7, stride=2), 3, stride=2, pad=1)
    for c, stride in ((64, 1), (64, 1), (128, 2), (128, 1)):
        v = unit(v, c, stride)
    field = Measures(net.graph(v)).fields.at(v)[0]
    assert field is not None
    assert int(rows.max() - rows.min()) + 1 == field.size
    assert Fraction(int(rows.max() + rows.min()), 2) == field.offset + 16 * field.jump
