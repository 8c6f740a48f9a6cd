"""Every variant of the zoo as an ONNX model: accepted, of ONNX's own shapes, with our parameters and nothing else."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from functools import cache

import onnx
import pytest
from onnx import TensorProto
from paths import DATA
from zoo_models import VARIANTS, graph_of, network_of, printed, program, shape_of, structure, symbolic

import archdsl
from archdsl import dims
from archdsl.backends import onnx as engine
from archdsl.backends.onnx import OnnxOptions, initialisers, stream
from archdsl.graph import Graph
from archdsl.ops.counted import Counted
from archdsl.reading import zoo_files
from archdsl.syntax import spec

pytestmark = pytest.mark.slow

ELEMENT = {"f32": TensorProto.FLOAT, "i64": TensorProto.INT64}
BOUND = {"N": 2}
Shapes = dict[str, list[int | str]]


@cache
def model_of(variant: str) -> onnx.ModelProto:
    return onnx.ModelProto.FromString(structure(symbolic(variant)))


def declared(model: onnx.ModelProto) -> Shapes:
    """The shapes that the file claims, of all values but the inputs."""
    return {v.name: shape_of(v) for v in [*model.graph.value_info, *model.graph.output]}


def inferred(model: onnx.ModelProto) -> Shapes:
    """The shapes that ONNX finds from the inputs alone."""
    bare = onnx.ModelProto()
    bare.CopyFrom(model)
    del bare.graph.value_info[:]
    for output in bare.graph.output:
        output.type.tensor_type.ClearField("shape")
    found = onnx.shape_inference.infer_shapes(bare, strict_mode=True, data_prop=True)
    return {v.name: shape_of(v) for v in [*found.graph.value_info, *found.graph.output]}


def contradictions(ours: Shapes, theirs: Shapes, symbols: frozenset[str]) -> list[str]:
    """Values where ONNX infers another rank, or an integer or a symbol of ours that is not what we say."""
    found = []
    for name, shape in ours.items():
        other = theirs.get(name, ["?"] * len(shape))
        pairs = list(zip(shape, other)) if len(shape) == len(other) else [(0, 1)]
        if any(b != a for a, b in pairs if isinstance(b, int) or b in symbols):
            found.append(f"{name}: {shape} here, {other} inferred")
    return found


def test_the_zoo_is_all_here() -> None:
    assert {v for path in zoo_files() for v in program(path).variants} == set(VARIANTS)
    assert len(VARIANTS) >= 60


LARGER_THAN_MEMORY = {"llama_3_1_8b", "llama_3_1_70b", "mistral_7b", "mixtral_8x7b"}
"""Whose initial weights, over 16 GiB, are refused (E0602)."""


@pytest.mark.parametrize("variant", VARIANTS)
def test_checker(variant: str) -> None:
    onnx.checker.check_model(model_of(variant), full_check=True)


@pytest.mark.parametrize("variant", VARIANTS)
def test_symbolic_shapes_never_contradict_onnx(variant: str) -> None:
    """Every value of the graph has our shape in the file, and ONNX agrees wherever it knows a size or a symbol."""
    model, graph = model_of(variant), symbolic(variant)
    ours, theirs = declared(model), inferred(model)
    symbols = frozenset(name for value in graph.inputs for size in value.type.shape for name in dims.symbols(size))
    assert "N" in symbols
    assert contradictions(ours, theirs, symbols) == []
    names = {value: name for name, value in graph.outputs.items()}
    for node in graph.nodes:
        for value in node.outputs:
            name = names.get(value, value.name)
            if name in ours:
                assert ours[name] == printed(value.type), name
    begin = int(any(node.op_type == "Resize" for node in model.graph.node))  # where ONNX forgets a symbolic batch
    known = [size for name in ours for size in theirs.get(name, [])[begin:] if isinstance(size, int) or size in symbols]
    total = sum(len(shape[begin:]) for shape in ours.values())
    least = 0.99 if symbols == {"N"} else 0.49  # of sums and quotients of sizes ONNX knows nothing
    if any(node.op_type in ("Attention", "Gemm", "ScatterElements") for node in model.graph.node if symbols):
        # nor of `Attention`, nor of rows that a free batch was folded into for a `Gemm`, nor of what is unpooled
        least = min(least, 0.6)
    if begin and symbols > {"N"}:
        least = min(least, 0.33)  # behind a `Resize` of free sizes it knows the channels
    least = min(least, 0.6) if found_in_data(variant) else least  # nor of what is as long as the data say
    assert len(known) > least * total, "ONNX inferred too little for this to mean anything"


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_value_has_a_declared_shape(variant: str) -> None:
    """What a node makes is declared, but for helpers, which are named after the node and a slash."""
    model = model_of(variant)
    made = {name for node in model.graph.node for name in node.output}
    assert set(declared(model)) <= made
    assert {name for name in made - set(declared(model)) if "/" not in name} == set()


@pytest.mark.parametrize("variant", VARIANTS)
def test_bound_shapes_equal_onnx_everywhere(variant: str) -> None:
    """Bound while elaborating or while lowering: the same bytes, and every shape is ONNX's own."""
    bound = {**BOUND, **{name: size for name, size in symbolic(variant).defaults.items() if name != "N"}}
    data = structure(graph_of(variant, bind=bound))
    assert structure(symbolic(variant), bind=bound) == data
    model = onnx.ModelProto.FromString(data)
    onnx.checker.check_model(model, full_check=True)
    ours, theirs = declared(model), inferred(model)
    settled = {name: shape for name, shape in ours.items() if all(isinstance(size, int) for size in shape)}
    assert len(settled) == len(ours) or found_in_data(variant)
    assert {name: theirs.get(name) for name in settled} == settled


