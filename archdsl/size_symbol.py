"""The names of sizes, and their bounds."""

from __future__ import annotations

Ends = tuple[int | None, int | None]
"""The least and the greatest size; ``None``: no bound."""


class Symbol(str):
    """The name of a size, and between what it lies: at least ``least``, at most ``most`` (``None``: no bound).

    Symbols of one name and other bounds are two: what is found for one of them does not hold for the other.
    """

    __slots__ = ("least", "most", "plain")
    plain: str
    """The name alone."""
    least: int
    most: int | None
    weight = 1

    @classmethod
    def of(cls, name: str, least: int = 1, most: int | None = None) -> Symbol:
        """The symbol of this name with these bounds; the same object every time."""
        key = (str(name), least, most)
        found = _SYMBOLS.get(key)
        if found is None:
            found = cls(name)
            found.plain, found.least, found.most = key
            if len(_SYMBOLS) < MAX_KNOWN:
                _SYMBOLS[key] = found
        return found

    @property
    def bounded(self) -> bool:
        """Whether it has bounds besides the usual one."""
        return self.least != 1 or self.most is not None

    @property
    def bounds(self) -> str:
        """The bounds as a spec declares them: ``P >= 0``, ``T >= 2 <= 512``; the name alone for none."""
        low = f" >= {self.least}" if self.least != 1 else ""
        return f"{self}{low}" + (f" <= {self.most}" if self.most is not None else "")

    @property
    def of_data(self) -> bool:
        """Whether it is a number that an operator finds in the data: called after its path, as no input's symbol is."""
        return "." in self

    def allows(self, size: int) -> bool:
        """Whether it can be this size."""
        return size >= self.least and (self.most is None or size <= self.most)

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        same = isinstance(other, str) and str.__eq__(self, other)
        return same and (not isinstance(other, Symbol) or (self.least, self.most) == (other.least, other.most))

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = str.__hash__


_SYMBOLS: dict[tuple[str, int, int | None], Symbol] = {}
MAX_KNOWN = 10_000
"""Symbols that are kept, so that equal ones are the same object."""
