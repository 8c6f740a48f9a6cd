"""The initialisers of an ONNX model, read from its protobuf message directly (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto)."""

from __future__ import annotations

from pathlib import Path

from archdsl.files import open_file
from archdsl.weights.onnx_names import Use, named
from archdsl.weights.onnx_tensor import tensor
from archdsl.weights.protobuf import Reader
from archdsl.weights.tensor import MAX_TENSORS, Checkpoint, Tensor, malformed

MODEL_GRAPH, MODEL_METADATA, GRAPH_NODE, GRAPH_INITIALIZER = 7, 14, 1, 5
NODE_INPUT, NODE_OUTPUT, NODE_NAME, NODE_OPERATOR = 1, 2, 3, 4


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


class _Reader(Reader):
    """The bytes of a model."""

    def graph(self, begin: int, end: int, tensors: dict[str, Tensor], uses: list[Use]) -> None:
        """Collect the initialisers of a ``GraphProto``, and what its nodes take."""
        for number, wire, start, stop in self.fields(begin, end):
            if (number, wire) == (GRAPH_INITIALIZER, 2):
                found = tensor(self, start, stop)
                if found.name in tensors or len(tensors) > MAX_TENSORS:
                    malformed(self.path, f"it has two initialisers `{found.name[:80]}`")
                tensors[found.name] = found
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
