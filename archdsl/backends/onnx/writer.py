"""The view of a lowering rule: one node of ours, and ways to emit ONNX nodes for it.

Rules know no wire format and no names. A rule ends by calling :meth:`Emit.result` (the last ONNX node, which bears the
node's path and whose outputs bear the values' names) or :meth:`Emit.forward` (the operator disappears); everything
before that is a :meth:`Emit.helper`.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

from archdsl.backends.onnx.wire import Attribute, Literal
from archdsl.diagnostics import Refusal
from archdsl.dim_solve import readings
from archdsl.dims import Dim, Expr, symbols
from archdsl.element_types import ELEMENT_TYPES
from archdsl.graph import Graph, Node, Parameter, Value
from archdsl.record import Record
from archdsl.registry import ControlFlow
from archdsl.shapes import Shape, TensorType


class NeedOpsetError(ControlFlow):
    """The lowering must start again with a newer operator set (it was not chosen by the user)."""

    def __init__(self, version: int) -> None:
        super().__init__(version)
        self.version = version


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
        self, kind: str, name: str, inputs: Sequence[str], outputs: Sequence[str], attributes: dict[str, Attribute],
        domain: str = "",
    ) -> None:  # fmt: skip
        self.kind = kind
        self.name = name
        self.inputs = list(inputs)
        self.outputs = list(outputs)
        self.attributes = attributes
        self.domain = domain


class Writer:
    """The state of one lowering: emitted nodes, names, constants and sizes that are already there."""

    def __init__(self, graph: Graph, opset: int, *, chosen: bool) -> None:
        self.graph = graph
        self.opset = opset
        self.chosen = chosen
        self.emitted: list[Emitted] = []
        self.domains: dict[str, int] = {}
        """The sets of operators in use beside ONNX's own, and their versions."""
        self.parameters: dict[str, Parameter] = {}
        self.value_names: dict[Value, str] = {}
        self._taken: set[str] = set()
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._sizes: dict[Dim, str] = {}
        self._readings = readings([value.type.shape for value in graph.inputs])
        self._next: dict[str, int] = {}
        for value in graph.inputs:
            self.value_names[value] = self.fresh(value.name)
        self._taken.update(graph.outputs, graph.parameters())

    def fresh(self, name: str) -> str:
        """``name``, or ``name_2`` … if it is taken."""
        unique = name
        while unique in self._taken:
            self._next[name] = self._next.get(name, 1) + 1
            unique = f"{name}_{self._next[name]}"
        self._taken.add(unique)
        return unique

    def constant(self, dtype: str, values: Sequence[Any], shape: Sequence[int], name: str) -> str:
        """The name of a constant; equal ones exist once, in front of their first use."""
        return self.literal(Literal(dtype, shape, pack(dtype, values)), name)

    def literal(self, literal: Literal, name: str) -> str:
        """The name of a constant tensor."""
        key = (literal.dtype, literal.shape, literal.data)
        if key not in self._constants:
            name = self.fresh(name)
            self.emitted.append(Emitted("Constant", name, (), (name,), {"value": literal}))
            self._constants[key] = name
        return self._constants[key]

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
        self.emitted.append(Emitted(kind, name, (left, right), (name,), {}))
        return name

    def _symbol(self, name: str) -> str:
        """The size of the axis of an input that is declared as this symbol (or as a dimension that binds it)."""
        found = self._readings.get(name)
        if found is None:
            raise Refusal(
                "E0601", f"the size `{name}` cannot be computed when the model runs: no input axis has it",
                help=f"bind it, `--bind {name}=…`, or declare an input axis as `{name}`",
            )  # fmt: skip
        plain = (found.factor, found.rest) == (1, 0)
        size = self._axis(self.graph.inputs[found.tensor], found.axis, name if plain else f"{name}/axis")
        if found.rest != 0:
            size = self._arithmetic("Sub", size, self.size(found.rest), f"{name}/offset")
        return size if found.factor == 1 else self._arithmetic("Div", size, self.size(found.factor), name)

    def _axis(self, value: Value, axis: int, name: str) -> str:
        name = self.fresh(f"size/{name}")
        source = self.value_names[value]
        self.emitted.append(Emitted("Shape", name, (source,), (name,), {"start": axis, "end": axis + 1}))
        return name