@pytest.mark.parametrize("variant", VARIANTS)
def test_inputs_and_outputs_are_those_of_the_text(variant: str) -> None:
    """In name and order; where there are no weights, the parameters follow as inputs."""
    statements = network_of(variant).body.statements
    outputs = outputs_of(statements)
    graph = model_of(variant).graph
    taken = {v.name for v in symbolic(variant).inputs}
    inputs = [name for name in inputs_of(statements) if name in taken]
    assert taken == set(inputs)
    parameters = symbolic(variant).parameters()
    assert [v.name for v in graph.input] == [*inputs, *in_order(variant, [v.name for v in graph.input[len(inputs) :]])]
    assert {v.name: shape_of(v) for v in graph.input[len(inputs) :]} == {
        path: list(p.type.shape) for path, p in parameters.items()
    }
    made = {v.name for v in graph.output}
    told = iter(outputs)  # those of the arms that are not taken, too
    assert all(v.name in told for v in graph.output)
    assert made == set(outputs) or any(isinstance(s, spec.If) for s in statements)
    first = {str(shape_of(v)[0]) for v in graph.input[: len(inputs)]}
    assert "N" in first <= {"N", "R", "M"}  # of pictures, or of regions of them or texts beside them
    assert all(shape_of(v)[0] in first for v in graph.output)


def found_in_data(variant: str) -> bool:
    """Whether some of its sizes are found in the data."""
    return any(isinstance(node.op, Counted) for node in symbolic(variant).nodes)


def inputs_of(statements: Iterable[spec.Statement]) -> list[str]:
    """Of the text, with those of every arm of an `if`."""
    found = []
    for one in statements:
        if isinstance(one, spec.Input):
            found.append(one.name)
        elif isinstance(one, spec.If):
            for _, body in one.arms:
                found += inputs_of(body.statements)
    return found


def outputs_of(statements: Iterable[spec.Statement]) -> list[str]:
    """Of the text, with those of every arm of an `if`."""
    found: list[str] = []
    for s in statements:
        if isinstance(s, spec.Output) and not s.train:
            found += [item.name for item in s.items]
        elif isinstance(s, spec.If):
            bodies = [body for _, body in s.arms] + ([s.otherwise] if s.otherwise else [])
            found += [name for body in bodies for name in outputs_of(body.statements)]
    return found


