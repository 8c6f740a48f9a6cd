"""Differences where names say nothing: an exported file beside a network of the zoo, or another export."""

from __future__ import annotations

import json
from pathlib import Path

import onnx
import pytest
from console import run
from onnx import TensorProto, helper

import archdsl
from archdsl.compare.diff import Difference
from archdsl.compare.snapshot import snapshot
from archdsl.compare.structure import structure as compared
from archdsl.report.diff import structure


def exported(name: str, path: Path, **sizes: object) -> Path:
    """A network of the zoo as another tool would write it: norms folded, and no name that says anything."""
    graph = archdsl.load(name).graph(**sizes)
    archdsl.compile(graph, path, deploy=True)
    return renamed(path)


def renamed(path: Path) -> Path:
    """Every value, weight and node of a file under a number."""
    model = onnx.load(path)
    graph = model.graph
    kept = {value.name for value in (*graph.input, *graph.output)}
    names: dict[str, str] = {"": ""}

    def number(name: str) -> str:
        return name if name in kept else names.setdefault(name, f"t{len(names)}")

    for place, node in enumerate(graph.node):
        node.name, node.doc_string = f"n{place}", ""
        node.input[:], node.output[:] = map(number, node.input), map(number, node.output)
    for tensor in graph.initializer:
        tensor.name = number(tensor.name)
    del graph.value_info[:], model.metadata_props[:]
    for node in graph.node:
        del node.metadata_props[:]
    onnx.save(model, path)
    return path


def rows(found: Difference) -> list[tuple[str, int, str, str]]:
    return [(c.kind, c.count, c.what, c.where) for c in found.changes]


def adds_up(found: Difference) -> bool:
    """Whether the changes account for the whole difference of the totals."""
    totals = {f.quantity: (f.old, f.new) for f in found.figures}
    return all(
        sum(getattr(c, name) for c in found.changes) == totals[name][1] - totals[name][0]  # type: ignore[operator]
        for name in ("params", "macs")
    )


@pytest.mark.parametrize("name", ["resnet50", "mobilenet_v3_large", "googlenet", "vit_b_32"])
def test_an_export_of_a_network_is_that_network(name: str, tmp_path: Path) -> None:
    found = archdsl.diff(exported(name, tmp_path / "theirs.onnx"), name)
    assert structure(found).startswith("no difference in structure: all ")
    assert {change.kind for change in found.changes} <= {"folded"} and len(found.changes) <= 1
    assert adds_up(found)


def test_folded_norms_are_one_line(tmp_path: Path) -> None:
    """ResNet-50 has 53 convolutions, a norm behind each, and a bias in its last layer alone (arXiv:1512.03385)."""
    found = archdsl.diff(exported("resnet50", tmp_path / "theirs.onnx"), "resnet50")
    (change,) = found.changes
    assert change.what == "norms 0 -> 53, layers with a bias 54 -> 1 (norms folded into layers)"
    # a weight and a bias of each norm, for a bias of each convolution: its channels, once more
    channels = 64 + 3 * (64 + 64 + 256) + 256 + 4 * (128 + 128 + 512) + 512 + 6 * (256 + 256 + 1024) + 1024
    channels += 3 * (512 + 512 + 2048) + 2048
    assert (change.params, change.macs) == (channels, 0)


def test_two_exports_under_other_names(tmp_path: Path) -> None:
    """One with its norms folded, one with them."""
    folded = exported("resnet18", tmp_path / "folded.onnx")
    archdsl.compile("resnet18", tmp_path / "whole.onnx")
    found = archdsl.diff(renamed(tmp_path / "whole.onnx"), folded)
    assert found.structure is not None and found.structure.same
    assert [change.kind for change in found.changes] == ["folded"]


def test_a_removed_block_is_told_at_its_place(tmp_path: Path) -> None:
    old = exported("resnet50", tmp_path / "theirs.onnx")
    found = archdsl.diff(old, archdsl.load("resnet50").graph(depths=(3, 4, 5, 3)))
    kind, count, what, where = rows(found)[0]
    assert (kind, count, what) == ("removed", 1, "conv -> relu -> add (7 operators)")
    assert where.endswith("-> layer3.4.relu_3)")
    assert [change.kind for change in found.changes[1:]] == ["folded"] and adds_up(found)


def test_a_wider_network(tmp_path: Path) -> None:
    """ResNeXt: 32 groups, and twice the channels within (arXiv:1611.05431)."""
    found = archdsl.diff(exported("resnet50", tmp_path / "theirs.onnx"), "resnext50_32x4d")
    told = {what.partition(":")[2].partition(" ")[2]: count for _, count, what, _ in rows(found)[:2]}
    assert told == {
        "channels 64 -> 128, 128 -> 256 … 512 -> 1024 (x2)": 16,
        "channels 64 -> 128, 128 -> 256 … 512 -> 1024 (x2), groups 1 -> 32": 16,
    }
    assert [change.kind for change in found.changes[2:]] == ["resized", "folded"] and adds_up(found)


SPEC = """arch 1
network Small() {
  input x: f32[1, 3, 32, 32]
  let a = x -> conv(8, 3, bias = false) -> batch_norm -> relu
    -> conv(16, 3, stride = 2, bias = false) -> batch_norm -> relu
  let gate = a -> conv(16, 1) -> sigmoid
  let b = a * gate -> conv(16, 3) -> relu -> conv(24, 3, stride = 2) -> relu
  let y = b -> global_avg_pool -> flatten -> linear(10)
  output y
}
"""


