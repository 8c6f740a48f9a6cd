"""Differences: aligned by structure, told once, and adding up. (docs/diff.md holds the readable outputs.)"""

import json
from itertools import pairwise

import pytest
from console import run
from hypothesis import given, settings, strategies as st

from archdsl import load
from archdsl.compare.align import align
from archdsl.compare.diff import diff
from archdsl.compare.snapshot import from_record, snapshot, to_record
from archdsl.driver import resolve_target


def zoo(name):
    program, variant = resolve_target(name)
    return snapshot(program.graph(variant))


def net(body, head="input x: f32[N, 3, 32, 32]", blocks=""):
    return snapshot(load(f"arch 1\n{blocks}\nnetwork Net() {{ {head}\n{body}\noutput y }}\n").graph())


def told(old, new):
    return [(c.kind, c.count, c.what, c.where) for c in diff(old, new).changes]


PAIRS = [
    *pairwise(["resnet18", "resnet50", "resnext50_32x4d", "seresnet50", "densenet121", "vgg11", "vgg11_bn", "lenet5"])
]


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_the_changes_add_up_to_the_difference(old, new):
    a, b = zoo(old), zoo(new)
    found = diff(a, b)
    for figure in ("params", "macs"):
        assert sum(getattr(c, figure) for c in found.changes) == b.quantities[figure] - a.quantities[figure]
    for change in found.changes:
        if change.parts:
            assert sum(p.macs for p in change.parts) == change.macs
    backwards = diff(b, a)
    assert sum(c.params for c in backwards.changes) == -sum(c.params for c in found.changes)


@pytest.mark.parametrize("name", ["resnet50", "mobilenet_v2", "lenet5"])
def test_nothing_changed(name):
    found = diff(zoo(name), zoo(name))
    assert found.changes == () and found.interface.verdict == "compatible" and found.settings == ""
    assert all(f.old == f.new for f in found.figures)


