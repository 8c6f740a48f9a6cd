"""Numbers that people read: receptive fields, depth, columns, speed, the list, other tools' counts."""

from __future__ import annotations

import cProfile
import json
import pstats
import subprocess
import sys
from pathlib import Path

import pytest
from faults import again, archdsl, fault, network


def field(folder: Path, body: str, x: str, options: str = "", at: str = "y") -> object:
    """The receptive field at a label, as a document has it; the code of the error where there is one."""
    done = archdsl(folder, f"cost net.arch --at {at} {options} --format json", net__arch=network(body, x))
    if done.status:
        return done.output.partition("error[")[2][:5]
    sizes = [axis["size"] for axis in json.loads(done.output)["taps"][0]["axes"]]
    return sizes[0] if len(set(map(str, sizes))) == 1 else sizes


def verdict(folder: Path, body: str, claim: str, x: str = "f32[N, 3, 64, 64]") -> str:
    """Whether a claim on a network holds: ``holds``, or the code of the error."""
    text = network(body, x) + f"variant net = Net() {{ {claim} }}\n"
    done = archdsl(folder, "check net.arch", net__arch=text)
    return done.output.partition("error[")[2][:5] if done.status else "holds"


GATE = "{x}g: {x} -> global_avg_pool -> conv(8, 1) -> sigmoid\n{y}: {x} * {x}g"


@fault(
    "N05",
    "a global statistic on any way into a join ended the field of the map, and the network's was that before the first",
    "gates by mul, add, where, broadcast_to; instance, group, layer and l2 norms over maps, softmax and cumsum over an "
    "axis; the rows of a matrix product; tables, claims, list, diff, lint W0408",
)
def test_a_gate_ends_no_receptive_field(tmp_path: Path) -> None:
    """Four 3 x 3 convolutions see 9 positions, with gates or without."""
    body = f"a: conv(8, 3)\n{GATE.format(x='a', y='b')}\nb -> conv(8, 3) -> conv(8, 3)\nc: relu\n"
    body += f"{GATE.format(x='c', y='d')}\nd -> conv(8, 3)\ny: relu"
    assert field(tmp_path, body, "f32[N, 3, 64, 64]") == 9
    head = f"{body}\nglobal_avg_pool -> flatten -> linear(10)"
    assert verdict(tmp_path, head, "expect receptive_field == 9") == "holds"
    told = archdsl(tmp_path, "cost net.arch", net__arch=network(head, "f32[N, 3, 64, 64]")).output
    assert "everything is first seen at ag.global_avg_pool" in told


@again("N05")
@pytest.mark.parametrize(
    "stage",
    ["instance_norm", "group_norm(2)", "layer_norm(axes = [c, h, w])", "l2_norm(axis = h)", "softmax(axis = w)"],
    ids=["instance_norm", "group_norm", "layer_norm", "l2_norm", "softmax"],
)
def test_a_statistic_of_the_map_ends_no_receptive_field(stage: str, tmp_path: Path) -> None:
    assert field(tmp_path, f"conv(8, 3) -> {stage} -> conv(8, 3)\ny: relu", "f32[N, 3, 64, 64]") == 5


@again("N05")
def test_the_list_has_the_field_along_maps(tmp_path: Path) -> None:
    """EfficientNet-B0's by its table of stages: 851. SE-ResNet's is ResNet's."""
    records = json.loads(archdsl(tmp_path, "list --format json").output)["networks"]
    found = {record["name"]: record["receptive_field"] for record in records}
    assert (found["efficientnet_b0"], found["seresnet50"], found["resnet50"]) == (851, 427, 427)


FREE = """e1: conv(8, 3) -> relu
max_pool(2)
conv(8, 3) -> relu
resize(like = e1, mode = bilinear) -> concat(e1)
conv(8, 3)
y: relu"""


