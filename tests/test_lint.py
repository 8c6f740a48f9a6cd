"""Design rules: each where it should speak and where it should not, and the zoo's findings as a golden file."""

import json
from pathlib import Path

import pytest
from console import run
from markdown import ROOT

from archdsl import load
from archdsl.driver import open_program, zoo_files
from archdsl.passes.lint import lint, rules
from archdsl.passes.ranges import ranges, signs

GOLDEN = ROOT / "tests" / "data" / "lint_zoo.txt"


def graph(body, head="x: f32[N, 8, 32, 32]", blocks=""):
    return load(f"arch 1\n{blocks}\nnetwork Net() {{ input {head}\n{body}\n}}\n").graph()


def codes(body, head="x: f32[N, 8, 32, 32]", **more):
    return sorted(d.code for d in lint(graph(body, head, **more)))


SPEAKS = [
    ("W0401", "conv(16, 3) -> batch_norm"),
    ("W0401", "conv(16, 3) -> instance_norm"),
    ("W0402", "max_pool(1, stride = 2)"),
    ("W0402", "conv(16, [1, 3], stride = 2, bias = false)"),
    ("W0403", "conv(16, 3, stride = 3)"),
    ("W0404", "relu -> max_pool(4)"),
    ("W0405", "(in -> relu, in) -> concat"),
    ("W0405", "(in -> conv(8, 3), in -> sigmoid) -> add"),
    ("W0406", "global_avg_pool -> flatten -> linear(9)"),
    ("W0407", "max_pool(8) -> conv(16, 3) -> global_avg_pool -> flatten -> linear(4)"),
    ("W0407", "conv(16, 3) -> global_avg_pool -> flatten -> linear(4)"),
    ("W0408", "conv(16, 3) -> global_avg_pool -> flatten -> linear(4)"),
    ("W0409", "conv(16, 1) -> conv(32, 1)"),
    ("W0410", "dropout(0.1) -> relu -> batch_norm"),
    ("W0411", "relu -> residual { conv(8, 3) -> sigmoid }"),
    ("W0412", "conv(8, 3) -> flatten -> linear(10)"),
    ("W0413", "conv(8, 7)"),
]
SILENT = [
    ("W0401", "conv(16, 3, bias = false) -> batch_norm"),
    ("W0401", "conv(16, 3) -> relu -> batch_norm"),
    ("W0401", "conv(16, 3) -> layer_norm"),
    ("W0401", "let a = in -> conv(16, 3)\n(a -> batch_norm, a) -> concat"),
    ("W0402", "conv(16, 2, stride = 2, pad = valid)"),
    ("W0402", "conv_transpose(8, 1, stride = 2)"),
    ("W0403", "conv(16, 3, stride = 2)"),
    ("W0404", "conv(16, 3, stride = 2)"),
    ("W0404", "global_avg_pool"),
    ("W0405", "(in -> relu, in -> relu) -> concat"),
    ("W0405", "(in, in) -> add"),
    ("W0405", "in + param([1, 8, 1, 1])"),
    ("W0406", "global_avg_pool -> flatten -> linear(8)"),
    ("W0407", "max_pool(4) -> global_avg_pool -> flatten -> linear(4)"),
    ("W0408", "repeat 6 { conv(8, 7) }\nglobal_avg_pool -> flatten -> linear(4)"),
    ("W0409", "conv(4, 1) -> conv(16, 1)"),
    ("W0409", "conv(16, 1) -> relu -> conv(32, 1)"),
    ("W0409", "conv(8, 3, groups = 8) -> conv(16, 1)"),
    ("W0410", "batch_norm -> dropout(0.1)"),
    ("W0410", "dropout(0.0) -> batch_norm"),
    ("W0411", "relu -> residual { conv(8, 3) -> tanh }"),
    ("W0411", "residual { conv(8, 3) } -> relu"),
    ("W0412", "flatten -> linear(10)"),
    ("W0413", "conv(8, 5, stride = 2)"),
    ("W0413", "conv(8, 7, groups = 8)"),
]


@pytest.mark.parametrize(("code", "body"), SPEAKS)
def test_a_rule_speaks(code, body):
    assert code in codes(body)


@pytest.mark.parametrize(("code", "body"), SILENT)
def test_a_rule_is_silent(code, body):
    assert code not in codes(body)


def test_every_rule_is_tried_both_ways():
    assert {code for code, _ in SPEAKS} == {code for code, _ in SILENT} == set(rules())


def test_symbols_without_values_are_no_fault():
    lint(
        graph(
            "conv(8, 3, stride = 2) -> relu -> max_pool(2) -> global_avg_pool -> flatten -> linear(4)",
            "x: f32[N, 3, H, W]",
        )
    )


def test_ranges_hold_what_is_computed():
    """Every value of random inputs, as ONNX Runtime computes it, lies in its interval."""
    import numpy as np

    from archdsl import run as execute

    body = """
    let a = in -> relu6
    let b = in -> conv(8, 3) -> tanh
    y1: (a, b) -> concat
    y2: a * (b -> sigmoid)
    y3: a - (b -> abs)
    y4: (a, b) -> max
    y5: b -> avg_pool(3, pad = 1) -> softplus -> max_pool(2)
    y6: in -> gelu
    y7: in -> silu -> leaky_relu
    y8: in -> hard_swish
    y9: in -> mish
    """ + "\n".join(f"output o{i} = y{i}" for i in range(1, 10))
    made = graph(body)
    x = np.random.default_rng(0).normal(0, 6, (1, 8, 32, 32)).astype(np.float32)
    known = ranges(made)
    for name, array in execute(made, {"x": x}).items():
        low, high = known[made.outputs[name]]
        assert low - 1e-5 <= array.min() and array.max() <= high + 1e-5, name
    assert signs(known[made.outputs["o2"]]) == "non-negative" and signs(known[made.outputs["o1"]]) == "signed"


