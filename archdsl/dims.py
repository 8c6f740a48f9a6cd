"""Dimensions: integers, or polynomials over named symbols and floor divisions.

A dimension without symbols is a plain ``int``; everything else is an :class:`Expr` in canonical form, so that two
derivations of the same size compare equal: ``((H + 1) // 2 + 1) // 2 == (H + 3) // 4``. Symbols stand for positive
integers, unless they are declared with other bounds, which every expression of them carries. Costs are the same kind
of value, which is what makes symbolic totals polynomials.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import gcd
from typing import Union

from archdsl.diagnostics import Refusal
from archdsl.size_symbol import Symbol as Symbol

Dim = Union[int, "Expr"]
Atom = Union["Symbol", "FloorDiv"]
Monomial = tuple[tuple[Atom, int], ...]

MAX_WEIGHT = 20_000
"""Terms of one expression, those inside its divisions included."""
MAX_POWER = 64
MAX_BITS = 4096


class FloorDiv:
    """``numerator // divisor`` with a symbolic part; an atom of a polynomial."""

    __slots__ = ("_hash", "divisor", "numerator", "weight")

    def __init__(self, numerator: Expr, divisor: Dim) -> None:
        self.numerator = numerator
        self.divisor = divisor
        self.weight = weight(numerator) + weight(divisor)
        self._hash = hash((numerator, divisor))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FloorDiv) and self.numerator == other.numerator and self.divisor == other.divisor

    def __hash__(self) -> int:
        return self._hash

    def __str__(self) -> str:
        return f"{_group(self.numerator)} // {_group(self.divisor)}"

    __repr__ = __str__  # terms are printed in the order of their texts, which have no addresses in them


class Expr:
    """A polynomial with integer coefficients; immutable, canonical, hashable."""

    __slots__ = ("_hash", "terms", "weight")

    def __init__(self, terms: Mapping[Monomial, int]) -> None:
        self.terms = dict(terms)
        total = len(self.terms)
        for monomial in self.terms:
            for atom, _ in monomial:
                total += atom.weight
        self.weight = total
        if total > MAX_WEIGHT:
            raise _too_large()
        self._hash = hash(frozenset(self.terms.items()))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Expr) and self._hash == other._hash and self.terms == other.terms

    def __repr__(self) -> str:
        return f"<{self}>"

    def __str__(self) -> str:
        return _print(self)

    def __add__(self, other: Dim) -> Dim:
        total = dict(self.terms)
        for monomial, factor in _terms(other):
            total[monomial] = total.get(monomial, 0) + factor
        return _make(total)

    __radd__ = __add__

    def __neg__(self) -> Dim:
        return self * -1

    def __sub__(self, other: Dim) -> Dim:
        return self + other * -1

    def __rsub__(self, other: Dim) -> Dim:
        return self * -1 + other

    def __mul__(self, other: Dim) -> Dim:
        total: dict[Monomial, int] = {}
        if len(self.terms) * weight(other) > MAX_WEIGHT:
            raise _too_large()
        for left, a in self.terms.items():
            for right, b in _terms(other):
                monomial = _multiply(left, right)
                total[monomial] = factor = total.get(monomial, 0) + a * b
                if factor.bit_length() > MAX_BITS:
                    raise _too_large()
        return _make(total)

    __rmul__ = __mul__

    def __floordiv__(self, other: Dim) -> Dim:
        return floordiv(self, other)

    def __rfloordiv__(self, other: Dim) -> Dim:
        return floordiv(other, self)


class BoundSize(int):
    """The size of a symbol that is bound: a number that still names the axes that are declared as the symbol."""

    symbol: str

    @classmethod
    def of(cls, symbol: str, size: int) -> BoundSize:
        """The size of this symbol."""
        found = cls(size)
        found.symbol = symbol
        return found


def weight(dim: Dim) -> int:
    """How many words it takes to write a dimension down."""
    return dim.weight if isinstance(dim, Expr) else 1


def _too_large() -> Refusal:
    return Refusal("E0506", "a symbolic size is too long to write down")


