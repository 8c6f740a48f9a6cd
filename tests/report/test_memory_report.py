"""``archdsl cost --memory`` and ``--at``: against figures from arithmetic, and with each other."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from effort import seconds_of
from netbuild import Net, mobilenet_v2

from archdsl.analyses.measure import measure
from archdsl.analyses.memory_plan import Memory
from archdsl.cli import main
from archdsl.diagnostics import Refusal
from archdsl.dims import symbol
from archdsl.graph import Graph

SPEC = """arch 1

block unit(c) {
  conv(c, 3)
  batch_norm -> relu
}

network Net(width = 8) {
  input x: f32[N, 4, 16, 16]
  stem: unit(width)
  body: residual { unit(width) }
  max_pool(2)
  head: conv(2, 1)
  output y
}
variant small = Net()
"""
MAP = 4 * 16 * 16
"""Bytes of one map."""


@pytest.fixture
def cli(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    Path("net.arch").write_text(SPEC)

    def run(*arguments: str) -> Any:
        monkeypatch.setattr(sys, "argv", ["archdsl", "cost", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        captured = capsys.readouterr()
        return end.value.code, captured.out, captured.err

    return run


def read(cli, *arguments: str) -> Any:
    status, text, _ = cli(*arguments, "--format", "json")
    assert status == 0
    return json.loads(text)


def test_the_peak_and_its_tensors(cli) -> None:
    """At the residual's convolution: its input and its result, 8 maps each; the norm and the ReLU are in its kernel."""
    found = read(cli, "net.arch", "--memory")
    assert found["peak"]["bytes"] == 16 * MAP
    assert found["peak"]["path"] == "body.unit.conv"
    assert [(t["name"], t["type"], t["bytes"]) for t in found["peak"]["tensors"]] == [
        ("stem.relu", "f32[1, 8, 16, 16]", 8 * MAP), ("body.unit.conv", "f32[1, 8, 16, 16]", 8 * MAP),
    ]  # fmt: skip
    assert [t["line"] for t in found["peak"]["tensors"]] == ["net.arch:5", "net.arch:4"]


def test_what_the_library_makes_is_told_at_the_readers_line(cli) -> None:
    """SE-ResNet-50 takes its blocks from std: their operators stand there, their applications in the spec."""
    tensors = read(cli, "seresnet50", "--memory")["peak"]["tensors"]
    assert any(t["place"]["file"].startswith("std.") for t in tensors)
    assert all("se_resnet.arch:" in t["line"] for t in tensors)


def test_levels_and_element_types(cli) -> None:
    """Without fusion the addition has operands and a result; a type of half the size needs half."""
    found = read(cli, "net.arch", "--memory")
    levels = {name: figures["peak"] for name, figures in found["levels"].items()}
    assert levels == {"none": 24 * MAP, "act": 24 * MAP, "full": 16 * MAP}
    dtypes = {name: figures["peak"] for name, figures in found["dtypes"].items()}
    assert dtypes == {"f32": 16 * MAP, "f16": 8 * MAP, "bf16": 8 * MAP, "i8": 4 * MAP}
    assert {n: f["weights"] / found["weights"] for n, f in found["dtypes"].items()} == {
        "f32": 1, "f16": 0.5, "bf16": 0.5, "i8": 0.25,
    }  # fmt: skip


def test_options_choose_level_type_and_sizes(cli) -> None:
    assert read(cli, "net.arch", "--memory", "--level", "none")["peak"]["bytes"] == 24 * MAP
    assert read(cli, "net.arch", "--memory", "--dtype", "f16")["peak"]["bytes"] == 8 * MAP
    assert read(cli, "net.arch", "--memory", "--bind", "N=3")["peak"]["bytes"] == 3 * 16 * MAP
    assert read(cli, "net.arch", "--memory", "--set", "width=16")["peak"]["bytes"] == 32 * MAP
    folded = read(cli, "net.arch", "--memory", "--folded", "--level", "none")
    assert "body.unit.batch_norm" not in {operator["path"] for operator in folded["operators"]}


def test_types_that_are_no_floats_keep_their_size() -> None:
    net = Net(1, 10, dtype="i64")
    graph = net.graph(net.embedding(net.input, 100, 8))
    assert Memory(graph).figures.peak == 10 * 8 + 80 * 4
    assert Memory(graph, dtype="f16").figures.peak == 10 * 8 + 80 * 2


