"""Applications of a block that were made before are repeated from a record.

ResNet-152 applies one unit 35 times with the same arguments to maps of the same type: what comes of it differs in its
path alone. The first application runs the block and is recorded, relative to its path; the others copy its nodes,
parameters, labels and frames. Records lie with the block's definition, so that the variants of a file share them.

Only what is a function of its arguments and of the types that enter is recorded: a block at the top of a file, with
numbers, texts and other such blocks as arguments, and a run that left nothing but nodes. Everything else runs as ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

from archdsl.elaborate.env import Place
from archdsl.elaborate.paths import PathScope
from archdsl.elaborate.session import DEFAULT, Session
from archdsl.elaborate.values import Flow, Labelled
from archdsl.graph import Node, Parameter, Value
from archdsl.ops.base import Op
from archdsl.record import Record
from archdsl.shapes import TensorType
from archdsl.source import Frame, Origin, Span

MOST = 5_000
"""Nodes in the records of one definition."""
GROWS = frozenset({"nodes", "paths", "parameters", "taps", "modules", "steps"})
"""What an application may add to a session; a run that adds anything else is not recorded."""
_PLAIN = frozenset({int, float, bool, str, type(None)})


_Step = tuple[Op, tuple[int, ...], tuple[TensorType, ...], str, tuple[tuple[str, int], ...], Span | None, int]
"""One node: operator, numbers of its inputs, result types, path, numbers of its parameters by slot, span, frame."""


_Frame = tuple[str, str, dict[str, str], Span | None, int]
"""A frame inside: name, arguments and settings as text (they might hold a whole network), span, its parent's number."""


class _Names(Record):
    """A naming scope after the run; ``labels`` has a result and its scope, by name or by name and index."""

    path: str
    state: tuple[Any, ...]
    labels: tuple[tuple[str, Any], ...]


class _Kept(Record):
    """A whole application. Values are numbered: those that enter first, then the results in order of the nodes."""

    depth: int
    level: int
    steps: int
    nodes: tuple[_Step, ...]
    parameters: tuple[tuple[str, Parameter], ...]
    """Path, and what it was there."""
    frames: tuple[_Frame, ...]
    settings: dict[str, str]
    taps: tuple[tuple[str, int], ...]
    result: int | tuple[int, ...]
    names: _Names
    holds: tuple[Any, ...]
    """What the key knows by identity, so that it lives as long as the record."""


class _Records(dict[Any, _Kept]):
    """The records of one definition, and how many nodes they have."""

    nodes = 0


class Application:
    """One application of a block with the arguments ``given``, at the place of its own scope and frame."""

    __slots__ = ("_before", "_flow", "_holds", "_key", "_place", "_records")

    def __init__(self, definition: Any, flow: Flow, place: Place, holds: list[Any], key: Any) -> None:
        self._records: _Records = definition.__dict__.setdefault("_records", _Records())
        self._flow: tuple[Value, ...] = flow if isinstance(flow, tuple) else (flow,)  # type: ignore[assignment]
        self._place = place
        self._holds = holds
        self._key = key
        self._before: dict[str, Any] = {}

    @classmethod
    def of(cls, block: Any, given: Mapping[str, Any], flow: Flow, place: Place) -> Application | None:
        """The application, if it is a function of what can be compared."""
        scope = place.scope
        values = flow if type(flow) is tuple else (flow,)
        if block.env.kind != "module" or place.shared or place.frozen or not _untouched(scope):
            return None
        if any(type(v) is not Value for v in values) or len(set(values)) < len(values) or place.session.renamed:
            return None
        holds: list[Any] = []
        try:
            arguments = tuple((name, _key(value, holds)) for name, value in given.items())
        except TypeError:
            return None
        session = place.session
        types = tuple(v.type for v in values)  # type: ignore[union-attr]
        limits = None if session.limits is DEFAULT else session.limits
        key = (session.train, limits, tuple(session.symbols.items()), arguments, types)
        return cls(block.definition, flow, place, holds, key)

    def repeat(self) -> Flow | None:
        """The result, made from a record; ``None`` where there is none that fits, and the block is to be run."""
        kept = self._records.get(self._key)
        if kept is None or not _fits(kept, self._place):
            self._before = _state(self._place.session)
            return None
        return _repeated(kept, self._flow, self._place)

    def keep(self, result: Flow) -> None:
        """Record what the run made, if it is nothing but nodes."""
        session = self._place.session
        made = len(session.nodes) - self._before["nodes"]
        if self._records.nodes + made > MOST or session.renamed or not _same(self._before, _state(session)):
            return
        kept = _Recorder(self._place, self._flow, self._before).kept(result, tuple(self._holds))
        if kept is not None:
            self._records.nodes += made
            self._records[self._key] = kept


