"""What became of single operators between two networks: which belong together, and how each one changed."""

from __future__ import annotations

from collections.abc import Mapping

from archdsl.compare.align import align
from archdsl.compare.diff import parts_of
from archdsl.compare.fold import Part, changed_settings
from archdsl.compare.snapshot import Layer, Snapshot
from archdsl.compare.structure import Structure
from archdsl.record import Record


class Became(Record):
    """How an operator of the newer network changed."""

    kind: str
    """``added``, ``changed`` or ``resized`` (it only has other sizes because of the others)."""
    text: str = ""
    """``kernel 3 -> 5``, ``conv -> linear``; empty for the other kinds."""


class Touched(Record):
    """Both networks operator by operator. Paths of operators that are not in ``became`` are as before."""

    pairs: Mapping[str, str]
    """The newer paths of operators that belong together by the older ones."""
    became: Mapping[str, Became]
    """By newer path."""
    gone: tuple[Layer, ...]
    """The older operators that have no partner."""
    blocks: Mapping[str, tuple[int, str]]
    """By newer path, where a parameter of a block around it changed: how many operators the block has, and its
    parameters (``width 64 -> 128``).
    """
    whole: bool = True
    """Whether all older operators are either paired or gone; else some are left aside: norms and views, where networks
    were compared whose names say nothing.
    """


def touched(
    old: Snapshot, new: Snapshot, renamed: Mapping[str, str] | None = None, structure: Structure | None = None
) -> Touched:
    """What became of all operators. ``renamed`` and ``structure`` are those of the
    :class:`~archdsl.compare.diff.Difference`, where names do not say what belongs together.
    """
    if renamed is not None:
        return Touched({layer.path: renamed.get(layer.path, layer.path) for layer in old.layers}, {}, (), {})
    if structure is not None:
        return _by_structure(old, structure)
    pairs: dict[str, str] = {}
    became: dict[str, Became] = {}
    gone: list[Layer] = []
    blocks: dict[str, tuple[int, str]] = {}
    for pair in align(old.layers, new.layers):
        before, now = (side.layer if side is not None else None for side in (pair.old, pair.new))
        if before is not None and now is not None:
            pairs[before.path] = now.path
        for part in parts_of(pair, old, new):
            after = part.pair.new.layers() if part.pair.new else []
            if part.pair.new is None and part.pair.old is not None:
                gone += part.pair.old.layers()
            if part.kind != "same":
                became.update((one.path, _became(part)) for one in after)
            if part.block is not None:
                x, y = part.block
                text = changed_settings(old.blocks[x].settings, new.blocks[y].settings)
                blocks.update((one.path, (new.sizes[y], text)) for one in after)
    return Touched(pairs, became, tuple(gone), blocks)


def _became(part: Part) -> Became:
    if part.kind in ("added", "resized"):
        return Became(part.kind)
    return Became("changed", part.what.partition(": ")[2] or part.what)


def _by_structure(old: Snapshot, structure: Structure) -> Touched:
    became = {path: Became(kind, text) for path, (kind, text) in structure.became.items()}
    lost = set(structure.gone)
    gone = tuple(layer for layer in old.layers if layer.path in lost)
    return Touched(dict(structure.pairs), became, gone, {}, False)
