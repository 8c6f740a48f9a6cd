"""What every name in a file means: the language's rules about names, in one place.

A name means the first of these that there is:

1. what a statement, loop, parameter list or label around it binds, innermost first;
2. a definition or an import of the file;
3. a combinator, ``tuple``, ``none``, or an operator;
4. a symbol of an input's shape;
5. ``preprocess`` and ``labels``, behind ``with``;
6. a choice of an argument (``same``, ``bilinear``);
7. ``pi``, or a function of numbers, where it is called;
8. an operator that another package offers.

Behind ``->`` and in front of ``(…)`` or ``{…}`` stands a block, and labels are tensors: there they are passed over, so
that labels may be called like what they label. A name that is both is refused where a line or pipeline begins with it.

As an argument whose parameter has the name among its choices, a name is that choice; where the argument has no name,
it is a tensor if there is one.
``dynamic`` is what cannot be known before running: a column of a table that is not written out where the loop stands,
a symbol in a library, or what one arm of a condition binds anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from archdsl.record import Record
from archdsl.source import Source, Span
from archdsl.syntax import spec

Kind = Literal[
    "operator", "local", "parameter", "definition", "import", "combinator", "keyword", "label", "symbol", "end",
    "choice", "number", "function", "dynamic", "unknown",
]  # fmt: skip
"""``end``: ``preprocess`` or ``labels``; ``keyword``: ``tuple`` or ``none``; ``unknown``: nothing is called so, which
is reported."""


class Meaning(Record):
    """What one name means, and where that was bound (``None`` for what the language itself defines)."""

    kind: Kind
    bound: Span | None = None


OPERATOR = Meaning("operator")
UNKNOWN = Meaning("unknown")
DYNAMIC = Meaning("dynamic")


class Meanings:
    """The side table of a file: the meaning of each name in it, by its place in the syntax tree."""

    def __init__(self) -> None:
        self._by_node: dict[int, tuple[spec.Name, Meaning]] = {}
        self.done: set[int] = set()
        """Definitions whose names are settled, by identity."""

    def settle(self, node: spec.Name, meaning: Meaning) -> None:
        """Note what a name means."""
        self._by_node[id(node)] = (node, meaning)

    def of(self, node: spec.Name) -> Meaning:
        """What a name means."""
        known = self._by_node.get(id(node))
        return DYNAMIC if known is None else known[1]

    def at(self, source: Source, offset: int) -> tuple[spec.Name, Meaning] | None:
        """The name at an offset of a text and its meaning, for editors: go to definition, hover."""
        for node, meaning in self._by_node.values():
            span = node.span
            if span.source is source and span.start <= offset < span.end:
                return node, meaning
        return None

    def uses(self, bound: Span) -> Iterator[spec.Name]:
        """Every name that means what is bound there, for editors: references, rename."""
        return (node for node, meaning in self._by_node.values() if meaning.bound == bound)


class Scope:
    """Names in scope at one place of a file: those that are bound, and, apart from them, labels.

    ``partly``: a loop binds names that are not known before running. ``choices`` are those of the argument in which
    a name stands. ``rebinds`` are names that statements of the body bind, be it behind the place or in one arm of a
    condition: what such a name means there is known only while running.
    """

    __slots__ = ("arm", "choices", "labels", "lets", "loop", "names", "parent", "partly", "perhaps", "rebinds")

    def __init__(
        self, parent: Scope | None = None, names: Iterable[str] = (), *, partly: bool = False,
        choices: frozenset[str] = frozenset(), arm: bool = False, loop: bool = False,
    ) -> None:  # fmt: skip
        self.parent = parent
        self.loop = loop
        """Whether this is the body of a loop."""
        self.names: dict[str, Meaning] = dict.fromkeys(names, Meaning("local"))
        self.labels: dict[str, Meaning] = {}
        self.partly: bool = partly or (parent is not None and parent.partly)
        self.choices = choices
        self.arm = arm
        """Whether it is that of a condition's arm, which belongs to the body around it."""
        self.rebinds: frozenset[str] = frozenset()
        self.lets: frozenset[str] = frozenset()
        """Of these, what ``let`` and ``share`` bind."""
        self.perhaps: set[str] = set()
        """Labels that only some arms of a condition above give."""

    def around(self) -> Iterator[Scope]:
        """The scope and those around it, innermost first."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent

    def labelled_here(self, name: str) -> bool:
        """Whether the name is a label of this body."""
        for scope in self.around():
            if name in scope.labels or not scope.arm:
                return name in scope.labels
        return False

    def nearest(self, name: str) -> Meaning | None:
        """What binds or labels the name nearest."""
        for scope in self.around():
            found = scope.labels.get(name) or scope.names.get(name)
            if found is not None:
                return found
        return None

    def bound(self, name: str) -> Meaning | None:
        """What binds the name nearest."""
        return next((scope.names[name] for scope in self.around() if name in scope.names), None)

    def outside_of_the_loop(self, name: str) -> bool:
        """Whether the name is made outside of the innermost loop around this place, and not in it so far."""
        scope: Scope | None = self
        while scope is not None and name not in scope.names and name not in scope.labels:
            if scope.loop:
                return scope.nearest(name) is not None
            scope = scope.parent
        return False

    def labelled(self, name: str) -> Meaning | None:
        """The nearest label of that name."""
        return next((scope.labels[name] for scope in self.around() if name in scope.labels), None)

    def rebound(self, name: str) -> bool:
        """Whether a body around this place binds the name, be it further down or in one arm of a condition."""
        return any(name in scope.rebinds for scope in self.around())

    def all(self) -> set[str]:
        """Every name that is bound, and every label."""
        own = self.names.keys() | self.labels.keys()
        return own | (self.parent.all() if self.parent is not None else set())

    def is_choice(self, name: str) -> bool:
        """Whether the argument in which a name is used has it among its choices."""
        return any(name in scope.choices for scope in self.around())
