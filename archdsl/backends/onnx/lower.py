"""Graph -> ONNX: apply the rules node by node, then encode everything but the weights.

The result is a list of parts: bytes, and payloads (the weights) that are computed when they are written.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping

from archdsl import registry
from archdsl.backends.onnx import wire
from archdsl.backends.onnx.opsets import OPSETS
from archdsl.backends.onnx.options import OnnxOptions
from archdsl.backends.onnx.writer import Body, Emit, Emitted, NeedOpsetError, Writer
from archdsl.diagnostics import Diagnostic, DiagnosticError, Refusal
from archdsl.element_types import ELEMENT_TYPES
from archdsl.graph import Graph, Node, Parameter
from archdsl.interface import DRAWN
from archdsl.ops.base import Op
from archdsl.shapes import TensorType

Lowering = Callable[[Emit], None]

IR_VERSION = 8
"""The file format: 8 goes with every operator set used here, and loads in the oldest runtimes that matter."""

LIMIT = (1 << 63) - 1
"""Sizes in ONNX are signed 64-bit integers."""


class Lowered:
    """A graph in ONNX's terms, encoded but for its initialisers."""

    def __init__(
        self, nodes: list[bytes], parameters: list[Parameter], interface: bytes, opset: int, domains: Mapping[str, int]
    ) -> None:
        self.nodes = nodes
        self.parameters = parameters
        self.interface = interface
        self.opset = opset
        self.domains = domains


def rule_for(op: type[Op]) -> Lowering | None:
    """The rule of an operator."""
    found: Lowering | None = registry.rule("onnx", __package__ or "", op)
    return found


def lower(graph: Graph, options: OnnxOptions) -> Lowered:
    """The graph at the oldest operator set without a cost (:mod:`.opsets`), or at the requested one."""
    check_sizes(graph)
    opset = options.opset or OPSETS[0]
    if not OPSETS[0] <= opset <= OPSETS[1]:
        refuse("E0603", f"opset {opset} is not supported", f"choose {OPSETS[0]} to {OPSETS[1]}")
    newest = OPSETS[1]
    while True:
        writer = Writer(graph, opset, chosen=options.opset is not None, native=options.native, newest=newest)
        try:
            apply_rules(writer, graph.nodes)
        except NeedOpsetError as need:
            newest = need.newest
            opset = need.version or OPSETS[0]
            continue
        return _encode(writer, options)


def refuse(code: str, message: str, help: str = "") -> None:
    """Refuse the whole model; there is no place in the text to show."""
    raise DiagnosticError([Diagnostic(code, message, help=help)])


def located(refusal: Refusal, node: Node | None) -> Diagnostic:
    """A rule's refusal at the place that made the node."""
    if node is None:
        return refusal.diagnostic()
    return refusal.located(node.origin.span).diagnostic(node.origin.frame)


def apply_rules(writer: Writer, nodes: Iterable[Node]) -> None:
    """Lower these nodes; all refusals are reported together, without those that follow from others."""
    found: list[Diagnostic] = []
    for node in nodes:
        if found and any(value not in writer.value_names for value in node.inputs):
            continue
        try:
            rule = rule_for(type(node.op))
            if rule is None:
                targets = "`archdsl ops` lists each operator's targets"
                raise Refusal("E0601", f"`{node.op.name}` has no counterpart in ONNX", help=targets)
            rule(Emit(writer, node, _carried(writer, node)))
        except Refusal as refusal:
            found.append(located(refusal, node))
        except DiagnosticError as inside:  # of a body
            found += inside.diagnostics
    if found:
        raise DiagnosticError(found)


def _carried(writer: Writer, node: Node) -> dict[str, str] | None:
    """``bf16`` is computed in ``f32`` as a whole, as PyTorch's CPU does, unless it is only moved."""
    if all(value.type.dtype != "bf16" for value in node.inputs) or writer.native:
        return None
    return None if node.op.moves_data or node.op.role in ("view", "source") else {"bf16": "f32"}


def check_sizes(graph: Graph) -> None:
    """Refuse sizes that no runtime can address, before anything is computed from them."""
    found = []
    for value in graph.values():
        if reason := _too_large(value.type):
            refusal = Refusal("E0602", f"`{value.name}`: {value.type} {reason}")
            found.append(located(refusal, value.producer))
            break
    for parameter in graph.parameters().values():
        if reason := _too_large(parameter.type):
            found.append(Diagnostic("E0602", f"parameter `{parameter.path}`: {parameter.type} {reason}"))
            break
    if found:
        raise DiagnosticError(found)


def _too_large(type: TensorType) -> str:
    total = ELEMENT_TYPES[type.dtype].bytes
    for dim in type.shape:
        if isinstance(dim, int):
            total *= dim
    return "has more bytes than 64 bits can count" if total > LIMIT else ""


