"""The commands, run in this process: what they print where, and how they end."""

import io
import json
import sys
from pathlib import Path

import pytest

from archdsl.cli import main, output

SPEC = """arch 1

## A small net.
network Net(width = 8) {
  input x: f32[N, 3, 16, 16]
  stem: conv(width, 3) -> relu
  head: conv(4, 3, bias = false)
  output y
}
variant small = Net() { expect params == 512; budget { macs <= 200K } }
variant wide = Net(width = 16)
"""


class Done:
    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err

    def json(self):
        return json.loads(self.out)


@pytest.fixture
def cli(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    Path("net.arch").write_text(SPEC)

    def run(*arguments, stdin=""):
        monkeypatch.setattr(sys, "argv", ["archdsl", *arguments])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8"))
        with pytest.raises(SystemExit) as end:
            main()
        captured = capsys.readouterr()
        return Done(end.value.code, captured.out, captured.err)

    return run


# check


def test_check_tells_measured_bound_and_headroom(cli):
    done = cli("check", "net.arch")
    assert done.status == 0
    assert [line.split() for line in done.out.splitlines()] == [
        ["net.arch"],
        ["small"],
        ["params", "512", "==", "512", "holds"],
        ["macs", "129,024", "<=", "200,000", "holds,", "35.5%", "left"],
        ["wide", "no", "claims"],
    ]
    assert done.err == "checked 1 target, 2 networks: no findings\n"


def test_check_of_one_variant_and_of_folders(cli, tmp_path):
    assert "wide" not in cli("check", "net.arch:small").out
    (tmp_path / "more" / ".hidden").mkdir(parents=True)
    (tmp_path / "more" / "a.arch").write_text(SPEC)
    (tmp_path / "more" / ".hidden" / "b.arch").write_text("broken")
    done = cli("check", ".")
    assert done.status == 0 and "checked 2 targets, 4 networks" in done.err
    empty = tmp_path / "empty"
    empty.mkdir()
    assert cli("check", "empty").status == 2


def test_check_reports_broken_claims(cli):
    Path("net.arch").write_text(SPEC.replace("512", "513").replace("200K", "100K"))
    done = cli("check", "net.arch")
    assert done.status == 1
    assert "error[E0401]" in done.out and "error[E0402]" in done.out
    assert "BROKEN" in done.out and "29.0% beyond" in done.out
    assert done.err == "checked 1 target, 2 networks: 2 errors\n"


def test_check_formats(cli):
    Path("net.arch").write_text(SPEC.replace("conv(4, 3", "conv(4, 4"))
    concise = cli("check", "net.arch", "--format", "concise")
    assert concise.status == 1
    assert concise.out.startswith("net.arch:7:9: error[E0206]: ") and concise.out.count("\n") == 1
    read = cli("check", "net.arch", "--format=json").json()
    assert (read["format"], read["format_version"], read["errors"], read["warnings"]) == ("archdsl.check", 1, 1, 0)
    assert (read["diagnostics"][0]["code"], read["diagnostics"][0]["line"]) == ("E0206", 7)


def test_check_json_has_the_claims(cli):
    small, wide = cli("check", "net.arch", "--format", "json").json()["targets"][0]["variants"]
    assert [(c["subject"], c["measured"], c["op"], c["bound"], c["ok"]) for c in small["claims"]] == [
        ("params", 512, "==", 512, True),
        ("macs", 129024, "<=", 200000, True),
    ]
    assert small["claims"][1]["headroom"] == pytest.approx(1 - 129024 / 200000)
    assert wide == {"name": "wide", "claims": []}


def test_check_goes_on_after_a_bad_target(cli):
    done = cli("check", "missing.arch", "net.arch", "resnet5O")
    assert done.status == 2
    assert "E0001" in done.out and "E0003" in done.out and "did you mean `resnet50`" in done.out
    assert "small" in done.out


def test_a_misspelt_file_is_named(cli):
    for name in ("Net.arch", "./nte.arch", "net.arc"):
        done = cli("check", name)
        assert done.status == 2 and "did you mean `net.arch`?" in done.out, done.out


def test_check_reads_standard_input(cli):
    assert cli("check", "-", stdin=SPEC).status == 0
    assert cli("check", "-", stdin="arch 1\nnetwork {").status == 1


# show, cost, ops, explain, list


def test_show_as_text_and_drawings(cli):
    text = cli("show", "net.arch")
    assert text.status == 0 and text.err == ""
    assert text.out.startswith("## A small net.\ngraph ") and "%stem.conv: f32[N, 8, 16, 16]" in text.out
    mermaid = cli("show", "net.arch", "--format", "mermaid").out.splitlines()
    assert mermaid[0] == "flowchart TD" and len(mermaid) == 1 + 4 + 3  # the activation is in the box of its layer
    assert '["3×3 conv, 8<br/>relu"]' in mermaid[2]
    dot = cli("show", "net.arch", "--format", "dot", "--depth", "1").out
    assert dot.startswith('digraph "') and dot.count(" -> ") == 3 and '"8×16×16"' in dot


def test_set_and_bind(cli):
    assert "f32[N, 32, 16, 16]" in cli("show", "net.arch", "--set", "width=32").out
    assert "f32[5, 8, 16, 16]" in cli("show", "net.arch", "--bind", "N=5").out
    assert cli("show", "net.arch:wide", "--set", "width=32", "--bind", "N=5").out.count("f32[5, 32, 16, 16]") == 2


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--set", "width"], "E0007"),
        (["--set", "width=1 + 1"], "E0007"),
        (["--set", "width=1\nlet b = 2"], "E0007"),
        (["--set", "width=1", "--set", "width=2"], "E0007"),
        (["--set", "widht=1"], "E0202"),
        (["--bind", "N=0"], "E0007"),
        (["--bind", "K=3"], "E0007"),
        (["--bind", "N=-1"], "E0007"),
        (["--bind", "N=" + "9" * 30], "E0007"),
        (["--bind", "=1"], "E0007"),
        (["--format", "jsno"], "E0007"),
        (["--depth", "2"], "E0007"),
    ],
)
def test_bad_option_values(cli, arguments, code):
    done = cli("show", "net.arch", *arguments)
    assert done.status == (1 if code == "E0202" else 2)
    assert f"error[{code}]" in done.err and done.out == ""


