"""The bytes of an ``.onnx`` file -> :class:`~archdsl.foreign.onnx.model.Model`. No weight is read."""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterator
from pathlib import Path
from struct import unpack
from typing import Any, NoReturn

from archdsl.element_types import ELEMENT_TYPES
from archdsl.foreign.known import shortest
from archdsl.foreign.onnx.model import NONE, Function, Graph, Model, Node, Port, Reference, Sizes
from archdsl.weights.onnx_tensor import tensor
from archdsl.weights.protobuf import MAX_FIELDS, Reader, signed
from archdsl.weights.tensor import MAX_RANK, Data, Mapped, Tensor

ELEMENTS = {type.onnx: name for name, type in ELEMENT_TYPES.items()}
MAX_NODES, MAX_LIST, MAX_DEPTH = 1_000_000, 2_000_000, 24
"""Nodes of all graphs; elements of one attribute; graphs within one another."""
READ = 1_000
"""Numbers of a list that people may read."""
HELD = 1 << 21
"""Bytes of tensors that are passed before pages are given back."""
LONG = 128
"""The first byte of lengths that take several."""
SHORT = 64
"""Bytes of an attribute that is kept: a number, a word or some sizes."""
KINDS = {4: "sequence", 5: "map", 8: "sparse tensor", 9: "optional"}


