"""The growth of a figure since an earlier version of the network, operator by operator."""

from __future__ import annotations

from archdsl.compare.align import align
from archdsl.compare.snapshot import Snapshot
from archdsl.record import Record
from archdsl.source import Span


class Growth(Record):
    """By how much one operator's part of a figure grew; ``fresh``: it is new."""

    path: str
    amount: int
    fresh: bool
    span: Span | None


BY_WORK = frozenset({"macs", "flops", "adds", "muls", "comparisons", "specials", "intensity"})
BY_PARAMETERS = frozenset({"params", "buffers", "weights"})


def layer_figure(quantity: str) -> str:
    """The figure of single operators that shows a quantity's growth: ``params``, ``macs`` or ``bytes``."""
    return "params" if quantity in BY_PARAMETERS else "macs" if quantity in BY_WORK else "bytes"


def grown(old: Snapshot, new: Snapshot, quantity: str) -> list[Growth]:
    """The operators that grew, the most first."""
    figure = layer_figure(quantity)
    found = []
    for pair in align(old.layers, new.layers):
        if pair.new is None:
            continue
        before = pair.old.layers() if pair.old else []
        matched = len(before) == 1 and pair.new.layer is not None
        for layer in pair.new.layers():
            amount = layer.figure(figure) - (before[0].figure(figure) if matched else 0)
            if amount > 0:
                found.append(Growth(layer.path, amount, pair.old is None, layer.span))
    return sorted(found, key=lambda g: -g.amount)