def test_cost_formats(cli):
    assert "512" in cli("cost", "net.arch").out
    read = cli("cost", "net.arch", "--format", "json", "--bind", "N=2").json()
    assert read["format_version"] == 1 and read["totals"]["macs"]["value"] == 2 * 129024
    lines = cli("cost", "net.arch", "--format", "csv", "--sort", "params").out.splitlines()
    assert [line.split(",")[0] for line in lines] == ["path", "head", "stem.conv", "stem.relu"]
    assert cli("cost", "net.arch", "--format", "csv", "--select", "head").out.count("\n") == 2
    assert cli("cost", "net.arch", "--format", "markdown").out.startswith("### ")
    assert "129024 * N" in cli("cost", "net.arch", "--symbolic").out.replace(",", "")
    assert cli("cost", "net.arch", "--sort", "parms").status == 2
    assert cli("cost", "net.arch", "--bind", "K=2").status == 2
    assert cli("cost", "net.arch", "--as", "no_such_tool").status == 2
    both = cli("cost", "net.arch", "--format", "csv", "--select", "head, stem.*").out
    assert both == cli("cost", "net.arch", "--format", "csv", "--select", "head", "--select", "stem.*").out
    assert both.count("\n") == 4
    done = cli("cost", "net.arch", "--select", "tail,body.*")
    assert done.status == 2 and "`--select tail,body.*` matches no operator and no path" in done.err
    assert "`--at '*'` lists" in cli("cost", "net.arch", "--at", "qqqqqq").err


