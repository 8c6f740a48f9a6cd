"""States of the model: what one call of it hands to the next. Each enters as an input and leaves as an output."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archdsl.diagnostics import Diagnostic, Refusal
from archdsl.graph import Value
from archdsl.interpret.code import Context, Step, statement
from archdsl.interpret.dimensions import type_code
from archdsl.interpret.env import Env
from archdsl.interpret.session import Session
from archdsl.interpret.values import describe
from archdsl.source import Span
from archdsl.syntax import spec
from archdsl.tape.model_states import NEVER_SET, after, check_next, set_twice
from archdsl.tape.paths import Naming, join
from archdsl.tape.poison import POISON, Flow


class ModelState:
    """A state: the input that it enters as, where it is declared, and what it is in the next call."""

    __slots__ = ("grows", "next", "span", "value")

    def __init__(self, value: Value, span: Span, grows: frozenset[int]) -> None:
        self.value = value
        self.span = span
        self.grows = grows
        """The axes that may be longer in the next call, also where the symbol has a size in this one."""
        self.next: Flow | None = None


@statement(spec.ModelState)
def _declared(statement: spec.ModelState, context: Context) -> Step:
    """``state keys: f32[N, 4, P = 0 >= 0, 64]``: an input named by its path."""
    declared = type_code(statement.type, context)
    word = statement.span.word(statement.name)
    sizes = [dim.dim if isinstance(dim, spec.SizedDim) else dim for dim in statement.type.dims]
    symbols = [(axis, size.id) for axis, size in enumerate(sizes) if isinstance(size, spec.Name)]

    def run(env: Env, flow: Flow, naming: Naming) -> Flow:
        session, tape = env.session, env.session.tape
        if tape.loops:
            help = f"a state of the runs has a first value: `state {statement.name} = …`"
            raise Refusal("E0217", "a state of the model cannot stand in the body of a `scan`", help=help)
        path = tape.fresh(join(env.place.scope.path, statement.name))
        value = Value(path, declared(env))
        session.draft.inputs.append(value)
        session.draft.places[path] = word
        empty = {name for name, limit in session.draft.limits.items() if limit.least == 0}
        grows = frozenset(axis for axis, name in symbols if name in empty)
        session.draft.states[value] = ModelState(value, word, grows)
        env.names[statement.name] = value
        return flow

    return run


def set_next(name: str, value: Any, env: Env) -> bool:
    """Set a state of the model for its next call; whether ``name`` is one. Refuses a second time (E0220), and another
    type (E0303).
    """
    states, found = env.session.draft.states, env.find(name)
    if found is POISON:  # its declaration was refused
        return True
    state = states.get(found) if isinstance(found, Value) else None
    if state is None:
        return False
    if env.session.tape.loops:
        help = "let the `scan` have a state of its own, with `final = true`, and set this one behind it"
        raise Refusal("E0217", f"`{name}` is a state of the model, which runs once for all of this", help=help)
    if state.next is not None:
        raise set_twice(name)
    state.next = POISON
    if value is POISON:
        return True
    if not isinstance(value, Value):
        raise Refusal("E0204", f"a state must be a tensor, not {describe(value)}")
    check_next(name, state.value.type, value.type, state.grows)
    state.next = value
    return True


def handed_on(session: Session) -> Iterator[tuple[str, str, Value]]:
    """Of each state its name, that of the output, and the output; reports (E0220) those that are never set."""
    for value, state in session.draft.states.items():
        if isinstance(state.next, Value):
            yield value.name, after(value.name), state.next
        elif state.next is None and not session.faults.failed:
            message = f"the state `{value.name}` is never set"
            session.faults.report(Diagnostic("E0220", message, state.span, help=NEVER_SET))
