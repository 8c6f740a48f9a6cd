"""Networks: their inputs and outputs, and a network applied as a block."""

from __future__ import annotations

from functools import partial

from archdsl.diagnostics import Refusal
from archdsl.interpret.code import BodyCode, Context
from archdsl.interpret.env import Env, NetworkRun
from archdsl.interpret.parameters import Parameters
from archdsl.interpret.parametric import Parametric
from archdsl.interpret.statements import defaults_code
from archdsl.interpret.values import show_arguments
from archdsl.source import Frame, Span
from archdsl.syntax import spec
from archdsl.tape.poison import POISON, Flow
from archdsl.tape.tape import Place


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
        code: NetworkCode | None = definition.__dict__.get("_code")
        if code is None:
            code = definition.__dict__["_code"] = NetworkCode(definition, Context(env.meanings))
        self.code = code
        self.formals = code.parameters.formals

    def apply(self, flow: Flow, place: Place, span: Span | None) -> Flow:
        inner = place.inside(place.block(self.name), None)
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
        self.code.parameters.bind(effective, env, frame)
        if self.code.defaults is not None:
            env.defaults = self.code.defaults(env)
        return self.code.body.run(env, flow)
