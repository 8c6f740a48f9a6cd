"""The source text of helpers that a written module uses in addition to PyTorch, cut from the files that define them.

Those files need PyTorch and are never imported here: only their text is read.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from archdsl.files import packaged

OWN = f"{__package__}.helper_layers"


@cache
def definitions(module: str) -> dict[str, tuple[str, frozenset[str]]]:
    """The functions and classes of a module, in order: name -> its text and all names that occur in it."""
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"No module named {module!r}")
    source = packaged(Path(spec.origin))
    lines = source.split("\n")
    found = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names = frozenset(inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name))
            first = min([node.lineno, *(mark.lineno for mark in node.decorator_list)])
            found[node.name] = ("\n".join(lines[first - 1 : node.end_lineno]), names - {node.name})
    return found


def needed(used: Iterable[str]) -> list[tuple[str, str]]:
    """Module and name of each definition in use and of those it names, in an order in which they can be read.

    A use is a name in ``helper_layers``, or ``module:name``.
    """
    waiting = [tuple(use.split(":")) if ":" in use else (OWN, use) for use in used]
    wanted: set[tuple[str, str]] = set()
    while waiting:
        module, name = waiting.pop()
        if (module, name) not in wanted:
            wanted.add((module, name))
            known = definitions(module)
            waiting += [(module, other) for other in known[name][1] if other in known]
    modules = sorted({module for module, _ in wanted}, key=lambda module: (module != OWN, module))
    return [(module, name) for module in modules for name in definitions(module) if (module, name) in wanted]
