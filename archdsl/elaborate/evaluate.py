"""Expressions to values."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from archdsl import dims, ops
from archdsl.diagnostics import Refusal, nearest
from archdsl.dims import Expr
from archdsl.elaborate import blocks, combinators
from archdsl.elaborate.bind import bind
from archdsl.elaborate.env import Env
from archdsl.elaborate.functions import FUNCTIONS, bounded, power, sequence
from archdsl.elaborate.names import CHOICE_WORDS
from archdsl.elaborate.session import BoundExceeded
from archdsl.elaborate.values import (
    POISON, BlockValue, Flow, Indexed, Labelled, Table, describe, holds_poison, is_flow, show,
)  # fmt: skip
from archdsl.graph import Value
from archdsl.source import Span
from archdsl.syntax import spec


def evaluate(expr: spec.Expr, env: Env) -> Any:
    """The value of an expression; a label's value is its result."""
    value = raw(expr, env)
    return value.result if isinstance(value, Labelled) else value


def raw(expr: spec.Expr, env: Env) -> Any:
    """The value of an expression, labels still with what they hold."""
    try:
        return _RULES[type(expr)](expr, env)
    except Refusal as refusal:
        raise refusal.located(head_span(expr)) from None


def head_span(expr: spec.Expr) -> Span:
    """Where to point for an expression: a body is left out, so that the marks stay on one line."""
    return head_span(expr.head) if isinstance(expr, spec.WithBody) else expr.span


def truth(expr: spec.Expr, env: Env, what: str = "a condition") -> Any:
    """The value of a condition: a bool, or poison."""
    value = evaluate(expr, env)
    if value is POISON or isinstance(value, bool):
        return value
    hint = "compare it: `x > 0`" if isinstance(value, int | float) else ""
    raise Refusal("E0204", f"{what} must be true or false, not {describe(value)}", help=hint).located(expr.span)


def pipeline_value(expr: spec.Pipeline, env: Env) -> Any:
    """``a -> b`` as a value: applied when ``a`` is a tensor, else the composition of blocks."""
    head = as_flow(evaluate(expr.stages[0], env))
    if head is POISON or is_flow(head):
        return apply_stages(head, expr.stages[1:], env)
    stages = [_stage(stage, env) for stage in expr.stages]
    if any(stage is POISON for stage in stages):
        return POISON
    return blocks.Pipe([(block, head_span(stage)) for block, stage in zip(stages, expr.stages)])


def apply_stages(flow: Flow, stages: tuple[spec.Expr, ...], env: Env) -> Flow:
    """The flow after further stages, each evaluated when its turn comes."""
    for stage in stages:
        block = _stage(stage, env)
        flow = POISON if block is POISON else apply_block(block, flow, env, head_span(stage))
    return flow


def apply_block(block: BlockValue, flow: Flow, env: Env, span: Span) -> Flow:
    """Apply at the environment's place; refusals without a place of their own get ``span``.

    An operator that refuses is told here, and the flow goes on with what is certain of its result.
    """
    try:
        return block.apply(flow, env.place, span)
    except BoundExceeded as exceeded:
        raise exceeded.located(span) from None
    except Refusal as refusal:
        if not isinstance(block, blocks.OpBlock):
            raise refusal.located(span) from None
        env.session.refuse(refusal.located(span), env.place.frame)
        return block.guess(flow, env.session)


def _stage(expr: spec.Expr, env: Env) -> Any:
    value = evaluate(expr, env)
    if value is POISON or isinstance(value, BlockValue):
        return value
    if is_flow(value):
        raise Refusal(
            "E0204", f"{describe(value)} cannot follow `->`: only blocks are applied",
            help="a tensor begins a statement: `x -> f`; join tensors with `concat(x)` or `add(x)`",
        ).located(head_span(expr))  # fmt: skip
    raise Refusal("E0204", f"only blocks are applied with `->`, not {describe(value)}").located(head_span(expr))


def as_flow(value: Any) -> Any:
    """Collected labels and nested tuples of tensors as one flat tuple; other values as they are."""
    if isinstance(value, Indexed):
        value = value.as_tuple()
    if isinstance(value, tuple) and value and not isinstance(value[0], int | float | str):
        flat: list[Any] = []
        for item in value:
            flat.extend(item if isinstance(item, tuple) else (item,))
        if any(item is POISON for item in flat):
            return POISON
        if all(isinstance(item, Value) for item in flat):
            return tuple(flat)
    return value


# Names and literals


def _name(expr: spec.Name, env: Env) -> Any:
    value = env.find(expr.id)
    if value is not Env.missing:
        if isinstance(value, blocks.UserBlock | blocks.OpBlock) and not value.bound:
            return value.with_defaults(env.operator_defaults(value.name))
        return value
    return lookup_builtin(expr.id, env)


