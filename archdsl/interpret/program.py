"""From a definition and its arguments to a graph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from archdsl import ops
from archdsl.diagnostics import Diagnostic, Refusal, did_you_mean
from archdsl.graph import Graph, Node, Value
from archdsl.interpret import arithmetic, attributes, calls, expressions, labels, statements  # noqa: F401  (they register rules)
from archdsl.interpret.arguments import bind
from archdsl.interpret.claims import check_shape_claims
from archdsl.interpret.env import Env, NetworkRun, Place
from archdsl.interpret.evaluate import evaluate
from archdsl.interpret.execute import run_body
from archdsl.interpret.network import NetworkBlock
from archdsl.interpret.operators import operator_block
from archdsl.interpret.session import BoundExceeded, ClaimValue, Limits, Session
from archdsl.interpret.values import POISON, Flow
from archdsl.modules.module import Module, definition_span, module_env
from archdsl.ops.kinds import Kind
from archdsl.process import collector_paused
from archdsl.record import Record
from archdsl.syntax import spec
from archdsl.tape.paths import PathScope

if TYPE_CHECKING:
    from archdsl.interpret.checkpoint_names import Applied, NameMap


class Elaboration(Record):
    """What came of one network: its graph (``None`` where there were errors), claims and diagnostics."""

    graph: Graph | None
    claims: tuple[ClaimValue, ...]
    diagnostics: tuple[Diagnostic, ...]
    steps: int = 0
    """The work that it took."""
    stopped: bool = False
    """Whether a bound on the work was exceeded."""
    maps: tuple[NameMap, ...] = ()
    """Its ``weights`` statements."""

    def applied_maps(self) -> list[Applied]:
        """The maps applied to the graph's parameters, if there is a graph."""
        graph = self.graph
        return [] if graph is None else [names.apply(graph.parameters()) for names in self.maps]


def elaborate(
    module: Module,
    target: spec.Variant | spec.Network,
    arguments: Mapping[str, Any] | None = None,
    *,
    bindings: Mapping[str, int] | None = None,
    train: bool = False,
    limits: Limits | None = None,
) -> Elaboration:
    """Elaborate a variant, or a network with its defaults; ``arguments`` override its parameters.

    ``bindings`` gives symbols fixed values. A network's own claims hold for its defaults only, so that a variant
    keeps just those of its own body.
    """
    with collector_paused():
        return _elaborate(
            module, target, arguments or {}, Session(train=train, bind=dict(bindings or {}), limits=limits)
        )


def _elaborate(
    module: Module, target: spec.Variant | spec.Network, arguments: Mapping[str, Any], session: Session
) -> Elaboration:
    session.files = module.loader
    env = module_env(module, session)
    run = NetworkRun(None)
    flow: Flow = POISON
    live: set[Node] = set()
    stopped = False
    try:
        block = _target(target, env, arguments)
        if isinstance(block, NetworkBlock):
            flow = block.run(run, Place(session, PathScope()), definition_span(target), POISON)
            if isinstance(target, spec.Variant):
                session.claims.clear()
                session.shape_claims.clear()
                _variant_claims(target, env, run)
            live = _finish(session, run, flow)
    except BoundExceeded as exceeded:
        stopped = True
        refusal = exceeded.located(definition_span(target)).refusal
        if session.steps - session.explained > session.limits.steps or refusal.code != "E0501":
            session.report(refusal.diagnostic())
    except Refusal as refusal:
        session.report(refusal.located(definition_span(target)).diagnostic())
    # Behind an expected shape that is another one, the graph is there all the same; of unreadable text there is none.
    faults = [d for d in session.diagnostics if d.severity == "error" and d.code != "E0401"]
    failed = bool(faults) or not session.outputs
    graph = None if failed else _graph(session, module, target, block, live)
    claims, diagnostics = tuple(session.claims), tuple(session.diagnostics)
    return Elaboration(graph, claims, diagnostics, session.steps, stopped, tuple(session.maps))


