"""Models that other tools wrote, as graphs: every command works on them as on a spec."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archdsl.graph import Graph

SUFFIXES = (".onnx", ".pt2")
"""File names that end so are read as models."""


def is_model(name: str) -> bool:
    """Whether a file name says that the file is a model that can be read."""
    return name.lower().endswith(SUFFIXES)


def read(path: Path, bind: Mapping[str, int] | None = None) -> Graph:
    """The graph of a model, with the sizes in ``bind``, and inputs of one number, bound by name.

    Raises ``DiagnosticError``.
    """
    if path.suffix.lower() == ".pt2":
        from archdsl.foreign import pt2

        return pt2.read(path, bind)
    from archdsl.foreign import onnx

    return onnx.read(path, bind)
