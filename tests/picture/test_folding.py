"""What is open, what is selected, what boxes say, and the forms that other tools draw."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import archdsl
from archdsl import load
from archdsl.diagnostics import DiagnosticError
from archdsl.picture.blocks import place
from archdsl.picture.flow import MOST_CHARACTERS, MOST_EDGES, as_dot, as_mermaid, edges
from archdsl.picture.plan import Plan
from archdsl.project.targets import graph_of


def test_drawings_dash_the_shortcuts() -> None:
    """ResNet-18 has eight residual sums, three of them with a projection (arXiv:1512.03385, table 1); both units of its
    first stage are one frame.
    """
    graph = graph_of("resnet18")
    assert as_mermaid(graph).count("-.->") == as_dot(graph).count("style=dashed") == 8 - 3 - 1


def test_edges_are_those_of_the_graph() -> None:
    """Unfolded, what is drawn between boxes is what the operators of one box use of another one."""
    graph = graph_of("googlenet")
    plan = Plan(graph, 99)
    home = {node: part for part in leaves(plan.root) for node in part.nodes}
    wanted = {
        (home[value.producer], home[node])
        for node in graph.nodes for value in node.inputs
        if value.producer is not None and home[value.producer] is not home[node]
    }  # fmt: skip
    found = {(edge.start, edge.end) for edge in edges(plan) if edge.start.kind == edge.end.kind == "box"}
    assert found == wanted and len(wanted) > 80


def leaves(part):
    return [part] if not part.parts else [one for inner in part.parts for one in leaves(inner)]


def test_mermaid_stays_inside_githubs_limits_and_says_so() -> None:
    text = as_mermaid(graph_of("densenet201"))
    assert len(text) <= MOST_CHARACTERS and text.count("-->") <= MOST_EDGES
    assert "levels of blocks are open" in text.splitlines()[1]
    assert "levels of blocks" not in as_mermaid(graph_of("lenet5"), 9)


def test_depth_fold_and_select() -> None:
    graph = graph_of("resnet50")
    assert as_mermaid(graph, 0).count("subgraph") == 0
    assert as_mermaid(graph, 1).count("subgraph") == 4
    assert as_mermaid(graph, 1, ["layer[12]"]).count("subgraph") == 2
    alone = as_mermaid(graph, 9, (), "layer1.2")  # the second of two that are drawn as one
    assert alone.count("conv") == 3 and "layer1.2" in alone
    with pytest.raises(DiagnosticError, match=r"no block `layer1\.7`"):
        as_mermaid(graph, None, (), "layer1.7")


def said(body: str) -> list[str]:
    graph = load(f"arch 1\nnetwork Net() {{ input x: f32[N, 8, 16, 16]\n {body} }}").graph()
    return [" | ".join(part.lines) for part in Plan(graph, 9).root.parts if part.kind == "box"]


def test_boxes_say_what_papers_say() -> None:
    assert said("conv(64, 3, stride = 2) -> batch_norm -> relu") == ["3×3 conv, 64, /2 | batch norm, relu"]
    assert said("conv(16, [3, 5], groups = 4, pad = valid)") == ["3×5 conv, 16, 4 groups"]
    assert said("conv(8, 3, groups = 8, dilation = 2)") == ["3×3 depthwise conv, 8, dilation 2"]
    assert said("max_pool(3, stride = [1, 2])") == ["3×3 max pool, /1×2"]
    assert said("dropout(0.1 + 0.2)") == ["dropout(p = 0.3)"]
    assert said("flatten -> unsqueeze(1) -> conv(4, 3, stride = 2)")[-1] == "3-wide conv, 4, /2"
    assert said("flatten -> linear(10) -> softmax") == ["flatten", "linear, 10 | softmax"]


def test_a_frame_says_no_argument_of_which_nothing_is_known() -> None:
    """A block that is given to a block is called `block` in its application."""
    text = "arch 1\nblock twice(k, inner: block) { inner; conv(8, k); inner }\n"
    text += "network Net() { input x: f32[N, 8, 16, 16]\n relu; twice(3) { conv(4, 1); tanh } }"
    assert '["twice(k = 3)"]' in as_mermaid(load(text).graph(), 1)


def test_figures_add_up() -> None:
    """Folded wholly, the boxes say together what `cost` says of the whole."""
    from archdsl.picture.figures import Figures

    table = archdsl.cost("resnet18", {"N": 1})
    graph = table.graph
    for quantity in ("macs", "params"):
        figures = Figures(table, quantity)
        parts = Plan(graph, 0).root.parts
        assert sum(map(figures.of, parts)) == table.total(quantity)
        stage = next(part for part in parts if part.key == "layer1")
        assert len(stage.parts) == 1  # both units are drawn as one, and count as two
        assert figures.of(stage) == sum(
            map(figures.values.get, (n for n in graph.nodes if n.path.startswith("layer1.")))
        )


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    net = archdsl.Builder("Net")
    graph = net.graph(y=net.apply("relu", net.input('<b>"&x', "f32", ["N", 8])))
    svg = archdsl.draw(graph).save(tmp_path / "a.svg").read_text()
    import xml.etree.ElementTree as Tree

    texts = [one.text for one in Tree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]
    assert '<b>"&x' in texts
    assert re.findall(r"<b>", svg) == []


def test_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = archdsl.draw("lenet5")
    for ending, begin in ((".svg", "<svg"), (".mmd", "flowchart"), (".dot", "digraph")):
        path = picture.save(tmp_path / f"net{ending}")
        assert path.read_text().startswith(begin)
        picture.save(path)  # replaces its own
    (tmp_path / "mine.svg").write_text("<svg>mine</svg>")
    with pytest.raises(DiagnosticError, match="E0006"):
        picture.save(tmp_path / "mine.svg")
    with pytest.raises(DiagnosticError, match="E0007"):
        picture.save(tmp_path / "net.jpg")
    monkeypatch.setitem(__import__("sys").modules, "resvg_py", None)
    with pytest.raises(DiagnosticError, match=r"archdsl\[picture\]"):
        picture.save(tmp_path / "net.png")


def test_png(tmp_path: Path) -> None:
    path = archdsl.draw("lenet5").save(tmp_path / "net.png")
    assert path.read_bytes().startswith(b"\x89PNG")
    archdsl.draw("lenet5").save(path)


def dense(layers: int) -> list[tuple[str, int]]:
    """The boxes of a dense block with how many lines enter them, and the number of values of the last concatenation."""
    text = f"arch 1\nnetwork Net() {{ input x: f32[N, 8, 16, 16]\n dense({layers}) {{ conv(8, 3) }} }}"
    graph = load(text).graph()
    assert len(graph.nodes[-1].inputs) == layers + 1
    return [
        (one.part.lines[0], len(one.part.ins)) for one in place(Plan(graph, 9)).rectangles if one.part.kind == "box"
    ]


def test_long_dense_blocks_take_the_concatenation_before() -> None:
    """Up to eight values enter by lines of their own; of 100 layers there would be 5,050."""
    assert [count for name, count in dense(7) if name == "concat"] == [2, 3, 4, 5, 6, 7, 8]
    found = [count for name, count in dense(100) if name != "3×3 conv, 8"]
    assert found == [2] * 100


def test_what_enters_a_concatenation_twice_is_drawn_as_it_is() -> None:
    """Only what begins as an earlier one does is drawn so: here nothing does, though all take the same values."""
    body = "; ".join(f"v{n}: conv(8, 3)" for n in range(10))
    takes = ["v0, v1", *(", ".join(f"v{n}" for n in reversed(range(k))) for k in range(3, 11))]
    joined = " ".join(f"c{k}: ({one}) -> concat;" for k, one in enumerate(takes))
    text = f"arch 1\nnetwork Net() {{ input x: f32[N, 8, 16, 16]\n {body}\n {joined} output {', '.join(f'c{k}' for k in range(9))} }}"
    parts = [one for one in Plan(load(text).graph(), 9).root.parts if "concat" in "".join(one.lines)]
    assert [len(one.ins) for one in parts] == [2, 3, 4, 5, 6, 7, 8, 9, 10]
