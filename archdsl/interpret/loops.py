"""What loops run over, one mapping of names for each iteration; and names for the parts of a value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archdsl import dims
from archdsl.diagnostics import Refusal, did_you_mean
from archdsl.interpret.env import Env
from archdsl.interpret.evaluate import evaluate
from archdsl.interpret.functions import sequence
from archdsl.interpret.values import POISON, Table, describe
from archdsl.ops.kinds import Integer
from archdsl.syntax import spec


def iterations(statement: spec.Repeat | spec.For, env: Env) -> Iterator[dict[str, Any]]:
    """What each iteration binds."""
    if isinstance(statement, spec.Repeat):
        count = evaluate(statement.count, env)
        if count is POISON:
            yield {statement.index: POISON} if statement.index else {}
            return
        yield from ({statement.index: k} if statement.index else {} for k in range(_count(count, statement.count)))
        return
    iterable = evaluate(statement.iterable, env)
    if iterable is POISON:
        yield dict.fromkeys((*statement.targets, *([statement.index] if statement.index else [])), POISON)
        return
    if isinstance(iterable, Table):
        rows = _table_rows(statement, iterable)
    else:
        if not statement.targets:
            raise Refusal("E0204", f"`for` without names runs over a table, not {describe(iterable)}").located(
                statement.iterable.span
            )
        rows = _list_rows(statement, iterable, env)
    for k, row in enumerate(rows):
        if statement.index:
            row[statement.index] = k
        yield row


def _count(count: Any, expr: spec.Expr) -> int:
    try:
        if not isinstance(count, int | float | dims.Expr):
            raise Refusal("E0204", f"`repeat` needs a whole number, not {describe(count)}")
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
        for item in sequence(iterable, env.session, "what `for` runs over"):
            inner = Env(None, env.place, "loop")
            assign(statement.targets, item, inner)
            yield inner.names
    except Refusal as refusal:
        if isinstance(iterable, int):
            refusal.help = f"write `repeat {iterable}`, or run over `range({iterable})`"
        raise refusal.located(statement.iterable.span) from None


def assign(targets: tuple[str, ...], value: Any, env: Env) -> None:
    """Bind one name to the value, or several to its elements."""
    if len(targets) == 1:
        if targets[0] != "_":
            env.names[targets[0]] = value
        return
    if value is POISON:
        items: tuple[Any, ...] = (POISON,) * len(targets)
    else:
        items = sequence(value, env.session, "what is taken apart")
        if len(items) != len(targets):
            help = "name the rest `_`" if len(items) > len(targets) else ""
            raise Refusal("E0310", f"{len(targets)} names ({', '.join(targets)}) for {len(items)} values", help=help)
    for target, item in zip(targets, items):
        if target != "_":
            env.names[target] = item
