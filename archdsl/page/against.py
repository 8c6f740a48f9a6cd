"""Another network beside this one in the document: aligned as ``archdsl diff`` aligns, layer by layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archdsl.analyses.memory_plan import Memory
from archdsl.compare.align import align
from archdsl.compare.diff import Difference
from archdsl.compare.snapshot import Snapshot
from archdsl.diagnostics import Refusal
from archdsl.graph import Graph
from archdsl.page.layers import MAX_TEXT
from archdsl.record import Record
from archdsl.report.diff import change_rows, figure_rows, structure

Pairs = list[tuple[int | None, int | None]]
"""Numbers of layers that belong together, the older first; ``None`` where one has no partner."""


class Against(Record):
    """What is beside a network: the older one, and what changed since."""

    difference: Difference
    old: Snapshot
    new: Snapshot
    graph: Graph
    """The older network."""
    called: str
    """How it is told from the newer one."""


def against_record(found: Against) -> dict[str, Any]:
    """The layers of the older network, the pairs, and what ``diff`` tells, as texts."""
    told = found.difference
    texts = {node.path: repr(node.op)[:MAX_TEXT] for node in found.graph.all_nodes()}
    return {
        "old": found.called, "new": told.new, "settings": told.settings, "verdict": told.interface.verdict,
        "interface": list(told.interface.lines), "structure": structure(told),
        "figures": [list(row) for row in figure_rows(told)], "changes": [list(row) for row in change_rows(told)],
        "layers": [
            [one.path, texts[one.path], one.output, one.params, one.macs, one.bytes] for one in found.old.layers
        ],
        "peak_at": _peak_at(found.graph),
        "pairs": [[a, b, _differ(found, a, b)] for a, b in pairs(found)],
    }  # fmt: skip


def pairs(found: Against) -> Pairs:
    """All layers of both, in the order of the newer network; what is gone stands behind what stood before it."""
    old = {layer.path: number for number, layer in enumerate(found.old.layers)}
    new = {layer.path: number for number, layer in enumerate(found.new.layers)}
    known = _known(found)
    if known is not None:
        return _merged(len(old), len(new), {new[b]: old[a] for a, b in known.items() if a in old and b in new})
    matched: dict[int, int] = {}
    for pair in align(found.old.layers, found.new.layers):
        if pair.old is not None and pair.new is not None:
            both = zip(pair.old.layers(), pair.new.layers())
            matched |= {new[b.path]: old[a.path] for a, b in both}
    return _merged(len(old), len(new), matched)


def _known(found: Against) -> Mapping[str, str] | None:
    """The new paths by the old ones, where names do not say what belongs together."""
    told = found.difference
    if told.renamed:
        same = {layer.path: layer.path for layer in found.old.layers}
        return same | dict(told.renamed)
    return dict(told.structure.pairs) if told.structure is not None else None


def _merged(old: int, new: int, matched: Mapping[int, int]) -> Pairs:
    """The newer order, with what is gone in its place."""
    kept = set(matched.values())
    gone = [number for number in range(old) if number not in kept]
    result: Pairs = []
    after = 0
    for number in range(new):
        partner = matched.get(number)
        while partner is not None and after < len(gone) and gone[after] < partner:
            result.append((gone[after], None))
            after += 1
        result.append((partner, number))
    return result + [(number, None) for number in gone[after:]]


def _differ(found: Against, a: int | None, b: int | None) -> bool:
    if a is None or b is None:
        return True
    before, after = found.old.layers[a], found.new.layers[b]
    names = ("op", "config", "output", "params", "macs")
    return any(getattr(before, name) != getattr(after, name) for name in names)


def _peak_at(graph: Graph) -> str | None:
    """The path of the operator at which memory peaks; ``None`` where sizes without a value decide it."""
    try:
        return Memory(graph).at
    except Refusal as refusal:
        if refusal.code != "E0307":
            raise
        return None
