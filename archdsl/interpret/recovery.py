"""Recovery after a fault: the result of a refused application, as far as it is certain.

Dimensions that are not certain become fresh symbols that begin with ``UNKNOWN``; a later refusal whose words contain
one merely follows from the fault and stays silent, while a fault of its own is still told. The graph is discarded in
any case.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archdsl import dim_order, dims
from archdsl.diagnostics import Refusal
from archdsl.graph import Value
from archdsl.ops.base import REQUIRED, Op
from archdsl.shapes import TensorType
from archdsl.tape.poison import POISON, UNKNOWN, Flow
from archdsl.tape.tape import Tape


def keeps_axes(card: type[Op]) -> bool:
    """Whether the result has the axes of the input whatever the optional arguments are."""
    return card.pointwise or card.role in ("layer", "activation", "norm") or "kernel" in card.signature


def application(card: type[Op], arguments: dict[str, Any], inputs: Sequence[Any], tape: Tape) -> Flow:
    """The result of an operator without the faulty arguments; sizes other than batch and channels are left open."""
    values = [v for v in inputs if isinstance(v, Value)]
    least, most = card.arity
    if len(values) != len(inputs) or not max(least, 1) <= len(values) <= (most or len(values)):
        return POISON
    required = [n for n, a in card.signature.items() if a.default is REQUIRED]
    good = {name: value for name, value in arguments.items() if value is not POISON}
    missing = [name for name in required if name not in good]
    if missing:
        return _whatever(card, good, missing, values, tape)
    least_given = {name: good[name] for name in required}
    unpadded = {**least_given, "pad": "valid"} if "pad" in card.signature else least_given
    types = [v.type for v in values]
    agreed = _agreeing(types)
    for attempt, ins, certain in ((good, types, 2), (least_given, types, 2), (unpadded, types, 2), (good, agreed, 1)):
        outs = _results(card, attempt, ins, tape)
        if outs is not None:
            return _made(card, [_opened(out, certain, tape) for out in outs])
    return POISON


def _results(card: type[Op], arguments: dict[str, Any], types: Sequence[TensorType], tape: Tape) -> Any:
    """What an operator gives; ``None`` where it refuses."""
    try:
        op = card(**arguments)
        op.validate()
        outs = op.shape(*types)
        tape.bounds.check_sizes(outs)
    except Refusal:
        return None
    return outs


def _whatever(card: type[Op], good: dict[str, Any], missing: list[str], values: list[Value], tape: Tape) -> Flow:
    """The result of a layer without some numbers that it needs: what is the same for two values of them."""
    if card.role != "layer" and "kernel" not in card.signature:
        return POISON
    kinds = {name: card.signature[name].kind for name in missing}
    try:
        samples = [{name: kind.check(sample, name) for name, kind in kinds.items()} for sample in (1, 3)]
    except Refusal:  # a list is needed, or a name
        return POISON
    found = [_results(card, {**good, **sample}, [v.type for v in values], tape) for sample in samples]
    if any(outs is None or len(outs) != 1 for outs in found):
        return POISON
    (first,), (second,) = found
    return _made(card, [_opened(first, 2, tape, second)])


def _made(card: type[Op], types: Sequence[TensorType]) -> Flow:
    made = tuple(Value(card.name, type) for type in types)
    return made[0] if len(made) == 1 else made


def _opened(type: TensorType, certain: int, tape: Tape, other: TensorType | None = None) -> TensorType:
    """The type with every size left open behind the first ``certain`` axes, or where the ``other`` has another one."""
    others = type.shape if other is None else other.shape
    return type.with_shape(
        dim if axis < certain and dim == others[axis] else tape.faults.unknown() for axis, dim in enumerate(type.shape)
    )


def _agreeing(types: Sequence[TensorType]) -> Sequence[TensorType]:
    """The types with every unknown size as the others have it, where all have as many axes."""
    if len({type.rank for type in types}) != 1:
        return types
    known = [next((d for d in sizes if _known(d)), sizes[0]) for sizes in zip(*(type.shape for type in types))]
    return [type.with_shape(d if _known(d) else k for d, k in zip(type.shape, known)) for type in types]


def _known(dim: dims.Dim) -> bool:
    return not any(name.startswith(UNKNOWN) for name in dims.symbols(dim))


def meet(values: Sequence[Value], tape: Tape) -> Flow:
    """The type on which several tensors agree, open where they differ."""
    first = values[0].type
    if any(v.type.rank != first.rank for v in values):
        return POISON
    shape = [
        size if all(v.type.shape[axis] == size for v in values) else tape.faults.unknown()
        for axis, size in enumerate(first.shape)
    ]
    return Value("agreed", first.with_shape(shape))


def surely_differ(values: Sequence[Value]) -> bool:
    """Whether the shapes differ whatever the unknown dimensions are."""
    first = values[0].type.shape
    for value in values[1:]:
        shape = value.type.shape
        if len(shape) != len(first) or any(_sure(a, b) for a, b in zip(first, shape)):
            return True
    return False


def _sure(a: dims.Dim, b: dims.Dim) -> bool:
    if _known(a) and _known(b):
        return a != b
    return dim_order.equal(a, b) is False
