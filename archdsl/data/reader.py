"""Data form -> graph. Everything in the document is checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from archdsl.data.form import (
    ArgumentForm,
    FloatForm,
    GraphForm,
    InitForm,
    InputForm,
    NodeForm,
    ParameterForm,
    StoredForm,
    SymbolicForm,
    TypeForm,
)
from archdsl.data.locate import Path, span_of
from archdsl.data.parse import parse_form
from archdsl.diagnostics import Diagnostic, DiagnosticError, Refusal, did_you_mean
from archdsl.dim_solve import unbound
from archdsl.dim_text import parse_dimension
from archdsl.dims import Dim, Symbol, limits, product
from archdsl.graph import Graph, NameMap, Node, Parameter, Stored, Value
from archdsl.interface import Preprocess, checked_labels, fitting_labels, preprocess_of
from archdsl.ops import base
from archdsl.ops.counted import Counted
from archdsl.shapes import Shape, TensorType, show_shape
from archdsl.source import Frame, Origin, Source, Span


def read_graph(source: Source, *, yaml: bool = False) -> Graph:
    """The graph a document describes; raises ``DiagnosticError`` (E08xx, or what an operator refuses)."""
    return _Reader(source, parse_form(source, yaml=yaml), yaml).graph()


class _Reader:
    """Builds the graph part by part; every refusal is located in the document."""

    def __init__(self, source: Source, form: GraphForm, yaml: bool) -> None:
        self.source = source
        self.form = form
        self.yaml = yaml
        self.values: dict[str, Value] = {}
        """Those that may be used at the place that is read: of the graph, or of a body."""
        self.names: set[str] = set()
        self.parameters: dict[str, Parameter] = {}
        self.preprocess: dict[str, Preprocess] = {}
        self.used: set[str] = set()
        self.found: dict[str, Symbol] = {}
        """Symbols that have bounds, and sizes that operators find in the data."""
        self.frames: list[Frame] = []

    def error(self, code: str, message: str, path: Path, **details: Any) -> DiagnosticError:
        return DiagnosticError([Diagnostic(code, message, span_of(self.source, path, yaml=self.yaml), **details)])

    def located(self, refusal: Refusal, path: Path) -> DiagnosticError:
        return DiagnosticError([refusal.located(span_of(self.source, path, yaml=self.yaml)).diagnostic()])

    def graph(self) -> Graph:
        form = self.form
        self.sources = [Source(s.name, s.text) for s in form.sources]
        for name, (least, most) in form.bounds.items():
            if most is not None and most < max(least, 1):
                raise self.error("E0805", f"no size is at least {least} and at most {most}", ["bounds", name])
            self.found[name] = Symbol.of(name, least, most)
        for index, input in enumerate(form.inputs):
            self.add_input(input, index)
        for name in unbound([dim for value in self.values.values() for dim in value.type.shape]):
            raise self.error("E0805", f"the sizes of the inputs do not say what `{name}` is", ["inputs"])
        self.check_sizes()
        for index, parameter in enumerate(form.parameters):
            self.add_parameter(parameter, index)
        for index, frame in enumerate(form.frames):
            parent = None if frame.parent is None else self.frame(frame.parent, index, ["frames", index, "parent"])
            span = self.span(frame.span, ["frames", index, "span"])
            self.frames.append(Frame(frame.name, frame.arguments, span, parent))
        nodes = [self.node(node, ["nodes", index]) for index, node in enumerate(form.nodes)]
        for index, parameter in enumerate(form.parameters):
            if parameter.path not in self.used:
                message = f"no node uses the parameter `{parameter.path}`"
                raise self.error("E0804", message, ["parameters", index, "path"])
        if not form.outputs:
            raise self.error("E0802", "a graph needs an output", ["outputs"])
        outputs = {name: self.value(value, ["outputs", name]) for name, value in form.outputs.items()}
        taps = {name: self.value(value, ["taps", name]) for name, value in form.taps.items()}
        inputs = [self.values[input.name] for input in form.inputs]
        return Graph(form.name, inputs, nodes, outputs, taps=taps, defaults=form.symbols, doc=form.doc,
            source_hash=form.source_hash, maps={name: self.map(name) for name in form.maps},
            preprocess=self.preprocess, labels=self.labels(outputs), states=self.states(outputs),
        )  # fmt: skip

    def check_sizes(self) -> None:
        """Refuse (E0805) declared values that their symbols cannot have."""
        for value in self.values.values():
            for dim in value.type.shape:
                for name in limits(dim):
                    size = self.form.symbols.get(name)
                    if size is not None and not name.allows(size):
                        message = f"`{name}` cannot be {size}: it is declared as `{name.bounds}`"
                        raise self.error("E0805", message, ["symbols", str(name)])

    def map(self, name: str) -> NameMap:
        """A name map that is written out; paths that it leaves out are called as they are."""
        found: dict[str, Stored] = {path: Stored(path, p.type.shape) for path, p in self.parameters.items()}
        for path, kept in self.form.maps[name].items():
            at: Path = ["maps", name, path]
            if path not in found:
                raise self.error("E0804", f"there is no parameter `{path}`", at)
            found[path] = self.stored(StoredForm(name=kept) if isinstance(kept, str) else kept, found[path].shape, at)
        owners: dict[str, str] = {}
        for path, one in found.items():
            if owners.setdefault(one.name, path) != path:
                raise self.error(
                    "E0804", f"`{owners[one.name]}` and `{path}` would both be `{one.name}`", ["maps", name]
                )
        return lambda parameters: found

    def stored(self, form: StoredForm, shape: Shape, path: Path) -> Stored:
        if form.order:
            if sorted(form.order) != list(range(len(shape))):
                raise self.error(
                    "E0805", f"the order of {len(shape)} axes must name each of them once", [*path, "order"]
                )
            return Stored(form.name, tuple(shape[axis] for axis in form.order), tuple(form.order))
        wanted = shape if form.shape is None else tuple(form.shape)
        if product(wanted) != product(shape):
            raise self.error(
                "E0805", f"{show_shape(wanted)} does not have as many elements as {show_shape(shape)}", path
            )
        return Stored(form.name, wanted)

    def add_input(self, form: InputForm, index: int) -> None:
        value = Value(form.name, self.type(form, ["inputs", index]))
        self.add_value(value, ["inputs", index, "name"])
        if form.preprocess is not None:
            try:
                self.preprocess[form.name] = preprocess_of(form.preprocess.model_dump()).settled(value.type)
            except Refusal as refusal:
                raise self.located(refusal, ["inputs", index, "preprocess"]) from None

    def states(self, outputs: Mapping[str, Value]) -> dict[str, str]:
        """The states of the model; refuses (E0804) names that are no input, or no output."""
        for name, after in self.form.states.items():
            if name not in {one.name for one in self.form.inputs} or after not in outputs:
                message = f"there is no input `{name}` and output `{after}` of a state"
                raise self.error("E0804", message, ["states", name])
        return self.form.states

    def labels(self, outputs: Mapping[str, Value]) -> dict[str, tuple[str, ...]]:
        found = {}
        for name, labels in self.form.labels.items():
            if name not in outputs:
                raise self.error("E0804", f"there is no output `{name}`", ["labels", name])
            try:
                found[name] = checked_labels(labels, "this list")
                fitting_labels(found[name], outputs[name].type.shape, f"`{name}`")
            except Refusal as refusal:
                raise self.located(refusal, ["labels", name]) from None
        return found

    def add_value(self, value: Value, path: Path) -> None:
        if value.name in self.names:
            raise self.error("E0804", f"there are two values called `{value.name}`", path)
        self.names.add(value.name)
        self.values[value.name] = value

    def value(self, name: str, path: Path) -> Value:
        if name not in self.values:
            known = self.values if len(self.values) < 5000 else ()
            help = did_you_mean(name, known, "nodes must be in topological order: a value is made before it is used")
            raise self.error("E0804", f"no value is called `{name}` here", path, help=help)
        return self.values[name]

    def add_parameter(self, form: ParameterForm, index: int) -> None:
        if form.path in self.parameters:
            raise self.error("E0804", f"there are two parameters `{form.path}`", ["parameters", index, "path"])
        try:
            init = _initializer(form.init)
        except Refusal as refusal:
            raise self.located(refusal, ["parameters", index, "init"]) from None
        type = self.type(form, ["parameters", index])
        self.parameters[form.path] = Parameter(form.path, type, init, form.buffer, form.trainable)

    def type(self, form: TypeForm | InputForm | ParameterForm, path: Path) -> TensorType:
        shape: list[Dim] = []
        for axis, dim in enumerate(form.shape):
            try:
                shape.append(dim if isinstance(dim, int) else parse_dimension(dim, self.found))
            except Refusal as refusal:
                raise self.located(refusal, [*path, "shape", axis]) from None
        return TensorType(form.dtype, tuple(shape))

    def frame(self, number: int, limit: int, path: Path) -> Frame:
        if not 0 <= number < limit:
            raise self.error("E0804", f"there is no frame {number} before this one", path)
        return self.frames[number]

    def span(self, span: tuple[int, int, int] | None, path: Path) -> Span | None:
        if span is None:
            return None
        number, start, end = span
        if not 0 <= number < len(self.sources):
            raise self.error("E0804", f"there is no source {number}", path)
        if not 0 <= start <= end <= len(self.sources[number].text):
            raise self.error("E0804", f"characters {start} to {end} are not in source {number}", path)
        return Span(self.sources[number], start, end)

    def origin(self, form: NodeForm, path: Path) -> Origin:
        if form.origin is None:
            return Origin(None)
        frame = form.origin.frame
        found = None if frame is None else self.frame(frame, len(self.frames), [*path, "origin", "frame"])
        return Origin(self.span(form.origin.span, [*path, "origin", "span"]), found)

    def node(self, form: NodeForm, path: Path) -> Node:
        inputs = [self.value(name, [*path, "inputs", i]) for i, name in enumerate(form.inputs)]
        op = self.operator(form, path)
        low, high = op.accepts
        if len(inputs) < low or (high is not None and len(inputs) > high):
            raise self.error("E0805", f"`{op.name}` does not take {len(inputs)} inputs", [*path, "inputs"])
        ins = [value.type for value in inputs]
        body: Graph | None = None
        if form.body is not None or op.holds_graph:
            op, body = self.body(form, op, ins, path)
        try:
            if isinstance(op, Counted):
                op = op.named(form.path, ins)
                self.found |= {str(op.symbol): op.symbol} if op.symbol else {}
            types, weights = op.shape(*ins), op.weights(*ins)
        except Refusal as refusal:
            raise self.located(refusal, path) from None
        self.check_types(form, types, path)
        params = self.params(form, weights, ins, path) if body is None else body.parameters()
        node = Node(op, inputs, types, form.path, params, self.origin(form, path), body)
        for value in node.outputs:
            self.add_value(value, [*path, "path"])
        return node

    def body(self, form: NodeForm, op: base.Op, ins: Sequence[TensorType], path: Path) -> tuple[base.Op, Graph]:
        """The graph that a node holds, and the operator with what follows from it."""
        if form.body is None or not op.holds_graph:
            wanted = f"`{op.name}` needs a body" if op.holds_graph else f"`{op.name}` holds no graph"
            raise self.error("E0805", wanted, path if form.body is None else [*path, "body"])
        at: Path = [*path, "body"]
        try:
            entering = op.enters(ins)
        except Refusal as refusal:
            raise self.located(refusal, path) from None
        if len(entering) != len(form.body.inputs):
            message = f"the body takes {len(form.body.inputs)} values, and gets {len(entering)}"
            raise self.error("E0805", message, [*at, "inputs"])
        inputs = [Value(name, type) for name, type in zip(form.body.inputs, entering)]
        outside, self.values = self.values, {}
        for index, value in enumerate(inputs):
            self.add_value(value, [*at, "inputs", index])
        nodes = [self.node(node, [*at, "nodes", index]) for index, node in enumerate(form.body.nodes)]
        outputs = {name: self.value(value, [*at, "outputs", name]) for name, value in form.body.outputs.items()}
        taps = {name: self.value(value, [*at, "taps", name]) for name, value in form.body.taps.items()}
        self.values = outside
        (follows,) = op.of_body
        op = op.replace(**{follows: tuple([value.type for value in outputs.values()])})
        return op, Graph(form.path, inputs, nodes, outputs, taps=taps)

    def operator(self, form: NodeForm, path: Path) -> base.Op:
        from archdsl import ops

        if not (ops.is_operator(form.op) or form.op in ops.WITHOUT_WORD or form.op in ops.offered()):
            help = did_you_mean(form.op, [*ops.names(), *ops.offered()], "`archdsl ops` lists all operators")
            raise self.error("E0804", f"there is no operator `{form.op}`", [*path, "op"], help=help)
        try:
            arguments = {
                name: self.argument(value, [*path, "arguments", name]) for name, value in form.arguments.items()
            }
            return ops.load(form.op).create(**arguments)
        except Refusal as refusal:
            named = [refusal.argument] if refusal.argument else []
            at = ["arguments", *named] if form.arguments else ["op"]
            raise self.located(refusal, [*path, *at]) from None

    def argument(self, value: ArgumentForm, path: Path) -> Any:
        if isinstance(value, SymbolicForm):
            return parse_dimension(value.dim, self.found)
        if isinstance(value, TypeForm):
            return self.type(value, path)
        if isinstance(value, InitForm):
            return _initializer(value)
        if isinstance(value, list):
            return tuple(self.argument(item, [*path, i]) for i, item in enumerate(value))
        return _plain(value)

    def check_types(self, form: NodeForm, types: Sequence[TensorType], path: Path) -> None:
        if form.outputs is None:
            return
        stated = [self.type(output, [*path, "outputs", i]) for i, output in enumerate(form.outputs)]
        if stated != list(types):
            shown = f"{_listed(stated)}, but `{form.op}` gives {_listed(types)}"
            raise self.error("E0805", f"`{form.path}` is stated as {shown}", [*path, "outputs"])

    def params(
        self, form: NodeForm, weights: Sequence[base.Weight], ins: Sequence[TensorType], path: Path
    ) -> dict[str, Parameter]:
        slots = [weight.slot or "value" for weight in weights]
        if sorted(slots) != sorted(form.parameters):
            wanted = ", ".join(slots) or "none"
            raise self.error("E0805", f"`{form.path}` has the parameters {wanted}", [*path, "parameters"])
        found = {}
        for slot, weight in zip(slots, weights):
            at = [*path, "parameters", slot]
            name = form.parameters[slot]
            if name not in self.parameters:
                raise self.error("E0804", f"there is no parameter `{name}`", at)
            parameter = self.parameters[name]
            wanted_type = TensorType(weight.dtype or (ins[0].dtype if ins else "f32"), weight.shape)
            if parameter.type != wanted_type or parameter.buffer != weight.buffer:
                kind = "buffer" if weight.buffer else "parameter"
                message = f"`{name}` is {parameter.type}, but `{form.path}` needs a {kind} {wanted_type}"
                raise self.error("E0805", message, at)
            found[slot] = parameter
            self.used.add(name)
        return found


def _initializer(form: InitForm) -> base.Initializer:
    if form.scheme == "file":
        raise Refusal(
            "E0802", f"the values of `{form.tensor}` lie in a file ({form.file or 'of the model'}), and data has none",
            help="give the model itself: `archdsl cost model.onnx`",
        )  # fmt: skip
    return base.Initializer(form.scheme, tuple(map(_plain, form.values)), form.fan_in, form.fan_out)


def _plain(value: Any) -> Any:
    return float(value.float) if isinstance(value, FloatForm) else value


def _listed(types: Iterable[TensorType]) -> str:
    return ", ".join(map(str, types)) or "nothing"
