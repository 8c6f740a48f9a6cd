"""Paths and settings that differ in their numbers, folded into one text."""

from __future__ import annotations

import re


def pattern(path: str) -> str:
    """``layer2.0.conv1`` -> ``layer*.*.conv1``: numbers of scopes are left open, names of operators are not."""
    *scopes, last = path.split(".")
    return ".".join([*(re.sub(r"\d+$", "*", name) for name in scopes), last])


def scope_of(paths: list[str]) -> str:
    """One path for several: ``layer1.0.conv1``, ``layer1.1.conv1`` -> ``layer1.*.conv1``."""
    split = [path.split(".") for path in paths]
    size = min(map(len, split))
    same_length = all(len(s) == size for s in split)
    names = []
    for column in zip(*(s[:size] for s in split)):
        if len(set(column)) == 1:
            names.append(column[0])
        else:
            stems = {re.sub(r"\d+$", "", name) for name in column}
            names.append(f"{stems.pop()}*" if len(stems) == 1 else "*")
    while not same_length and names and names[-1] == "*":
        names.pop()
    return ".".join(names) + ("" if same_length else ".…" if names else "…")


_NUMBER = r"-?\d+(?:\.\d+)?"
_PAIR = re.compile(rf"(\w+) ({_NUMBER}) -> ({_NUMBER})(?![\w.])")


def shape_of(what: str) -> str:
    """The text with its pairs of numbers left open: what is alike in this folds."""
    return _PAIR.sub(r"\1 # -> #", what)


def merged(texts: list[str]) -> str:
    """Texts that differ in their numbers as one: ``channels 64 -> 128, 128 -> 256 (x2)``."""
    found = [_PAIR.findall(text) for text in texts]
    first = texts[0]
    if any(shape_of(text) != shape_of(first) for text in texts):
        return first
    columns = iter(zip(*found))
    return _PAIR.sub(lambda _: _several(next(columns)), first)


def _several(column: tuple[tuple[str, str, str], ...]) -> str:
    pairs = list(dict.fromkeys((a, b) for _, a, b in column))
    shown = [f"{a} -> {b}" for a, b in pairs]
    if len(pairs) > 3:
        shown = [*shown[:2], "…", shown[-1]]
    text = f"{column[0][0]} {', '.join(shown)}".replace(", …,", " …")
    ratios = sorted(float(b) / float(a) for a, b in pairs if float(a))
    if len(pairs) < 2 or not ratios:
        return text
    low, high = f"{ratios[0]:.3g}", f"{ratios[-1]:.3g}"
    return f"{text} (x{low})" if low == high else f"{text} (x{low} to x{high})"
