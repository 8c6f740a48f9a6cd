"""Targets of the command line as programs and graphs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archdsl import data
from archdsl.diagnostics import Refusal
from archdsl.record import Record
from archdsl.source import note

if TYPE_CHECKING:
    from archdsl.driver import Program
    from archdsl.graph import Graph
    from archdsl.source import Source


class Target(Record):
    """What a command works on: a variant of a program (``None``: the first), or a graph that was read as data."""

    program: Program | None
    variant: str | None
    document: Source | None = None

    @property
    def source_name(self) -> str:
        """The name of the text behind it."""
        source = self.document or (self.program.source if self.program else None)
        return source.name if source else ""

    def graph(self, settings: Mapping[str, Any], bind: Mapping[str, int], train: bool) -> Graph:
        """Its graph; raises ``DiagnosticError``."""
        if self.document is not None:
            if settings or train:
                raise Refusal("E0007", f"`{self.document.name}` is data: it has no parameters to set and no variants")
            return data.read(self.document, bind)
        assert self.program is not None
        return self.program.graph(self.variant, bind=bind, train=train, **settings)


def open_target(text: str) -> Target:
    """A target as it is written on the command line; raises ``DiagnosticError`` where there is none."""
    from archdsl import driver

    if text == "-":
        content = read_stdin()
        if content.lstrip()[:1] == b"{":
            return Target(None, None, data.decode(content, "<stdin>"))
        return Target(driver.open_source(driver.decode(content, "<stdin>"), None), None)
    if data.is_data(text):
        return Target(None, None, data.read_document(text))
    program, variant = driver.resolve_target(text)
    return Target(program, variant)


def read_stdin() -> bytes:
    """Standard input as bytes, cut behind what is read of any text."""
    most = data.MAX_DOCUMENT_BYTES + 1
    stream = getattr(sys.stdin, "buffer", None)
    return bytes(stream.read(most)) if stream is not None else sys.stdin.read(most).encode()


def graph_of(target: str, settings: Mapping[str, Any], bind: Mapping[str, int], train: bool = False) -> Graph:
    """The graph of a target."""
    return open_target(target).graph(settings, bind, train)


def free_symbols(graph: Graph) -> set[str]:
    """The symbols of a graph's inputs."""
    from archdsl.dims import symbols

    return {name for value in graph.inputs for dim in value.type.shape for name in symbols(dim)}


def runnable(target: str, settings: Mapping[str, Any], seed: int) -> str | Callable[[Path], object]:
    """An ONNX file as it is; for anything else a function that compiles it to the path it is given."""
    if target.endswith(".onnx"):
        if settings:
            raise Refusal("E0007", "`--set` needs a spec: an ONNX file has no parameters to set")
        return target
    from archdsl import driver

    graph = graph_of(target, settings, {})
    return lambda path: driver.compile(graph, path, seed=seed)


def read_source(name: str) -> Source:
    """The text of a file, or of standard input for ``-``."""
    from archdsl import driver

    return driver.decode(read_stdin(), "<stdin>") if name == "-" else driver.read_source(Path(name), name)


def arch_files(paths: Iterable[str]) -> list[str]:
    """Files as they were written, folders as all ``.arch`` files below them (hidden folders left out), each once."""
    return list(dict.fromkeys(name for path in paths for name in _expand(path)))


def _expand(path: str) -> Iterator[str]:
    if path == "-" or not Path(path).is_dir():
        yield path
        return
    found = sorted(
        file for file in Path(path).rglob("*.arch")
        if not any(part.startswith(".") for part in file.relative_to(path).parts)
    )  # fmt: skip
    if not found:
        raise Refusal("E0001", f"there is no .arch file in `{path}`")
    yield from map(str, found)


def config_file() -> Path | None:
    """The nearest ``archdsl.toml``, or ``pyproject.toml`` with a ``[tool.archdsl]``, up to the repository's root."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        note(folder / "archdsl.toml")
        note(folder / "pyproject.toml")
        if (folder / "archdsl.toml").is_file():
            return folder / "archdsl.toml"
        project = folder / "pyproject.toml"
        if project.is_file() and b"tool.archdsl" in project.read_bytes():
            return project
        if (folder / ".git").exists():
            return None
    return None
