"""Definitions as blocks, modules as scopes, and from a definition and its arguments to a graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from archdsl import ops
from archdsl.diagnostics import Refusal, did_you_mean
from archdsl.graph import Node
from archdsl.interpret import arithmetic, attributes, calls, control, inputs_and_outputs, scans  # noqa: F401  (they register rules)
from archdsl.interpret.arguments import Call
from archdsl.interpret.code import BodyCode, Context, Step, compiled, compiled_once, head_span, run_stages, stages
from archdsl.interpret.elaboration import Elaborated, Elaboration, held
from archdsl.interpret.env import Env, NetworkRun
from archdsl.interpret.file_lets import Function, let_value
from archdsl.interpret.finish import drafted, settle_outputs
from archdsl.interpret.functions import all_bounded
from archdsl.interpret.memo import Application
from archdsl.interpret.operators import operator_block
from archdsl.interpret.parameters import Parameters
from archdsl.interpret.parametric import Parametric
from archdsl.interpret.session import Session
from archdsl.interpret.statements import defaults_code
from archdsl.interpret.values import show_arguments
from archdsl.modules.module import Definition, Module, definition_span
from archdsl.modules.resolve import settled
from archdsl.ops.kinds import Kind
from archdsl.process import collector_paused, deep_stack
from archdsl.source import Frame, Span
from archdsl.syntax import spec
from archdsl.tape.bindings import check_sizes
from archdsl.tape.faults import Faults
from archdsl.tape.limits import DEFAULT, BoundExceeded, Limits
from archdsl.tape.paths import Naming, PathScope
from archdsl.tape.poison import POISON, Flow
from archdsl.tape.tape import Place


@deep_stack()
@collector_paused()
def elaborate(
    module: Module,
    target: spec.Variant | spec.Network,
    arguments: Mapping[str, Any] | None = None,
    *,
    bindings: Mapping[str, int] | None = None,
    train: bool = False,
    limits: Limits = DEFAULT,
    hold: bool = True,
) -> Elaboration:
    """Elaborate a variant, or a network with its defaults; ``arguments`` override its parameters.

    ``bindings`` gives symbols fixed values. A network's own claims hold for its defaults only, so that a variant
    keeps just those of its own body. Sizes that the inputs declare are held against every rule that fixed sizes are
    held against, unless ``hold`` is false.
    """
    session = Session(train=train, bind=bindings, limits=limits)
    session.beside = module.beside
    settled(module, target)
    bounds, faults = session.bounds, session.faults
    run = NetworkRun(None)
    live: set[Node] = set()
    stopped = False
    try:
        env = module_scope(module, session)
        block = _target(target, env, arguments or {})
        if isinstance(block, NetworkBlock):
            flow = block.run(run, Place(session.tape, PathScope()), definition_span(target), POISON)
            if isinstance(target, spec.Variant):
                _variant_claims(target, env, run)
            live = settle_outputs(session, run, flow)
    except BoundExceeded as exceeded:
        stopped = True
        refusal = exceeded.located(definition_span(target)).refusal
        if exceeded.told and (bounds.steps - bounds.explained > bounds.limits.steps or refusal.code != "E0501"):
            faults.report(refusal.diagnostic())
    except RecursionError:
        stopped = True
        faults.report(bounds.too_deep().located(definition_span(target)).refusal.diagnostic())
    except Refusal as refusal:
        faults.refuse(refusal.located(definition_span(target)), None)
    draft = session.draft
    graph = (
        None if _failed(faults) or not draft.outputs else drafted(session, module, target, block.definition.doc, live)
    )
    found = Elaboration(
        graph, tuple(draft.claims), tuple(faults.diagnostics), bounds.steps,
        session.tape.made, stopped, tuple(draft.maps)
    )  # fmt: skip
    return held(found, session.bind, _again(module, target, arguments, train, limits)) if hold else found


def _failed(faults: Faults) -> bool:
    """Behind an expected shape that is another one, the graph is there all the same; of what cannot be read, none."""
    return any(d.severity == "error" and d.code != "E0401" for d in faults.diagnostics)


def _again(module: Module, target: Any, arguments: Any, train: bool, limits: Limits) -> Elaborated:
    return lambda sizes: elaborate(module, target, arguments, bindings=sizes, train=train, limits=limits, hold=False)


def _target(target: spec.Variant | spec.Network, env: Env, arguments: Mapping[str, Any]) -> Any:
    check_sizes(env.session.bind)
    if isinstance(target, spec.Variant):
        call, context = target.network, Context(env.meanings)
        block: Any = compiled(call.callee, context)(env)
        if not isinstance(block, NetworkBlock):
            if block is POISON:
                return POISON
            raise Refusal("E0204", "a variant must apply a network").located(call.callee.span)
        block = Call(call.arguments, call.span, context).bind(block, env)
    else:
        block = env.find(target.name)
    if not isinstance(block, NetworkBlock) or not arguments:
        return block
    return block.with_bound(_overrides(block, arguments, env))


def _overrides(block: NetworkBlock, arguments: Mapping[str, Any], env: Env) -> dict[str, Any]:
    """Parameters given from outside (``--set width=0.5``), checked by their kinds."""
    formals = {f.name: f for f in block.formals}
    checked: dict[str, Any] = {}
    for name, value in arguments.items():
        if name not in formals:
            listed = ", ".join(f"`{n}`" for n in formals) or "none"
            raise Refusal(
                "E0202", f"`{block.name}` has no parameter `{name}`",
                help=did_you_mean(name, formals, f"parameters: {listed}"),
            )  # fmt: skip
        value = _defined(value, env) if isinstance(value, str) else _as_list(value)
        all_bounded(value, env.session)
        kind: Kind | None = formals[name].kind
        checked[name] = value if kind is None else kind.check(value, f"`{name}` of `{block.name}`")
    return checked


def _defined(name: str, env: Env) -> Any:
    """The meaning of a name that is given from outside: a definition of the file, an operator, or a text."""
    value = env.find(name)
    if value is not Env.missing:
        return value.as_value() if isinstance(value, Parametric) else value
    return operator_block(name) if ops.is_operator(name) or name in ops.offered() else name


def _as_list(value: Any) -> Any:
    return tuple(_as_list(v) for v in value) if isinstance(value, list | tuple) else value


def _variant_claims(variant: spec.Variant, env: Env, run: NetworkRun) -> None:
    """A variant's claims replace its network's. They see the module's names, and shape claims the inputs' symbols."""
    env.session.draft.claims.clear()
    env.session.draft.shape_claims.clear()
    inner = Env(env, env.place, "body")
    inner.run = run
    BodyCode(spec.Body(variant.span, variant.claims), Context(env.meanings)).run(inner, POISON)


# Definitions


class BlockCode:
    """A block's definition, compiled."""

    __slots__ = ("defaults", "naming", "parameters", "step", "then", "value")

    def __init__(self, definition: spec.Block, context: Context) -> None:
        self.parameters = Parameters(definition.parameters, context)
        self.defaults = defaults_code(definition.defaults, context) if definition.defaults else None
        self.step: Step
        self.value: Span | None = None
        """Where the expression stands that the block is, if it is no body: a body reports its faults itself."""
        if definition.value is not None:
            self.step, self.value = control.choice(definition.value, context), head_span(definition.value)
        else:
            assert definition.body is not None
            self.step = BodyCode(definition.body, context).run
        self.then = stages(definition.then, context)
        self.naming: Naming = "spliced" if self.then else "scope"


