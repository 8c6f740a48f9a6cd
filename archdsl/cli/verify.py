"""``archdsl verify``: whether two implementations of a network give the same numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from archdsl.cli.options import Bind, bindings, choose
from archdsl.cli.output import progress, show
from archdsl.cli.signature import Arg, opt
from archdsl.diagnostics import Refusal


def command(
    model: Annotated[str, Arg("an ONNX file")],
    against: Annotated[str, opt("--against", help="model.py of the PyTorch backend (it is run), or another ONNX file")],
    input: Annotated[list[str] | None, opt("--input", "-i", help=".npy, .npz or image; NAME=FILE")] = None,
    layers: Annotated[bool, opt("--layers", help="compare what stands between, and name the first to depart")] = False,
    tolerance: Annotated[str, opt("--tolerance", help="greatest max|a - b| / max|b|")] = "1e-4",
    seed: Annotated[int, opt("--seed", min=0, help="of random inputs")] = 0,
    bind: Bind = None,
    format: Annotated[str, opt("--format", help="text or json")] = "text",
) -> int:
    """Compare a model's outputs with those of another implementation; status 1 where they differ."""
    choose(format, "--format", ("text", "json"))
    limit = _limit(tolerance)
    if not model.endswith(".onnx"):
        raise Refusal("E0007", f"`{model}` is no .onnx file", help="write one with `archdsl compile`")
    if not against.endswith((".onnx", ".py")):
        raise Refusal("E0007", f"`--against {against}` is neither an .onnx file nor a module of `--backend torch`")
    from archdsl.report.listing import Compared
    from archdsl.runtime.verify import verify

    sizes = bindings(bind)
    with progress(f"comparing {model} and {against}"):
        outputs, inner = verify(Path(model), Path(against), input or (), seed, sizes, layers)
    departed = next((one for one in inner if not one.relative <= limit), None)
    worst = max((one.relative for one in outputs), default=0.0)
    outer, within = ([vars(one) for one in several] for several in (outputs, inner))
    show(Compared(outer, within, limit, worst <= limit, departed.name if departed else None), format)
    return int(not worst <= limit)


def _limit(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise Refusal("E0007", f"`--tolerance {text}` is no number from 0 on")
    return value