def test_ops_lists_every_operator_and_has_a_page_of_each(cli):
    from archdsl import ops

    lines = cli("ops").out.splitlines()
    listed = [
        line.split()[0]
        for line in "\n".join(lines).partition("Combinators")[0].splitlines()
        if line.strip() and line[:3] != "   "
    ]
    assert [name for name in listed if name != "Operators"] == ops.names()
    assert {"seq", "residual", "conv_bn", "inverted_residual"} <= {line.split()[0] for line in lines if line}
    assert max(map(len, lines)) <= 120
    page = cli("ops", "conv").out
    assert page.startswith("conv(channels, kernel, stride = 1, ") and "Targets  onnx torch" in page
    assert "conv(64, 3, stride = 2) : f32[N,3,224,224] -> f32[N,64,112,112]" in page and "independent groups" in page
    assert cli("ops", "conv", "--format", "json").json()["ops"][0]["arguments"][0]["name"] == "channels"
    done = cli("ops", "cnv")
    assert done.status == 2 and "did you mean `conv`" in done.err


def test_explain(cli):
    assert cli("explain", "e0305").out.startswith("# E0305: ")
    assert "E0305  the groups do not divide the channels" in cli("explain").out
    assert cli("explain", "E9999").status == 2
    assert cli("explain", "../../setup").status == 2
    read = cli("explain", "E0007", "--format", "json").json()
    assert read["codes"][0]["code"] == "E0007" and read["codes"][0]["headline"]


def test_list_of_the_zoo(cli):
    names = cli("list", "mobilenet_v2*", "--format", "names").out.split()
    assert "mobilenet_v2" in names
    read = cli("list", "lenet*", "--format", "json").json()
    assert read["networks"] and all(net["params"] > 0 and net["macs"] > 0 for net in read["networks"])
    modern = next(net for net in read["networks"] if net["name"] == "lenet5")
    assert (modern["family"], modern["year"], modern["ledger_ids"]) == ("lenet", 1998, ["lenet5_modern"])
    assert (modern["depth"], modern["receptive_field"]) == (5, 32)  # C1 to the output; C5 sees the whole image
    assert {"params", "macs", "peak_activations", "input", "spec", "partial"} <= set(modern)
    # the number of the paper's authors' successors, torchvision's: tests/zoo/test_zoo.py has all of them
    assert "3,504,872" in cli("list", "mobilenet_v2").out
    assert cli("list", "no_such*").status == 2
    assert "did you mean `'resn*'`?" in cli("list", "resn").err


# fmt, init


def test_fmt_in_place_check_diff_and_standard_input(cli):
    ugly = SPEC.replace("conv(width, 3)", "conv( width,3 )")
    Path("net.arch").write_text(ugly)
    assert cli("fmt", "--check", "net.arch").status == 1 and Path("net.arch").read_text() == ugly
    diff = cli("fmt", "--diff", "net.arch")
    assert diff.status == 1 and "-  stem: conv( width,3 ) -> relu\n+  stem: conv(width, 3) -> relu\n" in diff.out
    Path("net.arch").chmod(0o640)
    assert cli("fmt", "net.arch").status == 0
    formatted = Path("net.arch").read_text()
    assert "conv(width, 3)" in formatted and Path("net.arch").stat().st_mode & 0o777 == 0o640
    assert cli("fmt", "--check", "net.arch").status == 0
    assert cli("fmt", "-", stdin=ugly).out == formatted
    assert [path.name for path in Path().iterdir()] == ["net.arch"]


def test_fmt_leaves_what_does_not_parse(cli):
    Path("net.arch").write_text("arch 1\nnetwork {")
    done = cli("fmt", "net.arch")
    assert done.status == 1 and "error[E01" in done.err and Path("net.arch").read_text() == "arch 1\nnetwork {"


def test_init_writes_a_spec_that_checks_and_is_formatted(cli):
    assert cli("init", "new.arch").status == 0
    done = cli("check", "new.arch", "--strict")
    assert done.status == 0, done.out
    assert cli("fmt", "--check", "new.arch").status == 0
    Path("new.arch").write_text("mine")
    assert cli("init", "new.arch").status == 2 and Path("new.arch").read_text() == "mine"
    assert cli("init", "new.arch", "--force").status == 0
    assert cli("init", "new.txt").status == 2


