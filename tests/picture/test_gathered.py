"""Networks without blocks: a level of many boxes is cut into frames, one behind the other."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest
from placed import faults

import archdsl
from archdsl import load
from archdsl.graph import Graph
from archdsl.picture.blocks import place
from archdsl.picture.flow import MOST_CHARACTERS, MOST_EDGES, as_dot, as_mermaid, edges
from archdsl.picture.parts import Part
from archdsl.picture.plan import READABLE, Plan
from archdsl.project.targets import graph_of


def flat(*lines: str) -> Graph:
    return load("\n".join(["arch 1", "network Net() { input x: f32[N, 8, 16, 16]", *lines, "}"])).graph()


def chain(count: int) -> Graph:
    return flat(*["conv(8, 3); relu; tanh; exp"] * (count // 4))


def foreign() -> Graph:
    spec = find_spec("onnx")
    if spec is None or spec.origin is None:
        pytest.skip("needs onnx")
    return graph_of(str(Path(spec.origin).parent / "backend/test/data/light/light_densenet121.onnx"))


def held(part: Part) -> list[Part]:
    return [part] if not part.framed else [one for inner in part.parts for one in held(inner)]


@pytest.mark.parametrize("make", [lambda: chain(2000), foreign], ids=["chain", "densenet"])
def test_a_network_without_blocks_has_a_readable_picture(make) -> None:
    graph = make()
    plan = Plan(graph)
    shown = [one for one in place(plan).rectangles if not one.open]
    assert 20 < len(shown) <= READABLE and faults(place(plan)) == []
    text = as_mermaid(graph)
    assert len(text) <= MOST_CHARACTERS and 20 < len(edges(plan)) <= MOST_EDGES
    assert text.count("-->") == as_dot(graph).count(" -> ") == len(edges(plan))
    # each operator stands in one frame, and all are there
    nodes = [node for part in plan.root.parts for node in part.all_nodes()]
    assert len(nodes) == len(set(nodes)) and set(nodes) == set(graph.nodes)


def test_cuts_are_where_one_value_goes_on() -> None:
    """A DenseNet has one value behind each concatenation: its picture is a chain."""
    parts = Plan(foreign()).root.parts
    frames = [part for part in parts if part.framed]
    assert len(frames) == 30 and all(len(part.ins) == len(part.outs) == 1 for part in frames)


def test_frames_say_what_they_hold() -> None:
    graph = flat(*["conv(8, 3); relu; exp"] * 100, "max_pool(2)")
    plan = Plan(graph, 0)
    frames = [part for part in plan.root.parts if part.framed]
    for part in frames:
        title, text = plan.shown(part).lines
        nodes = part.all_nodes()
        assert title == part.key == f"{nodes[0].path} … {part.parts[-1].key}"
        counts = {name: sum(node.op.name == name for node in nodes) for name in ("conv", "relu", "exp")}
        assert text.startswith(f"{len(nodes)} operators: ")
        assert all(f"{count} {name}" in text for name, count in counts.items())
    assert sum(len(part.all_nodes()) for part in frames) == 301
    # and can be drawn alone by that name
    assert as_mermaid(graph, 9, (), frames[3].key).count("subgraph") == 1


def test_more_than_a_level_of_frames_can_hold() -> None:
    plan = Plan(chain(6_000))
    assert plan.counts[0] <= READABLE and len(plan.counts) == 3
    assert sum(one.kind == "box" for one in held(plan.root)) == plan.counts[-1] - 2


def test_an_operator_that_everything_uses() -> None:
    """What crosses all cuts gives an edge to each frame behind it, and no circle."""
    graph = flat("s: conv(8, 3)", *["conv(8, 3); relu -> add(s)"] * 60)
    plan = Plan(graph)
    at = {part: number for number, part in enumerate(plan.root.parts)}
    found = edges(plan)
    assert faults(place(plan)) == [] and READABLE > len(found) > 40
    assert all(at[one.start] < at[one.end] for one in found)


def test_a_level_inside_of_a_block_is_cut_as_well() -> None:
    body = "; ".join(["conv(8, 3); tanh; exp"] * 60)
    text = f"arch 1\nblock B() {{ {body} }}\nnetwork Net() {{ input x: f32[N, 8, 16, 16]\n b: B\n relu }}"
    plan = Plan(load(text).graph())
    assert plan.depth == 1 and READABLE >= plan.counts[1] > 20
    assert faults(place(plan)) == [] == faults(place(Plan(plan.graph, 9)))


def test_mermaid_that_github_does_not_draw_says_so(tmp_path: Path) -> None:
    text = as_mermaid(chain(2000), 9)
    assert "edges and" in text.splitlines()[1] and "GitHub draws 500 and 50,000 at most" in text.splitlines()[1]
    assert "GitHub" not in as_mermaid(chain(2000))
    assert archdsl.draw(chain(400)).save(tmp_path / "a.svg").read_text().count("operators: ") == 30
