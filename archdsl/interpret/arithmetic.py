"""Arithmetic and comparison: of numbers, of dimensions, of lists, and of tensors (which makes nodes)."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from archdsl import dim_order, dims, ops
from archdsl.diagnostics import Refusal
from archdsl.dim_faults import depends
from archdsl.dims import Expr
from archdsl.graph import Value
from archdsl.interpret.code import Code, Context, compiled, condition, expression
from archdsl.interpret.env import Env
from archdsl.interpret.functions import bounded, power, times
from archdsl.interpret.values import BlockValue, describe
from archdsl.source import Span
from archdsl.syntax import spec
from archdsl.tape.poison import POISON, Flow
from archdsl.tape.tape import Place

_NUMBERS = (int, float, Expr)
_NUMERIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
    "//": operator.floordiv, "%": operator.mod,
}  # fmt: skip


@expression(spec.Unary)
def _unary(expr: spec.Unary, context: Context) -> Code:
    op = expr.op
    if op == "not":
        verdict = condition(expr.operand, context, "the operand of `not`")

        def negated(env: Env) -> Any:
            value = verdict(env)
            return POISON if value is POISON else not value

        return negated
    operand = compiled(expr.operand, context)

    def signed(env: Env) -> Any:
        value = operand(env)
        if value is POISON:
            return POISON
        if isinstance(value, Value):
            return value if op == "+" else tensor_operation(ops.PREFIX["-"], (value,), env.place, expr.span)
        if isinstance(value, bool) or not isinstance(value, int | float | Expr):
            raise Refusal("E0204", f"`{op}` needs a number or a tensor, not {describe(value)}")
        return value if op == "+" else value * -1

    return signed


@expression(spec.Binary)
def _binary(expr: spec.Binary, context: Context) -> Code:
    if expr.op in ("and", "or"):
        return _logical(expr, context)
    # Long chains (1 + 1 + … + 1) lean to the left: walk them with a loop, not with recursion.
    links: list[spec.Binary] = []
    left: spec.Expr = expr
    while isinstance(left, spec.Binary) and left.op not in ("and", "or"):
        links.append(left)
        left = left.left
    first = compiled(left, context)
    rest = [(link.op, compiled(link.right, context), link.span) for link in reversed(links)]

    def chain(env: Env) -> Any:
        value = first(env)
        for op, right, span in rest:
            other = right(env)
            try:
                value = binary(op, value, other, env, span)
            except Refusal as refusal:  # what stands further right is looked at all the same
                value = env.session.faults.refuse(refusal.located(span), env.place.frame)
        return value

    return chain


def _logical(expr: spec.Binary, context: Context) -> Code:
    decisive = expr.op == "or"
    first = condition(expr.left, context, f"the left side of `{expr.op}`")
    second = condition(expr.right, context, f"the right side of `{expr.op}`")

    def logical(env: Env) -> Any:
        left = first(env)
        return left if left is POISON or left is decisive else second(env)

    return logical


def binary(op: str, left: Any, right: Any, env: Env, span: Span) -> Any:
    """``left op right`` for numbers, dimensions, lists, strings and tensors."""
    env.session.bounds.step()
    if left is POISON or right is POISON:
        return POISON
    blocks = [value for value in (left, right) if isinstance(value, BlockValue)]
    if not blocks and (isinstance(left, Value) or isinstance(right, Value)):
        if op not in ops.INFIX:
            raise Refusal("E0204", f"`{op}` is not defined for tensors", help="use `+ - * / ** @` or an operator")
        return tensor_operation(ops.INFIX[op], (left, right), env.place, span)
    if op == "+" and isinstance(left, str) and isinstance(right, str):
        return bounded(left + right, env.session)
    if op == "+" and isinstance(left, tuple) and isinstance(right, tuple):
        return bounded(left + right, env.session)
    if op == "*" and isinstance(left, tuple) and isinstance(right, int) and not isinstance(right, bool):
        env.session.bounds.check_items(len(left) * max(right, 0))
        return bounded(left * right, env.session)
    for value in blocks or (left, right):
        if isinstance(value, bool) or not isinstance(value, _NUMBERS):
            raise Refusal(
                "E0204",
                f"`{op}` needs numbers or tensors, not {describe(value)}",
                help=_block_hint(value, op, right if value is left else left),
            )
    return bounded(_numeric(op, left, right, env), env.session)


def _block_hint(value: Any, op: str, other: Any) -> str:
    if isinstance(value, BlockValue):
        if op == "*":
            n = other if isinstance(other, int) and other is not True else None
            if n:
                return f"repeat it: `repeat {n} {{ {value.name}(…) }}`"
        return f"`->` binds loosest: apply it first, `(x -> {value.name}(…)) {op} …`"
    return ""


def _numeric(op: str, left: Any, right: Any, env: Env) -> Any:
    if op == "**":
        return power(left, right, env.session)
    if op == "@":
        raise Refusal("E0204", "`@` multiplies tensors, not numbers")
    if op in ("/", "//", "%") and right == 0:
        raise Refusal("E0212", "division by zero")
    symbolic = isinstance(left, Expr) or isinstance(right, Expr)
    if symbolic and (isinstance(left, float) or isinstance(right, float)):
        raise Refusal("E0306", "a symbolic dimension cannot be combined with a float", help="use integers and `//`")
    if symbolic and op == "/":
        raise Refusal("E0306", f"{left} / {right} is not always an integer", help="use `//` for dimensions")
    if symbolic and op == "%":
        return left - dims.floordiv(left, right) * right
    if symbolic and op == "*":
        return times(left, right, env.session)
    try:
        return _NUMERIC[op](left, right)
    except OverflowError:
        raise Refusal("E0205", "the result is not a finite number") from None


def tensor_operation(name: str, operands: tuple[Any, ...], place: Place, span: Span | None) -> Flow:
    """An operator on tensors written as arithmetic; numbers become constants of the other side's element type."""
    card = ops.load(name)
    if card.number and isinstance(operands[0], Value) and isinstance(operands[1], int | float):
        return place.tape.node(card.create(**{card.number: operands[1]}), operands[:1], place, name, span)
    tensors = [o for o in operands if isinstance(o, Value)]
    dtype = tensors[0].type.dtype
    inputs: list[Any] = []
    for operand in operands:
        if isinstance(operand, bool) or not isinstance(operand, Value | int | float):
            raise Refusal("E0204", f"`{name}` needs tensors and numbers, not {describe(operand)}")
        if not isinstance(operand, Value):
            from archdsl.ops.constant import Constant

            operand = place.tape.node(Constant.create(values=operand, dtype=dtype), (), place, Constant.name, span)
        inputs.append(operand)
    return place.tape.node(card(), inputs, place, name, span)


