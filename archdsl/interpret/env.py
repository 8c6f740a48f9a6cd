"""Lexical scopes: what names are bound to while statements run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Literal

from archdsl.interpret.session import Session
from archdsl.modules.meanings import Meanings
from archdsl.source import Span
from archdsl.tape.poison import POISON, Flow
from archdsl.tape.tape import Place

_MISSING = object()
ANY = "*"
"""Bound to poison where a loop binds names that are not known, because what it runs over was refused."""


class NetworkRun:
    """One use of a network: at the top its inputs are the graph's, inside another they are fed from the flow."""

    __slots__ = ("feed", "outputs", "places", "scope", "started", "trained")

    def __init__(self, feed: list[Any] | None) -> None:
        self.feed = feed
        self.started = False
        self.scope: Env | None = None
        """The scope of its body."""
        self.outputs: dict[str, Any] = {}
        self.places: dict[str, Span] = {}
        """Where the outputs are declared."""
        self.trained: dict[str, Any] = {}
        """Those of the outputs that are kept only in graphs for training."""


class Env:
    """Names in scope. ``kind`` tells loop iterations (through which indexed labels are visible) from bodies."""

    __slots__ = (
        "along",
        "defaults",
        "entered",
        "flow",
        "kind",
        "labels",
        "late",
        "meanings",
        "names",
        "parent",
        "place",
        "root",
        "run",
        "session",
    )

    def __init__(
        self, parent: Env | None, place: Place, kind: Literal["module", "body", "loop"], entered: Any = _MISSING,
        *, session: Session | None = None, meanings: Meanings | None = None,
    ) -> None:  # fmt: skip
        self.parent = parent
        self.place = place
        self.kind = kind
        self.entered = entered
        self.flow: Any = None
        """What flows at the statement that is run."""
        self.names: dict[str, Any] = {}
        self.labels: dict[str, Any] = {}
        self.defaults: dict[str, dict[str, Any]] | None = None
        self.run: NetworkRun | None = None
        self.along: Any = None
        """What runs along an axis, where this is its body: see :mod:`archdsl.interpret.scans`."""
        self.late: Mapping[str, Callable[[], Any]] | None = None
        """Definitions that are evaluated when they are first needed; of a file, which may have thousands."""
        if parent is not None:
            self.root: Env = parent.root
            """The scope of the file."""
            self.session: Session = parent.session
            self.meanings: Meanings = parent.meanings
            self.run = parent.run
        else:
            assert session is not None and meanings is not None
            self.root = self
            self.session, self.meanings = session, meanings

    def at(self, place: Place, defaults: dict[str, dict[str, Any]] | None = None) -> Env:
        """The same scope (names bound in either are seen in both) at another place, or with further defaults."""
        env = Env(self.parent, place, self.kind, self.entered, session=self.session, meanings=self.meanings)
        env.root = self.root
        env.flow = self.flow
        env.names = self.names
        env.labels = self.labels
        env.run = self.run
        env.late = self.late
        env.along = self.along
        env.defaults = {**(self.defaults or {}), **defaults} if defaults else self.defaults
        return env

    def flowing(self) -> Any:
        """What flows where a value is computed; ``None`` where nothing has entered yet."""
        env: Env | None = self
        while env is not None and env.flow is None:
            env = env.parent
        return None if env is None else env.flow

    def find(self, name: str, *, labels: bool = False, within: Env | None = None) -> Any:
        """What ``name`` is bound to, or ``Env.missing``; with ``labels``, also as a label, innermost first.

        ``within``: looked for in this scope and those inside of it only.
        """
        env: Env | None = self
        while env is not None:
            if labels and name in env.labels:
                return env.labels[name]
            if name in env.names:
                return env.names[name]
            if env.late is not None and name in env.late:
                make = env.late[name]
                env.names[name] = POISON  # whatever needs itself
                value = env.names[name] = make()
                return value
            env = env.parent if within is None or env.names is not within.names else None
        return _MISSING

    def find_label(self, name: str) -> Any:
        """The result labelled ``name``, or ``Env.missing``. Where a block is applied, labels are passed over, so that a
        checkpoint's ``conv`` may be a label without hiding the operator.
        """
        env: Env | None = self
        while env is not None:
            if name in env.labels:
                return env.labels[name]
            env = env.parent
        return _MISSING

    missing = _MISSING

    def visible(self) -> set[str]:
        """All names in scope, for suggestions."""
        found: set[str] = set()
        env: Env | None = self
        while env is not None:
            found |= env.names.keys() | env.labels.keys() | (env.late or {}).keys()
            env = env.parent
        return found

    def labelled(self) -> Iterator[tuple[str, Any]]:
        """All labels in scope with their results, innermost first."""
        env: Env | None = self
        while env is not None:
            yield from env.labels.items()
            env = env.parent

    def input(self) -> Flow | Any:
        """``in``: what entered the nearest enclosing block, branch or iteration."""
        env: Env | None = self
        while env is not None:
            if env.entered is not _MISSING:
                return env.entered
            env = env.parent
        return _MISSING

    def folds(self) -> bool:
        """Whether this stands in the text of a ``map``'s body."""
        env: Env | None = self
        while env is not None and env.along is None:
            env = env.parent
        return env is not None and bool(env.along.folds)

    def outside_loops(self) -> Env:
        """The scope of the body in which the outermost loop stands."""
        env = self
        while env.kind == "loop" and env.parent is not None:
            env = env.parent
        return env

    def operator_defaults(self, name: str) -> dict[str, Any]:
        """Arguments that enclosing ``with`` statements give to the operator or block ``name``; inner ones win."""
        found: dict[str, Any] = {}
        env: Env | None = self
        while env is not None:
            if env.defaults is not None and name in env.defaults:
                found = {**env.defaults[name], **found}
            env = env.parent
        return found

    def poison(self, names: Iterable[str], *, labels: bool) -> None:
        """What a refused statement would have bound is poison, so that its users stay silent."""
        scope = self.labels if labels else self.names
        scope.update((name, POISON) for name in names if name != "_")