class UserBlock(Parametric):
    """A block defined in the language, with the scope it was defined in."""

    runs_poisoned = True
    is_scope = True
    is_defined = True

    def __init__(self, definition: spec.Block, env: Env) -> None:
        super().__init__()
        self.definition = definition
        self.env = env
        self.name = definition.name
        self.code = compiled_once(definition, env, BlockCode)
        self.formals = self.code.parameters.formals

    def apply(self, flow: Flow, place: Place, span: Span | None) -> Flow:
        bounds = place.tape.bounds
        bounds.step()
        if place.depth > bounds.limits.depth and place.frame is not None and place.frame.name == self.name:
            raise BoundExceeded(
                "E0505", f"`{self.name}` applies itself {bounds.limits.depth} times, and no `if` ends that"
            )
        bounds.check_depth(place.depth)
        effective = self.effective()
        if place.frame and any(value is POISON for value in effective.values()) and place.frame.within(self.name):
            return POISON  # what would end it is not known
        frame = Frame(self.name, partial(show_arguments, effective), span, place.frame)
        inner = place.inside(place.block(self.name), frame)
        application = Application.of(self, effective, flow, inner)
        known = application.repeat() if application is not None else None
        if known is not None:
            return known
        env = Env(self.env, inner, "body", flow)
        code = self.code
        code.parameters.bind(effective, env, frame)
        if code.defaults is not None:
            env.defaults = code.defaults(env)
        try:
            result = code.step(env, flow, code.naming)
        except Refusal as refusal:
            if code.value is None:
                raise
            result = place.tape.faults.refuse(refusal.located(code.value), frame)
        if code.then:
            result = run_stages(result, code.then, env)
        if application is not None:
            application.keep(result)
        return result


