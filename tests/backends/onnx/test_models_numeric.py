"""Networks of the zoo compute what ONNX says they do: one variant a family, weights that matter, at the smallest input.

ONNX Runtime runs the written file; ``onnx.reference`` is the other side. That the comparison can fail is part of it: it
has to, for every single weight tensor that is disturbed and for every kind of operator that is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from lowered import lowered
from onnx.reference import ReferenceEvaluator
from onnx_case import generator
from onnx_fixed import LRN, evaluate
from zoo_models import (
    CORE,
    STEPS,
    VARIANTS,
    families,
    fixed_size,
    graph_of,
    has_parameter,
    images,
    jumps,
    made_small,
    session_of,
    smallest,
    structure,
    symbolic,
    usable,
    weights_of,
    with_weights,
)

import archdsl
from archdsl import dims
from archdsl.graph import Graph
from archdsl.ops.base import Initializer

pytestmark = pytest.mark.slow

TOLERANCE = 1e-4
"""Of the largest value. Measured on the core: at most 4e-5, where many normalisations follow each other on one pixel."""

STIR = 1e-6
"""Ten times what so small a relative change of the input does to the output is no disagreement either, where a deep net
ends in a single pixel: 4e-3 for SENet-154."""

MORE = ("lenet5_1998", "alexnet_2012", "googlenet_2014", "resnet18_a", "resnet50_v1")
"""Beside one variant a family: raw parameters, response normalisation, padded shortcuts, bottlenecks."""

WIDER = 33
"""Where (nearly) a single pixel is legal: another size, so that more than the middle of every kernel is used."""


TINY = {
    "googlenet", "mobilenet_v1_w0_25", "mobilenet_v2_w0_35", "resnet18", "resnext50_32x4d", "seresnext50_32x4d",
    "shufflenet_v2_x0_5",
}  # fmt: skip
"""Networks of the core where it is."""


LIGHT = {
    "adaline", "autoencoder_mnist", "deit_tiny_patch16_224", "efficientnet_b0", "highway19", "lraspp_mobilenet_v3_large",
    "mnasnet1_0", "mobilenet_v3_large", "mobilenetv4_conv_small", "nin_cifar10", "repvgg_a0", "resnet20_cifar",
    "shufflenet_v1_g3", "snail_omniglot", "unetpp", "yolov5n", "yolov8n", "zeiler_visualiser",
}  # fmt: skip
"""Outside of the core, what takes little time. By name, so that collecting the tests elaborates nothing."""

BY_NIGHT = {"dcgan", "fasternet_t0", "siamfc", "starnet_s1", "vqvae"}
"""As small, and tried by day in ``zoo/test_second_sources``."""


def cases() -> Iterator[Any]:
    """(variant, wider than need be, with outputs for training). What is large and not of the core is for the night, and
    without these outputs what is tried with them.
    """
    for variant in dict.fromkeys([*families().values(), *MORE]):
        day = (variant in CORE or variant in MORE or variant in LIGHT) and variant not in TRAINED
        marks = () if day else pytest.mark.nightly
        if variant in CORE:  # by day once: where the smallest is a pixel, the wider picture is worth more
            by_night = pytest.mark.nightly if variant in TINY else ()
            yield pytest.param((variant, False, False), id=f"{variant}-smallest", marks=by_night)
        if variant in TINY or variant not in CORE:
            yield pytest.param((variant, True, False), id=f"{variant}-wider", marks=marks)
    yield pytest.param(("googlenet_2014", True, True), id="googlenet_2014-train")


def size(variant: str, wider: bool, train: bool = False) -> int | None:
    """The resolution to try; ``None`` where there is no choice."""
    res = TRAINED.get(variant) if train else LARGER.get(variant) or smallest(variant)
    return WIDER if wider and res and res < WIDER // 2 else res


LARGER = {"polynet": 139}
"""Hundreds of norms over the single pixel of the smallest input are too chaotic to compare: 3 x 3 pixels are not."""
TRAINED = {"googlenet_2014": 79}
"""The smallest resolutions at which the auxiliary classifiers fit: (79 + 1) / 16 = 5, what they average."""


def light(variant: str) -> bool:
    graph = symbolic(variant)
    weights = sum(prod(p.type.shape) for p in graph.parameters().values())
    if any(dims.symbols(size) - {"N"} for value in graph.inputs for size in value.type.shape):
        return False  # sequences are tried in tests of their own
    return len(graph.nodes) < 250 and weights < 10_000_000 and not fixed_size(variant)


CASES = list(cases())


class Net:
    """A network with weights: its structure in a session that takes them as inputs, and what it should compute."""

    def __init__(self, variant: str, wider: bool, train: bool) -> None:
        self.graph = small(variant, size(variant, wider, train), train)
        self.weights = weights_of(self.graph)
        self.inputs = images(self.graph, 2, variant)
        self.structure = onnx.ModelProto.FromString(structure(self.graph))
        self.session = session_of(self.structure.SerializeToString())
        self.expected = evaluate(self.structure, {**self.inputs, **self.weights})
        self.core = variant in CORE or variant in MORE
        plain = self.run()
        floats = {name: value for name, value in self.inputs.items() if value.dtype == np.float32}
        stirred = self.run(**{name: value * np.float32(1 + STIR) for name, value in floats.items()})
        self.noise = distance(plain, self.expected)
        self.allowed = TOLERANCE if self.core else max(TOLERANCE, 10 * distance(stirred, plain))
        self.seen = TOLERANCE if self.core else 2 * max(self.noise, STIR)

    def run(self, session: onnxruntime.InferenceSession | None = None, **changed: np.ndarray) -> list[np.ndarray]:
        found: list[np.ndarray] = (session or self.session).run(None, {**self.inputs, **self.weights, **changed})
        return found


@pytest.fixture(scope="module", params=CASES)
def case(request: pytest.FixtureRequest) -> Net:
    """Each network in turn: all tests of one, then the next."""
    return Net(*request.param)


def small(variant: str, res: int | None, train: bool = False) -> Graph:
    """The graph at that resolution, with ten classes where that can be chosen."""
    given = {"res": res} if res else {}
    classes = {"classes": 10} if has_parameter(variant, "classes") else {}
    return graph_of(variant, train=train, **made_small(variant) or given | classes)


def distance(found: list[np.ndarray], expected: list[np.ndarray]) -> float:
    """The largest difference over the outputs, relative to each output's largest value."""
    assert [a.shape for a in found] == [b.shape for b in expected]
    return max(float(np.abs(a - b).max() / np.abs(b).max()) for a, b in zip(found, expected))


