"""Design rules: each where it should speak and where it should not, and the zoo's findings as a golden file."""

import inspect
import json
import re
from pathlib import Path

import pytest
from console import run
from paths import DATA, ROOT

from archdsl import load
from archdsl.analyses.ranges import ranges, signs
from archdsl.design_rules import layers, lint, machines, rules, shapes
from archdsl.design_rules.labels import unused_labels
from archdsl.design_rules.machines import MACHINES
from archdsl.driver import open_program
from archdsl.project import fix as mend
from archdsl.reading import zoo_files, zoo_names

GOLDEN = DATA / "lint_zoo.txt"


def graph(body, head="x: f32[N, 8, 32, 32]", blocks=""):
    return load(f"arch 1\n{blocks}\nnetwork Net() {{ input {head}\n{body}\n}}\n").graph()


def codes(body, head="x: f32[N, 8, 32, 32]", target=MACHINES["avx512"], **more):
    return sorted(d.code for d in lint(graph(body, head, **more), target=target))


SPEAKS = [
    ("W0401", "conv(16, 3) -> batch_norm"),
    ("W0401", "conv(16, 3) -> instance_norm"),
    ("W0402", "max_pool(1, stride = 2)"),
    ("W0402", "conv(16, [1, 3], stride = 2, bias = false)"),
    ("W0403", "conv(16, 3, stride = 3)"),
    ("W0404", "relu -> max_pool(4)"),
    ("W0404", "relu -> residual { conv(8, 3) } -> max_pool(2) -> conv(8, 3)"),
    ("W0404", "relu -> conv(8, 3, stride = 4)"),
    ("W0405", "(x -> relu, x) -> concat"),
    ("W0405", "(x -> conv(8, 3), x -> sigmoid) -> add"),
    ("W0406", "global_avg_pool -> flatten -> linear(9)"),
    ("W0406", "reduce_mean(axis = [h, w]) -> linear(9)"),
    ("W0407", "max_pool(8) -> conv(16, 3) -> global_avg_pool -> flatten -> linear(4)"),
    ("W0407", "conv(16, 3) -> global_avg_pool -> flatten -> linear(4)"),
    ("W0408", "conv(16, 3) -> global_avg_pool -> flatten -> linear(4)"),
    ("W0409", "conv(16, 1) -> conv(32, 1)"),
    ("W0410", "dropout(0.1) -> relu -> batch_norm"),
    ("W0411", "relu -> residual { conv(8, 3) -> sigmoid }"),
    ("W0412", "conv(8, 3) -> flatten -> linear(10)"),
    ("W0413", "conv(8, 7)"),
    ("W0413", "conv(8, 5, groups = 2)"),
    ("W0414", "conv(24, 3) -> conv(8, 3)"),
    ("W0414", "conv(32, 3, groups = 4) -> conv(8, 3)"),
    ("W0414", "flatten -> linear(100) -> relu -> linear(10)"),
]
SILENT = [
    # tokens: [N, T, F] has no stages, and its linear layers are no classifier
    (
        "W0406",
        "conv(16, 8, stride = 8, pad = valid) -> flatten(h) -> transpose -> linear(16) -> reduce_mean(axis = t) -> linear(40)",
    ),
    (
        "W0406",
        "conv(16, 8, stride = 8, pad = valid) -> flatten(h) -> transpose -> layer_norm -> select(t, 0) -> linear(40)",
    ),
    (
        "W0412",
        "conv(8, 8, stride = 8, pad = valid) -> flatten(h) -> transpose -> linear(90) -> linear(8) -> select(t, 0) -> linear(4)",
    ),
    ("W0405", "sigmoid(x) * zeros([8, 32, 32]) + tanh(x)"),  # the first state of a recurrent cell
    ("W0401", "conv(16, 3, bias = false) -> batch_norm"),
    ("W0401", "conv(16, 3) -> relu -> batch_norm"),
    ("W0401", "conv(16, 3) -> layer_norm"),
    ("W0401", "let a = x -> conv(16, 3)\n(a -> batch_norm, a) -> concat"),
    ("W0402", "conv(16, 2, stride = 2, pad = valid)"),
    ("W0402", "conv_transpose(8, 1, stride = 2)"),
    ("W0403", "conv(16, 3, stride = 2)"),
    ("W0404", "conv(16, 3, stride = 2)"),
    ("W0404", "global_avg_pool"),
    ("W0404", "relu -> conv(32, 3, stride = 4)"),
    ("W0404", "let a = x -> max_pool(4) -> conv(8, 1) -> resize(32)\n(a, x) -> add"),  # a way around it
    ("W0405", "(x -> relu, x -> relu) -> concat"),
    ("W0405", "(x, x) -> add"),
    ("W0405", "x + param([1, 8, 1, 1])"),
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
    ("W0414", "conv(32, 3) -> conv(3, 3)"),
    ("W0414", "conv(32, 3) -> conv(32, 3, groups = 32)"),
    ("W0414", "conv(32, 3) -> global_avg_pool -> flatten -> linear(10)"),
]