def test_the_zoo():
    """The findings are reviewed one by one in docs/lint.md. After a change: ARCHDSL_UPDATE=1, and review again."""
    import os

    found = []
    for file in zoo_files():
        program = open_program(file)
        for name in program.variants:
            for d in lint(program.graph(name)):
                found.append(f"{name} {d.code} {d.message}")
    text = "\n".join(found) + "\n"
    if os.environ.get("ARCHDSL_UPDATE"):
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")
    assert not any("archdsl: ignore" in file.read_text(encoding="utf-8") for file in zoo_files())


def test_what_a_lecturer_points_out():
    """AlexNet and VGG hold most parameters in the classifier; AlexNet's 5x5; ResNet's sums."""
    golden = GOLDEN.read_text(encoding="utf-8").splitlines()
    told = {tuple(line.split()[:2]) for line in golden}
    assert {("alexnet", "W0412"), ("vgg16", "W0412"), ("alexnet", "W0413"), ("resnet18", "W0406")} <= told
    assert any(
        line.startswith("alexnet W0412 the classifier holds 58,631,144 of 61,100,840 parameters") for line in golden
    )
    assert ("resnet50", "W0405") in told and ("resnet50", "W0412") not in told
    assert not any(name.startswith("preact") and code == "W0411" for name, code in told)


# The command

BIASED = (
    "arch 1\n\nnetwork Net() {{\n  input x: f32[N, 8, 32, 32]\n  conv(8, 3) -> batch_norm{}\n  conv(8, 7) -> relu\n}}\n"
)


def test_findings_exit_zero_unless_strict(tmp_path):
    (tmp_path / "net.arch").write_text(BIASED.format(""))
    done = run("archdsl lint net.arch", tmp_path)
    assert done.status == 0 and "warning[W0401]" in done.output and "warning[W0413]" in done.output
    assert run("archdsl lint net.arch --strict", tmp_path).status == 1
    assert run("archdsl lint net.arch --strict --select W0412", tmp_path).status == 0
    assert run("archdsl lint net.arch --strict --ignore W0401,W0413", tmp_path).status == 0
    assert run("archdsl lint net.arch --select W09", tmp_path).status == 2
    assert run("archdsl check net.arch --strict", tmp_path).status == 0  # a command of its own


@pytest.mark.parametrize(
    ("behind", "left"),
    [
        ("  # archdsl: ignore[W0401]", ["W0413"]),
        ("  # archdsl: ignore[W0401, W0413]", ["W0413", "W0420"]),
        ("\n  # archdsl: ignore[W0413]", ["W0401"]),
        ("  # archdsl: ignore", ["W0401", "W0413", "W0420"]),
        ("  # archdsl: ignore[E0401]", ["W0401", "W0413", "W0420"]),
        ("  # ignore[W0401]", ["W0401", "W0413"]),
    ],
)
def test_ignores(tmp_path, behind, left):
    (tmp_path / "net.arch").write_text(BIASED.format(behind))
    document = json.loads(run("archdsl lint net.arch --format json", tmp_path).output.partition("\nlooked")[0])
    assert sorted(d["code"] for d in document["diagnostics"]) == left


def test_ignores_reach_into_library_blocks_where_they_are_applied(tmp_path):
    head = "arch 1\nuse std.resnet (bottleneck)\nnetwork Net() {\n  input x: f32[N, 64, 32, 32]\n"
    (tmp_path / "net.arch").write_text(head + "  bottleneck(16, stride = 2)\n}\n")
    assert "W0402" in run("archdsl lint net.arch --select W0402", tmp_path).output
    (tmp_path / "net.arch").write_text(head + "  bottleneck(16, stride = 2)  # archdsl: ignore[W0402]\n}\n")
    assert run("archdsl lint net.arch --select W0402 --strict", tmp_path).status == 0


def test_an_ignore_of_what_is_not_looked_for_is_left_alone(tmp_path):
    (tmp_path / "net.arch").write_text(BIASED.format("  # archdsl: ignore[W0401]"))
    assert "W0420" not in run("archdsl lint net.arch --ignore W0401", tmp_path).output


def test_errors_are_told_and_fail(tmp_path):
    (tmp_path / "net.arch").write_text("arch 1\nnetwork Net() { input x: f32[N, 3, 8, 8]; conw(3, 3) }\n")
    done = run("archdsl lint net.arch", tmp_path)
    assert done.status == 1 and "error[E0201]" in done.output


def test_variants_share_a_finding(tmp_path):
    variants = "".join(f"variant v{i} = Net()\n" for i in range(7))
    (tmp_path / "net.arch").write_text(BIASED.format("") + variants)
    done = run("archdsl lint net.arch --select W0401", tmp_path)
    assert done.output.count("warning[") == 1 and "also in v1, v2, v3, v4, …" in done.output


def test_reports(tmp_path):
    from sarif_shape import faults

    (tmp_path / "net.arch").write_text(BIASED.format(""))
    assert run("archdsl lint net.arch --report sarif=o.sarif,github", tmp_path).status == 0
    log = json.loads(Path(tmp_path / "o.sarif").read_text())
    assert list(faults(log)) == [] and {r["level"] for r in log["runs"][0]["results"]} == {"warning"}
