"""The figures of ``tools/house.py``: that they count what they say, and what they may not exceed."""

from __future__ import annotations

import ast

from paths import ROOT, tool

house = tool("house")

SOURCE = """
from typing import TYPE_CHECKING
import os, p.a
from p import b, nothing
if TYPE_CHECKING:
    from p.c import Name
class Class:
    from . import d
def function():
    from p.e import name
    import p.f as g
"""
KNOWN = ["p", "p.a", "p.b", "p.c", "p.d", "p.e", "p.f"]


def test_type_only_imports_are_seen_and_those_of_functions_told_apart() -> None:
    head, inside = house.imported(ast.parse(SOURCE), "p.x", False, KNOWN)
    assert head == {"p", "p.a", "p.b", "p.c", "p.d"} and inside == {"p.e", "p.f"}


def test_relative_imports_count_from_the_package() -> None:
    for name, package in (("p", True), ("p.x", False)):
        assert house.imported(ast.parse("from .a import y"), name, package, KNOWN)[0] == {"p.a"}
    assert house.imported(ast.parse("from ..b import y"), "p.q.x", False, KNOWN)[0] == {"p.b"}


def test_circles_are_found_and_chains_are_none() -> None:
    imports = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": {"e"}, "e": {"d"}, "f": {"a", "f"}}
    assert house.circles(imports) == [["a", "b", "c"], ["d", "e"]]
    assert house.circles({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []
    deep = {str(i): {str(i + 1)} for i in range(5_000)} | {"5000": {"0"}}
    assert [len(circle) for circle in house.circles(deep)] == [5_001]


def test_no_module_needs_itself() -> None:
    """Not for a type, and not inside of a function either."""
    head, everything = house.imports(ROOT)
    assert house.circles(head) == house.circles(everything) == []
    assert len(everything) > 200 and sum(map(len, everything.values())) > 1_000


def test_the_way_to_the_first_operator_is_short() -> None:
    """Calls on the stack of ``archdsl compile`` when it makes the first operator of MobileNetV2 (37 once)."""
    stack = house.probe(ROOT, "depth")
    assert 5 < len(stack) <= 20, stack
    assert any(name.endswith("main") for _, _, name in stack[-2:])
