"""archdsl: a declarative architecture compiler for neural networks.

>>> import archdsl
>>> graph = archdsl.load("specs/mobilenet_v2.arch").graph("mobilenet_v2", width=0.5)
>>> archdsl.cost(graph).total("params")
1968680

Every command of the command line is a function of this module (docs/python.md). They take a graph, or what the command
takes: a file, ``spec.arch:variant``, a name of the zoo. What they return prints itself, also in a notebook; what is
wrong with a text, a file or an argument is a :class:`DiagnosticError`.
"""

from __future__ import annotations

import sys

if sys.argv[0].endswith(("/archdsl", "\\archdsl.exe")) or sys.orig_argv[1:3] == ["-m", "archdsl"]:
    # Of the command, not of a program that imports this: Ctrl-C ends it without a word from here on.
    import _signal  # type: ignore[import-not-found]  # `signal` takes longer

    if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
        _signal.signal(_signal.SIGINT, _signal.SIG_DFL)

from importlib import import_module
from typing import TYPE_CHECKING

from archdsl.version import __version__ as __version__

if TYPE_CHECKING:
    from collections.abc import Iterable

    from archdsl.diagnostics import Diagnostic, DiagnosticError
    from archdsl.driver import Program
    from archdsl.graph import Graph
    from archdsl.project.checking import check, save_baseline
    from archdsl.project.checkpoints import export_weights, match_weights, read_weights, weight_names
    from archdsl.project.comparing import diff, verify
    from archdsl.project.compiling import compile
    from archdsl.project.costs import cost, fields, memory
    from archdsl.project.explorer import explorer
    from archdsl.project.fit import fit
    from archdsl.project.formatting import fmt
    from archdsl.project.linting import lint
    from archdsl.project.loading import load
    from archdsl.project.operators import operators
    from archdsl.project.pages import explain, show
    from archdsl.project.picture import draw
    from archdsl.project.running import run
    from archdsl.project.starter import init
    from archdsl.project.sweep import sweep
    from archdsl.project.viewing import view
    from archdsl.project.which import which
    from archdsl.project.zoo import networks as list
    from archdsl.runtime.doctor import doctor
    from archdsl.tape.builder import Builder

_HOMES = {
    "Builder": "tape.builder", "Diagnostic": "diagnostics", "DiagnosticError": "diagnostics", "Graph": "graph",
    "Program": "driver", "check": "project.checking", "compile": "project.compiling", "cost": "project.costs",
    "diff": "project.comparing", "doctor": "runtime.doctor", "draw": "project.picture", "explain": "project.pages",
    "explorer": "project.explorer",
    "export_weights": "project.checkpoints", "fields": "project.costs", "fit": "project.fit",
    "fmt": "project.formatting", "init": "project.starter", "lint": "project.linting", "list": "project.zoo:networks",
    "load": "project.loading", "match_weights": "project.checkpoints", "memory": "project.costs",
    "operators": "project.operators", "read_weights": "project.checkpoints", "run": "project.running",
    "save_baseline": "project.checking", "show": "project.pages", "sweep": "project.sweep",
    "verify": "project.comparing", "view": "project.viewing", "weight_names": "project.checkpoints",
    "which": "project.which",
}  # fmt: skip
"""Public name -> the module that it is imported from (and what it is called there, where that is another name)."""

__all__ = [
    "Builder", "Diagnostic", "DiagnosticError", "Graph", "Program", "check", "compile", "cost", "diff", "doctor",
    "draw", "explain", "explorer", "export_weights", "fields", "fit", "fmt", "init", "lint", "list", "load",
    "match_weights", "memory", "operators", "read_weights", "run", "save_baseline", "show", "sweep", "verify", "view",
    "weight_names", "which",
]  # fmt: skip


def __getattr__(name: str) -> object:
    """Public names are imported when first used: `import archdsl` costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, attribute = _HOMES[name].partition(":")
    value: object = getattr(import_module(f"archdsl.{module}"), attribute or name)
    if callable(value) and not isinstance(value, type):
        value = import_module("archdsl.arguments").checked(value, f"archdsl.{name}")
    globals()[name] = value
    return value


def __dir__() -> Iterable[str]:
    return sorted({*globals(), *__all__})
