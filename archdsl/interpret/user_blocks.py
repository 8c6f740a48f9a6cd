"""Blocks defined in the language."""

from __future__ import annotations

from functools import partial

from archdsl.interpret.code import BodyCode, Context, Step, head_span
from archdsl.interpret.env import Env
from archdsl.interpret.flow import flow_code, guarded, run_stages, stages
from archdsl.interpret.memo import Application
from archdsl.interpret.parameters import Parameters
from archdsl.interpret.parametric import Parametric
from archdsl.interpret.statements import defaults_code
from archdsl.interpret.values import show_arguments
from archdsl.source import Frame, Span
from archdsl.syntax import spec
from archdsl.tape.paths import Naming
from archdsl.tape.poison import Flow
from archdsl.tape.tape import Place


class BlockCode:
    """A block's definition, compiled."""

    __slots__ = ("defaults", "naming", "parameters", "step", "then")

    def __init__(self, definition: spec.Block, context: Context) -> None:
        self.parameters = Parameters(definition.parameters, context)
        self.defaults = defaults_code(definition.defaults, context) if definition.defaults else None
        self.step: Step
        if definition.value is not None:
            self.step = guarded(flow_code(definition.value, context), head_span(definition.value))
        else:
            assert definition.body is not None
            self.step = BodyCode(definition.body, context).run
        self.then = stages(definition.then, context)
        self.naming: Naming = "spliced" if self.then else "scope"

    def run(self, env: Env, flow: Flow) -> Flow:
        """Run the body or expression, under the defaults of a ``with`` in front of it."""
        if self.defaults is not None:
            env.defaults = self.defaults(env)
        flow = self.step(env, flow, self.naming)
        return run_stages(flow, self.then, env) if self.then else flow


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
        code: BlockCode | None = definition.__dict__.get("_code")
        if code is None:
            code = definition.__dict__["_code"] = BlockCode(definition, Context(env.meanings))
        self.code = code
        self.formals = code.parameters.formals

    def apply(self, flow: Flow, place: Place, span: Span | None) -> Flow:
        bounds = place.tape.bounds
        bounds.step()
        bounds.check_depth(place.depth)
        effective = {**self.defaults, **self.bound}
        self.missing(effective)
        frame = Frame(self.name, partial(show_arguments, effective), span, place.frame)
        inner = place.inside(place.block(self.name), frame)
        application = Application.of(self, effective, flow, inner)
        known = application.repeat() if application is not None else None
        if known is not None:
            return known
        env = Env(self.env, inner, "body", flow)
        self.code.parameters.bind(effective, env, frame)
        result = self.code.run(env, flow)
        if application is not None:
            application.keep(result)
        return result
