"""Costs against closed forms, published figures and the other tools' own output."""

from __future__ import annotations

import csv
import json
import math
from fractions import Fraction
from functools import cache
from io import StringIO

import pytest
from effort import seconds_of
from netbuild import Net, mobilenet_v2, resnet50
from paths import DATA, SPECS

import archdsl
from archdsl import dims
from archdsl.analyses import other_counters as tools
from archdsl.analyses.claims import check_claim, check_claims
from archdsl.analyses.cost import cost
from archdsl.analyses.layer_table import layer_table
from archdsl.analyses.measure import QUANTITIES, Measures, measure
from archdsl.diagnostics import Refusal
from archdsl.dims import symbol
from archdsl.graph import Graph
from archdsl.ops.base import Op, Types, Work
from archdsl.report.cost_columns import sheet as sheet_of
from archdsl.report.cost_sheet import ordered, outline, select
from archdsl.report.costs import CostReport
from archdsl.report.figures import human_bytes
from archdsl.report.render import render


def small() -> Graph:
    """conv 3 -> 8, batch norm, relu, and two linear layers with shared weights."""
    net = Net(symbol("N"), 3, symbol("H"), 10)
    x = net.relu(net.batch_norm(net.conv(net.input, 8, 3, path="conv"), path="norm"), path="act")
    x = net.flatten(net.global_avg_pool(x, path="pool"), path="flat")
    y = net.linear(x, 8, path="head")
    y = net.linear(y, 8, path="head_2", params=net.nodes[-1].params)
    return net.graph(y, defaults={"H": 12})


def test_rows_by_hand() -> None:
    rows = {row.path: row for row in cost(small()).rows}
    conv = rows["conv"]
    assert conv.work == Work(mac=8 * 12 * 10 * 3 * 9, add=8 * 12 * 10)
    assert (conv.params, conv.buffers, conv.weight_bytes) == (8 * 27 + 8, 0, 4 * (8 * 27 + 8))
    assert (conv.in_elements, conv.in_bytes, conv.out_elements, conv.out_bytes) == (360, 1440, 960, 3840)
    assert rows["norm"].work == Work(add=960, mul=960)
    assert (rows["norm"].params, rows["norm"].buffers) == (16, 16)
    assert rows["act"].work == Work(cmp=960)
    assert rows["pool"].work == Work(add=8 * 119, mul=8)
    assert rows["head"].params == 72
    assert rows["head_2"].params == 0, "shared weights are counted where they are used first"


def test_totals_by_hand() -> None:
    graph = small()
    macs = 8 * 12 * 10 * 27 + 2 * 64
    add = 960 + 960 + 8 * 119 + 2 * 8
    mul = 960 + 8
    expected = {
        "params": 224 + 16 + 72, "buffers": 16, "weights": 4 * (224 + 16 + 72 + 16), "macs": macs,
        "flops": 2 * macs + add + mul, "adds": add, "muls": mul, "comparisons": 960, "specials": 0,
        "activation_elements": 3 * 960 + 8 + 8 + 16, "activations": 4 * (3 * 960 + 32), "depth": 3, "nodes": 7,
        "receptive_field": 3, "stride": 1,
        "peak_activations": 4 * (360 + 960),
        # conv: input, weights and its norm's weights, output; relu fused; pool; two linear layers
        "traffic": 4 * (360 + 224 + 32 + 960) + 4 * (960 + 8) + 2 * 4 * (8 + 72 + 8),
    }  # fmt: skip
    found = {name: measure(graph, name) for name in expected}
    assert found == expected
    assert measure(graph, "intensity") == Fraction(expected["flops"], expected["traffic"])


@pytest.mark.parametrize("graph", [small(), resnet50(size=symbol("S"), batch=symbol("N"))], ids=["small", "resnet50"])
@pytest.mark.parametrize("binding", [dict(zip("NHS", sizes)) for sizes in ((1, 12, 64), (3, 5, 97), (8, 31, 225))])
def test_symbolic_costs_equal_concrete_ones(graph: Graph, binding: dict[str, int]) -> None:
    symbolic, concrete = cost(graph, symbolic=True), cost(graph, binding)
    for name in ("macs", "flops", "adds", "muls", "comparisons", "activations", "weights", "params", "traffic"):
        value = symbolic.total(name)
        assert dims.evaluate(value, binding) == concrete.total(name), name
    for left, right in zip(symbolic.rows, concrete.rows):
        assert left.work is not None
        assert right.work is not None
        for column in ("mac", "add", "mul", "cmp", "special"):
            assert dims.evaluate(getattr(left.work, column), binding) == getattr(right.work, column)


