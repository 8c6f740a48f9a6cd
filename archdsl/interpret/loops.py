"""Iterations of loops, as one mapping of names for each; and names for the parts of a value."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from archdsl import dims
from archdsl.diagnostics import Refusal, did_you_mean
from archdsl.interpret.code import Context, compiled
from archdsl.interpret.env import ANY, Env
from archdsl.interpret.functions import sequence
from archdsl.interpret.session import Session
from archdsl.interpret.values import Table, describe, is_tensor
from archdsl.ops.kinds import Integer
from archdsl.syntax import spec
from archdsl.tape.poison import POISON

Iterations = Callable[[Env], Iterator[dict[str, Any]]]
"""What each iteration of a loop binds."""


def iterations(statement: spec.Repeat | spec.For, context: Context) -> Iterations:
    """What each iteration of the loop binds."""
    return _repeat(statement, context) if isinstance(statement, spec.Repeat) else _for(statement, context)


def _repeat(statement: spec.Repeat, context: Context) -> Iterations:
    counted, index = compiled(statement.count, context), statement.index

    def rows(env: Env) -> Iterator[dict[str, Any]]:
        count = counted(env)
        if count is POISON:
            yield {index: POISON} if index else {}
            return
        yield from ({index: k} if index else {} for k in range(_count(count, statement.count)))

    return rows


def _for(statement: spec.For, context: Context) -> Iterations:
    iterated, index = compiled(statement.iterable, context), statement.index

    def rows(env: Env) -> Iterator[dict[str, Any]]:
        iterable = iterated(env)
        if iterable is POISON:
            names = statement.targets or (ANY,)
            yield dict.fromkeys((*names, *([index] if index else [])), POISON)
            return
        if not isinstance(iterable, Table) and not statement.targets:
            message = f"`for` without names needs a table, not {describe(iterable)}"
            named = f"for {index or 'i'} in {statement.iterable.span.text} {{ … }}"
            help = f"name the element: `{named}`; what follows `as` counts the turns"
            raise Refusal("E0204", message, help=help).located(statement.iterable.span)
        found = (
            _table_rows(statement, iterable) if isinstance(iterable, Table) else _list_rows(statement, iterable, env)
        )
        for k, row in enumerate(found):
            if index:
                row[index] = k
            yield row

    return rows


def _count(count: Any, expr: spec.Expr) -> int:
    try:
        if not isinstance(count, int | float | dims.Expr):
            raise Refusal("E0204", f"`repeat` needs an integer, not {describe(count)}")
        return Integer(0).check(count, "the count of `repeat`")
    except Refusal as refusal:
        raise refusal.located(expr.span) from None


def _table_rows(statement: spec.For, table: Table) -> Iterator[dict[str, Any]]:
    names = statement.targets or table.header
    for name in names:
        if name not in table.header and name != "_":
            raise Refusal(
                "E0211", f"the table has no column `{name}`",
                help=did_you_mean(name, table.header, f"columns: {', '.join(table.header)}"),
            ).located(statement.span.word(name))  # fmt: skip
    for row in table.rows:
        cells = dict(zip(table.header, row))
        yield {name: cells[name] for name in names if name != "_"}


def _list_rows(statement: spec.For, iterable: Any, env: Env) -> Iterator[dict[str, Any]]:
    try:
        for item in sequence(iterable, env.session, "the value that `for` iterates over"):
            names: dict[str, Any] = {}
            assign(statement.targets, item, names, env.session)
            yield names
    except Refusal as refusal:
        if isinstance(iterable, int):
            refusal.help = f"write `repeat {iterable}`, or iterate over `range({iterable})`"
        raise refusal.located(statement.iterable.span) from None


def assign(targets: tuple[str, ...], value: Any, names: dict[str, Any], session: Session) -> None:
    """Bind one name to the value, or several to its elements."""
    if len(targets) == 1:
        if targets[0] != "_":
            names[targets[0]] = value
        return
    if value is POISON:
        items: tuple[Any, ...] = (POISON,) * len(targets)
    else:
        if is_tensor(value):
            message = f"{len(targets)} names ({', '.join(targets)}) for one tensor"
            help = (
                "`split(2)` takes it apart; `final = true` gives the last states of `scan`, `rnn`, `gru`, `lstm`, too"
            )
            raise Refusal("E0310", message, help=help)
        items = sequence(value, session, "the unpacked value")
        if len(items) != len(targets):
            help = "use `_` for values that are not needed" if len(items) > len(targets) else ""
            raise Refusal("E0310", f"{len(targets)} names ({', '.join(targets)}) for {len(items)} values", help=help)
    for target, item in zip(targets, items):
        if target != "_":
            names[target] = item