class Emit:
    """A node of ours that is being lowered."""

    def __init__(self, writer: Writer, node: Node) -> None:
        self.writer = writer
        self.node = node
        self.op: Any = node.op
        self.opset = writer.opset
        self.ins = [writer.value_names[value] for value in node.inputs]
        self.types = [value.type for value in node.inputs]
        self.outs = [value.type for value in node.outputs]

    def param(self, slot: str) -> str:
        """The name of the parameter in ``slot``."""
        parameter = self.node.params[slot]
        self.writer.parameters[parameter.path] = parameter
        return parameter.path

    def optional(self, slot: str) -> str:
        """The name of the parameter in ``slot``, or ``""`` (an absent input) if the node has none."""
        return self.param(slot) if slot in self.node.params else ""

    def result(self, kind: str | Custom, inputs: Sequence[str], **attributes: Attribute) -> None:
        """Emit the ONNX node that gives this node's outputs. Absent trailing inputs are left out."""
        names = [self.writer.fresh(value.name) for value in self.node.outputs]
        self.writer.value_names.update(zip(self.node.outputs, names))
        self._emit(kind, self.node.path, inputs, names, attributes)

    def helper(self, kind: str | Custom, inputs: Sequence[str], **attributes: Attribute) -> str:
        """Emit an ONNX node on the way; gives the name of its output."""
        name = self.writer.fresh(f"{self.node.path}/{kind.kind if isinstance(kind, Custom) else kind}")
        self._emit(kind, name, inputs, [name], attributes)
        return name

    def _emit(
        self,
        kind: str | Custom,
        name: str,
        inputs: Sequence[str],
        outputs: Sequence[str],
        attributes: dict[str, Attribute],
    ) -> None:
        given = list(inputs)
        while given and not given[-1]:
            given.pop()
        domain = ""
        if isinstance(kind, Custom):
            domain, kind = self._imported(kind), kind.kind
        self.writer.emitted.append(Emitted(kind, name, given, outputs, attributes, domain))

    def _imported(self, custom: Custom) -> str:
        """The domain, which the model will import; a model has one version of it."""
        version = self.writer.domains.setdefault(custom.domain, custom.version)
        if version != custom.version:
            message = f"two versions of the operators `{custom.domain}` are needed: {version} and {custom.version}"
            raise Refusal("E0601", message)
        return custom.domain

    def forward(self, *names: str) -> None:
        """Emit nothing: the outputs are these values (by default the inputs themselves)."""
        self.writer.value_names.update(zip(self.node.outputs, names or self.ins))

    def require(self, opset: int, what: str) -> None:
        """What a rule needs ``what`` for exists from ``opset`` on: the lowering starts again with it, or refuses
        (E0601) if an older one was asked for.
        """
        if self.opset >= opset:
            return
        if not self.writer.chosen:
            raise NeedOpsetError(opset)
        raise Refusal(
            "E0601",
            f"{what} needs the operator set {opset}, but {self.opset} was asked for",
            help=f"leave `--opset` out, or give {opset} or more",
        )

    def ints(self, values: Sequence[int]) -> str:
        """A constant ``i64`` vector."""
        return self.writer.constant("i64", values, (len(values),), f"{self.node.path}/ints")

    def scalar(self, value: float, dtype: str | None = None) -> str:
        """A constant scalar, by default of the first input's element type."""
        return self.writer.constant(dtype or self.types[0].dtype, (value,), (), f"{self.node.path}/scalar")

    def constant(self, dtype: str, values: Sequence[float], shape: Sequence[int]) -> str:
        """A constant tensor, elements in row-major order."""
        return self.writer.constant(dtype, values, shape, f"{self.node.path}/constant")

    def vector(self, sizes: Sequence[Dim]) -> str:
        """An ``i64`` vector of sizes, computed when the model runs where symbols occur."""
        if all(isinstance(dim, int) for dim in sizes):
            return self.ints(fixed(sizes))
        pieces: list[str] = []
        run: list[int] = []
        for dim in sizes:
            if isinstance(dim, int):
                run.append(dim)
                continue
            if run:
                pieces.append(self.ints(run))
                run = []
            pieces.append(self.writer.size(dim))
        if run:
            pieces.append(self.ints(run))
        return pieces[0] if len(pieces) == 1 else self.helper("Concat", pieces, axis=0)

    def target(self, source: Shape, shape: Shape) -> str:
        """The second input of ``Reshape``: -1 and 0 where they say it, else sizes computed when the model runs."""
        if 0 in shape:  # 0 would be read as "copy"; no size of zero is ever useful, but it has to be right
            raise Refusal("E0601", f"a reshape to {list(map(str, shape))} has no elements")
        static: list[int] = []
        for axis, dim in enumerate(shape):
            if isinstance(dim, int):
                static.append(dim)
            else:
                static.append(0 if axis < len(source) and source[axis] == dim else -1)
        return self.ints(static) if static.count(-1) <= 1 else self.vector(shape)

    def reshape(self, name: str, source: Shape, shape: Shape) -> str:
        """A helper ``Reshape``; the value itself where nothing changes."""
        if source == shape:
            return name
        return self.helper("Reshape", [name, self.target(source, shape)])

    def reshape_like(self, name: str, like: str, type: TensorType, ahead: Sequence[int] = ()) -> str:
        """A helper ``Reshape`` to the shape of ``like``, which is ``type``; ``ahead``: axes they have in common."""
        kept = [0 if axis in ahead else (dim if isinstance(dim, int) else -1) for axis, dim in enumerate(type.shape)]
        shape = self.ints(kept) if kept.count(-1) <= 1 else self.helper("Shape", [like])
        return self.helper("Reshape", [name, shape])

    def reduce(self, kind: str, name: str, axes: Sequence[int], keep: bool) -> tuple[list[str], dict[str, Attribute]]:
        """Inputs and attributes of a ``Reduce…``: axes are an attribute before opset 18, then an input (sum: 13)."""
        if self.opset >= 18 or kind == "ReduceSum":
            return [name, self.ints(axes)], {"keepdims": int(keep)}
        return [name], {"axes": tuple(axes), "keepdims": int(keep)}


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