def lookup_builtin(name: str, env: Env) -> Any:
    """Operators, combinators, symbols and bare choices; refuses unknown names."""
    if ops.is_operator(name):
        return blocks.OpBlock(ops.load(name)).with_defaults(env.operator_defaults(name))
    if name in combinators.COMBINATORS:
        return combinators.Combinator(name).with_defaults(env.operator_defaults(name))
    if name == "tuple":
        return blocks.TUPLE
    label = env.find_label(name)
    if label is not Env.missing:
        return label
    if name in env.session.symbols:
        return env.session.symbols[name]
    if name in CHOICE_WORDS:
        return name
    if name in FUNCTIONS:
        raise Refusal("E0204", f"`{name}` is a function of numbers: call it, `{name}(…)`")
    if name in combinators.LATER:
        raise Refusal("E0218", f"`{name}` is not part of this edition yet")
    known = [*env.visible(), *ops.names(), *combinators.COMBINATORS, *FUNCTIONS, *env.session.symbols]
    meant = nearest(name, known)
    raise Refusal("E0201", f"nothing is called `{name}` here", help=f"did you mean `{meant}`?" if meant else "")


def _string(expr: spec.String, env: Env) -> Any:
    parts = [part if isinstance(part, str) else evaluate(part, env) for part in expr.parts]
    return POISON if any(part is POISON for part in parts) else "".join(map(show, parts))


def _in(expr: spec.In, env: Env) -> Any:
    value = env.input()
    if value is Env.missing:
        raise Refusal("E0217", "`in` is what entered a block, and there is no block around it")
    return value


def _list(expr: spec.ListExpr, env: Env) -> Any:
    env.session.check_items(len(expr.items))
    return env.session.made_list(tuple(evaluate(item, env) for item in expr.items))


def _tuple(expr: spec.TupleExpr, env: Env) -> Any:
    return as_flow(env.session.made_list(tuple(evaluate(item, env) for item in expr.items)))


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
            raise Refusal("E0310", f"{len(targets)} names for {len(items)} values", help="name the rest `_`")
    for target, item in zip(targets, items):
        if target != "_":
            env.names[target] = item


def _table(expr: spec.TableExpr, env: Env) -> Table:
    env.session.step(len(expr.rows))
    width = len(expr.header)  # the parser has told of rows that are too short or too long
    rows = ([*(evaluate(cell, env) for cell in row[:width]), *[POISON] * (width - len(row))] for row in expr.rows)
    return Table(expr.header, tuple(map(tuple, rows)))


# Attributes and indices

_DIMENSIONS = {"c": 1, "t": 1, "f": -1, "h": -2, "w": -1}


def _attribute(expr: spec.Attribute, env: Env) -> Any:
    value = raw(expr.value, env)
    name = expr.name
    if isinstance(value, BlockValue) and isinstance(expr.value, spec.Name):
        label = env.find_label(expr.value.id)
        value = value if label is Env.missing else label
    if isinstance(value, Labelled):
        found = _label_attribute(value, name, env, expr.span)
        if found is not Env.missing:
            return found
        value = value.result
    if isinstance(value, blocks.SharedBlock):
        return value.weight(name, env.place, expr.span)
    if value is POISON:
        return POISON
    if isinstance(value, Table) and name in value.header:
        return value.column(name)
    if is_flow(value):
        return tensor_attribute(value, name)
    known = value.header if isinstance(value, Table) else ()
    meant = nearest(name, known)
    raise Refusal("E0211", f"{describe(value)} has no `{name}`", help=f"did you mean `{meant}`?" if meant else "")


def _label_attribute(value: Labelled, name: str, env: Env, span: Span) -> Any:
    if is_flow(value.result) and name in _TENSOR_ATTRIBUTES:
        return Env.missing
    if name in value.scope.labels:
        found = value.scope.labels[name]
        if isinstance(found, dict):
            collected = Indexed()
            collected.items.update(found)
            return collected
        return found
    path = f"{value.scope.weights}.{name}"
    if path in env.session.parameters:
        return env.session.weight_value(path, env.place, span)
    if value.result is POISON:
        return POISON
    known = [*value.scope.labels, *_TENSOR_ATTRIBUTES]
    meant = nearest(name, known)
    raise Refusal(
        "E0211", f"nothing called `{name}` is labelled or owned by `{value.scope.path}`",
        help=f"did you mean `{meant}`?" if meant else "",
    )  # fmt: skip


_TENSOR_ATTRIBUTES = (*_DIMENSIONS, "rank", "shape", "dtype", "count")