def test_runtime_and_reference_agree(case: Net, tmp_path: Path) -> None:
    """The file as it is written, with other weights put in; finite, and different for two inputs."""
    archdsl.compile(case.graph, tmp_path / "net.onnx")
    model = with_weights(onnx.load(tmp_path / "net.onnx"), case.weights)
    session = session_of(model.SerializeToString())
    found = session.run(None, case.inputs)
    assert all(np.isfinite(y).all() for y in found)
    assert distance(found, case.expected) < case.allowed
    assert case.noise < case.allowed
    for y in case.expected:
        assert np.abs(y[0] - y[1]).max() > 100 * TOLERANCE * np.abs(y).max()
    for i in (0, 1):  # and each input alone gives what it gives beside the other
        alone = session.run(None, {name: x[i : i + 1] for name, x in case.inputs.items()})
        assert distance(alone, [y[i : i + 1] for y in case.expected]) < 5 * case.allowed


def test_every_disturbed_tensor_breaks_the_comparison(case: Net) -> None:
    """The same values one place further on, tensor by tensor."""
    assert set(case.weights) == set(case.graph.parameters())
    far = {
        name: distance(case.run(**{name: disturbed(case.weights[name])}), case.expected)
        for name in chosen(case)
        if not idle_bias(name)
    }
    assert far
    assert {name: value for name, value in far.items() if not value > case.seen} == {}


def idle_bias(name: str) -> bool:
    """Whether it is the bias of keys, which adds the same to all scores of a query: no softmax sees it."""
    return name.endswith(("k_proj.bias", ".key.bias"))


def chosen(case: Net) -> list[str]:
    """All tensors of a net of moderate size; else of each kind the first, the last and some between."""
    if len(case.weights) <= 140:
        return list(case.weights)
    kinds: dict[object, list[str]] = {}
    for name, value in case.weights.items():
        kinds.setdefault((name.rpartition(".")[2], value.ndim), []).append(name)
    draw = generator("chosen", case.graph.name)
    return [n for names in kinds.values() for n in {names[0], names[-1], *draw.choice(names, min(10, len(names)))}]


def disturbed(value: np.ndarray) -> np.ndarray:
    return np.roll(value.ravel(), 1).reshape(value.shape) if value.size > 1 else value + 1


def test_every_operator_left_out_breaks_the_comparison(case: Net) -> None:
    """First and last node of each kind pass their input on: the model no longer loads, or computes something else."""
    kinds: dict[str, list[int]] = {}
    for index, node in enumerate(case.structure.graph.node):
        if node.input:
            kinds.setdefault(node.op_type, []).append(index)
    places = sorted({place for found in kinds.values() for place in (found[0], found[-1])})
    told = [place for place, same in zip(places, idle(case, places)) if not same]
    assert len(told) >= min(len(kinds), 3)
    unnoticed = {case.structure.graph.node[place].name for place in told if not breaks(case, place)}
    assert unnoticed <= UNNOTICED if case.core else len(unnoticed) <= len(told) // 4


