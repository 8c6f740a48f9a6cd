"""Lexical scopes, and the place at which nodes are being made."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from archdsl.interpret.values import POISON, Flow
from archdsl.source import Frame
from archdsl.tape.paths import PathScope

if TYPE_CHECKING:
    from archdsl.interpret.session import Session

_MISSING = object()


class Place:
    """Where nodes are made: the naming scope, the chain of applications, and whether weights are frozen."""

    __slots__ = ("depth", "frame", "frozen", "scope", "session", "shared")

    def __init__(
        self,
        session: Session,
        scope: PathScope,
        frame: Frame | None = None,
        frozen: bool = False,
        depth: int = 0,
        shared: bool = False,
    ) -> None:
        self.session = session
        self.scope = scope
        self.frame = frame
        self.frozen = frozen
        self.depth = depth
        self.shared = shared

    def at(self, scope: PathScope) -> Place:
        """The same place with another naming scope."""
        if scope is self.scope:
            return self
        return Place(self.session, scope, self.frame, self.frozen, self.depth, self.shared)

    def inside(self, scope: PathScope, frame: Frame | None) -> Place:
        """The place inside a block application."""
        return Place(self.session, scope, frame, self.frozen, self.depth + 1, self.shared)


class NetworkRun:
    """One use of a network: at the top its inputs are the graph's, inside another they are fed from the flow."""

    __slots__ = ("feed", "outputs", "started", "trained")

    def __init__(self, feed: list[Any] | None) -> None:
        self.feed = feed
        self.started = False
        self.outputs: dict[str, Any] = {}
        self.trained: dict[str, Any] = {}


class Lazy:
    """A definition that is evaluated when it is first needed."""

    __slots__ = ("make",)

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make = make


class Env:
    """Names in scope. ``kind`` tells loop iterations (through which indexed labels are visible) from bodies."""

    __slots__ = ("defaults", "entered", "kind", "labels", "names", "parent", "place", "run", "session")

    def __init__(
        self, parent: Env | None, place: Place, kind: Literal["module", "body", "loop"], entered: Any = _MISSING
    ) -> None:
        self.parent = parent
        self.place = place
        self.session = place.session
        """The elaboration this belongs to."""
        self.kind = kind
        self.entered = entered
        self.names: dict[str, Any] = {}
        self.labels: dict[str, Any] = {}
        self.defaults: dict[str, dict[str, Any]] | None = None
        self.run: NetworkRun | None = parent.run if parent is not None else None

    def at(self, place: Place, defaults: dict[str, dict[str, Any]] | None = None) -> Env:
        """The same scope (names bound in either are seen in both) at another place, or with further defaults."""
        env = Env(self.parent, place, self.kind, self.entered)
        env.names = self.names
        env.labels = self.labels
        env.run = self.run
        env.defaults = {**(self.defaults or {}), **defaults} if defaults else self.defaults
        return env

    def find(self, name: str) -> Any:
        """The value of ``name``, or ``Env.missing``."""
        env: Env | None = self
        while env is not None:
            if name in env.names:
                value = env.names[name]
                if isinstance(value, Lazy):
                    env.names[name] = POISON  # whatever needs itself
                    value = env.names[name] = value.make()
                return value
            env = env.parent
        return _MISSING

    def find_label(self, name: str) -> Any:
        """The result labelled ``name``, or ``Env.missing``: labels are a namespace of their own, so that a
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
            found |= env.names.keys() | env.labels.keys()
            env = env.parent
        return found

    def input(self) -> Flow | Any:
        """``in``: what entered the nearest enclosing block, branch or iteration."""
        env: Env | None = self
        while env is not None:
            if env.entered is not _MISSING:
                return env.entered
            env = env.parent
        return _MISSING

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
