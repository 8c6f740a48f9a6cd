"""Lexical faults: characters that begin no token are reported, and corrected where the meaning is clear."""

from __future__ import annotations

import re
from typing import Protocol

from archdsl.source import Source
from archdsl.syntax.limits import Limits
from archdsl.syntax.tokens import Token


class Lexing(Protocol):
    """What is needed of the lexer at work."""

    source: Source
    limits: Limits
    position: int
    stop: int
    tokens: list[Token]
    open: list[Token]

    def add(self, kind: str, text: str, start: int, end: int) -> None:
        """Append a token."""

    def close_last(self, at: int) -> None:
        """Close the innermost bracket."""

    def report(
        self, code: str, message: str, start: int, end: int, help: str = "", note: str = "", *, lost: bool = False
    ) -> None:
        """Report a fault."""


_NUMBER_LIKE = re.compile(r"[0-9][0-9A-Za-z_]*(?:\.[0-9][0-9A-Za-z_]*)?")
_STRING_LIKE = re.compile(r"""(["'“”‘’`])(?:[^"'“”‘’`\\\n]|\\[^\n])*["'“”‘’`]?|"(?:[^"\\\n]|\\[^\n])*""")
_WORD = re.compile(r"[^\W\d]\w*")
_SAME = re.compile(r"(.)\1*", re.DOTALL)

MEANT = {
    "→": ("ARROW", "->"),
    "⟶": ("ARROW", "->"),
    "×": ("STAR", "*"),
    "·": ("STAR", "*"),
    "−": ("MINUS", "-"),
    "–": ("MINUS", "-"),
    "÷": ("SLASH", "/"),
    "≤": ("COMPARE", "<="),
    "≥": ("COMPARE", ">="),
    "≠": ("COMPARE", "!="),
    "&&": ("AND", "and"),
    "&": ("AND", "and"),
    "!": ("NOT", "not"),
    "∗": ("STAR", "*"),
    "，": ("COMMA", ","),
    "：": ("COLON", ":"),
    "（": ("LPAR", "("),
    "）": ("RPAR", ")"),
}
SPACES = {
    "\xa0": "a no-break space",
    "\ufeff": "a byte order mark",
    "\u200b": "a zero-width space",
    "\0": "a NUL character",
}


def mend(lexer: Lexing) -> None:
    """Report the text at the lexer's position, and move on after it."""
    text, start = lexer.source.text, lexer.position
    character = text[start]
    if start == 0 and character == "\ufeff":
        lexer.position = 1
    elif character.isdigit() and character.isascii():
        _number(lexer, start)
    elif character in "\"'“”‘’`":
        _string(lexer, start)
    elif character.isalpha():
        _name(lexer, start)
    else:
        _character(lexer, start)


def _number(lexer: Lexing, start: int) -> None:
    found = _NUMBER_LIKE.match(lexer.source.text, start, lexer.stop)
    assert found is not None
    text = found.group()
    sides = re.fullmatch(r"([0-9]+)[xX]([0-9]+)", text)
    if sides and text[:2].lower() != "0x":
        help = f'write `[{sides[1]}, {sides[2]}]`, or quote it as a string: `"{text}"`'
    elif text[:2].lower() in ("0x", "0b", "0o"):
        help = "numbers are decimal"
    elif re.fullmatch(r"[0-9_.]+[kmgtKMGT]i?[bB]?", text):
        help = "the suffixes are `K M G T` (powers of 1000) and `KiB MiB GiB TiB` (powers of 1024)"
    else:
        help = f'a name cannot begin with a digit; a cell or label that does is quoted: `"{text}"`'
    shown = text if len(text) <= 40 else text[:40] + "…"
    lexer.report("E0102", f"`{shown}` is not a number", start, found.end(), help=help.replace(text, shown), lost=True)
    lexer.position = found.end()
    lexer.add("NUMBER", "0", start, min(found.end(), start + lexer.limits.token))


def _string(lexer: Lexing, start: int) -> None:
    found = _STRING_LIKE.match(lexer.source.text, start, lexer.stop)
    assert found is not None
    if lexer.source.text[start] == '"':
        line_end = lexer.source.text.find("\n", start, lexer.stop)
        end = lexer.stop if line_end < 0 else line_end
        lexer.report(
            "E0103", "this string is not closed", start, end, help='close it with `"` on the same line', lost=True
        )
    else:
        end = found.end()
        inside = lexer.source.text[start + 1 : end].rstrip("'`’”“")
        help = f"a choice is a bare name: `{inside}`" if inside.isidentifier() else f'write `"{inside[:40]}"`'
        lexer.report("E0103", 'strings are written between `"` and `"`', start, end, help=help, lost=True)
    lexer.position = end
    lexer.add("STRING", '""', start, end)
    if lexer.source.text[start] == '"':
        _close_swallowed(lexer, start, end)


def _close_swallowed(lexer: Lexing, start: int, end: int) -> None:
    """Close the brackets whose closing ones are inside an unclosed string, because they were not forgotten."""
    inside = 0
    for character in lexer.source.text[start:end]:
        if character in "([{":
            inside += 1
        elif character in ")]}" and inside:
            inside -= 1
        elif character in ")]}" and lexer.open and lexer.open[-1].text + character in ("()", "[]", "{}"):
            lexer.close_last(end)


def _name(lexer: Lexing, start: int) -> None:
    found = _WORD.match(lexer.source.text, start, lexer.stop)
    end = found.end() if found else start + 1
    if lexer.tokens and lexer.tokens[-1].type == "NAME" and lexer.tokens[-1].end == start:
        start = lexer.tokens.pop().start
    lexer.report("E0101", "names consist of the letters a-z, A-Z, digits and `_`", start, end, lost=True)
    lexer.position = end
    lexer.add("NAME", "_", start, min(end, start + lexer.limits.token))


def _character(lexer: Lexing, start: int) -> None:
    found = _SAME.match(lexer.source.text, start, lexer.stop)
    assert found is not None
    text = found.group()
    lexer.position = found.end()
    meant = MEANT.get(text) or MEANT.get(text[0])
    described = f"`{text[:8]}`" if text.isprintable() and not text.isspace() else _describe(text[0])
    if meant:
        lexer.report(
            "E0101", f"{described} is not part of the language", start, found.end(), help=f"write `{meant[1]}`"
        )
        lexer.add(meant[0], meant[1], start, found.end())
    else:
        lexer.report("E0101", f"{described} is not part of the language", start, found.end(), lost=True)


def _describe(character: str) -> str:
    if character in SPACES:
        return SPACES[character]
    return f"the character U+{ord(character):04X}"
