"""``archdsl verify``: whether two implementations of a network give the same numbers."""

from __future__ import annotations

from typing import Annotated

from archdsl.cli.exit import CLEAN, FINDINGS
from archdsl.cli.options import Bind, TextOrJson, bindings
from archdsl.cli.output import progress, say, show
from archdsl.cli.signature import Arg, opt
from archdsl.diagnostics import Refusal

EXAMPLE = "archdsl verify model.onnx --against model.py"


def command(
    model: Annotated[str, Arg("model.onnx or model.pt2", "models")],
    against: Annotated[str, opt("--against", help="model.py of the PyTorch backend (it is run), or another model")],
    input: Annotated[list[str] | None, opt("--input", "-i", help=".npy, .npz or image; NAME=FILE")] = None,
    layers: Annotated[
        bool, opt("--layers", help="also compare intermediate values, and name the first that differs")
    ] = False,
    tolerance: Annotated[
        str | None, opt("--tolerance", help="largest allowed max|a - b| / max|b|: 1e-4, of f16 1e-2, of bf16 5e-2")
    ] = None,
    seed: Annotated[int, opt("--seed", min=0, help="seed of random inputs")] = 0,
    bind: Bind = None,
    format: TextOrJson = "text",
) -> int:
    """Compare the outputs of two implementations; exit 1 if they differ."""
    try:
        limit = None if tolerance is None else float(tolerance)
    except ValueError:
        raise Refusal("E0007", f"`--tolerance {tolerance}` is not a number of at least 0") from None
    from archdsl.project.comparing import verify

    sizes = bindings(bind)
    with progress(f"comparing {model} and {against}"):
        found = verify(model, against, input or (), layers=layers, tolerance=limit, seed=seed, bind=sizes)
    if found.note:
        say(found.note)
    show(found.report(), format)
    return CLEAN if found.same else FINDINGS
