"""What a call names is what enters."""

from pathlib import Path

import pytest
from faults import again, archdsl as command, fault, network

import archdsl

TOP = """skip: conv(8, 3) -> relu
max_pool(2) -> conv(16, 3) -> relu
up: conv_transpose(8, 2, stride = 2)
{join}
conv(8, 3)
output y"""


def graph(body: str, before: str = "") -> str:
    return str(archdsl.load(network(body, before=before)).graph())


@fault(
    "N01",
    "joins took the tensors of their call besides the flow, functions took them instead of it",
    "concat, stack, max_unpool, blocks with `: tensor`; in lines, labels, let, branches, loops, outputs, blocks",
)
def test_concat_joins_what_it_names() -> None:
    assert archdsl.cost(archdsl.load(network(TOP.format(join="concat(up, skip)"))).graph()).total("params") == (
        (27 * 8 + 8) + (72 * 16 + 16) + (16 * 8 * 4 + 8) + (16 * 9 * 8 + 8)
    )


@again("N01")
@pytest.mark.parametrize("join", ["concat", "stack", "add", "mul", "max", "average"])
def test_every_join_is_its_arrow_form(join: str) -> None:
    bodies = [
        TOP.replace("conv(8, 3)\noutput", "output").format(join=f) for f in (f"{join}(up, skip)", f"up -> {join}(skip)")
    ]
    assert graph(bodies[0]) == graph(bodies[1])
    assert graph(bodies[0]) == graph(bodies[0].replace(f"{join}(up, skip)", f"(up, skip) -> {join}"))


@again("N01")
def test_too_few_tensors_are_refused_with_both_forms(tmp_path: Path) -> None:
    done = command(tmp_path, "check net.arch", net__arch=network(TOP.format(join="concat(skip)")))
    assert done.status == 1 and "E0310" in done.output
    assert "`… -> concat(skip)`" in done.output and "`concat(…, skip)`" in done.output


@again("N01")
def test_one_tensor_twice_in_a_join_is_a_warning(tmp_path: Path) -> None:
    done = command(tmp_path, "check net.arch", net__arch=network(TOP.format(join="up -> concat(up, skip)")))
    assert "W0207" in done.output


@again("N01")
def test_blocks_with_tensor_parameters_follow_the_rule() -> None:
    before = "block gate(g: tensor) = in * sigmoid(g)"
    body = "a: conv(3, 1)\nconv(3, 3)\n{}\noutput y"
    assert graph(body.format("gate(x, a)"), before) == graph(body.format("x -> gate(a)"), before)


FORMS = {
    "layer_norm": ("layer_norm(x, axes = c)", "x -> layer_norm(axes = c)"),
    "reshape": ("reshape(x, [N, -1])", "x -> reshape([N, -1])"),
    "conv": ("conv(x, 4, 3)", "x -> conv(4, 3)"),
    "permute": ("permute(x, [0, 2, 3, 1])", "x -> permute([0, 2, 3, 1])"),
    "max_pool": ("max_pool(x, 2)", "x -> max_pool(2)"),
    "slice": ("slice(x, 2, 0, 8)", "x -> slice(2, 0, 8)"),
    "resize": ("resize(x, scale = 2)", "x -> resize(scale = 2)"),
    "pad_axes": ("pad_axes(x, 1)", "x -> pad_axes(1)"),
    "dropout": ("dropout(x)", "x -> dropout"),
    "a block": ("unit(x, 4)", "x -> unit(4)"),
    "a network": ("Inner(x)", "x -> Inner"),
    "a combinator": ("residual(x) { conv(3, 3) }", "x -> residual { conv(3, 3) }"),
    "a shared block": ("h(x)", "x -> h"),
    "a block by name": ("g(x)", "x -> g"),
}
BEFORE = "block unit(c) = conv(c, 3) -> relu\nnetwork Inner() { input a: f32[N, 3, 32, 32]; conv(2, 1) }"


@fault(
    "Gap9",
    "each operator's card said whether it takes its tensor in the call",
    "42 operators that did not, blocks, networks, combinators, shared blocks, blocks by name",
)
@pytest.mark.parametrize("name", FORMS)
def test_everything_takes_its_tensor_in_the_call(name: str) -> None:
    frame = "share h = conv(4, 3)\nlet g = {{ conv(5, 1) -> relu }}\nconv(9, 1)\ny: {}\noutput y = y"
    call, arrow = (f"arch 1\n{BEFORE}\n{_net(frame.format(form))}" for form in FORMS[name])
    programs = [archdsl.load(text) for text in (call, arrow)]
    graphs = [str(p.graph("Net")) for p in programs]
    assert graphs[0] == graphs[1]
    assert [*programs[0].graph("Net").parameters()] == [*programs[1].graph("Net").parameters()]


