"""Functions of numbers and lists, and arithmetic within bounds. The names follow Python's; rounding rules are named."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from archdsl import dims
from archdsl.diagnostics import Refusal
from archdsl.dim_faults import depends
from archdsl.dims import Expr
from archdsl.interpret.session import Session
from archdsl.interpret.values import Indexed, Table, describe, is_tensor
from archdsl.source import shortened
from archdsl.tape.faults import following

Number = int | float | Expr


def _name(function: Callable[..., Any]) -> str:
    """What a function is called in the language: its name here, without the underscore."""
    return function.__name__.removeprefix("_")


def _number(value: Any, function: Callable[..., Any]) -> Any:
    name = _name(function)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        if isinstance(value, Expr):
            help = f"bind `{min(dims.symbols(value))}`, or use only `+`, `-`, `*` and `//` on dimensions"
            if name == "range":
                help = f"as a tensor: `positions({value}, dtype = i64)`; a loop over steps is `scan(axis = t) {{ … }}`"
            message = f"`{name}` needs a number, but {value} is known only when the model runs"
            raise depends("E0306", message, [value], help)
        raise Refusal("E0204", f"`{name}` needs a number, not {describe(value)}")
    return value


def sequence(value: Any, session: Session, what: str = "this") -> tuple[Any, ...]:
    """The elements of a list, a tuple of tensors, a table (its rows) or collected labels, about to be run over."""
    found = elements(value, session, what)
    session.bounds.check_items(len(found))
    return found


def elements(value: Any, session: Session, what: str = "this") -> tuple[Any, ...]:
    """As :func:`sequence`, for looking at one of them."""
    if isinstance(value, Table):
        value = value.rows
    if isinstance(value, Indexed):
        session.bounds.step(len(value.items) // 8)
        items = value.as_tuple()
        if value.incomplete:
            raise following()
        if items is None:
            known = shortened(f"set: {sorted(value.items)}", 80)
            raise Refusal("E0205", "an index below the largest was never set", note=known)
        value = items
    if is_tensor(value):
        raise Refusal(
            "E0204", f"{what} must be a list, not {describe(value)}", help="write `(x,)` for a tuple of one tensor"
        )
    if not isinstance(value, tuple):
        raise Refusal("E0204", f"{what} must be a list, not {describe(value)}")
    return value


def _divisible(session: Session, v: Any, divisor: Any = 8) -> int:
    """The mobile nets' rule: the nearest multiple, never below 90 % of ``v``."""
    v, divisor = _number(v, _divisible), _number(divisor, _divisible)
    if divisor <= 0:
        raise Refusal("E0205", f"`divisible` needs a positive divisor, not {divisor}")
    exact = isinstance(v, int) and isinstance(divisor, int)
    result = max(divisor, ((2 * v + divisor) // (2 * divisor) if exact else int(v + divisor / 2) // divisor) * divisor)
    return int(result + divisor if (10 * result < 9 * v if exact else result < 0.9 * v) else result)


def _round(session: Session, v: Any) -> int:
    """Refused for numbers: papers and tools mean either of two rules. Of tensors it is an operator."""
    _number(v, _round)
    raise Refusal(
        "E0204", "`round` does not say how halves are rounded",
        help="write `round_half_even` (Python, NumPy, ONNX: 2.5 becomes 2) or `round_half_up` (2.5 becomes 3)",
    )  # fmt: skip


def _round_half_even(session: Session, v: Any) -> int:
    """To the nearest integer, halves to the even one: Python's ``round``."""
    rounded: int = round(_number(v, _round_half_even))
    return rounded


def _round_half_up(session: Session, v: Any) -> int:
    """To the nearest integer, halves upwards; exact, where adding 0.5 would itself be rounded."""
    v = _number(v, _round_half_up)
    below: int = math.floor(v)
    return below + 1 if v - below >= 0.5 else below


def _ceil(session: Session, v: Any) -> int:
    rounded: int = math.ceil(_number(v, _ceil))
    return rounded


def _floor(session: Session, v: Any) -> int:
    rounded: int = math.floor(_number(v, _floor))
    return rounded


def _abs(session: Session, v: Any) -> Any:
    return abs(_number(v, _abs))


def _sqrt(session: Session, v: Any) -> float:
    v = _number(v, _sqrt)
    if v < 0:
        raise Refusal("E0205", f"`sqrt` of the negative number {v}")
    return math.sqrt(v)


def _log2(session: Session, v: Any) -> float:
    v = _number(v, _log2)
    if v <= 0:
        raise Refusal("E0205", f"`log2` needs a positive number, not {v}")
    return math.log2(v)


def _log(session: Session, v: Any) -> float:
    v = _number(v, _log)
    if v <= 0:
        raise Refusal("E0205", f"`log` needs a positive number, not {v}")
    return math.log(v)


def _exp(session: Session, v: Any) -> float:
    return math.exp(_number(v, _exp))


def _sin(session: Session, v: Any) -> float:
    return math.sin(_number(v, _sin))


def _cos(session: Session, v: Any) -> float:
    return math.cos(_number(v, _cos))


def _tan(session: Session, v: Any) -> float:
    return math.tan(_number(v, _tan))


def _len(session: Session, v: Any) -> int:
    if isinstance(v, str):
        return len(v)
    return 1 if is_tensor(v) else len(elements(v, session, "the argument of `len`"))


def _max(session: Session, *values: Any) -> Any:
    return max(_numbers(session, values, _max))


def _min(session: Session, *values: Any) -> Any:
    return min(_numbers(session, values, _min))


def _numbers(session: Session, values: tuple[Any, ...], function: Callable[..., Any]) -> list[Any]:
    """Numbers that are given one by one or as one list; there is at least one."""
    name = _name(function)
    items = sequence(values[0], session, f"the argument of `{name}`") if len(values) == 1 else values
    if not items:
        raise Refusal("E0205", f"`{name}` of an empty list")
    return [_number(v, function) for v in items]


def _sum(session: Session, values: Any) -> Any:
    total: Any = 0
    for value in sequence(values, session, "the argument of `sum`"):
        if not isinstance(value, Expr):
            _number(value, _sum)
        total = total + value
    return total


def _truths(session: Session, values: Any, name: str) -> tuple[bool, ...]:
    items = sequence(values, session, f"the argument of `{name}`")
    for value in items:
        if not isinstance(value, bool):
            raise Refusal("E0204", f"`{name}` needs truth values, not {describe(value)}")
    return items


def _any(session: Session, values: Any) -> bool:
    return any(_truths(session, values, "any"))


def _all(session: Session, values: Any) -> bool:
    return all(_truths(session, values, "all"))


def _contains(session: Session, values: Any, item: Any) -> bool:
    session.lists.visit(values)
    session.lists.visit(item)
    items = sequence(values, session, "the first argument of `contains`")
    if item not in items and session.lists.extent(items).poisoned:
        raise following()
    return item in items


def _range(session: Session, *values: Any) -> tuple[int, ...]:
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int):
            _number(value, _range)
            raise Refusal("E0204", f"`range` needs integers, not {describe(value)}")
    if len(values) == 3 and values[2] == 0:
        raise Refusal("E0205", "the step of `range` must not be 0")
    found = range(*values)
    count = max(0, (found.stop - found.start + found.step - (1 if found.step > 0 else -1)) // found.step)
    session.bounds.check_items(count)
    return tuple(found)


def _enumerate(session: Session, values: Any) -> tuple[tuple[int, Any], ...]:
    return tuple(enumerate(sequence(values, session, "the argument of `enumerate`")))


def _zip(session: Session, *values: Any) -> tuple[tuple[Any, ...], ...]:
    lists = [sequence(v, session, "each argument of `zip`") for v in values]
    lengths = {len(items) for items in lists}
    if len(lengths) > 1:
        raise Refusal("E0205", f"`zip` needs lists of one length, not {', '.join(str(len(v)) for v in lists)}")
    return tuple(zip(*lists))


FUNCTIONS: dict[str, tuple[Callable[..., Any], int, int | None]] = {
    _name(function): (function, least, most)
    for function, least, most in (
        (_abs, 1, 1), (_all, 1, 1), (_any, 1, 1), (_ceil, 1, 1), (_contains, 2, 2), (_cos, 1, 1), (_divisible, 1, 2),
        (_enumerate, 1, 1), (_exp, 1, 1), (_floor, 1, 1), (_len, 1, 1),
        (_log, 1, 1), (_log2, 1, 1), (_max, 1, None), (_min, 1, None),
        (_range, 1, 3), (_round, 1, 1), (_round_half_even, 1, 1), (_round_half_up, 1, 1), (_sin, 1, 1),
        (_sqrt, 1, 1), (_sum, 1, 1), (_tan, 1, 1), (_zip, 1, None),
    )
}  # fmt: skip
"""Name -> function, least and greatest number of arguments."""


def all_bounded(value: Any, session: Session) -> None:
    """Refuse numbers, texts and lists from outside, and what is in these, that no expression could give."""
    for item in value if type(value) is tuple else ():
        all_bounded(item, session)
    bounded(value, session)


def bounded(value: Any, session: Session) -> Any:
    """The result of arithmetic, if it stays within bounds."""
    if type(value) is int and value.bit_length() > session.bounds.limits.bits:
        raise Refusal("E0504", f"an integer can have at most {session.bounds.limits.bits} bits")
    if type(value) is float and (value != value or value in (math.inf, -math.inf)):
        raise Refusal("E0205", "the result is not a finite number")
    if isinstance(value, str):
        session.bounds.check_text(len(value))
    if isinstance(value, tuple):
        session.bounds.check_items(len(value))
    if type(value) is Expr:
        session.bounds.check_dimension(value)
    return session.lists.made(value) if type(value) is tuple else value


def times(left: Any, right: Any, session: Session) -> Any:
    """The product of two dimensions; every pair of their terms is work."""
    session.bounds.step(dims.weight(left) * dims.weight(right) // 16)
    return left * right


def power(left: Any, right: Any, session: Session) -> Any:
    """``left ** right``, refused before it is too large to compute."""
    if isinstance(left, int) and isinstance(right, int) and right > 0:
        if abs(left) > 1 and right * (abs(left).bit_length() - 1) > session.bounds.limits.bits:
            raise Refusal("E0504", f"an integer can have at most {session.bounds.limits.bits} bits")
    elif isinstance(right, Expr):
        raise Refusal(
            "E0306", f"an exponent must be known while compiling, but {right} is known only when the model runs",
            help=f"bind `{min(dims.symbols(right))}`",
        )  # fmt: skip
    elif isinstance(left, Expr):
        if not isinstance(right, int) or not 0 <= right <= 16:
            raise Refusal("E0306", f"a dimension can be raised only to a small integer power, not to {right}")
        result: Any = 1
        for _ in range(right):
            result = times(result, left, session)
            session.bounds.check_dimension(result)
        return result
    try:
        result = left**right
    except (OverflowError, ZeroDivisionError):
        raise Refusal("E0205", f"{left} ** {right} is not a finite number") from None
    if isinstance(result, complex):
        raise Refusal("E0205", f"{left} ** {right} is not a real number")
    return result