def _key(value: Any, holds: list[Any]) -> Any:
    """Something that is equal for equal values; ``TypeError`` for what is more than a value."""
    kind = type(value)
    if kind in _PLAIN:
        return kind, value.hex() if kind is float else value  # 0.0 and -0.0 are equal, and not the same
    if kind is tuple:
        return tuple([_key(item, holds) for item in value])
    identity = getattr(value, "card", None)
    if identity is None and getattr(value, "env", None) is not None and value.env.kind == "module":
        identity = getattr(value, "definition", None)
    if identity is None or value.tensors:
        raise TypeError
    holds.append(identity)
    return id(identity), *(_key(pair, holds) for given in (value.bound, value.defaults) for pair in given.items()), 0


def _untouched(scope: PathScope) -> bool:
    """Whether nothing has been named in a scope, so that names in it depend on what is applied there alone."""
    named = scope.taken or scope.reserved or scope.counters or scope.index or scope.labels
    return bool(scope.path) and scope.path == scope.weights and scope.mode == "named" and not named


def _state(session: Session) -> dict[str, Any]:
    """How much there is of everything in a session."""
    return {name: len(v) if hasattr(v, "__len__") else v for name, v in vars(session).items()}


def _same(before: dict[str, Any], after: dict[str, Any]) -> bool:
    return all(after[name] == was for name, was in before.items() if name not in GROWS)


def _fits(kept: _Kept, place: Place) -> bool:
    """Whether a record may be repeated here: no bound is exceeded, and no name in it is taken."""
    session, prefix = place.session, place.scope.path
    return (
        place.depth <= kept.depth
        and session.level <= kept.level
        and session.steps + kept.steps <= session.limits.steps
        and len(session.nodes) + len(kept.nodes) <= session.limits.nodes
        and session.paths.isdisjoint([prefix + step[3] for step in kept.nodes])
        and session.parameters.keys().isdisjoint([prefix + path for path, _ in kept.parameters])
    )


class _Foreign(Exception):
    """The run refers to something outside of it."""


