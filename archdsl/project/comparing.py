"""Comparison of two networks: the changes in their structure, and whether they compute the same numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from archdsl.diagnostics import Refusal
from archdsl.foreign import is_model
from archdsl.project.targets import Network, graph_of
from archdsl.record import Record
from archdsl.report.render import Printed

if TYPE_CHECKING:
    from archdsl.compare.diff import Difference
    from archdsl.compare.snapshot import Snapshot
    from archdsl.graph import Graph
    from archdsl.report.page import Report
    from archdsl.runtime.verify import Compared


def diff(old: Network, new: Network, bind: Mapping[str, int] | None = None) -> Difference:
    """What changed between two graphs or targets, what each change costs, and whether it breaks anything.

    A target may also be ``HEAD~1:specs/net.arch``, a file in a state of the repository as git writes it; and ``old``
    may be the state alone, where ``new`` is a file of the repository. ``bind`` gives symbols sizes in both. Raises
    ``DiagnosticError``.
    """
    return both(old, new, bind).difference


class Both(Record):
    """Two networks, their figures, and what differs."""

    difference: Difference
    old: Snapshot
    new: Snapshot
    graphs: tuple[Graph, Graph]


def both(old: Network, new: Network, bind: Mapping[str, int] | None = None) -> Both:
    """As :func:`diff`, with both networks and their figures."""
    from archdsl.compare.diff import diff
    from archdsl.compare.renaming import renamed
    from archdsl.compare.structure import nameless, one_written, resolved, structure
    from archdsl.project.baseline import figures

    after = graph_of(_graph(new, None), bind=bind)
    was = _graph(old, new)
    before = graph_of(was, bind=bind)
    same = renamed(before, after)
    a = figures(before).replace(name=called(old, before, new if was is not old else None))
    b = figures(after).replace(name=called(new, after))
    if same is None and nameless(before, after):
        return Both(diff(a, b, None, structure(before, after, a, b)), a, b, (before, after))
    strangers = one_written(before, after)
    if strangers:
        a, b = resolved(a, before), resolved(b, after)
    return Both(diff(a, b, same, None, strangers), a, b, (before, after))


def _graph(network: Network, beside: Network | None) -> Network:
    """A target in a state of the repository as a graph, others as they are; ``beside``: whose file may be meant."""
    if isinstance(network, str) and network != "-":
        from archdsl.project.states import graph_in_state

        found = graph_in_state(network, beside if isinstance(beside, str | Path) else None)
        if found is not None:
            return found
    return network


def called(network: Network, graph: Graph, beside: Network | None = None) -> str:
    """What a network is called beside another one: a model by its file, since its name may be that of the other; a
    state of the repository alone, by the file ``beside`` in it.
    """
    if isinstance(beside, str | Path) and is_model(str(beside)) and not is_model(str(network)):
        return f"{network}:{Path(beside).name}"
    if isinstance(network, str | Path) and is_model(str(network)):
        return Path(network).name if Path(network).exists() else str(network)
    return graph.name


class Verification(Printed):
    """How far two implementations are apart: at the outputs, and at ``layers`` on the way to them."""

    def __init__(
        self, outputs: Sequence[Compared], layers: Sequence[Compared], tolerance: float, note: str = ""
    ) -> None:
        self.outputs = tuple(outputs)
        self.layers = tuple(layers)
        self.tolerance = tolerance
        self.note = note
        """What the sizes of the inputs leave open; empty for nothing."""

    @property
    def same(self) -> bool:
        """Whether every output is within the tolerance; of what is drawn at random only the shape is asked."""
        return all(one.drawn or one.relative <= self.tolerance for one in self.outputs)

    @property
    def departure(self) -> Compared | None:
        """The first layer that is not."""
        return next((one for one in self.layers if not one.relative <= self.tolerance), None)

    def report(self) -> Report:
        """The distances, and the verdict."""
        from archdsl.report.listing import Compared

        outer, within = ([vars(one) for one in several] for several in (self.outputs, self.layers))
        return Compared(outer, within, self.tolerance, self.same, self.departure.name if self.departure else None)


def verify(
    model: str | Path,
    against: str | Path,
    inputs: Sequence[str] = (),
    *,
    layers: bool = False,
    tolerance: float | None = None,
    seed: int = 0,
    bind: Mapping[str, int] | None = None,
) -> Verification:
    """Compare an ONNX file or exported program with another, or a module that the PyTorch backend wrote (it is run).

    ``inputs`` are files (``x.npy``, ``name=photo.jpg``); the rest is random from ``seed``, with free dimensions as in
    ``bind``, as declared, or small ones above 1 (N is 2), and integers over the range of what they enter.
    ``layers``: also compare what stands between. ``tolerance`` is the greatest ``max|a - b| / max|b|``:
    1e-4 unless said otherwise, 1e-2 in ``f16`` and 5e-2 in ``bf16``.
    Raises ``DiagnosticError``.
    """
    if not is_model(str(model)):
        raise Refusal("E0007", f"`{model}` is no .onnx or .pt2 file", help="write one with `archdsl compile`")
    if not (is_model(str(against)) or str(against).endswith(".py")):
        raise Refusal(
            "E0007", f"`--against {against}` is neither an .onnx or .pt2 file nor a module of `--backend torch`"
        )
    if tolerance is not None and not 0 <= tolerance < float("inf"):
        raise Refusal("E0007", f"`--tolerance {tolerance}` is not a number of at least 0")
    from archdsl.runtime.verify import tolerance_of, verify
    from archdsl.writing import scratch

    with scratch() as folder:
        ours, theirs = (_runnable(Path(one), folder / name) for one, name in ((model, "a"), (against, "b")))
        outputs, inner, note = verify(ours, theirs, inputs, seed, bind or {}, layers)
        return Verification(outputs, inner, tolerance_of(ours) if tolerance is None else tolerance, note)


def _runnable(file: Path, at: Path) -> Path:
    """The file, and an exported program as the ONNX file that it compiles to."""
    if file.suffix.lower() != ".pt2":
        return file
    from archdsl.project.compiling import compile

    compile(graph_of(file), written := at.with_suffix(".onnx"))
    return written