def test_symbolic_totals_are_polynomials_of_the_symbols() -> None:
    n, h = symbol("N"), symbol("H")
    table = cost(small(), symbolic=True)
    assert table.total("macs") == 8 * 10 * 27 * n * h + 128 * n
    assert str(table.total("macs")) == "2160 * H * N + 128 * N"
    assert table.totals["intensity"] is None
    assert table.total("params") == 312


def test_frozen_weights_are_no_parameters() -> None:
    net = Net(1, 4)
    net.linear(net.input, 8)
    node = net.nodes[-1]
    node.params = {slot: p.replace(trainable=False) for slot, p in node.params.items()}
    m = Measures(net.graph(net.linear(node.outputs[0], 2)))
    assert [m.of(q).value for q in ("params", "buffers", "weights")] == [18, 40, 4 * 58]


def test_a_batch_multiplies_work_and_leaves_weights() -> None:
    one, eight = cost(small()), cost(small(), {"N": 8})
    assert eight.total("macs") == 8 * one.total("macs")
    assert eight.total("params") == one.total("params")
    assert eight.inputs == {"image": "f32[8, 3, 12, 10]"}


# Networks whose figures are published


def test_resnet50_and_mobilenet_v2_equal_torchvisions_counts() -> None:
    for graph, params, buffers, macs, depth in (
        (resnet50(), 25_557_032, 53_120, 4_089_184_256, 50),
        (resnet50(stride_in_3x3=False), 25_557_032, 53_120, 3_857_973_248, 50),
        (mobilenet_v2(), 3_504_872, 34_112, 300_774_272, 53),
    ):
        m = Measures(graph)
        assert [m.of(q).value for q in ("params", "buffers", "macs", "depth")] == [params, buffers, macs, depth]


def tool_counts() -> list[tuple[str, str, int]]:
    """What the tools themselves say of torchvision's networks: written by ``tests/reference/count_tools.py``."""
    with (DATA / "tool_counts.csv").open(newline="") as table:
        return [(row["network"], row["tool"], int(row["count"])) for row in csv.DictReader(table)]


SOURCE_DEPENDENT = {
    # Pooling (MobileNetV2, DenseNet) and DenseNet's last relu are functions in the source: ptflops counts a function
    # once and a module twice; thop counts a pooling's inputs and outputs, but sees modules only.
    ("mobilenet_v2", "ptflops-pytorch"): 1280 * 49,
    ("mobilenet_v2", "thop"): 1280 * 49 + 1280,
    ("densenet121", "ptflops-pytorch"): 2 * 1024 * 49,
    ("densenet121", "thop"): 1024 * 49 + 1024,
    # torchvision's VGG pools 7 x 7 maps to 7 x 7, which changes nothing at 224 and is not in our spec.
    ("vgg16_bn", "fvcore"): -512 * 49,
    ("vgg16_bn", "ptflops-pytorch"): -2 * 512 * 49,
    ("vgg16_bn", "thop"): -2 * 512 * 49,
    # Biases that begin at zero are dropped by the exporter before onnx-tool sees them.
    ("mobilenet_v2", "onnx-tool"): 1000,
    ("densenet121", "onnx-tool"): 1000,
    ("squeezenet1_1", "onnx-tool"): 2_589_352,
    ("vgg16_bn", "onnx-tool"): 13_547_520 + 2 * 4096 + 1000 - 512 * 49,
}
"""Ours minus the tool's, where the tool sees what is not in the network's definition."""


@pytest.mark.parametrize(("network", "tool", "count"), tool_counts())
def test_other_tools_numbers(network: str, tool: str, count: int) -> None:
    m = zoo(network)
    ours = sum(tools.count(m.bound, m.rows, tools.convention(tool)))
    assert ours - SOURCE_DEPENDENT.get((network, tool), 0) == count


