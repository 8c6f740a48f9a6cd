"""What can be chosen about a PyTorch module, and what is told about a written one."""

from __future__ import annotations

from collections.abc import Mapping

from archdsl.record import Record


class TorchOptions(Record):
    """Options of the PyTorch backend. Initial weights are PyTorch's own, but for what ``param`` says."""

    init: str = "kaiming"
    seed: int = 0
    weights: str = "initial"
    """``init``, ``seed`` and ``weights`` are taken for the sake of the command line, and mean nothing here."""
    bind: Mapping[str, int] = {}
    """Symbols that get a fixed size."""
    version: str = ""
    """The compiler's version, for the first line."""
    metadata: Mapping[str, str] = {}


class WriteReport(Record):
    """What was written."""

    path: str
    bytes: int
    initialisers: int
    """Parameters and buffers of the module."""