@pytest.mark.parametrize(("code", "body"), SPEAKS)
def test_a_rule_speaks(code, body):
    assert code in codes(body)


@pytest.mark.parametrize(("code", "body"), SILENT)
def test_a_rule_is_silent(code, body):
    assert code not in codes(body)


def test_every_rule_is_tried_both_ways():
    assert {code for code, _ in SPEAKS} == {code for code, _ in SILENT} == set(rules())


def test_every_rule_has_its_code() -> None:
    """In its file's table, and as the first word of its docstring: a rule that is in no table would never speak."""
    known = {function: code for code, function in rules().items()}
    for module in (layers, shapes, machines):
        for name, function in inspect.getmembers(module, inspect.isgeneratorfunction):
            if function.__module__ == module.__name__ and not name.startswith("_"):
                assert function in known, f"{name} is not in the RULES of {module.__file__}"
                assert re.match(rf"{known[function]}[:.]", function.__doc__ or ""), name


@pytest.mark.parametrize(
    ("target", "channels"),
    [("tensorcore-tf32", 4), ("tensorcore-fp16", 8), ("tensorcore-int8", 16), ("avx2", 8), ("avx512", 16), ("neon", 4),
     ("hexagon", 32)],
)  # fmt: skip
def test_what_fits_a_target(target, channels):
    """The multiples are those of the makers' documents; see the page of W0414."""
    known = MACHINES[target]
    for made in (channels - 1, channels, channels + 1, 3 * channels):
        assert ("W0414" in codes(f"conv({made}, 3) -> conv(3, 3)", target=known)) == (made % channels != 0)
    assert "W0414" not in codes(f"conv({channels + 1}, 3) -> conv(3, 3)", target=None)


def test_depthwise_channels_are_counted_together():
    body = "conv(24, 3) -> relu -> conv(24, 3, groups = 24) -> conv(3, 1)"
    for name, count in (("avx512", 2), ("tensorcore-int8", 1)):  # they do not run on tensor cores
        assert codes(body, target=MACHINES[name]).count("W0414") == count


LABELS = [
    ("skip: relu\nconv(8, 3)", ["skip"]),
    ("a: x\nconv(8, 3)", ["a"]),
    ("skip: relu\nlet b = skip -> conv(8, 3)\n(b, skip) -> add", []),
    ("stem: conv(8, 3)\nrelu", []),
    ("act: relu -> sigmoid", []),
    ("y: relu\noutput y", []),
    ("y: relu\nexpect receptive_field at y == 1", []),
    ("bottom: relu\nexpect nodes of bottom == 1", []),
    ("if false { never: relu }\nrelu", []),
]


