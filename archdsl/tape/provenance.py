"""The provenance of a shape: the applications that gave a value its channels and its size."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.graph import Node, Value
from archdsl.source import Span


def derivations(sides: Sequence[tuple[str, Value]]) -> list[str]:
    """One line for each side, telling which applications settled the dimensions in which the sides differ."""
    rank = min(len(value.type.shape) for _, value in sides)
    axes = [a for a in range(rank) if len({value.type.shape[a] for _, value in sides}) > 1]
    return [line for side, value in sides if (line := _side(side, value, axes))]


def _side(side: str, value: Value, axes: list[int]) -> str:
    told: dict[str, list[str]] = {}
    for axis in axes:
        node = settled_by(value, axis)
        size = value.type.shape[axis]
        what = f"{size} channels" if axis == 1 else f"size {size}"
        sizes = told.setdefault("the input" if node is None else _call(node), [])
        if what not in sizes:
            sizes.append(what)
    parts = [f"{' and '.join(sizes)} from {source}" for source, sizes in told.items()]
    return f"{side}: {'; '.join(parts)}" if parts else ""


def settled_by(value: Value, axis: int) -> Node | None:
    """The last application on the way to ``value`` that changed the size of ``axis``; ``None``: the input."""
    while value.producer is not None:
        node = value.producer
        if not node.inputs:
            return node
        before = node.inputs[0]
        if before.type.rank != value.type.rank or before.type.shape[axis] != value.type.shape[axis]:
            return node
        value = before
    return None


def _in_the_readers_text(node: Node) -> Span | None:
    """Where the node stems from; for the standard library, where its block was applied."""
    span = node.origin.span
    for frame in node.origin.frames():
        if span is None or not span.source.name.startswith("std."):
            break
        span = frame.span
    return span


def _call(node: Node) -> str:
    span = _in_the_readers_text(node)
    if span is None:
        return f"`{node.op.name}`"
    text = " ".join(span.text.split())
    return f"`{text if len(text) <= 60 else text[:57] + '…'}` (line {span.line})"


def settled_notes(value: Value) -> list[str]:
    """Where each dimension of a value came from."""
    lines = []
    for axis in range(1, value.type.rank):
        node = settled_by(value, axis)
        if node is not None and node.origin.span is not None:
            text = " ".join(node.origin.span.text.split())[:60]
            lines.append(f"axis {axis} is {value.type.shape[axis]} from `{text}` (line {node.origin.span.line})")
    return lines