UNNOTICED = {"features.relu0"}
"""DenseNet's first ReLU: a pooling by maxima follows, then norms and ReLUs that make zero of zeros and of less. Beyond
the core a quarter may go unnoticed, as much of what pads, moves or resizes a map does on a single pixel."""


def idle(case: Net, places: list[int]) -> list[bool]:
    """Whether a node gives just what it gets: a pooling of one pixel, a vector flattened.

    Without the runtime's optimisations, which lose a value between a convolution and a sum even if it is an output.
    """
    model = onnx.ModelProto()
    model.CopyFrom(case.structure)
    nodes = [model.graph.node[place] for place in places]
    wanted = sorted({name for node in nodes for name in (node.input[0], node.output[0])})
    del model.graph.output[:]
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in wanted if name not in case.inputs)
    names = [output.name for output in model.graph.output]
    values = dict(zip(names, case.run(session_of(model.SerializeToString(), optimised=False)))) | case.inputs
    return [np.array_equal(values[node.input[0]], values[node.output[0]]) for node in nodes]


def breaks(case: Net, place: int) -> bool:
    model = onnx.ModelProto()
    model.CopyFrom(case.structure)
    del model.graph.value_info[:]
    node = model.graph.node[place]
    model.graph.node[place].CopyFrom(onnx.helper.make_node("Identity", node.input[:1], node.output[:1]))
    try:
        found = case.run(session_of(model.SerializeToString()))
    except Exception as error:
        assert "onnxruntime" in type(error).__module__
        return True
    same = [a.shape for a in found] == [b.shape for b in case.expected]
    return not (same and distance(found, case.expected) < case.seen)


def test_two_swapped_tensors_break_the_comparison() -> None:
    case = Net("resnet18", True, False)
    a, b = "layer1.0.conv1.weight", "layer1.1.conv2.weight"
    swapped = {a: case.weights[b], b: case.weights[a]}
    assert distance(case.run(**swapped), case.expected) > 100 * TOLERANCE


