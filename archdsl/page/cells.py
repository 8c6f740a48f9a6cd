"""Figures as the cells of a document: exact integers, polynomials by their numbers in a table that has each once."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from archdsl.analyses.measure import plain
from archdsl.dims import Dim, Expr, FloorDiv, Monomial, Symbol

EXACT = 2**53
"""Integers from here on are texts: a program that reads numbers as doubles would round them."""


class Cells:
    """Writes figures, and collects the polynomials among them.

    A cell is a number; a text for an integer of 2**53 or more; ``[i]`` for polynomial number i; ``null`` for what is
    not known. A polynomial is a list of terms ``[factor, [[atom, power], …]]``; an atom is the name of a symbol, or
    ``[numerator, divisor]``, two cells, for a division rounded down. Polynomials name earlier ones only.
    """

    def __init__(self) -> None:
        self.polynomials: list[list[Any]] = []
        self.symbols: set[Symbol] = set()
        """All that the polynomials depend on."""
        self._known: dict[Expr, int] = {}

    def cell(self, value: Dim | None) -> Any:
        """One figure."""
        if value is None:
            return None
        if isinstance(value, Expr):
            return [self._number(value)]
        return int(value) if -EXACT < value < EXACT else str(int(value))

    def seen(self, value: Any) -> Any:
        """A figure that may be a ratio, a bound, or one for each axis."""
        if isinstance(value, tuple):
            return [self.seen(one) for one in value]
        return float(value) if isinstance(value, Fraction) and value.denominator > 1 else plain(value)

    def _number(self, value: Expr) -> int:
        known = self._known.get(value)
        if known is None:
            terms = [[self.cell(factor), self._monomial(monomial)] for monomial, factor in value.terms.items()]
            known = self._known[value] = len(self.polynomials)
            self.polynomials.append(terms)
        return known

    def _monomial(self, monomial: Monomial) -> list[Any]:
        return [[self._atom(atom), power] for atom, power in monomial]

    def _atom(self, atom: Any) -> Any:
        if isinstance(atom, FloorDiv):
            return [self.cell(atom.numerator), self.cell(atom.divisor)]
        self.symbols.add(atom)
        return str(atom.plain)
