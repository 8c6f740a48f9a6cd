"""Weight files: their tensors, how they fit a network, and a network's parameters as a file."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from archdsl.diagnostics import Refusal
from archdsl.driver import Settings
from archdsl.project.targets import Network, graph_of
from archdsl.record import Record
from archdsl.report.render import Printed
from archdsl.shown import Verbatim

if TYPE_CHECKING:
    from archdsl.graph import Graph, Stored
    from archdsl.report.listing import Listing
    from archdsl.weights.match import Matching
    from archdsl.weights.tensor import Checkpoint


class WeightFile(Printed):
    """The tensors of a weight file: ``checkpoint`` maps their names to them, values are read when they are needed."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.checkpoint = checkpoint

    @property
    def summary(self) -> str:
        """``w.pth: 62 tensors, pytorch, 14,219,160 bytes``."""
        found = self.checkpoint
        size = sum(tensor.size for tensor in found.values())
        return f"{found.path.name}: {len(found)} tensors, {found.format}, {size:,} bytes"

    def report(self) -> Listing:
        """A line for each tensor."""
        from archdsl.report.listing import names

        return names((name, f"{tensor.dtype}{list(tensor.shape)}") for name, tensor in self.checkpoint.items())


class WeightMatch(Printed):
    """How a weight file fits a network: every parameter and the tensor that it gets."""

    def __init__(self, matching: Matching, variant: str = "") -> None:
        self.matching = matching
        self.variant = variant

    @property
    def complete(self) -> bool:
        """Whether every parameter has its tensor, and every tensor is used."""
        return self.matching.complete

    @property
    def help(self) -> str:
        """What may be the reason where it is not complete, and what helps; empty where nothing is known."""
        return "; ".join(filter(None, (self.variant, *self.matching.hints)))

    @property
    def summary(self) -> list[str]:
        """The matching in a line or two."""
        from archdsl.weights.match import lines

        return lines(self.matching)

    def report(self) -> Listing:
        """A line for each parameter, and for what is left over."""
        from archdsl.report.listing import names

        found = self.matching
        rows = [(path, "<-", tensor.name) for path, tensor in found.pairs.items()]
        rows += [(p.path, "??", "missing") for p in found.missing]
        rows += [(p.path, "!=", f"{t.name} {list(t.shape)}") for p, t in found.mismatched]
        rows += [("", "--", name) for name in found.unexpected]
        return names(rows)


class Exported(Verbatim, Record):
    """A weight file that was written, from another one."""

    source: str
    path: Path
    tensors: int

    def __str__(self) -> str:
        return f"{self.source} -> {self.path}: {self.tensors} tensors"


class WeightNames(Printed):
    """What the parameters of a network are called in the checkpoints of a framework."""

    def __init__(self, names: Mapping[str, Stored]) -> None:
        self.names = dict(names)

    def report(self) -> Listing:
        """A line for each parameter."""
        from archdsl.report.listing import names

        return names((path, "->", stored.name) for path, stored in self.names.items())


def read_weights(path: str | Path, *, key: str = "") -> WeightFile:
    """The tensors of a weight file: safetensors, ``.pth``, ``.npz``, ONNX, ``.pt2``; with ``key`` those of a
    dictionary in it, or below a prefix of the names.

    Raises ``DiagnosticError``: E0001 no such file, E0901 another kind, E0902 damaged or hostile, E0007 no such key.
    """
    from archdsl import weights

    return WeightFile(weights.read(path, key))


def match_weights(
    network: Network,
    path: str | Path,
    *,
    key: str = "",
    names: str = "",
    settings: Settings | None = None,
    bind: Mapping[str, int] | None = None,
    train: bool = False,
) -> WeightMatch:
    """How a weight file fits a graph or target; ``key`` and ``names`` are those of :func:`archdsl.compile`.

    Raises ``DiagnosticError`` for what cannot be read, and for what can be read in two ways (E0903).
    """
    from archdsl import weights
    from archdsl.project.relatives import fitting_variant
    from archdsl.weights.match import match

    graph, checkpoint = graph_of(network, settings, bind, train), weights.read(path, key)
    found = match(graph, checkpoint, names)
    if found.complete:
        return WeightMatch(found)
    return WeightMatch(found, fitting_variant(network, graph, checkpoint, names))


