"""The time that a written module takes grows as the graph does, whatever its scopes are: counted in lines that run."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from typing import Any

import pytest

from archdsl import ops
from archdsl.backends.torch import backend
from archdsl.graph import Graph, Node, Value
from archdsl.shapes import TensorType
from archdsl.source import Origin

pytestmark = pytest.mark.slow

Path = Callable[[int], str]


def chain(count: int, path: Path) -> Graph:
    """Operators one after the other, at these paths."""
    op, value = ops.load("relu").create(), Value("x", TensorType("f32", (1, 4)))
    inputs, nodes = [value], []
    for i in range(count):
        nodes.append(Node(op, [value], [value.type], path(i), {}, Origin(None)))
        (value,) = nodes[-1].outputs
    return Graph("chain", inputs, nodes, {"y": value})


def wide(count: int) -> Graph:
    """Operators on one input, all of whose results are in use until they are added."""
    op, x = ops.load("relu").create(), Value("x", TensorType("f32", (1, 4)))
    nodes = [Node(op, [x], [x.type], f"r{i}", {}, Origin(None)) for i in range(count - 1)]
    total = Node(ops.load("add").create(), [node.outputs[0] for node in nodes], [x.type], "sum", {}, Origin(None))
    return Graph("wide", [x], [*nodes, total], {"y": total.outputs[0]})


GRAPHS: dict[str, Callable[[int], Graph]] = {
    "no scope": lambda n: chain(n, lambda i: f"r{i}"),
    "one scope": lambda n: chain(n, lambda i: f"body.{i}"),
    "many scopes": lambda n: chain(n, lambda i: f"b{i // 2}.{'ab'[i % 2]}"),
    "scopes in scopes": lambda n: chain(n, lambda i: f"stage{i // 100}.{i // 10 % 10}.{i % 10}"),
    "scopes that are left and come back to": lambda n: chain(n, lambda i: f"b{i // 3}.{i % 3}" if i % 3 != 1 else f"m{i}"),
    "scopes that all wait for one another": lambda n: chain(n, lambda i: f"b{i % (n // 2)}.r{i}"),
    "values that live long": wide,
}  # fmt: skip


def lines(graph: Graph) -> int:
    """How many lines of the backend run."""
    count = 0

    def local(frame: Any, event: str, arg: Any) -> Any:
        nonlocal count
        count += event == "line"
        return local

    def begin(frame: Any, event: str, arg: Any) -> Any:
        return local if "archdsl" in frame.f_code.co_filename else None

    before = sys.gettrace()
    sys.settrace(begin)
    try:
        backend.lower(graph)
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("kind", GRAPHS)
def test_twice_the_operators_take_twice_the_lines(kind: str) -> None:
    make = GRAPHS[kind]
    lines(make(400))  # what is loaded once
    assert lines(make(1600)) < 2.3 * lines(make(800))


def test_scopes_may_be_nested_beyond_what_python_recurses() -> None:
    graph = chain(1, lambda i: ".".join(["a"] * 3000) + ".r")
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(1000)
    try:
        tree = ast.parse(backend.lower(graph))
    finally:
        sys.setrecursionlimit(limit)
    assert any(isinstance(node, ast.ClassDef) for node in tree.body)
