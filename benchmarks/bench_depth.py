"""Time against depth: residual chains of 100, 1,000 and 10,000 blocks, each stage of the compiler on its own.

Promise: linear. Ten times the blocks take at most fifteen times as long, in every stage that takes 50 ms or more.
"""

from __future__ import annotations

import argparse
import gc
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

from measure import verdict

SLACK = 1.5
SPEC = """arch 1
network Chain() {{
  input x: f32[N, 8, 8, 8]
  repeat {blocks} {{ residual {{ conv(8, 3, bias = false) -> batch_norm -> relu }} -> relu }}
}}
"""


def stages(blocks: int, folder: Path) -> dict[str, float]:
    """Seconds of processor time of every stage on a chain of ``blocks`` blocks: other work disturbs them less."""
    import archdsl
    from archdsl.analyses.memory_plan import Memory
    from archdsl.compare.diff import diff
    from archdsl.compare.snapshot import snapshot
    from archdsl.design_rules import lint
    from archdsl.picture.flow import as_mermaid
    from archdsl.process import collector_paused

    times: dict[str, float] = {}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        gc.collect()
        start = time.process_time()
        with collector_paused():  # as commands run: what it costs depends on all that is alive, not on the stage
            result = work()
            times[name] = time.process_time() - start
        return result

    program = timed("load", lambda: archdsl.load(SPEC.format(blocks=blocks)))
    graph = timed("graph", program.graph)
    timed("cost", lambda: str(archdsl.cost(graph)))
    timed("memory", lambda: str(Memory(graph)))
    taken = timed("snapshot", lambda: snapshot(graph))
    longer = snapshot(archdsl.load(SPEC.format(blocks=blocks + 1)).graph())
    timed("diff", lambda: str(diff(taken, longer)))
    timed("lint", lambda: lint(graph))
    timed("draw", lambda: as_mermaid(graph, 2))
    timed("compile", lambda: archdsl.compile(graph, folder / "chain.onnx"))
    return times


def fastest(blocks: int, folder: Path) -> dict[str, float]:
    """The better of two runs."""
    return min((stages(blocks, folder) for _ in range(2)), key=lambda times: sum(times.values()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="up to 1,000 blocks, and a margin for a busy machine")
    options = parser.parse_args()
    sizes = [100, 1_000] if options.smoke else [100, 1_000, 10_000]
    slack = SLACK * (1.7 if options.smoke else 1)
    failures = []
    with tempfile.TemporaryDirectory() as folder:
        stages(10, Path(folder))  # imports
        found = {blocks: fastest(blocks, Path(folder)) for blocks in sizes}
    print(f"{'blocks':>8s}" + "".join(f"{name:>13s}" for name in found[sizes[0]]))
    for blocks, times in found.items():
        print(f"{blocks:8d}" + "".join(f"{t * 1000:10.1f} ms" for t in times.values()))
    for small, large in pairwise(sizes):
        for name, after in found[large].items():
            growth = after / found[small][name]
            if after >= 0.05 and growth > slack * large / small:
                failures.append(f"{name}: {small} to {large} blocks takes {growth:.1f} times as long")
    verdict(failures)


if __name__ == "__main__":
    main()
