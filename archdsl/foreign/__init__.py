"""Models that other tools wrote, as graphs: every command works on them as on a spec."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from archdsl.diagnostics import Refusal

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
    _refuse_others(path)
    if path.suffix.lower() == ".pt2":
        from archdsl.foreign import pt2

        return pt2.read(path, bind)
    from archdsl.foreign import onnx

    return onnx.read(path, bind)


def _refuse_others(path: Path) -> None:
    """Refuse (E0009) a file that only has the name of a model: a page, a pointer of Git LFS, a picture."""
    from archdsl.files import open_file
    from archdsl.foreign_files import foreign

    with open_file(path) as file:
        head = file.read(4096)
    known = foreign(head, path.stem) if head[:1] not in (b"\x08", b"P", b"\x3a") else None
    if known is not None:
        raise Refusal("E0009", f"{path} is {known[0]}, not a model", help=known[1])
