"""``archdsl run``: a model on ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from archdsl.cli.options import Bind, Set, bindings, choose, settings
from archdsl.cli.output import out, progress, say
from archdsl.cli.signature import Arg, opt


def command(
    target: Annotated[str, Arg("model.onnx, spec.arch, spec.arch:variant or a zoo name")],
    input: Annotated[
        list[str] | None, opt("--input", "-i", help=".npy, .npz or image; NAME=FILE where there are several")
    ] = None,
    ep: Annotated[str, opt("--ep", help="execution provider: cpu, cuda or cuda,cpu")] = "cpu",
    seed: Annotated[int, opt("--seed", min=0, help="of random inputs, and of a spec's weights")] = 0,
    top: Annotated[int, opt("--top", min=0, help="how many of the largest class scores to show")] = 5,
    save: Annotated[str | None, opt("--save", metavar="FILE.npz", help="write the outputs")] = None,
    set_: Set = None,
    bind: Bind = None,
    format: Annotated[str, opt("--format", help="text or json")] = "text",
) -> None:
    """Run a model with ONNX Runtime, describe its outputs."""
    choose(format, "--format", ("text", "json"))
    from archdsl.cli.targets import runnable
    from archdsl.runtime.execute import execute
    from archdsl.runtime.outputs import describe_output, render_output

    sizes = bindings(bind)
    model = runnable(target, settings(set_), seed)
    with progress(f"running {target}"):
        result = execute(model, input or (), ep=ep, seed=seed, sizes=sizes)
    if save is not None:
        _save(save, result.outputs)
    records = [describe_output(name, array, top, result.metadata) for name, array in result.outputs.items()]
    for note in result.notes:
        say(note)
    if format == "json":
        from archdsl.report.json import document

        out(document("run", target=target, providers=list(result.providers), seconds=result.seconds, outputs=records))
        return
    if callable(model):
        say(f"{target} has initial weights: its outputs mean nothing yet (`archdsl compile --weights FILE`)")
    for name, shape in result.inputs.items():
        say(f"{name}: {shape}")
    out("".join(line + "\n" for record in records for line in render_output(record)))
    say(f"{result.seconds * 1000:.1f} ms on {', '.join(result.providers)}")


def _save(name: str, outputs: dict[str, Any]) -> None:
    """All outputs in one ``.npz``, whole or not at all."""
    import io

    import numpy as np

    from archdsl.files import write_file

    path = Path(name)
    buffer = io.BytesIO()
    np.savez(buffer, **outputs)
    write_file(path, buffer.getvalue())
    say(f"wrote {path}")
