"""Inputs and outputs of a network: ``input`` and ``output``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from archdsl import dims
from archdsl.diagnostics import Diagnostic, Refusal
from archdsl.dim_solve import UnequalError, solve
from archdsl.graph import Value
from archdsl.interface import interface_name
from archdsl.interpret.code import Code, Context, Step, compiled, statement
from archdsl.interpret.control import choice
from archdsl.interpret.dimensions import INNER, check_ends, type_code
from archdsl.interpret.env import Env, NetworkRun
from archdsl.interpret.labels import is_label
from archdsl.interpret.misreadings import input_misread, misspelt
from archdsl.interpret.values import BlockValue, Indexed, as_flow, describe, is_flow, show
from archdsl.shapes import TensorType
from archdsl.syntax import spec
from archdsl.tape.paths import Labelled, Naming, join
from archdsl.tape.poison import POISON, Flow


@statement(spec.Input)
def _input(statement: spec.Input, context: Context) -> Step:
    """``input name: f32[N, 3, 224, 224] with …``; the flow starts at the first."""
    declared = type_code(statement.type, context)
    called = None if statement.called is None else compiled(statement.called, context)

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
        value: Any
        if network.feed is not None:
            value = _fed(statement, type, network, env)
        else:
            name = statement.name if called is None else called(env)
            value = POISON if name is POISON else _entered(name, statement, type, env)
        env.names[statement.name] = value
        if not network.started:
            network.started = True
            flow = value
        return flow

    return run


def _entered(name: str, statement: spec.Input, type: TensorType, env: Env) -> Value:
    """An input of the graph, called ``name`` there."""
    draft = env.session.draft
    if any(value.name == name for value in draft.inputs):
        raise Refusal("E0207", f"two inputs are called `{name}`")
    if statement.called is not None:
        _plain(name, "an input", statement.called)
    value = Value(name, type)
    draft.inputs.append(value)
    draft.places[name] = statement.span
    for axis, dim in enumerate(statement.type.dims):
        declared = dim.dim if isinstance(dim, spec.SizedDim) else dim
        if isinstance(declared, spec.Name) and declared.id in env.session.bind and declared.id in draft.symbols:
            env.session.tape.bound_axes[value, axis] = declared.id
    env.session.tape.paths.add(name)
    if doubt := input_misread(name, type, statement.type.span):
        env.session.faults.report(doubt)
    if statement.preprocess is not None:
        from archdsl.interpret.preprocess_and_labels import declare

        declare("preprocess", name, value, statement.preprocess, env)
    return value


def _plain(name: str, what: str, written: spec.Expr) -> None:
    """Refuse (E0205) a text that no input or output can be called."""
    try:
        interface_name(name, what)
    except Refusal as refusal:
        raise refusal.located(written.span) from None


def _fed(statement: spec.Input, declared: TensorType, run: NetworkRun, env: Env) -> Any:
    """An input of a network inside another: the next tensor of the flow that entered it. It binds the symbols."""
    assert run.feed is not None
    if not run.feed:
        raise Refusal("E0310", f"no tensor is given for the input `{statement.name}`")
    value = run.feed.pop(0)
    used = {name for dim in declared.shape for name in dims.symbols(dim)}
    inner = {name for name in used if name.endswith(INNER)}
    env.names.update({name.removesuffix(INNER): POISON for name in inner})
    if value is POISON:
        run.feed = []
        return POISON
    outer = {name: env.session.draft.symbols.get(name, dims.symbol(name)) for name in used - inner}
    found: Mapping[str, dims.Dim] | None = None
    if (value.type.dtype, value.type.rank) == (declared.dtype, declared.rank):
        with suppress(UnequalError):
            found = solve(
                zip(declared.shape, value.type.shape),
                outer,
            )
    if found is None or not used <= found.keys():
        message = f"the input `{statement.name}` is {declared}, but it is given {value.type}"
        raise Refusal("E0303", message.replace(INNER, ""))
    for name in {one for dim in declared.shape for one in dims.limits(dim)}:
        if name in inner and name.bounded:
            ends = None if name.least == 1 else name.least, name.most
            check_ends(found[name.plain], ends, f"`{name.removesuffix(INNER)}` of the input `{statement.name}`", None)
    env.names.update({name.removesuffix(INNER): found[name] for name in inner})
    return value


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
    called = None if item.called is None else compiled(item.called, context)

    def declare(env: Env, run: NetworkRun, flow: Flow) -> None:
        name = _name(item.name, index, env) if called is None else called(env)
        if name is POISON:
            return
        if item.called is not None:
            run.outputs[""] = POISON
            _plain(name, "an output", item.called)
            del run.outputs[""]
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
        run.places.setdefault(next(iter(values), name), item.span)
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
        path = outer.label(name) if is_label(name) else outer.allocate("output")
        return step(env.at(env.place.at(outer.child(path))), flow, "direct")

    return value
