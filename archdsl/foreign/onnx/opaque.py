"""Nodes that have no operator here: opaque ones, whose cost is not known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archdsl.foreign.importer import Importer
from archdsl.foreign.names import path_part
from archdsl.foreign.onnx.call import Call
from archdsl.foreign.onnx.model import Node
from archdsl.graph import Value
from archdsl.ops.opaque import Opaque
from archdsl.shapes import TensorType


class Untyped:
    """A result of which nothing is known: it stands for all nodes up to here, and for what enters them."""

    __slots__ = ("inputs", "node", "nodes", "version", "why")

    def __init__(self, node: Node, version: int, why: str, inputs: Sequence[Value], nodes: int = 1) -> None:
        self.node = node
        self.version = version
        self.why = why
        self.inputs = tuple(dict.fromkeys(inputs))
        self.nodes = nodes


def opaque(call: Call, why: str, made_types: Sequence[TensorType] = ()) -> Untyped | Sequence[Value | Untyped]:
    """An opaque node for what has no operator here; ``why``: what of it is not supported, if not all.

    Its results have ``made_types``, or else what the file declares.
    """
    node = call.node
    types: list[TensorType | None] = [*made_types] or [call.declared(name) for name in node.outputs if name]
    values = [call.value(i) for i, one in enumerate(call.inputs) if one is not None]
    known = [one for one in types if one is not None]
    lacking = Untyped(node, call.version, why, values)
    if not known:
        return lacking
    absent = [i for i, one in enumerate(call.inputs) if one is None]
    op = Opaque.of(node.domain, node.op, known, attributes(node), version=call.version, absent=absent)
    made = iter(call.apply_all(op, *values))
    typed = iter(types)
    return [next(made) if name and next(typed) is not None else lacking for name in node.outputs]


def joined(
    importer: Importer, lacking: Sequence[Untyped], others: Sequence[Value], types: Sequence[TensorType]
) -> Sequence[Value]:
    """One opaque node for several nodes, up to results whose types are declared."""
    first = lacking[0]
    inputs = [value for one in lacking for value in one.inputs] + [*others]
    count = max(one.nodes for one in lacking)
    op = Opaque.of(first.node.domain, first.node.op, types, attributes(first.node), version=first.version, nodes=count)
    return importer.apply(op, list(dict.fromkeys(inputs)), path_part(first.node.op))


def attributes(node: Node) -> dict[str, Any]:
    """The attributes of a node as Python has them; tensors and graphs, which no opaque node keeps, as they are."""
    return {name: _plain(value) for name, value in node.attributes.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value