class NetworkCode:
    """A network's definition, compiled."""

    __slots__ = ("body", "defaults", "parameters")

    def __init__(self, definition: spec.Network, context: Context) -> None:
        self.parameters = Parameters(definition.parameters, context)
        self.defaults = defaults_code(definition.defaults, context) if definition.defaults else None
        self.body = BodyCode(definition.body, context)


class NetworkBlock(Parametric):
    """A network; it may be applied as a block, its inputs fed from the flow."""

    kind_name = "a network"
    runs_poisoned = True
    is_defined = True

    def __init__(self, definition: spec.Network, env: Env) -> None:
        super().__init__()
        self.definition = definition
        self.env = env
        self.name = definition.name
        self.code = compiled_once(definition, env, NetworkCode)
        self.formals = self.code.parameters.formals

    def apply(self, flow: Flow, place: Place, span: Span | None) -> Flow:
        inner = place.inside(place.block(self.name), None)
        feed = [POISON] if flow is POISON else list(flow if isinstance(flow, tuple) else (flow,))
        run = NetworkRun(feed)
        result = self.run(run, inner, span, flow)
        if run.feed:
            raise Refusal("E0310", f"`{self.name}` is given {len(feed)} tensor(s) more than it has inputs")
        outputs = tuple(value for name, value in run.outputs.items() if name not in run.trained)
        if any(o is POISON for o in outputs):
            return POISON
        return (outputs[0] if len(outputs) == 1 else outputs) if outputs else result

    def run(self, run: NetworkRun, place: Place, span: Span | None, flow: Flow) -> Flow:
        """Run the body at ``place``; its inputs come from ``run.feed``, or are the graph's."""
        effective = self.effective()
        frame = place.frame = Frame(self.name, partial(show_arguments, effective), span, place.frame)
        env = run.scope = Env(self.env, place, "body")
        env.run = run
        self.code.parameters.bind(effective, env, frame)
        if self.code.defaults is not None:
            env.defaults = self.code.defaults(env)
        return self.code.body.run(env, flow)


def module_scope(module: Module, session: Session) -> Env:
    """The scope of a module in this elaboration."""
    known: Env | None = session.scopes.get(id(module))
    if known is not None:
        return known
    env = Env(None, Place(session.tape, PathScope()), "module", session=session, meanings=module.meanings)
    session.scopes[id(module)] = env
    env.labels.update(dict.fromkeys(module.missing, POISON))
    env.late = _Definitions(module, env)
    return env


class _Definitions(Mapping[str, Callable[[], Any]]):
    """What makes the definitions and imports of a file, by name. Nothing is made in advance: a file of thousands of
    networks is in scope thousands of times.
    """

    __slots__ = ("env", "module")

    def __init__(self, module: Module, env: Env) -> None:
        self.module = module
        self.env = env

    def __contains__(self, name: object) -> bool:
        return name in self.module.definitions or name in self.module.imports

    def __getitem__(self, name: str) -> Callable[[], Any]:
        if name in self.module.definitions:
            return lambda: POISON if name in self.module.unusable else self._made(self.module.definitions[name])
        other, _ = self.module.imports[name]
        return lambda: module_scope(other, self.env.session).find(name)

    def __iter__(self) -> Iterator[str]:
        yield from {**self.module.imports, **self.module.definitions}

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _made(self, definition: Definition) -> Any:
        settled(self.module, definition)
        if isinstance(definition, spec.Block):
            return UserBlock(definition, self.env)
        if isinstance(definition, spec.Network):
            return NetworkBlock(definition, self.env)
        return Function(definition, self.env) if definition.parameters else let_value(definition, self.env)
