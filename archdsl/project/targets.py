"""Targets of commands and functions, as programs and graphs."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from archdsl import data, foreign
from archdsl.diagnostics import Refusal
from archdsl.driver import Program, Settings, open_source, resolve_target
from archdsl.graph import Graph
from archdsl.record import Record

if TYPE_CHECKING:
    from archdsl.source import Source


Step = Callable[[str], AbstractContextManager[object]]
"""Told what is being done, for as long as it takes: ``with step("checking resnet.arch"): …``."""


class Target(Record):
    """A variant of a program (``None``: the first), a graph that was read as data, or a model of another tool."""

    program: Program | None
    variant: str | None
    document: Source | None = None
    model: Path | None = None

    @property
    def source_name(self) -> str:
        """The name of the text behind it."""
        if self.model is not None:
            return str(self.model)
        source = self.document or (self.program.source if self.program else None)
        return source.name if source else ""

    def graph(
        self, settings: Settings | None = None, bind: Mapping[str, int] | None = None, train: bool = False
    ) -> Graph:
        """Its graph; raises ``DiagnosticError``."""
        return graph_of(self, settings, bind, train)


Network = Graph | Target | str | Path
"""A graph, or a target as the command line takes it: a file, ``spec.arch:variant``, a name of the zoo."""


def open_target(text: str | Path) -> Target:
    """A target as it is written on the command line; raises ``DiagnosticError`` where there is none."""
    from archdsl import reading

    text = str(text)
    if text == "-":
        content = read_stdin()
        if content.lstrip()[:1] == b"{":
            return Target(None, None, data.decode(content, "<stdin>"))
        return Target(open_source(reading.decode(content, "<stdin>"), None), None)
    if foreign.is_model(text):
        return Target(None, None, model=Path(text))
    file, _, name = text.rpartition(":")
    if foreign.is_model(file) and Path(file).exists():
        raise Refusal("E0007", f"`{file}` is a model: it has no variant `{name:.60}`", help=f"write `{file}`")
    if data.is_data(text):
        return Target(None, None, data.read_document(text))
    program, variant = resolve_target(text)
    return Target(program, variant)


def has_program(network: Network) -> bool:
    """Whether a network is made from a text, with parameters and variants."""
    target = open_target(network) if isinstance(network, str | Path) else network
    return isinstance(target, Target) and target.program is not None


def graph_of(
    network: Network, settings: Settings | None = None, bind: Mapping[str, int] | None = None, train: bool = False
) -> Graph:
    """The graph of a target; a graph stays what it is, but for the sizes in ``bind``. Raises ``DiagnosticError``."""
    if isinstance(network, str | Path):
        network = open_target(network)
    if isinstance(network, Target):
        if network.program is not None:
            return network.program.made(network.variant, settings or {}, bind, train)
        if settings or train:
            what = "a model" if network.model is not None else "data"
            message = f"`{network.source_name}` is {what}: it has no parameters to set and no variants"
            raise Refusal("E0007", message, help="sizes of its inputs are given with `--bind`; nothing else is open")
        if network.model is not None:
            return foreign.read(network.model, bind or {})
        assert network.document is not None
        return data.read(network.document, bind or {})
    if not isinstance(network, Graph):
        raise TypeError(f"a graph or a target is needed, not {network!r:.60}; use archdsl.load(…).graph()")
    if settings or train:
        raise Refusal("E0007", f"`{network.name}` is a graph already: it has no parameters to set")
    if bind:
        from archdsl.rewrites.bind import bind as bound

        return bound(network, bind)
    return network


def read_stdin() -> bytes:
    """Standard input as bytes, cut after the longest text that is read."""
    most = data.MAX_DOCUMENT_BYTES + 1
    stream = getattr(sys.stdin, "buffer", None)
    return bytes(stream.read(most)) if stream is not None else sys.stdin.read(most).encode()


def read_source(name: str) -> Source:
    """The text of a file, or of standard input for ``-``."""
    from archdsl import reading

    return reading.decode(read_stdin(), "<stdin>") if name == "-" else reading.read_main(Path(name), name)


def arch_files(paths: Iterable[str | Path], model: Callable[[str], bool] | None = None) -> list[str]:
    """Files as they were written, folders as all ``.arch`` files below them, each once; hidden folders and Python
    environments are left out. ``model`` says of a model of another tool in a folder whether it is meant, too.

    Refuses (E0001) folders without any, and the empty text, which Python takes for the current folder.
    """
    return list(dict.fromkeys(name for path in paths for name in _expand(str(path), model)))


def _expand(path: str, model: Callable[[str], bool] | None) -> Iterator[str]:
    if not path:
        raise Refusal("E0001", "the name of a file is empty", help="`.` is the current folder")
    if path == "-" or not Path(path).is_dir():
        yield path
        return
    found: list[Path] = []
    models: list[Path] = []
    for place, folders, files in os.walk(path):
        inside = Path(place)
        if "pyvenv.cfg" in files and place != path:  # a Python environment, in which this package may be installed
            folders.clear()
            continue
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [inside / name for name in files if name.endswith(".arch") and not name.startswith(".")]
        models += [inside / name for name in files if foreign.is_model(name) and not name.startswith(".")]
    found += [one for one in models if model is not None and model(str(one))]
    if not found:
        help = f"models are given by their names, such as `{min(models)}`" if models else ""
        if models and model is not None:
            help += ", or found by the `spec` of a budget in archdsl.toml"
        raise Refusal("E0001", f"there is no .arch file in `{path}`", help=help)
    yield from map(str, sorted(found))
