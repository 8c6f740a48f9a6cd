"""What follows from a fault is silent: five faults give five errors, at their places, in the order of the text."""

from __future__ import annotations

from pathlib import Path

import planted
import pytest
import substituted
from faults import again, archdsl, fault, network

CASES = {
    "an argument of an operator": ("g: x -> «relv»\nreduce_mean(g, axis = 1)", "E0201"),
    "an argument, then arithmetic": ("g: x -> «relv»\nsoftmax(g, axis = 1) * 2", "E0201"),
    "a join": ("g: x -> «relv»\nwhere(g > 0, g, x) + max(g, x)", "E0201"),
    "a matrix product": ("g: x -> «relv»\nsoftmax(g) @ transpose(x)", "E0201"),
    "a loop over a tuple": ("g: x -> «relv»\nfor u in (g, x) as k { s[k]: u -> conv(4, 1) }\ns -> concat", "E0201"),
    "a number of repetitions": (
        "let n = «3 // 0»\nrepeat n as k { s[k]: conv(4, 1) }\ns -> concat -> conv(3, 1)",
        "E0212",
    ),
    "the arguments behind it": ("conv(«nowhere», [3, 3], stride = [1, 2])", "E0201"),
    "an element of a list": (
        "let ks = [3, «3 // 0», 3]\nif ks == [3, 3, 3] { a: conv(4, ks[0]) } else { a: conv(4, 1) }\na",
        "E0212",
    ),
    "a condition, and names that its arms make": ("if «nowhere» { let c = 4 } else { let c = 8 }\nconv(c, 3)", "E0201"),
    "a cell of a table": ("for table {\n  c  k\n  8  «nowhere»\n} as i { conv(c + i, k) }", "E0201"),
    "a default": ("f(3)", "E0201"),
    "a list as a default": ("h(3)", "E0212"),
    "a size of an input": ("y + x", "E0212"),
    "a claim": ("conv(4, 3)\nexpect params == «nowhere»", "E0201"),
    "an output": ("let n = «[3][7]»\noutput a = x -> conv(n, 1), b = x * n", "E0205"),
    "a block that is called": ("«nowhere»(axis = c) { conv(4, 3) } -> softmax(axis = c) -> conv(4, 3)", "E0201"),
    "a tensor that is made": ("x * param([«nowhere», 1, 1]) - ones([1])", "E0201"),
    "branches": ("x -> split(2) -> parallel(concat) { for k in «nowhere» { | conv(4, 3) } }", "E0201"),
}
BEFORE = {
    "a default": "block f(c, k = «nowhere») = conv(c, k) -> conv(c, [k, 1])",
    "a list as a default": "block h(c, list: [int] = [3, «3 // 0»]) = conv(list[0], 1) -> conv(c, 1)",
}


@fault(
    "B3",
    "an expression that was refused left the whole call, list or statement by an exception: what it stood for was missing "
    "rather than a refused value, so that later arguments moved up and names stayed unbound",
    "arguments by place and by name of operators, blocks, functions, combinators and networks; elements of lists, tuples "
    "and tables; loops, arms of conditions and the names they make; indexed labels; defaults; sizes of inputs; claims; "
    "outputs; labels; called blocks and their bodies; arithmetic, comparisons, `contains`; refused default values",
)
@pytest.mark.parametrize("name", CASES)
def test_what_follows_is_silent(name: str, tmp_path: Path) -> None:
    body, code = CASES[name]
    inputs = "f32[N, 8, 12, 12]"
    if name == "a size of an input":
        inputs += "\n  input y: f32[N, 8, «12 // 0», 12]"
    text = network(body, inputs, BEFORE.get(name, ""))
    wanted = [(code, text.index("«"), text.index("»") - 1)]
    assert planted.told(text.replace("«", "").replace("»", ""), tmp_path) == wanted


@again("B3")
def test_planted_faults_are_told_and_nothing_else(tmp_path: Path) -> None:
    """120 of the programs of which ``python tests/support/planted.py`` makes 500."""
    for number in range(120):
        assert not planted.experiment(7, number, tmp_path), number


@again("B3")
def test_the_cause_comes_first(tmp_path: Path) -> None:
    text = network("f(nowhere) -> conv(8, 4)", before="block f(c) = conv(c, 3) -> conv(2 * c, [c, c]) -> add(in)")
    output = archdsl(tmp_path, "check a.arch", a__arch=text).output
    assert output.index("E0201") < output.index("E0206") and output.count("error[") == 2


@again("B3")
@pytest.mark.parametrize("number", range(12))
def test_one_wrong_expression_is_one_fault(number: int, tmp_path: Path) -> None:
    """A tenth of the mutants of 12 programs of ``python tests/support/substituted.py``."""
    tried, wrong = substituted.experiment(3, number, tmp_path, share=0.1)
    assert tried and not wrong


@again("B3")
@pytest.mark.parametrize("size", ["nowhere", "1 // 0", "N + nowhere"])
def test_a_refused_size_of_a_network_inside_of_another_is_one_fault(size: str, tmp_path: Path) -> None:
    before = f"network Inner() {{ input y: f32[N, {size}, H, W]; conv(4, 1) }}"
    told = planted.told(network("Inner -> conv(3, 1)", before=before), tmp_path)
    assert [code for code, _, _ in told] == ["E0212" if "0" in size else "E0201"]