def tensor_attribute(value: Any, name: str) -> Any:
    """``x.c x.h x.w x.t x.f x.rank x.shape x.dtype x.count``."""
    if name == "count":
        return len(value) if isinstance(value, tuple) else 1
    if isinstance(value, tuple):
        raise Refusal("E0211", f"a tuple of {len(value)} tensors has no `{name}`", help=f"choose one: `x[0].{name}`")
    if name == "rank":
        return value.type.rank
    if name == "shape":
        return value.type.shape
    if name == "dtype":
        return value.type.dtype
    if name not in _DIMENSIONS:
        meant = nearest(name, _TENSOR_ATTRIBUTES)
        raise Refusal("E0211", f"a tensor has no `{name}`", help=f"did you mean `{meant}`?" if meant else "")
    axis = _DIMENSIONS[name]
    if not -value.type.rank <= axis < value.type.rank:
        raise Refusal("E0308", f"{value.type} has no axis `{name}`")
    return value.type.shape[axis]


def _index(expr: spec.Index, env: Env) -> Any:
    base = raw(expr.value, env)
    if isinstance(base, Labelled):
        base = base.result
    if isinstance(expr.index, spec.Slice):
        bounds = [None if b is None else evaluate(b, env) for b in (expr.index.start, expr.index.stop, expr.index.step)]
        if base is POISON or any(b is POISON for b in bounds):
            return POISON
        if any(b is not None and (isinstance(b, bool) or not isinstance(b, int)) for b in bounds) or bounds[2] == 0:
            raise Refusal("E0204", "the bounds of a slice must be integers, its step not 0")
        return sequence(base, env.session, "what is sliced")[slice(*bounds)]
    index = evaluate(expr.index, env)
    if base is POISON or index is POISON:
        return POISON
    if isinstance(index, bool) or not isinstance(index, int):
        raise Refusal("E0204", f"an index must be an integer, not {describe(index)}")
    if isinstance(base, Indexed):
        if index not in base.items:
            raise Refusal("E0205", f"nothing is labelled with the index {index}", note=f"set: {sorted(base.items)}")
        return base.items[index]
    if isinstance(base, Value):
        raise Refusal(
            "E0204", f"{describe(base)} is not a tuple and has no elements here",
            help="inside the model use `select(axis, index)` or `slice`",
        )  # fmt: skip
    items = base if isinstance(base, str) else sequence(base, env.session, "what is indexed")
    if not -len(items) <= index < len(items):
        raise Refusal("E0205", f"the index {index} is outside of a list of {len(items)}")
    return items[index]


# Arithmetic

_TENSOR_BINARY = {"+": "add", "-": "sub", "*": "mul", "/": "div", "@": "matmul", "**": "pow"}
_TENSOR_COMPARE = {
    "==": "equal", "!=": "not_equal", "<": "less", "<=": "less_equal", ">": "greater", ">=": "greater_equal",
}  # fmt: skip
_NUMERIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
    "//": operator.floordiv, "%": operator.mod,
}  # fmt: skip


def _unary(expr: spec.Unary, env: Env) -> Any:
    if expr.op == "not":
        value = truth(expr.operand, env, "the operand of `not`")
        return POISON if value is POISON else not value
    value = evaluate(expr.operand, env)
    if value is POISON:
        return POISON
    if isinstance(value, Value):
        return value if expr.op == "+" else tensor_operation("neg", (value,), env, expr.span)
    if isinstance(value, bool) or not isinstance(value, int | float | Expr):
        raise Refusal("E0204", f"`{expr.op}` needs a number or a tensor, not {describe(value)}")
    return value if expr.op == "+" else value * -1


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
        if op not in _TENSOR_BINARY:
            raise Refusal("E0204", f"`{op}` is not defined for tensors", help="use `+ - * / ** @` or an operator")
        return tensor_operation(_TENSOR_BINARY[op], (left, right), env, span)
    if op == "+" and (isinstance(left, tuple) and isinstance(right, tuple) or isinstance(left, str) and isinstance(right, str)):
        return bounded(left + right, env.session)
    if op == "*" and isinstance(left, tuple) and isinstance(right, int) and not isinstance(right, bool):
        env.session.check_items(len(left) * max(right, 0))
        return left * right
    for value in (left, right):
        if isinstance(value, bool) or not isinstance(value, int | float | Expr):
            raise Refusal("E0204", f"`{op}` needs numbers or tensors, not {describe(value)}", help=_block_hint(value, op))
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
        raise Refusal("E0306", "a symbolic dimension cannot be combined with a float", help="use whole numbers and `//`")
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
            return tensor_operation(_TENSOR_COMPARE[op], (left, right), env, expr.span)
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


def _conditional(expr: spec.Conditional, env: Env) -> Any:
    condition = truth(expr.condition, env)
    if condition is POISON:
        return POISON
    return raw(expr.value if condition else expr.otherwise, env)