class ModelReader(Reader):
    """Reads one file."""

    nodes = 0
    depth = 0

    def __init__(self, path: Path, data: Data) -> None:
        super().__init__(path, data)
        self.mapped = Mapped(data)
        self._passed = 0
        self._attributes: dict[bytes, tuple[str, Any]] = {}

    def close(self) -> None:
        """The data are gone: tensors are read from the file from now on."""
        assert self.mapped is not None
        self.mapped.data = None

    def tensor(self, begin: int, end: int) -> Tensor:
        """A ``TensorProto``. Around each one that is looked at the system holds pages of weights, which are given back
        from time to time.
        """
        self._passed += end - begin
        if self._passed > HELD and isinstance(self.data, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
            self._passed = 0
            self.data.madvise(mmap.MADV_DONTNEED)
        return tensor(self, begin, end)

    def model(self, begin: int, end: int) -> Model:
        """The ``ModelProto``."""
        found = Model()
        for number, wire, start, stop in self.fields(begin, end):
            if wire != 2:
                continue
            if number == 2:
                found.producer = self.text(start, stop)[:80]
            elif number == 7:
                found.graph = self.graph(start, stop)
            elif number == 8:
                found.opsets.update([self.opset(start, stop)])
            elif number == 25:
                function = self.function(start, stop)
                found.functions[function.domain, function.name, function.overload] = function
        return found

    def opset(self, begin: int, end: int) -> tuple[str, int]:
        """A domain and its version."""
        domain, version = "", 1
        for number, wire, start, stop in self.fields(begin, end):
            if (number, wire) == (1, 2):
                domain = self.text(start, stop)
            elif (number, wire) == (2, 0):
                version = start
        return domain if domain != "ai.onnx" else "", version

    def graph(self, begin: int, end: int) -> Graph:
        """A ``GraphProto``."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.refuse(f"its graphs are nested more than {MAX_DEPTH} deep")
        found = Graph()
        ports = {11: found.inputs, 12: found.outputs, 13: found.values}
        for number, wire, start, stop in self.fields(begin, end):
            if wire != 2:
                continue
            if number == 1:
                found.nodes.append(self.node(start, stop))
            elif number == 2:
                found.name = self.text(start, stop)
            elif number == 5:
                made = self.tensor(start, stop)
                if made.name in found.initialisers:
                    self.refuse(f"it has two initialisers `{made.name[:80]}`")
                found.initialisers[made.name] = made
            elif number in ports:
                ports[number].append(self.port(start, stop))
            elif number == 15:
                self.sparse()
        self.depth -= 1
        return found

    def node(self, begin: int, end: int) -> Node:
        """A ``NodeProto``."""
        self.nodes += 1
        if self.nodes > MAX_NODES:
            self.refuse(f"it has more than {MAX_NODES:,} nodes")
        found = Node()
        inputs, outputs = found.inputs, found.outputs
        attributes: dict[str, Any] = {}
        notes: dict[str, str] = {}
        data, texts, text = self.data, self._texts, self.text
        for number, start, stop in self.parts(begin, end):
            if number == 1:
                inputs.append(texts.get(data[start:stop]) or text(start, stop))
            elif number == 2:
                outputs.append(texts.get(data[start:stop]) or text(start, stop))
            elif number == 5:
                name, value = self.attribute(start, stop)
                attributes[name] = value
            elif number in _OF_NODE:
                setattr(found, _OF_NODE[number], self.text(start, stop))
            elif number == 9:
                notes.update([self.entry(start, stop)])
        found.attributes, found.notes = attributes or NONE, notes or NONE
        if found.domain == "ai.onnx":
            found.domain = ""
        return found

    def parts(self, at: int, end: int) -> Iterator[tuple[int, int, int]]:
        """The fields of a message that are of bytes; most are short names, which take no more than this."""
        data: Any = self.data
        while at < end:
            key = data[at]
            size = data[at + 1] if at + 1 < end else LONG
            start = at + 2
            if size < LONG and key in _STRINGS and start + size <= end and self.seen < MAX_FIELDS:
                self.seen += 1
                at = start + size
                yield key >> 3, start, at
            else:
                number, wire, start, at = next(self.fields(at, end))
                if wire == 2:
                    yield number, start, at

    def attribute(self, begin: int, end: int) -> tuple[str, Any]:
        """The name and the value of an ``AttributeProto``. Short ones are the same in many nodes, and read once."""
        if end - begin > SHORT:
            return self.long_attribute(begin, end)
        raw = self.data[begin:end]
        found = self._attributes.get(raw)
        if found is None:
            found = self.long_attribute(begin, end)
            if _is_plain(found[1]):
                self._attributes[raw] = found
        return found

    def long_attribute(self, begin: int, end: int) -> tuple[str, Any]:
        """The same, of any length."""
        name, kind, value = "", 0, None
        many: list[Any] = []
        for number, wire, start, stop in self.fields(begin, end):
            if (number, wire) == (1, 2):
                name = self.text(start, stop)
            elif (number, wire) == (20, 0):
                kind = start
            elif number in _ONE and not isinstance(value, Reference):
                value = _ONE[number](self, wire, start, stop)
            elif number in _MANY:
                many += _MANY[number](self, wire, start, stop)
                if len(many) > MAX_LIST:
                    self.refuse(f"the attribute `{name[:80]}` has more than {MAX_LIST:,} elements")
        if not isinstance(value, Reference) and (kind in (6, 7, 8, 9, 10) or (not kind and many)):
            return name, many
        return name, _EMPTY.get(kind) if value is None else value

    def port(self, begin: int, end: int) -> Port:
        """A ``ValueInfoProto``."""
        found = Port("", "", None)
        for number, wire, start, stop in self.fields(begin, end):
            if (number, wire) == (1, 2):
                found.name = self.text(start, stop)
            elif (number, wire) == (2, 2):
                for which, _, at, to in self.fields(start, stop):
                    if which == 1:
                        found.dtype, found.sizes = self.tensor_type(at, to)
                    elif which in KINDS:
                        found.kind = KINDS[which]
        return found

    def tensor_type(self, begin: int, end: int) -> tuple[str, Sizes | None]:
        """Element type and sizes; ``None`` where the file does not say how many axes there are."""
        dtype, sizes = "", None
        for number, wire, start, stop in self.fields(begin, end):
            if (number, wire) == (1, 0):
                dtype = ELEMENTS.get(start, f"#{start}")
            elif (number, wire) == (2, 2):
                found: list[int | str] = []
                for which, _, at, to in self.fields(start, stop):
                    if which == 1:
                        found.append(self.size(at, to))
                if len(found) > MAX_RANK:
                    self.refuse(f"a tensor has {len(found)} axes")
                sizes = tuple(found)
        return dtype, sizes

    def size(self, begin: int, end: int) -> int | str:
        """One size."""
        for number, wire, start, stop in self.fields(begin, end):
            if (number, wire) == (1, 0):
                return signed(start)
            if (number, wire) == (2, 2):
                return self.text(start, stop)
        return ""

    def function(self, begin: int, end: int) -> Function:
        """A ``FunctionProto``."""
        found = Function()
        for number, wire, start, stop in self.fields(begin, end):
            if wire != 2:
                continue
            if number in _OF_FUNCTION:
                setattr(found, _OF_FUNCTION[number], self.text(start, stop))
            elif number in (4, 5):
                (found.inputs if number == 4 else found.outputs).append(self.text(start, stop))
            elif number == 7:
                found.nodes.append(self.node(start, stop))
            elif number == 9:
                found.opsets.update([self.opset(start, stop)])
            elif number == 11:
                found.defaults.update([self.attribute(start, stop)])
        return found

    def sparse(self) -> NoReturn:
        """Refuse what is stored as few elements and their places."""
        self.refuse("it has sparse tensors, which are not supported")

    def floats(self, wire: int, start: int, stop: int) -> list[float]:
        """Numbers of four bytes, packed or one."""
        if (stop - start) % 4:
            self.refuse("a list of numbers in it is cut off")
        found = unpack(f"<{(stop - start) // 4}f", self.bytes(start, stop))
        return [shortest(one, "f32") for one in found] if len(found) <= READ else list(found)


def _is_plain(value: object) -> bool:
    """Whether a value is numbers or text, and no place in the file."""
    if isinstance(value, list):
        return all(map(_is_plain, value))
    return isinstance(value, int | float | bytes)


_ONE: dict[int, Callable[[ModelReader, int, int, int], Any]] = {
    2: lambda r, wire, start, stop: shortest(r.float(start, stop), "f32") if wire == 5 else 0.0,
    3: lambda r, wire, start, stop: signed(start) if wire == 0 else 0,
    4: lambda r, wire, start, stop: r.bytes(start, stop) if wire == 2 else b"",
    5: lambda r, wire, start, stop: r.tensor(start, stop),
    6: lambda r, wire, start, stop: r.graph(start, stop),
    21: lambda r, wire, start, stop: Reference(r.text(start, stop)) if stop > start else None,
    22: lambda r, wire, start, stop: r.sparse(),
    23: lambda r, wire, start, stop: r.sparse(),
}
"""Fields of an attribute that has one value."""
_MANY: dict[int, Callable[[ModelReader, int, int, int], list[Any]]] = {
    7: lambda r, wire, start, stop: r.floats(wire, start, stop),
    8: lambda r, wire, start, stop: r.integers(wire, start, stop, MAX_LIST),
    9: lambda r, wire, start, stop: [r.bytes(start, stop)],
    10: lambda r, wire, start, stop: [r.tensor(start, stop)],
    11: lambda r, wire, start, stop: [r.graph(start, stop)],
}
"""Fields of an attribute that has a list."""
_STRINGS = frozenset({number << 3 | 2 for number in range(1, 10)})
"""The first bytes of fields of a node with something in bytes."""
_OF_NODE = {3: "name", 4: "op", 7: "domain", 8: "overload"}
_OF_FUNCTION = {1: "name", 10: "domain", 13: "overload"}
_EMPTY = {1: 0.0, 2: 0, 3: b""}
"""Proto3 leaves out what is zero."""
