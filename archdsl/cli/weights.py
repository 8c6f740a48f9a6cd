"""``archdsl weights``: the tensors of a weight file, how they fit a network, and the weights of a model as a file."""

from __future__ import annotations

from typing import Annotated

from archdsl.cli.exit import CLEAN, FINDINGS
from archdsl.cli.options import Bind, Key, Names, Set, Train, bindings, settings
from archdsl.cli.output import progress, say, show
from archdsl.cli.signature import Arg, opt
from archdsl.diagnostics import Refusal

ACTIONS = ("inspect", "map", "export")

EXAMPLE = "archdsl weights map resnet50 resnet50.safetensors"


def command(
    action: Annotated[str, Arg("inspect FILE, map TARGET FILE, or export FILE", choices=ACTIONS)],
    names: Annotated[list[str], Arg("the files, and the network first for map and --names")],
    output: Annotated[
        str | None, opt("--output", "-o", metavar="FILE.safetensors", help="the file that export writes")
    ] = None,
    key: Key = None,
    under: Names = None,
    set_: Set = None,
    bind: Bind = None,
    train: Train = False,
) -> int:
    """Inspect, map and export weight files: .safetensors, .pth, .npz, .onnx, .pt2."""
    from archdsl.project import checkpoints

    given, sizes = settings(set_), bindings(bind)
    if action == "map" and under is not None and len(names) == 1:
        show(checkpoints.weight_names(names[0], under, settings=given, bind=sizes, train=train).report(), "text")
        return CLEAN
    network = action == "map" or (action == "export" and under is not None)
    if len(names) != (2 if network else 1):
        raise Refusal("E0007", f"`weights {action}` takes {'a network and a file' if network else 'one file'}")
    if action == "inspect":
        with progress(f"reading {names[0]}"):
            found = checkpoints.read_weights(names[0], key=key or "")
        show(found.report(), "text")
        say(found.summary)
        return CLEAN
    if action == "map":
        with progress(f"fitting {names[1]} to {names[0]}"):
            matched = checkpoints.match_weights(
                names[0], names[1], key=key or "", names=under or "", settings=given, bind=sizes, train=train
            )
        show(matched.report(), "text")
        for line in [*matched.summary, *([f"help: {matched.help}"] if matched.help else [])]:
            say(line)
        return CLEAN if matched.complete else FINDINGS
    target = names[0] if network else None
    with progress(f"exporting the weights of {names[-1]}"):
        done = checkpoints.export_weights(
            names[-1], output, network=target, names=under, key=key or "", settings=given, bind=sizes, train=train
        )
    say(str(done))
    return CLEAN
