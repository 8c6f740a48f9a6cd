"""The state of one lowering: ONNX nodes, names with their element types, constants, and sizes that are computed."""

from __future__ import annotations

import struct
from collections import ChainMap
from collections.abc import Hashable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from typing import Any

from archdsl.backends.onnx.opsets import OPSETS
from archdsl.backends.onnx.wire import Attribute, Literal
from archdsl.diagnostics import Refusal
from archdsl.dim_solve import Reading, readings
from archdsl.dims import Dim, Expr, symbols
from archdsl.element_types import ELEMENT_TYPES
from archdsl.graph import Graph, Parameter, Value
from archdsl.record import Record
from archdsl.registry import ControlFlow
from archdsl.shapes import TensorType


class NeedOpsetError(ControlFlow):
    """The lowering must start again with a newer operator set (it was not chosen by the user), or without those that
    are newer than ``newest``, unless it needs them.
    """

    def __init__(self, version: int, newest: int) -> None:
        super().__init__(version)
        self.version = version
        self.newest = newest


class Custom(Record):
    """An operator of a set that is not ONNX's own, such as ``com.microsoft``: the set, the operator, the set's version.

    A runtime needs a kernel for it: ONNX Runtime has some, others come in a library of custom operators.
    """

    domain: str
    kind: str
    version: int = 1


class Emitted:
    """One ONNX node to be written."""

    __slots__ = ("attributes", "domain", "inputs", "kind", "name", "outputs")

    def __init__(
        self, kind: str, name: str, inputs: Sequence[str], outputs: Sequence[str],
        attributes: Mapping[str, Attribute | Body], domain: str = "",
    ) -> None:  # fmt: skip
        self.kind = kind
        self.name = name
        self.inputs = list(inputs)
        self.outputs = list(outputs)
        self.attributes = attributes
        self.domain = domain


class Body:
    """What an operator such as ``Scan`` runs again and again: nodes, and the types of its inputs and outputs by name.
    It is encoded when all names are final.
    """

    __slots__ = ("inputs", "name", "nodes", "outputs")

    def __init__(self, name: str) -> None:
        self.name = name
        self.nodes: list[Emitted] = []
        self.inputs: dict[str, TensorType] = {}
        self.outputs: dict[str, TensorType] = {}