@fault(
    "F08",
    "a ratio that depends on a symbol was taken for an operator that sees everything, before which the field stopped",
    "resize(like), resize(size) and crops of free sizes, same_upper with a stride, joins of such ways, "
    "joins of different strides on free sizes, adaptive poolings",
)
def test_a_field_that_depends_on_a_symbol_is_an_error(tmp_path: Path) -> None:
    """By hand with H = W = 64: 12 = 3 + bilinear's two positions two apart + a window of 3 + another."""
    assert field(tmp_path, FREE, "f32[N, 3, H, W]") in ("E0307", "depends on H", ["depends on H", "depends on W"])
    for claim in ("budget { receptive_field <= 10 }", "budget { receptive_field >= 10 }"):
        assert verdict(tmp_path, FREE, claim, "f32[N, 3, H, W]") == "E0307"
    assert field(tmp_path, FREE, "f32[N, 3, H, W]", "--bind H=64 --bind W=64") == 12
    assert field(tmp_path, FREE, "f32[N, 3, 64, 64]") == 12


@again("F08")
@pytest.mark.parametrize(
    ("body", "size"),
    [
        ("conv(8, 3) -> resize(scale = 2) -> conv(8, 3)\ny: relu", 4),
        ("conv(8, 3, stride = 2, pad = same_upper) -> conv(8, 3, stride = 2, pad = same_lower)\ny: relu", 7),
        ("a: conv(8, 3, stride = 2, pad = same_upper)\nb: x -> max_pool(3, stride = 2, pad = same_upper)\n"
         "(a, b) -> concat\ny: relu", 3),
        ("a: conv(8, 5, pad = valid) -> conv(8, 3)\ny: slice(h, 3) -> slice(w, 1)", 7),
    ],
    ids=["scale", "same", "equal_paddings", "slice"],
)  # fmt: skip
def test_a_field_that_depends_on_no_symbol_is_known(body: str, size: int, tmp_path: Path) -> None:
    assert field(tmp_path, body, "f32[N, 3, H, W]") == size


@fault(
    "F35",
    "a field was one span and one jump for all positions, which behind upsampling are bounds of what is seen",
    "nearest, bilinear, bicubic, align_corners, transposed convolution (gaps, dilation), depth_to_space, adaptive "
    "pooling, max_unpool; joins of different strides and reordered axes stay bounds and are called so",
)
@pytest.mark.parametrize(
    ("stage", "size"),
    [
        ("resize(scale = 2)", 1), ("resize(scale = 2, mode = bilinear)", 2), ("resize(scale = 2) -> conv(8, 3)", 2),
        ("resize(scale = 2, mode = bilinear) -> conv(8, 3)", 3), ("resize(scale = 2, mode = bicubic)", 4),
        ("conv_transpose(8, 2, stride = 2)", 1), ("conv_transpose(8, 4, stride = 2, pad = 1)", 2),
        ("conv_transpose(8, 3, stride = 2, dilation = 2)", 3), ("adaptive_avg_pool(24)", 4), ("reverse(h)", 1),
    ],
    ids=["nearest", "bilinear", "nearest_conv", "bilinear_conv", "bicubic", "transposed", "transposed_overlapping",
         "transposed_dilated", "adaptive", "reverse"],
)  # fmt: skip
def test_fields_behind_upsampling_are_exact(stage: str, size: int, tmp_path: Path) -> None:
    assert field(tmp_path, f"{stage}\ny: relu", "f32[N, 3, 64, 64]") == size


@again("F35")
def test_an_upper_bound_is_said_and_holds_no_lower_bound(tmp_path: Path) -> None:
    """Two ways with different strides: at most what both see at the far end, where they are 31 positions apart."""
    body = "a: conv(8, 3, stride = 2)\nb: x -> crop(32, offset = 0)\n(a, b) -> concat\ny: relu"
    found = str(field(tmp_path, body, "f32[N, 3, 64, 64]"))
    assert found.startswith("at most ")
    most = int(found.split()[-1])
    assert verdict(tmp_path, body, "budget { receptive_field >= 3 }") == "E0402"
    assert verdict(tmp_path, body, f"expect receptive_field == {most}") == "E0401"
    assert verdict(tmp_path, body, f"budget {{ receptive_field <= {most} }}") == "holds"
    assert verdict(tmp_path, body, f"budget {{ receptive_field < {most} }}") == "E0402"
    assert found in archdsl(tmp_path, "check net.arch").output
    assert f"<= {most}" in archdsl(tmp_path, "cost net.arch").output


