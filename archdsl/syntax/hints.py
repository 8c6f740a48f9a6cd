"""Hints: what was probably meant by an unexpected token, for the help of a message."""

from __future__ import annotations

from collections.abc import Set

from archdsl.syntax.lexer import CLOSERS
from archdsl.syntax.tokens import Token


class Surroundings:
    """An unexpected token among the others of its text, and the types of tokens that could stand there."""

    def __init__(self, tokens: list[Token], index: int, expected: Set[str]) -> None:
        self.tokens = tokens
        self.index = index
        self.token = tokens[index]
        self.before = tokens[index - 1] if index else None
        self.expected = expected

    def statement_start(self) -> int:
        depth = self.token.depth
        for index in range(self.index - 1, -1, -1):
            token = self.tokens[index]
            if token.depth < depth or (token.depth == depth and token.type in ("_SEP", "VBAR")):
                return index + 1
        return 0

    def first_word(self) -> str:
        return self.tokens[self.statement_start()].type

    def opener(self) -> str:
        """The innermost bracket that is open before the token."""
        for index in range(self.index - 1, -1, -1):
            token = self.tokens[index]
            if token.depth == self.token.depth - 1 and token.type in CLOSERS:
                return token.type
        return ""


def hint(fault: Surroundings) -> str:
    """How to write it; empty where nothing can be guessed."""
    kind, before = fault.token.type, fault.before
    if meant := _quotes(fault):
        return meant
    if "DOT" in (kind, before and before.type) and "NUMBER" in [
        t.type for t in fault.tokens[fault.index - 2 : fault.index + 2]
    ]:
        return "a number needs digits on both sides of its point"
    if kind == "VBAR" and before and before.type == "VBAR" and before.end == fault.token.start:
        return "alternatives are joined with `or`"
    if kind == "VBAR":
        return "`|` begins a branch: `parallel(concat) { | a | b }`; alternatives of values are joined with `or`"
    if kind == "COMMA" and fault.opener() == "LSQB" and before and before.type in ("COLON", "DOUBLE_COLON"):
        return "one position of an axis is `x -> select(t, 0)`, a range of positions is `x -> slice(t, 0, 4)`"
    if kind == "IF" and fault.opener() == "LSQB" and "FOR" in fault.expected:
        return "conditions of one clause are joined with `and`; a choice behind `in` or `if` needs parentheses"
    return _declared(fault) or _applied(fault)


def _quotes(fault: Surroundings) -> str:
    """Where the name of an input or output is no name here."""
    kind, before, first = fault.token.type, fault.before, fault.first_word()
    if before is None:
        return ""
    if kind == "COLON" and before.type == "STRING" and first == "INPUT":
        return f"it needs a name inside as well: `input {before.text} as x: …`"
    other = kind in ("DOT", "SLASH", "DOUBLE_COLON", "AT", "MINUS") and before.type == "NAME"
    if other and first == "INPUT" and "COLON" in fault.expected:
        return 'a name with other characters is quoted: `input "x.1" as x: …`'
    if (other and first == "OUTPUT" and "EQUAL" in fault.expected) or (kind == "NUMBER" and before.text == "output"):
        return 'a name with other characters is quoted: `output "x.1" = …`'
    return ""


def _declared(fault: Surroundings) -> str:
    """In the head of a definition, an `input` line, or a `use`."""
    kind, before, first = fault.token.type, fault.before, fault.first_word()
    after_colon = before is not None and before.type == "COLON"
    if kind == "LPAR" and first == "LET" and before is fault.tokens[fault.statement_start() + 1]:
        return "a function of numbers stands at the top of a file; in a body, `let f = { … }` is a block"
    if kind == "LSQB" and after_colon and first == "INPUT":
        return "the element type is written before the sizes: `f32[N, 3, 224, 224]`"
    if kind in ("NUMBER", "STRING") and after_colon and fault.opener() == "LPAR":
        return f"a default is given with `=`: `{fault.tokens[fault.index - 2].text} = {fault.token.text}`"
    if kind == "COLON" and fault.token.depth and fault.opener() == "LPAR":
        return "an argument is given with `=`: `conv(64, stride = 2)`"
    if kind in ("NAME", "STRING", "_SEP", "$END") and first == "USE":
        return 'imported names are listed: `use std.cnn (conv_bn, conv_relu)`, `use "blocks.arch" (mine)`'
    return ""


def _applied(fault: Surroundings) -> str:
    """In a statement: what other languages write between a layer and the next, or its arguments."""
    kind, before = fault.token.type, fault.before
    if kind == "COLON" and "LBRACE" in fault.expected:
        return "a body is written in braces: `for … { … }`"
    if kind == "COMPARE" and fault.token.text == ">" and before and before.text == ">":
        return "blocks are composed with `->`"
    if before is None or "ARROW" not in fault.expected or before.depth != fault.token.depth:
        return ""
    if kind == "NUMBER" and before.type == "NAME":
        return f"arguments are written in parentheses: `{before.text}({fault.token.text}, …)`"
    if kind == "WITH":
        return "arguments stand in the parentheses; defaults for several calls in front: `with conv(…) { … }`"
    if kind == "COMMA" and before.type == "NAME":
        return "values are taken apart by `let a, b = …`; blocks are composed with `->`"
    if kind in ("NAME", "COMMA"):
        return "blocks are composed with `->`; statements are separated by a newline or `;`"
    return ""
