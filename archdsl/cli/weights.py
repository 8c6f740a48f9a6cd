"""``archdsl weights``: what is in a weight file, how it fits a network, a network's parameters as a file."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from archdsl.cli.options import Set, Train, choose, settings
from archdsl.cli.output import say, show
from archdsl.cli.signature import Arg, opt
from archdsl.cli.targets import graph_of
from archdsl.diagnostics import Refusal
from archdsl.report import listing

if TYPE_CHECKING:
    from archdsl.graph import Graph
    from archdsl.weights.tensor import Checkpoint

ACTIONS = ("inspect", "map", "export")


def command(
    action: Annotated[str, Arg("inspect FILE, map TARGET FILE, or export FILE.onnx")],
    names: Annotated[list[str], Arg("the files, and the network first for map and --names")],
    output: Annotated[str | None, opt("--output", "-o", metavar="FILE.safetensors", help="of export")] = None,
    under: Annotated[str | None, opt("--names", metavar="MAP", help="a map of the spec: `weights MAP { … }`")] = None,
    set_: Set = None,
    train: Train = False,
) -> int:
    """Look into weight files: .safetensors, .pth, .npz, .onnx."""
    choose(action, "weights", ACTIONS)
    if action == "map" and under is not None and len(names) == 1:
        return _names(graph_of(names[0], settings(set_), {}, train), under)
    network = action == "map" or (action == "export" and under is not None)
    if len(names) != (2 if network else 1):
        raise Refusal("E0007", f"`weights {action}` takes {'a network and a file' if network else 'one file'}")
    from archdsl import weights

    found = weights.read(names[-1])
    if action == "inspect":
        rows = [(name, f"{tensor.dtype}{list(tensor.shape)}") for name, tensor in found.items()]
        show(listing.names(rows), "text")
        say(f"{found.path.name}: {len(found)} tensors, {found.format}, {sum(t.size for t in found.values()):,} bytes")
        return 0
    graph = graph_of(names[0], settings(set_), {}, train) if network else None
    if action == "map":
        assert graph is not None
        return _map(graph, found)
    _export(_renamed(graph, found, under or "") if graph else found, output)
    return 0


def _names(graph: Graph, under: str) -> int:
    """Show the names that a map gives."""
    from archdsl.weights.match import stored_under

    rows = [(path, "->", stored.name) for path, stored in stored_under(graph, under).items()]
    show(listing.names(rows), "text")
    return 0


def _map(graph: Graph, found: Checkpoint) -> int:
    """Show how a file fits a network."""
    from archdsl.weights.match import lines, match

    matching = match(graph, found)
    rows = [(path, "<-", tensor.name) for path, tensor in matching.pairs.items()]
    rows += [(p.path, "??", "missing") for p in matching.missing]
    rows += [(p.path, "!=", f"{t.name} {list(t.shape)}") for p, t in matching.mismatched]
    rows += [("", "--", name) for name in matching.unexpected]
    show(listing.names(rows), "text")
    for line in lines(matching):
        say(line)
    return int(bool(matching.missing or matching.mismatched or matching.unexpected))


def _renamed(graph: Graph, found: Checkpoint, under: str) -> Checkpoint:
    """The parameters of a network, read from a file, as a map has them."""
    from archdsl.weights.convert import kept
    from archdsl.weights.match import match, settle, stored_under
    from archdsl.weights.tensor import Checkpoint

    names = stored_under(graph, under)
    matching = match(graph, found)
    settle(matching, allow_unexpected=["*"])
    tensors = {names[path].name: kept(tensor, names[path]) for path, tensor in matching.pairs.items()}
    return Checkpoint(found.path, found.format, tensors)


def _export(found: Checkpoint, output: str | None) -> None:
    from archdsl.files import write_file
    from archdsl.weights.safetensors import encode

    path = (
        Path(output) if output else found.path.with_suffix(".safetensors").with_name(f"{found.path.stem}.safetensors")
    )
    sources = {found.path, *(tensor.place.path for tensor in found.values() if tensor.place)}
    if path.resolve() in {source.resolve() for source in sources}:
        raise Refusal("E0006", f"`{path}` is the file that is read", help="give another name with `-o`")
    head = encode({name: (tensor.dtype, tensor.shape) for name, tensor in found.items()}, {"format": "pt"})
    write_file(path, chain([head], *(tensor.stretches() for tensor in found.values())))
    say(f"{found.path.name} -> {path}: {len(found)} tensors")