def symbol(name: str, least: int = 1, most: int | None = None) -> Expr:
    """The symbol ``name``, a positive integer or one between these bounds; a :class:`Symbol` has its own."""
    return Expr({((name if isinstance(name, Symbol) else Symbol.of(name, least, most), 1),): 1})


def is_symbol(dim: Dim, name: str) -> bool:
    """Whether a dimension is the symbol of this name, whatever its bounds."""
    return isinstance(dim, Expr) and next(iter(dim.terms.items())) == (((name, 1),), 1) and len(dim.terms) == 1


def floordiv(a: Dim, b: Dim) -> Dim:
    """``a // b``, exact and canonical."""
    if isinstance(a, int) and isinstance(b, int):
        if b == 0:
            raise Refusal("E0212", "division by zero in a dimension")
        return a // b
    if isinstance(b, int):
        if b < 0:
            return floordiv(a * -1, -b)
        if b == 0:
            raise Refusal("E0212", "division by zero in a dimension")
        assert isinstance(a, Expr)
        return _floordiv_int(a, b)
    if a == b or a == 0:
        return int(a != 0)
    exact = _divide_exactly(a, b)
    if exact is not None:
        return exact
    return Expr({((FloorDiv(_as_expr(a), b), 1),): 1})


def ceildiv(a: Dim, b: Dim) -> Dim:
    """``ceil(a / b)``."""
    return floordiv(a + b - 1, b)


def product(dims: Iterable[Dim]) -> Dim:
    """The product; 1 for none."""
    total: Dim = 1
    for dim in dims:
        total = total * dim
    return total


def symbols(dim: Dim) -> frozenset[str]:
    """The names a dimension depends on."""
    return frozenset([found.plain for found in limits(dim)])


def limits(dim: Dim) -> frozenset[Symbol]:
    """The symbols a dimension depends on, with their bounds."""
    if isinstance(dim, int):
        return frozenset()
    found: set[Symbol] = set()
    for monomial in dim.terms:
        for atom, _ in monomial:
            if isinstance(atom, str):
                found.add(atom)
            else:
                found |= limits(atom.numerator) | limits(atom.divisor)
    return frozenset(found)


def evaluate(dim: Dim, binding: Mapping[str, Dim]) -> Dim:
    """The dimension with symbols replaced; an ``int`` when all of them are bound to integers."""
    if isinstance(dim, int) or not binding:
        return dim
    total: Dim = 0
    for monomial, factor in dim.terms.items():
        value: Dim = factor
        for atom, power in monomial:
            if isinstance(atom, str):
                base: Dim = binding.get(atom, 0) if atom in binding else Expr({((atom, 1),): 1})
            else:
                base = floordiv(evaluate(atom.numerator, binding), evaluate(atom.divisor, binding))
            for _ in range(power):
                value = value * base
        total = total + value
    return total


def _as_expr(dim: Dim) -> Expr:
    return dim if isinstance(dim, Expr) else Expr({(): dim} if dim else {})


def _terms(dim: Dim) -> Iterable[tuple[Monomial, int]]:
    return dim.terms.items() if isinstance(dim, Expr) else [((), dim)]


def _make(terms: Mapping[Monomial, int]) -> Dim:
    kept = {monomial: factor for monomial, factor in terms.items() if factor}
    if not kept:
        return 0
    if len(kept) == 1 and () in kept:
        return kept[()]
    return Expr(kept)


def _multiply(left: Monomial, right: Monomial) -> Monomial:
    if not left or not right:
        return left or right
    powers = dict(left)
    for atom, power in right:
        powers[atom] = powers.get(atom, 0) + power
        if powers[atom] > MAX_POWER:
            raise _too_large()
    return tuple(sorted(powers.items(), key=lambda item: str(item[0])))