@fault("N06", "the line of `compile` had a word of its own for the quantity", "no other place says layers")
def test_depth_is_called_depth(tmp_path: Path) -> None:
    told = archdsl(tmp_path, "compile lenet5 -o lenet5.onnx").output
    assert "depth 5, 61,706 parameters" in told
    assert "layers" not in told


WINDOWS = """a: conv(8, [3, 5], stride = [2, 1]) -> relu
b: conv(16, 3, groups = 8)
c: max_pool(2)
y: global_avg_pool"""


@fault(
    "N07", "columns were those of the cost model only", "table, CSV and JSON; convolutions, transposed ones, poolings"
)
def test_kernel_stride_and_groups_are_columns(tmp_path: Path) -> None:
    done = archdsl(tmp_path, "cost net.arch --format json", net__arch=network(WINDOWS))
    rows = {row["path"]: row for row in json.loads(done.output)["rows"]}
    shown = [(rows[path]["kernel"], rows[path]["stride"], rows[path]["groups"]) for path in ("a.conv", "b", "c", "y")]
    assert shown == [([3, 5], [2, 1], 1), ([3, 3], [1, 1], 8), ([2, 2], [2, 2], None), (None, None, None)]
    table = archdsl(tmp_path, "cost net.arch").output.splitlines()
    head = next(line for line in table if line.startswith("path"))
    assert head.split()[:6] == ["path", "operator", "kernel", "stride", "groups", "output"]
    assert next(line for line in table if line.startswith("b ")).split()[:5] == ["b", "conv", "3x3", "1", "8"]


@again("N07")
def test_columns_that_say_nothing_are_left_out(tmp_path: Path) -> None:
    told = archdsl(tmp_path, "cost net.arch", net__arch=network("linear(4) -> relu\noutput y", "f32[N, 8]")).output
    assert "kernel" not in told and "groups" not in told


@fault(
    "N08", "the first call, in which kernels are chosen and memory is taken, was timed", "text and JSON; Python's run"
)
def test_run_times_several_calls_after_one_to_warm_up(tmp_path: Path) -> None:
    told = archdsl(tmp_path, "run lenet5").output
    assert "the median of 10 calls" in told and "to warm up, on CPUExecutionProvider" in told
    timing = json.loads(archdsl(tmp_path, "run lenet5 --times 5 --format json").output)["timing"]
    assert timing["calls"] == 5
    assert timing["least"] <= timing["median"] <= timing["most"]
    assert "one call without one to warm up" in archdsl(tmp_path, "run lenet5 --times 0").output


@fault(
    "N09",
    "every network of the zoo was elaborated and measured for a table that never changes; tables ran over the terminal",
    "text and JSON; `list PATTERN`; tables of cost, cost --wide, sweeps, differences",
)
def test_the_list_measures_nothing(tmp_path: Path) -> None:
    """Measuring takes 25 million calls; reading a table takes some ten thousand."""
    profile = cProfile.Profile()
    done = profile.runcall(archdsl, tmp_path, "list")
    assert "efficientnet_b0" in done.output
    assert pstats.Stats(profile).total_calls < 500_000  # type: ignore[attr-defined]


