"""One block of a file without a network around it: what it is, what its costs are, and what is said of a wrong one."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

import archdsl
from archdsl.cli import app
from archdsl.diagnostics import DiagnosticError
from archdsl.project.one_block import block

BLOCKS = """arch 1
use std.attention (squeeze_excite)
let wide = 8
block unit(c, k = 3) { conv(wide * c, 1); conv(c, k) -> squeeze_excite }
block gated = in[0] * sigmoid(in[1])
block Block = relu
block even = relu if in.h % 2 == 0 else tanh
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "blocks.arch"
    path.write_text(BLOCKS)
    return str(path)


def test_a_block_of_a_library_is_a_network(file: str) -> None:
    """A file without a network; its values and what it imports are known."""
    graph = block(file, "f32[N, 4, 16, 16] -> unit(32)")
    assert [node.op.name for node in graph.nodes][:2] == ["conv", "conv"]
    assert str(graph.nodes[0].outputs[0].type) == "f32[N, 256, 16, 16]"
    assert archdsl.cost(graph).total("params") > 4 * 256 + 256 * 32 * 9
    assert [value.name for value in block(file, "f32[2] -> Block -> Block").inputs] == ["x"]


def test_a_block_of_two_inputs(file: str) -> None:
    graph = block(file, "(f32[N, 4], f32[N, 4]) -> gated")
    assert [str(value.type) for value in graph.inputs] == ["f32[N, 4]"] * 2
    assert [node.op.name for node in graph.nodes] == ["sigmoid", "mul"]


def test_bound_sizes_are_known_to_the_block(file: str) -> None:
    graph = block(file, "f32[1, 4, H, 16] -> even", {"H": 7})
    assert [node.op.name for node in graph.nodes] == ["tanh"]


def test_the_unit_of_a_network_of_the_zoo_costs_what_it_does_there() -> None:
    rows = archdsl.cost("resnet50", {"N": 1}).rows
    inside = sum(row.work.mac for row in rows if row.path.startswith("layer1.1.") and row.work)
    assert archdsl.cost(block("resnet50", "f32[1, 256, 56, 56] -> bottleneck(64)")).total("macs") == inside


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("unit(4)", "E0007"), ("-> unit(4)", "E0007"), ("f32[N, 4, 8, 8] ->", "E0007"), ("f32[N, 4, 8, 8] -> nope", "E0201"),
        ("f32[N, 4] -> unit(4)", "E0301"), ("f32[N, 4, 8, 8] -> unit(4, ", "E0104"), ("f99[N] -> Block", "E0"),
        ("f32[N, 4, 8, 8] -> relu } network Q() {", "E0100"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_at_its_place(file: str, text: str, told: str) -> None:
    with pytest.raises(DiagnosticError, match=told) as found:
        block(file, text)
    assert found.value.diagnostics[0].span is not None or told == "E0007"


def test_the_commands(file: str, tmp_path: Path) -> None:
    run = CliRunner().invoke
    applied = ["--block", "f32[N, 4, 16, 16] -> unit(32)"]
    drawn = run(app, ["show", file, "-o", str(tmp_path / "a.svg"), *applied])
    assert drawn.exit_code == 0 and "1×1 conv, 256" in (tmp_path / "a.svg").read_text()
    assert "conv(256, 1)" in run(app, ["show", file, *applied]).output
    assert "32, 16, 16]" in run(app, ["cost", file, *applied]).output
    for arguments in (["--set", "c=1"], ["--train"]):
        found = run(app, ["cost", file, *applied, *arguments])
        assert found.exit_code == 2 and "E0007" in found.output
    assert "E0007" in run(app, ["cost", file, *applied, "--set", "c=1..2"]).output
    (tmp_path / "net.json").write_text("{}")
    assert "E0007" in run(app, ["show", str(tmp_path / "net.json"), *applied]).output


def test_drawings_as_text_fold_and_select() -> None:
    run = CliRunner().invoke
    found = run(app, ["show", "resnet18", "--format", "mermaid", "--select", "layer1.0"])
    assert found.exit_code == 0 and found.output.count("conv, 64") == 2
    assert run(app, ["show", "resnet18", "--format", "dot", "--fold", "layer*"]).output.count("subgraph") == 0
    for arguments in (
        ["--select", "layer1"],
        ["--format", "mermaid", "--shade", "macs"],
        ["-o", "a.mmd", "--shade", "macs"],
    ):
        found = run(app, ["show", "resnet18", *arguments])
        assert found.exit_code == 2 and "E0007" in found.output
