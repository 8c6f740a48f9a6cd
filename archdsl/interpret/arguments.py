"""Arguments to parameters: every fault of a call is told, and the block comes out with what was good."""

from __future__ import annotations

from typing import Any

from archdsl.diagnostics import Refusal, did_you_mean
from archdsl.graph import Value
from archdsl.interpret.env import Env
from archdsl.interpret.evaluate import evaluate, truth
from archdsl.interpret.flow import as_flow
from archdsl.interpret.operators import OpBlock
from archdsl.interpret.parametric import Formal, Parametric
from archdsl.interpret.values import POISON, BlockValue, Indexed, Labelled, describe, is_flow, shortened
from archdsl.modules.suggestions import argument_help, position_help
from archdsl.ops.base import Initializer
from archdsl.source import Span
from archdsl.syntax import spec

_PLAIN = frozenset({int, float, bool, str})
_MOST = 1000
"""Values and operators that are kept for one parameter or call."""


def bind(
    block: BlockValue, arguments: tuple[spec.Argument, ...], env: Env, span: Span, body: BlockValue | None = None,
    values: list[Any] | None = None, made: dict[str, Parametric] | None = None,
) -> Any:  # fmt: skip
    """The block with more of its parameters given; tensors (for operators) become further inputs.

    ``made`` are the operators with arguments that the same call made before: repeated, they need no checks.
    ``values`` are those of the arguments, where they were evaluated before. Returns poison where an argument was
    refused, or the result where the operator is applied at once.
    """
    if not isinstance(block, Parametric):
        if arguments or body is not None:
            raise Refusal("E0216", f"`{block.name}` has all it needs: it takes no further arguments")
        return block
    call = _Call(block, arguments, env, span)
    for index, argument in enumerate(arguments):
        try:
            call.take(argument, None if values is None else (values[index],))
        except Refusal as refusal:
            if argument.name is None:
                refusal.help = refusal.help or position_help(block.name, index)
            env.session.refuse(refusal.located(argument.span), env.place.frame)
            call.fault(argument)
    if body is not None:
        call.take_body(body)
    return call.finish(made)


