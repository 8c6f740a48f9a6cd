"""Backends by name: what turns a graph into files.

A package offers one under the entry point group ``archdsl.backends``. Those that come with archdsl are known without
asking: reading the entry points of an environment takes tens of milliseconds, which every compilation would pay.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from archdsl.diagnostics import Diagnostic, DiagnosticError, did_you_mean
from archdsl.graph import Graph
from archdsl.ops.base import Op

GROUP = "archdsl.backends"
BUILT_IN = {"onnx": "archdsl.backends.onnx:backend", "torch": "archdsl.backends.torch:backend"}


class Backend(Protocol):
    """What an entry point gives. ``options`` and the report are the backend's own records."""

    name: str
    suffix: str
    """How its files end, with the dot."""

    def lowers(self, op: type[Op]) -> bool:
        """Whether there is a rule for the operator."""
        ...

    def options(self, **given: Any) -> Any:
        """Its options by name. Raises ``DiagnosticError`` for one it does not have."""
        ...

    def lower(self, graph: Graph, options: Any = None) -> bytes:
        """The whole result in memory. Raises ``DiagnosticError``."""
        ...

    def write(self, graph: Graph, path: str | Path, options: Any = None) -> Any:
        """Write the result, whole or not at all. Raises ``DiagnosticError``."""
        ...


def backend(name: str = "onnx") -> Backend:
    """The backend called ``name``. Raises ``DiagnosticError`` (E0605) where there is none, or it cannot be loaded."""
    target = BUILT_IN.get(name) or installed().get(name)
    if target is None:
        help = did_you_mean(name, names(), f"there are: {', '.join(names())}")
        raise DiagnosticError([Diagnostic("E0605", f"there is no backend `{name}`", help=help)])
    module, _, attribute = target.partition(":")
    try:
        found: Backend = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise DiagnosticError([Diagnostic("E0605", f"the backend `{name}` cannot be loaded: {error}")]) from None
    return found


def names() -> list[str]:
    """All backends that are installed, sorted."""
    return sorted({*BUILT_IN, *installed()})


def installed() -> dict[str, str]:
    """The entry points of the group: name -> ``module:attribute``."""
    from importlib.metadata import entry_points

    return {point.name: point.value for point in entry_points(group=GROUP)}
