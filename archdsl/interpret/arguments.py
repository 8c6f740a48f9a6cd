"""Binding of arguments to parameters: every fault of a call is reported, and the valid arguments are bound."""

from __future__ import annotations

from typing import Any

from archdsl.diagnostics import Refusal, did_you_mean
from archdsl.graph import Value
from archdsl.interpret.argument_code import Given, argument_code, as_tensors
from archdsl.interpret.code import Context
from archdsl.interpret.env import Env
from archdsl.interpret.named_tensors import Fed, applied, dealt, enough, unnamed
from archdsl.interpret.operators import OpBlock
from archdsl.interpret.parametric import ANYTHING, Formal, Parametric
from archdsl.interpret.plain_arguments import MOST, PLAIN, accepted, taken_alone
from archdsl.interpret.values import BlockValue, describe, is_flow, is_refused
from archdsl.modules.suggestions import argument_help, position_help
from archdsl.ops.base import Initializer
from archdsl.source import Span, shortened
from archdsl.syntax import spec
from archdsl.tape.paths import Labelled
from archdsl.tape.poison import POISON


class Argument:
    """One argument of a call; compiled when its value is first needed."""

    __slots__ = ("_code", "_context", "syntax")

    def __init__(self, syntax: spec.Argument, context: Context) -> None:
        self.syntax = syntax
        self._context = context
        self._code: Given | None = None

    def given(self, formal: Formal | None, env: Env) -> Any:
        """Its value for the parameter that it is given for."""
        if self._code is None:
            self._code = argument_code(self.syntax.value, self._context, self.syntax.name is not None)
        return self._code(formal, env)


class Call:
    """A call as it is written: its arguments, and what the same values gave before."""

    __slots__ = ("_behind", "_formals", "_given", "arguments", "span")

    def __init__(self, arguments: tuple[spec.Argument, ...], span: Span, context: Context) -> None:
        self.arguments = tuple([Argument(argument, context.plain) for argument in arguments])
        self.span = span
        self._behind = context.applied
        """Whether it stands behind an arrow."""
        self._formals: dict[tuple[Formal, ...], list[Formal]] = {}
        """By the parameters of the block that is called: the parameter of each argument."""
        self._given: dict[Any, tuple[dict[str, Any], Parametric | None]] = {}
        """By those parameters and plain values: what each parameter is given, and an operator's block with it."""

    def bind(self, block: BlockValue, env: Env, body: BlockValue | None = None, values: list[Any] | None = None) -> Any:
        """The block with more of its parameters given; where the call names tensors, what the block makes of them, or,
        behind an arrow, of what stands before it and of them.

        ``values`` are those of the arguments, where they were evaluated before. Returns poison where an argument was
        refused.
        """
        inside = unnamed(env)
        if not isinstance(block, Parametric):
            return self._fed(block, self._only_tensors(block, inside, body), env) if self.arguments or body else block
        key: Any = None
        if body is None and not block.bound:
            values, key = self._plain(block, inside, values)
            found = self._at_once(block, values, key, env)
            if found is not None:
                return found
        binding = _Binding(block, self, inside)
        for index in range(len(self.arguments)):
            self._take(index, binding, values)
        if body is not None:
            binding.take_body(body)
        if not binding.tensors:
            return self._taken(binding, key, env) if binding.good else binding.finish(env)
        found, flow = dealt(binding.finished(), binding.tensors, behind=self._behind)
        if found is POISON:
            return POISON
        if not (self._behind or binding.listed):
            enough(found, flow, self.span)
        return self._fed(found, flow, env)

    def _only_tensors(self, block: BlockValue, env: Env, body: BlockValue | None) -> list[Any]:
        """What a call gives to a block without parameters."""
        tensors: list[Any] = []
        for argument in self.arguments:
            value = argument.given(None, env)
            if argument.syntax.name is not None or not (is_flow(value) or value is POISON):
                message = f"`{block.name}` already has all its arguments and takes no more"
                raise Refusal("E0216", message).located(argument.syntax.span)
            tensors.extend(value if isinstance(value, tuple) else (value,))
        if body is not None:
            raise Refusal("E0216", f"`{block.name}` already has all its arguments and takes no body")
        return tensors

    def _fed(self, block: BlockValue, tensors: list[Any], env: Env) -> Any:
        if self._behind:
            return Fed(block, tuple(tensors)) if tensors else block
        return applied(block, tensors, env, self.span)

    def evaluate(self, env: Env) -> None:
        """Look for faults in the arguments, where what is called was refused."""
        for argument in self.arguments:
            argument.given(ANYTHING, env)

    def _take(self, index: int, binding: _Binding, values: list[Any] | None) -> None:
        """Take one argument; a fault of it is reported."""
        argument, env = self.arguments[index], binding.env
        try:
            binding.take(argument, index, None if values is None else (values[index],))
        except Refusal as refusal:
            if argument.syntax.name is None:
                given = [other.syntax.span.text for other in self.arguments]
                refusal.help = position_help(binding.block.name, index, given) or refusal.help
            env.session.faults.refuse(refusal.located(argument.syntax.span), env.place.frame)
            binding.fault(argument.syntax)

    def _plain(self, block: Parametric, env: Env, values: list[Any] | None) -> tuple[list[Any] | None, Any]:
        """The values of the arguments, where it is known which parameters they are for, and a key where all of them are
        plain: 1, 1.0 and true are equal, and not the same.
        """
        formals = self._formals.get(block.formals)
        if formals is None:
            return values, None
        if values is None:
            try:
                values = [argument.given(formal, env) for argument, formal in zip(self.arguments, formals)]
            except Refusal:  # each argument is evaluated again, and its fault reported
                return None, None
        kinds = [*map(type, values)]
        card = block.card if isinstance(block, OpBlock) else None  # operators without parameters have the same formals
        return values, (card, block.formals, *values, *kinds) if PLAIN.issuperset(kinds) else None

    def _at_once(self, block: Parametric, values: list[Any] | None, key: Any, env: Env) -> Any:
        """The block with its arguments, where these were given before, or each can be taken by itself; else nothing."""
        if key in self._given:
            given, made = self._given[key]
            if made is not None and not block.defaults:
                return made.settle(env, self.span)
            return block.with_bound(given, self.span).settle(env, self.span)
        formals = self._formals.get(block.formals)
        found = None if values is None or formals is None else taken_alone(values, formals, block)
        return None if found is None else self._settled(found, block, key, env)

    def _taken(self, binding: _Binding, key: Any, env: Env) -> Any:
        """The block with arguments that were taken one by one; it is remembered which parameters they are for."""
        if len(binding.formals) == len(self.arguments):
            self._formals.setdefault(binding.block.formals, binding.formals)
        return self._settled(binding.given, binding.block, key, env)

    def _settled(self, given: dict[str, Any], block: Parametric, key: Any, env: Env) -> Any:
        """The block with its arguments, remembered if these are plain."""
        found = block.with_bound(given, self.span)
        if key is not None and len(self._given) < MOST:
            shared = found if isinstance(block, OpBlock) and not block.defaults else None
            self._given[key] = given, shared
        return found.settle(env, self.span)


