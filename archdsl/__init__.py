"""archdsl: a declarative architecture compiler for neural networks.

>>> import archdsl
>>> graph = archdsl.load("specs/mobilenet_v2.arch").graph("mobilenet_v2", width=0.5)
>>> archdsl.cost(graph).total("params")
1968680
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from archdsl.analyses.cost import cost
    from archdsl.diagnostics import Diagnostic, DiagnosticError
    from archdsl.driver import Program, compile, load, run
    from archdsl.graph import Graph
    from archdsl.tape.builder import Builder

__version__ = "0.1.0"

__all__ = ["Builder", "Diagnostic", "DiagnosticError", "Graph", "Program", "compile", "cost", "load", "run"]

_HOMES = {
    "Builder": "archdsl.tape.builder",
    "Diagnostic": "archdsl.diagnostics",
    "DiagnosticError": "archdsl.diagnostics",
    "Graph": "archdsl.graph",
    "Program": "archdsl.driver",
    "compile": "archdsl.driver",
    "cost": "archdsl.analyses.cost",
    "load": "archdsl.driver",
    "run": "archdsl.driver",
}


def __getattr__(name: str) -> Any:
    """Public names are imported when first used: `import archdsl` costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
