"""Blocks without parameters: bodies, compositions, and the results of ``share``, ``frozen`` and ``own``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from archdsl.diagnostics import Refusal
from archdsl.interpret.values import BlockValue, is_refused
from archdsl.source import Span
from archdsl.tape.paths import PathScope, join
from archdsl.tape.poison import POISON, REFUSED, Flow
from archdsl.tape.tape import Place


class Pipe(BlockValue):
    """``a -> b``, a composition; each stage is named as if it were written there itself."""

    name = "pipeline"

    def __init__(self, stages: list[tuple[Any, Span]]) -> None:
        self.stages = stages
        self.kind_name = REFUSED if any(is_refused(block) for block, _ in stages) else self.kind_name

    def apply(self, flow: Flow, place: Place, span: Span | None) -> Flow:
        bounds = place.tape.bounds
        bounds.check_depth(place.depth)
        inner = place.inside(place.scope, place.frame)
        for block, where in self.stages:
            bounds.step()
            try:
                flow = POISON if block is POISON else block.apply(flow, inner, where)
            except Refusal as refusal:
                raise refusal.located(where) from None
        return flow


class SharedBlock(BlockValue):
    """``share name = …``: one set of weights, used at every application."""

    kind_name = "a shared block"

    def __init__(self, name: str, inner: BlockValue, path: str) -> None:
        self.name = name
        self.inner = inner
        self.path = path
        self.uses = 0

    def apply(self, flow: Flow, place: Place, span: Span | None) -> Flow:
        self.uses += 1
        scope = PathScope(self.path if self.uses == 1 else f"{self.path}_{self.uses}", self.path)
        inner = Place(place.tape, scope, place.frame, place.frozen, place.depth + 1, shared=True, naming="direct")
        return self.inner.apply(flow, inner, span)

    def weight(self, name: str, place: Place, span: Span) -> Flow:
        """``shared.weight`` as a tensor."""
        path = join(self.path, name)
        if path not in place.tape.parameters:
            raise Refusal(
                "E0211",
                f"`{self.name}` has no parameter `{name}`" + ("" if self.uses else " before it is first applied"),
            )
        return place.tape.weight_value(path, place, span)


class FrozenBlock(BlockValue):
    """``frozen b``."""

    def __init__(self, inner: BlockValue) -> None:
        self.inner = inner
        self.name = inner.name

    def apply(self, flow: Flow, place: Place, span: Span | None) -> Flow:
        return self.inner.apply(flow, place.as_frozen(), span)


class OwnBlock(BlockValue):
    """``own b``: weights of its own at each application, inside ``share``."""

    def __init__(self, inner: BlockValue) -> None:
        self.inner = inner
        self.name = inner.name

    def apply(self, flow: Flow, place: Place, span: Span | None) -> Flow:
        with weights_of_its_own(place.scope):
            return self.inner.apply(flow, place, span)


@contextmanager
def weights_of_its_own(scope: PathScope) -> Iterator[None]:
    """What is applied in the scope meanwhile has weights under its own path, also inside of ``share``."""
    kept, scope.weights = scope.weights, scope.path
    try:
        yield
    finally:
        scope.weights = kept


class TupleBlock(BlockValue):
    """``tuple``: the join that leaves the branches' results side by side."""

    name = "tuple"

    def apply(self, flow: Flow, place: Place, span: Span | None) -> Flow:
        return flow


TUPLE = TupleBlock()
