"""Two networks as one picture: what is new, gone or another one, where it stands, and what is folded."""

from __future__ import annotations

import re
import xml.etree.ElementTree as Tree
from pathlib import Path

import pytest
from placed import faults
from typer.testing import CliRunner

import archdsl
from archdsl.cli import app
from archdsl.compare.touched import Touched, touched
from archdsl.diagnostics import DiagnosticError
from archdsl.graph import Graph
from archdsl.picture.blocks import place
from archdsl.picture.compared import LOOKS, MOST
from archdsl.picture.flow import as_mermaid
from archdsl.picture.merged import merged
from archdsl.picture.plan import Plan
from archdsl.project.baseline import figures
from archdsl.project.picture import draw
from archdsl.project.targets import graph_of
from archdsl.report.outcome import Outcome
from archdsl.report.sinks.markdown import COMMENT, render

NET = """arch 1
network Net() {
  input x: f32[N, 8, 16, 16]
  stem: conv(8, 3) -> relu
  "a": repeat 3 { residual { conv(8, 3) -> relu -> conv(8, 3) } -> relu }
  "b": repeat 3 { conv(8, 3) -> batch_norm }
  output y
}
"""
AFTER = NET.replace("repeat 3 { residual", "repeat 4 { residual").replace(
    "conv(8, 3) -> relu\n", "conv(8, 5) -> batch_norm -> relu\n"
)


def graph(text: str) -> Graph:
    return archdsl.load(text).graph()


def drawn(before: str, after: str) -> str:
    return draw(graph(after), against=graph(before)).mermaid


def boxes(mermaid: str) -> list[str]:
    return [found.replace("<br/>", " | ") for found in re.findall(r'\["(.*?)"\]', mermaid)]


def kinds(mermaid: str) -> dict[str, list[str]]:
    """The labels of the boxes of each kind."""
    found: dict[str, list[str]] = {kind: [] for kind in LOOKS if kind}
    for label, kind in re.findall(r'\["(.*?)"\]+:::(\w+)', mermaid):
        found[kind].append(label.replace("<br/>", " | "))
    return found


def touch(before: str, after: str) -> Touched:
    return touched(figures(graph(before)), figures(graph(after)))


def test_what_is_new_and_changed() -> None:
    found = kinds(drawn(NET, AFTER))
    assert found["added"] == ["batch norm | new: batch_norm", "new: a.3 | 2 layers"]
    assert found["changed"] == ["5×5 conv, 8 | conv: kernel 3 → 5"]
    assert found["gone"] == []


def test_what_is_gone_stands_where_it_was() -> None:
    """Between what it got its value from and what used it; and what is there today is connected as today."""
    mermaid = drawn(AFTER, NET)
    assert kinds(mermaid)["gone"] == ["batch norm | gone: batch_norm", "gone: a.3 | 2 layers"]
    name = dict(re.findall(r'^ *(\w+)[\[(]+"(.*?)"', mermaid, re.M))
    edges = {
        (name[a].split("<br/>")[0], name[b].split("<br/>")[0]) for a, b in re.findall(r"(\w+) -\S*->\S* (\w+)", mermaid)
    }
    assert {("3×3 conv, 8", "batch norm"), ("batch norm", "relu"), ("3×3 conv, 8", "relu")} <= edges


@pytest.mark.parametrize("pair", [("resnet34", "resnet18"), ("googlenet", "bn_inception"), ("convlstm", "convlstm_1")])
def test_both_networks_are_in_the_picture(pair: tuple[str, str]) -> None:
    """All edges of the newer network are there, and those of the older one at whose ends something is gone."""
    old, new = map(graph_of, pair)
    found = touched(figures(old), figures(new))
    both, marks = merged(new, found, old)
    assert wires(new) <= wires(both)
    lost = {layer.path for layer in found.gone}
    now = found.pairs | dict.fromkeys(lost)
    assert len([node for node in both.all_nodes() if marks.kind_of(node) == "gone"]) == len(lost)
    wanted = {edge for edge in wires(old) if lost & set(edge) and now.keys() >= set(edge)}
    kept = wires(both) - wires(new)
    assert len(kept) == len(wanted)


def wires(graph: Graph) -> set[tuple[str, str]]:
    return {
        (value.producer.path, node.path)
        for node in graph.all_nodes() for value in node.inputs
        if value.producer is not None
    }  # fmt: skip


def test_what_did_not_change_is_folded() -> None:
    after = NET.replace('"b": repeat 3 { conv(8, 3)', '"b": repeat 3 as i { conv(8, 5 if i == 1 else 3)')
    mermaid = drawn(NET, after)
    assert [labels for labels in kinds(mermaid).values() if labels] == [
        ["5×5 conv, 8 | batch norm | conv: kernel 3 → 5"]
    ]
    assert re.findall(r'subgraph \w+\["(.*?)"\]', mermaid) == ["b"]
    assert "a | 6 layers" in "\n".join(boxes(mermaid))
    long = NET.replace("output y", "sigmoid; tanh; exp; neg; softplus; conv(4, 1); output y")
    assert '"stem.conv … softplus<br/>28 operators as before"' in drawn(long, long.replace("conv(4, 1)", "conv(4, 3)"))


def test_sizes_that_follow_are_no_change() -> None:
    """Only the first convolution was touched; what has other sizes because of it is said and folded."""
    text = NET.replace("output y", "conv(8, 1); relu; flatten; linear(4); softmax; output y")
    found = kinds(drawn(text, text.replace("stem: conv(8, 3)", "stem: conv(8, 3, stride = 2)")))
    assert found["changed"] == ["3×3 conv, 8, /2 | relu | conv: stride 1 → 2"]
    assert found["added"] == found["gone"] == []
    assert found["resized"] == ["a … linear | 26 operators with other sizes"]


