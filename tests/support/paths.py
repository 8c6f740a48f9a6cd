"""Where the checkout and its parts are, for tests in whatever room."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "tests"
SUPPORT = TESTS / "support"
DATA = TESTS / "data"
DOCS = ROOT / "docs"
SPECS = ROOT / "specs"
STD = ROOT / "archdsl" / "std"


def spec(family: str) -> Path:
    """The zoo's file of a family."""
    (found,) = (path for path in SPECS.rglob("*.arch") if path.stem == family)
    return found


def tool(name: str) -> Any:
    """The script ``tools/NAME.py`` as a module, loaded once."""
    key = f"tool_{name}"
    if key not in sys.modules:
        found = importlib.util.spec_from_file_location(key, ROOT / "tools" / f"{name}.py")
        assert found and found.loader
        sys.modules[key] = importlib.util.module_from_spec(found)
        found.loader.exec_module(sys.modules[key])
    return sys.modules[key]
