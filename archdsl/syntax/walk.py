"""Walking over syntax without recursion."""

from __future__ import annotations

from collections.abc import Iterator

from archdsl.syntax.spec import Syntax


def children(node: Syntax) -> Iterator[Syntax]:
    """The syntax directly inside a node, in the order of its fields."""
    store = node.__dict__
    for name in node._fields:
        value = store[name]
        if isinstance(value, Syntax):
            yield value
        elif value and type(value) is tuple:
            yield from _inside(value)


def _inside(items: tuple[object, ...]) -> Iterator[Syntax]:
    pending = [*reversed(items)]
    while pending:
        value = pending.pop()
        if isinstance(value, Syntax):
            yield value
        elif isinstance(value, tuple):
            pending.extend(reversed(value))


def walk(tree: Syntax) -> Iterator[Syntax]:
    """A node and everything below it, each before what it contains."""
    pending = [tree]
    while pending:
        node = pending.pop()
        yield node
        store = node.__dict__
        found: list[Syntax] = []
        for name in node._fields:  # as :func:`children`, which would be called for every node
            value = store[name]
            if isinstance(value, Syntax):
                found.append(value)
            elif value and type(value) is tuple:
                found += _inside(value)
        found.reverse()
        pending += found


def too_high(tree: Syntax, limit: int) -> Syntax | None:
    """A node more than ``limit`` levels below the top, if there is one."""
    layer = [tree]
    for _ in range(limit):
        layer = [child for node in layer for child in children(node)]
        if not layer:
            return None
    return layer[0]


def height(tree: Syntax) -> int:
    """How many nodes lie on the longest way down from the top."""
    layer, found = [tree], 0
    while layer:
        found += 1
        layer = [child for node in layer for child in children(node)]
    return found
