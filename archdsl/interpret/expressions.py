"""Names, literals, lists, and what is built of them."""

from __future__ import annotations

from typing import Any

from archdsl import ops
from archdsl.diagnostics import Refusal
from archdsl.interpret import combinators
from archdsl.interpret.blocks import TUPLE
from archdsl.interpret.env import Env
from archdsl.interpret.evaluate import evaluate, raw, rule, truth
from archdsl.interpret.flow import as_flow
from archdsl.interpret.functions import FUNCTIONS, bounded, sequence
from archdsl.interpret.loops import assign
from archdsl.interpret.operators import operator_block
from archdsl.interpret.parametric import Parametric
from archdsl.interpret.values import POISON, Table, show
from archdsl.modules.suggestions import unknown_name
from archdsl.modules.words import CHOICE_WORDS, ENDS
from archdsl.syntax import spec


@rule(spec.Number)
def _number(expr: spec.Number, env: Env) -> Any:
    return bounded(expr.value, env.session)


@rule(spec.Boolean)
def _boolean(expr: spec.Boolean, env: Env) -> bool:
    return expr.value


@rule(spec.Name)
def _name(expr: spec.Name, env: Env) -> Any:
    name = expr.id
    if ops.is_operator(name):  # nothing may hide an operator
        return with_defaults(operator_block(name), env)
    value = env.find(name)
    if value is Env.missing:
        return lookup_builtin(name, env)
    return with_defaults(value, env) if isinstance(value, Parametric) and not value.bound else value


def with_defaults(block: Parametric, env: Env) -> Parametric:
    """The block with what enclosing ``with`` statements give it."""
    return block.with_defaults(env.operator_defaults(block.name)) if env.session.has_defaults else block


def lookup_builtin(name: str, env: Env) -> Any:
    """Operators, combinators, symbols and bare choices; refuses unknown names."""
    if ops.is_operator(name):
        return with_defaults(operator_block(name), env)
    if name in combinators.COMBINATORS:
        return with_defaults(combinators.combinator(name), env)
    if name == "tuple":
        return TUPLE
    if name == "none":
        return None
    label = env.find_label(name)
    if label is not Env.missing:
        return label
    if name in env.session.symbols:
        return env.session.symbols[name]
    if name in ENDS:
        from archdsl.interpret.preprocess_and_labels import end

        return with_defaults(end(name), env)
    if name in CHOICE_WORDS:
        return name
    if name in FUNCTIONS:
        raise Refusal("E0204", f"`{name}` is a function of numbers: call it, `{name}(…)`")
    if name in combinators.LATER:
        raise Refusal("E0218", f"`{name}` is not part of this edition yet")
    if name in ops.offered():
        return with_defaults(operator_block(name), env)
    known = [*env.visible(), *ops.names(), *combinators.COMBINATORS, *FUNCTIONS, *ENDS, *env.session.symbols]
    raise unknown_name(name, known)


@rule(spec.String)
def _string(expr: spec.String, env: Env) -> Any:
    parts = [part if isinstance(part, str) else evaluate(part, env) for part in expr.parts]
    return POISON if any(part is POISON for part in parts) else bounded("".join(map(show, parts)), env.session)


@rule(spec.In)
def _in(expr: spec.In, env: Env) -> Any:
    value = env.input()
    if value is Env.missing:
        raise Refusal("E0217", "`in` is what entered a block, and there is no block around it")
    return value


@rule(spec.ListExpr)
def _list(expr: spec.ListExpr, env: Env) -> Any:
    env.session.check_items(len(expr.items))
    return env.session.made_list(tuple(evaluate(item, env) for item in expr.items))


@rule(spec.TupleExpr)
def _tuple(expr: spec.TupleExpr, env: Env) -> Any:
    return as_flow(env.session.made_list(tuple(evaluate(item, env) for item in expr.items)), env)


@rule(spec.Comprehension)
def _comprehension(expr: spec.Comprehension, env: Env) -> Any:
    iterable = evaluate(expr.iterable, env)
    if iterable is POISON:
        return POISON
    found = []
    for item in sequence(iterable, env.session, "what a comprehension runs over"):
        env.session.step()
        inner = Env(env, env.place, "loop")
        assign(expr.targets, item, inner)
        keep = True if expr.condition is None else truth(expr.condition, inner)
        if keep is POISON:
            return POISON
        if keep:
            found.append(evaluate(expr.element, inner))
    return env.session.made_list(tuple(found))


@rule(spec.TableExpr)
def _table(expr: spec.TableExpr, env: Env) -> Table:
    env.session.step(len(expr.rows))
    width = len(expr.header)  # the parser has told of rows that are too short or too long
    rows = ([*(evaluate(cell, env) for cell in row[:width]), *[POISON] * (width - len(row))] for row in expr.rows)
    return Table(expr.header, tuple(map(tuple, rows)))


@rule(spec.Conditional)
def _conditional(expr: spec.Conditional, env: Env) -> Any:
    condition = truth(expr.condition, env)
    if condition is POISON:
        return POISON
    return raw(expr.value if condition else expr.otherwise, env)


@rule(spec.Wildcard, spec.Ellipsis, spec.Slice, spec.SymbolDim)
def _misplaced(expr: spec.Expr, env: Env) -> Any:
    raise Refusal("E0217", "`_` and `…` stand in shape annotations only")
