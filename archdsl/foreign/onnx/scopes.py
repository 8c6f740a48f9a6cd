"""The modules that nodes are from, as the exporters of PyTorch write them, for paths."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from archdsl.foreign.names import module_path, scope_path
from archdsl.foreign.onnx.model import Node

UNSEEN = frozenset({"Constant", "Identity", "Shape", "Gather", "Cast", "Unsqueeze"})
"""Operators that mostly find out sizes, and become no node here."""


class Scopes:
    """The modules of one graph."""

    def __init__(self, nodes: Iterable[Node]) -> None:
        self.count: Counter[str] = Counter()
        self.parents: set[str] = set()
        self._known: dict[str, str] = {}
        """By the part of a node's name that says the module: some nodes share one."""
        for node in nodes:
            scope = self._of(node)
            if scope:
                self.count[scope] += node.op not in UNSEEN
                if "." in scope:
                    self.parents.add(scope.rpartition(".")[0])

    def of(self, node: Node) -> tuple[str, bool]:
        """The module of a node as a path, and whether the module has no other node."""
        scope = self._of(node)
        return scope, bool(scope) and self.count[scope] == 1 and scope not in self.parents

    def _of(self, node: Node) -> str:
        """The module that a node is from; empty where the file does not say."""
        scopes = node.notes.get("pkg.torch.onnx.name_scopes") if node.notes else None
        told = scopes or node.name.strip("/").rpartition("/")[0]
        if not told:
            return ""
        found = self._known.get(told)
        if found is None:
            found = self._known[told] = module_path(scopes) if scopes else scope_path(node.name)
        return found
