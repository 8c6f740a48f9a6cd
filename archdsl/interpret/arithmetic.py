"""Arithmetic and comparison: of numbers, of dimensions, of lists, and of tensors (which makes nodes)."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from archdsl import dims, ops
from archdsl.diagnostics import Refusal
from archdsl.dims import Expr
from archdsl.graph import Value
from archdsl.interpret.env import Env
from archdsl.interpret.evaluate import evaluate, rule, truth
from archdsl.interpret.functions import bounded, power
from archdsl.interpret.values import POISON, BlockValue, Flow, describe
from archdsl.source import Span
from archdsl.syntax import spec

_NUMBERS = (int, float, Expr)
_NUMERIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
    "//": operator.floordiv, "%": operator.mod,
}  # fmt: skip


@rule(spec.Unary)
def _unary(expr: spec.Unary, env: Env) -> Any:
    if expr.op == "not":
        value = truth(expr.operand, env, "the operand of `not`")
        return POISON if value is POISON else not value
    value = evaluate(expr.operand, env)
    if value is POISON:
        return POISON
    if isinstance(value, Value):
        return value if expr.op == "+" else tensor_operation(ops.PREFIX["-"], (value,), env, expr.span)
    if isinstance(value, bool) or not isinstance(value, int | float | Expr):
        raise Refusal("E0204", f"`{expr.op}` needs a number or a tensor, not {describe(value)}")
    return value if expr.op == "+" else value * -1


@rule(spec.Binary)
def _binary(expr: spec.Binary, env: Env) -> Any:
    if expr.op in ("and", "or"):
        return _logical(expr, env)
    # Long chains (1 + 1 + … + 1) lean to the left: walk them with a loop, not with recursion.
    chain: list[spec.Binary] = []
    left: spec.Expr = expr
    while isinstance(left, spec.Binary) and left.op not in ("and", "or"):
        chain.append(left)
        left = left.left
    value = evaluate(left, env)
    for link in reversed(chain):
        right = evaluate(link.right, env)
        try:
            value = binary(link.op, value, right, env, link.span)
        except Refusal as refusal:
            raise refusal.located(link.span) from None
    return value


def _logical(expr: spec.Binary, env: Env) -> Any:
    left = truth(expr.left, env, f"the left side of `{expr.op}`")
    if left is POISON:
        return POISON
    if left is (expr.op == "or"):
        return left
    return truth(expr.right, env, f"the right side of `{expr.op}`")


def binary(op: str, left: Any, right: Any, env: Env, span: Span) -> Any:
    """``left op right`` for numbers, dimensions, lists, strings and tensors."""
    env.session.step()
    if left is POISON or right is POISON:
        return POISON
    if isinstance(left, Value) or isinstance(right, Value):
        if op not in ops.INFIX:
            raise Refusal("E0204", f"`{op}` is not defined for tensors", help="use `+ - * / ** @` or an operator")
        return tensor_operation(ops.INFIX[op], (left, right), env, span)
    if op == "+" and isinstance(left, str) and isinstance(right, str):
        return bounded(left + right, env.session)
    if op == "+" and isinstance(left, tuple) and isinstance(right, tuple):
        return bounded(left + right, env.session)
    if op == "*" and isinstance(left, tuple) and isinstance(right, int) and not isinstance(right, bool):
        env.session.check_items(len(left) * max(right, 0))
        return bounded(left * right, env.session)
    for value in (left, right):
        if isinstance(value, bool) or not isinstance(value, _NUMBERS):
            raise Refusal(
                "E0204", f"`{op}` needs numbers or tensors, not {describe(value)}", help=_block_hint(value, op)
            )
    return bounded(_numeric(op, left, right, env), env.session)


def _block_hint(value: Any, op: str) -> str:
    if isinstance(value, BlockValue):
        return f"apply it first: `(in -> {value.name}) {op} …`"
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
        raise Refusal(
            "E0306", "a symbolic dimension cannot be combined with a float", help="use whole numbers and `//`"
        )
    if symbolic and op == "/":
        raise Refusal("E0306", f"{left} / {right} need not be whole", help="use `//` for dimensions")
    if symbolic and op == "%":
        return left - dims.floordiv(left, right) * right
    try:
        return _NUMERIC[op](left, right)
    except OverflowError:
        raise Refusal("E0205", "the result is not a finite number") from None


def tensor_operation(name: str, operands: tuple[Any, ...], env: Env, span: Span | None) -> Flow:
    """An operator on tensors written as arithmetic; numbers become constants of the other side's element type."""
    if name == "pow" and isinstance(operands[0], Value) and isinstance(operands[1], int | float):
        power_of = ops.load("pow").create(exponent=operands[1])
        return env.session.node(power_of, operands[:1], env.place, name, span)
    tensors = [o for o in operands if isinstance(o, Value)]
    dtype = tensors[0].type.dtype
    inputs: list[Any] = []
    for operand in operands:
        if isinstance(operand, bool) or not isinstance(operand, Value | int | float):
            raise Refusal("E0204", f"`{name}` needs tensors and numbers, not {describe(operand)}")
        if not isinstance(operand, Value):
            constant = ops.load("constant").create(values=operand, dtype=dtype)
            operand = env.session.node(constant, (), env.place, "constant", span)
        inputs.append(operand)
    return env.session.node(ops.load(name)(), inputs, env.place, name, span)


@rule(spec.Compare)
def _compare(expr: spec.Compare, env: Env) -> Any:
    left = evaluate(expr.first, env)
    verdict: Any = True
    for op, right_expr in expr.rest:
        right = evaluate(right_expr, env)
        if left is POISON or right is POISON:
            return POISON
        if isinstance(left, Value) or isinstance(right, Value):
            if len(expr.rest) > 1:
                raise Refusal("E0204", "comparisons of tensors cannot be chained", help="join two with `logical_and`")
            return tensor_operation(ops.INFIX[op], (left, right), env, expr.span)
        env.session.visit(left)
        env.session.visit(right)
        verdict = compare(op, left, right)
        if not verdict:
            return False
        left = right
    return verdict


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
        same = dims.equal(left, right)
        verdict = same if same is None or op == "==" else not same
    elif op in (">=", "<"):
        below = dims.at_least(left, right)
        verdict = below if below is None or op == ">=" else not below
    else:
        below = dims.at_least(right, left)
        verdict = below if below is None or op == "<=" else not below
    if verdict is None:
        name = min(dims.symbols(left) | dims.symbols(right))
        raise Refusal(
            "E0307", f"whether {left} {op} {right} depends on `{name}`, which is known only when the model runs",
            help=f"give `{name}` a number in the input declaration, or bind it: `--bind {name}=…`",
        )  # fmt: skip
    return verdict
