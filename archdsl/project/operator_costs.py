"""What an operator holds and what it costs, measured on one of its card's examples, for the page of the operator."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from archdsl.diagnostics import DiagnosticError

_TYPE = re.compile(r"\w+\[[^\]]*\]")


def measured(examples: Sequence[str]) -> dict[str, Any] | None:
    """Weights by name, arithmetic by column, and the example that they are of: the first that is a network by itself.

    ``examples`` are as a spec writes them. The batch is 1 where it has no size; ``None``: there is none to measure.
    """
    for example in examples:
        call, _, types = example.partition(" : ")
        inputs = _TYPE.findall(types.partition("->")[0])
        if not inputs or _TYPE.search(call):
            continue
        try:
            return {"example": example, **_measured(call, inputs)}
        except DiagnosticError:
            continue
    return None


def _measured(call: str, inputs: Sequence[str]) -> dict[str, Any]:
    from archdsl.analyses.measure import Measures, plain
    from archdsl.driver import load
    from archdsl.ops.base import Work

    names = [f"x{number}" for number in range(len(inputs))]
    declared = "\n".join(f"  input {name}: {type}" for name, type in zip(names, inputs))
    flow = names[0] if len(names) == 1 else f"({', '.join(names)})"
    graph = load(f"arch 1\nnetwork Example() {{\n{declared}\n  {flow} -> {call}\n}}\n").graph("Example")
    measures = Measures(graph)
    if not measures.rows:  # no node is made for it
        return {"weights": {}, "work": dict.fromkeys(Work._fields, 0)}
    row = measures.rows[-1]
    work = None if row.work is None else {name: plain(getattr(row.work, name)) for name in Work._fields}
    weights = {name: str(parameter.type) for name, parameter in row.node.params.items()}
    return {"weights": weights, "work": work}