def test_a_changed_block_says_its_parameters() -> None:
    """ResNeXt-50 (arXiv:1611.05431, table 1): 32 groups of width 4 in place of one of width 64."""
    mermaid = archdsl.draw("resnext50_32x4d", against="resnet50").mermaid
    assert '["layer1.0: groups 1 → 32, width 64 → 4"]' in mermaid
    assert "conv2: channels 64 → 128, groups 1 → 32" in mermaid


@pytest.mark.parametrize(
    "pair", [("resnet34", "resnet18"), ("mobilenet_v2", "mobilenet_v3_large"), ("googlenet", "bn_inception")]
)
def test_nothing_overlaps(pair: tuple[str, str]) -> None:
    picture = archdsl.draw(pair[1], against=pair[0])
    plan = Plan(picture.graph, None, (), "", None, picture.marks)
    assert faults(place(plan)) == []
    assert sum(part not in plan.open for part in shown(plan)) <= MOST + 2


def shown(plan: Plan) -> list:
    from archdsl.picture.flow import walk

    return [part for part, _, begins in walk(plan) if begins and part.kind in ("box", "frame")]


def test_without_the_older_graph_what_is_gone_stands_in_its_block() -> None:
    """A baseline has figures and no wires; of many parts the first three are told, and how many others there are."""
    more = NET.replace("output y", "c: seq { exp; neg; tanh; sigmoid; relu; abs }; output y")
    less = NET.replace("output y", "c: seq { exp }; output y")
    both, marks = merged(graph(less), touch(more, less))
    found = kinds(as_mermaid(both, marks=marks))["gone"]
    assert [label.partition(" | ")[0] for label in found] == ["neg", "tanh", "sigmoid", "relu, abs"]
    both, marks = merged(graph(NET), touch(AFTER, NET))
    assert kinds(as_mermaid(both, marks=marks))["gone"] == [
        "batch norm | gone: batch_norm", "2 conv, 2 relu, add | gone: a.3",
    ]  # fmt: skip


def test_foreign_models(tmp_path: Path) -> None:
    """A file without our names: the spec has a norm more, and a unit of two convolutions, two activations and a sum,
    of which any of the alike ones may be the new ones.
    """
    file = tmp_path / "net.onnx"
    archdsl.compile(graph(NET), file)
    marks = draw(graph(AFTER), against=file).marks
    assert marks is not None
    assert sorted(node.op.name for node in marks.became) == ["add", "batch_norm", "conv", "conv", "relu", "relu"]
    assert {became.kind for became in marks.became.values()} == {"added"}
    back = draw(file, against=graph(AFTER)).marks
    assert back is not None
    assert sorted(node.op.name for node in back.became) == ["add", "conv", "conv", "relu", "relu"]
    assert {became.kind for became in back.became.values()} == {"gone"}


def test_the_same_network_has_no_marks() -> None:
    found = kinds(drawn(NET, NET.replace("stem:", "trunk:")))
    assert not any(found.values())


def test_names_are_text() -> None:
    evil = 'x"]; click e0 "javascript:alert(1)" %%{init}%% ``` <b>'
    lost = figures(graph(NET)).layers[0].replace(path=f"stem.{evil}")
    both, marks = merged(graph(NET), Touched({}, {}, (lost,), {}))
    mermaid = as_mermaid(both, marks=marks)
    assert "gone: " in mermaid
    for mark in ('"]; ', "%%{", "```", "<b>", 'javascript:alert(1)"'):
        assert mark not in mermaid


def test_the_legend_tells_the_kinds_that_are_there() -> None:
    svg = "{http://www.w3.org/2000/svg}"
    root = Tree.fromstring(archdsl.draw("resnet18", against="resnet34").svg)
    texts = [one.text for one in root.iter(f"{svg}text")]
    assert texts[:4] == ["resnet34 → resnet18", "changed", "gone", "as before"]
    assert any(LOOKS["gone"].edge == one.get("stroke") for one in root.iter(f"{svg}path"))  # its lines


def test_the_command(tmp_path: Path) -> None:
    run = CliRunner().invoke
    file = tmp_path / "diff.dot"
    found = run(app, ["diff", "rnn_lstm", "rnn_gru", "-o", str(file), "--depth", "9"])
    assert found.exit_code == 0 and "lstm -> gru" in found.output
    assert 'fillcolor="#fff1e5"' in file.read_text()
    for arguments in (["--depth", "1"], ["-o", str(tmp_path / "a.jpg")]):
        found = run(app, ["diff", "rnn_lstm", "rnn_gru", *arguments])
        assert found.exit_code == 2 and "E0007" in found.output
    with pytest.raises(DiagnosticError, match="E0007"):
        draw("rnn_gru", against="rnn_lstm", shade="macs")


def test_the_summary_has_it_whole_or_not_at_all() -> None:
    small, large = ("a <b> network", "flowchart TD\n  b0\n"), ("large", "flowchart TD\n" + "  b0 --> b1\n" * 9000)
    text = render(Outcome("0", (), str, pictures=(small, large)), ".")
    assert "<summary>a &lt;b&gt; network</summary>\n\n```mermaid\nflowchart TD\n  b0\n```\n" in text
    assert "large" not in text and len(text.encode()) <= COMMENT
