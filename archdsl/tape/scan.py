"""The body of a ``scan`` in the making: from ``Loop(…)`` to :meth:`Loop.close`, the nodes of a tape are its body's.

They are made like all others, and use values from outside as if these were in the body. When the loop is closed they
are taken from the tape, every value from outside becomes an input of the body, and one node is left, which holds it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from archdsl.diagnostics import Refusal
from archdsl.graph import Graph, Node, Value
from archdsl.ops.operand_checks import need_equal
from archdsl.ops.scan import Scan, sliced
from archdsl.record import Record
from archdsl.shapes import TensorType
from archdsl.source import Origin, Span
from archdsl.tape.bound_axes import without_axis
from archdsl.tape.paths import join
from archdsl.tape.tape import Place, Tape, apply


class State(Record):
    """A state: its value before the first run, outside, and what stands for it in the body."""

    name: str
    start: Value
    value: Value


class Loop:
    """A body in the making. Refuses tensors that cannot be cut along the axes together (E0303, E0308)."""

    def __init__(self, tape: Tape, path: str, cut: Sequence[Value], axes: Sequence[int]) -> None:
        types = [sliced(value.type, axis) for value, axis in zip(cut, axes)]
        for value, axis in zip(cut[1:], axes[1:]):
            ends = cut[0].type.shape[axes[0]], value.type.shape[axis]
            need_equal("the lengths of what `scan` cuts", *ends, (cut[0].type, value.type))
        self.tape = tape
        self.path = tape.fresh(path)
        self.cut, self.axes = tuple(cut), tuple(axes)
        self.states: dict[str, State] = {}
        self.after: dict[str, Value] = {}
        """The states for the next run, as far as they are set."""
        names = ["in"] if len(types) == 1 else [f"in.{i}" for i in range(len(types))]
        self.slices = tuple([self._stand_in(name, type) for name, type in zip(names, types)])
        for outer, inner, axis in zip(cut, self.slices, axes):
            tape.bound_axes |= without_axis(outer, inner, axis, tape.bound_axes)
        self._mark = len(tape.nodes)
        tape.loops += 1

    def _stand_in(self, name: str, type: TensorType) -> Value:
        return Value(self.tape.fresh(join(self.path, name)), type)

    @contextmanager
    def outside(self) -> Iterator[None]:
        """What is made meanwhile is made once, in front of the loop. Refuses (E0221) what depends on a run."""
        nodes = self.tape.nodes
        before = len(nodes)
        yield
        made = nodes[before:]
        inside = self._inside(nodes[self._mark : before])
        for node in made:
            for value in node.inputs:
                self._not_of_a_run(value, inside)
        del nodes[before:]
        nodes[self._mark : self._mark] = made
        self._mark += len(made)

    def _inside(self, nodes: Sequence[Node]) -> set[Value]:
        """The values of the body, of which these are the nodes."""
        found = {value for node in nodes for value in node.outputs}
        return found.union(self.slices, [state.value for state in self.states.values()])

    def _not_of_a_run(self, value: Value, inside: set[Value]) -> None:
        if value in inside:
            raise Refusal(
                "E0221", "a state begins before the first run, and cannot be computed from what a run sees",
                help="the shape of `in` may be used: `state h = zeros([in.shape[0], 64])`; or begin with a tensor from"
                " outside of the `scan`",
            )  # fmt: skip

    def state(self, name: str, start: Value) -> Value:
        """A state that begins as ``start``; what stands for it in the body."""
        self.tape.check_outside([start])
        self._not_of_a_run(start, self._inside(self.tape.nodes[self._mark :]))
        value = self._stand_in(name, start.type)
        self.states[name] = State(name, start, value)
        self.tape.bound_axes |= without_axis(start, value, None, self.tape.bound_axes)
        return value

    def next(self, name: str, value: Value) -> None:
        """Set a state for the next run. Refuses a second time (E0220), and another type (E0303)."""
        if name in self.after:
            raise Refusal(
                "E0220", f"the state `{name}` is set twice", help="give it its next value once, where that is complete"
            )
        wanted = self.states[name].value.type
        if value.type != wanted:
            raise Refusal(
                "E0303", f"the state `{name}` is {wanted}, but its next value {value.type}",
                help="give the start the type of what follows, or bring that back to it: all runs hand on one type",
            )  # fmt: skip
        self.after[name] = value

    @property
    def begun(self) -> bool:
        """Whether the body has computed something."""
        return len(self.tape.nodes) > self._mark

    def never_set(self, name: str) -> Refusal:
        """The refusal (E0220) of a state that no run hands on."""
        return Refusal(
            "E0220", f"the state `{name}` is never set",
            help=f"set it for the next run, `next {name} = …`, or name what does not change with `let` in front of the"
            " `scan`",
        )  # fmt: skip

    def close(
        self, results: Sequence[Value], place: Place, span: Span | None, *, reverse: bool = False
    ) -> tuple[tuple[Value, ...], tuple[Value, ...]]:
        """The stacked results, and the states after the last run. Refuses (E0220) a state that is never set."""
        for name in self.states:
            if name not in self.after:
                raise self.never_set(name)
        after = [self.after[name] for name in self.states]
        self.tape.check_outside([*after, *results])
        tape, nodes = self.tape, self._taken()
        own = self._inside(nodes)
        tape.inside |= dict.fromkeys(own, self.path)
        captured: dict[Value, Value] = {}

        def within(value: Value) -> Value:
            if value in own:
                return value
            if value not in captured:
                captured[value] = self._stand_in(value.name, value.type)
            return captured[value]

        for node in nodes:
            node.inputs = tuple([within(value) for value in node.inputs])
        names = [f"{name}.next" for name in self.states]
        names += ["result"] if len(results) == 1 else [f"result.{i}" for i in range(len(results))]
        outputs = dict(zip(names, map(within, [*after, *results])))
        states = [state.value for state in self.states.values()]
        inputs = [*states, *self.slices, *captured.values()]
        own.update(inputs)
        taps = {path: value for path, value in tape.taps.items() if value in own}
        for path in taps:
            del tape.taps[path]
        body = Graph(self.path, inputs, nodes, outputs, taps=taps)
        op = Scan.create(
            axes=self.axes, gives=tuple([value.type for value in outputs.values()]), states=len(states), reverse=reverse
        )
        entering = [*[state.start for state in self.states.values()], *self.cut, *captured]
        types = apply(op, *[value.type for value in entering], empty=tape.empty).types
        node = Node(op, entering, types, self.path, body.parameters(), Origin(span, place.frame), body)
        tape.nodes.append(node)
        return node.outputs[len(states) :], node.outputs[: len(states)]

    def drop(self) -> None:
        """Leave the loop without a node: something in it was refused."""
        self._taken()

    def _taken(self) -> list[Node]:
        tape = self.tape
        tape.loops -= 1
        nodes = tape.nodes[self._mark :]
        del tape.nodes[self._mark :]
        tape.held += len(nodes)
        return nodes
