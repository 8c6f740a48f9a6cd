"""Operators of whose results one size is found in the data: how many boxes are kept, how many elements are not zero.

Such a size is a symbol like others. It is called after the node that finds it, ``head.non_max_suppression.count``, lies
between 0 and what is known, and goes on through shapes and costs. What has to be known while compiling cannot be it.
"""

from __future__ import annotations

from typing import Self

from archdsl.dim_order import greatest
from archdsl.dims import Dim, Symbol, limits, symbol
from archdsl.ops.base import Op, Types
from archdsl.shapes import TensorType


class Counted(Op):
    """Base of these operators; :attr:`found` is their size, which whoever makes a node settles by :meth:`named`."""

    found: Dim | None = None

    def limit(self, *ins: TensorType) -> Dim:
        """What the size is at most."""
        raise NotImplementedError

    @property
    def count(self) -> Dim:
        """The size; of an operator that is no node a symbol that stands for all."""
        return symbol("it.count", 0) if self.found is None else self.found

    @property
    def symbol(self) -> Symbol | None:
        """The symbol that the size is; ``None`` once it is a number."""
        return next(iter(limits(self.count)), None)

    def named(self, path: str, ins: Types) -> Self:
        """The operator as the node ``path``; refuses inputs that do not fit."""
        self.shape(*ins)
        return self.replace(found=symbol(f"{path}.count", 0, greatest(self.limit(*ins))))
