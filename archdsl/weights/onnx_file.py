"""The initialisers of an ONNX model, read from its protobuf message directly (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from archdsl.element_types import ELEMENT_TYPES
from archdsl.files import check_inside, open_file
from archdsl.weights.onnx_names import Use, named
from archdsl.weights.tensor import MAX_RANK, MAX_TENSORS, Checkpoint, Place, Tensor, check_shape, malformed

ELEMENTS = {type.onnx: name for name, type in ELEMENT_TYPES.items()}
MODEL_GRAPH, MODEL_METADATA, GRAPH_NODE, GRAPH_INITIALIZER = 7, 14, 1, 5
NODE_INPUT, NODE_OUTPUT, NODE_NAME, NODE_OPERATOR = 1, 2, 3, 4
MAX_FIELDS = 1_500_000
"""Fields that are looked at: some ten for a node or tensor, each of at least two bytes in the file."""
DIMS, DATA_TYPE, FLOAT_DATA, INT64_DATA, NAME, RAW_DATA, DOUBLE_DATA, EXTERNAL, LOCATION = 1, 2, 4, 7, 8, 9, 10, 13, 14
PACKED = {FLOAT_DATA: "f32", DOUBLE_DATA: "f64"}
"""Fields of numbers that lie packed, exactly as raw data would."""

Field = tuple[int, int, int, int]
"""Number, wire type, and for integers the value; for messages and bytes where they begin and end."""


def read(path: Path) -> Checkpoint:
    """The initialisers by name."""
    import mmap

    size = path.stat().st_size
    if not size:
        malformed(path, "it is empty")
    tensors: dict[str, Tensor] = {}
    uses: list[Use] = []
    names = ""
    with open_file(path) as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        reader = _Reader(path, data)
        for number, wire, begin, end in reader.fields(0, size):
            if (number, wire) == (MODEL_METADATA, 2) and reader.entry(begin, end)[0] == "archdsl.variant":
                names = "own"
            if (number, wire) == (MODEL_GRAPH, 2):
                reader.graph(begin, end, tensors, uses)
    tensors, notes = named(tensors, uses) if names != "own" else (tensors, ())
    return Checkpoint(path, "ONNX", tensors, notes, names=names)


class _Reader:
    """The bytes of a model."""

    def __init__(self, path: Path, data: memoryview | bytes | object) -> None:
        self.path = path
        self.data = data
        self.seen = 0

    def graph(self, begin: int, end: int, tensors: dict[str, Tensor], uses: list[Use]) -> None:
        """Collect the initialisers of a ``GraphProto``, and what its nodes take."""
        for number, wire, start, stop in self.fields(begin, end):
            if (number, wire) == (GRAPH_INITIALIZER, 2):
                tensor = self.tensor(start, stop)
                if tensor.name in tensors or len(tensors) > MAX_TENSORS:
                    malformed(self.path, f"it has two initialisers `{tensor.name[:80]}`")
                tensors[tensor.name] = tensor
            elif (number, wire) == (GRAPH_NODE, 2):
                uses.append(self.node(start, stop))

    def node(self, begin: int, end: int) -> Use:
        """Operator, name, inputs and first output of a ``NodeProto``."""
        inputs, output, name, operator = list[str](), "", "", ""
        for number, wire, start, stop in self.fields(begin, end):
            if wire != 2:
                continue
            if number == NODE_INPUT:
                inputs.append(self.text(start, stop))
            elif number == NODE_OUTPUT:
                output = output or self.text(start, stop)
            elif number == NODE_NAME:
                name = self.text(start, stop)
            elif number == NODE_OPERATOR:
                operator = self.text(start, stop)
        return Use(operator, name, tuple(inputs), output)

    def fields(self, at: int, end: int) -> Iterator[Field]:
        """The fields of the message between two positions."""
        while at < end:
            self.seen += 1
            if self.seen > MAX_FIELDS:
                malformed(self.path, f"it has more than {MAX_FIELDS:,} fields")
            key, at = self.varint(at, end)
            number, wire = key >> 3, key & 7
            if wire == 0:
                value, at = self.varint(at, end)
                yield number, wire, value, at
                continue
            if wire == 2:
                size, at = self.varint(at, end)
            elif wire in (1, 5):
                size = 8 if wire == 1 else 4
            else:
                malformed(self.path, "it is not a protobuf message")
            if size > end - at:
                malformed(self.path, "a field reaches beyond its message")
            yield number, wire, at, at + size
            at += size

    def varint(self, at: int, end: int) -> tuple[int, int]:
        """A base-128 integer, and the position after it."""
        value = shift = 0
        while True:
            if at >= end or shift > 63:
                malformed(self.path, "a number in it is cut off")
            byte = self.data[at]  # type: ignore[index]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value, at

    def bytes(self, begin: int, end: int) -> bytes:
        """The bytes of a field."""
        found: bytes = bytes(self.data[begin:end])  # type: ignore[index]
        return found

    def text(self, begin: int, end: int) -> str:
        """A string."""
        return self.bytes(begin, min(end, begin + 4096)).decode("utf-8", "replace")

    def tensor(self, begin: int, end: int) -> Tensor:
        """A ``TensorProto``."""
        name, kind, shape, external = "", 0, list[int](), dict[str, str]()
        place, packed, outside = None, None, False
        for number, wire, start, stop in self.fields(begin, end):
            if number == DIMS:
                shape += [start] if wire == 0 else self._packed(start, stop)
            elif (number, wire) == (DATA_TYPE, 0):
                kind = start
            elif (number, wire) == (NAME, 2):
                name = self.text(start, stop)
            elif (number, wire) == (RAW_DATA, 2) or (number in PACKED and wire == 2):
                place, packed = Place(self.path, start, stop - start), PACKED.get(number)
            elif number in (FLOAT_DATA, DOUBLE_DATA, 5, 6, INT64_DATA, 11):
                malformed(self.path, f"the initialiser `{name[:80]}` is not stored as raw data")
            elif (number, wire) == (EXTERNAL, 2):
                key, value = self.entry(start, stop)
                external[key] = value
            elif (number, wire) == (LOCATION, 0):
                outside = start == 1
        return self._made(name, kind, shape, self._outside(name, external) if outside else place, packed)

    def _made(self, name: str, kind: int, shape: list[int], place: Place | None, packed: str | None) -> Tensor:
        dtype = ELEMENTS.get(kind)
        if dtype is None:
            malformed(self.path, f"the initialiser `{name[:80]}` has the element type {kind}, which is not supported")
        sizes = check_shape(self.path, name, shape)
        tensor = Tensor(name, dtype, sizes, place or Place(self.path, 0, 0))
        held = place.size if place else 0
        if held != tensor.size or (packed and packed != dtype):
            malformed(
                self.path, f"the initialiser `{name[:80]}` has {held:,} bytes, but its shape needs {tensor.size:,}"
            )
        return tensor

    def _packed(self, at: int, end: int) -> list[int]:
        found: list[int] = []
        while at < end and len(found) <= MAX_RANK:
            value, at = self.varint(at, end)
            found.append(value)
        return found

    def entry(self, begin: int, end: int) -> tuple[str, str]:
        """A key and its value."""
        parts = {number: self.text(start, stop) for number, wire, start, stop in self.fields(begin, end) if wire == 2}
        return parts.get(1, ""), parts.get(2, "")

    def _outside(self, name: str, entries: dict[str, str]) -> Place:
        """A place in a file in the model's folder; refuses other paths."""
        location = entries.get("location", "")
        if not location or Path(location).is_absolute() or ".." in Path(location).parts or "\0" in location:
            malformed(self.path, f"the data of `{name[:80]}` are not in the folder of the model")
        target = self.path.parent / location
        texts = entries.get("offset", "0"), entries.get("length", "")
        if not target.is_file() or not all(t.isascii() and t.isdigit() and len(t) < 19 for t in texts):
            malformed(self.path, f"the data of `{name[:80]}` are not in the folder of the model, in `{location[:80]}`")
        check_inside(target, self.path)
        offset, length = map(int, texts)
        if offset + length > target.stat().st_size:
            malformed(self.path, f"`{location[:80]}` ends before the data of `{name[:80]}`")
        return Place(target, offset, length)
