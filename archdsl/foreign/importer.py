"""Foreign models become graphs here: nodes of our operators, made by our tape, with weights that stay in the file.

Both readers (:mod:`archdsl.foreign.onnx`, :mod:`archdsl.foreign.pt2`) make everything by :class:`Importer`, so that
types, paths, parameters and limits are those of a spec, and every command works on the result.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from marshal import dumps
from typing import Any, TypeVar

from archdsl import ops
from archdsl.diagnostics import Refusal
from archdsl.dims import Dim, Expr, Symbol, limits, symbol
from archdsl.element_types import FLOATS
from archdsl.foreign.known import Known, shortest
from archdsl.foreign.listing import Line, Listing
from archdsl.foreign.names import parameter_path, symbol_name
from archdsl.foreign.spare import needed
from archdsl.graph import Graph, Parameter, Value
from archdsl.ops.base import Op
from archdsl.shapes import TensorType
from archdsl.source import Span, shortened
from archdsl.tape.limits import BoundExceeded
from archdsl.tape.paths import PathScope
from archdsl.tape.poison import Poison
from archdsl.tape.tape import Place, Tape
from archdsl.weights.tensor import Loaded

WRITTEN = 64
"""Elements of a number or list that becomes a ``constant``; larger ones are tensors of the model's file."""
MOST_WRITTEN = 1_000_000
"""Elements of a table of integers, which can only be a ``constant``."""
LONG = 512
"""Bytes of arguments that are not kept for other nodes: tables."""
MISFITS = (ArithmeticError, AssertionError, AttributeError, LookupError, MemoryError, TypeError, ValueError)
"""What the rule of an operator runs into where a node is not as its format says: a list for a number, an axis too many.
Rules take nodes to be right, so that they need no check for each way to be wrong.
"""


T = TypeVar("T")


def misfit(operator: str, error: Exception, judge: str) -> Refusal:
    """The refusal (E1001) of a node that its rule cannot read; ``judge`` is what tells whether the file is to blame."""
    said = shortened(f"{type(error).__name__}: {error}".partition("\n")[0], 120)
    return Refusal(
        "E1001", f"`{operator}` is not given what it takes ({said})",
        help=f"if {judge} accepts the file, this is a fault of archdsl: please report it with this text",
    )  # fmt: skip


class BoundedError(Exception):
    """A size must have a bound, which the inputs do not state: the model is to be read again with it."""

    def __init__(self, name: str, most: int) -> None:
        super().__init__(name)
        self.name = name
        self.most = most


class _At:
    """Keeps the line that is read, while it is."""

    __slots__ = ("_importer", "_line", "_notes", "_of", "_outer")

    def __init__(self, importer: Importer, line: int, notes: Callable[[Any], Sequence[str]], of: Any) -> None:
        self._importer = importer
        self._line = line
        self._notes = notes
        self._of = of
        self._outer: int | None = None

    def __enter__(self) -> None:
        self._outer, self._importer.line = self._importer.line, self._line

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        importer = self._importer
        if error is None:
            importer.line = self._outer
            return
        if isinstance(error, Refusal):
            importer.located(error, self._notes(self._of))
        span, importer.line = importer.span, self._outer
        if isinstance(error, BoundExceeded):
            raise error.refusal.located(span) from None