def test_a_resnext_is_a_resnet_with_groups():
    """Published: torchvision counts 25,557,032 and 25,028,904 parameters; 32 groups of 4 channels (arXiv:1611.05431)."""
    found = diff(zoo("resnet50"), zoo("resnext50_32x4d"))
    (change,) = found.changes
    assert (change.kind, change.count, change.what) == ("block", 16, "bottleneck: groups 1 -> 32, width 64 -> 4")
    assert change.params == 25_028_904 - 25_557_032
    grouped = [part for part in change.parts if "groups 1 -> 32" in part.what]
    assert [(part.count, part.where) for part in grouped] == [(16, "layer*.*.conv2")]
    # Grouped 3x3 of twice the width: 9 * (2 c)**2 / 32 weights where 9 * c**2 were, 3, 4, 6 and 3 times.
    assert grouped[0].params == sum(n * 9 * c * c * (4 - 32) // 32 for n, c in ((3, 64), (4, 128), (6, 256), (3, 512)))
    assert {part.kind for part in change.parts} == {"changed", "resized"}  # nothing is added or removed


def test_a_se_resnet_is_a_resnet_with_gates():
    """Two linear layers with biases for each of 16 blocks, to a sixteenth of the channels (arXiv:1709.01507)."""
    found = diff(zoo("resnet50"), zoo("seresnet50"))
    (change,) = found.changes
    assert change.what == "bottleneck: gate identity -> squeeze_excite" and change.count == 16
    gates = sum(n * (2 * c * c // 16 + c // 16 + c) for n, c in ((3, 256), (4, 512), (6, 1024), (3, 2048)))
    assert change.params == gates == 2_530_992
    assert [(part.kind, part.what, part.count, part.where) for part in change.parts] == [
        ("added", "squeeze_excite", 16, "layer*.*.se")
    ]
    assert "now `layer1.0.se.global_avg_pool`" in found.remark  # why the receptive field is small


def test_a_wider_mobilenet_is_the_same_network():
    """Published: torchvision has 3,504,872 parameters at width 1, and timm's mobilenetv2_140 has 6,108,776."""
    found = diff(zoo("mobilenet_v2"), zoo("mobilenet_v2_w1_4"))
    assert found.settings == "MobileNetV2: width 1.0 -> 1.4" and found.remark == ""
    assert {part.kind for c in found.changes for part in (c, *c.parts)} == {"block", "changed", "resized"}
    assert sum(c.params for c in found.changes) == 6_108_776 - 3_504_872
    ends, blocks, rest = found.changes
    # 32 * 1.4 is rounded to 48, the last layer's 1280 to 1792: to multiples of 8 (arXiv:1801.04381)
    assert ends.what == "conv_bn: c 32 -> 48, 1280 -> 1792 (x1.4 to x1.5)"
    assert blocks.count == 17 and blocks.what.startswith("inverted_residual: c 16 -> 24, 24 -> 32 … 320 -> 448")
    assert blocks.parts[0].what.startswith("conv: channels and groups 32 -> 48")  # depthwise
    assert rest.kind == "resized" and rest.params == (1792 - 1280) * 1000


BLOCK = "block unit(c) { conv(c, 3) -> batch_norm -> relu }"


def test_an_inserted_block_is_an_insertion():
    before = net("b: seq { unit(8); unit(16); unit(32) }", blocks=BLOCK)
    after = net("b: seq { unit(8); unit(24); unit(16); unit(32) }", blocks=BLOCK)
    kinds = told(before, after)
    assert ("added", 1, "unit (3 -> 4 in b)", "b.1") in kinds or ("repeat", 1, "b: repeat 3 -> 4 (unit)", "b") in kinds
    assert not [k for k in kinds if k[0] in ("changed", "replaced", "removed")]


def test_an_inserted_operator_is_an_insertion():
    assert told(net("conv(8, 3) -> relu"), net("conv(8, 3) -> batch_norm -> relu")) == [
        ("added", 1, "batch_norm", "batch_norm")
    ]
    assert told(net("conv(8, 3) -> dropout(0.5) -> relu"), net("conv(8, 3) -> relu")) == [
        ("removed", 1, "dropout", "dropout")
    ]


def test_repeats_fold():
    def stages(n):
        return net(f"stage1: repeat 2 {{ unit(8) }}\nstage3: repeat {n} {{ unit(16) }}", blocks=BLOCK)

    assert told(stages(6), stages(8)) == [("repeat", 2, "stage3: repeat 6 -> 8 (unit)", "stage3")]
    assert told(stages(8), stages(6)) == [("repeat", 2, "stage3: repeat 8 -> 6 (unit)", "stage3")]


def test_arguments_fold_with_their_ratio():
    def wide(w):
        return net("\n".join(f"s{i}: conv({w * c}, 3, groups = 1)" for i, c in enumerate((8, 16, 32, 64))))

    (first, *_) = diff(wide(1), wide(2)).changes
    assert first.kind == "changed"
    changes = [(c.kind, c.what, c.where) for c in diff(wide(1), wide(2)).changes]
    assert changes[0] == ("changed", "conv: channels 8 -> 16", "s0")


def test_a_replaced_operator():
    kinds = told(net("a: seq { conv(8, 3); relu }"), net("a: seq { conv(8, 3); relu6 }"))
    assert kinds == [("replaced", 1, "relu -> relu6", "a.1")]


def test_interface_breaks():
    base = net("conv(8, 3)")
    found = diff(base, net("conv(8, 3)", head="input image: f32[N, 3, 32, 32]")).interface
    assert found.verdict == "breaking" and found.breaking == ("input `x` was removed", "input `image` is new")
    found = diff(base, net("conv(8, 3)", head="input x: f32[N, 3, 64, 64]")).interface
    assert [line.split(":")[0] for line in found.breaking] == ["input `x`", "output `y`"]
    found = diff(base, net("c: conv(8, 3)")).interface
    assert not found.breaking
    assert found.weights == (
        "2 of 2 parameters gone: conv.weight, conv.bias", "2 of 2 parameters new: c.weight, c.bias",
    )  # fmt: skip
    assert diff(base, net("conv(8, 5)")).interface.weights == ("1 of 2 parameters of another shape: conv.weight",)


def test_what_breaks_a_caller_and_what_does_not():
    """An input that takes more, or an output more at the end, is no break; what takes less is."""

    def fixed(batch, type="f32"):
        return net("conv(8, 3)", head=f"input x: {type}[{batch}, 3, 32, 32]")

    found = diff(fixed("1"), fixed("N")).interface
    assert found.verdict == "compatible" and len(found.notes) == 2
    assert diff(fixed("N"), fixed("1")).interface.verdict == "breaking"
    assert diff(fixed("N"), fixed("M")).interface.verdict == "compatible"
    found = diff(fixed("N"), fixed("N", "f16")).interface
    assert found.breaking[0] == "input `x`: f32[N, 3, 32, 32] -> f16[N, 3, 32, 32]"
    assert found.weights == ("2 of 2 parameters of another type: conv.weight, conv.bias",)
    one = net("conv(8, 3)")
    more = one.replace(outputs={**one.outputs, "b": "f32[N, 8, 32, 32]"})
    assert diff(one, more).interface.notes == ("output `b` is new",) and not diff(one, more).interface.breaking
    assert diff(more, one).interface.breaking == ("output `b` was removed",)
    turned = more.replace(outputs=dict(reversed(more.outputs.items())))
    assert diff(more, turned).interface.breaking == ("the order of the outputs changed",)
    assert "the order of the outputs changed" in diff(one, turned).interface.breaking


@pytest.mark.parametrize("call", ["relu", "mish", "conv(4, 3)"])
def test_the_operator_set_is_that_of_the_file(call, tmp_path):
    """As ``onnx`` reads it from the model that is written."""
    import onnx

    from archdsl.project.baseline import figures
    from archdsl.project.compiling import compile

    graph = load(f"arch 1\nnetwork Net() {{ input x: f32[N, 3, 8, 8]; {call} }}\n").graph()
    compile(graph, tmp_path / "net.onnx")
    (declared,) = onnx.load(tmp_path / "net.onnx").opset_import
    assert figures(graph).opset == declared.version


def test_a_newer_operator_set_breaks_older_runtimes():
    base = net("conv(8, 3)")
    old, new = base.replace(opset=17), base.replace(opset=20)
    assert diff(old, new).interface.breaking == ("ONNX opset 17 -> 20: older runtimes cannot load it",)
    found = diff(new, old).interface
    assert found.verdict == "compatible" and found.notes == ("ONNX opset 20 -> 17: older runtimes can load it too",)
    assert diff(base, new).interface.verdict == "compatible"  # nobody asked


def test_snapshots_survive_json():
    taken = zoo("seresnet50")
    again = from_record(json.loads(json.dumps(to_record(taken))))
    assert again == taken and diff(taken, again).changes == ()


def test_symbols_without_values():
    a, b = (net(f"conv({c}, 3)", head="input x: f32[N, 3, H, W]") for c in (8, 16))
    found = diff(a, b)
    assert found.figures[0].new - found.figures[0].old == 224 == sum(c.params for c in found.changes)
    assert next(f for f in found.figures if f.quantity == "macs").new != 0


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sampled_from(["conv(4, 3)", "relu", "batch_norm", "unit(4)", "unit(8)"]), min_size=1, max_size=9),
    st.data(),
)
def test_one_insertion_is_told_as_one(stages, data):
    """Inserting a stage changes nothing else but sizes: every old operator keeps a partner of its kind."""
    at = data.draw(st.integers(0, len(stages)))
    fresh = data.draw(st.sampled_from(["max_pool(2)", "sigmoid"]))
    old, new = (
        net(f"b: seq {{ {'; '.join(s)} }}", blocks=BLOCK) for s in (stages, [*stages[:at], fresh, *stages[at:]])
    )
    pairs = align(old.layers, new.layers)
    assert [p.new.layer.op for p in pairs if p.old is None] == [fresh.partition("(")[0]]
    assert all(p.new is not None and p.old.layer.op == p.new.layer.op for p in pairs if p.old is not None)


def test_long_chains_are_matched_by_name():
    a = net("repeat 700 { relu }")
    b = net("sigmoid; repeat 700 { tanh }")
    assert sum(c.count for c in diff(a, b).changes) >= 700


def test_the_command(tmp_path):
    (tmp_path / "a.arch").write_text("arch 1\nnetwork Net() { input x: f32[N, 3, 8, 8]; conv(4, 3); output y }\n")
    (tmp_path / "b.arch").write_text("arch 1\nnetwork Net() { input x: f32[N, 3, 8, 8]; conv(6, 3); output y }\n")
    document = json.loads(run("archdsl diff a.arch b.arch --format json", tmp_path).output)
    assert document["format"] == "archdsl.diff" and document["figures"]["params"] == {
        "old": 112,
        "new": 168,
        "unit": "",
    }
    assert document["changes"][0]["what"] == "conv: channels 4 -> 6"
    assert (
        "| ~ conv: channels 4 -\\> 6 | conv | +56 | +3,456 |"
        in run("archdsl diff a.arch b.arch --format markdown", tmp_path).output
    )
    assert run("archdsl diff a.arch b.arch --strict", tmp_path).status == 1  # the output has six channels now
    assert run("archdsl diff a.arch a.arch --strict", tmp_path).status == 0
    assert run("archdsl diff a.arch nowhere.arch", tmp_path).status == 2