def weight_names(
    network: Network,
    names: str,
    *,
    settings: Settings | None = None,
    bind: Mapping[str, int] | None = None,
    train: bool = False,
) -> WeightNames:
    """What a map of the spec (``weights timm { … }``) calls the parameters; refuses (E0007) a map that it lacks."""
    from archdsl.weights.choose import stored_under

    return WeightNames(stored_under(graph_of(network, settings, bind, train), names))


def export_weights(
    path: str | Path,
    output: str | Path | None = None,
    *,
    network: Network | None = None,
    names: str | None = None,
    key: str = "",
    settings: Settings | None = None,
    bind: Mapping[str, int] | None = None,
    train: bool = False,
) -> Exported:
    """Write the tensors of a weight file as safetensors: in the same folder, unless ``output`` is given.

    With ``names``, the parameters of ``network`` are written as that map of its spec calls them; ``key`` is the
    dictionary of the file to take. Raises ``DiagnosticError``.
    """
    from archdsl import weights
    from archdsl.outputs import WEIGHTS, check_output
    from archdsl.weights.safetensors import encode
    from archdsl.writing import write_file

    if (network is None) != (names is None):
        raise Refusal("E0007", "a network needs a map of names, and a map of names needs a network")
    found = weights.read(path, key)
    if network is None:
        found = _single(found)
    if network is not None and names is not None:
        found = _renamed(graph_of(network, settings, bind, train), found, names)
    target = Path(output) if output else found.path.with_name(f"{found.path.stem}.safetensors")
    sources = {found.path, *(tensor.place.path for tensor in found.values() if tensor.place)}
    if target.resolve() in {source.resolve() for source in sources}:
        raise Refusal(
            "E0006", f"the output `{target}` would overwrite the file that is read", help="give another name with `-o`"
        )
    check_output(target, WEIGHTS)
    said = {"archdsl.names": found.names} if found.names else {}
    kinds = {name: (tensor.dtype, tensor.shape) for name, tensor in found.items()}
    head = encode(kinds, {"format": "pt", "producer": "archdsl", **said})
    write_file(target, chain([head], *(tensor.stretches() for tensor in found.values())))
    return Exported(found.path.name, target, len(found))


def _renamed(graph: Graph, found: Checkpoint, names: str) -> Checkpoint:
    """The parameters of a network, read from a file, as a map has them."""
    from archdsl.weights.choose import stored_under
    from archdsl.weights.convert import kept
    from archdsl.weights.match import match, settle
    from archdsl.weights.tensor import Checkpoint

    stored = stored_under(graph, names)
    matching = match(graph, found)
    settle(matching, allow_unexpected=["*"])
    tensors = {stored[path].name: kept(tensor, stored[path]) for path, tensor in matching.pairs.items()}
    return Checkpoint(found.path, found.format, tensors, names=names)


def _single(found: Checkpoint) -> Checkpoint:
    """The one dictionary of parameters in a file; refuses (E0903) a file that has several of about one size."""
    sizes = {key: len(found.under(key)) for key in found.keys_inside}
    largest = max(sizes, key=lambda key: sizes[key])
    if len(sizes) == 1 or not largest:
        return found.under(largest)
    rivals = [key for key in sizes if 2 * sizes[key] > sizes[largest]]
    if len(rivals) > 1:
        listed = ", ".join(f"`{key}` ({sizes[key]} tensors)" for key in rivals[:8])
        help = " or ".join(f"`--key {key}`" for key in rivals[:8]) + " chooses"
        raise Refusal("E0903", f"`{found.path}` holds several sets of tensors: {listed}", help=help)
    return found.under(largest)