@pytest.mark.parametrize(
    ("operator", "shape", "each"),
    [
        ("resize(scale = 2, mode = bilinear)", "1, 16, 4, 4", 4),
        ("resize(scale = 2)", "1, 16, 4, 4", 1),
        ("resize(scale = 2, mode = bicubic)", "1, 16, 4, 4", 0),
        ("resize(scale = 2, mode = linear)", "1, 16, 32", 0),
    ],
)
def test_fvcore_counts_two_interpolations_in_2d(operator: str, shape: str, each: int) -> None:
    """``upsample_nearest2d`` costs 1 and ``upsample_bilinear2d`` 4 for each element of the result (fvcore 0.1.5)."""
    m = Measures(archdsl.load(f"arch 1\nnetwork X() {{ input x: f32[{shape}]; {operator} }}\n").graph("X"))
    (found,) = tools.count(m.bound, m.rows, tools.convention("fvcore"))
    elements = math.prod(m.graph.outputs["output"].type.shape)
    assert found == each * elements
    if each == 4:
        assert found == 4_096


@cache
def zoo(variant: str) -> Measures:
    files = {"resnet50": "resnet", "densenet121": "densenet", "vgg16_bn": "vgg", "squeezenet1_1": "squeezenet"}
    spec = SPECS / f"{files.get(variant, variant)}.arch"
    return Measures(archdsl.load(spec).graph(variant))


def test_the_numbers_in_the_cost_model() -> None:
    """The recorded counts are those that ``docs/cost-model.md`` prints for two networks."""
    recorded = {(network, tool): count for network, tool, count in tool_counts()}
    for tool, pair in {
        "torchinfo": (4_089_238_376, 300_809_384),
        "fvcore": (4_111_512_576, 314_193_216),
        "ptflops-pytorch": (4_132_436_968, 320_300_008),
        "ptflops-aten": (4_089_185_256, 300_775_272),
        "thop": (4_133_742_592, 327_486_720),
        "onnx-tool": (4_106_220_008, 313_264_960),
    }.items():
        assert (recorded["resnet50", tool], recorded["mobilenet_v2", tool]) == pair


def test_what_a_tool_is_not_known_to_count_makes_its_total_partial() -> None:
    net = Net(1, 4, 8, 8)
    table = cost(net.graph(net.group_norm(net.conv(net.input, 4, 3), 2)))
    assert tools.count(table.measures.bound, table.rows, tools.convention("onnx-tool"))[1] is None
    assert "MACs      >= 9,472" in render(CostReport(table, tool="onnx-tool"), "text")


def test_folded_costs_have_no_batch_norms_behind_layers() -> None:
    folded = cost(resnet50()).folded
    assert "batch_norm" not in {row.op for row in folded.rows}
    assert len(folded.rows) == 175 - 53
    assert folded.total("macs") == 4_089_184_256
    assert folded.total("buffers") == 0
    assert folded.total("params") == 25_557_032 - 53_120 + 26_560, "a bias instead of a scale and a shift"
    assert folded.total("peak_activations") == 7_225_344


def test_unknown_conventions_are_refused() -> None:
    with pytest.raises(Refusal) as refused:
        tools.convention("fvcor")
    assert "`fvcore`" in refused.value.help


ALEXNET = """
0 Inpt 3 224 0 0 0 0 0 0 0 150528 150528
1 Conv 3 224 3 11 4 96 105705600 150528 325248 290400 766176
1 Nonl 96 55 - - - - 290400 290400 0 290400 580800
1 Norm 96 55 0 5 0 0 2613600 290400 0 290400 580800
1 Pool 96 55 0 3 2 0 629856 290400 0 69984 360384
2 Conv 96 27 4 5 1 256 448084224 69984 801024 186624 1057632
2 Nonl 256 27 - - - - 186624 186624 0 186624 373248
2 Norm 256 27 0 5 0 0 1679616 186624 0 186624 373248
2 Pool 256 27 0 3 2 0 389376 186624 0 43264 229888
3 Conv 256 13 2 3 1 384 149585280 43264 949632 64896 1057792
3 Nonl 384 13 - - - - 64896 64896 0 64896 129792
4 Conv 384 13 2 3 1 384 224345472 64896 1392000 64896 1521792
4 Nonl 384 13 - - - - 64896 64896 0 64896 129792
5 Conv 384 13 2 3 1 256 149563648 64896 928000 43264 1036160
5 Nonl 256 13 - - - - 43264 43264 0 43264 86528
5 Pool 256 13 0 3 2 0 82944 43264 0 9216 52480
6 Full 9216 1 0 1 1 4096 37752832 9216 37752832 4096 37766144
6 Nonl 4096 1 - - - - 4096 4096 0 4096 8192
7 Full 4096 1 0 1 1 4096 16781312 4096 16781312 4096 16789504
7 Nonl 4096 1 - - - - 4096 4096 0 4096 8192
8 Full 4096 1 0 1 1 1000 4097000 4096 4097000 1000 4102096
8 Nonl 1000 1 - - - - 1000 1000 0 1000 2000
"""
"""A published per-layer table of AlexNet without groups (its blank sizes of fully connected rows filled with 1)."""