def _encode(writer: Writer, options: OnnxOptions) -> Lowered:
    graph = writer.graph
    renamed, identities = _name_outputs(writer)
    emitted = [*writer.emitted, *identities]
    nodes = [_encode_node(item, renamed, graph) for item in emitted]
    parameters = list(writer.parameters.values())
    inputs = [wire.value_info(writer.value_names[value], value.type) for value in graph.inputs]
    if options.weights == "none":
        inputs += [wire.value_info(parameter.path, parameter.type) for parameter in parameters]
    outputs = [wire.value_info(name, value.type) for name, value in graph.outputs.items()]
    inner = _inner_values(writer, renamed)
    interface = b"".join(
        wire.message(field, data) for field, items in ((11, inputs), (12, outputs), (13, inner)) for data in items
    )
    return Lowered(nodes, parameters, interface, writer.opset, writer.domains)


def _encode_node(item: Emitted, renamed: dict[str, str], graph: Graph) -> bytes:
    inputs = [renamed.get(name, name) for name in item.inputs]
    outputs = [renamed.get(name, name) for name in item.outputs]
    attributes = {
        key: wire.Subgraph(_encode_body(value, renamed, graph)) if isinstance(value, Body) else value
        for key, value in item.attributes.items()
    }
    try:
        return wire.message(1, wire.node(item.kind, item.name, inputs, outputs, attributes, item.domain))
    except OverflowError as error:
        path = item.name.partition("/")[0]
        node = next((node for node in graph.all_nodes() if node.path == path), None)
        refusal = Refusal("E0602", f"an argument of `{path}` cannot be an attribute in ONNX: {error}")
        raise DiagnosticError([located(refusal, node)]) from None


def _encode_body(body: Body, renamed: dict[str, str], graph: Graph) -> bytes:
    """A ``GraphProto``."""
    nodes = b"".join(_encode_node(item, renamed, graph) for item in body.nodes)
    inputs = b"".join(wire.message(11, wire.value_info(*one)) for one in body.inputs.items())
    outputs = b"".join(wire.message(12, wire.value_info(*one)) for one in body.outputs.items())
    return nodes + wire.text(2, body.name) + inputs + outputs


def _name_outputs(writer: Writer) -> tuple[dict[str, str], list[Emitted]]:
    """Values take the names of the outputs they are; what cannot be renamed is copied by an ``Identity``."""
    made = {name for item in writer.emitted for name in item.outputs}
    fixed = {writer.value_names[value] for value in writer.graph.inputs} | set(writer.parameters)
    renamed: dict[str, str] = {}
    copies: list[Emitted] = []
    for name in (value.name for value in writer.graph.inputs if value.name in writer.parameters):
        refuse("E0604", f"the input `{name}` has the same name as a parameter", "give it another name")
    for name, value in writer.graph.outputs.items():
        source = writer.value_names[value]
        if name == source and source in fixed:
            continue
        if name in fixed:
            refuse(
                "E0604", f"the output `{name}` has the same name as an input or a parameter",
                f"give it another name: `output {name}_out = …`",
            )  # fmt: skip
        if source in made and source not in renamed:
            renamed[source] = name
        else:
            copies.append(Emitted("Identity", writer.fresh(f"{name}/Identity"), [source], [name], {}))
    return renamed, copies


def _inner_values(writer: Writer, renamed: dict[str, str]) -> list[bytes]:
    """Types of all values of the graph that are neither its inputs nor its outputs."""
    done = {writer.value_names[value] for value in writer.graph.inputs} | set(writer.parameters)
    outputs = set(writer.graph.outputs)
    found = []
    for value in (*(value for node in writer.graph.nodes for value in node.outputs), *writer.hoisted):
        name = renamed.get(writer.value_names[value], writer.value_names[value])
        if name not in done and name not in outputs:
            done.add(name)
            found.append(wire.value_info(name, value.type))
    return found


def around(lowered: Lowered, graph: Graph, options: OnnxOptions, initialisers: int) -> tuple[bytes, bytes, bytes]:
    """The bytes before the initialisers (``initialisers`` bytes), the rest of the graph, and of the model."""
    nodes = b"".join(lowered.nodes) + wire.text(2, graph.name)
    doc = options.doc or graph.doc
    tail = (wire.text(10, doc) if doc else b"") + lowered.interface
    begin = wire.integer(1, IR_VERSION) + wire.text(2, "archdsl")
    begin += wire.text(3, options.version) if options.version else b""
    begin += wire.head(7, len(nodes) + initialisers + len(tail))
    end = wire.message(8, wire.opset(lowered.opset))
    end += b"".join(wire.message(8, wire.opset(lowered.domains[name], name)) for name in sorted(lowered.domains))
    metadata = {**options.metadata, **_ends(graph)}
    end += b"".join(wire.message(14, wire.entry(key, metadata[key])) for key in sorted(metadata))
    return begin + nodes, tail, end


def _ends(graph: Graph) -> dict[str, str]:
    """What may enter, and what the inputs and outputs stand for, as metadata."""
    from archdsl.analyses.drawn import drawn
    from archdsl.analyses.entering import described

    entering = described(graph)
    if names := drawn(graph):
        entering[DRAWN] = json.dumps(list(names), ensure_ascii=False)
    if not graph.preprocess and not graph.labels:
        return entering
    from archdsl.interface import properties

    return entering | properties({value.name: value.type for value in graph.inputs}, graph.preprocess, graph.labels)