@pytest.mark.parametrize(("body", "unused"), LABELS)
def test_labels_that_nothing_needs(body, unused):
    program = load(f"arch 1\nnetwork Net() {{ input x: f32[N, 8, 32, 32]\n{body}\n}}\n")
    found = unused_labels(program.module, [program.graph()])
    assert [d.span.text.rstrip(":") for d in found] == unused


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
    let a = x -> relu6
    let b = x -> conv(8, 3) -> tanh
    y1: (a, b) -> concat
    y2: a * (b -> sigmoid)
    y3: a - (b -> abs)
    y4: (a, b) -> max
    y5: b -> avg_pool(3, pad = 1) -> softplus -> max_pool(2)
    y6: x -> gelu
    y7: x -> silu -> leaky_relu
    y8: x -> hard_swish
    y9: x -> mish
    """ + "\n".join(f"output o{i} = y{i}" for i in range(1, 10))
    made = graph(body)
    x = np.random.default_rng(0).normal(0, 6, (1, 8, 32, 32)).astype(np.float32)
    known = ranges(made)
    for name, array in execute(made, {"x": x}).items():
        low, high = known[made.outputs[name]]
        assert low - 1e-5 <= array.min() and array.max() <= high + 1e-5, name
    assert signs(known[made.outputs["o2"]]) == "non-negative" and signs(known[made.outputs["o1"]]) == "signed"


@pytest.mark.slow
def test_the_zoo():
    """The findings are reviewed one by one in docs/lint.md. After a change: ARCHDSL_UPDATE=1, and review again."""
    import os

    found = []
    for file in zoo_files():
        program = open_program(file)
        graphs = [program.graph(name) for name in program.variants]
        for name, graph in zip(program.variants, graphs):
            found += [f"{name} {d.code} {d.message}" for d in lint(graph)]
        found += [f"{file.stem} {d.code} {d.message}" for d in unused_labels(program.module, graphs)]
    text = "\n".join(found) + "\n"
    if os.environ.get("ARCHDSL_UPDATE"):
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")
    assert not any("archdsl: ignore" in file.read_text(encoding="utf-8") for file in zoo_files())


def test_every_finding_of_the_zoo_is_reviewed():
    """The review in docs/lint.md names, for each family, exactly the codes that its networks have."""
    families = {name: file.stem for name, file in zoo_names().items()}
    found = {}
    for line in GOLDEN.read_text(encoding="utf-8").splitlines():
        name, code, _ = line.split(" ", 2)
        found.setdefault(families.get(name, name), set()).add(code)
    page = (ROOT / "docs" / "lint.md").read_text(encoding="utf-8")
    reviewed = {
        family: set(codes.split(", "))
        for family, codes, _ in re.findall(r"^\| `(\w+)` \| ((?:W\d{4}(?:, )?)+) \| (.{10,}) \|$", page, re.M)
    }
    assert reviewed == found
    assert {code for codes in found.values() for code in codes} <= set(re.findall(r"^- \*\*(W\d{4})\.", page, re.M))


def test_the_table_of_rules_is_whole():
    page = (ROOT / "docs" / "lint.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| (W\d{4}) \|", page, re.M)) == {*rules(), "W0415", "W0420"}


def test_what_a_lecturer_points_out():
    """AlexNet and VGG hold most parameters in the classifier; AlexNet's 5x5; ResNet's sums."""
    golden = GOLDEN.read_text(encoding="utf-8").splitlines()
    told = {tuple(line.split()[:2]) for line in golden}
    assert {("alexnet", "W0412"), ("vgg16", "W0412"), ("alexnet_2012", "W0413"), ("resnet18", "W0406")} <= told
    # The poolings at the end: 384 maps of 13x13 come to 256 of 6x6, 512 of 28x28 to 512 of 14x14.
    for name, before, after in (("alexnet", 384 * 13**2, 256 * 6**2), ("vgg16", 512 * 28**2, 512 * 14**2)):
        assert any(
            line.startswith(f"{name} W0404 the data volume falls from {before:,} to {after:,} ") for line in golden
        )
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
    document = json.loads(run("archdsl lint net.arch --format json", tmp_path).output.partition("\nlinted")[0])
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


# Mending


def test_fix_mends_what_is_safe_and_keeps_the_rest_as_it_was(tmp_path):
    text = BIASED.format("  # archdsl: ignore[W0402]").replace("  conv(8, 7)", "  # why seven\n  conv(8, 7)")
    (tmp_path / "net.arch").write_text(text)
    done = run("archdsl lint net.arch", tmp_path)
    assert "`--fix` can fix 2" in done.output and (tmp_path / "net.arch").read_text() == text
    before = load(text).graph()
    done = run("archdsl lint net.arch --fix", tmp_path)
    assert done.status == 0 and "fixed 2 findings in net.arch" in done.output and "W0401" not in done.output
    mended = (tmp_path / "net.arch").read_text()
    assert mended == text.replace("conv(8, 3)", "conv(8, 3, bias = false)").replace("  # archdsl: ignore[W0402]", "")
    after = load(mended).graph()
    assert [n.path for n in after.nodes] == [n.path for n in before.nodes]
    assert sorted(set(before.parameters()) - set(after.parameters())) == ["conv.bias"]
    assert "mended" not in run("archdsl lint net.arch --fix", tmp_path).output


@pytest.mark.parametrize(
    ("body", "mended"),
    [
        ("conv(8, 3, bias = true) -> batch_norm", "conv(8, 3, bias = false) -> batch_norm"),
        ("conv(8, 3, bias = biased) -> batch_norm", None),  # somebody else decides
        ("conv -> batch_norm", None),
        ("unit(true) -> unit(false)", None),  # one call makes both, and the second needs its bias
        ("unit(true) -> unit(true)", ""),
    ],
)
def test_fix_knows_when_it_is_not_safe(tmp_path, body, mended):
    text = f"""arch 1

