"""Expressions and statements as Python functions: compiled once, run many times.

The rule of each class of syntax is in a module around this one, registered by class; it gets the syntax and a
:class:`Context`, and gives a function of the scope. So what can be known before running is known before running, and
the modules recurse through two tables without importing one another. What runs most, bodies and the stages of their
statements, is here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any, TypeVar

from archdsl.diagnostics import Refusal
from archdsl.graph import Value
from archdsl.interpret.env import Env
from archdsl.interpret.labels import Label, poison_names
from archdsl.interpret.stages import apply_block, as_stage, hiding, recovered
from archdsl.interpret.values import BlockValue, as_flow, describe, is_flow
from archdsl.modules.meanings import Meanings
from archdsl.modules.structure import is_single, static_labels
from archdsl.source import Span
from archdsl.syntax import spec
from archdsl.tape.limits import BoundExceeded
from archdsl.tape.paths import Labelled, Naming
from archdsl.tape.poison import POISON, Flow
from archdsl.tape.tape import Place

Code = Callable[[Env], Any]
"""An expression: its value in a scope."""
Step = Callable[[Env, Flow, Naming], Flow]
"""A statement: what it does to the names in scope and to the flow, and how the block that it applies is named."""


Stage = tuple[Code, Span]
"""What stands behind an arrow, and where."""


class Context:
    """The context that a rule gets in addition to the syntax: the meanings of names, and whether the expression stands
    behind an arrow, where a block is applied to what stands before it.
    """

    __slots__ = ("applied", "behind", "meanings", "plain")

    def __init__(self, meanings: Meanings, plain: Context | None = None) -> None:
        self.meanings = meanings
        self.applied = plain is not None
        self.plain: Context = plain or self
        """The same for an expression that stands for itself."""
        self.behind: Context = self if plain else Context(meanings, self)
        """The same for a stage behind an arrow."""


EXPRESSIONS: dict[type, Callable[[Any, Context], Code]] = {}
STATEMENTS: dict[type, Callable[[Any, Context], Step]] = {}
_ExpressionRule = TypeVar("_ExpressionRule", bound=Callable[..., Code])
_StatementRule = TypeVar("_StatementRule", bound=Callable[..., Step])
_Syntax = TypeVar("_Syntax", bound=spec.Definition)
_Kept = TypeVar("_Kept")


def expression(*kinds: type[spec.Expr]) -> Callable[[_ExpressionRule], _ExpressionRule]:
    """Register the rule of some classes of expressions. Its code may give a :class:`Labelled`."""

    def register(rule: _ExpressionRule) -> _ExpressionRule:
        EXPRESSIONS.update(dict.fromkeys(kinds, rule))
        return rule

    return register


def statement(*kinds: type[spec.Statement]) -> Callable[[_StatementRule], _StatementRule]:
    """Register the rule of some classes of statements."""

    def register(rule: _StatementRule) -> _StatementRule:
        STATEMENTS.update(dict.fromkeys(kinds, rule))
        return rule

    return register


_WITH_LABELS = (spec.Name, spec.Attribute, spec.Index, spec.Conditional)
"""Expressions whose value may be a label."""
_STAGES = (spec.Call, spec.WithBody, spec.Conditional, spec.Frozen, spec.Own, spec.Pipeline, spec.Name)
"""Expressions that are read otherwise behind an arrow; their rules hand the context on."""
_LOCATED = (spec.Number, spec.Boolean, spec.Name)
"""Expressions whose code gives its refusals their place itself, or has none."""


def compiled(expr: spec.Expr, context: Context) -> Code:
    """The code of an expression; a label's value is its result."""
    code = raw(expr, context)
    if type(expr) not in _WITH_LABELS or (
        isinstance(expr, spec.Name) and context.meanings.of(expr).kind not in ("label", "dynamic", "unknown")
    ):
        return code

    def result(env: Env) -> Any:
        value = code(env)
        return value.result if type(value) is Labelled else value

    return result


