"""Paths: the stable names of operators and parameters, made of labels, blocks and counters."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from archdsl.interpret.values import Labelled

    Labels = dict[str, Labelled | dict[int, Labelled]]
Mode = Literal["named", "seq", "direct"]


def join(prefix: str, name: str) -> str:
    """``prefix.name``, or ``name`` at the top."""
    return f"{prefix}.{name}" if prefix else name


class PathScope:
    """Names under one prefix.

    In mode ``named`` an application is called after its operator or block (``conv``, ``conv_2``), in ``seq`` it is
    numbered, and in ``direct`` the next application takes the scope's own path: that is how ``fc: linear(10)`` gives
    ``fc.weight``. ``weights`` is the prefix of parameters, which differs from ``path`` inside a shared block.
    """

    __slots__ = ("_labels", "counters", "index", "mode", "path", "reserved", "solo", "taken", "weights")

    def __init__(self, path: str = "", weights: str | None = None, mode: Mode = "named") -> None:
        self.path = path
        self.weights = path if weights is None else weights
        self.mode: Mode = mode
        self.solo: Literal["", "any", "block"] = ""
        """Whether a lone stage may take this path: any (under a label), or only a block or ``seq`` (in a block)."""
        self.index = 0
        self.taken: set[str] = set()
        self.reserved: set[str] = set()
        """Labels written further down: unlabelled operators give way to them."""
        self.counters: dict[str, int] = {}
        self._labels: Labels | Callable[[], Labels] = {}

    @property
    def labels(self) -> Labels:
        """What was labelled here, by name."""
        if not isinstance(self._labels, dict):
            self._labels = self._labels()
        return self._labels

    def state(self) -> tuple[Any, ...]:
        """All but the labels, for :meth:`restore`."""
        return self.mode, self.solo, self.index, frozenset(self.taken), frozenset(self.reserved), {**self.counters}

    def restore(self, state: tuple[Any, ...], labels: Callable[[], Labels]) -> None:
        """Take over the state of a scope in which the same was named."""
        self.mode, self.solo, self.index, taken, reserved, counters = state
        self.taken, self.reserved, self.counters = set(taken), set(reserved), {**counters}
        self._labels = labels

    def child(self, name: str, mode: Mode = "named") -> PathScope:
        """The scope under ``name``."""
        return PathScope(join(self.path, name), join(self.weights, name), mode)

    def allocate(self, base: str) -> str:
        """A fresh name for an unlabelled application."""
        if self.mode == "seq":
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
        """Path and parameter prefix of one operator."""
        if self.mode == "direct":
            self.mode = "named"
            return self.path, self.weights
        name = self.allocate(base)
        return join(self.path, name), join(self.weights, name)

    def block(self, base: str) -> PathScope:
        """The scope of one block application."""
        if self.mode == "direct":
            self.mode = "named"
            return self
        return self.child(self.allocate(base))

    def combinator(self) -> PathScope:
        """The scope of a combinator's or an inline body's parts: this one, but a number of its own in a ``seq``."""
        if self.mode == "direct":
            self.mode = "named"
            return self
        return self.child(self.allocate("")) if self.mode == "seq" else self

    def sequence(self) -> PathScope:
        """The scope of a ``seq``."""
        if self.mode == "direct":
            self.mode = "seq"
            return self
        return self.child(self.allocate("seq"), "seq")
