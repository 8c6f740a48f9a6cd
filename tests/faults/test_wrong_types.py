"""Arguments of a wrong type, in Python."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from faults import again

import archdsl

TEXT = "arch 1\nnetwork Net(c = 4) {\n  input x: f32[N, 3]\n  linear(c)\n  output y\n}\n"


def graph() -> archdsl.Graph:
    return archdsl.load(TEXT).graph()


WRONG: dict[str, Callable[[Path], Any]] = {
    "code of archdsl.explain": lambda _: archdsl.explain(3),
    "pattern of archdsl.list": lambda _: archdsl.list(None),
    "bind of Program.graph": lambda _: archdsl.load(TEXT).graph(bind="abc"),
    "variant of Program.graph": lambda _: archdsl.load(TEXT).graph(3),
    "train of Program.graph": lambda _: archdsl.load(TEXT).graph(train="yes"),
    "name of Program.target": lambda _: archdsl.load(TEXT).target(3),
    "path_or_text of archdsl.load": lambda _: archdsl.load(b"arch 1"),
    "targets of archdsl.check": lambda _: archdsl.check(None),
    "against of archdsl.check": lambda _: archdsl.check("lenet5", against=3),
    "targets of archdsl.lint": lambda _: archdsl.lint(["lenet5"]),
    "select of archdsl.lint": lambda _: archdsl.lint("lenet5", select="W04"),
    "paths of archdsl.fmt": lambda _: archdsl.fmt(3),
    "path of archdsl.init": lambda _: archdsl.init(3),
    "network of archdsl.cost": lambda _: archdsl.cost(3),
    "bind of archdsl.cost": lambda _: archdsl.cost(graph(), 3),
    "quantity of CostTable.total": lambda _: archdsl.cost(graph()).total(3),
    "path of archdsl.compile": lambda _: archdsl.compile(graph(), 3),
    "weights of archdsl.compile": lambda folder: archdsl.compile(graph(), folder / "o.onnx", weights=3),
    "old of archdsl.diff": lambda _: archdsl.diff(3, 4),
    "vary of archdsl.fit": lambda _: archdsl.fit("lenet5", 3, "macs <= 1M"),
    "budget of archdsl.fit": lambda _: archdsl.fit("lenet5", {"classes": "1..3"}, 3),
    "model of archdsl.run": lambda _: archdsl.run(3),
    "seed of archdsl.run": lambda _: archdsl.run(graph(), seed="a"),
    "files of archdsl.run": lambda _: archdsl.run(graph(), files="x.npy"),
    "format of archdsl.show": lambda _: archdsl.show(graph(), 3),
    "model of archdsl.verify": lambda _: archdsl.verify(3, 4),
    "path of archdsl.read_weights": lambda _: archdsl.read_weights(3),
    "name of archdsl.operators": lambda _: archdsl.operators(3),
    "taps of archdsl.fields": lambda _: archdsl.fields(graph(), 3),
    "shape of Builder.input": lambda _: archdsl.Builder("a").input("x", "f32", 3),
    "op of Builder.apply": lambda _: archdsl.Builder("a").apply(3),
    "inputs of Builder.apply": lambda _: archdsl.Builder("a").apply("relu", 3),
}  # fmt: skip


@again("R7")
@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_type_is_named(what: str, tmp_path: Path) -> None:
    parameter, _, function = what.partition(" of ")
    with pytest.raises(TypeError) as caught:
        WRONG[what](tmp_path)
    assert str(caught.value).startswith(f"`{parameter}` of {function}() must be ")


@again("R7")
def test_a_negative_seed_is_told() -> None:
    with pytest.raises(archdsl.DiagnosticError, match="seed"):
        archdsl.run(graph(), seed=-1)
