"""The builder of graphs in Python, with the same tape, shape rules and paths as the text form.

>>> from archdsl import Builder
>>> net = Builder("tiny")
>>> x = net.input("image", "f32", ["N", 3, 32, 32])
>>> with net.scope("stem"):
...     x = net.apply("relu", net.apply("conv", x, channels=16, kernel=3))
>>> graph = net.graph(logits=net.apply("linear", net.apply("flatten", x), features=10))
>>> [node.path for node in graph.nodes]
['stem.conv', 'stem.relu', 'flatten', 'linear']
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from archdsl import dims, ops
from archdsl.arguments import checked
from archdsl.diagnostics import Refusal, did_you_mean
from archdsl.dim_solve import unbound
from archdsl.dims import Dim
from archdsl.graph import Graph, Value
from archdsl.interface import Preprocess, checked_labels, fitting_labels, interface_name, preprocess_of
from archdsl.shapes import TensorType
from archdsl.tape.bound_axes import axis_index
from archdsl.tape.declared import Declared
from archdsl.tape.empty import anything_empty
from archdsl.tape.model_states import after, check_next, set_twice
from archdsl.tape.operands import apart
from archdsl.tape.paths import PathScope, join
from archdsl.tape.poison import Poison
from archdsl.tape.scan import Loop
from archdsl.tape.sized import at_sizes
from archdsl.tape.tape import Place, Tape

Scalar = bool | int | float | str | None
Argument = Scalar | Sequence[Scalar] | Sequence[Sequence[Scalar]]
"""An argument of an operator or of ``preprocess``, as Python has it."""
Tensors = Value | Sequence[Value]
"""An argument of an operator that is a tensor, or several."""


Run = Callable[..., tuple[Sequence[Value], Sequence[Value]]]
"""The body of a ``scan``: from states and slices, the states for the next run and the results."""


class Builder:
    """Builds one graph, operator by operator; every fault raises :class:`archdsl.DiagnosticError` at once."""

    @checked
    def __init__(self, name: str) -> None:
        self.name = name
        self._tape = Tape()
        self._place = Place(self._tape, PathScope())
        self._inputs: list[Value] = []
        self._states: dict[Value, Value | None] = {}
        """What each state of the model is in the next call."""
        self._declared = Declared()
        self._preprocess: dict[str, Preprocess] = {}
        self._labels: dict[str, tuple[str, ...]] = {}

    @checked
    def input(self, name: str, dtype: str, shape: Sequence[int | str], **preprocess: Argument) -> Value:
        """An input tensor; strings in ``shape`` are dimensions as in a text: ``"H"``, ``"16 * H"``, ``"H = 224"``,
        ``"T = 128 <= 512"``. ``preprocess`` are arguments of the block of that name.
        """
        interface_name(name, "an input")
        value = Value(name, TensorType(dtype, tuple([self._dimension(size) for size in shape])))
        self._inputs.append(value)
        self._tape.paths.add(name)
        if preprocess:
            self._preprocess[name] = preprocess_of(preprocess).settled(value.type)
        return value

    @checked
    def state(self, name: str, dtype: str, shape: Sequence[int | str]) -> Value:
        """What one call of the model hands to the next, called by its path; ``shape`` as that of an input. It begins
        with zeros, and with nothing where a size begins at 0, ``"P = 0 >= 0"``; :meth:`next` sets it.
        """
        if self._tape.loops:
            help = "a state of the runs is given to `scan`: `states=[first]`"
            raise Refusal("E0217", "a state of the model cannot stand in the body of a `scan`", help=help)
        path = self._tape.fresh(join(self._place.scope.path, name))
        value = Value(path, TensorType(dtype, tuple([self._dimension(size) for size in shape])))
        self._inputs.append(value)
        self._states[value] = None
        return value

    @checked
    def next(self, state: Value, value: Value) -> None:
        """Say what a state of the model is in the next call: once (E0220), of its type (E0303), but an axis that may
        be 0 may grow.
        """
        if state not in self._states:
            raise Refusal("E0217", f"`{state.name}` is no state of the model", help="`state` makes one")
        if self._tape.loops:
            help = "let the `scan` have a state of its own, and set this one behind it"
            message = f"`{state.name}` is a state of the model, which runs once for all of this"
            raise Refusal("E0217", message, help=help)
        if self._states[state] is not None:
            raise set_twice(state.name)
        check_next(state.name, state.type, value.type)
        self._states[state] = value

    def _handed_on(self) -> dict[str, Value]:
        """The outputs that states leave as."""
        found = {}
        for state, value in self._states.items():
            if value is None:
                raise Refusal("E0220", f"the state `{state.name}` is never set", help="`net.next(state, value)`")
            found[after(state.name)] = value
        return found

    def _dimension(self, size: int | str) -> Dim:
        if not isinstance(size, str):
            if type(size) is not int or size < 1:
                raise Refusal("E0205", f"a dimension must be a positive integer, not {size!r}")
            return size
        dim = self._declared.dimension(size)
        self._tape.empty |= anything_empty([dim])
        return dim

    @checked
    def apply(self, op: str, *inputs: Value, label: str | None = None, **arguments: Argument | Tensors) -> Value:
        """Apply an operator that has one output."""
        found = self.apply_all(op, *inputs, label=label, **arguments)
        if len(found) != 1:
            raise Refusal("E0204", f"`{op}` has {len(found)} outputs, not one", help="use `apply_all`")
        return found[0]

    @checked
    def apply_all(
        self, op: str, *inputs: Value, label: str | None = None, **arguments: Argument | Tensors
    ) -> tuple[Value, ...]:
        """Apply an operator; all of its outputs."""
        place = self._place
        if not ops.is_operator(op) and op not in ops.offered():
            raise Refusal("E0201", f"there is no operator `{op}`", help=did_you_mean(op, ops.names()))
        plain, named = apart(ops.load(op), arguments)
        card = ops.load(op).create(**plain)
        if label is not None:
            place = place.at(place.scope.child(place.scope.label(label)), "direct")
        found = self._tape.node(card, (*inputs, *named), place, op, None)
        values = found if isinstance(found, tuple) else (found,)
        return tuple(value for value in values if not isinstance(value, Poison))  # there is none: faults raise

    def scan(
        self, body: Run, *cut: Value, axis: int | str = "t", states: Sequence[Value] = (), reverse: bool = False,
        label: str | None = None,
    ) -> tuple[tuple[Value, ...], tuple[Value, ...]]:  # fmt: skip
        """Run ``body`` once for each position of an axis: the stacked results, and the states after the last run.

        ``body(*states, *slices)`` gives the states for the next run and the results of this one, as two sequences; it
        gets a slice of each tensor in ``cut``, without the axis. ``states`` are their starts.
        """
        if not cut:
            raise Refusal("E0310", "`scan` needs a tensor to cut")
        kept, tape = self._place, self._tape
        scope = kept.scope.child(kept.scope.allocate("scan") if label is None else kept.scope.label(label))
        self._place = kept.at(scope)
        loop = Loop(tape, scope.path, cut, [axis_index(axis, value, tape.bound_axes) for value in cut])
        try:
            held = [loop.state(f"state.{i}", start) for i, start in enumerate(states)]
            after, results = body(*held, *loop.slices)
            if len(after) != len(held):
                raise Refusal("E0310", f"the body of `scan` has {len(held)} states and gives {len(after)}")
            for name, value in zip(loop.states, after):
                loop.next(name, value)
        except BaseException:
            loop.drop()
            raise
        finally:
            self._place = kept
        return loop.close(results, kept, None, reverse=reverse)

    @contextmanager
    def scope(self, label: str, *, numbered: bool = False) -> Iterator[None]:
        """Paths inside begin with ``label``; ``numbered`` counts them 0, 1, 2, … as ``seq`` does."""
        kept = self._place
        self._place = kept.at(kept.scope.child(kept.scope.label(label), numbered=numbered))
        try:
            yield
        finally:
            self._place = kept

    @checked
    def labels(self, output: str, value: Value, names: Sequence[str]) -> None:
        """What the classes of an output are called."""
        fitting_labels(checked_labels(names, "`labels`"), value.type.shape, f"`{output}`")
        self._labels[output] = tuple(names)

    def graph(self, /, **outputs: Value) -> Graph:
        """The graph with the named outputs. The sizes that its inputs declare are held against all rules."""
        if not outputs:
            raise Refusal("E0203", "a graph needs an output", help="give it a name: `builder.graph(y = value)`")
        tape = self._tape
        for name in outputs:
            interface_name(name, "an output")
        outputs |= self._handed_on()
        tape.check_outside(outputs.values())
        sizes = [dim for value in self._inputs for dim in value.type.shape]
        for name in unbound(sizes):
            raise Refusal("E0307", f"the sizes of the inputs do not say what `{name}` is")
        batch = {"N": 1} if any("N" in dims.symbols(dim) for dim in sizes) else {}
        graph = Graph(
            self.name, self._inputs, tape.nodes, outputs, taps=tape.taps, defaults=batch | self._declared.sizes,
            preprocess=self._preprocess, labels=self._labels,
            states={state.name: after(state.name) for state in self._states},
        )  # fmt: skip
        if graph.defaults:
            at_sizes(graph, graph.defaults)
        return graph
