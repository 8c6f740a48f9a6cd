"""Paths: the stable names of operators and parameters, made of labels, blocks and counters.

How a path is made is part of the public contract (docs/language.md, section 6). Everything that names is here and in
:class:`~archdsl.tape.tape.Place`; docs/paths.md tells it as a whole.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from archdsl.tape.poison import Flow

Naming = Literal["spliced", "scope", "direct"]
"""How an application is named.

- ``spliced``: by its operator or block, among its neighbours (``conv``, ``conv_2``);
- ``direct``: it takes the path of the scope itself, as the only stage under a label does (``fc: linear(10)`` owns
  ``fc.weight``);
- ``scope``: ``direct`` if it is one thing with parts of its own (a block or a ``seq``), as the only stage of a block's
  body is; otherwise ``spliced``.
"""


def join(prefix: str, name: str) -> str:
    """``prefix.name``, or ``name`` at the top."""
    return f"{prefix}.{name}" if prefix else name


class Labelled:
    """The result under a label, and the scope of what was labelled inside it."""

    __slots__ = ("result", "scope")

    def __init__(self, result: Flow, scope: PathScope) -> None:
        self.result = result
        self.scope = scope


Labels = dict[str, Labelled | dict[int, Labelled]]
"""What was labelled in a scope: by name, or by name and index."""


class PathScope:
    """Names under one prefix.

    An application is called after its operator or block (``conv``, ``conv_2``), or, in a ``numbered`` scope, by its
    number. ``weights`` is the prefix of parameters, which differs from ``path`` inside a shared block.
    """

    __slots__ = ("_labels", "counters", "index", "numbered", "path", "reserved", "taken", "weights")

    def __init__(self, path: str = "", weights: str | None = None, *, numbered: bool = False) -> None:
        self.path = path
        self.weights = path if weights is None else weights
        self.numbered = numbered
        self.index = 0
        self.taken: set[str] = set()
        self.reserved: set[str] = set()
        """Labels written further down: unlabelled operators give way to them."""
        self.counters: dict[str, int] = {}
        self._labels: Labels | Callable[[], Labels] = {}

    @property
    def labels(self) -> Labels:
        """What was labelled here."""
        if not isinstance(self._labels, dict):
            self._labels = self._labels()
        return self._labels

    @property
    def untouched(self) -> bool:
        """Whether nothing was named here yet, so that names depend on what comes alone."""
        return not (self.taken or self.reserved or self.counters or self.index or self.numbered or self._labels)

    def state(self) -> tuple[Any, ...]:
        """All but the labels, for :meth:`restore`."""
        return self.numbered, self.index, frozenset(self.taken), frozenset(self.reserved), {**self.counters}

    def restore(self, state: tuple[Any, ...], labels: Callable[[], Labels]) -> None:
        """Take over the state of a scope in which the same was named."""
        self.numbered, self.index, taken, reserved, counters = state
        self.taken, self.reserved, self.counters = set(taken), set(reserved), {**counters}
        self._labels = labels

    def child(self, name: str, *, numbered: bool = False) -> PathScope:
        """The scope under ``name``."""
        path = join(self.path, name)
        return PathScope(path, path if self.weights is self.path else join(self.weights, name), numbered=numbered)

    def allocate(self, base: str) -> str:
        """A fresh name for an unlabelled application."""
        if self.numbered:
            name = str(self.index)
            self.index += 1
            if name not in self.taken:
                self.taken.add(name)
                return name
        return self.unique(base)

    def unique(self, base: str) -> str:
        """``base``, or ``base_2``, ``base_3``, … where it is taken."""
        count = self.counters.get(base, 0)
        while True:
            count += 1
            name = base if count == 1 else f"{base}_{count}"
            if name not in self.taken and name not in self.reserved:
                self.counters[base] = count
                self.taken.add(name)
                return name

    def label(self, name: str) -> str:
        """The name under a label: itself at first, counted where a loop repeats it."""
        if name not in self.taken:
            self.taken.add(name)
            return name
        return self.unique(name)

    def operator(self, base: str) -> tuple[str, str]:
        """Path and parameter prefix of one unlabelled operator."""
        name = self.allocate(base)
        path = f"{self.path}.{name}" if self.path else name
        return path, path if self.weights is self.path else join(self.weights, name)
