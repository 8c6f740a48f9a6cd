"""Operators are named as text in their own rooms; elsewhere only where ``tools/operator_names.py`` gives a reason."""

from __future__ import annotations

from pathlib import Path

import pytest
from paths import ROOT, tool

LIMIT = 49
"""Mentions in all. A fact of an operator belongs on its card."""

census = tool("operator_names")


def test_every_mention_has_a_reason_and_every_reason_a_mention() -> None:
    found = census.mentions(ROOT)
    places = {(one.file, one.name): one.line for one in found}
    new = [f"{file}:{line}: `{name}`" for (file, name), line in places.items() if (file, name) not in census.ALLOWED]
    assert not new, "put what is asked for on the card, or give the reason in tools/operator_names.py"
    assert census.ALLOWED.keys() <= places.keys(), "a reason for what is gone"
    assert len(found) <= LIMIT


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('x = "conv"', ["conv"]),
        ('def f(n):\n    """conv"""\n    return n.op.name in ("relu", "conv")', ["conv", "relu"]),
        ('class A:\n    """A docstring."""\n    __slots__ = ("conv",)\n    "relu"', []),
        ('TABLE = {"conv": 1, "else": 2}', ["conv"]),
        ("isinstance(op, Conv)", []),
    ],
)
def test_what_counts(tmp_path: Path, text: str, found: list[str]) -> None:
    for file, content in {
        "ops/__init__.py": 'FAMILIES: dict = {"conv": ("conv",), "activation": ("relu",)}',
        "ops/conv.py": 'name = "conv"',
        "backends/onnx/conv.py": 'RULES = {"conv": 1}',
        "analyses/other_counters.py": 'A = "conv"',
        "lint/layers.py": text,
    }.items():
        path = tmp_path / "archdsl" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    seen = census.mentions(tmp_path)
    assert sorted(one.name for one in seen) == found
    assert {one.file for one in seen} <= {"archdsl/lint/layers.py"}