def _floordiv_int(a: Expr, b: int) -> Dim:
    """Multiples of ``b`` leave the division; a lone inner floor division is merged into one."""
    if any(factor < 0 for monomial, factor in a.terms.items() if monomial):
        leading = min((m for m, factor in a.terms.items() if m and factor % b), key=str, default=())
        if leading and a.terms[leading] < 0:  # -H // 32 == -((H + 31) // 32), as any ceiling is written
            return floordiv(a * -1 + (b - 1), b) * -1
    whole: dict[Monomial, int] = {}
    rest: dict[Monomial, int] = {}
    for monomial, factor in a.terms.items():
        whole[monomial], rest[monomial] = divmod(factor, b)
    outside, inside = _make(whole), _make(rest)
    if isinstance(inside, int):
        return outside + inside // b
    shared = gcd(b, *(factor for monomial, factor in inside.terms.items() if monomial))
    if shared > 1:  # (4 H + 3) // 6 == (2 H + 1) // 3
        inside, b = floordiv(inside, shared), b // shared
        if b == 1 or isinstance(inside, int):
            return outside + floordiv(inside, b)
    merged = _merge_nested(inside, b)
    if merged is not None:
        return outside + merged
    return outside + Expr({((FloorDiv(inside, b), 1),): 1})


def _merge_nested(inside: Expr, b: int) -> Dim | None:
    """``(x // a + c) // b == (x + a c) // (a b)``."""
    constant = inside.terms.get((), 0)
    others = [(m, f) for m, f in inside.terms.items() if m]
    if len(others) != 1 or others[0][1] != 1:
        return None
    monomial = others[0][0]
    if len(monomial) != 1 or monomial[0][1] != 1 or not isinstance(monomial[0][0], FloorDiv):
        return None
    inner = monomial[0][0]
    if not isinstance(inner.divisor, int):
        return None
    return floordiv(inner.numerator + constant * inner.divisor, inner.divisor * b)


def _divide_exactly(a: Dim, b: Dim) -> Dim | None:
    """The quotient where ``b`` is a single term that divides every term of ``a``."""
    if not isinstance(b, Expr) or len(b.terms) != 1:
        return None
    ((monomial, factor),) = b.terms.items()
    total: dict[Monomial, int] = {}
    for term, scale in _terms(a):
        powers = dict(term)
        for atom, power in monomial:
            powers[atom] = powers.get(atom, 0) - power
            if powers[atom] < 0:
                return None
        if scale % factor:
            return None
        key = tuple(sorted(((k, p) for k, p in powers.items() if p), key=lambda item: str(item[0])))
        total[key] = total.get(key, 0) + scale // factor
    return _make(total)


def _group(dim: Dim) -> str:
    text = str(dim)
    return f"({text})" if " " in text else text


def _print(expr: Expr) -> str:
    """As a reader would write it: ``(H - 1) // 2 + 1`` is shown as ``(H + 1) // 2``."""
    constant = expr.terms.get((), 0)
    parts: list[tuple[int, str]] = []
    others = sorted(((m, f) for m, f in expr.terms.items() if m), key=lambda item: (-_degree(item[0]), str(item[0])))
    for monomial, factor in others:
        lone = monomial[0][0] if len(monomial) == 1 and monomial[0][1] == 1 else None
        if constant and factor == 1 and isinstance(lone, FloorDiv) and isinstance(lone.divisor, int):
            parts.append((1, str(FloorDiv(_as_expr(lone.numerator + constant * lone.divisor), lone.divisor))))
            constant = 0
            continue
        parts.append((factor, _print_monomial(monomial, wrap=abs(factor) != 1)))
    if constant:
        parts.append((constant, ""))
    text = ""
    for factor, body in parts:
        size = abs(factor)
        term = body if body and size == 1 else (f"{size} * {body}" if body else str(size))
        text += (f" - {term}" if factor < 0 else f" + {term}") if text else (f"-{term}" if factor < 0 else term)
    return text


def _degree(monomial: Monomial) -> int:
    return sum(power for _, power in monomial)


def _print_monomial(monomial: Monomial, wrap: bool) -> str:
    several = wrap or len(monomial) > 1
    parts = []
    for atom, power in monomial:
        text = str(atom)
        if isinstance(atom, FloorDiv) and (several or power > 1):
            text = f"({text})"
        parts.append(text if power == 1 else f"{text}**{power}")
    return " * ".join(parts)