def _net(body: str) -> str:
    lines = "\n".join(f"  {line}" for line in body.splitlines())
    return f"network Net() {{\n  input x: f32[N, 3, 32, 32]\n{lines}\n}}\n"


@fault(
    "B6",
    "only a bare call of an operator without inputs took the path of its label",
    "frozen and own before it; calls that name tensors; labels with an index, branches, outputs, conditionals",
)
@pytest.mark.parametrize("form", ["param([3, 1, 1])", "frozen param([3, 1, 1])", "own param([3, 1, 1])"])
def test_a_label_is_the_path_of_a_raw_tensor(form: str) -> None:
    frames = {
        "w": "w: {}\nx * w", "w.0": "w[0]: {}\nx * w[0]", "w.1": "repeat 2 as i {{ w[i]: {} }}\nx * w[0] * w[1]",
    }  # fmt: skip
    for path, frame in frames.items():
        found = archdsl.load(network(frame.format(form))).graph()
        assert path in found.parameters(), [*found.parameters()]
        assert all(p.trainable is not form.startswith("frozen") for p in found.parameters().values())


@again("B6")
def test_a_conditional_and_an_output_are_no_exception() -> None:
    found = archdsl.load(network("w: frozen param([3, 1, 1]) if true else param([1])\noutput y = x * w")).graph()
    assert [*found.parameters()] == ["w"]
    found = archdsl.load(network("conv(3, 1)\noutput y = frozen param([3, 1, 1]), z = x")).graph()
    assert "y" in found.parameters()


COLLECTED = "repeat 2 as i { e[i]: conv(4, 3) }\n"


@fault(
    "F31",
    "lists of labels were taken apart only where they stood alone",
    "tuples, lists, calls, let, outputs; one list, two lists, a list before and behind a tensor",
)
@pytest.mark.parametrize("form", ["(x, e) -> concat", "concat(x, e)", "x -> concat(e)", "let m = (x, e)\nm -> concat"])
def test_collected_labels_are_spliced(form: str) -> None:
    assert graph(f"{COLLECTED}{form}\noutput z") == graph(f"{COLLECTED}(x, e[0], e[1]) -> concat\noutput z")


@again("F31")
def test_two_lists_too() -> None:
    lists = COLLECTED + "repeat 2 as i { d[i]: conv(5, 3) }\n"
    expected = graph(f"{lists}(e[0], e[1], d[0], d[1]) -> concat\noutput z")
    assert graph(f"{lists}(e, d) -> concat\noutput z") == graph(f"{lists}concat(e, d)\noutput z") == expected


@fault("B5", "lists of labels were taken apart only where they stood alone", "as F31")
@pytest.mark.parametrize("join", ["concat", "add", "stack", "max"])
def test_lists_of_labels_enter_joins(join: str) -> None:
    assert graph(f"{COLLECTED}conv(4, 1)\nf: (conv(x, 4, 1), e) -> {join}\noutput z = f")


@fault("B10", "elementwise joins of combinators wanted equal shapes", "parallel, residual; other joins keep the check")
def test_products_of_branches_broadcast() -> None:
    body = "parallel(mul) {{ | {} | global_avg_pool -> sigmoid }}\noutput y"
    assert archdsl.load(network(body.format("identity"))).graph().outputs["y"].type.shape[1:] == (3, 32, 32)
    body = "residual(join = mul) { global_avg_pool -> sigmoid }\noutput y"
    assert archdsl.load(network(body)).graph().outputs["y"].type.shape[1:] == (3, 32, 32)


@again("B10")
@pytest.mark.parametrize("line", ["x -> relu - x", "resize(scale = 1) + x", "x + relu", "relu - relu"])
def test_a_block_in_arithmetic_has_a_hint_at_parentheses(tmp_path: Path, line: str) -> None:
    done = command(tmp_path, "check net.arch", net__arch=network(line))
    assert done.output.count("error[E0204]") == 1 and "binds loosest" in done.output, done.output


@again("F33")
def test_a_number_among_tensors_has_help_that_works(tmp_path: Path) -> None:
    done = command(tmp_path, "check net.arch", net__arch=network("max(x, -x, 0.3)"))
    assert "`constant(0.3)`" in done.output, done.output
    assert graph("max(x, -x, constant(0.3))\noutput y")
