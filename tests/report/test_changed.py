"""What changed, as a flowchart: open where there are changes, folded elsewhere, inside of what GitHub draws."""

import re

import pytest

import archdsl
from archdsl.compare.diff import touched
from archdsl.project.baseline import figures
from archdsl.report.changed import MOST, changed_mermaid
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


def drawn(before: str, after: str) -> str:
    old, new = archdsl.load(before).graph(), archdsl.load(after).graph()
    return changed_mermaid(new, *touched(figures(old), figures(new)))


def boxes(mermaid: str) -> list[str]:
    return [found.replace("<br/>", " ") for found in re.findall(r'\["(.*?)"\]', mermaid)]


def test_what_is_new_gone_and_changed() -> None:
    before = NET.replace("conv(8, 3) -> relu\n", "conv(8, 3) -> batch_norm -> relu\n")
    after = NET.replace("repeat 3 { residual", "repeat 4 { residual").replace(
        "conv(8, 3) -> relu\n", "conv(8, 5) -> relu\n"
    )
    found = boxes(drawn(before, after))
    assert [box for box in found if box.startswith("new: ")] == ["new: a.3 5 operators"]
    assert [box for box in found if box.startswith("gone: ")] == ["gone: stem.batch_norm batch_norm"]
    assert [box for box in found if box.startswith("changed: ")] == [
        "changed: stem", "changed: stem.conv conv [N, 8, 16, 16]", "changed: a",
    ]  # fmt: skip


def test_what_did_not_change_is_folded() -> None:
    after = NET.replace('"b": repeat 3 { conv(8, 3)', '"b": repeat 3 as i { conv(8, 5 if i == 1 else 3)')
    found = boxes(drawn(NET, after))
    assert [box for box in found if box.startswith(("new", "gone"))] == []
    assert [box for box in found if box.startswith("changed")] == [
        "changed: b",
        "changed: b.1",
        "changed: b.1.conv conv [N, 8, 16, 16]",
    ]
    assert any(box.startswith("stem … a ") for box in found)
    assert "17 operators as before" in " ".join(found)  # 2, and 3 times 5 with the sum


def test_every_edge_joins_boxes_and_every_box_is_reached() -> None:
    mermaid = drawn(NET, NET.replace("relu -> conv(8, 3)", "conv(8, 3)"))
    ids = set(re.findall(r"^ +([be]\d+)[\[(]", mermaid, re.M))
    edges = re.findall(r"^ +(\w+) --> (\w+)$", mermaid, re.M)
    assert {end for edge in edges for end in edge} == ids
    assert len(edges) == len(set(edges)) and all(a != b for a, b in edges)


@pytest.mark.parametrize("pair", [("resnet50", "resnext50_32x4d"), ("densenet121", "densenet169")])
def test_large_networks_stay_small(pair: tuple[str, str]) -> None:
    old, new = (archdsl.show(name, "json") and archdsl.cost(name).graph for name in pair)
    mermaid = changed_mermaid(new, *touched(figures(old), figures(new)))
    assert len(mermaid) < 10_000 and mermaid.count(" --> ") < 200
    assert len(re.findall(r"^ +b\d+\[", mermaid, re.M)) <= MOST


def test_a_long_row_has_no_picture() -> None:
    text = "arch 1\nnetwork Net() { input x: f32[N, 4, 8, 8]\n" + "conv(4, 3)\n" * 60 + "}\n"
    assert drawn(text, text.replace("(4, 3)", "(4, 5)")) == ""


def test_names_are_text() -> None:
    evil = 'x"]; click e0 "javascript:alert(1)" %%{init}%% ``` <b>'
    graph = archdsl.load(NET).graph()
    mermaid = changed_mermaid(graph, {"stem.conv": "changed"}, {f"stem.{evil}": evil})
    assert "gone: " in mermaid
    for mark in ('"]; ', "%%{", "```", "<b>", 'javascript:alert(1)"'):
        assert mark not in mermaid


def test_the_summary_has_it_whole_or_not_at_all() -> None:
    small, large = ("a <b> network", "flowchart TD\n  b0\n"), ("large", "flowchart TD\n" + "  b0 --> b1\n" * 9000)
    text = render(Outcome("0", (), str, pictures=(small, large)), ".")
    assert "<summary>a &lt;b&gt; network</summary>\n\n```mermaid\nflowchart TD\n  b0\n```\n" in text
    assert "large" not in text and len(text.encode()) <= COMMENT