def alexnet() -> Graph:
    net = Net(1, 3, 224, 224)
    x = net.relu(net.conv(net.input, 96, 11, stride=4, pad=[1, 1, 2, 2]))
    x = net.max_pool(net.lrn(x, 5), 3, stride=2)
    x = net.relu(net.conv(x, 256, 5))
    x = net.max_pool(net.lrn(x, 5), 3, stride=2)
    for c in (384, 384, 256):
        x = net.relu(net.conv(x, c, 3))
    x = net.flatten(net.max_pool(x, 3, stride=2))
    for c in (4096, 4096):
        x = net.relu(net.linear(x, c))
    return net.graph(net.softmax(net.linear(x, 1000)))


def test_alexnets_table_every_number() -> None:
    rows = [
        [r.number, r.type, r.channels_in, r.size_in, r.pad, r.window, r.stride, r.channels_out,
         r.macs, r.in_map, r.parameters, r.out_map, r.all_memory]
        for r in layer_table(Measures(alexnet()))
    ]  # fmt: skip
    found = [" ".join("-" if cell is None else str(cell) for cell in row) for row in rows]
    assert found == ALEXNET.strip().splitlines()
    assert sum(int(row[8]) for row in rows) == 1_141_970_032
    assert sum(int(row[10]) for row in rows) == 63_027_048


# Unknown work, parts, taps


class Mystery(Op):
    """An operator that nobody has counted."""

    name = "mystery"

    def shape(self, *ins):
        return ins

    def work(self, ins: Types, outs: Types) -> Work | None:
        return None


def with_mystery() -> Graph:
    from archdsl.graph import Node
    from archdsl.source import Origin

    net = Net(1, 3, 8, 8)
    x = net.conv(net.input, 4, 3, path="conv")
    net.nodes.append(Node(Mystery(), [x], [x.type], "mystery", {}, Origin(None)))
    return net.graph(net.relu(net.nodes[-1].outputs[0], path="act"))


def test_unknown_work_makes_totals_partial_and_is_never_zero() -> None:
    found = cost(with_mystery())
    assert found.partial
    assert found.coverage == Fraction(2, 3)
    macs = found.totals["macs"]
    assert macs is not None
    assert (macs.value, macs.partial) == (4 * 64 * 27, True)
    assert found.totals["params"] is not None
    assert not found.totals["params"].partial
    text = str(found)
    assert ">= 6,912" in text
    assert [line.split()[5] for line in text.splitlines() if line.startswith("mystery")] == ["8]"]
    assert "?" in next(line for line in text.splitlines() if line.startswith("mystery"))
    assert json.loads(found.to_json())["rows"][1]["mac"] is None


def test_a_partial_total_can_break_a_bound_but_not_hold_it() -> None:
    m = Measures(with_mystery())
    assert not check_claim(m, "macs", "<=", 10**9).ok
    assert check_claim(m, "macs", ">=", 6912).ok
    assert not check_claim(m, "macs", "==", 6912).ok


def test_parts_and_taps() -> None:
    m = Measures(resnet50())
    bottleneck = 64 * 64 + 64 * 64 * 9 + 64 * 256 + 2 * (64 + 64 + 256)
    assert m.of("params", part="layer1.0").value == bottleneck + 64 * 256 + 2 * 256
    assert m.of("params", part="layer1.1").value == 256 * 64 + 64 * 64 * 9 + 64 * 256 + 2 * (64 + 64 + 256)
    assert m.of("macs", part="fc").value == 2_048_000
    parts = [m.of("macs", part=f"layer{i}").value for i in (1, 2, 3, 4)]
    stem = 64 * 147 * 112 * 112
    assert stem + sum(parts) + 2_048_000 == 4_089_184_256
    assert m.of("macs", tap="layer1").value == stem + parts[0]
    assert m.of("depth", tap="layer1").value == 10
    assert m.of("depth", part="layer1").value == 9
    assert m.of("nodes", part="layer1.0").value == 12
    assert m.of("peak_activations", part="fc").value == 4 * (2048 + 1000)


