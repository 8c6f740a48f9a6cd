"""One block of a file as a network of its own: what it is applied to, and the application."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from archdsl import foreign
from archdsl.data import is_data
from archdsl.diagnostics import Refusal
from archdsl.driver import open_source
from archdsl.graph import Graph
from archdsl.project.targets import read_source
from archdsl.reading import find_target
from archdsl.source import Source

FORM = "write a type and what it enters: `f32[N, 64, 56, 56] -> bottleneck(64)`"
_TYPE = r"\w+\s*\[[^\[\]]*\]"
_ENTERS = re.compile(rf"\s*(?:({_TYPE})|\(\s*({_TYPE}(?:\s*,\s*{_TYPE})*)\s*,?\s*\))\s*->(.+)", re.DOTALL)


def block(target: str | Path, text: str, bind: Mapping[str, int] | None = None) -> Graph:
    """A block of a file as a graph. ``text``: the types that enter, and what they enter, as a spec has it:
    ``f32[N, 64, 56, 56] -> bottleneck(64)``, ``(f32[N, 8], f32[N, 8]) -> gated``. All names that the file knows may be
    used, those of the standard library that it imports included. ``bind`` gives symbols sizes. Raises
    ``DiagnosticError``.
    """
    target = str(target)
    if foreign.is_model(target) or is_data(target):
        raise Refusal("E0007", f"`{target}` has no blocks to apply: it is no spec")
    found = _ENTERS.fullmatch(text)
    if found is None:
        raise Refusal("E0007", f"`--block {text:.80}` does not say what enters the block", help=FORM)
    path = None if target == "-" else find_target(target)[0]
    source = read_source(target if path is None else str(path))
    one, several, body = found.groups()
    types = re.findall(_TYPE, one or several)
    names = ["x"] if one else [f"x{number}" for number in range(1, len(types) + 1)]
    name = _free(source.text)
    entering = "".join(f"  input {name}: {type}\n" for name, type in zip(names, types))
    flow = "" if one else f"({', '.join(names)}) -> "
    applied = Source("--block", f"arch 1\nnetwork {name}() {{\n{entering}  {flow}{body.strip()}\n  output y\n}}\n")
    program = open_source(source, path, name, applied)
    program.diagnostics = program.errors  # that others of its blocks are not used says nothing
    return program.graph(name, bind=bind)


def applied(target: str, text: str | None, bind: dict[str, int]) -> tuple[str | Graph, dict[str, int]]:
    """What a command is about, and the sizes that are still to be bound: those of a block are given already."""
    return (target, bind) if text is None else (block(target, text, bind), {})


def _free(text: str) -> str:
    """A name that the text does not use."""
    return next(name for n in range(1, len(text) + 3) if (name := "Block" + str(n) * (n > 1)) not in text)