def raw(expr: spec.Expr, context: Context) -> Code:
    """The code of an expression, labels still with what they hold. What is refused is reported, and poison."""
    if context.applied and type(expr) not in _STAGES:
        context = context.plain
    code = EXPRESSIONS[type(expr)](expr, context)
    return code if type(expr) in _LOCATED else located(code, head_span(expr))


def located(code: Code, span: Span) -> Code:
    """The same, but what it refuses is reported, at this place if it has no other; its value is then poison."""

    def run(env: Env) -> Any:
        try:
            return code(env)
        except BoundExceeded as exceeded:
            raise exceeded.located(span) from None
        except Refusal as refusal:
            return env.session.faults.refuse(refusal.located(span), env.place.frame)

    return run


def compiled_once(definition: _Syntax, env: Env, compile: Callable[[_Syntax, Context], _Kept]) -> _Kept:
    """The code of a definition, which is kept with it: all variants of a file share it."""
    known: _Kept | None = definition.__dict__.get("_code")
    if known is None:
        known = definition.__dict__["_code"] = compile(definition, Context(env.meanings))
    return known


def evaluate(expr: spec.Expr, env: Env) -> Any:
    """The value of an expression that is evaluated only once."""
    return compiled(expr, Context(env.meanings))(env)


def head_span(expr: spec.Expr) -> Span:
    """Where to point for an expression: a body is left out, so that the marks stay on one line."""
    return head_span(expr.head) if isinstance(expr, spec.WithBody) else expr.span


def condition(expr: spec.Expr, context: Context, what: str = "a condition") -> Code:
    """The code of a condition: it gives a bool, or poison."""
    code = compiled(expr, context)

    def verdict(env: Env) -> Any:
        value = code(env)
        if value is POISON or value is True or value is False:
            return value
        hint = "compare it: `x > 0`" if isinstance(value, int | float) else ""
        raise Refusal("E0204", f"{what} must be true or false, not {describe(value)}", help=hint).located(expr.span)

    return verdict


def label_code(target: spec.Target | None, context: Context) -> Label | None:
    """The label in front of a statement, its computed part compiled."""
    if target is None:
        return None
    part = target.template if target.template is not None else target.index
    return Label(target, None if part is None else compiled(part, context))


class BodyCode:
    """The statements of a body."""

    __slots__ = ("labels", "single", "statements", "steps")

    def __init__(self, body: spec.Body, context: Context) -> None:
        self.single = is_single(body)
        """Whether it applies one thing, which may take the path of the whole body."""
        self.labels = static_labels(body)
        self.statements = body.statements
        self.steps = [STATEMENTS[type(statement)](statement, context) for statement in body.statements]

    def run(self, env: Env, flow: Flow, naming: Naming = "spliced") -> Flow:
        """Run the statements in order on the flow; a fault poisons the flow and the work goes on."""
        if self.labels:
            env.place.scope.reserved |= self.labels
        if not self.single:
            naming = "spliced"
        session = env.session
        for index, step in enumerate(self.steps):
            session.bounds.step()
            env.flow = flow
            try:
                flow = step(env, flow, naming)
            except BoundExceeded as exceeded:
                raise exceeded.located(self.statements[index].span) from None
            except Refusal as refusal:
                statement = self.statements[index]
                flow = session.faults.refuse(refusal.located(statement.span), env.place.frame)
                poison_names(statement, env)
        return flow


class BodyBlock(BlockValue):
    """``{ … }`` with the scope that it is in."""

    def __init__(self, code: BodyCode, env: Env) -> None:
        self.code = code
        self.env = env

    def apply(self, flow: Flow, place: Place, span: Span | None) -> Flow:
        return self.code.run(self.inside(flow, place.at(place.combinator())), flow)

    def inside(self, flow: Flow, place: Place) -> Env:
        """The scope of the body where it is applied at the place, with what enters."""
        place.tape.bounds.check_depth(place.depth)
        return Env(self.env, place.inside(place.scope, place.frame), "body", flow)


