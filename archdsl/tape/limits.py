"""Bounds on the work of one elaboration. Each refusal has a code of its own and names its bound."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.diagnostics import Refusal
from archdsl.dims import Dim
from archdsl.record import Record
from archdsl.shapes import TensorType
from archdsl.source import Span

SMALL = 8
"""Axes of a tensor, and words of a symbolic size, up to which no bound applies."""
STEPS_PER_NODE = 10
"""Steps that making one operator takes at most, where a spec does little else."""
DEEP = 16
"""Applications within one another, of which a network has few, and a block that doubles at each level many."""
FAULT_STEPS = 50
"""The steps that reporting one fault counts as."""


class Limits(Record):
    """The greatest values that an elaboration may reach."""

    steps: int = 500_000
    """Work that makes no operators: each operator that is made allows :data:`STEPS_PER_NODE` more."""
    nodes: int = 1_000_000
    deep: int = 100_000
    """Operators in blocks that are nested more than :data:`DEEP` deep: blocks that double make no end of them."""
    after: int = 100_000
    """Operators that are made after an error, and steps, to find others."""
    items: int = 100_000
    leaves: int = 1_000_000
    bits: int = 4096
    size_bits: int = 128
    axes: int = 32
    words: int = 500
    depth: int = 100
    """Applications within one another; lists within one another."""
    levels: int = 1500
    """Expressions within one another, those of the blocks and definitions that they name included."""


DEFAULT = Limits()
"""The bounds of every elaboration that is not given others."""


class BoundExceeded(Exception):
    """The whole elaboration stops, because going on would only exceed the bound again. It is no :class:`Refusal`, so
    that code that handles refusals and goes on lets it pass.
    """

    def __init__(self, code: str, message: str, *, told: bool = True) -> None:
        super().__init__(message)
        self.refusal = Refusal(code, message)
        self.told = told
        """``False``: there is another error, and this one only ends the search for more."""

    def located(self, span: Span | None) -> BoundExceeded:
        """The same with a place, unless it has a more exact one."""
        self.refusal.located(span)
        return self


class Bounds:
    """How much work was done, held against the limits."""

    __slots__ = ("after", "deep", "explained", "level", "limits", "most", "steps")

    def __init__(self, limits: Limits = DEFAULT) -> None:
        self.limits = limits
        self.steps = 0
        """Steps so far, less those that the operators made so far allow."""
        self.most = limits.steps
        """The greatest number of them."""
        self.level = 0
        """How many expressions are being evaluated within one another."""
        self.explained = 0
        """Steps that went into explaining faults."""
        self.deep = 0
        """Operators in blocks that are nested deeply."""
        self.after = 0
        """Operators that were made after an error."""

    def step(self, count: int = 1) -> None:
        """Count work; refuse (E0501) too much of it."""
        self.steps += count
        if self.steps > self.most:
            raise BoundExceeded("E0501", f"the spec needs more than {self.limits.steps:,} evaluation steps")

    def shorten(self) -> None:
        """There is an error: a part of the steps is left to find others, and that they are used up is not told."""
        self.most = min(self.most, self.steps + self.limits.after)

    def check_depth(self, depth: int) -> None:
        """Refuse (E0505) to apply a block that is nested too deeply."""
        if depth > self.limits.depth:
            raise BoundExceeded("E0505", f"blocks are nested more than {self.limits.depth} applications deep")

    def too_deep(self) -> BoundExceeded:
        """The refusal (E0505) of expressions that need one another too deeply."""
        message = f"definitions and expressions are nested more than {self.limits.levels} levels deep"
        return BoundExceeded("E0505", message)

    def count_node(self, before: int, depth: int = 0, failed: bool = False) -> None:
        """Account for one more operator, where there were some ``before``, in blocks within one another; refuse (E0502)
        too many.
        """
        if before >= self.limits.nodes:
            raise BoundExceeded("E0502", f"the network has more than {self.limits.nodes:,} operators")
        if depth > DEEP or failed:
            self.count_nested(1, depth, failed)
        self.steps -= STEPS_PER_NODE

    def count_nested(self, count: int, depth: int, failed: bool) -> None:
        """Account for operators that are nested deeply, or made after an error; refuse (E0502) too many."""
        self.deep += count if depth > DEEP else 0
        self.after += count if failed else 0
        if self.deep > self.limits.deep:
            message = f"blocks nested more than {DEEP} applications deep have more than {self.limits.deep:,} operators"
            raise BoundExceeded("E0502", message)
        if self.after > self.limits.after:
            raise BoundExceeded("E0502", f"more than {self.limits.after:,} operators after an error", told=False)

    def check_items(self, count: int) -> None:
        """Refuse (E0503) lists that are too long."""
        if count > self.limits.items:
            raise Refusal("E0503", f"a list of {count:,} elements; at most {self.limits.items:,} are allowed")
        self.step(count)

    def check_text(self, length: int) -> None:
        """Refuse (E0503) strings that are too long; all of them together are work, and so stay within some 32 MiB."""
        if length > self.limits.items:
            raise Refusal("E0503", f"a string of {length:,} characters; at most {self.limits.items:,} are allowed")
        self.step(length // 64)

    def check_outputs(self, count: int) -> None:
        """Account for the results of one operator, where there are many."""
        if count > SMALL:
            self.step(2 * count)

    def check_sizes(self, types: Sequence[TensorType]) -> None:
        """Refuse (E0506) tensors that no machine could hold, before their sizes outgrow the work."""
        for type in types:
            if type.rank > self.limits.axes:
                raise Refusal("E0506", f"a tensor of {type.rank} axes; at most {self.limits.axes} are allowed")
            for dim in type.shape:
                self.check_dimension(dim)

    def check_dimension(self, dim: Dim) -> None:
        """Refuse (E0506) a size that is too large, or takes too many words."""
        if isinstance(dim, int):
            if dim.bit_length() > self.limits.size_bits:
                raise Refusal("E0506", f"a dimension can have at most {self.limits.size_bits} bits")
        elif dim.weight > SMALL:
            self.step(dim.weight // 4)
            if dim.weight > self.limits.words:
                raise Refusal(
                    "E0506", f"a symbolic size can have at most {self.limits.words} words when it is written down"
                )
