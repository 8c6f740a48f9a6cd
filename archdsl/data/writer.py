"""Graph -> data form -> JSON or YAML text."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

from archdsl.data.form import (
    FORMAT,
    FORMAT_VERSION,
    BodyForm,
    FrameForm,
    GraphForm,
    InitForm,
    InputForm,
    NodeForm,
    OriginForm,
    ParameterForm,
    PreprocessForm,
    SourceForm,
    StoredForm,
    TypeForm,
)  # fmt: skip
from archdsl.diagnostics import Refusal
from archdsl.dims import Dim, Expr
from archdsl.graph import Graph, NameMap, Node, Parameter, Value
from archdsl.interface import Preprocess
from archdsl.ops.base import Initializer, Op
from archdsl.report.json import WIDTH, layout
from archdsl.shapes import TensorType
from archdsl.source import Frame, Origin, Source, Span

if TYPE_CHECKING:
    from archdsl.weights.tensor import Loaded


def to_form(graph: Graph) -> GraphForm:
    """The graph as typed data; nothing is lost."""
    origins = _Origins()
    nodes = [_node(node, origins) for node in graph.nodes]
    return GraphForm(
        format=FORMAT,
        format_version=FORMAT_VERSION,
        name=graph.name,
        doc=graph.doc,
        source_hash=graph.source_hash,
        symbols=graph.defaults,
        bounds={str(name): (name.least, name.most) for name in graph.symbols() if name.bounded},
        inputs=[_input(value, graph.preprocess.get(value.name)) for value in graph.inputs],
        parameters=[_parameter(p) for p in graph.parameters().values()],
        nodes=nodes,
        outputs={name: value.name for name, value in graph.outputs.items()},
        states=graph.states,
        labels={name: list(names) for name, names in graph.labels.items()},
        taps={name: value.name for name, value in graph.taps.items()},
        maps={name: _map(graph, names) for name, names in graph.maps.items()},
        sources=origins.sources,
        frames=origins.frames,
    )


def to_json(graph: Graph) -> str:
    """The data form as JSON: deterministic, one node a line where it fits."""
    return layout(to_form(graph).model_dump(mode="python", exclude_defaults=True)) + "\n"


def to_yaml(graph: Graph) -> str:
    """The data form as YAML; needs the extra ``yaml``."""
    from archdsl.data.parse import yaml_package

    yaml = yaml_package()
    data = to_form(graph).model_dump(mode="json", exclude_defaults=True)
    return str(yaml.safe_dump(data, sort_keys=False, default_flow_style=None, width=WIDTH, allow_unicode=True))


class _Origins:
    """Numbers sources and frames in order of first use; frames are shared by identity."""

    def __init__(self) -> None:
        self.sources: list[SourceForm] = []
        self.frames: list[FrameForm] = []
        self._source_index: dict[int, int] = {}
        self._frame_index: dict[int, int] = {}

    def origin(self, origin: Origin) -> OriginForm:
        return OriginForm(span=self._span(origin.span), frame=self._frame(origin.frame))

    def _span(self, span: Span | None) -> tuple[int, int, int] | None:
        return None if span is None else (self._source(span.source), span.start, span.end)

    def _source(self, source: Source) -> int:
        if id(source) not in self._source_index:
            self._source_index[id(source)] = len(self.sources)
            self.sources.append(SourceForm(name=source.name, text=source.text))
        return self._source_index[id(source)]

    def _frame(self, frame: Frame | None) -> int | None:
        chain = []
        while frame is not None and id(frame) not in self._frame_index:
            chain.append(frame)
            frame = frame.parent
        for one in reversed(chain):  # outermost first, so that parents stand before their children
            parent = None if one.parent is None else self._frame_index[id(one.parent)]
            self._frame_index[id(one)] = len(self.frames)
            self.frames.append(
                FrameForm(name=one.name, arguments=one.arguments, span=self._span(one.span), parent=parent)
            )
        innermost = chain[0] if chain else frame
        return None if innermost is None else self._frame_index[id(innermost)]


def _input(value: Value, how: Preprocess | None) -> InputForm:
    form = None
    if how is not None:
        fields = {name: getattr(how, name) for name in how._fields}
        form = PreprocessForm(**{**fields, "mean": _argument(how.mean), "std": _argument(how.std)})
    return InputForm(name=value.name, dtype=value.type.dtype, shape=_shape(value.type), preprocess=form)  # type: ignore[arg-type]


def _node(node: Node, origins: _Origins) -> NodeForm:
    return NodeForm(
        path=node.path,
        op=node.op.name,
        arguments=arguments(node.op),
        inputs=[value.name for value in node.inputs],
        outputs=[_type(value.type) for value in node.outputs],
        parameters={slot: p.path for slot, p in node.params.items()} if node.body is None else {},
        body=None if node.body is None else _body(node.body, origins),
        origin=origins.origin(node.origin),
    )


def _body(body: Graph, origins: _Origins) -> BodyForm:
    return BodyForm(
        inputs=[value.name for value in body.inputs],
        nodes=[_node(node, origins) for node in body.nodes],
        outputs={name: value.name for name, value in body.outputs.items()},
        taps={name: value.name for name, value in body.taps.items()},
    )


def arguments(op: Op) -> dict[str, Any]:
    """The arguments of an operator that are not at their defaults, as data; what follows from a body is left out."""
    found = {}
    for name, declared in op.signature.items():
        if name in op.of_body:
            continue
        value = getattr(op, name)
        if type(value) is not type(declared.default) or value != declared.default:
            found[name] = _argument(value)
    return found


def _argument(value: Any) -> Any:
    if isinstance(value, Expr):
        return {"dim": str(value)}
    if isinstance(value, TensorType):
        return _type(value)
    if isinstance(value, Initializer):
        return _init(value)
    if isinstance(value, tuple | list):
        return [_argument(item) for item in value]
    if isinstance(value, float) and not isfinite(value):
        return {"float": str(value)}
    return value


def _parameter(p: Parameter) -> ParameterForm:
    if type(p.init) is not Initializer:
        from archdsl.weights.tensor import Loaded

        if isinstance(p.init, Loaded):
            init = _in_file(p.init)
        else:
            raise Refusal("E0802", f"`{p.path}` is computed from other weights: write the graph before it is folded")
    else:
        init = _init(p.init)
    shape = _shape(p.type)
    return ParameterForm(
        path=p.path, dtype=p.type.dtype, shape=shape, init=init, buffer=p.buffer, trainable=p.trainable  # type: ignore[arg-type]
    )  # fmt: skip


def _in_file(init: Loaded) -> InitForm:
    """A tensor of a file by its name; values are no data."""
    tensor = init.tensor
    assert tensor is not None
    file = tensor.place.path.name if tensor.place is not None else ""
    return InitForm(scheme="file", file=file, tensor=tensor.name)


def _map(graph: Graph, names: NameMap) -> dict[str, str | StoredForm]:
    parameters = graph.parameters()
    found: dict[str, str | StoredForm] = {}
    for path, stored in names(parameters).items():
        if stored.order:
            found[path] = StoredForm(name=stored.name, order=list(stored.order))
        elif stored.shape != parameters[path].type.shape:
            found[path] = StoredForm(name=stored.name, shape=list(stored.shape))  # type: ignore[arg-type]
        elif stored.name != path:
            found[path] = stored.name
    return found


def _init(init: Initializer) -> InitForm:
    return InitForm(
        scheme=init.scheme,  # type: ignore[arg-type]
        values=[_argument(v) for v in init.values],
        fan_in=init.fan_in,
        fan_out=init.fan_out,
    )


def _type(type: TensorType) -> TypeForm:
    return TypeForm(dtype=type.dtype, shape=_shape(type))  # type: ignore[arg-type]


def _shape(type: TensorType) -> list[Dim]:
    return [dim if isinstance(dim, int) else str(dim) for dim in type.shape]  # type: ignore[misc]
