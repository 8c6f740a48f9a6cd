"""Dimensions that are declared by texts, as :class:`~archdsl.tape.builder.Builder` takes them."""

from __future__ import annotations

import re

from archdsl import dim_order
from archdsl.diagnostics import Refusal
from archdsl.dim_solve import UnequalError, bindable, limited_symbol, solve
from archdsl.dim_text import parse_dimension
from archdsl.dims import Dim, Symbol, limits

_BOUND = re.compile(r"(<=|>=|<|>)([^<>=]*)")


class Declared:
    """The symbols of one graph: their bounds, and the sizes at which costs are reported."""

    def __init__(self) -> None:
        self.known: dict[str, Symbol] = {}
        self.sizes: dict[str, int] = {}

    def dimension(self, text: str) -> Dim:
        """``"H"``, ``"16 * H"``, ``"H = 224"``, ``"T = 128 <= 512"``. Refuses (E0205, E0802) what is none."""
        head, bounds = text, ""
        if match := _BOUND.search(text):
            head, bounds = text[: match.start()], text[match.start() :]
        name, _, given = head.partition("=")
        dim = parse_dimension(name, self.known)
        if bounds:
            dim = self._limited(dim, name, bounds)
        for symbol in limits(dim):
            self.known.setdefault(str(symbol), symbol)
        if dim_order.at_least(dim, 1) is False:
            raise Refusal("E0205", f"a dimension must be at least 1, not {dim}")
        if given:
            self._give(dim, parse_dimension(given))
        return dim

    def _limited(self, dim: Dim, text: str, bounds: str) -> Dim:
        name = bindable(dim)
        if name is None:
            raise Refusal("E0205", f"a bound is on a dimension of one symbol, not on {dim}")
        least: int | None = None
        most: int | None = None
        for op, limit in _BOUND.findall(bounds):
            size = parse_dimension(limit)
            if not isinstance(size, int):
                raise Refusal("E0205", f"a bound of a size must be an integer, not {size}")
            if op[0] == "<":
                most = min(size - (op == "<"), size if most is None else most)
            else:
                least = max(size + (op == ">"), 0 if least is None else least)
        limited = limited_symbol(name, dim, (least, most))
        if str(name) in self.known and limited != name:
            message = f"`{name}` is declared as `{name.bounds}` before, and as `{limited.bounds}` here"
            raise Refusal("E0205", message, help=f"give all bounds of `{name}` where it stands first")
        self.known[str(name)] = limited
        return parse_dimension(text, self.known)

    def _give(self, dim: Dim, size: Dim) -> None:
        try:
            found = solve([(dim, size)], self.sizes)
        except UnequalError as unequal:
            raise Refusal("E0205", f"`{dim}` cannot be {size}", note=unequal.note) from None
        self.sizes.update({str(name): value for name, value in found.items() if isinstance(value, int)})
