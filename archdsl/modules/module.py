"""One parsed file as a module: its definitions, and where imported names come from."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from archdsl.diagnostics import Diagnostic, Refusal
from archdsl.modules.meanings import Meanings
from archdsl.source import Source, Span
from archdsl.syntax import spec

Definition = spec.Block | spec.Network | spec.LetDefinition


class Module:
    """One parsed file: its definitions by name, and where imported names come from."""

    def __init__(self, source: Source, file: spec.File, path: Path | None, library: bool) -> None:
        self.source = source
        self.file = file
        self.path = path
        self.library = library
        self.definitions: dict[str, Definition] = {}
        self.variants: dict[str, spec.Variant] = {}
        self.imports: dict[str, tuple[Module, spec.ImportedName]] = {}
        self.missing: set[str] = set()
        """Names in definitions and imports that could not be read, where they may be defined."""
        self.unusable: set[str] = set()
        """Definitions that need themselves or name two parameters alike: what they mean is not known."""
        self.faults: tuple[Diagnostic, ...] = ()
        """What is wrong with its text alone."""
        self.meanings = Meanings()
        """What the names in the definitions mean; filled by :mod:`archdsl.modules.resolve`."""
        self.beside: Callable[[Source, str], str] = no_files
        """The text of a file that a text of this program names, within the bounds of what may be read."""
        for definition in file.definitions:
            if isinstance(definition, spec.Variant):
                self.variants.setdefault(definition.name, definition)
            elif isinstance(definition, spec.Block | spec.Network | spec.LetDefinition):
                self.definitions.setdefault(definition.name, definition)
            elif isinstance(definition, spec.Missing):
                self.missing |= definition.names

    @property
    def networks(self) -> list[spec.Network]:
        """The networks defined here, in order."""
        return [d for d in self.definitions.values() if isinstance(d, spec.Network)]

    @cached_property
    def source_hash(self) -> str:
        """SHA-256 of the text and of every file it uses; the same wherever they lie."""
        from hashlib import sha256

        texts: dict[str, None] = {}
        waiting = [self]
        while waiting:
            module = waiting.pop(0)
            if module.source.text not in texts:
                texts[module.source.text] = None
                waiting += [imported for imported, _ in module.imports.values()]
        return sha256("\0".join(texts).encode()).hexdigest()


def definition_span(definition: spec.Definition) -> Span:
    """The first line of a definition."""
    text = definition.span.text
    cut = text.find("\n")
    return definition.span if cut < 0 else definition.span.part(0, cut)


def no_files(source: Source, name: str) -> str:
    """The refusal (E0214) to read a file for a text that is not in a file."""
    raise Refusal("E0214", "a spec that is not in a file cannot refer to other files")
