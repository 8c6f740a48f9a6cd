"""Symbolic sizes of exported programs, as polynomials.

PyTorch writes them as SymPy prints: ``Add(FloorDiv(Symbol('s0', …), Integer(2)), Integer(1))``, or ``s0//2 + 1`` in
older files. The text is parsed, and never evaluated as Python.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from functools import reduce

from archdsl import dims
from archdsl.diagnostics import Refusal
from archdsl.dim_order import at_least
from archdsl.dims import Dim
from archdsl.size_symbol import Symbol

MAX_TEXT = 4000
MAX_POWER = 16


class Sizes:
    """The symbols of a program with their bounds, and what is bound of them.

    A least size of 2 counts as 1: PyTorch begins there because it traces sizes of 0 and 1 apart, and not because the
    program would need it.
    """

    def __init__(self, ranges: object, bound: Mapping[str, int]) -> None:
        self.bound = dict(bound)
        self.symbols: dict[str, Symbol] = {}
        self.hints: dict[str, int] = {}
        """Sizes with which the program was traced."""
        self._known: dict[str, Dim] = {}
        for name, limits in (ranges if isinstance(ranges, dict) else {}).items():
            low, high = (limits.get(key) if isinstance(limits, dict) else None for key in ("min_val", "max_val"))
            least = low if type(low) is int and 2 < low < 1 << 48 else 1
            most = high if type(high) is int and least <= high < 1 << 48 else None
            if str(name).isidentifier() and len(name) < 80:
                self.symbols[name] = Symbol.of(name, least, most)

    def symbol(self, name: str) -> Dim:
        """A symbol, or the size that it is bound to."""
        if name in self.bound:
            return dims.BoundSize.of(name, self.bound[name])
        if not name.isidentifier() or len(name) >= 80:
            raise _unread(name)
        known = self.symbols.setdefault(name, Symbol.of(name))
        return dims.symbol(known)

    def read(self, size: object) -> Dim:
        """A size as the schema writes it: ``{"as_int": 3}`` or ``{"as_expr": {"expr_str": …, "hint": …}}``."""
        if not isinstance(size, dict):
            raise _unread(size)
        known = size.get("as_int")
        if type(known) is int:
            return known
        expression = size.get("as_expr")
        text = expression.get("expr_str") if isinstance(expression, dict) else None
        if not isinstance(text, str) or len(text) > MAX_TEXT:
            raise _unread(text)
        if text not in self._known:
            self._known[text] = found = self._parse(text)
            assert isinstance(expression, dict)
            self._note(found, expression.get("hint"))
        return self._known[text]

    def _note(self, size: Dim, hint: object) -> None:
        value = hint.get("as_int") if isinstance(hint, dict) else None
        names = dims.limits(size)
        if len(names) == 1 and type(value) is int and dims.is_symbol(size, next(iter(names))):
            self.hints.setdefault(next(iter(names)).plain, value)

    def _parse(self, text: str) -> Dim:
        try:
            tree = ast.parse(text.strip(), mode="eval").body
            return self._size(tree)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise _unread(text) from None

    def _size(self, tree: ast.expr) -> Dim:
        if isinstance(tree, ast.Constant) and type(tree.value) is int:
            return tree.value
        if isinstance(tree, ast.Name):
            return self.symbol(tree.id)
        if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub):
            return self._size(tree.operand) * -1
        if isinstance(tree, ast.BinOp):
            return self._called(type(tree.op).__name__, [tree.left, tree.right])
        if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name):
            return self._called(tree.func.id, tree.args)
        raise ValueError

    def _called(self, name: str, arguments: list[ast.expr]) -> Dim:
        if name == "Symbol" and isinstance(arguments[0], ast.Constant):
            return self.symbol(str(arguments[0].value))
        rule = _RULES.get(name)
        if rule is None or not arguments:
            raise ValueError
        return reduce(rule, [self._size(one) for one in arguments[1:]], self._size(arguments[0]))


def _power(base: Dim, exponent: Dim) -> Dim:
    if not isinstance(exponent, int) or not 0 <= exponent <= MAX_POWER:
        raise ValueError
    return dims.product([base] * exponent)


def _modulo(a: Dim, b: Dim) -> Dim:
    return a - dims.floordiv(a, b) * b


def _larger(a: Dim, b: Dim) -> Dim:
    above = at_least(a - b, 0)
    if above is None:
        raise ValueError
    return a if above else b


def _smaller(a: Dim, b: Dim) -> Dim:
    return b if _larger(a, b) is a else a


_RULES: dict[str, Callable[[Dim, Dim], Dim]] = {
    "Integer": lambda a, b: a, "Add": lambda a, b: a + b, "Mult": lambda a, b: a * b, "Mul": lambda a, b: a * b,
    "Sub": lambda a, b: a - b, "FloorDiv": dims.floordiv, "CleanDiv": dims.floordiv, "Pow": _power,
    "PowByNatural": _power, "Mod": _modulo, "PythonMod": _modulo, "Max": _larger, "Min": _smaller,
    "CeilDiv": dims.ceildiv,
}  # fmt: skip


def _unread(text: object) -> Refusal:
    shown = str(text)
    shown = shown if len(shown) <= 80 else f"{shown[:80]}…"
    return Refusal(
        "E0306", f"the size `{shown}` is no polynomial of the sizes of the inputs",
        help="bind the sizes that it depends on: `--bind NAME=SIZE`",
    )  # fmt: skip