class _Call:
    """The state of one call while its arguments are taken in order."""

    def __init__(self, block: Parametric, arguments: tuple[spec.Argument, ...], env: Env, span: Span) -> None:
        self.block = block
        self.arguments = arguments
        self.env = env
        self.span = span
        self.given: dict[str, Any] = {}
        self.tensors: list[Any] = []
        self.failed = False
        self.doubtful: set[str] = set()
        """Parameters that may have been meant by a refused argument."""

    def take(self, argument: spec.Argument, known: tuple[Any] | None = None) -> None:
        """Evaluate one argument, unless its value is ``known``, for the parameter it belongs to."""
        formal = self._named(argument) if argument.name is not None else self._next()
        value = argument_value(argument.value, formal, self.env) if known is None else _tensors(known[0], self.env)
        if type(value) in _PLAIN and formal is not None:
            self.given[formal.name] = self._plain(value, formal)
            return
        if formal is None or (argument.name is None and self._is_input(value, formal)):
            if self._is_input(value, formal):
                self.tensors.extend(value if isinstance(value, tuple) else (value,))
                return
            if value is POISON and not self.block.runs_poisoned:
                self.failed = True
                return
            self._too_many(argument, value)
        assert formal is not None
        if is_flow(value) and not (formal.like or formal.takes_tensors):
            raise self._tensor_given(argument, formal, value)
        self.given[formal.name] = self._checked(value, formal)

    def _tensor_given(self, argument: spec.Argument, formal: Formal, value: Any) -> Refusal:
        """Arguments configure; tensors are applied."""
        name, others = self.block.name, self._others(argument)
        what = f"`{formal.name}` of `{name}` cannot be {describe(value)}" if argument.name else describe(value)
        message = what if argument.name else f"{what} is no argument of `{name}`: tensors enter with `->`"
        shown = shortened(" ".join(argument.value.span.text.split()), 40)
        return Refusal("E0210", message, help=f"write `{shown} -> {name}{others}`" if not argument.name else "")

    def _others(self, argument: spec.Argument) -> str:
        """The call's other arguments as they were written, with their parentheses."""
        others = [" ".join(a.span.text.split()) for a in self.arguments if a is not argument]
        return f"({shortened(', '.join(others), 60)})" if others else ""

    def fault(self, argument: spec.Argument) -> None:
        """An argument was refused: a body is worth running nevertheless, with poison for what is not known."""
        if not self.block.runs_poisoned:
            self.failed = True
            return
        missing = [f.name for f in self.block.formals if f.required and f.name not in self.block.bound]
        for name in missing if argument.name is None else [argument.name, *missing]:
            self.doubtful.add(name)

    def _named(self, argument: spec.Argument) -> Formal:
        name = argument.name
        assert name is not None
        for formal in self.block.formals:
            if formal.name == name:
                if name in self.given:
                    raise Refusal("E0216", f"`{name}` is given twice")
                return formal
        evaluate_silently(argument.value, self.env)
        known = [f.name for f in self.block.formals]
        listed = f"it takes {', '.join(f'`{n}`' for n in known)}" if known else "it takes none"
        raise Refusal(
            "E0202", f"`{self.block.name}` has no argument `{name}`",
            help=argument_help(self.block.name, name, known) or did_you_mean(name, known, listed),
        )  # fmt: skip

    def _next(self) -> Formal | None:
        for formal in self.block.formals:
            if formal.name not in self.given and formal.name not in self.block.bound:
                return formal
        return None

    def _is_input(self, value: Any, formal: Formal | None) -> bool:
        if not self.block.takes_inputs or not is_flow(value):
            return False
        return formal is None or not (formal.like or formal.takes_tensors)

    def _too_many(self, argument: spec.Argument, value: Any) -> None:
        names = [formal.name for formal in self.block.formals]
        if not names:
            shown = shortened(" ".join(argument.value.span.text.split()), 40)
            help = f"apply it behind: `{shown} -> {self.block.name}`" if isinstance(value, BlockValue) else ""
            raise Refusal("E0216", f"`{self.block.name}` takes no arguments", help=help)
        count = "one argument" if len(names) == 1 else f"at most {len(names)} arguments"
        listed = ", ".join(f"`{name}`" for name in names)
        raise Refusal("E0216", f"`{self.block.name}` takes {count}, and this is one more", help=f"it takes {listed}")

    def _checked(self, value: Any, formal: Formal) -> Any:
        if type(value) in _PLAIN:
            return self._plain(value, formal)
        if formal.like:
            value = value.type if isinstance(value, Value) else value
        session = self.env.session
        session.step(session.lists.extent(value).leaves // 4)
        if session.lists.extent(value).poisoned:
            self.failed = self.failed or not self.block.runs_poisoned
            return POISON
        if formal.kind is None or value is POISON:
            return value
        if isinstance(value, BlockValue | Labelled | Initializer) and not formal.takes_values:
            formal.kind.check(value, f"`{formal.name}` of `{self.block.name}`")
            raise Refusal(
                "E0204", f"`{formal.name}` of `{self.block.name}` must be {formal.kind.text}, not {describe(value)}"
            )
        return formal.kind.check(value, f"`{formal.name}` of `{self.block.name}`")

    def _plain(self, value: Any, formal: Formal) -> Any:
        if formal.kind is None:
            return value
        key = (type(value), value)
        if key in formal.accepted:
            return formal.accepted[key]
        checked = formal.kind.check(value, f"`{formal.name}` of `{self.block.name}`")
        if len(formal.accepted) < _MOST:
            formal.accepted[key] = checked
        return checked

    def take_body(self, body: BlockValue) -> None:
        """Give the trailing body to the last parameter."""
        last = self.block.formals[-1] if self.block.formals else None
        if last is None or not last.takes_body:
            self.failed = True
            help = "apply one behind the other: `a -> b`"
            if hasattr(self.block, "definition"):
                help = "a block takes a body if its last parameter is declared `: block`"
            raise Refusal("E0216", f"`{self.block.name}` takes no body", help=help).located(self.span)
        if last.name in self.given or last.name in self.block.bound:
            raise Refusal("E0216", f"`{last.name}` of `{self.block.name}` is given, and a body as well")
        assert last.kind is not None
        self.given[last.name] = last.kind.check(body, f"the body of `{self.block.name}`")

    def finish(self, made: dict[str, Parametric] | None) -> Any:
        """The block with its arguments; poison where one failed."""
        if self.failed:
            return self.block.with_bound(self.given, self.tensors).refused()
        for formal in self.block.formals:
            if formal.name in self.doubtful:
                self.given.setdefault(formal.name, POISON)
        key = self._key() if made is not None else None
        if made is None or key is None:
            return self._bound().settle(self.env, self.span)
        if key not in made:
            if len(made) >= _MOST:
                made.clear()
            made[key] = self._bound()
        return made[key].settle(self.env, self.span)

    def _bound(self) -> Any:
        block = self.block.with_bound(self.given, self.tensors)
        block.written = self.span
        return block

    def _key(self) -> str | None:
        """What tells an operator with its arguments from others, as text (1, 1.0 and true are equal, and not the same);
        ``None`` for blocks, which belong to one elaboration, and for arguments that are more than values.
        """
        block = self.block
        if not isinstance(block, OpBlock) or self.tensors or block.tensors:
            return None
        for given in (block.defaults, block.bound, self.given):
            if not _PLAIN.issuperset(map(type, given.values())):
                return None
        return f"{block.name} {block.defaults} {block.bound} {self.given}"


def evaluate_silently(expr: spec.Expr, env: Env) -> None:
    """Look for faults in an argument whose parameter does not exist; a name may have been a choice."""
    if not isinstance(expr, spec.Name):
        evaluate(expr, env)


def argument_value(expr: spec.Expr, formal: Formal | None, env: Env) -> Any:
    """The value of an argument; a bare name that is one of the parameter's choices is that choice.

    Unless it is a tensor: in ``softmax(w)`` and ``transpose(h)`` the letters name no axes where tensors have them.
    """
    if type(expr) is spec.Number or type(expr) is spec.Boolean:
        return expr.value
    choices = formal.choices if formal is not None else ()
    if choices:
        if isinstance(expr, spec.Name) and expr.id in choices and not is_flow(env.find(expr.id)):
            return expr.id
        if isinstance(expr, spec.ListExpr):
            return tuple(argument_value(item, formal, env) for item in expr.items)
        if isinstance(expr, spec.Conditional):
            condition = truth(expr.condition, env)
            if condition is POISON:
                return POISON
            return argument_value(expr.value if condition else expr.otherwise, formal, env)
    return _tensors(evaluate(expr, env), env)


def _tensors(value: Any, env: Env) -> Any:
    """A value, as a tuple of tensors where it is one."""
    if type(value) is tuple or type(value) is Indexed:
        flow = as_flow(value, env)
        return flow if is_flow(flow) else value
    return value