class FlowCode:
    """A statement that applies blocks to the flow, or begins with a tensor.

    It runs under its label, if it has one, is held against its annotation, and binds the label. The only stage under a
    label takes the label's path.
    """

    __slots__ = ("_check", "_first", "_label", "_makes", "_rest", "_span")

    def __init__(
        self, expr: spec.Expr, context: Context, label: Label | None = None, check: Check | None = None
    ) -> None:
        exprs = expr.stages if isinstance(expr, spec.Pipeline) else (expr,)
        self._first, self._span = compiled(exprs[0], context), head_span(exprs[0])
        self._rest = stages(exprs[1:], context)
        self._makes = len(exprs) == 1 and _is_call(exprs[0])
        self._label = label
        self._check = check

    def __call__(self, env: Env, flow: Flow, naming: Naming) -> Flow:
        """The flow after the statement."""
        entered = None if self._label is None else self._label.enter(env)
        if self._label is not None:
            naming = "direct" if entered else "spliced"
        inner = entered[0] if entered else env
        head = self._head(inner, naming)
        if not isinstance(head, BlockValue):
            flow = head
        for block, span, place in self._stages(head, inner, naming):
            try:
                flow = POISON if block is POISON else block.apply(flow, place, span)
            except BoundExceeded as exceeded:
                raise exceeded.located(span) from None
            except Refusal as refusal:
                flow = recovered(block, refusal.located(span), flow, place)
        if self._check is not None:
            self._check(flow, inner)
        if entered and self._label is not None:
            self._label.bind(entered[1], entered[2], flow, inner, env)
        return flow

    def _head(self, env: Env, naming: Naming) -> Any:
        """What the statement begins with: a block, a tensor or tensors, or poison."""
        if self._makes and naming == "direct":
            env = env.at(env.place.at(env.place.scope, "direct"))
        head = self._first(env)
        if type(head) is Value or isinstance(head, BlockValue):
            return head
        head = as_flow(head, env.session.bounds)
        if head is POISON or is_flow(head):
            return head
        help = hiding(self._span) or "give it a name with `let`"
        if isinstance(head, tuple) and any(isinstance(item, BlockValue) for item in head):
            help = "blocks are chained with `->`; branches of the flow are `parallel(concat) { | a | b }`"
        message = f"a statement must be a block or a tensor, not {describe(head)}"
        raise Refusal("E0204", message, help=help).located(self._span)

    def _stages(self, head: Any, env: Env, naming: Naming) -> Iterable[tuple[Any, Span, Place]]:
        """The blocks to be applied; those behind arrows are evaluated when their turn comes."""
        place, rest = env.place, self._rest
        if not isinstance(head, BlockValue):
            direct = naming == "direct" and len(rest) == 1
            return self._behind(env, place.at(place.scope, "direct") if direct else place)
        if rest:
            return chain(((head, self._span, place),), self._behind(env, place))
        direct = naming == "direct" or (naming == "scope" and head.is_scope)
        return ((head, self._span, place.at(place.scope, "direct") if direct else place),)

    def _behind(self, env: Env, place: Place) -> Iterator[tuple[Any, Span, Place]]:
        return ((code(env), span, place) for code, span in self._rest)


Check = Callable[[Flow, Env], None]
"""Holds the flow against the annotation of a statement."""


def _is_call(expr: spec.Expr) -> bool:
    """Whether this is a call, which may make its tensor when it is evaluated: ``add(a, b)``, ``frozen param([8])``."""
    if isinstance(expr, spec.Frozen | spec.Own):
        return _is_call(expr.value)
    return isinstance(expr, spec.Call | spec.WithBody)


def stages(exprs: tuple[spec.Expr, ...], context: Context) -> tuple[Stage, ...]:
    """The code of stages after arrows."""
    return tuple([(_stage_code(expr, context), head_span(expr)) for expr in exprs])


def run_stages(flow: Flow, stages: tuple[Stage, ...], env: Env) -> Flow:
    """The flow after further stages, each evaluated when its turn comes."""
    for code, span in stages:
        block = code(env)
        flow = POISON if block is POISON else apply_block(block, flow, env.place, span)
    return flow


def _stage_code(expr: spec.Expr, context: Context) -> Code:
    code, span = compiled(expr, context.behind), head_span(expr)
    return lambda env: as_stage(code(env), span)
