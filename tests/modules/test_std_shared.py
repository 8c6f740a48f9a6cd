"""What the standard library has for the zoo serves two families at least: what one family needs stands in its spec."""

from __future__ import annotations

import re
from collections import defaultdict

import pytest

from archdsl.reading import ZOO, zoo_files

FOR_THE_ZOO = ("dense", "detection", "grid", "inception", "metaformer", "nas", "resnet", "yolo")
"""The other files have what users build with, whether a spec of the zoo does or not."""

BY_ONE = {"detection.pyramid_roi_align"}
"""Faster R-CNN and Mask R-CNN are one file."""

Name = tuple[str, str]
STD = {path.stem: path.read_text(encoding="utf-8") for path in sorted((ZOO.parent / "std").glob("*.arch"))}


def imports(text: str) -> dict[str, Name]:
    """By its name, what a file takes from the library."""
    found = re.findall(r"^use std\.(\w+) \(([^)]*)\)", text, re.MULTILINE)
    return {name: (module, name) for module, names in found for name in re.findall(r"\w+", names)}


def needed() -> dict[Name, set[Name]]:
    """Of each definition of the library, those that it names."""
    found: dict[Name, set[Name]] = defaultdict(set)
    for module, text in STD.items():
        parts = re.split(r"^(?:block|let) (?=\w)", text, flags=re.MULTILINE)[1:]
        own = {re.match(r"\w+", part)[0]: part for part in parts}  # type: ignore[index]
        known = imports(text) | {name: (module, name) for name in own}
        for name, part in own.items():
            found[module, name] |= {known[word] for word in re.findall(r"\w+", part) if word in known}
    return found


def users() -> dict[Name, set[str]]:
    """Of each definition, the families that reach it."""
    within, found = needed(), defaultdict(set)
    for path in zoo_files():
        waiting, seen = [*imports(path.read_text(encoding="utf-8")).values()], set()
        while waiting:
            one = waiting.pop()
            if one not in seen:
                seen.add(one)
                found[one].add(path.stem)
                waiting += within[one]
    return found


@pytest.mark.parametrize("module", FOR_THE_ZOO)
def test_every_definition_serves_two_families(module: str) -> None:
    reached = users()
    names = [name for where, name in needed() if where == module]
    alone = {f"{module}.{name}" for name in names if len(reached[module, name]) < 2}
    assert names and alone == {name for name in BY_ONE if name.startswith(f"{module}.")}
