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


ARCHIVE = b"PK\x03\x04"
"""The first bytes of a zip archive."""


def _refuse_others(path: Path) -> None:
    """Refuse (E0009) a file that only has the name of a model: a page, a pointer of Git LFS, another model."""
    from archdsl.files import open_file
    from archdsl.foreign_files import LOOKED_AT

    with open_file(path) as file:
        head = file.read(4096)
        head += file.read(LOOKED_AT) if head.startswith(ARCHIVE) else b""
    known = _other(head, path.suffix.lower() == ".pt2")
    if known is not None:
        what = known[0] if ", not " in known[0] else f"{known[0]}, not a model"
        raise Refusal("E0009", f"{path} is {what}", help=known[1].replace("{name}", path.name))


def _other(head: bytes, program: bool) -> tuple[str, str] | None:
    """What a file is that is no ONNX model, or no exported ``program``, and what can be done with it."""
    from archdsl.foreign_files import foreign

    if head[:1] in (b"\x08", b"\x3a"):  # the first fields of an ONNX model
        return ("an ONNX model", "its name has to end in `.onnx`: rename it") if program and b"\0" in head else None
    if program and head.startswith(b"P"):
        return None  # its reader says what lacks
    known = foreign(head, "{name}")
    if known is None and head and head.isascii() and head.decode().replace("\n", "").isprintable():
        return "text", "the name of a spec ends in `.arch`"
    return known
