"""``archdsl run``: a model on ONNX Runtime."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Annotated

from archdsl.cli.options import Bind, Set, TextOrJson, bindings, settings
from archdsl.cli.output import progress, say, show
from archdsl.cli.signature import Arg, opt

EXAMPLE = "archdsl run resnet50 --input photo.jpg"


def command(
    target: Annotated[str, Arg("model.onnx, spec.arch, spec.arch:variant or a zoo name", "models")],
    input: Annotated[
        list[str] | None, opt("--input", "-i", help=".npy, .npz or image; NAME=FILE if there are several")
    ] = None,
    ep: Annotated[str, opt("--ep", help="execution provider: cpu, cuda or cuda,cpu")] = "cpu",
    seed: Annotated[int, opt("--seed", min=0, help="seed of random inputs and of a spec's weights")] = 0,
    top: Annotated[int, opt("--top", min=0, help="how many of the largest class scores to show")] = 5,
    times: Annotated[int, opt("--times", min=0, help="calls that are timed after one to warm up, in a second")] = 10,
    save: Annotated[str | None, opt("--save", metavar="FILE.npz", help="write the outputs")] = None,
    set_: Set = None,
    bind: Bind = None,
    format: TextOrJson = "text",
) -> None:
    """Run a model with ONNX Runtime and describe its outputs."""
    from archdsl.foreign import is_model
    from archdsl.project.running import run
    from archdsl.runtime.execute import RunReport

    if save is not None:
        from archdsl.outputs import ARRAYS, check_output

        check_output(save, ARRAYS)
    given, sizes = settings(set_), bindings(bind)
    with progress(f"running {target}"), warnings.catch_warnings(action="ignore"):  # they are said as notes
        found = run(target, files=input or (), ep=ep, seed=seed, settings=given, bind=sizes, times=times)
    if save is not None:
        found.save(Path(save))
        say(f"wrote {save}")
    for note in found.notes:
        say(note)
    report = RunReport(found, top, target)
    if format == "json":
        show(report, format)
        return
    if not is_model(target):
        say(f"{target} has initial weights: its outputs mean nothing yet (`archdsl compile --weights FILE`)")
    for name, shape in found.inputs.items():
        say(f"{name}: {shape}")
    show(report, format)
    say(f"{found.timing}, on {', '.join(found.providers)}")
