"""What ONNX Runtime really allocates for one inference on the CPU, read from its own profile.

With profiling on, ONNX Runtime writes after every kernel how many bytes are requested of its arena at that moment
(``mem_bytes_requested_in_use``; the inputs of the kernel are released after that). What was requested before the first
kernel are initialisers and weights in the kernels' own layouts; the rest are activations. The caller's input lies
outside of the arena and is added for as long as a kernel still reads it, which the optimised model tells.

The batch is bound to 1, other symbols to their declared sizes. Plans for whole blocks of memory (``enable_mem_pattern``) are off, so that every tensor is an
allocation of its own; everything else is as by default, unless asked for otherwise.

:func:`taken` is all that is asked of the arena at the worst moment, scratch of the kernels included. The default arena
gives out larger chunks than it is asked for; there, it splits them, in a process of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort

import archdsl
from archdsl.graph import Graph

SUFFIX = "_kernel_time"
TYPES = {"tensor(float)": np.float32, "tensor(int64)": np.int64, "tensor(bool)": np.bool_}


@dataclass(frozen=True)
class Allocated:
    """Bytes, but for ``at``: the kernel at which the activations peak."""

    peak: int
    at: str
    weights: int
    """Initialisers that lie in the arena, most of them in the layout of their kernel; others are used where they are."""
    scratch: int
    """What kernels allocate for themselves while they run, at the step where memory peaks with it."""
    rounded: int
    """The peak of activations and scratch as the arena gives them out: in chunks that it does not always split."""
    held: int
    """All that the arena took from the system, the initialisers' part included."""


def taken(file: Path | str, network: str, **settings: object) -> int:
    """Bytes that one inference takes at its worst moment: tensors and scratch, and the caller's inputs while they are
    read. ``settings`` are parameters of the network. Measured in a process of its own.
    """
    command = [sys.executable, __file__, str(file), network, json.dumps(settings)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return int(done.stdout)


def _split_chunks() -> None:
    """An arena for all sessions of the process, which takes what it is asked for, in multiples of 256 bytes."""
    where = ort.OrtMemoryInfo("Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT)
    exact = {"max_mem": 0, "arena_extend_strategy": 1, "initial_chunk_size_bytes": 256, "max_dead_bytes_per_chunk": 1}
    ort.create_and_register_allocator(where, ort.OrtArenaCfg(exact))


def allocated(graph: Graph, *, share: bool = True, layouts: bool = True, split: bool = False) -> Allocated:
    """Run a graph once.

    ``share=False``: the planner gives no freed buffer to a later tensor of the same shape, so that each is freed after
    its last use. ``layouts=False``: without the optimisations that change the layout of maps (blocks of channels).
    ``split``: with the arena of :func:`_split_chunks`.
    """
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "model.onnx"
        archdsl.compile(graph, model)
        options = ort.SessionOptions()
        for name, size in {"N": 1, **graph.defaults}.items():
            options.add_free_dimension_override_by_name(name, size)
        options.enable_mem_pattern = False
        options.enable_mem_reuse = share
        if not layouts:
            options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
        if split:
            options.add_session_config_entry("session.use_env_allocators", "1")
            options.add_session_config_entry("session.use_device_allocator_for_initializers", "1")
        options.add_session_config_entry("session.optimized_model_external_initializers_file_name", "optimised.bin")
        options.enable_profiling = True
        options.profile_file_prefix = str(Path(folder) / "profile")
        options.optimized_model_filepath = str(Path(folder) / "optimised.onnx")
        options.log_severity_level = 4
        options.intra_op_num_threads = 1
        session = ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        feed = {i.name: np.zeros(i.shape, TYPES[i.type]) for i in session.get_inputs()}
        session.run(None, feed)
        events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
        optimised = onnx.load(options.optimized_model_filepath, load_external_data=False)
    kernels = [e for e in events if e["cat"] == "Node" and e["name"].endswith(SUFFIX)]
    return _read(kernels, optimised, {name: array.nbytes for name, array in feed.items()})


def _read(kernels: list[dict[str, Any]], model: onnx.ModelProto, inputs: dict[str, int]) -> Allocated:
    names = [event["name"].removesuffix(SUFFIX) for event in kernels]
    assert "mem_bytes_requested_in_use" in kernels[0]["args"], f"ONNX Runtime {ort.__version__} profiles no memory"
    requested, in_use, peak, held = (
        [int(event["args"][f"mem_{key}"]) for event in kernels]
        for key in ("bytes_requested_in_use", "bytes_in_use", "in_use_peak", "arena_held")
    )
    first = kernels[0]["args"]
    before = requested[0] - int(first["mem_requested_in_use_delta"])
    live = [now - before for now in requested]
    for name, size in inputs.items():
        readers = {node.name for node in model.graph.node if name in node.input}
        last = max(step for step, kernel in enumerate(names) if kernel in readers)
        live[: last + 1] = [now + size for now in live[: last + 1]]
    at = max(range(len(live)), key=live.__getitem__)
    start = in_use[0] - int(first["mem_in_use_delta"])
    return Allocated(live[at], names[at], before, peak[-1] - max(in_use), peak[-1] - start, held[-1])


if __name__ == "__main__":
    _split_chunks()
    path, name, given = sys.argv[1:]
    found = allocated(archdsl.load(Path(path)).graph(name, settings=json.loads(given)), split=True)
    print(found.peak + found.scratch)