@again("N09")
@pytest.mark.parametrize("command", ["list", "cost efficientnet_b0 --wide", "diff resnet50 seresnet50"])
def test_tables_fit_the_terminal(command: str, tmp_path: Path) -> None:
    """As wide as the terminal at most, on one of 80 columns."""
    run = "from archdsl.cli import main; main()"
    line = [sys.executable, "-c", run, *command.split()]
    script = f"import os, pty; os.environ.update(COLUMNS='80', NO_COLOR='1'); pty.spawn({line!r})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path, check=False)
    lines = [line.rpartition("\x1b[K")[2] for line in done.stdout.replace("\r", "").split("\n") if line]
    tables = [line for line in lines if line.count("  ") > 1]
    assert len(tables) > 5
    assert max(map(len, tables)) <= 80


@fault(
    "F25",
    "operators that a rule did not name fell to the MACs of ours, 0 for most, where the tool has a count",
    "thop and ptflops: upsampling in all modes; ptflops: lp_pool, lrn; torchinfo: raw parameters; onnx-tool: transposed "
    "convolution, sigmoid, softplus, lrn, poolings with three axes, adaptive poolings, norms of reductions",
)
@pytest.mark.parametrize(
    ("tool", "stage", "count"),
    [
        ("fvcore", "resize(scale = 2, mode = bilinear)", 4 * 1024), ("thop", "resize(scale = 2, mode = bilinear)", 11 * 1024),
        ("thop", "resize(scale = 2)", 1024), ("thop", "resize(scale = 2, mode = bicubic)", 259 * 1024),
        ("ptflops-pytorch", "resize(scale = 2, mode = bilinear)", 2 * 1024), ("ptflops-pytorch", "lp_pool(2)", 256 + 2 * 64),
        ("onnx-tool", "sigmoid", 32 * 256), ("onnx-tool", "lrn(5)", ">="), ("onnx-tool", "reduce_l2(axis = 1)", ">="),
    ],
    ids=lambda value: str(value).partition("(")[0],
)  # fmt: skip
def test_counts_of_other_tools_are_theirs(tool: str, stage: str, count: object, tmp_path: Path) -> None:
    """The counts are those of the tools themselves (fvcore 0.1.5, thop 0.1.1, ptflops 0.7.5, onnx-tool 1.0.1)."""
    text = network(f"y: {stage}", "f32[1, 4, 8, 8]")
    done = archdsl(tmp_path, f"cost net.arch --as {tool} --format json", net__arch=text)
    found = json.loads(done.output)["as"]
    assert (">=" if found["partial"] else found["total"]) == count


@fault("N15", "the page of an operator was made of its card's texts alone", "weights and arithmetic of all operators")
@pytest.mark.parametrize(
    ("operator", "lines"),
    [  # 3 -> 64 channels, 3 x 3, on 112 x 112 positions
        ("conv", ("Weights  weight [64, 3, 3, 3], bias [64]", f"Cost     {112 * 112 * 64 * 27:,} mac, {112 * 112 * 64:,} add,")),
        ("linear", ("Weights  weight [1000, 512], bias [1000]", "Cost     512,000 mac, 1,000 add,")),
        ("relu", ("Weights  none", "Cost     30 cmp,")),
        ("flatten", ("Weights  none", "Cost     none,")),
    ],
    ids=["conv", "linear", "relu", "flatten"],
)  # fmt: skip
def test_the_page_of_an_operator_has_weights_and_cost(operator: str, lines: tuple[str, str], tmp_path: Path) -> None:
    told = archdsl(tmp_path, f"ops {operator}").output
    assert [line for line in lines if line not in told] == []


@fault(
    "A4", "of rank 3 the last axis was taken for the positions, whatever it is", "linear, layer_norm, attention over T"
)
def test_positions_of_a_sequence_of_features_are_steps(tmp_path: Path) -> None:
    body = "linear(8) -> transpose -> conv(8, 5) -> transpose -> layer_norm\ny: linear(3)"
    assert field(tmp_path, body, "f32[N, 20, 8]") == 5
    assert field(tmp_path, "conv(8, 5) -> relu\ny: conv(8, 3)", "f32[N, 8, 20]") == 7
