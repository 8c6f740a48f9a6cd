"""Files and the standard library, read and parsed once each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

from archdsl.diagnostics import Diagnostic, DiagnosticError, Refusal, did_you_mean
from archdsl.modules.module import Module
from archdsl.reading import ZOO, in_zoo, zoo_files
from archdsl.source import Source, note, shortened
from archdsl.syntax import spec
from archdsl.syntax.parse import parse

STD = Path(__file__).resolve().parent.parent / "std"
"""The standard library."""

LIBRARY: dict[Path, Module] = {}
"""Modules of the standard library that were read before; they do not change while a process runs."""


class Loader:
    """Parses a main file and what it uses, each file once; ``read`` gives the text of a path."""

    def __init__(self, read: Callable[[Path, str], Source], root: Path | None) -> None:
        self.read = read
        self.root = root
        self.library = LIBRARY
        self.loaded: dict[Path, Module] = {}
        self.loading: list[Path] = []
        self.modules: dict[Source, Module] = {}
        self.texts: dict[Path, str] = {}
        self.diagnostics: list[Diagnostic] = []

    def main(self, source: Source, path: Path | None, more: Source | None = None) -> Module:
        """The module of the main text, with the definitions of another one behind it; raises ``DiagnosticError`` where
        they cannot be parsed.
        """
        if path is not None:
            self.loading.append(path.resolve())
        module = self._parse(source, path, library=False)
        if more is not None:
            behind = self._parse(more, path, library=False)
            file = module.file.replace(definitions=(*module.file.definitions, *behind.file.definitions))
            module = Module(source, file, path, library=False)
            module.beside = self.beside
            self.modules.update(dict.fromkeys((source, more), module))
        self._imports(module)
        return self.whole(module)

    def whole(self, module: Module) -> Module:
        """A module whose imports are there, as it is used."""
        return module

    def _parse(self, source: Source, path: Path | None, *, library: bool) -> Module:
        file, diagnostics = self.parsed(source, path, library)
        self.diagnostics += diagnostics
        if file is None:
            raise DiagnosticError(self.diagnostics)
        source = file.span.source
        module = self.modules[source] = Module(source, file, path, library)
        module.faults = tuple(diagnostics)
        module.beside = self.beside
        return module

    def parsed(self, source: Source, path: Path | None, library: bool) -> tuple[spec.File | None, list[Diagnostic]]:
        """The tree of a text, and what is wrong with it."""
        return parse(source)

    def _imports(self, module: Module) -> None:
        for use in module.file.definitions:
            if not isinstance(use, spec.Use):
                continue
            try:
                self._import(module, use)
            except Refusal as refusal:
                self.diagnostics.append(refusal.located(use.span).diagnostic())
                module.missing |= {name.name for name in use.names}

    def _import(self, module: Module, use: spec.Use) -> None:
        path = self._locate(module, use.path) if use.from_file else self._library(use)
        other = self._load(path, use)
        for name in use.names:
            if name.name not in other.definitions and name.name not in other.imports:
                module.missing.add(name.name)
                if name.name not in other.missing:
                    self.diagnostics.append(_no_such_name(use, name, other).diagnostic())
            elif name.name in module.imports:
                self.diagnostics.append(
                    Refusal("E0207", f"`{name.name}` is imported twice").located(name.span).diagnostic()
                )
            else:
                module.imports[name.name] = (other, name)

    def beside(self, source: Source, name: str) -> str:
        """The text of a file that a loaded text names, within the bounds of what may be imported."""
        path = self._locate(self.modules.get(source), name)
        if path not in self.texts:
            self.texts[path] = self._read(path, name).text
        return self.texts[path]

    def _locate(self, module: Module | None, name: str) -> Path:
        """The file of that name, relative to the module's own; refuses (E0213, E0214) what may not be read."""
        if module is not None and module.path is not None and in_zoo(module.path):
            for path in zoo_files():
                if path.name == Path(name).name:
                    return path
        if module is None or module.library or self.root is None:
            raise Refusal("E0214", "a spec that is not in a file cannot refer to other files")
        base = module.path.parent if module.path is not None else self.root
        try:
            path = (base / name).resolve()
            note(path)
            there = path.is_file()
        except (OSError, RuntimeError, ValueError):  # too long, links in a circle, or a NUL in it
            raise Refusal("E0213", f'there is no file "{shortened(name, 60)}"') from None
        if not path.is_relative_to(self.root.resolve()):
            raise Refusal(
                "E0214", f'"{name}" is outside of the folder of the main file',
                help="other files must be inside that folder, so that a spec from a stranger reads nothing else",
            )  # fmt: skip
        if not there:
            raise Refusal(
                "E0213", f'there is no file "{name}"', help="paths are relative to the file that contains them"
            )
        return path

    def _library(self, use: spec.Use) -> Path:
        known = packaged_modules()
        if use.path not in known:
            listed = ", ".join(f"`{name}`" for name in sorted(known) if name.startswith("std.")) + ", and the zoo's"
            help = did_you_mean(use.path, known, f"modules: {listed}")
            raise Refusal("E0213", f"there is no module `{use.path}`", help=help)
        return known[use.path]

    def _load(self, path: Path, use: spec.Use) -> Module:
        if path in self.loaded:
            return self.loaded[path]
        if path in self.loading:
            names = " -> ".join(p.name for p in [*self.loading[self.loading.index(path) :], path])
            raise Refusal("E0209", f"files import each other: {names}")
        at_home = self.root is not None and ZOO in (self.root, self.root.parent)
        library = path.parent == STD or (in_zoo(path) and not at_home)
        if library and path in self.library:
            return self.library[path]
        source = self._read(path, use.path)
        self.loading.append(path)
        try:
            module = self._parse(source, path, library=library)
            self._imports(module)
            module = self.whole(module)
        finally:
            self.loading.pop()
        self.loaded[path] = module
        if library and not self.diagnostics:
            self.library[path] = module
        return module

    def _read(self, path: Path, name: str) -> Source:
        try:
            return self.read(path, name)
        except DiagnosticError as error:
            found = error.diagnostics[0]
            raise Refusal(found.code, found.message, help=found.help) from None


@cache
def packaged_modules() -> Mapping[str, Path]:
    """What ``use std.NAME`` and ``use zoo.NAME`` may name."""
    files = [("std", sorted(STD.glob("*.arch"))), ("zoo", zoo_files())]
    return {f"{room}.{path.stem}": path for room, paths in files for path in paths}


def _no_such_name(use: spec.Use, name: spec.ImportedName, other: Module) -> Refusal:
    help = did_you_mean(name.name, other.definitions)
    return Refusal("E0215", f"`{use.path}` does not define `{name.name}`", help=help).located(name.span)
