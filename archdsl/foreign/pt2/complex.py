"""Complex numbers of a program: no type of ours says them, and what is computed in them is one opaque node.

Such a node reaches from the last real values to the next real ones, whose types the program declares.
"""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.diagnostics import Refusal
from archdsl.foreign.known import Known
from archdsl.foreign.pt2.arguments import Args
from archdsl.foreign.pt2.memory import Complex, Item
from archdsl.graph import Value
from archdsl.shapes import TensorType

MOST = 2_000
"""Calls behind one real result, and what enters them, that are looked through."""


def computed(args: Args) -> Sequence[Item | None]:
    """What a call gives that takes or gives complex numbers: those stay complex, and real results are made.

    Refuses (E1003) a real result of a type that is not known.
    """
    call, memory = args.call, args.memory
    found = Complex(call, [memory.item(one) for one in call.refs()])
    wanted = [name for name in call.outputs if name is not None and not args.body.is_complex(name)]
    types = [args.body.declared(name) for name in wanted]
    known = [one for one in types if one is not None]
    if len(known) < len(wanted):
        raise Refusal("E1003", f"`{call.target}` gives something of a type that is not known")
    made = dict(zip(wanted, _joined(args, found, known))) if known else {}
    return [None if name is None else made.get(name, found) for name in call.outputs]


def _joined(args: Args, last: Complex, types: Sequence[TensorType]) -> Sequence[Value]:
    """One opaque node for all calls between real values and the results of the last one."""
    from archdsl.ops.opaque import Opaque

    group, real = _group(last)
    values = [args.materialised(one) for one in real]
    calls = [one.call for one in group if one.call is not None]
    first = next((one.call for one in group if one.call is not None and _enters(one)), calls[0])
    library, _, rest = first.target.partition(".")
    told = {
        name: value for name, value in first.arguments.items() if isinstance(value, bool | int | float | str | tuple)
    }
    # their values are not kept: such a node cannot be written again
    kept = {one.name: one for one in group if one.call is None}
    op = Opaque.of(library, rest, types, {**told, **kept}, nodes=len(calls))
    return args.apply(op, values, base=first.operator)


def _enters(one: Complex) -> bool:
    return any(isinstance(each, Value) for each in one.inputs)


def _group(last: Complex) -> tuple[list[Complex], list[Value | Known]]:
    """All that the complex numbers behind a call are made of, in order, and the real values that enter."""
    found: dict[Complex, None] = {}
    waiting, steps = [last], 0
    while waiting:
        one = waiting.pop()
        if one in found:
            continue
        found[one] = None
        steps += 1 + len(one.inputs)
        if steps > MOST:
            raise Refusal("E1003", f"more than {MOST:,} complex numbers are made before a real result")
        waiting += [each for each in one.inputs if isinstance(each, Complex)]
    group = sorted(found, key=lambda one: one.number)
    real = {id(each): each for one in group for each in one.inputs if not isinstance(each, Complex)}
    return group, list(real.values())


def touches(args: Args) -> bool:
    """Whether a call takes or gives complex numbers."""
    env, call = args.memory.env, args.call
    return any(isinstance(env.get(one.name), Complex) for one in call.refs()) or any(
        name is not None and args.body.is_complex(name) for name in call.outputs
    )