def in_order(variant: str, found: list[str]) -> list[str]:
    """The paths of the parameters in the order of the graph. What a ``scan`` computes once stands in front of it, and so
    do the weights of that: there the order is any.
    """
    paths = [*symbolic(variant).parameters()]
    return sorted(paths, key=found.index) if symbolic(variant).holders() and set(paths) == set(found) else paths


def nodes_of(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """All nodes, those of bodies included."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from nodes_of(attribute.g)


def referring(graph: Graph) -> tuple[onnx.ModelProto, int]:
    """The model with its weights outside, and the bytes of its data file; nothing large is computed."""
    options = OnnxOptions(external_data=True)
    lowered, parameters = engine._prepare(graph, options)
    data, offsets = initialisers.outside(parameters, options)
    places = {path: ("net.data", offset) for path, offset in offsets.items()}
    inside = initialisers.referring(parameters, options, places)
    return onnx.ModelProto.FromString(stream.join(engine._model(lowered, graph, options, inside))), stream.size(data)


@cache
def counted() -> dict[str, int]:
    """Trainable parameters as torchvision or timm counts them."""
    with (DATA / "counts.csv").open(newline="") as table:
        return {row["variant"]: int(row["params"]) for row in csv.DictReader(table)}


@pytest.mark.parametrize("variant", [name for name in VARIANTS if name not in LARGER_THAN_MEMORY])
def test_initialisers_are_the_parameters_and_buffers(variant: str) -> None:
    """Names, shapes, types and order; each has its own stretch of data; as many elements as the reference counts."""
    model, total = referring(symbolic(variant))
    parameters = symbolic(variant).parameters()
    assert {(t.name, tuple(t.dims), t.data_type) for t in model.graph.initializer} == {
        (p.path, p.type.shape, ELEMENT[p.type.dtype]) for p in parameters.values()
    }
    names = [t.name for t in model.graph.initializer]
    assert names == in_order(variant, names)
    assert [v.name for v in model.graph.input] == [v.name for v in symbolic(variant).inputs]
    end = 0
    for tensor in model.graph.initializer:
        count = elements(tensor)
        place = {entry.key: entry.value for entry in tensor.external_data}
        if not place:
            assert len(tensor.raw_data) == 4 * count < 1024
            continue
        assert int(place["offset"]) >= end and int(place["length"]) == 4 * count
        end = int(place["offset"]) + int(place["length"])
    assert end == total
    learned = sum(elements(t) for t in model.graph.initializer if "running_" not in t.name)
    assert learned == counted().get(variant, learned)


def elements(tensor: onnx.TensorProto) -> int:
    count = 1
    for size in tensor.dims:
        count *= size
    return count


def test_most_variants_have_a_count_by_somebody_else() -> None:
    assert len(counted().keys() & set(VARIANTS)) >= 30


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_initialiser_is_used(variant: str) -> None:
    graph = model_of(variant).graph
    used = {name for node in nodes_of(graph) for name in node.input}
    assert {v.name for v in graph.input} <= used


@pytest.mark.parametrize("variant", VARIANTS)
def test_node_names_are_unique_and_known(variant: str) -> None:
    """A node bears the path of ours that it came from, alone or in front of a slash."""
    names = [node.name for node in nodes_of(model_of(variant).graph)]
    assert len(set(names)) == len(names)
    paths = {node.path for node in symbolic(variant).all_nodes()}
    assert {name.partition("/")[0] for name in names} <= paths | {"size"}


@pytest.mark.parametrize("file", sorted({path.stem for path in VARIANTS.values()}))
def test_the_same_bytes_from_another_parse(file: str) -> None:
    other = archdsl.load(next(path for path in VARIANTS.values() if path.stem == file))
    for variant in other.variants[:1]:
        assert structure(other.graph(variant)) == structure(symbolic(variant))


def test_a_wrong_shape_would_be_seen() -> None:
    """The comparison goes red for one wrong size, one wrong rank, and a symbol in another place."""
    model = model_of("resnet18")
    ours, theirs = declared(model), inferred(model)
    for wrong in (["N", 64, 112, 111], ["N", 64, 112], [64, "N", 112, 112], [1, 64, 112, 112]):
        assert contradictions({**ours, "conv1": wrong}, theirs, frozenset({"N"})), wrong
