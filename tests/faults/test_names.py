"""What a name means: labels, values and operators of one name, `output name`, and `in`."""

from pathlib import Path

import pytest
from faults import again, archdsl as command, fault, network

import archdsl

HEAD = "block head = conv(4, 1)"


def graph(body: str, before: str = "") -> archdsl.Graph:
    return archdsl.load(network(body, before=before)).graph()


def codes(folder: Path, body: str, before: str = "") -> list[str]:
    done = command(folder, "check net.arch", net__arch=network(body, before=before))
    return [line.partition("[")[2].partition("]")[0] for line in done.output.splitlines() if line.startswith("error[")]


@fault(
    "T1",
    "a label that is called like its block was passed over wherever its name was used",
    "operators, imports, parameters and combinators as labels; arguments, let, output, lists, the heads of pipelines",
)
@pytest.mark.parametrize("use", ["scores = head", "scores = 1 * head", "scores = softmax(head, axis = 1)"])
def test_a_label_called_like_its_block_is_its_tensor(use: str) -> None:
    found = graph(f"head: head\nconv(8, 3)\noutput features, {use}", HEAD)
    assert {path.split(".")[0] for path in found.parameters()} == {"head", "conv"}
    assert found.outputs["scores"].type.shape[1] == 4


@again("T1")
@pytest.mark.parametrize(
    "line", ["head", "head -> relu", "parallel(concat) { | head | relu }", "output y = head -> relu"]
)
def test_where_both_could_be_meant_it_is_an_error(tmp_path: Path, line: str) -> None:
    assert codes(tmp_path, f"head: head\nconv(8, 3)\n{line}", HEAD) == ["E0208"]


@again("T1")
@pytest.mark.parametrize("line", ["conv(3, 1) -> head", "head(x)", "conv(3, 1) -> head()"])
def test_where_a_block_stands_the_block_is_meant(line: str) -> None:
    found = graph(f"head: head\nconv(8, 3)\n{line}\noutput y", HEAD)
    assert "head_2.weight" in found.parameters() or "head_2.conv.weight" in found.parameters()


@again("T1")
def test_a_label_called_like_a_letter_of_an_axis_is_its_tensor_too() -> None:
    found = graph("w: conv(4, 1)\nconv(8, 3)\noutput y = softmax(w)")
    assert found.outputs["y"].type.shape[1] == 4


@fault(
    "T2",
    "`output name` always named the flow",
    "labels, labels with an index, let, in one or several items; names of values that are no tensors",
)
def test_output_of_a_name_is_what_is_called_so() -> None:
    found = graph("boxes: conv(4, 3)\nscores: conv(2, 3)\noutput boxes, scores")
    assert {name: value.type.shape[1] for name, value in found.outputs.items()} == {"boxes": 4, "scores": 2}
    found = graph("stem: conv(4, 3)\nconv(2, 3)\noutput stem, rest")
    assert {name: value.type.shape[1] for name, value in found.outputs.items()} == {"stem": 4, "rest": 2}
    found = graph("let a = x -> conv(5, 1)\nconv(2, 3)\noutput a")
    assert found.outputs["a"].type.shape[1] == 5


@again("T2")
def test_with_an_index_too() -> None:
    found = graph("e[0]: conv(4, 3)\ne[1]: conv(5, 3)\nconv(2, 3)\noutput e[0], e[1], e[2]")
    assert [value.type.shape[1] for value in found.outputs.values()] == [4, 5, 2]


@again("T2")
def test_a_block_is_no_output(tmp_path: Path) -> None:
    assert codes(tmp_path, "let last = conv(4, 3)\nrelu\noutput last") == ["E0204"]


@fault(
    "T6",
    "the body of a network had an `in`: its first input, whatever the flow was",
    "arguments, attributes, defaults of its parameters, let, outputs, conditions, inside of `if` and `with`",
)
@pytest.mark.parametrize(
    "line",
    [
        "conv(2 * in.c, 3)", "in -> relu", "let c = in.c", "output y = in", "if true { in -> relu }",
        "with conv(bias = false) { conv(in.c, 3) }", "assert in.c == 3",
    ],
)  # fmt: skip
def test_a_network_has_no_in(tmp_path: Path, line: str) -> None:
    done = command(tmp_path, "check net.arch", net__arch=network(f"conv(8, 3) -> relu\n{line}"))
    assert "error[E0217]" in done.output and "label the stage" in done.output


@again("T6")
@pytest.mark.parametrize("line", ["repeat 2 { conv(in.c, 3) }", "residual { conv(in.c, 3) }", "x -> { conv(in.c, 3) }"])
def test_blocks_and_loops_have_one(line: str) -> None:
    assert graph(f"conv(8, 3) -> relu\n{line}\noutput y").outputs


NAMES = ["add", "step", "clip", "relu", "seq", "residual", "concat", "gather"]


@fault(
    "Gap10",
    "names of operators were forbidden for values, blocks and parameters, so that a new operator broke old specs",
    "parameters, let, share, loops, definitions, imports, captured names, combinators, soft words",
)
@pytest.mark.parametrize("name", NAMES)
def test_what_is_bound_hides_operators(name: str) -> None:
    before = f"block f({name}) = conv({name}, 3)\nblock {name}_ = tanh"
    body = f"f(5)\nlet {name} = 7\nconv({name}, 1)\nfor {name} in [2] {{ conv({name}, 1) }}\noutput y"
    widths = [node.outputs[0].type.shape[1] for node in graph(body, before).nodes]
    assert widths == [5, 7, 2]


@again("Gap10")
@pytest.mark.parametrize("name", [n for n in NAMES if n != "residual"])
def test_a_definition_hides_the_operator_of_its_name(name: str) -> None:
    found = graph(f"{name}(6)\noutput y", f"block {name}(c) = conv(c, 1) -> tanh")
    assert [node.op.name for node in found.nodes] == ["conv", "tanh"]


@again("Gap10")
@pytest.mark.parametrize("line", ["add(x, x * 2)", "x -> add(x * 2)", "residual { add }"])
def test_calling_what_is_hidden_says_so(tmp_path: Path, line: str) -> None:
    done = command(tmp_path, "check net.arch", net__arch=network(f"let add = 3\nconv(add, 1)\n{line}"))
    assert "error[E0204]" in done.output and "hides the operator `add`" in done.output, done.output


@again("Gap10")
def test_one_body_gives_a_name_one_meaning(tmp_path: Path) -> None:
    assert codes(tmp_path, "conv(4, 1) -> relu\nlet relu = tanh\nrelu") == ["E0208"]


@fault("F33", "a name that a tensor has was refused where only an axis can be meant", "axes in lists, in conditionals")
@pytest.mark.parametrize("axis", ["axis = t", "axis = (t if true else c)"])
def test_an_axis_is_meant_where_no_tensor_can_be(axis: str) -> None:
    found = archdsl.load(
        f"arch 1\nnetwork Net() {{\n  input t: f32[N, 5, 8]\n  softmax({axis})\n  output y\n}}\n"
    ).graph()
    assert [node.op.axis for node in found.nodes] == ["t"]


@again("Gap10")
@pytest.mark.parametrize("name", ["state", "output", "table", "input", "next"])
def test_soft_words_are_names(name: str) -> None:
    before = f"block f({name}, k = {name}) = conv({name}, k, pad = 3)"
    body = f"f({name} = 7)\nlet {name} = 5\nconv({name}, 1)\nconv({name} if true else 3, 1)\noutput y"
    text = network(body, before=before)
    assert [node.outputs[0].type.shape[1] for node in archdsl.load(text).graph().nodes] == [7, 5, 5]