@expression(spec.Compare)
def _compare(expr: spec.Compare, context: Context) -> Code:
    first = compiled(expr.first, context)
    rest = [(op, compiled(right, context)) for op, right in expr.rest]

    def compared(env: Env) -> Any:
        left, lists = first(env), env.session.lists
        for op, code in rest:
            right = code(env)
            if left is POISON or right is POISON:
                return POISON
            if isinstance(left, Value) or isinstance(right, Value):
                if len(rest) > 1:
                    message = "comparisons of tensors cannot be chained"
                    raise Refusal("E0204", message, help="join two with `logical_and`")
                return tensor_operation(ops.INFIX[op], (left, right), env.place, expr.span)
            lists.visit(left)
            lists.visit(right)
            if lists.extent(left).poisoned or lists.extent(right).poisoned:
                return POISON
            if not compare(op, left, right):
                return False
            left = right
        return True

    return compared


def compare(op: str, left: Any, right: Any) -> bool:
    """A comparison that must be decided while compiling."""
    if isinstance(left, Expr) or isinstance(right, Expr):
        if not all(isinstance(v, int | Expr) for v in (left, right)):
            if op in ("==", "!="):
                return op == "!="
            raise Refusal("E0204", f"`{op}` cannot compare {describe(left)} with {describe(right)}")
        return _compare_dims(op, left, right)
    if op in ("==", "!="):
        return bool((left == right) is (op == "=="))
    plain = (int, float), (str,)
    if not any(isinstance(left, k) and isinstance(right, k) for k in plain):
        raise Refusal("E0204", f"`{op}` cannot compare {describe(left)} with {describe(right)}")
    rule = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}[op]
    return bool(rule(left, right))


def _compare_dims(op: str, left: Any, right: Any) -> bool:
    verdict: bool | None
    if op in ("==", "!="):
        same = dim_order.equal(left, right)
        verdict = same if same is None or op == "==" else not same
    elif op in (">=", "<"):
        below = dim_order.at_least(left, right)
        verdict = below if below is None or op == ">=" else not below
    else:
        below = dim_order.at_least(right, left)
        verdict = below if below is None or op == "<=" else not below
    if verdict is None:
        name = min(dims.symbols(left) | dims.symbols(right))
        message = f"whether {left} {op} {right} depends on `{name}`, which is known only when the model runs"
        help = f"give `{name}` a number in the input declaration, or bind it: `--bind {name}=…`"
        raise depends("E0307", message, [left, right], help)
    return verdict