# Calls


def _call(expr: spec.Call, env: Env) -> Any:
    callee = expr.callee
    if isinstance(callee, spec.Name) and callee.id in FUNCTIONS and env.find(callee.id) is Env.missing:
        return _function(callee.id, expr, env)
    if isinstance(callee, spec.Name) and callee.id in ("uniform", "normal") and env.find(callee.id) is Env.missing:
        return _initializer(callee.id, expr, env)
    block = evaluate(callee, env)
    if block is POISON:
        for argument in expr.arguments:
            evaluate(argument.value, env)
        return POISON
    if not isinstance(block, BlockValue):
        raise Refusal("E0204", f"only blocks and functions can be called, not {describe(block)}").located(callee.span)
    return bind(block, expr.arguments, env, expr.span)


def _initializer(name: str, expr: spec.Call, env: Env) -> Any:
    from archdsl.elaborate.session import initial

    values = [evaluate(argument.value, env) for argument in expr.arguments]
    if holds_poison(tuple(values)):
        return POISON
    if len(values) != 2 or not all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
        wants = "a low and a high bound" if name == "uniform" else "a mean and a deviation"
        raise Refusal("E0204", f"`{name}` takes {wants}")
    return initial(name, *values)


def _function(name: str, expr: spec.Call, env: Env) -> Any:
    env.session.step()
    named = next((a for a in expr.arguments if a.name is not None), None)
    values = [evaluate(argument.value, env) for argument in expr.arguments]
    if ops.is_operator(name) and any(isinstance(v, Value) for v in values):
        return bind(lookup_builtin(name, env), expr.arguments, env, expr.span)
    if named is not None:
        raise Refusal("E0202", f"`{name}` has no argument `{named.name}`").located(named.span)
    if any(v is POISON for v in values):
        return POISON
    function, least, most = FUNCTIONS[name]
    if len(values) < least or (most is not None and len(values) > most):
        wanted = str(least) if least == most else f"{least} to {most}" if most else f"at least {least}"
        raise Refusal("E0216", f"`{name}` takes {wanted} arguments, not {len(values)}")
    return bounded(function(env.session, *values), env.session)


def _with_body(expr: spec.WithBody, env: Env) -> Any:
    head = expr.head
    callee, arguments = (head.callee, head.arguments) if isinstance(head, spec.Call) else (head, ())
    block = evaluate(callee, env)
    body = body_value(expr.body, env)
    if block is POISON:
        return POISON
    if not isinstance(block, BlockValue):
        raise Refusal("E0204", f"{describe(block)} takes no body").located(head.span)
    return bind(block, arguments, env, head.span, body)


def body_value(body: spec.Body, env: Env) -> Any:
    """``{ … }`` as a value: a block, or a list of branches."""
    return blocks.Branches(body, env) if blocks.is_branching(body) else blocks.BodyBlock(body, env)


def _frozen(expr: spec.Frozen, env: Env) -> Any:
    place = env.place
    frozen = blocks.frozen_place(place)
    value = evaluate(expr.value, env.at(frozen))
    return blocks.FrozenBlock(value) if isinstance(value, BlockValue) else value


def _own(expr: spec.Own, env: Env) -> Any:
    value = evaluate(expr.value, env)
    if value is POISON:
        return POISON
    if not isinstance(value, BlockValue):
        raise Refusal("E0204", f"`own` is said of a block, not of {describe(value)}")
    return blocks.OwnBlock(value)


def _misplaced(expr: spec.Expr, env: Env) -> Any:
    raise Refusal("E0217", "`_` and `…` stand in shape annotations only")


_RULES: dict[type, Callable[[Any, Env], Any]] = {
    spec.Number: lambda expr, env: bounded(expr.value, env.session),
    spec.Boolean: lambda expr, env: expr.value,
    spec.Nothing: lambda expr, env: None,
    spec.String: _string,
    spec.Name: _name,
    spec.In: _in,
    spec.ListExpr: _list,
    spec.TupleExpr: _tuple,
    spec.Comprehension: _comprehension,
    spec.TableExpr: _table,
    spec.Attribute: _attribute,
    spec.Index: _index,
    spec.Call: _call,
    spec.WithBody: _with_body,
    spec.BlockExpr: lambda expr, env: body_value(expr.body, env),
    spec.Unary: _unary,
    spec.Binary: _binary,
    spec.Compare: _compare,
    spec.Conditional: _conditional,
    spec.Pipeline: lambda expr, env: pipeline_value(expr, env),
    spec.Frozen: _frozen,
    spec.Own: _own,
    spec.Wildcard: _misplaced,
    spec.Ellipsis: _misplaced,
    spec.Slice: _misplaced,
    spec.SymbolDim: _misplaced,
}
