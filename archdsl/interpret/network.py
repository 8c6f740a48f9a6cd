"""Networks: their inputs and outputs, and a network applied as a block."""

from __future__ import annotations

from functools import partial
from typing import Any

from archdsl import dims
from archdsl.diagnostics import Refusal, did_you_mean
from archdsl.element_types import ELEMENT_TYPES
from archdsl.graph import Value
from archdsl.interpret.env import Env, NetworkRun, Place
from archdsl.interpret.evaluate import evaluate
from archdsl.interpret.execute import run_body, run_flow, runs
from archdsl.interpret.kinds import parameter_kind
from archdsl.interpret.parametric import Formal, Parametric
from archdsl.interpret.statements import with_defaults
from archdsl.interpret.user_blocks import fill_parameters
from archdsl.interpret.values import POISON, Flow, describe, is_flow, show, show_arguments, show_settings
from archdsl.shapes import TensorType
from archdsl.source import Frame, Span
from archdsl.syntax import spec
from archdsl.tape.paths import join


class NetworkBlock(Parametric):
    """A network; it may be applied as a block, its inputs fed from the flow."""

    kind_name = "a network"
    runs_poisoned = True

    def __init__(self, definition: spec.Network, env: Env) -> None:
        super().__init__()
        self.definition = definition
        self.env = env
        self.name = definition.name
        self.formals = tuple(
            Formal(p.name, parameter_kind(p.kind) if p.kind else None, p.default is None) for p in definition.parameters
        )

    def apply(self, flow: Flow, place: Place, span: Span | None) -> Flow:
        inner = place.inside(place.scope.block(self.name), None)
        feed = [POISON] if flow is POISON else list(flow if isinstance(flow, tuple) else (flow,))
        run = NetworkRun(feed)
        result = self.run(run, inner, span, flow)
        if run.feed:
            raise Refusal("E0310", f"`{self.name}` has {len(feed)} input(s) fewer than the tensors that enter it")
        outputs = tuple(run.outputs.values())
        if any(o is POISON for o in outputs):
            return POISON
        return (outputs[0] if len(outputs) == 1 else outputs) if outputs else result

    def run(self, run: NetworkRun, place: Place, span: Span | None, flow: Flow) -> Flow:
        """Run the body at ``place``; its inputs come from ``run.feed``, or are the graph's."""
        effective = {**self.defaults, **self.bound}
        self.missing(effective)
        frame = place.frame = Frame(self.name, partial(show_arguments, effective), span, place.frame)
        env = Env(self.env, place, "body", flow)
        env.run = run
        fill_parameters(self.definition.parameters, self.formals, effective, env)
        frame.settle(partial(show_settings, [p.name for p in self.definition.parameters], env.names))
        if self.definition.defaults:
            env.defaults = with_defaults(self.definition.defaults, env)
        return run_body(self.definition.body, env, flow)


@runs(spec.Input)
def declare_input(statement: spec.Input, env: Env, flow: Flow) -> Flow:
    """``input name: f32[N, 3, 224, 224] with …``; the flow starts at the first."""
    run = env.run
    if run is None:
        raise Refusal(
            "E0217", "only networks declare inputs", help="a block gets its input by `->`; inside, it is `in`"
        )
    declared = _declared_type(statement.type, env)
    if run.feed is None:
        if any(value.name == statement.name for value in env.session.inputs):
            raise Refusal("E0207", f"two inputs are called `{statement.name}`")
        value: Any = Value(statement.name, declared)
        env.session.inputs.append(value)
        env.session.paths.add(statement.name)
    else:
        value = _fed(statement, declared, run, env)
    if statement.preprocess is not None and run.feed is None:
        from archdsl.interpret.preprocess_and_labels import declare

        declare("preprocess", statement.name, value, statement.preprocess, env)
    env.names[statement.name] = value
    if run.started:
        return flow
    run.started = True
    env.entered = value
    return value  # type: ignore[no-any-return]


