"""Records of the applications of a block, from which equal applications are repeated.

ResNet-152 applies one unit 35 times with the same arguments to maps of the same type: what comes of it differs in its
path alone. The first application runs the block. The second makes a record of that run, relative to its path; it and
all others copy the nodes, parameters, labels and frames of the record. Records lie with the block's definition, so
that the variants of a file share them.

Only what is a function of its arguments and of the types that enter is recorded: a block at the top of a file, with
numbers, texts, tables, tensors and other such blocks as arguments, and a run that left nothing but nodes. Of tensors
their types count, and which of them are one. Everything else runs as ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archdsl.graph import Node, Parameter, Value
from archdsl.interpret.memo_records import Kept, Mark, Names, Run, record
from archdsl.interpret.session import Session
from archdsl.interpret.values import Table
from archdsl.source import Frame, Origin
from archdsl.tape.limits import DEFAULT
from archdsl.tape.paths import Labelled, PathScope
from archdsl.tape.poison import Flow
from archdsl.tape.tape import Place

MOST = 5_000
"""Nodes in the records of one definition."""
_UNKNOWN = object()
_PLAIN = frozenset({int, float, bool, str, type(None)})


class _Records(dict[Any, "Kept | Run | None"]):
    """What is known of one definition's applications: a run, and from the first repetition on its record (``None``
    where it refers to something outside of itself, so that it cannot be repeated). ``nodes`` counts theirs, ``once``
    those of the runs.
    """

    nodes = 0
    once = 0

    def add(self, key: Any, run: Run) -> None:
        """Remember a run, if there is room; for it, those are forgotten that were never repeated."""
        if self.nodes + run.made > MOST and self.once >= MOST // 2:
            for other in [other for other, known in self.items() if type(known) is Run]:
                del self[other]
            self.nodes, self.once = self.nodes - self.once, 0
        if self.nodes + run.made <= MOST:
            self.nodes += run.made
            self.once += run.made
            self[key] = run

    def record(self, key: Any, run: Run) -> Kept | None:
        """Make the record of a run that is to be repeated."""
        self.once -= run.made
        found = self[key] = record(run)
        return found


class Application:
    """One application of a block with the arguments ``given``, at the place of its own scope and frame. The tensors
    that it uses are those of the flow, then those among its arguments, each once.
    """

    __slots__ = ("_before", "_entered", "_holds", "_key", "_place", "_records", "_session")

    def __init__(
        self, definition: Any, session: Session, entered: tuple[Value, ...], place: Place, holds: list[Any], key: Any
    ) -> None:
        self._records: _Records = definition.__dict__.setdefault("_records", _Records())
        self._entered = entered
        self._place = place
        self._session: Session = session
        self._holds = holds
        self._key = key
        self._before: Mark | None = None

    @classmethod
    def of(cls, block: Any, given: Mapping[str, Any], flow: Flow, place: Place) -> Application | None:
        """The application, if it is a function of what can be compared."""
        session: Session = block.env.session
        tape = place.tape
        if block.env.kind != "module" or place.shared or place.frozen or tape.renamed or tape.loops:
            return None
        if not _untouched(place.scope):
            return None
        holds: list[Any] = []
        entered: dict[Value, int] = {}
        try:
            enters = _flow_key(flow, entered)
            arguments = tuple([(name, _key(value, holds, entered)) for name, value in given.items()])
        except TypeError:
            return None
        if tape.inside and not tape.inside.keys().isdisjoint(entered):
            return None
        types = tuple([value.type for value in entered])
        limits = session.bounds.limits
        key = (
            session.train, None if limits is DEFAULT else limits, tuple(session.draft.symbols.items()), arguments,
            enters, types,
        )  # fmt: skip
        return cls(block.definition, session, tuple(entered), place, holds, key)

    def repeat(self) -> Flow | None:
        """The result, made from a record; ``None`` where there is none that fits, and the block is to be run."""
        known = self._records.get(self._key, _UNKNOWN)
        if type(known) is Run:
            known = self._records.record(self._key, known)
        if type(known) is Kept:
            prefix = self._place.scope.path
            paths = [prefix + step[3] for step in known.nodes]
            if _fits(known, self._place, paths):
                bounds, faults = self._session.bounds, self._session.faults
                bounds.count_nested(len(paths), self._place.depth, faults.failed)
                return _repeated(known, self._entered, self._place, paths)
        if known is not None:
            self._before = Mark(self._session)
        return None

    def keep(self, result: Flow) -> None:
        """Remember the run, if it made nothing but nodes."""
        tape, before = self._place.tape, self._before
        if before is None or tape.renamed or tape.named_axes or not before.only_grew(self._session):
            return
        self._records.add(self._key, Run(self._place, self._entered, before, result, tuple(self._holds)))


def _flow_key(flow: Flow, entered: dict[Value, int]) -> Any:
    """Which tensors enter, and in what form; ``TypeError`` for anything else."""
    if type(flow) is Value:
        entered[flow] = 0
        return 0
    if type(flow) is not tuple or not flow or any(type(value) is not Value for value in flow):
        raise TypeError
    return tuple([entered.setdefault(value, len(entered)) for value in flow])


def _key(value: Any, holds: list[Any], entered: dict[Value, int]) -> Any:
    """Something that is equal for equal values; ``TypeError`` for what is more than a value."""
    kind = type(value)
    if kind in _PLAIN:
        return kind, value.hex() if kind is float else value  # 0.0 and -0.0 are equal, and not the same
    if kind is tuple:
        return tuple([_key(item, holds, entered) for item in value])
    if kind is Value:
        return Value, entered.setdefault(value, len(entered))
    if kind is Table:
        return Table, value.header, _key(value.rows, holds, entered)
    identity = getattr(value, "card", None)
    if identity is None and getattr(value, "env", None) is not None and value.env.kind == "module":
        identity = getattr(value, "definition", None)
    if identity is None:
        raise TypeError
    holds.append(identity)
    more = (_key(pair, holds, entered) for given in (value.bound, value.defaults) for pair in given.items())
    return id(identity), *more, 0


def _untouched(scope: PathScope) -> bool:
    """Whether names in a scope depend on what is applied there alone."""
    return bool(scope.path) and scope.path == scope.weights and scope.untouched


def _fits(kept: Kept, place: Place, paths: list[str]) -> bool:
    """Whether a record may be repeated here: no bound is exceeded, and none of its paths and names is taken."""
    tape, bounds, prefix = place.tape, place.tape.bounds, place.scope.path
    return (
        place.depth <= kept.depth
        and bounds.level <= kept.level
        and bounds.steps + kept.steps <= bounds.most
        and tape.made + len(paths) <= bounds.limits.nodes
        and tape.paths.isdisjoint(paths)
        and tape.parameters.keys().isdisjoint([prefix + path for path, _ in kept.parameters])
    )


def _repeated(kept: Kept, entered: tuple[Value, ...], place: Place, paths: list[str]) -> Flow:
    """Make what a record holds, at another place and from other values."""
    tape, prefix = place.tape, place.scope.path
    tape.bounds.steps += kept.steps
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
    tape.parameters.update([(p.path, p) for p in parameters])
    values = list(entered)
    for path, (op, inputs, types, _, slots, span, number) in zip(paths, kept.nodes):
        params = {slot: parameters[i] for slot, i in slots}
        node = Node(op, [values[i] for i in inputs], types, path, params, Origin(span, frames[number]))
        values += node.outputs
        tape.nodes.append(node)
    tape.paths.update(paths)
    tape.taps.update([(prefix + path, values[number]) for path, number in kept.taps])
    _name(kept.names, place.scope, prefix, values)
    return _flow(kept.result, values)


def _flow(number: Any, values: list[Value]) -> Flow:
    return tuple([values[i] for i in number]) if type(number) is tuple else values[number]


def _name(names: Names, scope: PathScope, prefix: str, values: list[Value]) -> None:
    """Give a scope the names it had; labels are made when somebody looks for them, which is seldom."""

    def labels() -> dict[str, Any]:
        return {
            name: {i: labelled(item) for i, item in value.items()} if isinstance(value, dict) else labelled(value)
            for name, value in names.labels
        }

    def labelled(value: tuple[Any, Names]) -> Labelled:
        inner = PathScope(prefix + value[1].path)
        _name(value[1], inner, prefix, values)
        return Labelled(_flow(value[0], values), inner)

    scope.restore(names.state, labels)
