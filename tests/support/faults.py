"""For ``tests/faults``: the mark of a known fault, and the project as its users see it."""

from __future__ import annotations

from pathlib import Path

import pytest
from console import Done, run


def fault(number: str, cause: str, siblings: str = "") -> pytest.MarkDecorator:
    """The fault that a test shows mended.

    ``number`` is one of the list's (``F01``), ``cause`` what made it wrong in a line, and ``siblings`` what else the
    same cause made wrong, enumerated. A fault may have several tests; cause and siblings are said at one of them.
    """
    return pytest.mark.fault(number, cause, siblings)


def again(number: str) -> pytest.MarkDecorator:
    """Another test of a fault whose cause is said elsewhere."""
    return pytest.mark.fault(number, "", "")


def archdsl(folder: Path, line: str, **files: str) -> Done:
    """Write ``NAME__EXT="text"`` as ``NAME.EXT`` into ``folder`` and run ``archdsl LINE`` there."""
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text, encoding="utf-8")
    return run(f"archdsl {line}", folder)


def network(body: str, x: str = "f32[N, 3, 32, 32]", before: str = "") -> str:
    """A spec of one network ``Net`` with the input ``x`` and this body, behind the definitions ``before``."""
    lines = "\n".join(f"  {line}" for line in body.strip().splitlines())
    return f"arch 1\n{before}\nnetwork Net() {{\n  input x: {x}\n{lines}\n}}\n"
