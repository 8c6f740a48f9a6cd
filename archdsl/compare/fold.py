"""Changes of single operators, folded into those that a person would describe."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

from archdsl.compare.align import Branch, Pair, tree
from archdsl.compare.snapshot import Layer, Snapshot
from archdsl.compare.text import merged, pattern, scope_of, shape_of
from archdsl.record import Record


class Change(Record):
    """One change, wherever it happened ``count`` times.

    ``kind``: ``block`` (a block's parameters; ``parts`` are the changes inside), ``repeat``, ``added``, ``removed``,
    ``changed``, ``replaced``, ``resized`` (an operator that only has other sizes because of the others).
    """

    kind: str
    what: str
    """The block or operator, and how it changed: ``bottleneck: groups 1 -> 32``."""
    where: str
    """The paths, with ``*`` for what differs between them."""
    count: int
    params: int
    macs: int
    """Of what is known."""
    parts: tuple[Change, ...] = ()
    counted: bool = True
    """Whether the MACs of all of it are known."""


class Part:
    """A pair of operators (or a part without partner) and how it changed."""

    __slots__ = ("block", "counted", "kind", "macs", "pair", "params", "what", "where")

    def __init__(self, kind: str, what: str, pair: Pair, block: tuple[int, ...] | None) -> None:
        self.kind = kind
        self.what = what
        self.pair = pair
        self.block = block
        before = pair.old.layers() if pair.old else []
        after = pair.new.layers() if pair.new else []
        self.params = _sum(after, "params") - _sum(before, "params")
        self.macs = _sum(after, "macs") - _sum(before, "macs")
        self.counted = all(layer.macs is not None for layer in (*before, *after))
        side = pair.new or pair.old
        self.where = side.path if side else ""


def _sum(layers: Iterable[Layer], figure: str) -> int:
    return sum(layer.figure(figure) for layer in layers)


def title_of(branch: Branch, owner: Snapshot) -> str:
    """What an added or removed part is: its block with its parameters, or its operators."""
    layers = branch.layers()
    if len(layers) == 1:
        return layers[0].op
    chains = [owner.chain(layer) for layer in layers]
    common = [a for a, *others in zip(*chains) if all(o == a for o in others)]
    own = next((i for i in common[1:] if owner.sizes[i] == len(layers)), None)
    return owner.blocks[own].name if own is not None else " -> ".join(dict.fromkeys(layer.op for layer in layers))


def changed_settings(old: Mapping[str, str], new: Mapping[str, str]) -> str:
    """``groups 1 -> 32, width 64 -> 4``; ``channels and groups 32 -> 48`` where both go together."""
    together: dict[str, list[str]] = {}
    for name, value in new.items():
        if old.get(name, value) != value:
            together.setdefault(f"{old[name]} -> {value}", []).append(name)
    return ", ".join(f"{' and '.join(names)} {change}" for change, names in together.items())


def told(parts: list[Part], old: Snapshot, new: Snapshot) -> tuple[Change, ...]:
    """The parts grouped by the block they are in, and folded where the same happened in several places."""
    _adopt(parts, old, new)
    groups: dict[tuple[str, str], list[Part]] = {}
    loose = []
    for part in parts:
        if part.block is None:
            loose.append(part)
        else:
            x, y = (old.blocks[part.block[0]], new.blocks[part.block[1]])
            names = shape_of(changed_settings(x.settings, y.settings))
            groups.setdefault((y.name, names), []).append(part)
    found = [_block(name, members, old, new) for (name, _), members in groups.items()]
    titles = _Titles(old), _Titles(new)
    return tuple(found + [repeated(change, *titles) for change in _fold(loose)])


def repeated(change: Change, old: _Titles, new: _Titles) -> Change:
    """Blocks more or fewer of a kind that the scope already had: ``layer3: repeat 6 -> 8``."""
    scope, _, last = change.where.rpartition(".")
    if change.kind not in ("added", "removed") or not (last == "*" or last.isdigit()) or "*" in scope:
        return change
    before, after = old.of(scope), new.of(scope)
    a, b = before.count(change.what), after.count(change.what)
    if not a or not b:
        return change
    if set(before) == set(after) == {change.what}:
        return change.replace(kind="repeat", what=f"{scope}: repeat {a} -> {b} ({change.what})", where=scope)
    return change.replace(what=f"{change.what} ({a} -> {b} in {scope})")


class _Titles:
    """What the children of a network's scopes are; each scope is looked at once."""

    def __init__(self, owner: Snapshot) -> None:
        self.owner = owner
        self.known: dict[str, list[str]] = {}

    @cached_property
    def root(self) -> Branch:
        return tree(self.owner.layers, {})

    def of(self, scope: str) -> list[str]:
        """The title of each child."""
        if scope not in self.known:
            below: Branch | None = self.root
            for name in scope.split("."):
                below = below.children.get(name) if below is not None else None
            children = below.children.items() if below is not None else ()
            self.known[scope] = [title_of(child, self.owner) for name, child in children if name]
        return self.known[scope]


def _adopt(parts: list[Part], old: Snapshot, new: Snapshot) -> None:
    """What was added or removed inside of a changed block belongs to that block's change."""
    by_old = {part.block[0]: part.block for part in parts if part.block}
    by_new = {part.block[1]: part.block for part in parts if part.block}
    for part in parts:
        for side, owner, known in ((part.pair.old, old, by_old), (part.pair.new, new, by_new)):
            if part.block is None and part.kind in ("added", "removed") and side is not None:
                chain = owner.chain(side.layers()[0])
                part.block = next((known[i] for i in chain if i in known), None)


def _block(name: str, parts: list[Part], old: Snapshot, new: Snapshot) -> Change:
    places = list(dict.fromkeys(part.block for part in parts if part.block))
    told = [changed_settings(old.blocks[x].settings, new.blocks[y].settings) for x, y in places]
    inner = _fold([part for part in parts if part.kind != "same"])
    return Change(
        "block", f"{name}: {merged(told)}", scope_of([p.where for p in parts]), len(places),
        sum(p.params for p in parts), sum(p.macs for p in parts), tuple(inner), all(p.counted for p in parts),
    )  # fmt: skip


def _fold(parts: list[Part]) -> list[Change]:
    """One change for the parts that say the same of the same kind of place."""
    groups: dict[tuple[str, str, str], list[Part]] = {}
    for part in parts:
        if part.kind == "resized":
            key = (part.kind, "", "")
        elif part.kind in ("added", "removed") and part.where.rpartition(".")[2].isdigit():
            key = (part.kind, part.what, part.where.rpartition(".")[0])
        else:
            key = (part.kind, shape_of(part.what), pattern(part.where))
        groups.setdefault(key, []).append(part)
    order = {"resized": 1}
    return [
        _folded(kind, members) for (kind, _, _), members in sorted(groups.items(), key=lambda g: order.get(g[0][0], 0))
    ]


def _folded(kind: str, parts: list[Part]) -> Change:
    if kind == "resized":
        what = ", ".join(dict.fromkeys(part.what for part in parts))
        where = ""
    else:
        what, where = merged([part.what for part in parts]), scope_of([part.where for part in parts])
    return Change(
        kind, what, where, len(parts), sum(p.params for p in parts), sum(p.macs for p in parts),
        counted=all(p.counted for p in parts),
    )  # fmt: skip