class _Recorder:
    """Turns what a run has added to a session into a record."""

    def __init__(self, place: Place, entered: tuple[Value, ...], before: dict[str, Any]) -> None:
        self.place = place
        self.before = before
        self.prefix = place.scope.path
        self.numbers: dict[Value, int] = {value: i for i, value in enumerate(entered)}
        self.parameters: dict[int, int] = {}
        self.owned: list[tuple[str, Parameter]] = []
        self.frames: list[_Frame] = []
        self.known: dict[int, int] = {id(place.frame): 0}

    def kept(self, result: Flow, holds: tuple[Any, ...]) -> _Kept | None:
        """The record; ``None`` where the run refers to something outside of it."""
        session, place, before = self.place.session, self.place, self.before
        assert place.frame is not None
        try:
            steps = tuple(self._steps(session.nodes[before["nodes"] :]))
            if len(session.parameters) - before["parameters"] != len(self.owned):
                return None
            taps = islice(session.taps.items(), before["taps"], None)
            return _Kept(
                place.depth, before["level"], session.steps - before["steps"], steps, tuple(self.owned),
                tuple(self.frames), place.frame.settings,
                tuple([(self._path(path), self.numbers[value]) for path, value in taps]),
                self._result(result), self._names(place.scope), holds,
            )  # fmt: skip
        except (KeyError, _Foreign):
            return None

    def _path(self, path: str) -> str:
        if not path.startswith(self.prefix):
            raise _Foreign
        return path[len(self.prefix) :]

    def _result(self, result: Any) -> Any:
        if type(result) is tuple:
            return tuple([self.numbers[value] for value in result])
        return self.numbers[result]

    def _steps(self, nodes: list[Node]) -> list[_Step]:
        numbers, parameters, found = self.numbers, self.parameters, []
        for node in nodes:
            inputs = tuple([numbers[value] for value in node.inputs])
            for value in node.outputs:
                numbers[value] = len(numbers)
            for parameter in node.params.values():
                if id(parameter) not in parameters:
                    parameters[id(parameter)] = len(self.owned)
                    self.owned.append((self._path(parameter.path), parameter))
            slots = tuple([(slot, parameters[id(parameter)]) for slot, parameter in node.params.items()])
            types = tuple([value.type for value in node.outputs])
            frame = self._frame(node.origin.frame)
            found.append((node.op, inputs, types, self._path(node.path), slots, node.origin.span, frame))
        return found

    def _frame(self, frame: Frame | None) -> int:
        """The number of a frame: 0 for the application's own, the others counted from 1, parents first."""
        chain = []
        while id(frame) not in self.known:
            if frame is None:
                raise _Foreign
            chain.append(frame)
            frame = frame.parent
        number = self.known[id(frame)]
        for inner in reversed(chain):
            self.frames.append((inner.name, inner.arguments, inner.settings, inner.span, number))
            number = self.known[id(inner)] = len(self.frames)
        return number

    def _names(self, scope: PathScope) -> _Names:
        labels: list[tuple[str, Any]] = []
        for name, value in scope.labels.items():
            if isinstance(value, Labelled):
                labels.append((name, self._labelled(value)))
            else:
                labels.append((name, {index: self._labelled(item) for index, item in value.items()}))
        return _Names(self._path(scope.path), scope.state(), tuple(labels))

    def _labelled(self, value: Labelled) -> tuple[Any, _Names]:
        return self._result(value.result), self._names(value.scope)


def _repeated(kept: _Kept, entered: tuple[Value, ...], place: Place) -> Flow:
    """Make what a record holds, at another place and from other values."""
    session, prefix = place.session, place.scope.path
    session.steps += kept.steps
    assert place.frame is not None
    place.frame.settle(kept.settings.copy)
    frames = [place.frame]
    for name, arguments, settings, span, parent in kept.frames:
        frame = Frame(name, arguments, span, frames[parent])
        frame.settle(settings.copy)
        frames.append(frame)
    parameters = [
        Parameter(prefix + path, was.type, was.init, was.buffer, was.trainable) for path, was in kept.parameters
    ]
    session.parameters.update([(p.path, p) for p in parameters])
    values = list(entered)
    for op, inputs, types, path, slots, span, number in kept.nodes:
        params = {slot: parameters[i] for slot, i in slots}
        node = Node(op, [values[i] for i in inputs], types, prefix + path, params, Origin(span, frames[number]))
        values += node.outputs
        session.nodes.append(node)
        session.paths.add(node.path)
    session.taps.update([(prefix + path, values[number]) for path, number in kept.taps])
    _name(kept.names, place.scope, prefix, values)
    return _flow(kept.result, values)


def _flow(number: Any, values: list[Value]) -> Flow:
    return tuple([values[i] for i in number]) if type(number) is tuple else values[number]


def _name(names: _Names, scope: PathScope, prefix: str, values: list[Value]) -> None:
    """Give a scope the names it had; labels are made when somebody looks for them, which is seldom."""

    def labels() -> dict[str, Any]:
        return {
            name: {i: labelled(item) for i, item in value.items()} if isinstance(value, dict) else labelled(value)
            for name, value in names.labels
        }

    def labelled(value: tuple[Any, _Names]) -> Labelled:
        inner = PathScope(prefix + value[1].path)
        _name(value[1], inner, prefix, values)
        return Labelled(_flow(value[0], values), inner)

    scope.restore(names.state, labels)
