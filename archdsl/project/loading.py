"""What :func:`archdsl.load` takes: texts, and models of other tools."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import overload

from archdsl import driver, foreign
from archdsl.driver import Program
from archdsl.foreign.model import Model


@overload
def load(path_or_text: str | Path, *, name: str | None = None) -> Program: ...  # type: ignore[overload-overlap]


@overload
def load(path_or_text: object, inputs: object = None, *, by_name: Mapping[str, object] | None = None) -> Model: ...


def load(
    path_or_text: object,
    inputs: object = None,
    *,
    by_name: Mapping[str, object] | None = None,
    name: str | None = None,
) -> Program | Model:
    """Load a program from a path, a target (``spec.arch:variant``, a name of the zoo such as ``resnet50``), or a text.

    A text is a string with a newline or that begins with ``arch``. The variant that a target names is
    ``Program.default``.

    Also a ``torch.export.ExportedProgram``, or a ``torch.nn.Module`` with the inputs to export it with (one, or several
    in a tuple, and ``by_name``); and the path of a model of another tool (``.onnx``, ``.pt2``). Its ``graph()`` is the
    network.

    Raises :class:`archdsl.DiagnosticError` with every error found; warnings are in ``Program.warnings``.
    """
    if not isinstance(path_or_text, str | Path):
        from archdsl.foreign.pt2.from_python import model_of

        return model_of(path_or_text, inputs, by_name)
    if inputs is not None or by_name is not None:
        raise TypeError("archdsl.load() takes inputs for a module of PyTorch, not for a file or a text")
    if foreign.is_model(str(path_or_text)) and "\n" not in str(path_or_text):
        path = Path(path_or_text)
        return Model(path.stem, lambda bind: foreign.read(path, bind))
    return driver.load(path_or_text, name=name)
