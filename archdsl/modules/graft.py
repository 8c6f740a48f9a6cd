"""Definitions that a changed text has from before: what was found out about them, kept with them, stays true.

A definition depends on its text and on what the names in it mean: other definitions of the file, imports, symbols. All
words of its text are taken for names, those in strings and comments too, so that nothing is overlooked.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

from archdsl.modules.module import Definition, Module
from archdsl.modules.resolve import symbols_of
from archdsl.source import Passage
from archdsl.syntax import spec

_WORD = re.compile(r"\w+")


def graft(module: Module, bases: Iterable[Module]) -> spec.File:
    """The tree of a module with each definition as it is in the first of the ``bases`` in which it depends on nothing
    else. Spans in such a definition move to where it stands now. Linear in the length of the texts.
    """
    kept: dict[int, spec.Definition] = {}
    """By the place among the definitions of the file."""
    words = [frozenset(_WORD.findall(one.span.text)) for one in module.file.definitions]
    for base in bases:
        kept = {**_same(module, base, words, kept), **kept}
    definitions = list(module.file.definitions)
    for place, one in kept.items():
        passage = one.span.passage
        assert isinstance(passage, Passage)  # every definition that was read has its own
        passage.moved += definitions[place].span.start - one.span.start
        passage.source = module.source
        definitions[place] = one
    return module.file.replace(definitions=tuple(definitions))


def _same(
    module: Module, base: Module, words: Sequence[frozenset[str]], kept: dict[int, spec.Definition]
) -> dict[int, spec.Definition]:
    """The definitions of a module that depend on the same things in ``base``, as they are there. ``kept`` are those
    that are settled: whatever depends on one that ``base`` has not is another definition.
    """
    now, before = _Names(module), _Names(base)
    found: dict[int, spec.Definition] = {}
    readers: dict[str, list[int]] = defaultdict(list)
    changed: list[int] = []
    for place, one in enumerate(module.file.definitions):
        was = _counterpart(one, module, base)
        if was is None or kept.get(place, was) is not was or not now.mean_the_same(before, words[place]):
            changed.append(place)
        else:
            found[place] = was
        for word in words[place] & module.definitions.keys():
            readers[word].append(place)
    while changed:
        one = module.file.definitions[changed.pop()]
        if isinstance(one, Definition):
            for reader in readers.pop(one.name, ()):
                if found.pop(reader, None) is not None:
                    changed.append(reader)
    return found


def _counterpart(one: spec.Definition, module: Module, base: Module) -> spec.Definition | None:
    """The definition of the same name, kind and text in ``base``."""
    was: spec.Definition | None = None
    if isinstance(one, spec.Variant) and module.variants.get(one.name) is one:
        was = base.variants.get(one.name)
    elif isinstance(one, Definition) and module.definitions.get(one.name) is one:
        was = base.definitions.get(one.name)
    same = was is not None and type(was) is type(one) and was.span.text == one.span.text
    return was if same and getattr(was, "doc", "") == getattr(one, "doc", "") else None


class _Names:
    """What words mean in a module."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.symbols = symbols_of(module)

    def mean_the_same(self, other: _Names, words: frozenset[str]) -> bool:
        """Whether none of the words means something else in another module, definitions of the modules apart."""
        if (self.symbols is None) is not (other.symbols is None):
            return False
        return self._known(words) == other._known(words) and all(
            self._meaning(word) == other._meaning(word) for word in self._known(words)
        )

    def _known(self, words: frozenset[str]) -> set[str]:
        module = self.module
        known: set[str] = set()
        for names in (module.definitions.keys(), module.imports.keys(), module.missing, self.symbols or ()):
            known |= words.intersection(names)
        return known

    def _meaning(self, word: str) -> tuple[object, ...]:
        module = self.module
        imported = _imported(module, word)
        return (
            word in module.definitions, word in module.missing, word in (self.symbols or ()),
            word in module.imports, id(imported),
        )  # fmt: skip


def _imported(module: Module, name: str) -> spec.Definition | None:
    """The definition that an import stands for."""
    while name in module.imports:
        module, one = module.imports[name]
        name = one.name
        if name in module.definitions:
            return module.definitions[name]
    return None
