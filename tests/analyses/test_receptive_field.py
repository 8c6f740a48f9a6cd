"""Receptive fields: published values, closed forms, and the positions an output really depends on."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import pytest
from compare_fields import compare
from netbuild import Net, resnet50
from random_maps import program

import archdsl
from archdsl.analyses import field, field_entries, receptive_field as walk
from archdsl.analyses.at_binding import Bound
from archdsl.analyses.field import Field
from archdsl.analyses.measure import Measures, measure
from archdsl.analyses.receptive_field import receptive_fields
from archdsl.diagnostics import DiagnosticError
from archdsl.dims import symbol
from archdsl.graph import Graph, Node, Value
from archdsl.ops import windows


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


def test_a_gate_does_not_end_the_field_along_maps() -> None:
    net = Net(1, 4, 32, 32)
    x = net.conv(net.input, 4, 3)
    gated = net.mul(x, net.sigmoid(net.conv(net.global_avg_pool(x), 4, 1)))
    y = net.conv(gated, 4, 3)
    graph = net.graph(y)
    fields = Measures(graph).fields
    pool = next(node for node in graph.nodes if node.op.name == "global_avg_pool")
    assert fields.at(gated) == fields.at(x), "the gate is the same for all positions"
    assert fields.first_whole is pool
    assert set(fields.whole[y].values()) == {pool}
    assert not fields.whole[x]
    assert measure(graph, "receptive_field") == 5


def test_symbolic_sizes_have_the_same_fields() -> None:
    graph = resnet50(size=symbol("S"), batch=symbol("N"))
    assert Measures(graph, symbolic=True).of("receptive_field").value == 427


def test_a_value_that_does_not_depend_on_the_input_has_none() -> None:
    net = Net(1, 4, 8, 8)
    bias = net.param([1, 4, 1, 1])
    graph = net.graph(net.add(net.conv(net.input, 4, 3), bias))
    fields = Measures(graph).fields
    assert bias not in fields
    assert measure(graph, "receptive_field") == 3


def test_transposed_axes_are_followed() -> None:
    net = Net(1, 4, 16, 32)
    x = net.conv(net.input, 4, [3, 5])
    y = net.transpose(x, 2, 3)
    z = net.conv(y, 4, [7, 1])
    assert measure(net.graph(z), "receptive_field") == (3, 11)


# What positions really depend on (tests/support/dependence.py)


def drawn(first: int, count: int) -> Iterator[str]:
    """Random networks whose shapes fit."""
    for seed in itertools.count(first):
        text = program(random.Random(seed))
        try:
            archdsl.load(text).graph()
        except DiagnosticError:
            continue
        yield text
        count -= 1
        if not count:
            return


@pytest.mark.parametrize("part", range(6))
def test_random_maps_against_what_they_depend_on(part: int) -> None:
    """Gates, crops, transposed convolutions, interpolation, joins, all paddings, on one axis and on two."""
    counted = sum((compare(text) for text in drawn(10_000 * part, 20)), Counter())
    assert counted["exact"] > 50
    assert counted["positions"] > 2_000


@pytest.mark.nightly
def test_many_random_maps_against_what_they_depend_on() -> None:
    counted = sum((compare(text) for text in drawn(100_000, 2_000)), Counter())
    assert counted["networks"] == 2_000
    assert counted["bounds"] < counted["exact"] / 10


SPOILED: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "one position more": lambda patch: _spoil(patch, lambda f: field.point(f.axis) if f.size == 1 else _wider(f)),
    "one position less": lambda patch: _spoil(patch, lambda f: f if f.size < 4 else _wider(f, -1)),
    "only the first way into a join": lambda patch: patch.setattr(walk, "hull", lambda fields, size: fields[0]),
    "gates end maps": lambda patch: patch.setattr(walk, "through", _ended),
    "norms see no more than their own position": lambda patch: patch.setattr(walk, "seen_whole", lambda *_: ()),
    "taps without gaps": lambda patch: patch.setattr(windows, "MAX_PHASES", 0),
    "padding forgotten": lambda patch: patch.setattr(windows, "sliding", _unpadded),
}


def _spoil(patch: pytest.MonkeyPatch, change: Callable[[Field], Field]) -> None:
    known = field.slide
    patch.setattr(field_entries, "slide", lambda f, w: change(known(f, w)) if w.extent else known(f, w))


def _wider(f: Field, by: int = 1) -> Field:
    return f.replace(high=f.high + by, spans=tuple(s and (s[0], s[1] + by) for s in f.spans))


def _ended(entries: Any, window: Any, node: Node, known: Any = walk.through) -> Any:
    return None if len(node.inputs) > 1 and node.op.name == "mul" else known(entries, window, node)


def _unpadded(axis: int, kernel: int, stride: int, dilation: int, begin: int, known: Any = windows.sliding) -> Any:
    return known(axis, kernel, stride, dilation, 0)


@pytest.mark.parametrize("how", SPOILED)
def test_the_comparison_finds_what_is_wrong(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = list(drawn(0, 60))
    SPOILED[how](monkeypatch)
    with pytest.raises((AssertionError, StopIteration)):
        for text in texts:
            compare(text)


def exactly(axis: int, low: int, high: int, jump: int = 1) -> Field:
    return Field(axis, jump, low, high, ((low, high),))


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
    assert found.misaligned[0].fields == (exactly(2, -1, 1), exactly(2, -1, 2))
    assert found.at(bad)[0] == exactly(2, -1, 2)
    assert found.at(good)[0] == exactly(2, -2, 2)


def test_joins_of_different_strides_cover_both() -> None:
    """Nothing in one path, stride 2 and back in the other: the hull holds at the first and at the last position."""
    net = Net(1, 2, 20)
    down = net.conv(net.input, 2, 1, stride=2)
    a, b = net.conv(down, 2, 1), net.max_pool(net.input, 11, stride=1)
    graph = net.graph(net.add(a, b))
    found = receptive_fields(Bound(graph))
    assert [m.node.path for m in found.misaligned] == ["add"]
    (field,) = found.at(graph.outputs["output"])
    assert isinstance(field, Field)
    assert not field.exact
    for y in range(10):
        low, high = field.low + field.jump * y, field.high + field.jump * y
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
    assert isinstance(field, Field)
    assert int(rows.max() - rows.min()) + 1 == field.size
    assert Fraction(int(rows.max() + rows.min()), 2) == field.offset + 16 * field.jump
