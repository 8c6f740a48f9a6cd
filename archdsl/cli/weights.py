"""``archdsl weights``: what is in a weight file, how it fits a network, a network's parameters as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from archdsl.cli.options import Set, Train, choose, settings
from archdsl.cli.output import columns, out, say
from archdsl.cli.signature import Arg, opt
from archdsl.diagnostics import Refusal

ACTIONS = ("inspect", "map", "export")


def command(
    action: Annotated[str, Arg("inspect FILE, map TARGET FILE, or export FILE.onnx")],
    names: Annotated[list[str], Arg("the files, and for map the network first")],
    output: Annotated[str | None, opt("--output", "-o", metavar="FILE.safetensors", help="of export")] = None,
    set_: Set = None,
    train: Train = False,
) -> int:
    """Look into weight files: .safetensors, .pth, .npz, .onnx."""
    choose(action, "weights", ACTIONS)
    if len(names) != (2 if action == "map" else 1):
        raise Refusal("E0007", f"`weights {action}` takes {'a network and a file' if action == 'map' else 'one file'}")
    from archdsl import weights

    found = weights.read(names[-1])
    if action == "inspect":
        rows = [(name, f"{tensor.dtype}{list(tensor.shape)}") for name, tensor in found.items()]
        out("".join(line + "\n" for line in columns(rows)))
        say(f"{found.path.name}: {len(found)} tensors, {found.format}, {sum(t.size for t in found.values()):,} bytes")
        return 0
    if action == "map":
        return _map(names[0], found, settings(set_), train)
    _export(found, output)
    return 0


def _map(target: str, found: object, given: dict[str, object], train: bool) -> int:
    from archdsl.cli.programs import graph_of
    from archdsl.weights.match import lines, match
    from archdsl.weights.tensor import Checkpoint

    assert isinstance(found, Checkpoint)
    matching = match(graph_of(target, given, {}, train).parameters().values(), found)
    rows = [(path, "<-", tensor.name) for path, tensor in matching.pairs.items()]
    rows += [(p.path, "??", "missing") for p in matching.missing]
    rows += [(p.path, "!=", f"{t.name} {list(t.shape)}") for p, t in matching.mismatched]
    rows += [("", "--", name) for name in matching.unexpected]
    out("".join(line + "\n" for line in columns(rows)))
    for line in lines(matching):
        say(line)
    return int(bool(matching.missing or matching.mismatched or matching.unexpected))


def _export(found: object, output: str | None) -> None:
    from archdsl.cli.output import write_file
    from archdsl.weights.safetensors import encode
    from archdsl.weights.tensor import Checkpoint

    assert isinstance(found, Checkpoint)
    path = (
        Path(output) if output else found.path.with_suffix(".safetensors").with_name(f"{found.path.stem}.safetensors")
    )
    if path.resolve() == found.path.resolve():
        raise Refusal("E0006", f"`{path}` is the file that is read", help="give another name with `-o`")
    kept = {name: tensor for name, tensor in found.items() if "/" not in name}
    head = encode({name: (tensor.dtype, tensor.shape) for name, tensor in kept.items()}, {"format": "pt"})
    write_file(path, head + b"".join(tensor.read() for tensor in kept.values()))
    say(f"{found.path.name} -> {path}: {len(kept)} tensors")
