"""Stacks of 12,500, 25,000 and 50,000 layers: recurrent, Transformers, scans, and layers within one scan.

Promise: linear in time and memory. Twice the layers take at most 2.5 times the processor time, in every stage that
takes half a second or more, and at most 2.2 times the memory.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

from measure import verdict

TIME, MEMORY = 2.5, 2.2
HEAD = "arch 1\nuse std.attention (attention)\nnetwork Net() {{ input x: f32[N, T = 8, 4]; {body}; output y }}\n"
STEP = "state h = zeros([in.shape[0], 4]); one: tanh(linear(4)(in) + linear(4, bias = false)(h)); next h = one"
TRANSFORMER = """repeat {layers} {{
  residual {{ layer_norm -> attention(2, causal = true) }}
  residual {{ layer_norm -> linear(8) -> gelu -> linear(4) }}
}}"""
STACKS = {
    "lstm": "repeat {layers} {{ lstm(4) }}",
    "scan": "repeat {layers} {{ scan(axis = t) {{ " + STEP + "; one }} }}",
    "within a scan": "scan(axis = t) {{ " + STEP + "; repeat {layers} {{ linear(4) -> tanh }} }}",
    "transformer": TRANSFORMER,
}


def stages(kind: str, layers: int) -> dict[str, float]:
    """Seconds of processor time of each stage, and the peak of resident memory in MiB, of this process."""
    import archdsl
    from archdsl.analyses.memory_plan import Memory
    from archdsl.design_rules import lint
    from archdsl.process import collector_paused

    found, start = {}, time.process_time()

    def lap(name: str) -> None:
        nonlocal start
        found[name] = time.process_time() - start
        start = time.process_time()

    with collector_paused(), tempfile.TemporaryDirectory() as folder:
        program = archdsl.load(HEAD.format(body=STACKS[kind].format(layers=layers)))
        lap("load")
        graph = program.graph()
        lap("graph")
        archdsl.cost(graph).total("macs")
        lap("totals")
        str(archdsl.cost(graph))
        lap("cost")
        Memory(graph)
        lap("memory")
        lint(graph)
        lap("lint")
        archdsl.compile(graph, Path(folder) / "net.onnx")
        lap("compile")
    unit = 1 if sys.platform == "darwin" else 1024
    return {**found, "MiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="250 and 500 layers, and no promises")
    parser.add_argument("--one", nargs=2, metavar=("STACK", "LAYERS"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(stages(options.one[0], int(options.one[1]))))
        return
    sizes = [250, 500] if options.smoke else [12_500, 25_000, 50_000]
    failures = []
    for kind in STACKS:
        found = {}
        for layers in sizes:  # each in a process of its own, whose memory is asked for
            command = [sys.executable, __file__, "--one", kind, str(layers)]
            found[layers] = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
            figures = "".join(f"{name} {value:7.2f}  " for name, value in found[layers].items())
            print(f"{kind:14s}{layers:7,}  {figures}", flush=True)
        for small, large in pairwise(sizes) if not options.smoke else ():
            for name, value in found[large].items():
                most = MEMORY if name == "MiB" else TIME
                if value >= 0.5 and value > most * found[small][name]:
                    failures.append(f"{kind}: {name} grows from {found[small][name]:.2f} to {value:.2f}")
    verdict(failures)


if __name__ == "__main__":
    main()