# compile


def test_compile_ends_in_one_line(cli):
    import onnx

    done = cli("compile", "net.arch:small", "-o", "model.onnx")
    assert done.status == 0 and done.out == ""
    assert done.err.startswith("small -> model.onnx: depth 2, 512 parameters, 129,024 MACs, ")
    assert done.err.endswith(" s\n") and done.err.count("\n") == 1
    onnx.checker.check_model(onnx.load("model.onnx"), full_check=True)


def test_compile_without_a_variant_says_which(cli):
    done = cli("compile", "net.arch")
    assert done.status == 0 and "the first variant, small" in done.err and Path("small.onnx").is_file()


def test_compile_several_into_a_folder(cli):
    assert cli("compile", "net.arch", "--all", "-o", "models/").status == 0
    assert sorted(path.name for path in Path("models").iterdir()) == ["small.onnx", "wide.onnx"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["net.arch:small", "net.arch:wide", "-o", "model.onnx"], "E0006"),
        (["net.arch:small", "./net.arch:small"], "E0006"),
        (["net.arch", "-o", "net.arch"], "E0007"),
        (["net.arch", "-o", "."], "E0005"),
        (["net.arch", "-o", "missing/model.onnx"], "E0005"),
        (["net.arch:tiny"], "E0004"),
        (["missing.arch"], "E0001"),
        (["net.arch", "--to", "onnxx"], "E0605"),
        (["net.arch", "--opset", "3"], "E0603"),
        (["net.arch", "--init", "magic"], "E0603"),
        (["net.arch", "--weights", "some"], "E0603"),
        (["net.arch", "--weights", "w.pth", "--backend", "torch"], "E0007"),
    ],
)
def test_compile_refuses_before_it_writes(cli, arguments, code):
    done = cli("compile", *arguments)
    assert done.status == 2 and f"error[{code}]" in done.err
    assert [path.name for path in Path().iterdir()] == ["net.arch"] and Path("net.arch").read_text() == SPEC


def test_compile_options_reach_the_file(cli):
    import onnx

    assert cli("compile", "net.arch", "-o", "a.onnx", "--seed", "1", "--bind", "N=8", "--opset", "19").status == 0
    assert cli("compile", "net.arch", "-o", "b.onnx", "--seed", "2", "--bind", "N=8", "--opset", "19").status == 0
    a, b = onnx.load("a.onnx"), onnx.load("b.onnx")
    assert a.opset_import[0].version == 19
    assert a.graph.input[0].type.tensor_type.shape.dim[0].dim_value == 8
    assert a.graph.initializer[0].raw_data != b.graph.initializer[0].raw_data
    assert cli("compile", "net.arch", "-o", "c.onnx", "--weights", "none").status == 0
    assert not onnx.load("c.onnx").graph.initializer
    assert cli("compile", "net.arch", "-o", "d.onnx", "--external-data").status == 0
    assert len(list(Path().glob("d*.data"))) == 1


# usage


@pytest.mark.parametrize(
    "arguments", [["chekc"], ["check", "--fromat", "json"], ["cost", "net.arch", "--depth", "x"], ["cost"]]
)
def test_usage_errors_are_told_on_stderr(cli, arguments):
    done = cli(*arguments)
    assert done.status == 2 and done.out == "" and "Usage: archdsl" in done.err


def test_version_and_help(cli):
    assert cli("--version").out.startswith("archdsl ")
    text = cli("--help").out
    from archdsl.cli import COMMANDS

    assert all(f"\n  {name} " in text for name in COMMANDS)
    for name in COMMANDS:
        assert cli(name, "--help").status == 0


# options of backends


@pytest.mark.parametrize(
    "option", [("--deploy",), ("--opset", "18"), ("--seed", "1"), ("--external-data",), ("--init", "zeros")]
)
def test_an_option_of_another_backend_is_a_usage_error(cli, option):
    done = cli("compile", "net.arch:small", "--backend", "torch", "-o", "net.py", *option)
    assert done.status == 2 and "E0603" in done.err and f"`{option[0][2:].replace('-', '_')}`" in done.err
    assert "its options: none" in done.err and not Path("net.py").exists()


