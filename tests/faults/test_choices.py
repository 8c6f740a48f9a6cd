"""A choice (``pad = same``, ``axis = c``, ``dtype = f16``) is given to a block as any other value is."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import op_examples
import pytest
from faults import again, archdsl, fault, network

import archdsl as package
from archdsl import ops

pytestmark = pytest.mark.slow


def choices() -> Iterator[tuple[str, str, str]]:
    """(Operator, argument, choice) for every choice that a card says."""
    for name in ops.names():
        for argument, field in ops.load(name).signature.items():
            for choice in dict.fromkeys(field.kind.choices):
                yield name, argument, choice


def source(example: str) -> tuple[str, list[str], dict[str, str]]:
    """The inputs of an example as lines, the tensors as they enter, and its arguments by name."""
    head, _, types = example.partition(" : ")
    name, _, inside = head.strip().partition("[")
    call = ast.parse(f"f({inside.removesuffix(']')})", mode="eval").body
    assert isinstance(call, ast.Call)
    given = {key: ast.unparse(node) for key, node in zip(ops.load(name).signature, call.args)}
    given |= {str(one.arg): ast.unparse(one.value) for one in call.keywords}
    tensors = [str(type) for type in op_examples.parse_types(types.partition("->")[0])]
    lines = [f"input x{i}: {type}" for i, type in enumerate(tensors)] or ["input unused: f32[N, 3]"]
    names = [f"x{i}" for i in range(len(tensors))]
    return (
        "\n  ".join(lines),
        names,
        {key: value.lower() if value in ("True", "False") else value for key, value in given.items()},
    )


def ways(name: str, argument: str, choice: str, given: dict[str, str], flow: str) -> dict[str, str]:
    """The same layer with its choice written directly (the first), and given in every other way."""
    rest = [f"{key} = {value}" for key, value in given.items() if key != argument]

    def call(value: str) -> str:
        return f"{name}({', '.join([*rest, f'{argument} = {value}'])})"

    def net(stage: str, before: str = "", head: str = "network Net()", behind: str = "") -> str:
        return f"arch 1\n{before}\n{head} {{\n  INPUTS\n  {stage}\n}}\n{behind}"

    block = f"block b(p) = {call('p')}"
    return {
        "direct": net(f"{flow}{call(choice)}"),
        "parameter": net(f"{flow}b({choice})", block),
        "by name": net(f"{flow}b(p = {choice})", block),
        "two blocks": net(f"{flow}a({choice})", f"{block}\nblock a(q) {{ b(q) }}"),
        "default": net(f"{flow}b", f"block b(p = {choice}) = {call('p')}"),
        "default of a default": net(
            f"{flow}b", f"block b(q = {choice}, p = q) = {call('p')}\nblock unused(q) = b(q = q)"
        ),
        "with": net(f"with {name}({argument} = {choice}) {{ {flow}{name}({', '.join(rest)}) }}"),
        "with of a block": net(f"with b(p = {choice}) {{ {flow}b }}", block),
        "let": net(f"let q = {choice}\n  {flow}{call('q')}"),
        "let of the file": net(f"{flow}{call('q')}", f"let q = {choice}"),
        "let, then a block": net(f"let q = {choice}\n  {flow}b(q)", block),
        "more arguments": net(f"let q = b({choice})\n  {flow}q", block),
        "cell": net(f"for table {{\n  k  q\n  1  {choice}\n}} as i {{ y[i]: {flow}b(q) }}\n  y", block),
        "element": net(f"{flow}b([{choice}, {choice}][1])", block),
        "condition": net(f"{flow}b({choice} if 1 < 2 else {choice})", block),
        "loop": net(f"for q in [{choice}] as i {{ y[i]: {flow}b(q) }}\n  y", block),
        "network": net(f"{flow}{call('p')}", head=f"network Net(p = {choice})"),
        "variant": net(f"{flow}{call('p')}", head="network Base(p)", behind=f"variant Net = Base(p = {choice})"),
    }


def layer(text: str, folder: Path, **settings: str) -> object:
    """The only operator of ``Net``, or the errors."""
    path = folder / "choice.arch"
    path.write_text(text, encoding="utf-8")
    try:
        program = package.load(path)
        return [node.op for node in program.graph("Net", **settings).nodes]
    except package.DiagnosticError as error:
        return error


NEVER_ALONE = {"permute"}
"""Operators whose choices stand in a list: ``permute([0, c, h, w])``."""


@fault(
    "B01",
    "names were looked up twice by two sets of rules, so that a parameter called like a choice was passed over silently; "
    "and a choice that is an operator's name, too, became that operator on its way through a parameter",
    "every choice of every operator, given by place, name, default, `with`, `let`, cell, list, condition, loop, network and "
    "variant; `constant`, `tanh`, `zeros`, `ones` and `none`; letters of axes are refused, never misread; settings from "
    "Python and the command line",
)
@pytest.mark.parametrize("name", sorted({name for name, _, _ in choices()}))
def test_choices_go_through_everything(name: str, tmp_path: Path) -> None:
    sound = set()
    for _, argument, choice in (found for found in choices() if found[0] == name):
        inputs, tensors, given = source(ops.load(name).examples[0])
        flow = "" if not tensors else f"({', '.join(tensors)}) -> " if len(tensors) > 1 else f"{tensors[0]} -> "
        texts = {way: text.replace("INPUTS", inputs) for way, text in ways(name, argument, choice, given, flow).items()}
        direct = layer(texts.pop("direct"), tmp_path)
        if isinstance(direct, Exception):
            continue
        sound.add(argument)
        if not flow:  # `with` gives defaults to what is applied
            del texts["with"]
        for way, text in texts.items():
            made = layer(text, tmp_path)
            if choice in op_examples.AXES and way not in ("with",):
                assert made == direct or "E0201" in str(made), (way, text, made)
            else:
                assert made == direct, (way, text, made)
    assert sound or name in NEVER_ALONE


@again("B01")
@pytest.mark.parametrize("choice", ["same", "valid", "same_upper"])
def test_a_parameter_called_like_a_choice_is_not_passed_over(choice: str, tmp_path: Path) -> None:
    text = network("b(5)", before=f"block b({choice}) = conv(8, 3, pad = {choice})")
    done = archdsl(tmp_path, "check a.arch", a__arch=text)
    assert done.status == 1 and "E0208" in done.output


@again("B01")
def test_a_setting_is_a_choice(tmp_path: Path) -> None:
    """Output sizes of a window of 3 over 32: 32 with ``same`` and 30 with ``valid``; a choice that is an operator, too."""
    text = (
        "arch 1\nnetwork Net(p = same, q = none) {\n  input x: f32[N, 3, 32, 32]\n  conv(8, 3, pad = p) -> gelu(q)\n}\n"
    )
    (tmp_path / "a.arch").write_text(text, encoding="utf-8")
    program = package.load(tmp_path / "a.arch")
    assert [program.graph("Net", p=p).outputs["output"].type.shape[-1] for p in ("same", "valid")] == [32, 30]
    assert "tanh" in archdsl(tmp_path, "show a.arch --set q=tanh --format json").output
    assert "E0204" in archdsl(tmp_path, "cost a.arch --set p=relu").output
