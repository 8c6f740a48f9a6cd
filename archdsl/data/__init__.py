"""The elaborated program as data: ``show --format json|yaml`` writes it, ``compile model.arch.json`` reads it back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from archdsl.diagnostics import Refusal
from archdsl.files import check_inside, read_file
from archdsl.source import Source

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archdsl.graph import Graph

SUFFIXES = (".json", ".yaml", ".yml")
"""File names that end so are read as data."""
MAX_DOCUMENT_BYTES = 1 << 25
"""Of a document: the largest networks that a spec can say take 20 MB."""


def is_data(name: str) -> bool:
    """Whether a file name says that the file holds the data form."""
    return name.lower().endswith(SUFFIXES)


def read_document(name: str) -> Source:
    """The text of a file that holds the data form; refuses (E0001, E0002) what is none."""
    check_inside(Path(name))
    return decode(read_file(Path(name), MAX_DOCUMENT_BYTES), name)


def decode(content: bytes, name: str) -> Source:
    """Bytes as the text of a document; refuses (E0002, E0510) other bytes and too many."""
    if len(content) > MAX_DOCUMENT_BYTES:
        raise Refusal("E0510", f"{name} is larger than {MAX_DOCUMENT_BYTES:,} bytes")
    try:
        return Source(name, content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        message = f"{name} is not UTF-8 text: byte {content[error.start]:#04x} at {error.start}"
        raise Refusal("E0002", message) from None


def read(source: Source, bind: Mapping[str, int] | None = None) -> Graph:
    """The graph a document describes (YAML by its name), with symbols bound; raises ``DiagnosticError``.

    The sizes that it declares are held against the operators' rules.
    """
    from archdsl.data.reader import read_graph
    from archdsl.tape.sized import at_sizes

    graph = read_graph(source, yaml=source.name.lower().endswith((".yaml", ".yml")))
    if bind:
        from archdsl.rewrites.bind import bind as bound

        graph = bound(graph, bind)
    if graph.defaults:
        at_sizes(graph, graph.defaults)
    return graph


def to_json(graph: Graph) -> str:
    """The graph as a JSON document."""
    from archdsl.data import writer

    return writer.to_json(graph)


def to_yaml(graph: Graph) -> str:
    """The graph as a YAML document (extra ``yaml``)."""
    from archdsl.data import writer

    return writer.to_yaml(graph)
