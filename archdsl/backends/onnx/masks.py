"""Masks that are added to scores: 0 where a key is seen, minus infinity where it is hidden.

They depend on sizes alone, so that a model computes each once, whatever the number of its layers.
"""

from __future__ import annotations

from math import inf, isfinite

from archdsl.backends.onnx.wire import Literal
from archdsl.backends.onnx.writer import Emit, pack
from archdsl.dims import Dim
from archdsl.graph import Value
from archdsl.ops.constant import Constant, Param
from archdsl.ops.linear import Embedding
from archdsl.ops.logic import Where
from archdsl.ops.start import elements


def hidden(emit: Emit, rows: Dim, columns: Dim, *, ahead: int | None = None, behind: int | None = None) -> str:
    """The mask [rows, columns], positions aligned at their ends: hidden are keys that lie ``ahead`` positions or more
    after the query, and those that lie ``behind`` positions or more before it.
    """
    dtype = emit.types[0].dtype
    key = ("hidden", dtype, rows, columns, ahead, behind)

    def make() -> str:
        minus = Literal(dtype, [1], pack(dtype, [-inf]))
        everywhere = emit.helper("ConstantOfShape", [emit.vector([rows, columns])], value=minus)
        past, found = columns - rows, []
        if ahead is not None:
            found.append(emit.helper("Trilu", [everywhere, _scalar(emit, past + ahead)], upper=1))
        if behind is not None:
            found.append(emit.helper("Trilu", [everywhere, _scalar(emit, past - behind)], upper=0))
        return found[0] if len(found) == 1 else emit.helper("Add", found)

    return emit.once(key, make)


def _scalar(emit: Emit, size: Dim) -> str:
    """A size, or a difference of sizes, as an ``i64`` without axes."""
    if isinstance(size, int):
        return emit.scalar(size, "i64")
    return emit.reshape(emit.vector([size]), (1,), ())


def added(emit: Emit, mask: str, dtype: str) -> str:
    """A mask of ``bool`` (what may be seen) as one that is added to scores of ``dtype``."""

    def make() -> str:
        return emit.helper("Where", [mask, emit.scalar(0.0, dtype), emit.scalar(-inf, dtype)])

    return emit.once(("added", dtype, mask), make)


def finite(mask: Value) -> bool:
    """Whether a mask is known to hide nothing altogether: it is made of finite constants and of learned numbers. Then
    every query sees a key, as far as nothing else hides them.
    """
    left = [mask]
    while left:
        value = left.pop()
        node = value.producer
        if node is None or value.type.dtype == "bool":
            return False
        if isinstance(node.op, Constant):
            if not all(isfinite(value) for value in elements(node.op.values)):
                return False
        elif isinstance(node.op, Where):
            left += node.inputs[1:]
        elif node.op.role == "view":
            left += node.inputs[:1]
        elif not (isinstance(node.op, Embedding | Param) and node.params):
            return False
    return True
