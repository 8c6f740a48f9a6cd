"""The incremental engine of what watches: only what depends on a change is elaborated again.

Nothing here is loaded by a command that runs once. In a round of an engine (:func:`archdsl.driver.renewing`) every text
is read anew and its definitions are compared with what they were. One that depends on nothing else than before *is* the
one from before, the same object, moved to where it stands now; what was elaborated is kept by it.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archdsl import reading
from archdsl.diagnostics import Diagnostic, Refusal
from archdsl.graph import Graph
from archdsl.interpret.elaboration import Elaboration
from archdsl.interpret.program import elaborate
from archdsl.modules.graft import graft
from archdsl.modules.loader import LIBRARY, Loader, packaged_modules
from archdsl.modules.module import Module
from archdsl.modules.resolve import resolve
from archdsl.source import Source
from archdsl.syntax import spec
from archdsl.syntax.parse import parse

if TYPE_CHECKING:
    from archdsl.analyses.measure import Measurement, Subject

MOST = 500_000
"""Operators of the graphs that are kept, of less than 1 kB each. Beyond that those are let go that nobody asked for in
this round and the one before; if there are none, what is new is not kept, so that a part is known in every round."""
OLD = 3
"""Rounds after which a text that nobody reads any more is forgotten."""
VERSIONS = 4
"""How many versions of a text are remembered."""

Key = tuple[Path | None, Path | None, str]
"""The main file (``None`` for the standard library), a file that it uses, and what that is called."""


Beside = dict[tuple[Path | None, str], str | None]
"""Files that texts name: the path of the text and the name, and what was read (``None``: that was refused)."""


class _Text:
    """One file as it is now, and before: what is undone or mended is what it was."""

    __slots__ = ("before", "findings", "module", "round")

    def __init__(self, module: Module) -> None:
        self.module = module
        self.before = deque([module], maxlen=VERSIONS)
        self.findings: list[Diagnostic] | None = None
        self.round = 0


class _Result:
    """An elaboration, and the files beside the texts that it read; ``known``: what was measured of its graph."""

    __slots__ = ("files", "found", "known", "module", "round", "target")

    def __init__(self, module: Module, target: spec.Definition, found: Elaboration, files: Beside) -> None:
        self.module = module
        self.target = target
        self.found = found
        self.files = files
        self.known: dict[Subject, Measurement] = {}
        self.round = 0

    def holds(self, module: Module) -> bool:
        """Whether it holds for the module as it is now, too: what is told of a fault may name lines of its text."""
        return self.module is module or (self.found.graph is not None and not self.found.diagnostics)

    @property
    def size(self) -> int:
        """How many operators are kept with it."""
        return 1 + (len(self.found.graph.all_nodes()) if self.found.graph is not None else 0)


class Engine:
    """What was read and elaborated in rounds before this one. ``elaborated`` counts the networks of this round."""

    def __init__(self, most: int = MOST) -> None:
        self.most = most
        self.texts: dict[Key, _Text] = {}
        self.results: OrderedDict[tuple[Any, ...], _Result] = OrderedDict()
        self.graphs: dict[int, _Result] = {}
        """The results by identity of their graphs."""
        self.library: dict[Path, Module] = {}
        self.size = 0
        self.round = 0
        self.elaborated = 0

    def begin(self) -> None:
        """A new round: all files are looked at again, each once."""
        self.round += 1
        self.elaborated = 0
        self.library = {}
        LIBRARY.clear()
        for known in (reading.zoo_files, reading.zoo_names, packaged_modules):
            known.cache_clear()
        self.texts = {key: text for key, text in self.texts.items() if self.round - text.round <= OLD}

    def making(
        self, read: Callable[[Path, str], Source], path: Path
    ) -> tuple[Loader, Callable[[Module], list[Diagnostic]], Callable[..., Elaboration]]:
        """What reads a file and what it uses, settles names, and elaborates: each as far as that is not known."""
        loader = Renewing(self, read, path.resolve())
        return loader, loader.settle, self.elaborator(loader)

    def elaborator(self, loader: Renewing) -> Callable[..., Elaboration]:
        """What elaborates the networks of a module that the loader has read."""

        def made(
            module: Module,
            target: spec.Variant | spec.Network,
            arguments: Mapping[str, Any] | None = None,
            *,
            bindings: Mapping[str, int] | None = None,
            train: bool = False,
        ) -> Elaboration:
            plain = _plain(arguments or {})
            key = (id(target), plain, repr(sorted((bindings or {}).items())), train)
            known = self.results.get(key)
            if known is not None and known.holds(module) and loader.has(known.files):
                self.results.move_to_end(key)
                known.round = self.round
                if known.found.graph is not None:
                    known.found.graph.source_hash = module.source_hash
                return known.found
            self.elaborated += 1
            loader.beside_read = {}
            found = elaborate(module, target, arguments, bindings=bindings, train=train)
            if plain is not None:
                self._keep(key, _Result(module, target, found, loader.beside_read))
            return found

        return made

    def known(self, graph: Graph) -> dict[Subject, Measurement]:
        """What was measured of a graph, to be added to."""
        result = self.graphs.get(id(graph))
        return result.known if result is not None else {}

    def _keep(self, key: tuple[Any, ...], result: _Result) -> None:
        if key in self.results:
            self._forget(key)
        self.results[key] = result
        self.graphs[id(result.found.graph)] = result
        self.size += result.size
        result.round = self.round
        while self.size > self.most:
            oldest = next(iter(self.results))
            self._forget(oldest if self.results[oldest].round < self.round - 1 else key)

    def _forget(self, key: tuple[Any, ...]) -> None:
        result = self.results.pop(key)
        self.graphs.pop(id(result.found.graph), None)
        self.size -= result.size


def _plain(value: Any) -> str | None:
    """The text of arguments that are what they are: a name from outside may mean a definition."""
    if isinstance(value, Mapping):
        items = [(name, _plain(item)) for name, item in sorted(value.items())]
        return None if any(item is None for _, item in items) else repr(items)
    if isinstance(value, list | tuple):
        found = [_plain(item) for item in value]
        return None if None in found else repr(found)
    return repr(value) if value is None or isinstance(value, bool | int | float) else None


class Renewing(Loader):
    """A loader that knows what the texts were."""

    def __init__(self, engine: Engine, read: Callable[[Path, str], Source], main: Path) -> None:
        super().__init__(read, main.parent)
        self.engine = engine
        self.library = engine.library
        self.main_path = main
        self.beside_read: Beside = {}

    def _key(self, path: Path | None, name: str, library: bool) -> Key:
        return (None if library else self.main_path, path, name)

    def parsed(self, source: Source, path: Path | None, library: bool) -> tuple[spec.File | None, list[Diagnostic]]:
        """The tree of a text as it was, if that is the text that it was."""
        known = self.engine.texts.get(self._key(path, source.name, library))
        if known is not None and known.module.source.text == source.text:
            return known.module.file, [*known.module.faults]
        return parse(source)

    def whole(self, module: Module) -> Module:
        """The module that was, if nothing has changed; else with the definitions for which that is true."""
        key = self._key(module.path, module.source.name, module.library)
        known = self.engine.texts.get(key)
        if known is None:
            known = self.engine.texts[key] = _Text(module)
        elif not _is_same(module, known.module):
            if module.file is known.module.file:  # what it imports is another thing now: so may be any definition
                file, _ = parse(module.source)
                assert file is not None
                module = _with(module, file)
            known.module = _with(module, graft(module, known.before))
            known.before.appendleft(known.module)
            known.findings = None
        known.round = self.engine.round
        known.module.beside = self.beside
        self.modules[known.module.source] = known.module
        return known.module

    def settle(self, module: Module) -> list[Diagnostic]:
        """The names of a module, settled once."""
        known = self.engine.texts[self._key(module.path, module.source.name, module.library)]
        if known.findings is None:
            known.findings = resolve(module)
        return known.findings

    def beside(self, source: Source, name: str) -> str:
        """As of any loader, and noted."""
        module = self.modules.get(source)
        place = module.path if module is not None else None, name
        self.beside_read[place] = None
        text = self.beside_read[place] = super().beside(source, name)
        return text

    def has(self, files: Beside) -> bool:
        """Whether files beside the texts are what they were."""
        sources = {module.path: source for source, module in self.modules.items()} if files else {}
        for (path, name), was in files.items():
            try:
                text = super().beside(sources[path], name) if path in sources else None
            except Refusal:
                text = None
            if text != was:
                return False
        return True


def _with(module: Module, file: spec.File) -> Module:
    """A module with another tree of its text."""
    made = Module(module.source, file, module.path, module.library)
    made.imports, made.missing, made.faults = module.imports, module.missing, module.faults
    return made


def _is_same(module: Module, known: Module) -> bool:
    """Whether a module that was loaded anew means what the one before does."""
    return (
        module.file is known.file
        and module.missing == known.missing
        and module.imports.keys() == known.imports.keys()
        and all(other is known.imports[name][0] for name, (other, _) in module.imports.items())
    )
