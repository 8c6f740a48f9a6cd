"""Damage to texts: tokens, numbers, lines, brackets; and pieces of one text in another."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

TOKEN = re.compile(r'"[^"\n]*"|#[^\n]*|\d[\w.]*|\w+|->|::|\*\*|//|[<>=!]=|\s+|[^\w\s]')
NUMBERS = ("0", "1", "2", "3", "7", "16", "1000", "-1", "0.5", "1e9", "10 ** 9", "2 ** 70", "1.0", "4 GiB", "99999999")
ODD = ("\0", "→", "×", "é", "“", "\u200b", "\ufeff", "\t", "\r", "{", "}", "(", ")", "[", "]", "|", ";", '"', "#", "…")


def mutate(text: str, random: Random, other: str) -> str:
    """``text`` with one to three faults; ``other`` is where foreign lines come from."""
    for _ in range(random.choice([1, 1, 1, 2, 3])):
        text = random.choice(MUTATIONS)(text, random, other)
    return text


def _tokens(text: str) -> tuple[list[str], list[int]]:
    tokens = TOKEN.findall(text)
    return tokens, [i for i, token in enumerate(tokens) if token.strip()]


def _delete(text: str, random: Random, other: str) -> str:
    tokens, places = _tokens(text)
    if places:
        del tokens[random.choice(places)]
    return "".join(tokens)


def _double(text: str, random: Random, other: str) -> str:
    tokens, places = _tokens(text)
    if places:
        place = random.choice(places)
        tokens.insert(place, tokens[place] + random.choice(["", " "]))
    return "".join(tokens)


def _swap(text: str, random: Random, other: str) -> str:
    tokens, places = _tokens(text)
    if len(places) > 1:
        k = random.randrange(len(places) - 1)
        a, b = places[k], random.choice([places[k + 1], random.choice(places)])
        tokens[a], tokens[b] = tokens[b], tokens[a]
    return "".join(tokens)


def _number(text: str, random: Random, other: str) -> str:
    tokens, _ = _tokens(text)
    places = [i for i, token in enumerate(tokens) if token[:1].isdigit()]
    for place in random.sample(places, min(len(places), random.choice([1, 1, 2]))):
        tokens[place] = random.choice(NUMBERS)
    return "".join(tokens)


def _rename(text: str, random: Random, other: str) -> str:
    tokens, _ = _tokens(text)
    places = [i for i, token in enumerate(tokens) if token[:1].isalpha()]
    if places:
        place = random.choice(places)
        foreign = [token for token in TOKEN.findall(other) if token[:1].isalpha()] or ["x"]
        old = tokens[place]
        tokens[place] = random.choice(
            [tokens[random.choice(places)], random.choice(foreign), old[:-1] or "q", old + "s"]
        )
    return "".join(tokens)


def _line(text: str, random: Random, other: str) -> str:
    lines = text.split("\n")
    a, b = random.randrange(len(lines)), random.randrange(len(lines))
    choice = random.randrange(4)
    if choice == 0:
        lines[a], lines[b] = lines[b], lines[a]
    elif choice == 1:
        lines.insert(b, lines[a])
    elif choice == 2:
        del lines[a]
    else:
        lines.insert(a, random.choice(other.split("\n")))
    return "\n".join(lines)


def _odd(text: str, random: Random, other: str) -> str:
    place = random.randrange(len(text) + 1)
    return text[:place] + random.choice(ODD) + text[place:]


def _bracket(text: str, random: Random, other: str) -> str:
    places = [i for i, character in enumerate(text) if character in "(){}[]"]
    if not places:
        return text
    place = random.choice(places)
    return text[:place] + random.choice(["", "", *"(){}[]", text[place] * 2]) + text[place + 1 :]


def _cut(text: str, random: Random, other: str) -> str:
    return (
        text[: random.randrange(len(text) + 1)]
        if random.random() < 0.5
        else text + other[random.randrange(len(other) or 1) :]
    )


MUTATIONS: tuple[Callable[[str, Random, str], str], ...] = (
    _delete, _double, _swap, _number, _number, _rename, _rename, _line, _odd, _bracket, _cut,
)  # fmt: skip
