"""What attacks found: the kinds of it, each with the rule that it broke."""

from __future__ import annotations

from pathlib import Path

import pytest
from faults import archdsl, fault, network


@fault(
    "attack",
    "two places described a value in messages, and the one of the operators did not know `none`",
    "arguments that are an integer, a number, a list of them, a choice, an axis, a size or an array",
)
@pytest.mark.parametrize(
    "call",
    ["conv(none, 3)", "conv(4, [none, 3])", "dropout(none)", "zeros([none])", "softmax(axis = none)",
     "constant([none])", "conv(4, 3, bias = none)", "cast(none)"],
)  # fmt: skip
def test_none_is_called_none(tmp_path: Path, call: str) -> None:
    done = archdsl(tmp_path, "check net.arch", net__arch=network(call))
    assert done.status == 1 and "not `none`" in done.output and "NoneType" not in done.output


@fault(
    "attack",
    "the comparison took it for granted that both networks have operators",
    "the old one without, the new one without, both without",
)
@pytest.mark.parametrize("line", ["diff full.arch bare.arch", "diff bare.arch full.arch", "diff bare.arch bare.arch"])
def test_networks_without_operators_are_compared(tmp_path: Path, line: str) -> None:
    done = archdsl(tmp_path, line, full__arch=network("conv(4, 3)"), bare__arch=network("assert 1 < 2"))
    assert done.status == 0 and ("conv" in done.output) == ("full" in line)


@fault(
    "attack",
    "a table of rows was taken for a classifier, whose features the rule about its width compares",
    "indices without axes, one axis, two; behind other operators",
)
@pytest.mark.parametrize("x", ["i64[]", "i64[5]", "i64[N, 5]"])
def test_a_table_is_no_classifier(tmp_path: Path, x: str) -> None:
    done = archdsl(tmp_path, "lint net.arch --format concise", net__arch=network("embedding(100, 7)", x=x))
    assert done.status == 0 and "E0014" not in done.output and "W0406" not in done.output, done.output


@fault("attack", "the data form took a graph without outputs, which no file can have", "torch, onnx, show, cost")
@pytest.mark.parametrize(
    "line", ["compile net.json -o net.py", "compile net.json -o net.onnx", "show net.json", "cost net.json"]
)
def test_a_document_without_outputs_is_refused(tmp_path: Path, line: str) -> None:
    document = """{
      "format": "archdsl.graph", "format_version": 1, "name": "net",
      "inputs": [{"name": "x", "dtype": "f32", "shape": ["N", 8]}],
      "nodes": [{"path": "y", "op": "relu", "inputs": ["x"]}], "outputs": {}
    }"""
    done = archdsl(tmp_path, line, net__json=document)
    assert done.status and "[E0802]" in done.output and "net.json:4:" in done.output, done.output


@fault("attack", "the room beside a bound that is almost zero was made a float, which cannot hold it", "every quantity")
@pytest.mark.parametrize("format", ["text", "json"])
def test_a_bound_that_is_almost_zero(tmp_path: Path, format: str) -> None:
    spec = network("conv(4, 3)\nbudget { macs >= 5e-324 }")
    done = archdsl(tmp_path, f"check net.arch --format {format}", net__arch=spec)
    assert done.status == 0 and "macs" in done.output and "Traceback" not in done.output, done.output


@fault(
    "attack",
    "a count of bytes was divided as a float before it was shown, and a claim's bound has no largest value",
    "bounds of bytes in check, sizes in cost, memory and their reports; networks whose sizes exceed every float",
)
@pytest.mark.parametrize(
    "line", ["check net.arch", "cost net.arch", "cost net.arch --memory", "check net.arch --format json"]
)
def test_figures_larger_than_floats_are_shown(tmp_path: Path, line: str) -> None:
    sizes = ", ".join(["2 ** 127"] * 9)
    spec = network("relu -> softmax\noutput y\nexpect weights <= 10 ** 400\nbudget { peak_activations <= 10 ** 400 }",
                   f"f32[N = 2, {sizes}]")  # fmt: skip
    done = archdsl(tmp_path, line, net__arch=spec)
    assert done.status == 0 and "E0014" not in done.output, done.output


@fault(
    "attack",
    "one bound held for faults of all severities, so that a hundred warnings hid every error behind them: no network, exit 0",
    "warnings of joins (W0207), misreadings (W0212) and values (W0208) in front of an error; check, cost, show, compile",
)
@pytest.mark.parametrize(
    "line", ["check net.arch", "cost net.arch", "show net.arch --format json", "compile net.arch -o n.onnx"]
)
@pytest.mark.parametrize("warned", ["let a{} = x -> concat(x, x)", "let a{} = 1", "a{}: clip(6)"])
def test_warnings_do_not_hide_errors(tmp_path: Path, line: str, warned: str) -> None:
    body = "\n".join(warned.format(i) for i in range(150))
    done = archdsl(tmp_path, line, net__arch=network(f"{body}\nconv(4, 3, stride = 0)\noutput y"))
    assert done.status == 1 and "error[E0205]" in done.output and "stride" in done.output