def test_every_family_has_a_case() -> None:
    assert {VARIANTS[case.values[0][0]].stem for case in CASES} == {path.stem for path in VARIANTS.values()}
    others = set(families().values()) - CORE - set(MORE)
    assert {variant for variant in others if light(variant)} == LIGHT | BY_NIGHT
    assert all(usable(variant) or jumps(symbolic(variant)) for variant in families().values())
    assert {variant: smallest(variant) for variant in SMALLEST} == SMALLEST
    assert {variant for variant in CORE if (smallest(variant) or WIDER) < WIDER // 2} == TINY


SMALLEST = {"alexnet": 63, "vgg11_bn": 32, "squeezenet1_1": 17, "densenet121": 29, "googlenet": 15, "resnet18": 1}
"""By hand: the last window of each pooling has to fit; 63 = ((((1 * 2 + 1) * 2 + 1) * 2 + 1) - 1) * 4 + 11 - 4."""


# Local response normalisation: onnx.reference is wrong, a formula stands in


def by_the_book(x: np.ndarray, size: int, alpha: float, beta: float, k: float) -> np.ndarray:
    """Krizhevsky et al., section 3.3, element by element; ``alpha`` divided by the number of channels, as in ONNX."""
    y = np.empty(x.shape)
    for n, i, row, column in np.ndindex(*x.shape):
        channels = range(max(0, i - (size - 1) // 2), min(x.shape[1] - 1, i + size // 2) + 1)
        total = sum(float(x[n, j, row, column]) ** 2 for j in channels)
        y[n, i, row, column] = x[n, i, row, column] / (k + alpha / size * total) ** beta
    return y


def lrn_model(size: int, alpha: float, beta: float, k: float) -> onnx.ModelProto:
    layer = f"lrn({size}, alpha = {alpha}, beta = {beta}, k = {k})"
    program = archdsl.load(f"arch 1\nnetwork R() {{ input x: f32[N, 7, 4, 3]; {layer}; output y }}\n")
    return onnx.ModelProto.FromString(lowered(program.graph()))


LRN_CASES = [(5, 0.5, 0.75, 2.0), (3, 1.0, 0.5, 1.0), (5, 1e-4, 0.75, 1.0), (9, 2.0, 0.75, 0.5)]


@pytest.mark.parametrize(("size", "alpha", "beta", "k"), LRN_CASES)
def test_response_normalisation_by_the_book(size: int, alpha: float, beta: float, k: float) -> None:
    """Runtime and formula agree with the paper's sum."""
    model = lrn_model(size, alpha, beta, k)
    assert [node.op_type for node in model.graph.node] == ["LRN"]
    x = generator("lrn").normal(0, 2, size=(3, 7, 4, 3)).astype(np.float32)
    expected = by_the_book(x, size, alpha, beta, k)
    for found in (session_of(model.SerializeToString()).run(None, {"x": x})[0], evaluate(model, {"x": x})[0]):
        np.testing.assert_allclose(found, expected, rtol=2e-6, atol=1e-6)


def test_why_the_formula_stands_in() -> None:
    """The proof that ``onnx.reference`` is wrong. When this fails, it has been mended and ``onnx_fixed`` can go."""
    model = lrn_model(5, 0.5, 0.75, 2.0)
    x = generator("lrn").normal(0, 2, size=(3, 7, 4, 3)).astype(np.float32)
    theirs = ReferenceEvaluator(model).run(None, {"x": x})[0]
    expected = by_the_book(x, 5, 0.5, 0.75, 2.0)
    assert np.abs(theirs - expected).max() > 0.05 * np.abs(expected).max()
    assert LRN.op_domain == ""


@pytest.mark.reference
@pytest.mark.parametrize(("size", "alpha", "beta", "k"), LRN_CASES)
def test_pytorch_agrees_with_the_book(size: int, alpha: float, beta: float, k: float) -> None:
    import torch

    x = generator("lrn").normal(0, 2, size=(3, 7, 4, 3))
    theirs = torch.nn.functional.local_response_norm(torch.from_numpy(x), size, alpha, beta, k)
    np.testing.assert_allclose(by_the_book(x, size, alpha, beta, k), theirs.numpy(), rtol=1e-12)


# Deployment


@pytest.mark.parametrize("variant", sorted(CORE))
def test_folded_networks_compute_the_same(variant: str) -> None:
    """``deploy`` folds every norm behind a convolution, with statistics that matter."""
    graph = small(variant, size(variant, wider=True))
    norms = season(graph)
    plain, deployed = (lowered(graph, deploy=deploy) for deploy in (False, True))
    x = images(graph, 2, variant)
    before, after = (session_of(data).run(None, x) for data in (plain, deployed))
    assert distance(after, before) < 5 * TOLERANCE
    left = [n for n in onnx.ModelProto.FromString(deployed).graph.node if n.op_type == "BatchNormalization"]
    assert 0 < len(left) <= norms // 2 + 3 if variant == "densenet121" else left == []
    assert (len(deployed) < len(plain)) == (norms > 0)


def season(graph: Graph) -> int:
    """Norms whose folding shows; gives their number. Initial values follow from the path alone."""
    ranges = {"running_var": (0.5, 2.0), "running_mean": (-0.3, 0.3), "weight": (0.5, 1.5), "bias": (-0.3, 0.3)}
    norms = [node for node in graph.nodes if node.op.name == "batch_norm"]
    for node in norms:
        for slot, old in node.params.items():
            node.params[slot] = old.replace(init=Initializer("uniform", ranges[slot]))
    return len(norms)


# The same file at batch 1 and 3, native resolution, initial weights


def check_batches(variant: str, path: Path) -> None:
    """One file with symbolic N: three images at once are three images one by one."""
    graph = graph_of(variant, **made_small(variant))
    report = archdsl.compile(graph, path)
    session = session_of(path)
    path.unlink()
    assert report.bytes > 4 * sum(prod(p.type.shape) for p in graph.parameters().values())
    assert [v.shape[0] for v in session.get_inputs()] == ["N"] * len(graph.inputs)
    x = images(graph, 3, variant)
    together = session.run(None, x)
    alone = session.run(None, {name: value[2:] for name, value in x.items()})
    for one, three, value in zip(alone, together, graph.outputs.values(), strict=True):
        each = tuple(dims.evaluate(size, STEPS) for size in value.type.shape[1:])
        assert one.shape == (1, *each) and three.shape == (3, *each)
        assert np.isfinite(three).all()
        error, gap = np.abs(one[0] - three[2]).max(), np.abs(three[0] - three[2]).max()
        assert error <= 10 * TOLERANCE * np.abs(three).max()
        assert jumps(graph) or error < 0.1 * gap > 0


@pytest.mark.parametrize("variant", sorted(CORE))
def test_batches_of_one_file(variant: str, tmp_path: Path) -> None:
    check_batches(variant, tmp_path / "net.onnx")


@pytest.mark.nightly
@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_runs(variant: str, tmp_path: Path) -> None:
    check_batches(variant, tmp_path / "net.onnx")