class Writer:
    """The state of one lowering: emitted nodes, names, constants and sizes that are already there."""

    def __init__(
        self, graph: Graph, opset: int, *, chosen: bool, native: bool = False, newest: int = OPSETS[1]
    ) -> None:
        self.graph = graph
        self.opset = opset
        self.chosen = chosen
        self.newest = newest
        """The newest operator set that may be taken where an older one would do."""
        self.native = native
        """Whether types that a runtime lacks are kept."""
        self.emitted: list[Emitted] = []
        """The nodes of the graph, or of the body that is being written."""
        self.outermost = self.emitted
        self.hoisted: list[Value] = []
        """What is made in front of a loop by nodes of its body: values of this graph, of no node of ours in it."""
        self.domains: dict[str, int] = {}
        """The sets of operators in use beside ONNX's own, and their versions."""
        self.parameters: dict[str, Parameter] = {}
        self.value_names: dict[Value, str] = {}
        self.dtypes: dict[str, str] = {}
        """The element type of every name that is there."""
        self.settled: dict[tuple[str, ...], tuple[str, ...]] = {}
        """Operators with the types of their inputs that are written as they are: the types of their results."""
        self.casts: MutableMapping[tuple[str, str], str] = {}
        """What is there in a second element type."""
        self.shared: MutableMapping[Hashable, str] = {}
        """What several nodes of ours need and is computed once, by what it is."""
        self._taken: set[str] = set()
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._sizes: dict[Dim, str] = {}
        self._readings = _of_inputs(graph)
        self._next: dict[str, int] = {}
        self._enter(graph)

    def _enter(self, graph: Graph) -> None:
        """Inputs get their names first; those of outputs and parameters are kept for them."""
        for value in graph.inputs:
            self.value_names[value] = name = self.fresh(value.name)
            self.dtypes[name] = value.type.dtype
        self._taken.update(graph.outputs, graph.parameters())

    def fresh(self, name: str) -> str:
        """``name``, or ``name_2`` … if it is taken."""
        unique = name
        while unique in self._taken:
            self._next[name] = self._next.get(name, 1) + 1
            unique = f"{name}_{self._next[name]}"
        self._taken.add(unique)
        return unique

    @contextmanager
    def inside(self, body: Body) -> Iterator[None]:
        """What is emitted meanwhile is the body's; but for constants and sizes, which are there for all."""
        kept = self.emitted, self.casts, self.shared
        self.emitted, self.casts, self.shared = body.nodes, ChainMap({}, self.casts), ChainMap({}, self.shared)
        try:
            yield
        finally:
            self.emitted, self.casts, self.shared = kept

    def constant(self, dtype: str, values: Sequence[Any], shape: Sequence[int], name: str) -> str:
        """The name of a constant; equal ones exist once, in front of their first use."""
        return self.literal(Literal(dtype, shape, pack(dtype, values)), name)

    def literal(self, literal: Literal, name: str) -> str:
        """The name of a constant tensor."""
        key = (literal.dtype, literal.shape, literal.data)
        if key not in self._constants:
            name = self.fresh(name)
            self.outermost.append(Emitted("Constant", name, (), (name,), {"value": literal}))
            self.dtypes[name] = literal.dtype
            self._constants[key] = name
        return self._constants[key]

    def counted(self, value: Value, axis: int, name: str) -> None:
        """What a node found in the data is read of its result."""
        self._readings[name] = value, Reading(0, axis, 1, 0)

    def size(self, dim: Dim) -> str:
        """A one-element ``i64`` vector that holds ``dim`` when the model runs."""
        if isinstance(dim, int):
            return self.constant("i64", (dim,), (1,), f"size/{dim}")
        if dim not in self._sizes:
            self._sizes[dim] = self._compute(dim)
        return self._sizes[dim]

    def _compute(self, dim: Expr) -> str:
        """Emit the arithmetic of a polynomial; its symbols come from the shapes of the network's inputs."""
        name = str(dim)
        if dim.terms == {((name, 1),): 1}:
            return self._symbol(name)
        total = ""
        for monomial, factor in dim.terms.items():
            term = "" if monomial and factor == 1 else self.size(factor)
            for atom, power in monomial:
                if isinstance(atom, str):
                    base = self.size(Expr({((atom, 1),): 1}))
                else:  # ONNX truncates; the numerators are never negative, so this is the floor
                    base = self._arithmetic("Div", self.size(atom.numerator), self.size(atom.divisor), str(atom))
                for _ in range(power):
                    term = self._arithmetic("Mul", term, base, f"{name}/term") if term else base
            total = self._arithmetic("Add", total, term, f"{name}/sum") if total else term
        return total

    def _arithmetic(self, kind: str, left: str, right: str, name: str) -> str:
        name = self.fresh(f"size/{name}")
        self.outermost.append(Emitted(kind, name, (left, right), (name,), {}))
        self.dtypes[name] = "i64"
        return name

    def _symbol(self, name: str) -> str:
        """The size of the axis of an input that is declared as this symbol (or as a dimension that binds it)."""
        value, found = self._readings.get(name, (None, None))
        if value is None or found is None:
            raise Refusal(
                "E0601", f"the size `{name}` cannot be computed when the model runs: no input axis has it",
                help=f"bind it, `--bind {name}=…`, or declare an input axis as `{name}`",
            )  # fmt: skip
        plain = (found.factor, found.rest) == (1, 0)
        size = self._axis(value, found.axis, name if plain else f"{name}/axis")
        if found.rest != 0:
            size = self._arithmetic("Sub", size, self.size(found.rest), f"{name}/offset")
        return size if found.factor == 1 else self._arithmetic("Div", size, self.size(found.factor), name)

    def _axis(self, value: Value, axis: int, name: str) -> str:
        name = self.fresh(f"size/{name}")
        source = self.value_names[value]
        self.outermost.append(Emitted("Shape", name, (source,), (name,), {"start": axis, "end": axis + 1}))
        self.dtypes[name] = "i64"
        return name


def _of_inputs(graph: Graph) -> dict[str, tuple[Value, Reading]]:
    """Of which input each symbol is read, and how."""
    found = readings([value.type.shape for value in graph.inputs])
    return {name: (graph.inputs[reading.tensor], reading) for name, reading in found.items()}


def fixed(shape: Sequence[Dim]) -> list[int]:
    """A shape that ONNX needs in numbers; refuses symbols."""
    for size in shape:
        if not isinstance(size, int):
            names = ", ".join(f"`{name}`" for name in sorted(symbols(size)))
            raise Refusal("E0601", f"a fixed size is needed here, not {size}", help=f"bind {names}: `--bind …`")
    return [size for size in shape if isinstance(size, int)]


def pack(dtype: str, values: Sequence[Any]) -> bytes:
    """The little-endian bytes of some numbers; refuses what the element type cannot hold."""
    try:
        if dtype == "bf16":
            return b"".join(_bfloat16(value) for value in values)
        return struct.pack(f"<{len(values)}{ELEMENT_TYPES[dtype].struct}", *values)
    except (struct.error, OverflowError) as error:
        raise Refusal("E0602", f"a constant does not fit the element type {dtype}: {error}") from None


def _bfloat16(value: float) -> bytes:
    (bits,) = struct.unpack("<I", struct.pack("<f", value))
    return struct.pack("<H", (bits + 0x7FFF + (bits >> 16 & 1)) >> 16 & 0xFFFF)
