"""ONNX models, read from the bytes of their files: neither ``onnx`` nor a runtime is needed, and no weight is read."""

from __future__ import annotations

import mmap
from collections.abc import Mapping
from pathlib import Path

from archdsl.diagnostics import Refusal
from archdsl.dims import Dim
from archdsl.element_types import ELEMENT_TYPES
from archdsl.files import check_inside, open_file
from archdsl.foreign.importer import BoundedError, Importer
from archdsl.foreign.known import Known
from archdsl.foreign.onnx import families as families, values as values  # register the rules
from archdsl.foreign.onnx.biases import with_biases
from archdsl.foreign.onnx.call import Item
from archdsl.foreign.onnx.layouts import layouts
from archdsl.foreign.onnx.model import Graph as GraphProto, Model, Port
from archdsl.foreign.onnx.opaque import Untyped, joined
from archdsl.foreign.onnx.walk import Walker
from archdsl.foreign.onnx.wire import ModelReader
from archdsl.graph import Graph, Value
from archdsl.process import collector_paused
from archdsl.shapes import TensorType
from archdsl.weights.tensor import malformed

NEWEST = 28
"""The newest operator set of ONNX whose definitions the rules follow."""
WHOLE = 1 << 20
"""Bytes of a file that is read at once; a larger one is mapped."""


@collector_paused()
def read(path: Path, bind: Mapping[str, int] | None = None) -> Graph:
    """The graph of an ``.onnx`` file, with the sizes in ``bind``, and inputs of one number, bound by name.

    Raises ``DiagnosticError``: E0001 where there is no such file, E0902 for a damaged one, E1001 for a model that
    breaks the rules of ONNX, E1002 for what depends on a size or an input that has to be bound, E1003 for what is not
    supported.
    """
    check_inside(path)
    with open_file(path) as file:
        size = path.stat().st_size
        if not size:
            malformed(path, "it is empty")
        if size <= WHOLE:
            content = file.read(size)
            return _read(ModelReader(path, content), len(content), bind)
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _read(ModelReader(path, data), len(data), bind)


def _read(reader: ModelReader, size: int, bind: Mapping[str, int] | None) -> Graph:
    path = reader.path
    most: dict[str, int] = {}
    try:
        model = reader.model(0, size)
        if model.graph is None:
            malformed(path, "it has no graph")
        _check_opset(model)
        while True:
            try:
                return _imported(path, model, model.graph, Importer(str(path), bind, most))
            except BoundedError as found:  # each time another symbol has a bound, or a lower one
                most[found.name] = found.most
    finally:
        reader.close()


def _check_opset(model: Model) -> None:
    """Refuses (E1003) sets of operators that may mean something else than the rules say."""
    opset = model.opsets.get("", 1)
    if not 1 <= opset <= NEWEST:
        raise Refusal(
            "E1003", f"the model is written in operator set {opset} of ONNX; sets 1 to {NEWEST} are supported",
            help="export it with an older one: `torch.onnx.export(…, opset_version=…)`",
        )  # fmt: skip


def _imported(path: Path, model: Model, graph: GraphProto, importer: Importer) -> Graph:
    walker = Walker(importer, model)
    given: dict[str, Item] = {}
    for port in graph.inputs:
        if port.name not in graph.initialisers:
            with importer.at("input {}".format, port.name):
                given[port.name] = _input(importer, port)
    made = walker.graph(graph, None, given)
    outputs: dict[str, Value] = {}
    for port, item in zip(graph.outputs, made):
        with importer.at("output {}".format, port.name):
            if port.name in outputs:
                raise Refusal("E1001", f"two outputs are called `{port.name}`")
            if isinstance(item, Untyped):
                if port.kind != "tensor":
                    continue  # a sequence or a map of what an opaque node gives
                item = _of_free_sizes(importer, item, port)
            outputs[port.name] = item if isinstance(item, Value) else importer.value(item, port.name)
    if graph.outputs and not outputs:
        kinds = " and ".join(sorted({f"{port.kind}s" for port in graph.outputs}))
        raise Refusal("E1003", f"all outputs of {path.name} are {kinds}, and only tensors are supported")
    importer.tape.nodes[:] = with_biases(importer.tape.nodes, outputs.values())
    return importer.graph(path.stem, outputs, maps=layouts(importer.tape.nodes))


def _of_free_sizes(importer: Importer, item: Untyped, port: Port) -> Value:
    """An output of which the file declares the element type and how many axes there are: sizes that nobody knows."""
    if port.dtype not in ELEMENT_TYPES or port.sizes is None:
        raise Refusal("E1003", f"`{item.node.op}` has no operator here, and nothing says what it gives")
    sizes = [size if isinstance(size, int) and size > 0 else importer.size("", axis, port.name)
             for axis, size in enumerate(port.sizes)]  # fmt: skip
    return joined(importer, [item], [], [TensorType(port.dtype, tuple(sizes))])[0]


def _input(importer: Importer, port: Port) -> Item:
    """An input of the model; a number where it is bound to one."""
    if port.kind != "tensor" or port.dtype not in ELEMENT_TYPES:
        what = f"a {port.kind}" if port.kind != "tensor" else f"a tensor of the element type {port.dtype or 'unknown'}"
        raise Refusal("E1003", f"the input `{port.name}` is {what}, which is not supported")
    if port.sizes is None:
        raise Refusal("E1003", f"the file does not say how many axes the input `{port.name}` has")
    sizes: list[Dim] = []
    for axis, size in enumerate(port.sizes):
        sizes.append(
            size
            if isinstance(size, int) and size > 0
            else importer.size(str(size) if isinstance(size, str) else "", axis, port.name)
        )
    type = TensorType(port.dtype, tuple(sizes))
    if port.name in importer.bind and type.elements == 1:
        importer.bound.add(port.name)
        return Known(port.dtype, type.shape, fill=importer.bind[port.name], name=port.name)
    return importer.input(port.name, type)