def small(path: Path, *, stride: int = 2, width: int = 24, kernel: int = 3, act: str = "Relu") -> Path:
    """The network of SPEC as a file that another tool wrote, without norms."""
    nodes, weights = [], []
    count = 0

    def add(op: str, *inputs: str, weight: tuple[int, ...] = (), **attributes: object) -> str:
        nonlocal count
        count += 1
        names = list(inputs)
        if weight:
            for suffix, shape in (("weight", weight), ("bias", weight[:1])):
                size = 4 * onnx.numpy_helper.np.prod(shape)
                weights.append(
                    helper.make_tensor(f"their{count}.{suffix}", TensorProto.FLOAT, shape, bytes(size), raw=True)
                )
                names.append(f"their{count}.{suffix}")
        nodes.append(helper.make_node(op, names, [f"v{count}"], name=f"/their{count}/{op}", **attributes))
        return f"v{count}"

    def conv(x: str, out: int, inner: int, k: int, step: int = 1) -> str:
        pads = [k // 2] * 4
        return add("Conv", x, weight=(out, inner, k, k), pads=pads, strides=[step, step], kernel_shape=[k, k])

    a = add("Relu", conv(add("Relu", conv("data", 8, 3, 3)), 16, 8, 3, stride))
    gate = add("Sigmoid", conv(a, 16, 16, 1))
    b = add(act, conv(add("Mul", gate, a), 16, 16, kernel))
    c = add("Relu", conv(b, width, 16, 3, 2))
    y = add("Gemm", add("Flatten", add("GlobalAveragePool", c)), weight=(10, width), transB=1)
    graph = helper.make_graph(
        nodes, "other", [helper.make_tensor_value_info("data", TensorProto.FLOAT, [1, 3, 32, 32])],
        [helper.make_tensor_value_info(y, TensorProto.FLOAT, [1, 10])], weights,
    )  # fmt: skip
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    (tmp_path / "small.arch").write_text(SPEC)
    return tmp_path / "small.arch"


def test_a_file_of_another_tool(spec: Path, tmp_path: Path) -> None:
    found = archdsl.diff(small(tmp_path / "theirs.onnx"), spec)
    assert found.structure is not None and found.structure.same and adds_up(found)
    assert [c.what for c in found.changes] == ["norms 0 -> 2, layers with a bias 6 -> 4 (norms folded into layers)"]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"stride": 1}, ("changed", 1, "conv: stride 1 -> 2", "their3 -> conv_2")),
        ({"kernel": 5}, ("changed", 1, "conv: kernel 5 -> 3, pad 2 -> 1", "their8 -> conv_4")),
        ({"kernel": 1}, ("changed", 1, "conv: kernel 1 -> 3, pad 0 -> 1", "their8 -> conv_4")),
        ({"width": 20}, ("changed", 1, "conv: channels 20 -> 24", "their10 -> conv_5")),
        ({"act": "Tanh"}, ("replaced", 1, "tanh -> relu", "their9 -> relu_3")),
    ],
)
def test_what_differs_is_told_with_both_names(
    changed: dict[str, object], told: tuple[str, int, str, str], spec: Path, tmp_path: Path
) -> None:
    found = archdsl.diff(small(tmp_path / "theirs.onnx", **changed), spec)  # type: ignore[arg-type]
    assert rows(found)[0] == told
    assert [c.kind for c in found.changes[1:] if c.kind not in ("resized", "folded")] == []
    assert found.structure is not None and not found.structure.same and adds_up(found)


def test_the_document_has_what_corresponds(spec: Path, tmp_path: Path) -> None:
    theirs = small(tmp_path / "theirs.onnx")
    document = json.loads(run(f"archdsl diff {theirs} {spec} --format json", tmp_path).output)
    assert ["their3", "conv_2"] in document["corresponding"]
    assert json.loads(run("archdsl diff resnet18 resnet34 --format json", tmp_path).output)["corresponding"] is None


def test_versions_of_one_file_are_aligned_by_their_names(tmp_path: Path) -> None:
    found = archdsl.diff(small(tmp_path / "a.onnx"), small(tmp_path / "b.onnx", kernel=5))
    assert found.structure is None
    assert rows(found) == [("changed", 1, "conv: kernel 3 -> 5, pad 1 -> 2", "their8")]


def test_long_networks_take_time_in_proportion() -> None:
    """Beyond the table of the alignment, and with a block that only one side has; time: seconds, not minutes."""
    layers = "let y = x -> seq { repeat 3000 { conv(8, 3) -> relu } }"
    text = "arch 1\nnetwork Net() {{ input x: f32[1, 8, 4, 4]\n{}\noutput y }}\n"
    old = archdsl.load(text.format(layers)).graph()
    layers = "let y = x -> tanh -> conv(4, 3) -> conv(8, 5) -> seq { repeat 2999 { conv(8, 3) -> relu } } -> conv(8, 1)"
    new = archdsl.load(text.format(layers)).graph()
    found = compared(old, new, snapshot(old), snapshot(new))
    assert found.sizes == (6000, 6002) and len(found.pairs) >= 5998
