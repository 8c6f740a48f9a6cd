"""Inputs that attack: a text or a data document for every number, by one of the mutators."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from attack_documents import document
from attack_forms import Input, plain
from attack_texts import (
    arguments,
    characters,
    claims,
    damage,
    doubling,
    imports,
    long,
    maps,
    names,
    nesting,
    sizes,
    types,
    variants,
)  # fmt: skip

MUTATORS: tuple[tuple[Callable[[Random], Input], int], ...] = (
    (arguments, 30), (sizes, 12), (types, 10), (nesting, 4), (long, 2), (doubling, 2), (names, 12), (characters, 6),
    (claims, 8), (imports, 6), (maps, 6), (variants, 2), (damage, 2), (document, 14),
)  # fmt: skip


def make(seed: int, number: int) -> tuple[str, Input]:
    """The input with this number, and what kind it is."""
    r = Random(f"attack:{seed}:{number}")
    mutator = r.choices([m for m, _ in MUTATORS], [w for _, w in MUTATORS])[0]
    return mutator.__name__, mutator(r)


__all__ = ["MUTATORS", "Input", "make", "plain"]