def _tensors(values: tuple[Any, ...]) -> bool:
    """Whether all are tensors, or stand for some that were refused."""
    return all(value is POISON or isinstance(value, Value | Labelled) for value in values)


class _Binding:
    """The state of one call while its arguments are taken in order."""

    def __init__(self, block: Parametric, call: Call, env: Env) -> None:
        self.block = block
        self.call = call
        self.env = env
        self.given: dict[str, Any] = {}
        self.tensors: list[Any] = []
        self.listed = False
        """Whether some of them were given as one tuple or list, which may hold a single tensor."""
        self.formals: list[Formal] = []
        """The parameters of the arguments so far."""
        self.failed = False
        self.refused = False
        self.doubtful: set[str] = set()
        """Parameters that may have been meant by a refused argument."""

    def take(self, given: Argument, index: int, known: tuple[Any] | None = None) -> None:
        """Evaluate one argument, unless its value is ``known``, for the parameter it belongs to."""
        argument = given.syntax
        formal = self._named(given) if argument.name is not None else self._next()
        value = given.given(formal, self.env) if known is None else as_tensors(known[0], self.env)
        refused = is_refused(value) or (isinstance(value, tuple) and POISON in value and _tensors(value))
        if argument.name is None and (is_flow(value) or (refused and self._perhaps_entering(index))):
            self.listed = self.listed or isinstance(value, tuple)
            self.tensors.extend(value if isinstance(value, tuple) else (POISON if refused else value,))
            if refused:  # what it was is not certain
                self.doubtful.update(f.name for f in self.block.formals if f.required)
            return
        if formal is not None:
            self.formals.append(formal)
        if type(value) in PLAIN and formal is not None:
            self.given[formal.name] = POISON  # where it is refused, it keeps its place
            self.given[formal.name] = accepted(value, formal, self.block)
            return
        if formal is None:
            if refused:
                self.failed = self.failed or not self.block.runs_poisoned
                return
            self._too_many(argument, value)
        assert formal is not None
        if is_flow(value) and not (formal.like or formal.takes_tensors):
            raise self._tensor_given(formal, value)
        self.given[formal.name] = POISON
        self.given[formal.name] = self._checked(value, formal)

    def _tensor_given(self, formal: Formal, value: Any) -> Refusal:
        """What is given by name configures; a tensor that enters is named by its place."""
        message = f"`{formal.name}` of `{self.block.name}` cannot be {describe(value)}"
        return Refusal("E0210", message, help="tensors enter by `->`, or stand first in the call, without a name")

    def _perhaps_entering(self, index: int) -> bool:
        """Whether a refused value that has no name stands for a tensor: tensors come first, and a call that has more
        values than parameters must be given must have some.
        """
        formals = self.block.formals
        if index < len(formals) and formals[index].takes_tensors:
            return True
        if len(self.tensors) < index:
            return False
        names = [argument.syntax.name for argument in self.call.arguments]
        several = isinstance(self.block, OpBlock) and self.block.card.arity[1] != 1
        self.failed = self.failed or not self.block.runs_poisoned
        needed = sum(f.required and f.name not in names for f in formals if not f.takes_tensors)
        return several or names.count(None) > needed

    def fault(self, argument: spec.Argument) -> None:
        """An argument was refused: a body is worth running nevertheless, with poison for what is not known."""
        self.refused = True
        if not self.block.runs_poisoned:
            self.failed = True
            return
        missing = [f.name for f in self.block.formals if f.required and f.name not in self.block.bound]
        for name in missing if argument.name is None else [argument.name, *missing]:
            self.doubtful.add(name)

    def _named(self, given: Argument) -> Formal:
        name = given.syntax.name
        assert name is not None
        for formal in self.block.formals:
            if formal.name == name:
                if name in self.given:
                    help = "what stands without a name is taken in the order of the parameters: "
                    help += ", ".join(f"`{f.name}`" for f in self.block.formals)
                    raise Refusal("E0216", f"`{name}` is given twice", help=help)
                return formal
        if not isinstance(given.syntax.value, spec.Name):  # look for faults in it; a name may have been a choice
            given.given(None, self.env)
        known = [f.name for f in self.block.formals]
        listed = f"it takes {', '.join(f'`{n}`' for n in known)}" if known else "it takes none"
        raise Refusal(
            "E0202", f"`{self.block.name}` has no argument `{name}`",
            help=argument_help(self.block.name, name, known) or did_you_mean(name, known, listed),
        )  # fmt: skip

    def _next(self) -> Formal | None:
        """The next parameter that is not a tensor's, or, after all of these, a tensor's."""
        known = {*self.given, *self.block.bound}
        left = [f for f in self.block.formals if f.name not in known and not f.by_name]
        return next((formal for formal in left if not formal.takes_tensors), left[0] if left else None)

    def _too_many(self, argument: spec.Argument, value: Any) -> None:
        names = [formal.name for formal in self.block.formals]
        if not names:
            shown = shortened(" ".join(argument.value.span.text.split()), 40)
            help = f"apply it afterwards: `{shown} -> {self.block.name}`" if isinstance(value, BlockValue) else ""
            if isinstance(value, int | float) and self.tensors:
                help = f"a number enters as a tensor: `constant({shown})`"
            raise Refusal("E0216", f"`{self.block.name}` takes no arguments", help=help)
        count = "one argument" if len(names) == 1 else f"at most {len(names)} arguments"
        listed = ", ".join(f"`{name}`" for name in names)
        raise Refusal(
            "E0216", f"`{self.block.name}` takes {count}, and this is one too many", help=f"it takes {listed}"
        )

    def _checked(self, value: Any, formal: Formal) -> Any:
        if formal.choices and (value is None or (isinstance(value, OpBlock) and not value.bound)):
            name = "none" if value is None else value.name
            value = name if name in formal.choices else value  # through a parameter: what it is for is known only here
        if type(value) in PLAIN:
            return accepted(value, formal, self.block)
        if formal.like:
            value = value.type if isinstance(value, Value) else value
        session = self.env.session
        extent = session.lists.extent(value)
        session.bounds.step(extent.leaves // 4)
        if extent.poisoned:
            self.failed = self.failed or not self.block.runs_poisoned
            return POISON
        if formal.kind is None or value is POISON or (value is None and formal.takes_tensors and not formal.required):
            return value
        if isinstance(value, BlockValue | Labelled | Initializer) and not formal.takes_values:
            formal.kind.check(value, f"`{formal.name}` of `{self.block.name}`")
            raise Refusal(
                "E0204", f"`{formal.name}` of `{self.block.name}` must be {formal.kind.text}, not {describe(value)}"
            )
        return formal.kind.check(value, f"`{formal.name}` of `{self.block.name}`")

    def take_body(self, body: BlockValue) -> None:
        """Give the trailing body to the last parameter."""
        last = self.block.formals[-1] if self.block.formals else None
        if last is None or not last.body:
            self.failed = True
            help = "apply one after the other: `a -> b`"
            if self.block.is_defined:
                help = "a block takes a body if its last parameter is declared `: block`"
            raise Refusal("E0216", f"`{self.block.name}` takes no body", help=help).located(self.call.span)
        if last.name in self.given or last.name in self.block.bound:
            raise Refusal("E0216", f"`{last.name}` of `{self.block.name}` is given twice: as an argument and as a body")
        assert last.kind is not None
        self.given[last.name] = last.kind.check(body, f"the body of `{self.block.name}`")

    @property
    def good(self) -> bool:
        """Whether no argument was refused."""
        return not self.failed and not self.refused

    def finished(self) -> Any:
        """The block with its arguments, or what stands for it after one was refused: a block, or poison."""
        block = self.block.with_bound(self.given, self.call.span)
        if self.failed:
            return block.refused()
        given = {f.name: POISON for f in self.block.formals if f.name in self.doubtful and f.name not in self.given}
        return block.with_bound(given) if given else block

    def finish(self, env: Env) -> Any:
        """What stands for the block after an argument was refused; its body is run with poison for what is unknown."""
        found = self.finished()
        return found.settle(env, self.call.span) if isinstance(found, Parametric) else found
