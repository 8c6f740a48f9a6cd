"""Compiling: a graph through the pipeline of rewrites into a backend's file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from archdsl.diagnostics import Refusal
from archdsl.driver import Settings
from archdsl.graph import Graph
from archdsl.process import collector_paused
from archdsl.project.targets import Network, graph_of, has_program
from archdsl.record import Record
from archdsl.shown import Verbatim
from archdsl.version import __version__

if TYPE_CHECKING:
    from archdsl.analyses.measure import Measures
    from archdsl.registry import Backend, Options, WriteReport


class Compiled(Verbatim, Record):
    """A file that was written: ``report`` is the backend's, ``notes`` are on the weights that were loaded."""

    name: str
    report: WriteReport
    measures: Measures
    notes: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """The file."""
        return self.report.path

    @property
    def bytes(self) -> int:
        """The size of everything that was written."""
        return self.report.bytes

    def __str__(self) -> str:
        """``mobilenet_v2 -> model.onnx: depth 53, 3,504,872 parameters, 300,774,272 MACs, 13.4 MiB``."""
        from archdsl.report.figures import human_bytes, number

        depth, params, macs = (self.measures.of(quantity) for quantity in ("depth", "params", "macs"))
        work = f"{'>= ' if macs.partial else ''}{number(macs.value)} MACs"
        counts = f"depth {number(depth.value)}, {number(params.value)} parameters, {work}"
        return f"{self.name} -> {self.path}: {counts}, {human_bytes(self.bytes)}"


def compile(
    network: Network,
    path: str | Path | BinaryIO,
    *,
    backend: str | None = None,
    weights: str | Path | None = None,
    key: str = "",
    names: str = "",
    allow_missing: Sequence[str] = (),
    allow_unexpected: Sequence[str] = (),
    settings: Settings | None = None,
    bind: Mapping[str, int] | None = None,
    train: bool = False,
    **options: bool | int | str | None,
) -> Compiled:
    """Write a graph or target to a file, whole or not at all.

    ``backend``: ``onnx``, ``torch`` or an installed one; without it the ending of the file chooses. A file that exists
    is replaced if archdsl wrote it as the same kind of file. ``path`` may also be a file that is open for bytes.

    ``weights``: a file (safetensors, ``.pth``, ``.npz``, ONNX, ``.pt2``) whose tensors become the parameters; ``key``
    is the dictionary or prefix in it to take (``state_dict_ema``), ``names`` the map of the spec to read its names by
    (``own``: the network's own, ``order``: none), and ``allow_missing`` and ``allow_unexpected`` are shell patterns of
    names that one side may lack. ``settings`` are the network's parameters, ``bind`` gives symbols fixed sizes,
    ``train`` includes outputs that exist only for training. ``options`` are those of the backend, as ``archdsl compile
    --help`` lists them. Raises ``DiagnosticError``.
    """
    from archdsl.analyses.measure import Measures

    engine = _engine(backend, path, weights)
    if weights is not None and not _is_file(weights):  # a word is the backend's to judge
        options["weights"] = str(weights)
        weights = None
    engine.options.chosen(engine.name, options)  # a mistake is told before any work is done
    given = isinstance(network, Graph)  # then sizes are bound by the pipeline, not by the text
    graph = graph_of(network, settings, None if given else bind, train)
    notes: list[str] = []
    if weights is not None:

        def training() -> Graph:
            return graph if given or not has_program(network) else graph_of(network, settings, bind, True)

        try:
            graph, notes = with_weights(
                graph, weights, key=key, names=names, missing=allow_missing, unexpected=allow_unexpected,
                training=training,
            )  # fmt: skip
        except Refusal as refusal:
            raise _explained(refusal, network, graph, weights, key, names) from None
    elif key or names:
        raise Refusal(
            "E0007", "`--key` and `--names` say how a file of weights is read", help="give `--weights FILE`, too"
        )
    measures = Measures(graph)
    chosen = engine.options.chosen(engine.name, {"version": __version__, "metadata": metadata(measures), **options})
    with collector_paused():
        pipeline = chosen.pipeline()
        rewritten = (pipeline.replace(bind=bind) if given and bind else pipeline).run(graph)
        report = _written(engine, rewritten, path, chosen)
    return Compiled(graph.name, report, measures, tuple(notes))


def _explained(refusal: Refusal, network: Network, graph: Graph, path: str | Path, key: str, names: str) -> Refusal:
    """A refusal of a file that does not fit, with the variant that it fits."""
    from archdsl import weights
    from archdsl.project.relatives import fitting_variant

    if refusal.code == "E0903" and (meant := fitting_variant(network, graph, weights.read(path, key), names)):
        refusal.help = f"{meant}; {refusal.help}"
    return refusal


def _engine(name: str | None, path: str | Path | BinaryIO, weights: str | Path | None) -> Backend:
    """The backend; refuses what it cannot write, and files that would be lost."""
    from archdsl.outputs import check_output
    from archdsl.registry import chosen, kind

    file = path if isinstance(path, str | Path) else None
    engine = chosen(name, file)
    if weights is not None and _is_file(weights):
        if "weights" not in engine.options._fields:
            message = f"the backend `{engine.name}` does not write weights"
            raise Refusal(
                "E0007", f"{message}, so `--weights {weights}` cannot be used with it",
                help="load them into a PyTorch module with `net.load_state_dict(torch.load(FILE))`",
            )  # fmt: skip
        if file is not None and Path(file).resolve() == Path(weights).resolve():
            raise Refusal(
                "E0006", f"the output `{file}` would overwrite the file of weights", help="give another name with `-o`"
            )
    if file is not None:
        check_output(file, kind(engine))
    return engine


def _written(engine: Backend, graph: Graph, path: str | Path | BinaryIO, options: Options) -> WriteReport:
    from archdsl.registry import WriteReport

    if isinstance(path, str | Path):
        return engine.write(graph, path, options)
    content = engine.lower(graph, options)
    path.write(content)
    return WriteReport("-", len(content), len(graph.parameters()))


def _is_file(weights: str | Path) -> bool:
    return bool(Path(weights).suffix) or Path(weights).exists()


def with_weights(
    graph: Graph,
    path: str | Path,
    *,
    key: str = "",
    names: str = "",
    missing: Sequence[str] = (),
    unexpected: Sequence[str] = (),
    training: Callable[[], Graph] | None = None,
) -> tuple[Graph, list[str]]:
    """The graph with the weights of a file (those that :func:`archdsl.read_weights` takes), and what is to be told.

    ``key`` and ``names`` are as in :func:`compile`, ``missing`` and ``unexpected`` shell patterns of names that one
    side may lack; ``training`` gives the graph with the outputs that exist only for training, whose parameters a
    checkpoint may have, too. Raises ``DiagnosticError`` (E09xx).
    """
    from archdsl import weights
    from archdsl.weights.match import bound, match, names_of, settle

    found = match(graph, weights.read(path, key), names)
    known = names_of(training(), found) if found.unexpected and training is not None else ()
    told = settle(found, tuple(missing), tuple(unexpected), known)
    return bound(graph, found), told


def metadata(measures: Measures) -> dict[str, str]:
    """What a written model says of itself: where it is from and what it costs. No times, no paths."""
    graph = measures.graph
    found = {"archdsl.version": __version__, "archdsl.variant": graph.name}
    if graph.source_hash:
        found["archdsl.source_sha256"] = graph.source_hash
    for quantity in ("params", "macs"):
        measured = measures.of(quantity)
        found[f"archdsl.{quantity}"] = ("" if not measured.partial else ">=") + str(measured.value)
    return found
