"""What a value depends on, where a model asks which of two networks it is."""

from __future__ import annotations

from archdsl.diagnostics import Refusal
from archdsl.graph import Value


def before(value: Value) -> list[Value]:
    """The values that a value is computed from."""
    seen, queue = {value}, [value]
    for at in queue:
        for one in at.producer.inputs if at.producer is not None else ():
            if one not in seen:
                seen.add(one)
                queue.append(one)
    return queue[1:]


def inputs_of(value: Value) -> list[tuple[str, bool]]:
    """The inputs of the model that a value depends on, and whether each is one number."""
    return [
        (one.name, one.type.elements == 1 and one.type.dtype[0] in "iu")
        for one in (value, *before(value))
        if one.producer is None
    ]


def depends(value: Value, what: str, operator: str) -> Refusal:
    """The refusal (E1002) of something that the file computes from an input."""
    names = inputs_of(value)
    one = next((name for name in names if name[1]), None)
    help = f"say what it is: `--bind {one[0]}={_compared(value)}`" if one else ""
    behind = f", from {', '.join(f'`{name}`' for name, _ in names[:3])}" if names else ""
    return Refusal("E1002", f"{what} of `{operator}` is computed while the model runs{behind}", help=help)


def _compared(value: Value) -> int:
    """The greatest of the numbers that a value is computed with: probably what an input is compared with."""
    found = 1
    for at in before(value):
        op = at.producer.op if at.producer is not None else None
        number = getattr(op, "values", None)
        if isinstance(number, int) and not isinstance(number, bool):
            found = max(found, number)
    return found
