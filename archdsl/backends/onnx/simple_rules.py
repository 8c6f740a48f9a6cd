"""Rules that are table rows: one ONNX node, its inputs as they are."""

from __future__ import annotations

from collections.abc import Callable

from archdsl.backends.onnx.writer import Emit

Lowering = Callable[[Emit], None]


def plain(kind: str) -> Lowering:
    """The ONNX operator ``kind`` on the same inputs, without attributes."""

    def rule(emit: Emit) -> None:
        emit.result(kind, emit.ins)

    return rule


def settings(kind: str, **names: str) -> Lowering:
    """The same, with attributes from our fields: ``settings("Elu", alpha="alpha")``."""

    def rule(emit: Emit) -> None:
        emit.result(kind, emit.ins, **{theirs: getattr(emit.op, ours) for theirs, ours in names.items()})

    return rule


def chain(kind: str) -> Lowering:
    """A binary ONNX operator over any number of inputs, from the left; one input passes unchanged."""

    def rule(emit: Emit) -> None:
        if len(emit.ins) == 1:
            emit.forward()
            return
        total = emit.ins[0]
        for other in emit.ins[1:-1]:
            total = emit.helper(kind, [total, other])
        emit.result(kind, [total, emit.ins[-1]])

    return rule


def nothing(emit: Emit) -> None:
    """The operator leaves no node: its output is its input."""
    emit.forward()
