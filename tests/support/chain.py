"""What a chain of operators costs, each: ``python tests/support/chain.py 300000 [BOUND]`` prints one JSON object.

``seconds`` is processor time and ``kib`` the greatest memory, each by operator and beyond what the interpreter had before.
A process of its own, because the greatest memory of a process never falls. More operators than the bound are refused, with
``code`` E0502: then the figures are of what was made up to the bound, which is BOUND where it is given.
"""

from __future__ import annotations

import json
import sys
import time

import memory

SPEC = """arch 1

network Chain(n) {
  input x: f32[N, 8, 4, 4]
  repeat n { residual { conv(8, 3) -> batch_norm } -> relu -> clip(0, 6) }
  output y
}
"""
PER_BLOCK = 5


def main(operators: int, bound: int | None = None) -> None:
    import archdsl
    from archdsl.backends.onnx import OnnxOptions, backend
    from archdsl.tape.limits import DEFAULT

    if bound:
        vars(DEFAULT)["nodes"] = bound
    code = ""

    def everything(blocks: int) -> int:
        nonlocal code
        try:
            graph = archdsl.load(SPEC).graph("Chain", n=blocks)
        except archdsl.DiagnosticError as error:
            code = error.diagnostics[0].code
            return DEFAULT.nodes
        archdsl.cost(graph).total("macs")
        backend.lower(graph, OnnxOptions(weights="none"))
        return len(graph.nodes)

    everything(10)  # imports and caches
    held, begin = memory.resident(), time.process_time()
    made = everything(operators // PER_BLOCK)
    seconds, kib = time.process_time() - begin, (memory.peak() - held) * 1024
    print(json.dumps({"operators": made, "seconds": seconds / made, "kib": kib / made, "code": code}))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
