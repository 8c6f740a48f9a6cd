"""Running a model that is given as a file, a target or a graph."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from archdsl.diagnostics import DiagnosticError, Refusal
from archdsl.driver import Settings
from archdsl.project.targets import Network, graph_of

if TYPE_CHECKING:
    import numpy

    from archdsl.runtime.execute import Run

    Array = numpy.ndarray | str | Path
    """An array, or the path of a ``.npy`` file or of a picture."""
    Inputs = Array | Sequence[Array] | Mapping[str, Array]


def run(
    model: Network,
    inputs: Inputs | None = None,
    *,
    files: Sequence[str] = (),
    ep: str = "cpu",
    seed: int = 0,
    settings: Settings | None = None,
    bind: Mapping[str, int] | None = None,
    times: int = 0,
) -> Run:
    """Run a model with ONNX Runtime; a mapping of its outputs' names to NumPy arrays.

    ``model`` is a graph, the path of an ONNX file, or a target (``resnet50``, ``spec.arch:variant``). ``inputs`` maps
    names to arrays, or to paths of ``.npy`` files and of pictures, which enter as the model says; one array or path is
    the first input; ``None`` takes ``files`` (``x.npy``, ``name=photo.jpg``) and makes random inputs from ``seed`` for
    the rest, with free dimensions as in ``bind``, as declared, or small ones above 1 (N is 1), and integers over the
    range of what they enter. What is not a file yet runs with initial weights of ``seed``; ``settings`` are its
    parameters. ``ep`` is ``cpu``, ``cuda`` or ``cuda,cpu``. Up to ``times`` more calls are timed (``timing`` of the
    result), which takes about a second. Raises ``DiagnosticError``, with E07xx for what cannot run; warns of what
    should be known about the inputs.
    """
    from archdsl.runtime.execute import execute

    file, sizes = _runnable(model, settings, seed, bind)
    try:
        found = execute(file, files, arrays=inputs, ep=ep, seed=seed, sizes=sizes, times=times)
    except Refusal as refusal:
        if refusal.code == "E0703":
            refusal.notes = (*_unknown_nodes(model, settings, bind, refusal.message), *refusal.notes)
        raise
    for note in found.notes:
        warnings.warn(note, stacklevel=2)
    return found


def _runnable(
    model: Network, settings: Settings | None, seed: int, bind: Mapping[str, int] | None
) -> tuple[str | Callable[[Path], object], Mapping[str, int]]:
    """An ONNX file as it is; for anything else a function that compiles it, at the sizes, to the path it is given. With
    the sizes of symbols.
    """
    if isinstance(model, str | Path) and str(model).endswith(".onnx"):
        if settings:
            raise Refusal("E0007", "`--set` needs a spec: an ONNX file has no parameters to set")
        return str(model), bind or {}
    from archdsl.project.compiling import compile

    graph = graph_of(model, settings, bind)
    return lambda path: compile(graph, path, seed=seed), {}


def _unknown_nodes(
    model: Network, settings: Settings | None, bind: Mapping[str, int] | None, message: str
) -> tuple[str, ...]:
    """Which nodes of the model are of the operator that a message names, if it names one that only files have."""
    if "::" not in message:
        return ()
    try:
        nodes = graph_of(model, settings, bind).all_nodes()
    except DiagnosticError:  # what is wrong with the file is told already
        return ()
    found = [node for node in nodes if f"`{getattr(node.op, 'operator', None)}`" in message]
    places = [f"`{node.path}`: {node.origin.span.text}" if node.origin.span else f"`{node.path}`" for node in found[:3]]
    return (*places, *([f"and {len(found) - 3} more nodes"] if len(found) > 3 else ()))