class Importer:
    """One graph in the making.

    ``file`` is the name that messages show. Each node of the foreign model has a line in a listing, to which messages
    point: :meth:`at` says which node is being read.
    """

    def __init__(self, file: str, bind: Mapping[str, int] | None = None, most: Mapping[str, int] | None = None) -> None:
        self.source = Listing(file)
        self.bind = dict(bind or {})
        self.most = dict(most or {})
        """What sizes are at most, by symbol."""
        self.bound: set[str] = set()
        """The names in ``bind`` that meant something."""
        self.tape = Tape()
        self.inputs: list[Value] = []
        self.symbols: dict[str, Dim] = {}
        """Names of sizes in the file -> what stands for them here."""
        self._symbols: set[str] = set()
        self.defaults: dict[str, int] = {}
        self.spare: list[Value] = []
        """Results that files name and seldom use: where nothing does, no node is left of them."""
        self.line: int | None = None
        """The line of the listing that is being read."""
        self._span: Line | None = None
        self._place = Place(self.tape, PathScope(), naming="direct")
        self._cards: dict[tuple[str, bytes], Op] = {}
        self._parameters: dict[tuple[int, bool], Parameter] = {}
        self._names: set[str] = set()
        self._held: list[Known] = []
        """What parameters are known by: kept, so that identities stay unique."""
        self._values: dict[int, Value] = {}
        self._counts: dict[tuple[int, str], int] = {}

    # places

    def at(self, told: Callable[[T], str], of: T, notes: Callable[[T], Sequence[str]] = lambda of: ()) -> _At:
        """Nodes made meanwhile are those of the line ``told(of)`` of the listing; refusals are located there."""
        return _At(self, self.source.add(told, of), notes, of)

    def located(self, refusal: Refusal, notes: Sequence[str]) -> None:
        """Give a refusal the place that is being read, if it has none."""
        if refusal.span is None:
            refusal.notes = (*refusal.notes, *notes)
            refusal.span = self.span
        if refusal.code == "E0307":
            names = [name for name in self.names() if f"`{name}`" in refusal.message + refusal.help]
            refusal.help = self.to_bind(names) or refusal.help

    # interface

    def size(self, name: str, axis: int, of: str) -> Dim:
        """The size that the file calls ``name`` ("" for one without a name); as it is bound, if it is."""
        name = name if any(map(str.isalnum, name)) else ""
        key = name or f"{of}[{axis}]"
        if key not in self.symbols:
            called = self._free(symbol_name(name or f"{of}_{axis}"), self._symbols)
            self._symbols.add(called)
            self.symbols[key] = symbol(Symbol.of(called, 1, self.most.get(called)))
            given = next((one for one in (called, name) if one in self.bind), None)
            if given is not None:
                if self.bind[given] < 1:
                    raise Refusal("E0007", f"`{given}` cannot be {self.bind[given]}: a dimension is a positive integer")
                self.symbols[key] = self.bind[given]
                self.bound.add(given)
            elif axis == 0:
                self.defaults[called] = 1
        return self.symbols[key]

    def input(self, name: str, type: TensorType) -> Value:
        """An input of the model, under the name that it has there."""
        value = Value(name, type)
        self.inputs.append(value)
        if name in self.tape.paths:
            raise Refusal("E1001", f"two inputs are called `{name}`")
        self.tape.paths.add(name)
        return value

    # nodes

    def apply(
        self,
        op: str | Op,
        inputs: Sequence[Value],
        path: str,
        weights: Mapping[str, Known] | None = None,
        **arguments: Any,
    ) -> tuple[Value, ...]:
        """Apply an operator at a path; its results. ``weights`` are the values of its parameters by slot."""
        card = self.card(op, arguments) if isinstance(op, str) else op
        scope = self._place.scope
        scope.path = scope.weights = self.fresh(path)
        found = self.tape.node(card, inputs, self._place, card.name, self.span)
        assert not isinstance(found, Poison)
        node = self.tape.nodes[-1]
        if weights:
            for slot, known in weights.items():
                node.params[slot] = self.parameter(known, node.params[slot])
        self.tape.parameters.clear()  # paths of parameters are settled here: names of the file may be any
        return node.outputs

    def card(self, name: str, arguments: dict[str, Any]) -> Op:
        """The operator with its arguments; one object for all nodes of one operator and equal arguments."""
        try:
            key = name, dumps(arguments, 2) if arguments else b""  # tells 1 from 1.0 and from true, which compare equal
        except ValueError:  # symbols
            return ops.load(name).create(**arguments)
        found = self._cards.get(key)
        if found is None:
            found = ops.load(name).create(**arguments)
            if len(key[1]) < LONG:
                self._cards[key] = found
        return found

    def fresh(self, path: str) -> str:
        """The path, with a number where another node has it."""
        return self._free(path, self.tape.paths)

    def _free(self, name: str, taken: Collection[str]) -> str:
        """The name, with a number where it is taken. Numbers go on from the last one: many may want one name."""
        free, counted = name, (id(taken), name)
        while free in taken:
            self._counts[counted] = self._counts.get(counted, 1) + 1
            free = f"{name}_{self._counts[counted]}"
        return free

    def parameter(self, known: Known, made: Parameter) -> Parameter:
        """The parameter ``made`` with values from the file; one object wherever the same tensor is used."""
        key = (id(known), made.buffer)
        found = self._parameters.get(key)
        if found is None:
            if known.shape != made.type.shape:
                raise Refusal("E0303", f"`{known.name or made.path}` is {list(known.shape)}, but {made.type} is needed")
            path = self._free(self.called(known, made), self._names)
            self._names.add(path)
            self._held.append(known)
            init = Loaded("loaded", tensor=known.tensor())
            buffer = made.buffer or not known.weight
            found = Parameter(path, made.type, init, buffer, not buffer)
            self._parameters[key] = found
        return found

    def called(self, known: Known, made: Parameter) -> str:
        """The path of a parameter: its name in the file, where that is one."""
        return parameter_path(known.name, made.path)

    def value(self, known: Known, path: str) -> Value:
        """A known tensor as a value: learned if it is a weight, otherwise fixed."""
        made = self._values.get(id(known))
        if made is None or made in self.tape.inside:
            made = self._values[id(known)] = self._made(known, path)
            self._held.append(known)
        return made

    def _made(self, known: Known, path: str) -> Value:
        count = known.elements
        if known.is_parameter:
            return self._param(known, path, learned=True)
        if known.fill is not None and count != 1:
            return self._filled(known, path)
        if known.symbolic:
            return self._sizes(known, path)
        assert isinstance(count, int)
        if not count:
            return self.apply("zeros", (), path, size=known.shape, dtype=known.dtype)[0]
        if known.dtype in FLOATS and count > WRITTEN:
            return self._param(known, path, learned=False)
        if count > MOST_WRITTEN:
            raise Refusal("E1003", f"a table of {count:,} integers; at most {MOST_WRITTEN:,} are supported")
        return self.apply("constant", (), path, values=known.written(), dtype=known.dtype)[0]

    def _param(self, known: Known, path: str, *, learned: bool) -> Value:
        (value,) = self.apply("param", (), path, size=known.shape, dtype=known.dtype)
        node = value.producer
        assert node is not None
        made = node.params["value"]
        node.params["value"] = self.parameter(known, made if learned else made.replace(buffer=True))
        return value

    def _filled(self, known: Known, path: str) -> Value:
        if known.fill in (0, 1):
            return self.apply("ones" if known.fill else "zeros", (), path, size=known.shape, dtype=known.dtype)[0]
        (one,) = self.apply("constant", (), path, values=shortest(known.fill, known.dtype), dtype=known.dtype)
        if not known.shape:
            return one
        return self.apply("broadcast_to", [one], f"{path}.filled", to=known.shape)[0]

    def _sizes(self, known: Known, path: str) -> Value:
        """Numbers that are sizes, as a tensor: each is the sum of as many ones."""
        array = known.array()
        if array.ndim > 1 or array.size > WRITTEN:
            raise Refusal(
                "E1002", "a table of sizes depends on " + self.named_symbols(array.ravel().tolist()),
                help=self.help_to_bind(array.ravel().tolist()),
            )  # fmt: skip
        parts = []
        for size in array.ravel().tolist():
            if isinstance(size, int | float):
                parts.append(self.apply("constant", (), path, values=size, dtype=known.dtype)[0])
                continue
            if not isinstance(size, Expr):
                raise Refusal(
                    "E1002", f"a number depends on {self.named_symbols([size])}", help=self.help_to_bind([size])
                )
            (ones,) = self.apply("ones", (), f"{path}.ones", size=[size], dtype="i64")
            (total,) = self.apply("reduce_sum", [ones], f"{path}.size", axis=0)
            parts.append(self.apply("cast", [total], f"{path}.cast", dtype=known.dtype)[0])
        return parts[0] if not array.ndim else self.apply("stack", parts, f"{path}.stack", axis=0)[0]

    def named_symbols(self, items: Sequence[Any]) -> str:
        """The symbols that some sizes depend on, for a message."""
        return ", ".join(f"`{name}`" for name in self.symbols_of(items)) or "an input"

    def symbols_of(self, items: Sequence[Any]) -> list[str]:
        """The names of the symbols that some sizes depend on."""
        found = {str(one) for item in items for one in limits(getattr(item, "above", item))}
        return sorted(found)

    def help_to_bind(self, items: Sequence[Any]) -> str:
        """Which sizes to bind so that some sizes become numbers."""
        return self.to_bind(self.symbols_of(items))

    def to_bind(self, names: Sequence[str]) -> str:
        """The help that asks for sizes."""
        if not names:
            return ""
        told = " ".join(f"--bind {name}={self.defaults.get(name, 64)}" for name in names)
        return f"give {'them sizes' if len(names) > 1 else 'it a size'}: `{told}`"

    def names(self) -> list[str]:
        """The symbols of the inputs."""
        return sorted({str(one) for dim in self.symbols.values() for one in limits(dim)})

    @property
    def span(self) -> Span | None:
        """The line of the node that is being read."""
        if self.line is None:
            return None
        if self._span is None or self._span.line != self.line + 1:
            self._span = Line(self.source, self.line)
        return self._span

    def graph(self, name: str, outputs: Mapping[str, Value], **more: Any) -> Graph:
        """The graph with the named outputs. What reaches none of them runs all the same, and stays."""
        unknown = sorted(self.bind.keys() - self.bound)
        if unknown:
            known = ", ".join(self.names())
            fixed = ", ".join(f"`{value.name}` is {value.type}" for value in self.inputs[:3])
            help = f"the symbols are {known}" if known else f"all sizes are fixed: {fixed}"
            help += "; inputs of one number are bound by their names"
            raise Refusal("E0007", f"no input has the symbol `{unknown[0]}`", help=help)
        if not outputs:
            raise Refusal("E1001", f"{self.source.name} has no output")
        used = {str(one) for value in self.inputs for size in value.type.shape for one in limits(size)}
        defaults = {name: size for name, size in self.defaults.items() if name in used}
        return Graph(
            name, self.inputs, needed(self.tape.nodes, outputs.values(), self.spare), outputs, defaults=defaults, **more
        )