def test_the_residual_chain_is_as_deep_as_its_longest_path() -> None:
    net = Net(1, 4, 8, 8)
    x = net.input
    for _ in range(5):
        x = net.add(net.conv(net.conv(x, 4, 3), 4, 3), net.conv(x, 4, 1))
    assert measure(net.graph(x), "depth") == 10


@pytest.mark.parametrize(("given", "meant"), [("mac", "macs"), ("peak_activation", "peak_activations")])
def test_unknown_quantities_are_refused_with_a_suggestion(given: str, meant: str) -> None:
    with pytest.raises(Refusal) as refused:
        measure(small(), given)
    assert f"`{meant}`" in refused.value.help


def test_unknown_parts_and_taps_are_refused() -> None:
    m = Measures(resnet50())
    for where in ({"part": "layer5"}, {"tap": "layer5"}):
        with pytest.raises(Refusal) as refused:
            m.of("macs", **where)
        assert refused.value.code == "E0201"


# Claims


@pytest.mark.parametrize(
    ("quantity", "op", "bound", "ok", "headroom"),
    [
        ("params", "==", 3_504_872, True, None),
        ("params", "==", 3_504_871, False, None),
        ("macs", "<=", 301_000_000, True, Fraction(301_000_000 - 300_774_272, 301_000_000)),
        ("macs", "<=", 300_000_000, False, Fraction(300_000_000 - 300_774_272, 300_000_000)),
        ("peak_activations", "<=", 6 * 2**20, True, Fraction(6 * 2**20 - 6_021_120, 6 * 2**20)),
        ("receptive_field", ">=", 224, True, Fraction(491 - 224, 224)),
        ("intensity", ">", 8.5, True, Fraction(76_898_109, 8_849_224) / Fraction(17, 2) - 1),
        ("stride", "!=", 16, True, None),
    ],
)
def test_claims(quantity: str, op: str, bound: float, ok: bool, headroom: Fraction | None) -> None:
    found = check_claim(Measures(mobilenet_v2()), quantity, op, bound)
    assert (found.ok, found.headroom) == (ok, headroom)


def test_broken_claims_become_diagnostics() -> None:
    from archdsl.interpret.session import ClaimValue
    from archdsl.source import Source, Span

    def said(kind: str, quantity: str, op: str, bound: int) -> list[str]:
        claim = ClaimValue(kind, quantity, None, None, op, bound, Span(Source("x.arch", "budget"), 0, 6))
        return [d.code for d in check_claims(Measures(small()), [claim])[1]]

    claims = [("expect", "params", "==", 1), ("budget", "macs", "<", 1), ("budget", "mac", "<", 1)]
    assert [said(*claim) for claim in [*claims, ("expect", "nodes", "==", 7)]] == [["E0401"], ["E0402"], ["E0201"], []]


# Tables


def test_every_total_is_in_the_table_and_repeats_are_folded() -> None:
    text = str(cost(resnet50()))
    assert text.startswith("archdsl cost v1: ResNet50, input image f32[1, 3, 224, 224]\n")
    assert "1 … 2 x2" in text, "layer1's identity blocks"
    assert "1 … 5 x5" in text, "layer3's"
    for figure in ("25,557,032", "4,089,184,256", "receptive field   427", "175 of 175"):
        assert figure in text


def test_depth_shows_scopes_as_one_line_with_sums() -> None:
    entries = outline(sheet_of(cost(resnet50())), depth=1)
    cells = {e.label: e.cells for e in entries}
    assert cells["layer4"]["macs"] == Measures(resnet50()).of("macs", part="layer4").value
    assert cells["layer4"]["shape"] == "[1, 2048, 7, 7]"
    assert cells["layer4"]["receptive_field"] == (427, 427)
    assert sum(c["params"] for c in cells.values()) == 25_557_032


def test_folding_loses_nothing() -> None:
    """Operators counted with the repeats of every fold around them are all operators."""
    sheet = sheet_of(cost(resnet50()))
    total, around = 0, [1]
    for entry in outline(sheet):
        around = [*around[: entry.level + 1], around[entry.level] * entry.repeats]
        total += 0 if entry.group else around[-1]
    assert total == 175