def _target(target: spec.Variant | spec.Network, env: Env, arguments: Mapping[str, Any]) -> Any:
    if isinstance(target, spec.Variant):
        block: Any = evaluate(target.network.callee, env)
        if not isinstance(block, NetworkBlock):
            if block is POISON:
                return POISON
            raise Refusal("E0204", "a variant is of a network").located(target.network.callee.span)
        block = bind(block, target.network.arguments, env, target.network.span)
    else:
        block = env.find(target.name)
    if not isinstance(block, NetworkBlock) or not arguments:
        return block
    return block.with_bound(_overrides(block, arguments, env), [])


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
        kind: Kind | None = formals[name].kind
        checked[name] = value if kind is None else kind.check(value, f"`{name}` of `{block.name}`")
    return checked


def _defined(name: str, env: Env) -> Any:
    """What a name given from outside stands for: a definition of the file, an operator, or a text."""
    value = env.find(name)
    if value is not Env.missing:
        return value
    return operator_block(name) if ops.is_operator(name) else name


def _as_list(value: Any) -> Any:
    return tuple(_as_list(v) for v in value) if isinstance(value, list | tuple) else value


def _variant_claims(variant: spec.Variant, env: Env, run: NetworkRun) -> None:
    """A variant's claims see the module's names; its shape claims the symbols of the inputs."""
    inner = Env(env, env.place, "body")
    inner.run = run
    run_body(spec.Body(variant.span, variant.claims), inner, POISON)


def _finish(session: Session, run: NetworkRun, flow: Flow) -> set[Node]:
    """Settle the outputs: without a declared one the last flow is ``output``. The nodes that they depend on."""
    check_bound(session.bind, session.symbols)
    outputs = dict(run.outputs)
    if len(outputs) == len(run.trained):
        last = {"output": flow} if not isinstance(flow, tuple) else {f"output.{i}": v for i, v in enumerate(flow)}
        outputs = {**last, **outputs}
    if any(value is POISON for value in outputs.values()):
        return set()
    session.outputs = {name: value for name, value in outputs.items() if isinstance(value, Value)}
    check_shape_claims(session)
    live = _live(session)
    _warn_unused(session, live)
    return live


def check_bound(bound: Iterable[str], symbols: Iterable[str]) -> None:
    """Refuse (E0007) to bind what is no symbol of an input."""
    known = sorted(symbols)
    for name in bound:
        if name not in known:
            help = did_you_mean(name, known, f"the symbols are {', '.join(known) or 'none'}")
            raise Refusal("E0007", f"no input has the symbol `{name}`", help=help)


def _live(session: Session) -> set[Node]:
    """Nodes that some output depends on."""
    live: set[Node] = set()
    waiting = [value.producer for value in session.outputs.values()]
    while waiting:
        node = waiting.pop()
        if node is None or node in live:
            continue
        live.add(node)
        waiting += [value.producer for value in node.inputs]
    return live


def _warn_unused(session: Session, live: set[Node]) -> None:
    """Work whose result nothing uses is dropped; the last operator of each such piece is told."""
    if len(live) == len(session.nodes) or any(d.severity == "error" for d in session.diagnostics):
        return  # behind an error, what is unused merely follows from it
    used = {value for node in session.nodes for value in node.inputs}
    for node in session.nodes:
        if node not in live and node.inputs and not any(value in used for value in node.outputs):
            message, help = (
                f"the result of `{node.op.name}` is never used",
                "label it and use the label, or leave it out",
            )
            session.report(Diagnostic("W0204", message, node.origin.span, help=help, frame=node.origin.frame))


def _graph(session: Session, module: Module, target: spec.Variant | spec.Network, block: Any, live: set[Node]) -> Graph:
    nodes = session.nodes if len(live) == len(session.nodes) else [n for n in session.nodes if n in live]
    taps = {path: v for path, v in session.taps.items() if v.producer is None or v.producer in live}
    doc = target.doc or block.definition.doc
    return Graph(
        target.name, session.inputs, nodes, session.outputs, taps=taps, defaults=session.defaults, doc=doc,
        maps={names.name: names for names in session.maps},
        preprocess=session.preprocess, labels=session.labels, source_hash=module.source_hash,
    )  # fmt: skip