block unit(norm) {{
  conv(8, 5)
  if norm {{ batch_norm }}
}}

network Net(biased = true) {{
  input x: f32[N, 8, 32, 32]
  with conv(channels = 8, kernel = 3) {{ {body} }}
}}
"""
    (tmp_path / "net.arch").write_text(text)
    run("archdsl lint net.arch --fix", tmp_path)
    expected = text.replace("conv(8, 5)", "conv(8, 5, bias = false)") if mended == "" else text
    assert (tmp_path / "net.arch").read_text() == (text.replace(body, mended) if mended else expected)


def test_fix_leaves_what_would_break_a_claim(tmp_path):
    text = BIASED.format("") + "variant net = Net() { expect params of conv == 584 }\n"
    (tmp_path / "net.arch").write_text(text)
    done = run("archdsl lint net.arch --fix", tmp_path)
    assert (
        tmp_path / "net.arch"
    ).read_text() == text and "1 not fixed, because the edit would break a claim" in done.output


def test_fix_of_many_layers_looks_few_times(tmp_path, monkeypatch):
    """One of 64 edits breaks a claim: it is found by halves."""
    line = "  l{0}: {{ conv(8, 3) -> batch_norm }}\n"
    text = "arch 1\n\nnetwork Net() {\n  input x: f32[N, 8, 8, 8]\n" + "".join(map(line.format, range(64))) + "}\n"
    text += "variant net = Net() { expect params of l41 == 8 * 73 + 16 }\n"
    (tmp_path / "net.arch").write_text(text)
    looks = []
    faults = mend._faults
    monkeypatch.setattr(mend, "_faults", lambda *arguments: looks.append(0) or faults(*arguments))
    done = run("archdsl lint net.arch --fix --select W0401", tmp_path)
    assert "fixed 63 findings" in done.output and "1 not fixed" in done.output, done.output
    mended = text.replace("3)", "3, bias = false)").replace("l41: { conv(8, 3, bias = false)", "l41: { conv(8, 3)")
    assert (tmp_path / "net.arch").read_text() == mended
    assert len(looks) <= 16


@pytest.mark.parametrize("target", ["-", "resnet50", "net.arch:net"])
def test_fix_is_for_files(tmp_path, target):
    (tmp_path / "net.arch").write_text(BIASED.format("") + "variant net = Net()\n")
    assert run(f"archdsl lint {target} --fix", tmp_path).status == 2


def test_a_comment_alone_on_its_line_goes_with_the_line(tmp_path):
    (tmp_path / "net.arch").write_text(BIASED.format("\n  # archdsl: ignore[W0402]"))
    run("archdsl lint net.arch --fix --select W0420,W0402", tmp_path)
    assert (tmp_path / "net.arch").read_text() == BIASED.format("")


def test_the_target_on_the_command_line(tmp_path):
    text = BIASED.format("  # archdsl: ignore[W0401, W0414]").replace("\n}", "\n  conv(8, 3)\n}")
    (tmp_path / "net.arch").write_text(text)
    assert "W04" not in run("archdsl lint net.arch --ignore W0413", tmp_path).output  # the ignore may be for a target
    done = run("archdsl lint net.arch --select W0414 --target avx512", tmp_path)
    assert "8 channels are not a multiple of 16: 50% of the work is padding" in done.output
    assert done.output.count("warning[") == 1  # the other is silenced
    assert run("archdsl lint net.arch --target abacus", tmp_path).status == 2
    assert run("archdsl lint net.arch --select W0414", tmp_path).status == 2


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
    from sarif_schema import faults

    (tmp_path / "net.arch").write_text(BIASED.format(""))
    assert run("archdsl lint net.arch --report sarif=o.sarif,github", tmp_path).status == 0
    log = json.loads(Path(tmp_path / "o.sarif").read_text())
    results = log["runs"][0]["results"]
    assert faults(log) == [] and {r["level"] for r in results} == {"warning"}
    (change,) = next(r for r in results if r["ruleId"] == "W0401")["fixes"][0]["artifactChanges"]
    (new,) = change["replacements"]
    lines = BIASED.format("").splitlines()
    region = new["deletedRegion"]
    line, column = lines[region["startLine"] - 1], region["startColumn"] - 1
    assert line[:column] + new["insertedContent"]["text"] + line[region["endColumn"] - 1 :] == line.replace(
        "conv(8, 3)", "conv(8, 3, bias = false)"
    )
