"""Inputs and outputs of a network: ``input`` and ``output``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from archdsl import dim_order, dims
from archdsl.diagnostics import Diagnostic, Refusal, did_you_mean
from archdsl.dim_solve import UnequalError, solve
from archdsl.element_types import ELEMENT_TYPES
from archdsl.graph import Value
from archdsl.interpret.code import Code, Context, Step, compiled, statement
from archdsl.interpret.control import choice
from archdsl.interpret.env import Env, NetworkRun
from archdsl.interpret.misreadings import input_misread, misspelt
from archdsl.interpret.values import BlockValue, Indexed, as_flow, describe, is_flow, show
from archdsl.shapes import TensorType
from archdsl.source import Span
from archdsl.syntax import spec
from archdsl.syntax.walk import walk
from archdsl.tape.paths import Labelled, Naming, join
from archdsl.tape.poison import POISON, Flow

Dimension = Callable[[Env], dims.Dim]
"""A declared dimension, in a scope."""


@statement(spec.Input)
def _input(statement: spec.Input, context: Context) -> Step:
    """``input name: f32[N, 3, 224, 224] with …``; the flow starts at the first."""
    declared = _type_code(statement.type, context)

    def run(env: Env, flow: Flow, naming: Naming) -> Flow:
        network = env.run
        if network is None:
            help = "a block gets its input by `->`; inside, it is `in`"
            raise Refusal("E0217", "only networks can declare inputs", help=help)
        try:
            type = declared(env)
        except Refusal:
            if network.feed:
                network.feed.pop(0)  # it was for this input: it is not one too many
            raise
        value = _entered(statement, type, env) if network.feed is None else _fed(statement, type, network, env)
        env.names[statement.name] = value
        if network.started:
            return flow
        network.started = True
        return value

    return run


def _entered(statement: spec.Input, type: TensorType, env: Env) -> Value:
    """An input of the graph."""
    draft = env.session.draft
    if any(value.name == statement.name for value in draft.inputs):
        raise Refusal("E0207", f"two inputs are called `{statement.name}`")
    value = Value(statement.name, type)
    draft.inputs.append(value)
    draft.places[statement.name] = statement.span
    for axis, dim in enumerate(statement.type.dims):
        declared = dim.dim if isinstance(dim, spec.SizedDim) else dim
        if isinstance(declared, spec.Name) and declared.id in env.session.bind and declared.id in draft.symbols:
            env.session.tape.bound_axes[value, axis] = declared.id
    env.session.tape.paths.add(statement.name)
    if doubt := input_misread(statement.name, type, statement.type.span):
        env.session.faults.report(doubt)
    if statement.preprocess is not None:
        from archdsl.interpret.preprocess_and_labels import declare

        declare("preprocess", statement.name, value, statement.preprocess, env)
    return value


def _fed(statement: spec.Input, declared: TensorType, run: NetworkRun, env: Env) -> Any:
    """An input of a network inside another: the next tensor of the flow that entered it. It binds the symbols."""
    assert run.feed is not None
    if not run.feed:
        raise Refusal("E0310", f"no tensor is given for the input `{statement.name}`")
    value = run.feed.pop(0)
    used = {name for dim in declared.shape for name in dims.symbols(dim)}
    inner = {name for name in used if name.endswith(_INNER)}
    env.names.update({name.removesuffix(_INNER): POISON for name in inner})
    if value is POISON:
        run.feed = []
        return POISON
    found: Mapping[str, dims.Dim] | None = None
    if (value.type.dtype, value.type.rank) == (declared.dtype, declared.rank):
        with suppress(UnequalError):
            found = solve(zip(declared.shape, value.type.shape), {name: dims.symbol(name) for name in used - inner})
    if found is None or not used <= found.keys():
        message = f"the input `{statement.name}` is {declared}, but it is given {value.type}"
        raise Refusal("E0303", message.replace(_INNER, ""))
    env.names.update({name.removesuffix(_INNER): found[name] for name in inner})
    return value


def _type_code(type: spec.TensorTypeExpr, context: Context) -> Callable[[Env], TensorType]:
    sizes = [_dimension(dim, context) for dim in type.dims]

    def declared(env: Env) -> TensorType:
        if type.dtype not in ELEMENT_TYPES:
            help = did_you_mean(type.dtype, ELEMENT_TYPES, f"element types: {', '.join(ELEMENT_TYPES)}")
            raise Refusal("E0201", f"there is no element type `{type.dtype}`", help=help).located(type.span)
        found = TensorType(type.dtype, tuple([size(env) for size in sizes]))
        try:
            env.session.bounds.check_sizes((found,))
        except Refusal as refusal:
            raise refusal.located(type.span) from None
        return found

    return declared


def _dimension(dim: spec.Expr, context: Context) -> Dimension:
    """``224``, ``H``, ``16 * H``, ``H = 224``, ``16 * H = 224``: capital names that nothing else has are symbols."""
    declared, given = (dim.dim, dim.size) if isinstance(dim, spec.SizedDim) else (dim, None)
    code = compiled(declared, context)
    default = None if given is None else compiled(given, context)
    names = [n.id for n in walk(declared) if isinstance(n, spec.Name) and n.id[0].isupper()]

    def declared_size(env: Env) -> dims.Dim:
        for name in names:
            if name in ("None", "True", "False"):
                help = "name an axis of any size with a symbol: `f32[N, 3, 224, 224]`"
                raise Refusal("E0205", f"a dimension cannot be `{name}`", help=help).located(dim.span)
            if not isinstance(env.find(name), int | dims.Expr):
                _declare(name, env)
        found = code(env)
        if isinstance(found, bool) or not isinstance(found, int | dims.Expr):
            raise Refusal("E0204", f"a dimension must be an integer, not {describe(found)}").located(dim.span)
        if dim_order.at_least(found, 1) is False:
            help = "name it with a symbol: `f32[N, 3, H, W]`"
            raise Refusal("E0205", f"a dimension must be at least 1, not {found}", help=help).located(dim.span)
        if isinstance(found, dims.Expr) and env.run is not None and env.run.feed is None:
            env.session.draft.dims.append((found, dim.span))
            if default is not None:
                _give(found, default(env), dim.span, env)
        return found if isinstance(found, dims.Expr) else int(found)

    return declared_size


_INNER = "'"
"""Ends the names of symbols of a network inside another, until the tensor that enters it says what they are."""


def _declare(name: str, env: Env) -> None:
    """A symbol of the graph, or of a network inside another."""
    session, draft = env.session, env.session.draft
    if env.run is not None and env.run.feed is not None:
        env.names[name] = dims.symbol(name + _INNER)
    elif name in session.bind:
        draft.symbols[name] = dims.BoundSize.of(name, session.bind[name])
    else:
        draft.symbols.setdefault(name, dims.symbol(name))


def _give(dim: dims.Expr, size: Any, span: Span, env: Env) -> None:
    """A declared dimension has a size: its symbols get the values at which costs are reported."""
    draft = env.session.draft
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        message = f"the size of `{dim}` must be a positive integer, not {describe(size)}"
        raise Refusal("E0204", message).located(span)
    try:
        found = solve([(dim, size)], draft.defaults)
    except UnequalError as unequal:
        where = " and ".join(f"{name} = {value}" for name, value in unequal.known.items())
        raise Refusal("E0205", f"`{dim}` cannot be {size}", note=f"where {where}" if where else "").located(
            span
        ) from None
    if open_ := sorted(dims.symbols(dim) - found.keys()):
        help = f"give `{open_[0]}` a size in another dimension: `{open_[0]} = …`"
        raise Refusal("E0205", f"{dim} = {size} does not say what `{open_[0]}` is", help=help).located(span)
    draft.defaults.update({name: value for name, value in found.items() if isinstance(value, int)})


@statement(spec.Output)
def _output(statement: spec.Output, context: Context) -> Step:
    """``output logits``, ``output a = x, b = y``. A ``train output`` is made in every graph, so that its faults are
    told and what it needs is used; it is kept only in graphs for training.
    """
    items = [_item(item, statement.train, context) for item in statement.items]

    def run(env: Env, flow: Flow, naming: Naming) -> Flow:
        network = env.run
        if network is None:
            raise Refusal("E0217", "only networks can declare outputs", help="the result of a block is its last flow")
        for item in items:
            item(env, network, flow)
        return flow

    return run


def _item(item: spec.OutputItem, train: bool, context: Context) -> Callable[[Env, NetworkRun, Flow], None]:
    index = None if item.index is None else compiled(item.index, context)
    value_of = None if item.value is None else _value_code(item.value, context)

    def declare(env: Env, run: NetworkRun, flow: Flow) -> None:
        name = _name(item.name, index, env)
        if name is POISON:
            return
        value: Any = _made(item, name, env, run, flow) if value_of is None else value_of(env, name, flow)
        if name in run.outputs:
            raise Refusal("E0207", f"two outputs are called `{name}`").located(item.span)
        if value is not POISON and not is_flow(value):
            help = (
                f"label what it made, `{name}: …`; `output {name} = {name}` applies it here"
                if isinstance(value, BlockValue)
                else ""
            )
            message = f"the output `{name}` must be a tensor, not {describe(value)}"
            raise Refusal("E0204", message, help=help).located(item.span)
        run.places[name] = item.span
        values = {join(name, str(i)): v for i, v in enumerate(value)} if isinstance(value, tuple) else {name: value}
        run.outputs.update(values)
        if train:
            run.trained.update(values)
            env.session.draft.trained += values.values()
        if item.labels is not None and run.feed is None and (env.session.train or not train):
            from archdsl.interpret.preprocess_and_labels import declare

            declare("labels", name, value, item.labels, env)

    return declare


def _made(item: spec.OutputItem, name: str, env: Env, run: NetworkRun, flow: Flow) -> Any:
    """What ``output name`` gives: what this network calls so, if it is a tensor or a block; else the flow."""
    found = env.find(item.name, labels=True, within=run.scope)
    if isinstance(found, Labelled):
        found = found.result
    if isinstance(found, Indexed) and item.index is not None:
        labelled = next((value for k, value in found.items.items() if f"{item.name}.{k}" == name), None)
        found = labelled.result if labelled is not None else flow
    found = as_flow(found, env.session.bounds)
    if found is POISON or is_flow(found) or isinstance(found, BlockValue):
        return found
    _nearly(item, name, env)
    return flow


def _nearly(item: spec.OutputItem, name: str, env: Env) -> None:
    """Warn (W0213) where an output that is the flow has nearly the name of a label."""
    labels = {other for other, value in env.labelled() if isinstance(value, Labelled)}
    if near := next((other for other in sorted(labels) if misspelt(name, other)), None):
        message = f"`{name}` is no label, so this output is the flow; there is a label `{near}`"
        help = f"write `output {near}`, or another name"
        env.session.faults.report(Diagnostic("W0213", message, item.span, help=help))


def _name(name: str, index: Code | None, env: Env) -> Any:
    if index is None:
        return name
    found = index(env)
    return POISON if found is POISON else f"{name}.{show(found)}"


def _value_code(expr: spec.Expr, context: Context) -> Callable[[Env, str, Flow], Flow]:
    """The value of an output; what is computed for it has its name as path, as under a label."""
    step = choice(expr, context)
    if isinstance(expr, spec.Name | spec.Attribute | spec.Index):
        return lambda env, name, flow: step(env, flow, "spliced")

    def value(env: Env, name: str, flow: Flow) -> Flow:
        outer = env.place.scope
        return step(env.at(env.place.at(outer.child(outer.label(name)))), flow, "direct")

    return value
