"""Tokens, which the lexer makes and the parser reads."""

from __future__ import annotations


class Token:
    """One token. ``depth`` brackets are open before it; ``first`` tells that it is the first of its line."""

    __slots__ = ("depth", "end", "first", "start", "text", "type")

    def __init__(self, type: str, text: str, start: int, end: int, depth: int = 0, first: bool = False) -> None:
        self.type = type
        self.text = text
        self.start = start
        self.end = end
        self.depth = depth
        self.first = first

    def __repr__(self) -> str:
        return f"{self.type} {self.text!r}"