def _fed(statement: spec.Input, declared: TensorType, run: NetworkRun, env: Env) -> Any:
    assert run.feed is not None
    if not run.feed:
        raise Refusal("E0310", f"no tensor is left for the input `{statement.name}`")
    value = run.feed.pop(0)
    if value is POISON:
        run.feed = []
        return POISON
    fits = value.type.dtype == declared.dtype and value.type.rank == declared.rank
    for wanted, actual in zip(declared.shape, value.type.shape) if fits else ():
        if isinstance(wanted, dims.Expr) and len(dims.symbols(wanted)) == 1 and str(wanted) in dims.symbols(wanted):
            env.names[str(wanted)] = actual
        elif wanted != actual:
            fits = False
    if not fits:
        raise Refusal("E0303", f"the input `{statement.name}` is {declared}, but {value.type} enters")
    return value


def _declared_type(type: spec.TensorTypeExpr, env: Env) -> TensorType:
    if type.dtype not in ELEMENT_TYPES:
        raise Refusal(
            "E0201", f"there is no element type `{type.dtype}`",
            help=did_you_mean(type.dtype, ELEMENT_TYPES, f"element types: {', '.join(ELEMENT_TYPES)}"),
        ).located(type.span)  # fmt: skip
    declared = TensorType(type.dtype, tuple(_declared_dim(dim, env) for dim in type.dims))
    try:
        env.session.check_sizes((declared,))
    except Refusal as refusal:
        raise refusal.located(type.span) from None
    return declared


def _declared_dim(dim: spec.Expr, env: Env) -> dims.Dim:
    if isinstance(dim, spec.SymbolDim):
        default = evaluate(dim.default, env)
        if isinstance(default, bool) or not isinstance(default, int) or default < 1:
            raise Refusal(
                "E0204", f"the value of `{dim.name}` must be a positive integer, not {describe(default)}"
            ).located(dim.span)
        return _symbol(dim.name, default, env)
    if isinstance(dim, spec.Name) and dim.id[0].isupper() and not isinstance(env.find(dim.id), int | dims.Expr):
        return _symbol(dim.id, None, env)
    size = evaluate(dim, env)
    if isinstance(size, bool) or not isinstance(size, int | dims.Expr):
        raise Refusal("E0204", f"a dimension must be an integer, not {describe(size)}").located(dim.span)
    if isinstance(size, int) and size < 1:
        raise Refusal("E0205", f"a dimension must be at least 1, not {size}").located(dim.span)
    return size


def _symbol(name: str, default: int | None, env: Env) -> dims.Dim:
    session = env.session
    if name in session.bind:
        session.symbols[name] = session.bind[name]
        return session.bind[name]
    session.symbols.setdefault(name, dims.symbol(name))
    if default is not None:
        session.defaults[name] = default
    elif name == "N":
        session.defaults.setdefault("N", 1)
    return session.symbols[name]


@runs(spec.Output)
def declare_output(statement: spec.Output, env: Env, flow: Flow) -> Flow:
    """``output logits``, ``output a = x, b = y``; ``train output`` exists only when compiling for training."""
    run = env.run
    if run is None:
        raise Refusal("E0217", "only networks declare outputs", help="the result of a block is its last flow")
    if statement.train and (not env.session.train or run.feed is not None):
        return flow
    for item in statement.items:
        name = _output_name(item, env)
        if name is POISON:
            continue
        value = flow if item.value is None else _output_value(item.value, name, env, flow)
        if name in run.outputs:
            raise Refusal("E0207", f"two outputs are called `{name}`").located(item.span)
        if value is not POISON and not is_flow(value):
            raise Refusal("E0204", f"the output `{name}` must be a tensor, not {describe(value)}").located(item.span)
        if isinstance(value, tuple):
            run.outputs.update({join(name, str(i)): v for i, v in enumerate(value)})
        else:
            run.outputs[name] = value
        if statement.train:
            run.trained[name] = value
        if item.labels is not None and run.feed is None:
            from archdsl.interpret.preprocess_and_labels import declare

            declare("labels", name, value, item.labels, env)
    return flow


def _output_name(item: spec.OutputItem, env: Env) -> Any:
    if item.index is None:
        return item.name
    index = evaluate(item.index, env)
    return POISON if index is POISON else f"{item.name}.{show(index)}"


def _output_value(expr: spec.Expr, name: str, env: Env, flow: Flow) -> Any:
    """What an output names; what is computed for it stands under its name, as under a label."""
    if isinstance(expr, spec.Name | spec.Attribute | spec.Index):
        return run_flow(expr, env, flow)
    outer = env.place.scope
    scope = outer.child(outer.label(name))
    scope.solo = "any"
    return run_flow(expr, env.at(env.place.at(scope)), flow)
