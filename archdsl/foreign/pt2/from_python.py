"""Models that live in Python, where PyTorch is installed: saved to memory, and read as files are."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

from archdsl.foreign.model import Model
from archdsl.foreign.pt2 import graph_of
from archdsl.weights.exported import Saved

_PROGRAM, _MODULE = "torch.export.exported_program.ExportedProgram", "torch.nn.modules.module.Module"


def model_of(given: object, inputs: object = None, names: Mapping[str, object] | None = None) -> Model:
    """An exported program, or a module that is exported here with ``inputs`` and, by name, ``names``.

    Its weights stay as they are now: they are copied to memory. ``TypeError`` for anything else.
    """
    if _is(given, _PROGRAM):
        return _saved(given, _called(given))
    if not _is(given, _MODULE):
        raise TypeError(
            "`path_or_text` of archdsl.load() must be str, Path, torch.export.ExportedProgram or torch.nn.Module, not "
            f"{given!r:.80}"
        )
    if inputs is None and not names:
        raise TypeError("archdsl.load() of a module needs inputs to trace it with: `archdsl.load(module, (x,))`")
    import torch

    listed: Any = () if inputs is None else tuple(inputs) if isinstance(inputs, Sequence) else (inputs,)
    with warnings.catch_warnings(), _evaluating(given):
        warnings.simplefilter("ignore")
        module: Any = given
        program = torch.export.export(module, listed, dict(names or {}), strict=False)
    return _saved(program, type(given).__name__)


def _is(given: object, wanted: str) -> bool:
    return any(f"{base.__module__}.{base.__qualname__}" == wanted for base in type(given).__mro__)


def _called(program: Any) -> str:
    """The class of the module that was exported."""
    first = next(iter(program.module_call_graph), None)
    return str(getattr(getattr(first, "signature", None), "fqn", "") or "") or "ExportedProgram"


def _saved(program: Any, name: str) -> Model:
    import torch

    content = BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.export.save(program, content)
    saved = Saved(Path(name), content.getvalue())
    return Model(name, lambda bind: graph_of(saved, bind))


@contextmanager
def _evaluating(module: Any) -> Iterator[None]:
    """The module as it is used, and not as it is trained; each part is put back as it was."""
    training = [one for one in module.modules() if one.training]
    module.eval()
    try:
        yield
    finally:
        for one in training:
            one.training = True
