"""The record of one application of a block: its additions to a session, relative to its path."""

from __future__ import annotations

from itertools import islice
from typing import Any

from archdsl.graph import Node, Parameter, Value
from archdsl.interpret.session import Session
from archdsl.ops.base import Op
from archdsl.record import Record
from archdsl.shapes import TensorType
from archdsl.source import Frame, Span
from archdsl.tape.paths import Labelled, PathScope
from archdsl.tape.poison import Flow
from archdsl.tape.tape import Place


class Mark:
    """How much there was in a session before a run."""

    __slots__ = ("level", "nodes", "others", "parameters", "steps", "taps")

    def __init__(self, session: Session) -> None:
        tape = session.tape
        self.nodes = len(tape.nodes)
        self.parameters = len(tape.parameters)
        self.taps = len(tape.taps)
        self.steps = session.bounds.steps
        self.level = session.bounds.level
        self.others = _others(session)

    def only_grew(self, session: Session) -> bool:
        """Whether nothing was added since but nodes with their parameters, paths and labels."""
        return self.others == _others(session)


def _others(session: Session) -> tuple[object, ...]:
    """Measures of what no recorded run may change."""
    faults = session.faults
    return (
        session.tape.held,
        session.draft.size(),
        session.has_defaults,
        faults.reports,
        faults.unknowns,
        session.bounds.explained,
    )


_Step = tuple[Op, tuple[int, ...], tuple[TensorType, ...], str, tuple[tuple[str, int], ...], Span | None, int]
"""One node: operator, numbers of its inputs, result types, path, numbers of its parameters by slot, span, frame."""


_Frame = tuple[str, str, dict[str, str], Span | None, int]
"""A frame inside: name, arguments and settings as text (they might hold a whole network), span, its parent's number."""


class Names(Record):
    """A naming scope after the run; ``labels`` has a result and its scope, by name or by name and index."""

    path: str
    state: tuple[Any, ...]
    labels: tuple[tuple[str, Any], ...]


class Kept(Record):
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
    names: Names
    holds: tuple[Any, ...]
    """What the key knows by identity, so that it lives as long as the record."""


class _Foreign(Exception):
    """The run refers to something outside of it."""


class Run:
    """One application as it was run: which parts of the tape it made."""

    __slots__ = ("before", "end", "entered", "holds", "place", "result")

    def __init__(
        self, place: Place, entered: tuple[Value, ...], before: Mark, result: Flow, holds: tuple[Any, ...]
    ) -> None:
        tape = place.tape
        self.place = place
        self.entered = entered
        self.before = before
        self.end = len(tape.nodes), len(tape.parameters), len(tape.taps), tape.bounds.steps
        self.result = result
        self.holds = holds

    @property
    def made(self) -> int:
        """How many nodes it made."""
        return self.end[0] - self.before.nodes


def record(run: Run) -> Kept | None:
    """The record of a run; ``None`` where it refers to something outside of it."""
    try:
        return _Recorder(run).kept()
    except (KeyError, _Foreign):
        return None


class _Recorder:
    """Turns a run into a record."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.place = run.place
        self.prefix = run.place.scope.path
        self.numbers: dict[Value, int] = {value: i for i, value in enumerate(run.entered)}
        self.parameters: dict[int, int] = {}
        self.owned: list[tuple[str, Parameter]] = []
        self.frames: list[_Frame] = []
        self.known: dict[int, int] = {id(run.place.frame): 0}

    def kept(self) -> Kept:
        """The record."""
        run, before, place, tape = self.run, self.run.before, self.place, self.place.tape
        nodes, parameters, taps, work = run.end
        assert place.frame is not None
        steps = tuple(self._steps(tape.nodes[before.nodes : nodes]))
        if parameters - before.parameters != len(self.owned):
            raise _Foreign
        labelled = islice(tape.taps.items(), before.taps, taps)
        return Kept(
            place.depth, before.level, work - before.steps, steps, tuple(self.owned), tuple(self.frames),
            place.frame.settings, tuple([(self._path(path), self.numbers[value]) for path, value in labelled]),
            self._result(run.result), self._names(place.scope), run.holds,
        )  # fmt: skip

    def _path(self, path: str) -> str:
        if not path.startswith(self.prefix):
            raise _Foreign
        return path[len(self.prefix) :]

    def _result(self, result: Any) -> Any:
        if type(result) is tuple:
            return tuple([self.numbers[value] for value in result])
        return self.numbers[result]

    def _steps(self, nodes: list[Node]) -> list[_Step]:
        numbers, parameters, known = self.numbers, self.parameters, self.known
        found: list[_Step] = []
        for node in nodes:
            inputs = tuple([numbers[value] for value in node.inputs])
            for value in node.outputs:
                numbers[value] = len(numbers)
            slots = []
            for slot, parameter in node.params.items():
                number = parameters.setdefault(id(parameter), len(self.owned))
                if number == len(self.owned):
                    self.owned.append((self._path(parameter.path), parameter))
                slots.append((slot, number))
            types = tuple([value.type for value in node.outputs])
            frame = known.get(id(node.origin.frame)) or self._frame(node.origin.frame)
            found.append((node.op, inputs, types, self._path(node.path), tuple(slots), node.origin.span, frame))
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

    def _names(self, scope: PathScope) -> Names:
        labels: list[tuple[str, Any]] = []
        for name, value in scope.labels.items():
            if isinstance(value, Labelled):
                labels.append((name, self._labelled(value)))
            else:
                labels.append((name, {index: self._labelled(item) for index, item in value.items()}))
        return Names(self._path(scope.path), scope.state(), tuple(labels))

    def _labelled(self, value: Labelled) -> tuple[Any, Names]:
        return self._result(value.result), self._names(value.scope)
