"""Every operator card's ``examples`` as data: ``conv[64, 3, stride=2] : f32[N,3,8,8] -> f32[N,64,4,4]``.

Tests of shapes, of each backend and of the documentation read the same lines. Bare names in the arguments are
symbols where an input type declares them, otherwise choices (``same``), ``true``, ``false``, ``none`` or blocks' names.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from archdsl import dims, ops
from archdsl.dims import Dim, Expr
from archdsl.element_types import ELEMENT_TYPES
from archdsl.ops.base import Op
from archdsl.ops.counted import Counted
from archdsl.shapes import AXES, TensorType

CONSTANTS = {"true": True, "false": False, "none": None}
BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv, ast.Div: operator.truediv,
}  # fmt: skip


@dataclass(frozen=True)
class Example:
    """One line of ``examples``: an operator with its input and output types."""

    op: Op
    input_types: tuple[TensorType, ...]
    output_types: tuple[TensorType, ...]
    text: str

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols that the input types declare, sorted."""
        return tuple(sorted({name for type in self.input_types for dim in type.shape for name in dims.symbols(dim)}))

    def bound(self, binding: Mapping[str, int]) -> Example:
        """The same example with symbols replaced by integers, in the operator's arguments too."""
        fields = {name: self._bound_field(getattr(self.op, name), binding) for name in type(self.op)._fields}
        return Example(
            type(self.op)(**fields),
            tuple(type.bind(binding) for type in self.input_types),
            tuple(type.bind(binding) for type in self.output_types),
            self.text,
        )

    def _bound_field(self, value: Any, binding: Mapping[str, int]) -> Any:
        if isinstance(value, tuple):
            return tuple(self._bound_field(v, binding) for v in value)
        if isinstance(value, Expr):
            return dims.evaluate(value, binding)
        if isinstance(value, TensorType):
            return value.bind(binding)
        if isinstance(value, str) and value in self.symbols and value not in AXES:  # an axis given by its symbol
            return self.input_types[0].shape.index(dims.symbol(value))
        return value


def all_examples() -> list[Example]:
    """The examples of every operator, in the order of their names."""
    return [example for name in ops.names() for example in examples_of(name)]


def examples_of(name: str) -> list[Example]:
    """The examples of the operator ``name``."""
    return [parse_example(line) for line in ops.load(name).examples]


def parse_example(text: str) -> Example:
    """``name[args] : type, … -> type, …`` read; ``ValueError`` where the line is malformed."""
    head, _, types = text.partition(" : ")
    left, arrow, right = types.partition("->")
    if not arrow:
        raise ValueError(f"no `->` in {text!r}")
    inputs = tuple(parse_types(left))
    known = {name: dims.symbol(name) for type in inputs for dim in type.shape for name in dims.symbols(dim)}
    name, _, arguments = head.strip().partition("[")
    op, outs = _build(name, arguments.removesuffix("]"), known), tuple(parse_types(right))
    if isinstance(op, Counted):  # the one symbol that no input has
        op = op.named("it", inputs)
        outs = tuple(type.bind({"K": op.count}) for type in outs)
    return Example(op, inputs, outs, text)


def _build(name: str, arguments: str, known: Mapping[str, Expr]) -> Op:
    call = ast.parse(f"f({arguments})", mode="eval").body
    assert isinstance(call, ast.Call)
    card = ops.load(name)
    values = {field: _value(node, known) for field, node in zip(card.signature, call.args)}
    values |= {str(keyword.arg): _value(keyword.value, known) for keyword in call.keywords}
    return card.create(**values)


def parse_types(text: str) -> Iterable[TensorType]:
    """``f32[N,3,8,8], i64[]``: the types of a comma-separated list."""
    depth, start = 0, 0
    for position, letter in enumerate(text + ","):
        depth += {"[": 1, "(": 1, "]": -1, ")": -1}.get(letter, 0)
        if letter == "," and not depth:
            if text[start:position].strip():
                yield parse_type(text[start:position])
            start = position + 1


def parse_type(text: str) -> TensorType:
    """``f32[N, (H + 1) // 2]``; every name in it is a symbol."""
    dtype, _, inside = text.strip().partition("[")
    if dtype not in ELEMENT_TYPES or not inside.endswith("]"):
        raise ValueError(f"not a type: {text!r}")
    node = ast.parse(f"[{inside}", mode="eval").body
    assert isinstance(node, ast.List)
    return TensorType(dtype, tuple(_dim(item) for item in node.elts))


def _dim(node: ast.expr) -> Dim:
    if isinstance(node, ast.Name):
        return dims.symbol(node.id)
    if isinstance(node, ast.BinOp):
        result: Dim = BINARY[type(node.op)](_dim(node.left), _dim(node.right))
        return result
    return int(ast.literal_eval(node))


def _value(node: ast.expr, known: Mapping[str, Expr]) -> Any:
    match node:
        case ast.Name(id=name):
            return known.get(name, CONSTANTS.get(name, name))
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return tuple(_value(item, known) for item in items)
        case ast.Subscript(value=ast.Name(id=dtype)) if dtype in ELEMENT_TYPES:
            sizes = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            return TensorType(dtype, tuple(_dim(size) for size in sizes))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, known)
        case ast.BinOp(left=left, op=op, right=right):
            return BINARY[type(op)](_value(left, known), _value(right, known))
        case _:
            return ast.literal_eval(node)
