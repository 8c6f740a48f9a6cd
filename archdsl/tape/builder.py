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

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from archdsl import dims, ops
from archdsl.diagnostics import Refusal, did_you_mean
from archdsl.graph import Graph, Value
from archdsl.interface import Preprocess, checked_labels, fitting_labels, preprocess_of
from archdsl.shapes import TensorType
from archdsl.tape.paths import PathScope
from archdsl.tape.poison import Poison
from archdsl.tape.tape import Place, Tape

Scalar = bool | int | float | str | None
Argument = Scalar | Sequence[Scalar] | Sequence[Sequence[Scalar]]
"""An argument of an operator or of ``preprocess``, as Python has it."""


class Builder:
    """Builds one graph, operator by operator; every fault raises :class:`archdsl.DiagnosticError` at once."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._tape = Tape()
        self._place = Place(self._tape, PathScope())
        self._inputs: list[Value] = []
        self._defaults: dict[str, int] = {}
        self._preprocess: dict[str, Preprocess] = {}
        self._labels: dict[str, tuple[str, ...]] = {}

    def input(self, name: str, dtype: str, shape: Sequence[int | str], **preprocess: Argument) -> Value:
        """An input tensor; strings in ``shape`` are symbols. ``preprocess`` are arguments of the block of that name."""
        sizes = tuple(dims.symbol(size) if isinstance(size, str) else size for size in shape)
        value = Value(name, TensorType(dtype, sizes))
        self._inputs.append(value)
        self._tape.paths.add(name)
        if preprocess:
            self._preprocess[name] = preprocess_of(preprocess).settled(value.type)
        if "N" in shape:
            self._defaults.setdefault("N", 1)
        return value

    def apply(self, op: str, *inputs: Value, label: str | None = None, **arguments: Argument) -> Value:
        """Apply an operator that has one output."""
        found = self.apply_all(op, *inputs, label=label, **arguments)
        if len(found) != 1:
            raise Refusal("E0204", f"`{op}` has {len(found)} outputs, not one", help="use `apply_all`")
        return found[0]

    def apply_all(self, op: str, *inputs: Value, label: str | None = None, **arguments: Argument) -> tuple[Value, ...]:
        """Apply an operator; all of its outputs."""
        place = self._place
        if not ops.is_operator(op) and op not in ops.offered():
            raise Refusal("E0201", f"there is no operator `{op}`", help=did_you_mean(op, ops.names()))
        card = ops.load(op).create(**arguments)
        if label is not None:
            place = place.at(place.scope.child(place.scope.label(label)), "direct")
        found = self._tape.node(card, inputs, place, op, None)
        values = found if isinstance(found, tuple) else (found,)
        return tuple(value for value in values if not isinstance(value, Poison))  # there is none: faults raise

    @contextmanager
    def scope(self, label: str, *, numbered: bool = False) -> Iterator[None]:
        """Paths inside begin with ``label``; ``numbered`` counts them 0, 1, 2, … as ``seq`` does."""
        kept = self._place
        self._place = kept.at(kept.scope.child(kept.scope.label(label), numbered=numbered))
        try:
            yield
        finally:
            self._place = kept

    def labels(self, output: str, value: Value, names: Sequence[str]) -> None:
        """What the classes of an output are called."""
        fitting_labels(checked_labels(names, "`labels`"), value.type.shape, f"`{output}`")
        self._labels[output] = tuple(names)

    def graph(self, /, **outputs: Value) -> Graph:
        """The graph with the named outputs."""
        tape = self._tape
        return Graph(
            self.name, self._inputs, tape.nodes, outputs, taps=tape.taps, defaults=self._defaults,
            preprocess=self._preprocess, labels=self._labels,
        )  # fmt: skip
