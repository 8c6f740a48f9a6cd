"""Paths of nodes: those of the modules that they come from."""

from __future__ import annotations

import re

from archdsl.foreign.pt2.program import Body, Call

_OUTSIDE = ("", "_empty_nn_module_stack_from_metadata_hook")


class Scopes:
    """Which modules hold others, and which are one layer: such a layer has the path of its module."""

    def __init__(self, body: Body) -> None:
        self._operators: dict[str, set[str]] = {}
        self._holding: set[str] = set()
        self.used: set[str] = set()
        """Names of tensors that something uses."""
        self._enter(body)

    def _enter(self, body: Body) -> None:
        self.used.update(one.name for one in body.results())
        for call in body.calls():
            for inner in call.arguments.values():
                if isinstance(inner, Body):
                    self._enter(inner)
            self.used.update(one.name for one in call.refs())
            if any(call.outputs):
                scope = _clean(call.scope)
                self._operators.setdefault(scope, set()).add(call.operator.rstrip("_"))
                parts = scope.split(".")
                self._holding.update(".".join(parts[:i]) for i in range(1, len(parts)))

    def path(self, call: Call, base: str, part: str = "") -> str:
        """The path of a node made for a call: ``layer1.0.conv1``, or ``layer1.0.add`` where a module does several."""
        scope = _clean(call.scope)
        single = scope and scope not in self._holding and len(self._operators.get(scope, ())) == 1
        path = scope if single else f"{scope}.{base}" if scope else base
        return f"{path}.{part}" if part else path


def _clean(scope: str) -> str:
    if scope in _OUTSIDE:
        return ""
    return re.sub(r"[^\w.]+", "_", scope).strip(".")
