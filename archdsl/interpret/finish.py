"""The end of an elaboration: from the tape and the draft to a graph."""

from __future__ import annotations

from collections.abc import Iterable

from archdsl import dims
from archdsl.diagnostics import Diagnostic, Refusal
from archdsl.dim_solve import unbound
from archdsl.graph import Graph, Node, Value
from archdsl.interpret import neighbours
from archdsl.interpret.claims import check_shape_claims
from archdsl.interpret.env import NetworkRun
from archdsl.interpret.misreadings import misread
from archdsl.interpret.model_states import handed_on
from archdsl.interpret.session import Session
from archdsl.modules.module import Module
from archdsl.syntax import spec
from archdsl.syntax.literals import quoted
from archdsl.tape.bindings import check_known
from archdsl.tape.poison import POISON, Flow


def settle_outputs(session: Session, run: NetworkRun, flow: Flow) -> set[Node]:
    """Settle the outputs: without a declared one the last flow is ``output``. The nodes that they depend on."""
    check_known(session.bind, session.draft.limits.values())
    _check_symbols(session)
    outputs = dict(run.outputs)
    if len(outputs) == len(run.trained):
        last = {"output": flow} if not isinstance(flow, tuple) else {f"output.{i}": v for i, v in enumerate(flow)}
        outputs = {**last, **outputs}
    for state, name, value in handed_on(session):
        outputs[name] = value
        session.draft.handed_on[state] = name
    if any(value is POISON for value in outputs.values()):
        return set()
    check_shape_claims(session, {name: value for name, value in outputs.items() if isinstance(value, Value)})
    inside = [name for name, value in outputs.items() if _is_inside(session, run, name, value)]
    if inside:
        return set()
    if not session.train:
        outputs = {name: value for name, value in outputs.items() if name not in run.trained}
    session.draft.outputs = {name: value for name, value in outputs.items() if isinstance(value, Value)}
    _check_names(session, run)
    live = _needed(session.draft.outputs.values())
    _warn_unused(session, live)
    _warn_inputs(session, run, live)
    _warn_outputs(session, run)
    if not session.faults.failed:
        kept = [node for node in session.tape.nodes if node in live]
        for doubt in (*misread(kept, session.draft.inputs), *neighbours.doubts(kept)):
            session.faults.report(doubt)
    return live


def _is_inside(session: Session, run: NetworkRun, name: str, value: Flow) -> bool:
    """Whether an output is a value of one run of a ``scan``; that is reported (E0223)."""
    try:
        session.tape.check_outside([value] if isinstance(value, Value) else [])
    except Refusal as refusal:
        session.faults.refuse(refusal.located(run.places.get(name)), None)
        return True
    return False


def _check_names(session: Session, run: NetworkRun) -> None:
    """Refuse (E0604) an output that has the name of an input or of a parameter, unless it is that very tensor, and an
    input with that of a parameter: in a model all of them are in one namespace.
    """
    draft = session.draft
    inputs = {value.name: value for value in draft.inputs}
    shared = session.tape.parameters.keys() & {*draft.outputs, *inputs}
    parameters = {
        parameter.path: node.outputs[0] for node in session.tape.nodes for parameter in node.params.values()
        if parameter.path in shared
    } if shared else {}  # fmt: skip
    for name in inputs:
        if name in parameters:
            help = "choose another label, or another name for the input"
            refusal = Refusal("E0604", f"the input `{name}` has the same name as a parameter", help=help)
            session.faults.refuse(refusal.located(draft.places.get(name)), None)
    for name, value in draft.outputs.items():
        other = inputs.get(name) or parameters.get(name)
        if other is not None and other is not value:
            what = "an input" if name in inputs else "a parameter"
            written = f"{name}_out" if name.isidentifier() else f'"{quoted(name)}_out"'
            help = f"give it another name: `output {written} = …`"
            refusal = Refusal("E0604", f"the output `{name}` has the same name as {what}", help=help)
            place = run.places.get(name) or run.places.get(name.rpartition(".")[0])
            session.faults.refuse(refusal.located(place), None)