def test_help_lists_options_by_backend(cli):
    text = cli("compile", "--help").out
    common, _, onnx = text.partition("\nOptions of the backend onnx:\n")
    for flag in (
        "--deploy",
        "--fold / --no-fold",
        "--opset",
        "--seed",
        "--init",
        "--external-data / --no-external-data",
    ):
        assert f"  {flag}" in onnx and flag not in common
    assert "--weights" in common and "--bind" in common


def test_a_mistaken_value_of_an_option(cli):
    done = cli("compile", "net.arch:small", "-o", "a.onnx", "--init", "kaimin")
    assert done.status == 2 and "did you mean `kaiming" in done.err
    assert cli("compile", "net.arch:small", "-o", "a.onnx", "--opset", "x").status == 2
    assert not Path("a.onnx").exists()


# cost -o


@pytest.mark.parametrize("options", [["--memory"], ["--set", "width=4..8"]])
def test_cost_draws_besides_what_it_prints(cli, options):
    plain = cli("cost", "net.arch", *options)
    done = cli("cost", "net.arch", *options, "-o", "net.svg")
    assert (done.status, done.out, done.err) == (0, plain.out, "")
    assert Path("net.svg").read_text().startswith("<svg ")
    assert cli("cost", "net.arch", *options, "-o", "net.svg").status == 0  # ours: replaced


@pytest.mark.parametrize("options, code, told", [
    (["-o", "net.svg"], "E0007", "draws `--memory`"),
    (["--memory", "-o", "net.png"], "E0007", "ends in `.png`"),
    (["--memory", "-o", "theirs.svg"], "E0006", "not a chart that archdsl wrote"),
    (["--set", "width=1..3", "-o", "theirs.svg"], "E0006", "not a chart that archdsl wrote"),
    (["--memory", "-o", "nowhere/net.svg"], "E0005", "no folder"),
    (["--set", "width=0..0", "-o", "net.svg"], "E0007", "nothing to draw"),
])  # fmt: skip
def test_cost_refuses_what_it_cannot_draw(cli, options, code, told):
    Path("theirs.svg").write_text("<svg/>")
    done = cli("cost", "net.arch", *options)
    assert done.status == 2 and code in done.err and told in done.err, done.err
    assert Path("theirs.svg").read_text() == "<svg/>" and not Path("net.svg").exists()


# progress


@pytest.mark.parametrize("line, told", [
    ("check net.arch", "checking net.arch"), ("cost net.arch", "counting net.arch"), ("cost net.arch --at stem", "counting net.arch"),
    ("cost net.arch --memory", "planning the memory of net.arch"), ("cost net.arch --set width=1..3", "member 3 of 3"),
    ("diff net.arch:small net.arch:wide", "comparing net.arch:small"), ("show net.arch", "elaborating net.arch"),
    ("fit net.arch --vary width=1..9 --budget macs<=90K", "member 9 of 9"), ("lint net.arch", "net.arch"),
    ("fmt --check net.arch", "formatting"), ("which net.arch", "with the zoo"), ("compile net.arch -o net.onnx", "compiling"),
])  # fmt: skip
def test_what_takes_longer_than_a_second_says_what_it_does(cli, monkeypatch, line, told):
    """On a terminal, and nothing is left of it; elsewhere nothing is said."""
    monkeypatch.setattr(output, "_began", output.monotonic() - 5)
    assert "\r" not in cli(*line.split()).err
    monkeypatch.setattr(output.sys, "stderr", terminal := Terminal())
    monkeypatch.setattr(sys, "argv", ["archdsl", *line.split()])
    with pytest.raises(SystemExit):
        main()
    said = terminal.getvalue()
    assert told in said and "…\r\x1b[K" in said


class Terminal(io.StringIO):
    def isatty(self):
        return True

    def fileno(self):
        return 2
