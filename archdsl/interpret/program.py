"""From a definition and its arguments to a graph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from archdsl import ops
from archdsl.diagnostics import Diagnostic, Refusal, did_you_mean
from archdsl.graph import Graph, Node, Value
from archdsl.interpret import arithmetic, attributes, calls, inputs_and_outputs, labels  # noqa: F401  (they register rules)
from archdsl.interpret.arguments import Call
from archdsl.interpret.claims import check_shape_claims
from archdsl.interpret.code import BodyCode, Context, compiled
from archdsl.interpret.env import Env, NetworkRun
from archdsl.interpret.network import NetworkBlock
from archdsl.interpret.operators import operator_block
from archdsl.interpret.scopes import module_scope
from archdsl.interpret.session import ClaimValue, Session
from archdsl.modules.module import Module, definition_span
from archdsl.modules.resolve import settled
from archdsl.ops.kinds import Kind
from archdsl.process import collector_paused
from archdsl.record import Record
from archdsl.syntax import spec
from archdsl.tape.limits import DEFAULT, BoundExceeded, Limits
from archdsl.tape.paths import PathScope
from archdsl.tape.poison import POISON, Flow
from archdsl.tape.tape import Place

if TYPE_CHECKING:
    from archdsl.interpret.checkpoint_names import Applied, CheckpointNames


class Elaboration(Record):
    """What came of one network: its graph (``None`` where there were errors), claims and diagnostics."""

    graph: Graph | None
    claims: tuple[ClaimValue, ...]
    diagnostics: tuple[Diagnostic, ...]
    steps: int = 0
    """The work that it took."""
    stopped: bool = False
    """Whether a bound on the work was exceeded."""
    maps: tuple[CheckpointNames, ...] = ()
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
    limits: Limits = DEFAULT,
) -> Elaboration:
    """Elaborate a variant, or a network with its defaults; ``arguments`` override its parameters.

    ``bindings`` gives symbols fixed values. A network's own claims hold for its defaults only, so that a variant
    keeps just those of its own body.
    """
    with collector_paused():
        return _elaborate(module, target, arguments or {}, Session(train=train, bind=bindings, limits=limits))


def _elaborate(
    module: Module, target: spec.Variant | spec.Network, arguments: Mapping[str, Any], session: Session
) -> Elaboration:
    session.beside = module.beside
    settled(module, target)
    bounds, faults = session.bounds, session.faults
    run = NetworkRun(None)
    live: set[Node] = set()
    stopped = False
    try:
        env = module_scope(module, session)
        block = _target(target, env, arguments)
        if isinstance(block, NetworkBlock):
            flow = block.run(run, Place(session.tape, PathScope()), definition_span(target), POISON)
            if isinstance(target, spec.Variant):
                _variant_claims(target, env, run)
            live = _finish(session, run, flow)
    except BoundExceeded as exceeded:
        stopped = True
        refusal = exceeded.located(definition_span(target)).refusal
        if bounds.steps - bounds.explained > bounds.limits.steps or refusal.code != "E0501":
            faults.report(refusal.diagnostic())
    except Refusal as refusal:
        faults.report(refusal.located(definition_span(target)).diagnostic())
    # Behind an expected shape that is another one, the graph is there all the same; of unreadable text there is none.
    failed = any(d.severity == "error" and d.code != "E0401" for d in faults.diagnostics)
    draft = session.draft
    graph = None if failed or not draft.outputs else _graph(session, module, target, block.definition.doc, live)
    return Elaboration(
        graph, tuple(draft.claims), tuple(faults.diagnostics), bounds.steps, stopped, tuple(draft.maps)
    )  # fmt: skip


def _target(target: spec.Variant | spec.Network, env: Env, arguments: Mapping[str, Any]) -> Any:
    if isinstance(target, spec.Variant):
        call, context = target.network, Context(env.meanings)
        block: Any = compiled(call.callee, context)(env)
        if not isinstance(block, NetworkBlock):
            if block is POISON:
                return POISON
            raise Refusal("E0204", "a variant is of a network").located(call.callee.span)
        block = Call(call.arguments, call.span, context).bind(block, env)
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


def _finish(session: Session, run: NetworkRun, flow: Flow) -> set[Node]:
    """Settle the outputs: without a declared one the last flow is ``output``. The nodes that they depend on."""
    check_bound(session.bind, session.draft.symbols)
    outputs = dict(run.outputs)
    if len(outputs) == len(run.trained):
        last = {"output": flow} if not isinstance(flow, tuple) else {f"output.{i}": v for i, v in enumerate(flow)}
        outputs = {**last, **outputs}
    if any(value is POISON for value in outputs.values()):
        return set()
    session.draft.outputs = {name: value for name, value in outputs.items() if isinstance(value, Value)}
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
    waiting = [value.producer for value in session.draft.outputs.values()]
    while waiting:
        node = waiting.pop()
        if node is None or node in live:
            continue
        live.add(node)
        waiting += [value.producer for value in node.inputs]
    return live


def _warn_unused(session: Session, live: set[Node]) -> None:
    """Work whose result nothing uses is dropped; the last operator of each such piece is told."""
    nodes, faults = session.tape.nodes, session.faults
    if len(live) == len(nodes) or faults.failed:
        return  # behind an error, what is unused merely follows from it
    used = {value for node in nodes for value in node.inputs}
    for node in nodes:
        if node not in live and node.inputs and not any(value in used for value in node.outputs):
            message, help = (
                f"the result of `{node.op.name}` is never used",
                "label it and use the label, or leave it out",
            )
            faults.report(Diagnostic("W0204", message, node.origin.span, help=help, frame=node.origin.frame))


def _graph(session: Session, module: Module, target: spec.Variant | spec.Network, doc: str, live: set[Node]) -> Graph:
    draft, tape = session.draft, session.tape
    nodes = tape.nodes if len(live) == len(tape.nodes) else [n for n in tape.nodes if n in live]
    taps = {path: v for path, v in tape.taps.items() if v.producer is None or v.producer in live}
    return Graph(
        target.name, draft.inputs, nodes, draft.outputs, taps=taps, defaults=draft.defaults, doc=target.doc or doc,
        maps={names.name: names for names in draft.maps}, preprocess=draft.preprocess, labels=draft.labels,
        source_hash=module.source_hash,
    )  # fmt: skip
