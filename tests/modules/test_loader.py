"""Modules are read once."""

from __future__ import annotations

import pytest

import archdsl
from archdsl import reading


def test_the_zoo_shares_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of the zoo takes the modules of the standard library that other files have taken: all of them were parsed
    again for each of its files once.
    """
    monkeypatch.setattr("archdsl.modules.loader.LIBRARY", {})

    def library(program: archdsl.Program) -> dict[str, object]:
        return {name: module for name, (module, _) in program.module.imports.items() if module.library}

    before = library(archdsl.load(reading.ZOO / "resnet.arch"))
    after = library(archdsl.load(reading.ZOO / "resnext.arch"))
    shared = before.keys() & after.keys()
    assert shared and all(before[name] is after[name] for name in shared)
