"""Literals: the values of numbers and strings."""

from __future__ import annotations

import math
import re

_NUMBER = re.compile(r"([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?(?: ?([KMGT])(iB)?)?")
_POWERS = {"K": 1, "M": 2, "G": 3, "T": 4}
_GREATEST_EXPONENT = 400
_ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}
_UNESCAPES = {"\n": "\\n", "\t": "\\t", '"': '\\"', "\\": "\\\\", "{": "{{", "}": "}}"}


def number_value(text: str) -> int | float | None:
    """The value of a number's text, exact for decimals with a suffix; ``None`` where it is out of range."""
    found = _NUMBER.fullmatch(text.replace("_", ""))
    assert found is not None, text
    whole, fraction, exponent, suffix, binary = found.groups()
    if suffix is None:
        if fraction is None and exponent is None:
            return int(whole)
        value = float(found.group())
        return value if math.isfinite(value) else None
    power = int(exponent or 0) - len(fraction or "")
    if len(exponent or "") > 5 or abs(power) > _GREATEST_EXPONENT:
        return None
    digits: int = int(whole + (fraction or "")) * (1024 if binary else 1000) ** _POWERS[suffix]
    if power >= 0:
        return int(digits * 10**power)
    quotient, remainder = divmod(digits, int(10**-power))
    return digits / int(10**-power) if remainder else quotient


class Piece:
    """A part of a string: literal ``text``, or an embedded expression at ``start`` to ``end`` of the source."""

    __slots__ = ("end", "start", "text")

    def __init__(self, text: str | None, start: int, end: int) -> None:
        self.text = text
        self.start = start
        self.end = end


class StringError(Exception):
    """A string's text means nothing; ``start`` and ``end`` mark where."""

    def __init__(self, message: str, start: int, end: int, help: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.start = start
        self.end = end
        self.help = help


def string_pieces(text: str, offset: int) -> list[Piece]:
    """The pieces of a string token with its quotes, which begins at ``offset`` of the source."""
    pieces: list[Piece] = []
    literal: list[str] = []
    position, stop = 1, len(text) - 1
    while position < stop:
        character = text[position]
        if character == "\\":
            literal.append(_escape(text, position, offset))
            position += 2
        elif character in "{}" and text[position + 1] == character:
            literal.append(character)
            position += 2
        elif character == "{":
            end = _closing(text, position, offset)
            if literal:
                pieces.append(Piece("".join(literal), offset, offset))
                literal = []
            pieces.append(Piece(None, offset + position + 1, offset + end))
            position = end + 1
        elif character == "}":
            raise StringError(
                "this `}` closes nothing", offset + position, offset + position + 1, "write `}}` for a brace"
            )
        else:
            literal.append(character)
            position += 1
    if literal or not pieces:
        pieces.append(Piece("".join(literal), offset, offset))
    return pieces


def _escape(text: str, position: int, offset: int) -> str:
    character = text[position + 1]
    if character not in _ESCAPES:
        where = offset + position
        raise StringError(
            f"`\\{character}` is not an escape", where, where + 2, 'the escapes are `\\n`, `\\t`, `\\"` and `\\\\`'
        )
    return _ESCAPES[character]


def _closing(text: str, position: int, offset: int) -> int:
    depth = 0
    for index in range(position, len(text) - 1):
        if text[index] == "{":
            depth += 1
        elif text[index] == "}":
            depth -= 1
            if depth == 0:
                if not text[position + 1 : index].strip():
                    raise StringError(
                        "there is no expression between the braces", offset + position, offset + index + 1
                    )
                return index
    raise StringError(
        "this `{` is not closed inside the string",
        offset + position,
        offset + position + 1,
        'write `{{` for a brace; an embedded expression cannot contain `"` (name it with `let` first)',
    )


def quoted(text: str) -> str:
    """Literal text as it is written inside a string, without the quotes."""
    return "".join(_UNESCAPES.get(character, character) for character in text)
