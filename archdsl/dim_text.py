"""Reading dimensions back: ``(H + 1) // 2`` as ``str(dims.Expr)`` prints it. No evaluation of anything else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress

from archdsl.diagnostics import Refusal
from archdsl.dims import Dim, Expr, Symbol, floordiv, symbol, symbols

BRIEF = 48
"""Characters of a dimension in a table."""


def brief(dim: object, most: int = BRIEF) -> str:
    """A dimension, or its text, for people: as it is, or its leading term and ``…``, or ``f(H, W)`` where both are too
    long.
    """
    text = str(dim)
    if len(text) <= most:
        return text
    if isinstance(dim, str):
        with suppress(Refusal):
            dim = parse_dimension(dim)
    if not isinstance(dim, Expr):
        return text
    degree = {monomial: sum(power for _, power in monomial) for monomial in dim.terms}
    first = max(degree, key=lambda monomial: degree[monomial])
    lead = str(Expr({first: dim.terms[first]}))
    if [*degree.values()].count(degree[first]) == 1 and len(lead) + 4 <= most:
        return f"{lead} + …"
    return f"f({', '.join(sorted(symbols(dim)))})"


_TOKEN = re.compile(r"\s*(?:(\d{1,400})(?!\w)|([^\W\d]\w*(?:\.\w+)*)|(\*\*|//|[-+*()]))")
MAX_DEPTH = 50
MAX_TERMS = 2000
MAX_POWER = 64


def parse_dimension(text: str, known: Mapping[str, Symbol] | None = None) -> Dim:
    """The dimension written in ``text``; refuses (E0802) what is not an expression of ``+ - * // **`` over symbols.

    ``known``: symbols that have bounds, by name; only they may be called after a node.
    """
    tokens = _tokens(text)
    if known:
        tokens = [known.get(token, token) for token in tokens]
    dim, rest = _sum(text, tokens, 0, 0)
    if rest != len(tokens):
        raise _no_dimension(text)
    return dim


def _no_dimension(text: str) -> Refusal:
    shown = text if len(text) <= 60 else text[:60] + "…"
    return Refusal("E0802", f'"{shown}" is not a dimension', help="write an integer or an expression: `(H + 1) // 2`")


def _tokens(text: str) -> list[str]:
    found: list[str] = []
    position = 0
    stripped = text.rstrip()
    while position < len(stripped):
        match = _TOKEN.match(stripped, position)
        if match is None:
            raise _no_dimension(text)
        found.append(match.group(match.lastindex or 0))
        position = match.end()
    return found


def _sum(text: str, tokens: list[str], at: int, depth: int) -> tuple[Dim, int]:
    if depth > MAX_DEPTH:
        raise _no_dimension(text)
    negative = at < len(tokens) and tokens[at] == "-"
    total, at = _term(text, tokens, at + negative, depth)
    total = total * -1 if negative else total
    while at < len(tokens) and tokens[at] in "+-":
        sign = -1 if tokens[at] == "-" else 1
        value, at = _term(text, tokens, at + 1, depth)
        total = total + value * sign
    return total, at


def _term(text: str, tokens: list[str], at: int, depth: int) -> tuple[Dim, int]:
    value, at = _power(text, tokens, at, depth)
    while at < len(tokens) and tokens[at] in ("*", "//"):
        operator = tokens[at]
        other, at = _power(text, tokens, at + 1, depth)
        value = _times(text, value, other) if operator == "*" else floordiv(value, other)
    return value, at


def _power(text: str, tokens: list[str], at: int, depth: int) -> tuple[Dim, int]:
    value, at = _atom(text, tokens, at, depth)
    if at < len(tokens) and tokens[at] == "**":
        exponent = tokens[at + 1] if at + 1 < len(tokens) else ""
        if not exponent.isdigit() or len(exponent) > 3 or int(exponent) > MAX_POWER:
            raise _no_dimension(text)
        base, value = value, 1
        for _ in range(int(exponent)):
            value = _times(text, value, base)
        at += 2
    return value, at


def _atom(text: str, tokens: list[str], at: int, depth: int) -> tuple[Dim, int]:
    token = tokens[at] if at < len(tokens) else ")"
    if token == "(":
        value, at = _sum(text, tokens, at + 1, depth + 1)
        if at >= len(tokens) or tokens[at] != ")":
            raise _no_dimension(text)
        return value, at + 1
    if token.isdigit():
        return int(token), at + 1
    if isinstance(token, Symbol) or token.isidentifier():
        return symbol(token), at + 1
    raise _no_dimension(text)


def _times(text: str, a: Dim, b: Dim) -> Dim:
    size = (len(a.terms) if isinstance(a, Expr) else 1) * (len(b.terms) if isinstance(b, Expr) else 1)
    if size > MAX_TERMS:
        raise _no_dimension(text)
    return a * b
