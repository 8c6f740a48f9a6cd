"""What may enter a model: the sizes of its symbols, and the values of its integer inputs.

An integer that is a position (of a row of an ``embedding``, say) must lie on its axis. The operators know that; from
them it is followed back to the inputs. A written model says it in its metadata, for whoever draws inputs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from archdsl.analyses.depth import stands_for
from archdsl.analyses.ranges import ranges
from archdsl.dim_order import at_least
from archdsl.element_types import INTEGERS
from archdsl.graph import Graph, Value
from archdsl.interface import BOXES, LEAST, MOST, RANGE, SIZE, STATE
from archdsl.ops.base import Ends
from archdsl.ops.estimates import Boxes


def integers(graph: Graph) -> dict[str, Ends]:
    """By the name of an integer input: the least and the greatest value that what it enters allows, where that is
    known.
    """
    if all(value.type.dtype not in INTEGERS for value in graph.inputs):
        return {}
    intervals = ranges(graph)
    outside = stands_for(graph)
    found: dict[Value, Ends] = {}
    for node in reversed(graph.all_nodes()):
        if node.body is not None:  # what is asked of its results is asked of what the body gives
            pairs = zip(node.outputs, node.body.outputs.values())
            found |= {inner: _both(found.get(inner), found[outer]) for outer, inner in pairs if outer in found}
            continue
        asked: Ends | None = None
        for value in node.outputs:
            if value in found:
                asked = _both(asked, found[value])
        ins, outs = [value.type for value in node.inputs], [value.type for value in node.outputs]
        for slot, ends in node.op.integers(ins, outs, asked, [intervals[value] for value in node.inputs]).items():
            for value in _also(node.inputs[slot], outside):
                found[value] = _both(found.get(value), ends)
    for value in graph.inputs:
        if value.name in graph.preprocess and value.type.dtype in INTEGERS:
            found[value] = _both(found.get(value), (0, 255))
    return {value.name: found[value] for value in graph.inputs if value in found}


def boxes(graph: Graph) -> dict[str, Boxes]:
    """By the name of an input: the boxes that it is, where an operator takes it for boxes, or a part of it."""
    found: dict[str, Boxes] = {}
    entering = set(graph.inputs)
    for node in graph.nodes:
        for slot, box in node.op.boxes([value.type for value in node.inputs]).items():
            value = node.inputs[slot]
            while value.producer is not None and (value.producer.op.moves_data or value.producer.op.role == "view"):
                value = value.producer.inputs[0]
            if value in entering and value.type.rank and value.type.shape[-1] == 4:
                known = found.get(value.name)
                found[value.name] = box if known is None or known[1:] == (1, 1) else known
    return found


def _also(value: Value, outside: Mapping[Value, tuple[Value, ...]]) -> Iterator[Value]:
    """An integer, and what it stands for outside of the bodies that it is in."""
    while value.type.dtype in INTEGERS:
        yield value
        if value not in outside:
            return
        value = outside[value][0]


def described(graph: Graph) -> dict[str, str]:
    """The metadata of a model that say what may enter it."""
    found = {STATE + name: after for name, after in graph.states.items()}
    for name in graph.symbols():
        size = graph.defaults.get(name)
        if size is not None and (name, size) != ("N", 1):
            found[SIZE + name] = str(size)
        if name.least != 1:
            found[LEAST + name] = str(name.least)
        if name.most is not None:
            found[MOST + name] = str(name.most)
    for input, (low, high) in integers(graph).items():
        found[RANGE + input] = f"{low} .. {high}"
    for input, (centres, width, height) in boxes(graph).items():
        found[BOXES + input] = f"{'centres' if centres else 'corners'} {width} x {height}"
    return found


def _both(known: Ends | None, span: Ends) -> Ends:
    """What both allow, where it is known which end is the narrower."""
    if known is None:
        return span
    low = span[0] if at_least(span[0], known[0]) else known[0]
    high = span[1] if at_least(known[1], span[1]) else known[1]
    return low, high
