"""What changed between two networks, as a person would tell it, and what each change costs.

Every operator of both networks belongs to exactly one change (or to none, if nothing about it changed), so the costs of
the changes add up to the difference of the totals.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archdsl.passes.align import Pair, align
from archdsl.passes.diff_fold import Change, Part, changed_settings, title_of, told
from archdsl.passes.snapshot import Layer, Snapshot
from archdsl.record import Record


class Interface(Record):
    """What a user of the model sees; each a line. ``breaking`` ones first ask for a change on the other side."""

    breaking: tuple[str, ...] = ()
    weights: tuple[str, ...] = ()
    """Why weights of the old one do not load into the new one."""

    @property
    def verdict(self) -> str:
        """``compatible``, ``breaking``, or ``inputs and outputs are the same, but weights do not load``."""
        if self.breaking:
            return "breaking"
        return "inputs and outputs as before, but old weights do not load" if self.weights else "compatible"


class Figure(Record):
    """One quantity before and after; ``None``: it depends on a symbol."""

    quantity: str
    old: Any
    new: Any


class Difference(Record):
    """All that changed."""

    old: str
    new: str
    figures: tuple[Figure, ...]
    settings: str
    """How the network's own parameters changed; empty if they did not."""
    interface: Interface
    changes: tuple[Change, ...]


SHOWN = (
    "params", "weights", "macs", "flops", "activations", "peak_activations", "receptive_field", "depth", "nodes",
)  # fmt: skip


def diff(old: Snapshot, new: Snapshot) -> Difference:
    """Compare two networks at their default sizes."""
    figures = tuple(Figure(name, old.quantities.get(name), new.quantities.get(name)) for name in SHOWN)
    parts = [part for pair in align(old.layers, new.layers) for part in _parts(pair, old, new)]
    return Difference(
        old.name, new.name, figures, _network_settings(old, new), interface(old, new), told(parts, old, new)
    )  # fmt: skip


def interface(old: Snapshot, new: Snapshot) -> Interface:
    """Inputs and outputs with their types, and the names and shapes of parameters."""
    breaking = [*_named("input", old.inputs, new.inputs), *_named("output", old.outputs, new.outputs)]
    if list(old.outputs) != list(new.outputs) and set(old.outputs) == set(new.outputs):
        breaking.append("the outputs have another order")
    gone = [name for name in old.parameters if name not in new.parameters]
    fresh = [name for name in new.parameters if name not in old.parameters]
    shaped = [n for n, t in new.parameters.items() if old.parameters.get(n, t) != t]
    weights = []
    for names, verb in ((gone, "gone"), (fresh, "new"), (shaped, "of another shape")):
        if names:
            more = ", …" if len(names) > 2 else ""
            weights.append(f"{len(names)} of {len(new.parameters)} parameters {verb}: {', '.join(names[:2])}{more}")
    return Interface(tuple(breaking), tuple(weights))


def _named(what: str, old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    found = [f"{what} `{name}` is gone" for name in old if name not in new]
    found += [f"{what} `{name}` is new" for name in new if name not in old]
    return found + [
        f"{what} `{name}`: {old[name]} -> {new[name]}" for name in new if old.get(name, new[name]) != new[name]
    ]


def _parts(pair: Pair, old: Snapshot, new: Snapshot) -> list[Part]:
    """What became of a pair; nothing for what is as it was."""
    if pair.old is None or pair.new is None:
        side, owner, kind = (pair.new, new, "added") if pair.new else (pair.old, old, "removed")
        return [Part(kind, title_of(side, owner), pair, None)] if side else []
    a, b = pair.old.layer, pair.new.layer
    if a is None or b is None:  # an operator became a scope, or one side is empty
        return [*_parts(Pair(pair.old, None), old, new), *_parts(Pair(None, pair.new), old, new)]
    block = _changed_block(a, b, old, new)
    if a.op != b.op:
        return [Part("replaced", f"{a.op} -> {b.op}", pair, block)]
    changed = changed_settings(a.config, b.config)
    if changed:
        return [Part("changed", f"{b.op}: {changed}", pair, block)]
    same = (a.output, a.params, a.macs) == (b.output, b.params, b.macs)
    return [] if same and block is None else [Part("same" if same else "resized", b.op, pair, block)]


def _changed_block(a: Layer, b: Layer, old: Snapshot, new: Snapshot) -> tuple[int, ...] | None:
    """The outermost application (below the network) whose parameters changed: its indices in both."""
    for x, y in list(zip(old.chain(a), new.chain(b)))[1:]:
        if old.blocks[x].name != new.blocks[y].name:
            return None
        if changed_settings(old.blocks[x].settings, new.blocks[y].settings):
            return x, y
    return None


def _network_settings(old: Snapshot, new: Snapshot) -> str:
    if not old.blocks or not new.blocks:
        return ""
    a, b = old.blocks[0], new.blocks[0]
    changed = changed_settings(a.settings, b.settings)
    if a.name != b.name:
        return f"{a.name} -> {b.name}" + (f": {changed}" if changed else "")
    return f"{b.name}: {changed}" if changed else ""