def test_select_and_sort() -> None:
    sheet = sheet_of(cost(resnet50()))
    convs = select(sheet, ["conv"])
    assert len(convs.lines) == 53
    assert {line.path.split(".")[0] for line in select(sheet, ["layer[12]"]).lines} == {"layer1", "layer2"}
    macs = [line.cells["macs"] for line in ordered(convs, "macs").lines]
    assert macs == sorted(macs, reverse=True)


def test_csv_and_markdown_and_json_agree() -> None:
    found = cost(mobilenet_v2())
    rows = list(csv.DictReader(StringIO(render(CostReport(found), "csv"))))
    data = json.loads(found.to_json())
    assert data["format_version"] == 1
    assert [int(row["macs"]) for row in rows] == [row["mac"] for row in data["rows"]]
    assert sum(int(row["macs"]) for row in rows) == data["totals"]["macs"]["value"] == 300_774_272
    assert sum(int(row["params"]) for row in rows) == data["totals"]["params"]["value"] == 3_504_872
    assert set(data["totals"]) == set(QUANTITIES)
    assert data["rows"][-1]["receptive_field"] == [None, None]
    text = render(CostReport(found, depth=1), "markdown")
    assert "300,774,272" in text
    one = select(sheet_of(found), [found.rows[3].path])
    chosen = json.loads(render(CostReport(found, tool="thop", shown=one), "json"))
    assert len(chosen["rows"]) == 1
    assert chosen["as"]["name"] == "thop"
    assert len({line.count("|") for line in text.splitlines() if line.startswith("|")}) == 1


def test_json_tells_the_peaks_tensors_and_misaligned_joins() -> None:
    data = json.loads(cost(mobilenet_v2()).to_json())
    assert [t["bytes"] for t in data["peak"]["tensors"]] == [4 * 96 * 112 * 112, 4 * 96 * 56 * 56]
    assert data["misaligned"] == []
    net = Net(1, 2, 32, 32)
    x = net.add(net.conv(net.input, 2, 3), net.conv(net.input, 2, 4, pad="same_upper"), path="join")
    found = cost(net.graph(x))
    assert [(m["path"], m["axis"]) for m in json.loads(found.to_json())["misaligned"]] == [("join", 2), ("join", 3)]
    assert "misaligned receptive fields at join" in str(found)


def test_a_roofline_takes_the_longer_of_arithmetic_and_traffic() -> None:
    found = cost(resnet50())
    flops, traffic = found.total("flops"), found.total("traffic")
    assert found.seconds(1e12, 1e30) == pytest.approx(flops / 1e12)
    assert found.seconds(1e30, 1e9) == pytest.approx(traffic / 1e9)
    both = found.seconds(1e12, 5e10)
    assert max(flops / 1e12, traffic / 5e10) < both < flops / 1e12 + traffic / 5e10


def test_a_tools_table_has_its_total() -> None:
    text = render(CostReport(cost(resnet50()), tool="fvcore"), "text")
    assert "archdsl cost v1, as counted by fvcore (0.1.5)" in text
    assert "4,111,512,576" in text


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (1023, "1023 B"), (6_021_120, "5.74 MiB"), (2**40, "1.00 TiB"), (2**70, "1048576.00 PiB")],
)
def test_human_bytes(size: int, text: str) -> None:
    assert human_bytes(size) == text


def test_ten_thousand_nodes_take_time_in_proportion() -> None:
    def long(blocks: int) -> Graph:
        net = Net(symbol("N"), 8, 32, 32)
        x = net.input
        for i in range(blocks):
            net.scope = ["chain", str(i)]
            x = net.batch_norm(net.conv(x, 8, 3, path="conv"), path="norm")
            x = net.relu(net.add(x, net.input, path="add"), path="act")
        return net.graph(x)

    def table(graph: Graph, blocks: int) -> None:
        found = cost(graph)
        assert found.totals["depth"] is not None and found.totals["depth"].value == blocks
        assert f"x{blocks}" in render(CostReport(found, depth=2), "text")

    few, many = long(625), long(2_500)
    assert seconds_of(lambda: table(many, 2_500)) < 8 * seconds_of(lambda: table(few, 625), 3), "quadratic: 16"
