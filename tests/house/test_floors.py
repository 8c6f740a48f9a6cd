"""The house of docs/architecture.md: imports go down only, the core is light, rooms stay small."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from paths import ROOT

HEAVY = ("importlib.resources", "numpy", "onnx", "onnxruntime", "networkx", "rich", "torch", "yaml", "lark")
LONGEST = 350
"""Lines of one source file. The aim is 120 to 300."""


def test_imports_go_down_only() -> None:
    lint = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run(
        [lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, env=os.environ | {"COLUMNS": "120"}
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_compiler_imports_no_backend() -> None:
    """Engines are found by entry point."""
    named = re.compile(r"^\s*(from|import) (archdsl\.)?backends", re.MULTILINE)
    backends = ROOT / "archdsl" / "backends"
    sources = (p for p in (ROOT / "archdsl").rglob("*.py") if backends not in p.parents)
    assert [str(p) for p in sources if named.search(p.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize(
    "statement", ["import archdsl", "import archdsl; archdsl.load('specs/mobilenet_v2.arch').check()"]
)
def test_the_core_stays_light(statement: str) -> None:
    assert loaded_by(statement, *HEAVY, "pydantic", "typer") == []


def test_check_stays_light() -> None:
    command = ["check", str(ROOT / "specs" / "mobilenet_v2.arch")]
    statement = (
        "import sys\nfrom archdsl.cli import main\n"
        f"sys.argv = ['archdsl', *{command!r}]\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
    )
    assert loaded_by(statement, *HEAVY) == []  # typer itself imports pydantic


def loaded_by(statement: str, *libraries: str) -> list[str]:
    """Which of the libraries a fresh interpreter has after ``statement``."""
    probe = f"{statement}\nimport sys\nsys.stderr.write('\\n' + ' '.join(m for m in {libraries!r} if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return done.stderr.splitlines()[-1].split()


def test_no_room_is_too_long() -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in (ROOT / "archdsl").rglob("*.py")
    }
    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}
