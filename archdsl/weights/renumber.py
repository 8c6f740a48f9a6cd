"""Siblings that both sides number under different names: ``block.0`` and ``block.layer1``.

They are paired by their numbers, if there are as many on both sides, the stems differ, and what is below each pair has
the same names and shapes throughout. Order in the file plays no role.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

Shape = tuple[object, ...]
Tree = dict[str, Any]
"""Names -> trees; a leaf is a one-entry tree ``{"": shape}``."""

_NUMBERED = re.compile(r"(.*?)(\d{1,9})")


def renumbered(ours: Mapping[str, Shape], theirs: Mapping[str, Shape]) -> dict[str, str]:
    """Our path -> their name, for all that agree up to stems of numbered siblings."""
    found: dict[str, str] = {}
    waiting = [(_tree(ours), _tree(theirs), "", "")]
    while waiting:
        a, b, path, name = waiting.pop()
        if "" in a and "" in b:
            found[path] = name
        pairs = [(key, key) for key in a if key and key in b] + _numbered(a, b)
        waiting += [(a[one], b[other], _join(path, one), _join(name, other)) for one, other in pairs]
    return found


def _tree(shapes: Mapping[str, Shape]) -> Tree:
    root: Tree = {}
    for name, shape in shapes.items():
        level = root
        for part in name.split("."):
            level = level.setdefault(part, {})
        level[""] = shape
    return root


def _numbered(a: Tree, b: Tree) -> list[tuple[str, str]]:
    """The pairs of siblings that only one side knows by name."""
    mine, yours = _family([key for key in a if key not in b]), _family([key for key in b if key not in a])
    if not mine or len(mine) != len(yours) or any(a[x] != b[y] for x, y in zip(mine, yours)):
        return []
    stems = {match[1] for key in (mine[0], yours[0]) if (match := _NUMBERED.fullmatch(key))}
    shared = [match[1] for key in a if key in b and (match := _NUMBERED.fullmatch(key))]
    return [] if len(stems) < 2 or stems & set(shared) else list(zip(mine, yours))


def _family(keys: list[str]) -> list[str]:
    """The keys in the order of their numbers, if all of them are one stem with a number."""
    matches = [_NUMBERED.fullmatch(key) for key in keys]
    if not all(matches) or len({match[1] for match in matches if match}) != 1:
        return []
    return sorted(keys, key=lambda key: int(_NUMBERED.fullmatch(key)[2]))  # type: ignore[index]


def _join(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name
