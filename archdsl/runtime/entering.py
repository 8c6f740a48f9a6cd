"""What may enter a model, as its metadata say it: bounds and values of its symbols, and ends of its integer inputs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from archdsl.diagnostics import Refusal
from archdsl.dim_text import parse_dimension
from archdsl.dims import Dim, Symbol, is_symbol
from archdsl.interface import BOXES, LEAST, MOST, RANGE, SIZE
from archdsl.ops.estimates import Boxes

BATCH = "N"


def bounds_in(metadata: Mapping[str, str]) -> dict[str, Symbol]:
    """The symbols that have bounds, by name; refuses (E0706) what the metadata cannot mean."""
    names = {key.removeprefix(start) for start in (LEAST, MOST) for key in metadata if key.startswith(start)}
    return {
        name: Symbol.of(
            name,
            _size(metadata, LEAST + name) if LEAST + name in metadata else 1,
            _size(metadata, MOST + name) if MOST + name in metadata else None,
        )
        for name in sorted(names)
    }


def declared_in(metadata: Mapping[str, str]) -> dict[str, int]:
    """The sizes that the spec declared."""
    return {key.removeprefix(SIZE): _size(metadata, key) for key in metadata if key.startswith(SIZE)}


def ends_in(metadata: Mapping[str, str], name: str) -> tuple[Dim, Dim] | None:
    """Between what the integers of an input lie, if the model says it."""
    text = metadata.get(RANGE + name)
    if text is None:
        return None
    low, _, high = text.partition(" .. ")
    try:
        return parse_dimension(low), parse_dimension(high)
    except Refusal:
        raise _unreadable(RANGE + name, text) from None


def boxes_in(metadata: Mapping[str, str], name: str) -> Boxes | None:
    """The boxes that an input is, if the model says it."""
    text = metadata.get(BOXES + name)
    if text is None:
        return None
    kind, _, extent = text.partition(" ")
    width, _, height = extent.partition(" x ")
    try:
        if kind in ("centres", "corners"):
            return kind == "centres", parse_dimension(width), parse_dimension(height)
    except Refusal:
        pass
    raise _unreadable(BOXES + name, text)


def _size(metadata: Mapping[str, str], key: str) -> int:
    text = metadata[key]
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise _unreadable(key, text)
    return int(text)


def _unreadable(key: str, text: str) -> Refusal:
    shown = text if len(text) <= 40 else text[:40] + "…"
    return Refusal("E0706", f"the model's metadata `{key[:60]}` cannot be `{shown}`")


def chosen_sizes(
    symbols: Iterable[Symbol], given: Mapping[str, Dim], declared: Mapping[str, int], batch: int
) -> dict[str, Dim]:
    """A size for each symbol: the given one, the declared one, ``batch`` for N, or a small one above 1 of its own."""
    found: dict[str, Dim] = {}
    small = 3
    for name in sorted(symbols):
        if name.plain in given:
            found[name.plain] = given[name.plain]
        elif name.plain in declared:
            found[name.plain] = declared[name.plain]
        else:
            wished, small = (batch, small) if name == BATCH else (small, small + 1)
            wished = max(wished, name.least)
            found[name.plain] = wished if name.most is None else min(wished, name.most)
    return found


def ones(inputs: Iterable[tuple[Sequence[Dim | None], Sequence[int]]], but: str = "") -> str:
    """A note on the symbols that are 1 in declared and actual shapes: the longest sequences that such a run knows of
    have one element. Empty for none; ``but`` is a symbol that may be.
    """
    found: dict[str, None] = {}
    for declared, shape in inputs:
        for dim, size in zip(declared, shape):
            if size == 1 and dim is not None and str(dim) != but and is_symbol(dim, str(dim)):
                found[str(dim)] = None
    if not found:
        return ""
    names = " and ".join(f"{name} = 1" for name in found)
    return f"at {names}, which shows nothing of what happens between positions: give other sizes with `--bind`"
