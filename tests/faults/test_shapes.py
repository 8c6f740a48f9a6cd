"""Sizes that are declared or bound are held against every rule that fixed sizes are held against."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from faults import again, archdsl, fault, network

import archdsl as api

DECLARED = "f32[N, 3, H = {h}, W = {h}]"
FIXED = "f32[1, 3, {h}, {h}]"

BODIES = {
    "valid windows": ("conv(8, 7, pad = valid) -> relu", 4),
    "the second window": ("conv(8, 3, pad = valid) -> conv(8, 3, pad = valid)", 4),
    "pooling": ("max_pool(4)", 3),
    "resizing to nothing": ("resize(scale = 0.5)", 1),
    "resizing, then a layer": ("resize(scale = 0.5) -> conv(8, 1)", 1),
    "reflecting too much": ("pad_axes(3, mode = reflect)", 3),
    "cropping too much": ("crop(5)", 4),
    "an empty slice": ("slice(axis = h, start = 4)", 4),
    "a slice from the end": ("slice(axis = h, start = 0, stop = -4)", 4),
    "a size that is nothing": ("output z = ones([x.h - 4, 1]), y = relu(x)", 4),
    "parts that are nothing": ("split([x.h - 4, 4], axis = h) -> concat(axis = h)", 4),
    "two faults": ("split([x.h - 4, 4], axis = h) -> concat(axis = h)\nconv(4, 9, pad = valid)", 4),
}
"""Networks that fixed sizes refuse, and the sizes."""

COMMANDS = (
    "check net.arch", "lint net.arch", "cost net.arch", "cost net.arch --memory", "show net.arch",
    "diff net.arch net.arch", "compile net.arch -o net.onnx", "compile net.arch --backend torch -o net.py", "run net.arch",
)  # fmt: skip


def refusals(output: str) -> set[tuple[str, str]]:
    """Code and line of each error; the text of the network is the same, but for the sizes in its input."""
    return set(re.findall(r"error\[(\w+)\][^\n]*\n +--> net\.arch:(\d+)", output))


@fault(
    "F03",
    "types at declared sizes were computed by inserting numbers into polynomials: no rule saw the numbers",
    "declared in input, --bind of cost, fit, sweeps, variants, bind= of Python, graphs, the data form; all commands",
)
@pytest.mark.parametrize("name", BODIES)
def test_declared_sizes_are_refused_as_fixed_sizes_are(tmp_path: Path, name: str) -> None:
    body, h = BODIES[name]
    wanted = refusals(archdsl(tmp_path, "check net.arch", net__arch=network(body, FIXED.format(h=h))).output)
    assert wanted
    declared = network(body, DECLARED.format(h=h))
    for command in COMMANDS[:2]:
        done = archdsl(tmp_path, command, net__arch=declared)
        assert done.status == 1, done.output
        assert refusals(done.output) == wanted, command


@again("F03")
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_refuses(tmp_path: Path, command: str) -> None:
    text = network("conv(8, 7, pad = valid) -> relu\nconv(8, 3, pad = valid)", DECLARED.format(h=4))
    done = archdsl(tmp_path, command, net__arch=text)
    assert done.status == 1, done.output
    assert refusals(done.output) == {("E0302", "5")}


@again("F03")
def test_a_binding_takes_the_place_of_a_declared_size(tmp_path: Path) -> None:
    text = network("conv(8, 7, pad = valid) -> relu\nconv(8, 3, pad = valid)", DECLARED.format(h=4))
    for command in COMMANDS:
        done = archdsl(tmp_path, f"{command} --bind H=9 --bind W=9", net__arch=text)
        assert done.status == 0, (command, done.output)
    valid = network("conv(8, 7, pad = valid)", DECLARED.format(h=32))
    for command in ("cost net.arch", "check net.arch"):
        done = archdsl(tmp_path, f"{command} --bind H=4", net__arch=valid)
        assert done.status == 1
        assert refusals(done.output) == {("E0302", "5")}


@again("F03")
def test_members_that_cannot_exist_are_not_chosen(tmp_path: Path) -> None:
    text = """arch 1
