"""``T = 128 <= 512``: what may be declared, what follows from it, and where it is held."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import archdsl
from archdsl import data
from archdsl.diagnostics import DiagnosticError, Refusal
from archdsl.driver import open_program
from archdsl.graph import Graph
from archdsl.rewrites.bind import bind as bind_graph
from archdsl.source import Source
from archdsl.syntax.format import format_file
from archdsl.syntax.parse import parse_file


def net(shape: str, body: str = "relu", head: str = "") -> str:
    return f"arch 1\n\nnetwork Net({head}) {{\n  input x: f32[{shape}]\n  {body}\n}}\n"


def graph(shape: str, body: str = "relu", **bind: int) -> Graph:
    return archdsl.load(net(shape, body)).graph(bind=bind)


def told(text: str, bind: dict[str, int] | None = None) -> Any:
    program = open_program(text)
    return [d for d in (*program.errors, *program.elaborate(bind=bind).diagnostics) if d.severity == "error"]


BOUNDS = {
    "N, T = 128 <= 512, 8": (1, 512, 128),
    "N, T <= 512, 8": (1, 512, None),
    "N, T < 513, 8": (1, 512, None),
    "N, T = 9 > 2 < 10, 8": (3, 9, 9),
    "N, T >= 2 >= 5 <= 9 <= 7, 8": (5, 7, None),
    "N, T = 0 >= 0, 8": (0, None, 0),
    "N, 4 * T + 3 = 1003, 8": (1, None, 250),
    "N, 4 * T + 3 = 1003 <= 1003, 8": (1, 250, 250),
    "N, 4 * T + 3 >= 8 <= 1005, 8": (2, 250, None),
    "N, 9 - T >= 3, 8": (1, 6, None),
}


@pytest.mark.parametrize("shape", BOUNDS)
def test_bounds_of_a_dimension_are_bounds_of_its_symbol(shape: str) -> None:
    least, most, size = BOUNDS[shape]
    made = graph(shape)
    (symbol,) = (one for one in made.symbols() if one == "T")
    assert (symbol.least, symbol.most, made.defaults.get("T")) == (least, most, size)
    text = net(shape)
    assert format_file(parse_file(Source("n", text))) == text
    again = data.read(Source("n.json", data.to_json(made)))
    assert [(one, one.least, one.most) for one in again.symbols()] == [(s, s.least, s.most) for s in made.symbols()]
    assert data.to_json(again) == data.to_json(made)
    build = archdsl.Builder("Net")
    build.input("x", "f32", [one if one[0] != "8" else 8 for one in shape.split(", ")])
    assert build._inputs[0].type == made.inputs[0].type


WRONG = {
    "N, T = 600 <= 512": "E0205",
    "N, T = 0": "E0205",
    "N, T >= 600 <= 512": "E0205",
    "N, T <= 0": "E0205",
    "N, T >= -1": "E0205",
    "N, T == 6": "E0205",
    "N, T <= 6.5": "E0204",
    "N, T <= N": "E0204",
    "N, 2 <= T <= 6": "E0109",
    "N, T + S <= 6, S": "E0205",
    "N, 4 * T + 3 <= 6": "E0205",
    "N, T, T <= 6": "E0205",
    "N, T <= 6, T <= 7": "E0205",
    "N, d <= 3": "E0205",
    "N, 0": "E0205",
}


@pytest.mark.parametrize("shape", WRONG)
def test_what_is_no_bound_is_told_at_its_place(shape: str) -> None:
    (fault,) = told(net(shape, head="d = 4"))
    assert (fault.code, fault.span.line) == (WRONG[shape], 4)


def test_equal_bounds_may_be_said_again_and_others_not() -> None:
    both = "arch 1\nnetwork Net() {\n  input x: f32[N, T <= 6]\n  input y: f32[N, %s]\n  x + y\n}"
    assert told(both % "T <= 6") == told(both % "T") == []
    assert told(both % "T <= 7")[0].help == "give all bounds of `T` where it stands first"


DECIDED = {
    "param([512, 8]) -> slice(0, 0, x.shape[1])": "T <= 512",
    "slice(1, 0, 3)(x)": "T >= 3",
    "select(1, 2)(x)": "T >= 3",
    "top_k(4, axis = 1)(x)": "T >= 4",
}


@pytest.mark.parametrize("body", DECIDED)
def test_the_refusal_names_the_bound_that_decides(body: str) -> None:
    bound = DECIDED[body]
    (fault, *_) = told(net("N, T, 8", body))
    assert fault.code == "E0307" and f"declare a bound, `{bound}`" in fault.help
    assert graph(f"N, {bound}, 8", body).symbols()


def test_a_position_table_compiles_and_is_held_to_its_length(tmp_path: Any) -> None:
    body = "let e = param([12, 8]) -> slice(0, 0, x.shape[1])\n  x + e"
    path = tmp_path / "net.onnx"
    archdsl.compile(graph("N, T = 7 <= 12, 8", body), path)
    assert archdsl.run(path)["output"].shape == (1, 7, 8)
    assert archdsl.run(path, bind={"T": 12})["output"].shape == (1, 12, 8)
    for function in (lambda: archdsl.run(path, bind={"T": 13}), lambda: archdsl.verify(path, path, bind={"T": 13})):
        with pytest.raises((Refusal, DiagnosticError), match="T <= 12"):
            function()
    with pytest.raises((Refusal, DiagnosticError), match="E0704") as error:
        archdsl.run(path, np.zeros((1, 13, 8), np.float32))
    assert "T <= 12" in str(error.value.diagnostics[0].note)


@pytest.mark.parametrize(("size", "code"), [(513, "E0007"), (0, "E0007"), (512, None), (1, None)])
def test_sizes_that_are_bound_are_held_to_the_bounds(size: int, code: str | None) -> None:
    made = graph("N, T <= 512, 8")
    for bind in (lambda: graph("N, T <= 512, 8", T=size), lambda: bind_graph(made, {"T": size})):
        if code is None:
            assert bind().values()[0].type.shape[1] == size
            continue
        with pytest.raises((Refusal, DiagnosticError)) as error:
            bind()
        assert code in str(error.value) or getattr(error.value, "code", "") == code


@pytest.mark.parametrize(
    ("given", "code"), [("S <= 12", None), ("S <= 13", "E0307"), ("S >= 13", "E0303"), ("13", "E0303")]
)
def test_a_network_inside_of_another_holds_what_enters(given: str, code: str | None) -> None:
    text = f"arch 1\nnetwork Outer() {{\n  input x: f32[N, {given}, 8]\n  Inner\n}}\nnetwork Inner() {{\n  input y: f32[N, T <= 12, 8]\n  relu\n}}"
    assert [d.code for d in told(text)] == ([] if code is None else [code])


EMPTY = {
    "(k, x) -> concat(axis = 1)": None,
    "softmax(x @ transpose(k)) @ k": None,
    "k -> relu -> linear(4)": None,
    "k -> reshape([-1, x.f * k.shape[1]])": None,
    "k -> reduce_max(axis = 1)": "E0302",
    "k -> reduce_mean(axis = 1)": "E0302",
    "k -> transpose -> conv(4, 3)": "E0302",
    "k -> transpose -> global_avg_pool": "E0302",
    "k -> select(1, 0)": "E0307",
}


@pytest.mark.parametrize("body", EMPTY)
def test_what_may_be_empty_enters_what_needs_no_element(body: str, tmp_path: Any) -> None:
    text = f"arch 1\nnetwork Net() {{\n  input x: f32[N, T, 8]\n  input k: f32[N, P = 0 >= 0, 8]\n  {body}\n}}"
    faults = told(text)
    assert [d.code for d in faults] == ([] if EMPTY[body] is None else [EMPTY[body]])
    if not faults:
        path = tmp_path / "net.onnx"
        archdsl.compile(archdsl.load(text).graph(), path)
        for size in (0, 3):
            assert archdsl.run(path, bind={"P": size}, seed=1)["output"].ndim > 1
        assert archdsl.cost(archdsl.load(text).graph()).total("macs") >= 0  # at P = 0


def test_a_declared_size_of_nothing_shows_nothing_and_is_not_what_is_verified(tmp_path: Any) -> None:
    text = "arch 1\nnetwork Net() {\n  input x: f32[N, T, 8]\n  input k: f32[N, P = 0 >= 0, 8]\n  %s\n}"
    for name, body in (
        ("a", "softmax(x @ transpose((k, x) -> concat(axis = 1)))"),
        ("b", "softmax(x @ transpose((0 * k, x) -> concat(axis = 1)))"),
    ):
        archdsl.compile(archdsl.load(text % body).graph(), tmp_path / f"{name}.onnx")
    assert not archdsl.verify(tmp_path / "a.onnx", tmp_path / "b.onnx").same