def test_the_plan_has_no_overlaps_and_holds_the_peak(cli) -> None:
    for level in ("none", "act", "full"):
        found = read(cli, "mobilenet_v2", "--memory", "--level", level)
        buffers = found["buffers"]
        assert max(b["offset"] + b["bytes"] for b in buffers) == found["arena"]["bytes"] >= found["peak"]["bytes"]
        for i, a in enumerate(buffers):
            for b in buffers[:i]:
                together = a["from"] <= b["until"] and b["from"] <= a["until"]
                apart = a["offset"] + a["bytes"] <= b["offset"] or b["offset"] + b["bytes"] <= a["offset"]
                assert not together or apart
        live = {o["step"]: sum(b["bytes"] for b in buffers if b["from"] <= o["step"] <= b["until"])
                for o in found["operators"]}  # fmt: skip
        assert live == {o["step"]: o["live"] for o in found["operators"]}
        assert max(live.values()) == found["peak"]["bytes"] == sum(t["bytes"] for t in found["peak"]["tensors"])


def test_csv_has_a_line_for_each_operator(cli) -> None:
    status, text, _ = cli("net.arch", "--memory", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert status == 0
    assert [(r["path"], int(r["live"]), int(r["made"])) for r in rows] == [
        ("stem.conv", 12 * MAP, 8 * MAP), ("body.unit.conv", 16 * MAP, 8 * MAP), ("body.add", 16 * MAP, 0),
        ("max_pool", 10 * MAP, 2 * MAP), ("head", 5 * MAP // 2, MAP // 2),
    ]  # fmt: skip


def test_the_chart_marks_the_peak_and_scales_the_bars(cli) -> None:
    status, text, _ = cli("net.arch", "--memory")
    lines = text.splitlines()
    assert status == 0
    (peak,) = [line for line in lines if "<- peak" in line]
    assert "body.unit.conv" in peak
    bars = {line.split()[1]: (line.count("="), line.count("#")) for line in lines if "KiB" in line and "=" in line}
    assert bars["body.unit.conv"] == (20, 20)
    assert bars["stem.conv"] == (10, 20)
    assert bars["body.add"] == (40, 0)
    assert f"peak   {16 * MAP:,} bytes" in text


def test_markdown_has_the_chart_in_a_fence(cli) -> None:
    status, text, _ = cli("net.arch", "--memory", "--format", "markdown")
    assert status == 0
    assert text.startswith("### archdsl cost v1, memory") and text.count("```") == 2
    assert "| none | " in text


@pytest.mark.parametrize("name", ["mobilenet_v2", "densenet121", "inception_v3"])
def test_the_report_fits_a_screen(cli, name: str) -> None:
    _, text, _ = cli(name, "--memory")
    assert max(map(len, text.splitlines())) <= 120
    assert len(text.splitlines()) <= 110


def test_long_nets_have_short_reports() -> None:
    def long(blocks: int) -> Graph:
        net = Net(1, 16)
        x = net.input
        for _ in range(blocks):
            x = net.add(net.relu(net.linear(x, 16)), x)
        return net.graph(x)

    few, many = long(875), long(3_500)  # 10,500 operators
    text = str(Memory(many))
    assert seconds_of(lambda: str(Memory(many))) < 8 * seconds_of(lambda: str(Memory(few)), 3), "quadratic: 16"
    assert len(text.splitlines()) <= 110
    assert max(map(len, text.splitlines())) <= 120
    assert "largest of" in text


def test_the_report_and_the_quantities_agree() -> None:
    graph = mobilenet_v2()
    found = Memory(graph)
    assert found.figures.peak == measure(graph, "peak_activations") == 6_021_120
    assert found.figures.arena == measure(graph, "arena")
    assert found.figures.weights == measure(graph, "weights")


def test_sizes_must_be_numbers() -> None:
    net = Net(1, symbol("T"))
    with pytest.raises(Refusal) as refused:
        Memory(net.graph(net.relu(net.input)))
    assert refused.value.code == "E0307"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--level", "full"],
        ["--dtype", "f16"],
        ["--memory", "--level", "some"],
        ["--memory", "--dtype", "f8"],
        ["--memory", "--sort", "macs"],
        ["--memory", "--at", "stem"],
        ["--memory", "--symbolic"],
        ["--memory", "--set", "width=8..16:8"],
        ["--at", "stem", "--depth", "1"],
        ["--memory", "--bind", "K=3"],
    ],
)
def test_options_that_do_not_belong_together(cli, arguments: list[str]) -> None:
    status, text, told = cli("net.arch", *arguments)
    assert (status, text) == (2, "")
    assert "error[E0007]" in told