network Net(res = 32) {
  input x: f32[N, 3, H = res, W = res]
  conv(8, 7, pad = valid) -> relu
  conv(8, 3, pad = valid)
}
"""
    fit = archdsl(tmp_path, "fit net.arch --vary res=3..12 --minimize macs --budget 'macs <= 1M'", net__arch=text)
    assert "res = 9" in fit.output, fit.output  # 9 - 6 - 2 = 1 position
    sweep = archdsl(tmp_path, "cost net.arch --set res=7..9 --format json", net__arch=text)
    refused = [member["refused"] for member in json.loads(sweep.output)["members"]]
    assert refused == ["E0302", "E0302", None]


@again("F03")
def test_sizes_of_graphs_and_documents_are_held_too(tmp_path: Path) -> None:
    free = api.load(network("conv(8, 7, pad = valid)", "f32[N, 3, H, W]")).graph()
    for measure in (api.cost, api.memory):
        with pytest.raises(api.DiagnosticError, match="E0302"):
            measure(free, {"H": 4, "W": 4})
    text = json.dumps(json.loads(api.show(free, "json")) | {"symbols": {"N": 1, "H": 4, "W": 4}})
    done = archdsl(tmp_path, "check net.json", net__json=text)
    assert "E0302" in done.output
    assert done.status == 1
    assert archdsl(tmp_path, "check net.json --bind H=9 --bind W=9").status == 0


@fault(
    "F05",
    "a size that becomes 0 or less is no size, but no rule said so",
    "every operator, by one check where types are made: resize, split, slice, crop, zeros, reshape, pad_axes",
)
@pytest.mark.parametrize("command", ["cost net.arch", "lint net.arch", "cost net.arch --memory", "show net.arch"])
def test_sizes_that_become_nothing_are_told(tmp_path: Path, command: str) -> None:
    done = archdsl(tmp_path, command, net__arch=network("resize(scale = 0.5) -> conv(8, 1)", DECLARED.format(h=1)))
    assert "Traceback" not in done.output
    assert refusals(done.output) == {("E0302", "5")}


@again("F05")
@pytest.mark.parametrize(
    "body", ["output z = ones([x.h - 4, 1]), y = relu(x)", "split([x.h - 4, 4], axis = h) -> concat(axis = h)"]
)
def test_sizes_below_zero_are_told(tmp_path: Path, body: str) -> None:
    for h in (1, 4):
        done = archdsl(tmp_path, "cost net.arch", net__arch=network(body, DECLARED.format(h=h)))
        assert done.status == 1
        assert refusals(done.output), done.output


SLICED = network("slice(2, 0, x.shape[2])\nconv(8, 1)", "f32[N, 3, T = 100]")


@fault(
    "B2",
    "figures asked operators whose arguments still had symbols, with types that had none",
    "cost, lint, diff, memory, receptive fields; slice, crop, zeros, ones, reshape, split, resize with symbolic arguments",
)
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("bind", ["", " --bind T=40"])
def test_arguments_with_symbols_have_figures(tmp_path: Path, command: str, bind: str) -> None:
    done = archdsl(tmp_path, command + bind, net__arch=SLICED)
    assert done.status == 0, done.output


@again("B2")
def test_the_figures_of_a_slice_are_those_of_a_fixed_one(tmp_path: Path) -> None:
    fixed = SLICED.replace("T = 100", "100")
    shown = [archdsl(tmp_path, "cost net.arch", net__arch=text).output.partition("\n")[2] for text in (SLICED, fixed)]
    assert shown[0] == shown[1]


@again("B2")
def test_one_file_does_not_hide_the_others(tmp_path: Path) -> None:
    warned = network("conv(7, 3) -> batch_norm")
    archdsl(tmp_path, "check a.arch", a__arch=warned, b__arch=SLICED, c__arch=warned)
    done = archdsl(tmp_path, "lint a.arch b.arch c.arch")
    assert "a.arch:5" in done.output
    assert "c.arch:5" in done.output


FREE = "f32[N, 3, H, W]"


@fault(
    "R1",
    "a bound that is a float was taken for a dimension where the measured value has symbols",
    "1e9, 10 ** 9 / 2, 0.5, budgets of archdsl.toml; each comparison; and a bug in one target ended the whole run",
)
@pytest.mark.parametrize("bound", ["1e9", "10 ** 9 / 2", "1G", "0.5"])
@pytest.mark.parametrize("sign", ["<=", "<", "==", "!="])
def test_bounds_on_free_sizes_are_told(tmp_path: Path, bound: str, sign: str) -> None:
    text = network(f"conv(8, 3)\nbudget {{ macs {sign} {bound} }}", FREE)
    done = archdsl(tmp_path, "check net.arch", net__arch=text)
    if bound == "0.5" and sign != "<=":
        assert "Traceback" not in done.output  # 216 H W is more than 0.5 whatever H and W are: it can be decided
        return
    decided = bound == "0.5"
    assert ("E0402" if decided else "E0307") in done.output
    assert done.status == 1


@again("R1")
def test_bounds_of_a_project_on_free_sizes_are_told(tmp_path: Path) -> None:
    budget = '[[budget]]\nspec = "*.arch"\nmacs = 1e9\n'
    files = {"net__arch": network("conv(8, 3)", FREE), "archdsl__toml": budget}
    done = archdsl(tmp_path, "check net.arch", **files)
    assert "E0307" in done.output
    assert done.status == 1
    assert archdsl(tmp_path, "check net.arch --bind H=64 --bind W=64").status == 0


@again("R1")
def test_a_fault_of_ours_is_its_target_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from archdsl.driver import Program

    whole = Program.report

    def report(self: Program, *arguments: object, **named: object) -> object:
        if self.source.name == "b.arch":
            raise ZeroDivisionError("division by zero")
        return whole(self, *arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(Program, "report", report)
    broken = network("conv(8, 3, groups = 2)")
    files = {"a__arch": broken, "b__arch": broken, "c__arch": broken}
    done = archdsl(tmp_path, "check a.arch b.arch c.arch --report json=o.json,junit=o.xml,sarif=o.sarif", **files)
    assert done.status == 2
    assert "a.arch:5" in done.output
    assert "c.arch:5" in done.output
    assert "ZeroDivisionError: division by zero" in done.output
    for sink in ("o.json", "o.xml", "o.sarif"):
        told = (tmp_path / sink).read_text()
        assert "ZeroDivisionError" in told, sink
        assert told.count("E0305") >= 2, sink


@fault(
    "R10",
    "the data form writes an axis that a symbol names as text, and no argument takes it",
    "softmax, concat, slice, split, reduce_mean, permute, transpose; bound: the axis was the number (H = 1: axis 1)",
)
@pytest.mark.parametrize(
    "body",
    [
        "softmax(axis = H)",
        "concat(axis = W)",
        "slice(H, 1)",
        "reduce_mean(x, axis = [H, W])",
        "permute([N, H, W, 1])",
    ],
)
def test_axes_named_by_symbols_read_back(tmp_path: Path, body: str) -> None:
    text = network(body, FREE)
    again_ = archdsl(tmp_path, "show net.arch --format json > net.json && archdsl show net.json", net__arch=text)
    assert again_.status == 0, again_.output
    assert again_.output == archdsl(tmp_path, "show net.arch").output


@again("R10")
@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_axes_named_by_symbols_stay_when_they_are_bound(tmp_path: Path, size: int) -> None:
    named = network("softmax(axis = H)\nreduce_mean(W)", FREE)
    counted = network("softmax(axis = 2)\nreduce_mean(3)", FREE)
    shown = [archdsl(tmp_path, f"show net.arch --bind H={size} --bind W={size}", net__arch=t) for t in (named, counted)]
    assert shown[0].status == 0, shown[0].output
    assert shown[0].output == shown[1].output


@fault(
    "bind", "messages advise to bind, and check, lint and diff could not", "check, lint, diff; bad sizes from Python"
)
@pytest.mark.parametrize(
    "command", ["check net.arch", "lint net.arch", "diff net.arch net.arch", "cost net.arch", "show net.arch"]
)
def test_what_needs_numbers_works_when_they_are_bound(tmp_path: Path, command: str) -> None:
    text = network("if x.h > 7 { max_pool(2) }\nconv(8, 3)", FREE)
    assert "E0307" in archdsl(tmp_path, command, net__arch=text).output
    done = archdsl(tmp_path, f"{command} --bind H=16 --bind W=16")
    assert done.status == 0, done.output


@again("R7")
@pytest.mark.parametrize("size", [-4, 0, 1.5, True, "4", None, 10**18])
def test_bad_sizes_are_refused_everywhere(size: object) -> None:
    text = network("conv(8, 3)", "f32[B, 3, H = 8, W = 8]")
    program, graph = api.load(text), api.load(text).graph()
    bad = {"B": size}
    for use in (
        lambda: program.graph(bind=bad), lambda: api.cost(graph, bad), lambda: api.memory(graph, bad),
        lambda: api.fields(graph, "conv", bad), lambda: api.run(graph, bind=bad),
    ):  # fmt: skip
        with pytest.raises(api.DiagnosticError, match="E0007"):
            use()


@again("R10")
@pytest.mark.parametrize("size", [1, 2, 3, 4, 7])
def test_a_symbol_names_its_axis_wherever_it_is_handed(tmp_path: Path, size: int) -> None:
    """Also where numbers are needed, in blocks, behind other operators, and where two axes are as long."""
    before = "block head(a) { softmax(axis = a) }\n"
    body = "conv(4, 3)\nlet a = {h}\nhead(a) -> head({w}) -> l2_norm(axis = {h})\ntranspose(h, w) -> head({th}) -> head({tw})"
    named = network(body.format(h="H", w="W", th="H", tw="W"), "f32[N, T, H, W]", before)
    counted = network(body.format(h=2, w=3, th=3, tw=2), "f32[N, T, H, W]", before)
    bind = " ".join(f"--bind {name}={size}" for name in "THW")
    shown = [archdsl(tmp_path, f"show net.arch {bind}", net__arch=text) for text in (named, counted)]
    assert shown[0].status == 0, shown[0].output
    assert shown[0].output == shown[1].output