def _check_symbols(session: Session) -> None:
    """Refuse (E0307) symbols whose values the sizes of the inputs do not tell; the batch is 1 where nothing is said."""
    draft = session.draft
    lost = unbound([dim for dim, _ in draft.dims])
    for dim, span in draft.dims:
        for name in sorted(dims.symbols(dim) & lost.keys()):
            help = f"declare an axis as `{name}` or a multiple of it, or bind it: `--bind {name}=…`"
            raise Refusal("E0307", f"the sizes of the inputs do not say what `{name}` is", help=help).located(span)
    if "N" in draft.symbols and "N" not in session.bind:
        draft.defaults = {"N": 1, **draft.defaults}


def _needed(values: Iterable[Flow]) -> set[Node]:
    """Nodes that some of the values depend on."""
    found: set[Node] = set()
    waiting = [value.producer for value in values if isinstance(value, Value)]
    while waiting:
        node = waiting.pop()
        if node is None or node in found:
            continue
        found.add(node)
        waiting += [value.producer for value in node.inputs]
    return found


def _warn_unused(session: Session, live: set[Node]) -> None:
    """Warn about the last operator of each piece whose result is used by no output, those for training included."""
    nodes, faults = session.tape.nodes, session.faults
    if len(live) == len(nodes) or faults.failed:
        return  # behind an error, what is unused merely follows from it
    used = {value for node in nodes for value in node.inputs}
    needed = live | _needed(session.draft.trained)
    for node in nodes:
        if node not in needed and node.inputs and not any(value in used for value in node.outputs):
            message, help = (
                f"the result of `{node.op.name}` is never used",
                "label it and use the label, or leave it out",
            )
            faults.report(Diagnostic("W0204", message, node.origin.span, help=help, frame=node.origin.frame))


def _warn_inputs(session: Session, run: NetworkRun, live: set[Node]) -> None:
    """Warn about inputs that no output depends on: the flow begins with the first, the others must be named; and a
    tensor made in between, `p: param(…)`, is the flow behind it.
    """
    draft, faults = session.draft, session.faults
    if not live or run.trained or faults.failed:
        return
    used = {value for node in live for value in node.inputs} | set(draft.outputs.values())
    for value in draft.inputs:
        if value not in used:
            start = f", `{value.name} -> …`" if value.name.isidentifier() else ""
            help = f"begin with it where it enters{start}, or leave it out"
            if param := next((node for node in session.tape.nodes if node in live and node.op.role == "source"), None):
                help = f"a label of a tensor begins the flow anew, as that of `{param.path}` does: {help}"
            span = session.draft.places.get(value.name)
            faults.report(Diagnostic("W0204", f"no output depends on the input `{value.name}`", span, help=help))


def _warn_outputs(session: Session, run: NetworkRun) -> None:
    """Warn (W0213) about a tensor that is two outputs: a bare name that means nothing else is the flow."""
    first: dict[Value, str] = {}
    for name, value in run.outputs.items():
        if not isinstance(value, Value) or name not in run.places:
            continue
        other = first.setdefault(value, name)
        if other != name:
            message = f"the outputs `{other}` and `{name}` are one tensor"
            help = f"label what `{name}` is where it is made, `{name}: …`, or give it: `output {name} = …`"
            if name.endswith(".0"):  # an element of a tuple, which is the flow
                names = ", ".join(dict.fromkeys(one.partition(".")[0] for one in run.outputs))
                help = f"each is the whole tuple: take it apart where it is made, `let {names} = …`"
            session.faults.report(Diagnostic("W0213", message, run.places[name], help=help))


def drafted(session: Session, module: Module, target: spec.Variant | spec.Network, doc: str, live: set[Node]) -> Graph:
    """The graph of what the outputs depend on."""
    draft, tape = session.draft, session.tape
    nodes = tape.nodes if len(live) == len(tape.nodes) else [n for n in tape.nodes if n in live]
    taps = {path: v for path, v in tape.taps.items() if v.producer is None or v.producer in live}
    return Graph(
        target.name, draft.inputs, nodes, draft.outputs, taps=taps, defaults=draft.defaults, doc=target.doc or doc,
        maps={names.name: names for names in draft.maps}, preprocess=draft.preprocess, labels=draft.labels,
        source_hash=module.source_hash, states=draft.handed_on,
    )  # fmt: skip