# Receptive fields at labels


def fields(cli, *arguments: str) -> dict[str, tuple[Any, ...]]:
    """Tap -> size, stride and offset, which agree on both axes."""
    found = read(cli, *arguments)
    shown = {tap["tap"]: {tuple(axis[k] for k in ("size", "stride", "offset")) for axis in tap["axes"]}
             for tap in found["taps"]}  # fmt: skip
    assert all(len(figures) == 1 for figures in shown.values())
    return {tap: figures.pop() for tap, figures in shown.items()}


def test_vgg16_at_its_poolings(cli) -> None:
    """Size and stride as in the table of Araujo et al. (Distill 2019) and by the recurrence r += (k - 1) j."""
    taps = {4: (6, 2), 9: (16, 4), 16: (44, 8), 23: (100, 16), 30: (212, 32)}
    found = fields(cli, "vgg16", *(word for n in taps for word in ("--at", f"features.{n}")))
    assert {tap: figures[:2] for tap, figures in found.items()} == {f"features.{n}": want for n, want in taps.items()}
    assert [offset for _, _, offset in found.values()] == [0.5, 1.5, 3.5, 7.5, 15.5]  # (j - 1) / 2: same padding


def test_resnet50_at_its_stages(cli) -> None:
    """Stride in the 3x3: 11 after the stem, then 2 j for each 3x3, with the j that enters it."""
    sizes, size, stride = [], 11, 4
    for stage, count in enumerate((3, 4, 6, 3)):
        for unit in range(count):
            size += 2 * stride
            stride *= 2 if stage and unit == 0 else 1
        sizes.append((size, stride, 0))
    assert list(fields(cli, "resnet50", "--at", "layer?").values()) == sizes
    assert sizes[2:] == [(267, 16, 0), (427, 32, 0)]


def test_all_of_the_input(cli) -> None:
    found = read(cli, "resnet50", "--at", "fc")
    assert [axis["size"] for axis in found["taps"][0]["axes"]] == [None, None]
    assert "all" in cli("resnet50", "--at", "fc")[1]


MISALIGNED = """arch 1
network Net() {
  input x: f32[N, 4, 32, 32]
  good: residual { conv(4, 3) -> conv(4, 3) }
  bad: parallel(concat) {
    | conv(4, 3)
    | conv(4, 4, pad = same_upper)
  }
  after: conv(4, 1)
  output y
}
variant net = Net()
"""


def test_misaligned_joins_have_their_line(cli) -> None:
    Path("bad.arch").write_text(MISALIGNED)
    (good, after) = read(cli, "bad.arch", "--at", "good", "--at", "after")["taps"]
    assert good["misaligned"] == []
    (h, w) = after["misaligned"]
    assert (h["axis"], w["axis"]) == (2, 3)
    assert h["path"] == "bad.concat" and h["line"] == "bad.arch:5"
    assert h["fields"] == [{"size": 7, "stride": 1, "offset": 0}, {"size": 8, "stride": 1, "offset": 0.5}]
    text = cli("bad.arch", "--at", "after")[1]
    assert "h w" in text and "bad.arch:5" in text and "7, 1, 0 | 8, 1, 0.5" in text


def test_labels_that_are_none(cli) -> None:
    for tap in ("stme", "nothing*"):
        status, text, told = cli("net.arch", "--at", tap)
        assert (status, text) == (1, "")
        assert "error[E0201]" in told


def test_an_upper_bound_is_called_one(cli) -> None:
    """Paths with different strides meet in the mask: no position sees more than this, none perhaps as much."""
    found = read(cli, "residual_attention56", "--at", "attention")["taps"][0]["axes"][0]["size"]
    assert re.fullmatch(r"at most \d+", found)
    assert f"<= {found.split()[-1]}" in cli("residual_attention56", "--at", "attention")[1]
    assert found in cli("residual_attention56", "--at", "attention", "--format", "csv")[1]
