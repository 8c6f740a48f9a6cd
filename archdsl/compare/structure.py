"""Alignment of two networks that share no names, such as an exported file and a network of the zoo: by what they are
made of and how it is wired.

Both are brought into an order that depends on the wires alone (:mod:`archdsl.compare.elements`); the two sequences are
aligned: equal ends first, then parts that occur once on both sides, and what lies between by likeness.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from archdsl.compare.elements import Element, Made, window
from archdsl.compare.fold import Change, changed_settings
from archdsl.compare.snapshot import Snapshot
from archdsl.compare.text import merged, scope_of, shape_of
from archdsl.graph import Graph
from archdsl.ops.conv import Conv
from archdsl.ops.linear import Linear
from archdsl.ops.windows import Windowed
from archdsl.record import Record

CELLS = 250_000
"""Of the alignment table; beyond, elements are paired in their order."""
SHARED = 0.5
"""The part of their operators, with their paths, by which two files are two versions of one."""
Pairs = list[tuple[Element | None, Element | None]]


class Structure(Record):
    """What corresponds in two networks, and how the rest differs."""

    pairs: tuple[tuple[str, str], ...]
    """The paths of elements that correspond."""
    sizes: tuple[int, int]
    """The elements of both."""
    changes: tuple[Change, ...]
    same: bool
    """Whether they differ in nothing but names, norms, biases, and the sizes of what enters."""
    became: Mapping[str, tuple[str, str]]
    """By newer path, where an element is new or another one: ``added``, ``changed`` or ``resized``, and how."""
    gone: tuple[str, ...]
    """The older paths of elements that have no partner."""


def nameless(old: Graph, new: Graph) -> bool:
    """Whether names say little of what belongs together: one of the two is no spec, and they are no versions of one."""
    flat = [all(node.origin.frame is None for node in graph.nodes) for graph in (old, new)]
    if not any(flat):
        return False
    if all(flat):  # numbers as names are shared by any two networks, so that operators count too
        ours, theirs = ({(node.path, node.op) for node in graph.nodes} for graph in (old, new))
        return len(ours & theirs) < SHARED * max(len(ours), len(theirs))
    return {node.path for node in old.nodes} != {node.path for node in new.nodes}


def one_written(old: Graph, new: Graph) -> bool:
    """Whether one of the two is written as a spec, and the other is not."""
    return len({all(node.origin.frame is None for node in graph.nodes) for graph in (old, new)}) == 2


def resolved(taken: Snapshot, graph: Graph) -> Snapshot:
    """The figures with what windows are padded by as numbers: a file says 1 where a spec says `same`."""
    pads = {node.path: dict(window(node)).get("pad") for node in graph.nodes if isinstance(node.op, Windowed)}
    layers = [
        layer.replace(config={**layer.config, "pad": pad}) if (pad := pads.get(layer.path)) is not None else layer
        for layer in taken.layers
    ]
    return taken.replace(layers=tuple(layers))


def structure(old: Graph, new: Graph, before: Snapshot, after: Snapshot) -> Structure:
    """Compare the elements of two graphs, whose figures are ``before`` and ``after``."""
    x, y = Made(old, before.layers), Made(new, after.layers)
    pairs = _aligned(x.order, y.order)
    changes = [*_differing(pairs), *_loose(pairs)]
    rest = _rest(x, y, before, after, changes)
    found = tuple((a.path, b.path) for a, b in pairs if a and b)
    same = all(a and b and a.token == b.token for a, b in pairs)
    became = {b.path: how for a, b in pairs if b and (how := _became(a, b))}
    gone = tuple(a.path for a, b in pairs if a and b is None)
    return Structure(found, (len(x.order), len(y.order)), (*changes, *rest), same, became, gone)


# What belongs together


def _aligned(a: Sequence[Element], b: Sequence[Element]) -> Pairs:
    found: Pairs = []
    waiting: list[Part] = [(a, b)]
    while waiting:
        a, b = waiting.pop()
        head, middle, tail = _ends(a, b)
        found += head
        if tail:
            waiting.append(tail)
        a, b = middle
        if len(a) * len(b) <= CELLS:
            found += _by_likeness(a, b)
            continue
        parts = _anchored(a, b)
        if len(parts) > 1:
            waiting += reversed(parts)
        else:
            found += _in_order(a, b)
    return found


Part = tuple[Sequence[Element], Sequence[Element]]


def _ends(a: Sequence[Element], b: Sequence[Element]) -> tuple[Pairs, Part, Part | None]:
    """The equal elements in front as pairs, what lies between, and the equal elements at the end."""
    x, y = [one.token for one in a], [one.token for one in b]
    most = min(len(x), len(y))
    head = next((i for i in range(most) if x[i] != y[i]), most)
    tail = next((i for i in range(most - head) if x[-1 - i] != y[-1 - i]), most - head)
    i, j = len(x) - tail, len(y) - tail
    return list(zip(a[:head], b[:head])), (a[head:i], b[head:j]), (a[i:], b[j:]) if tail else None


def _anchored(a: Sequence[Element], b: Sequence[Element]) -> list[Part]:
    """The parts between elements that occur once on both sides, as many of these as stand in one order."""
    counts = [Counter(one.token for one in side) for side in (a, b)]
    places = {one.token: j for j, one in enumerate(b) if counts[1][one.token] == 1}
    both = [(i, places[x.token]) for i, x in enumerate(a) if counts[0][x.token] == 1 and x.token in places]
    parts: list[Part] = []
    i = j = 0
    for x, y in _rising(both):
        parts += [(a[i:x], b[j:y]), (a[x : x + 1], b[y : y + 1])]
        i, j = x + 1, y + 1
    return [*parts, (a[i:], b[j:])]


def _rising(places: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest part in which the second number rises too (patience sorting)."""
    tops: list[int] = []
    last: list[int] = []
    before: list[int] = []
    for n, (_, place) in enumerate(places):
        pile = bisect_left(tops, place)
        before.append(last[pile - 1] if pile else -1)
        tops[pile : pile + 1] = [place]
        last[pile : pile + 1] = [n]
    found = []
    n = last[-1] if last else -1
    while n >= 0:
        found.append(places[n])
        n = before[n]
    return found[::-1]


def _in_order(a: Sequence[Element], b: Sequence[Element]) -> Pairs:
    """The n-th of an operator with the n-th of it."""
    others: dict[str, list[Element]] = {}
    for one in reversed(a):
        others.setdefault(one.op, []).append(one)
    found: Pairs = [(others[y.op].pop() if others.get(y.op) else None, y) for y in b]
    left = {id(one) for several in others.values() for one in several}
    return [*found, *((x, None) for x in a if id(x) in left)]


def _likeness(a: Element, b: Element) -> int:
    """How well two elements match; 0: not at all."""
    if a.name != b.name and a.op != b.op:
        return 1 if (a.op, b.op) in LAYERS or not (a.shape or b.shape or a.settings or b.settings) else 0
    if a.token == b.token:
        return 8
    same = sum(b.settings.get(name) == value for name, value in a.settings.items())
    return 4 + min(2, same) + (a.settings.get("kernel") == b.settings.get("kernel"))


LAYERS = frozenset({(Conv.name, Linear.name), (Linear.name, Conv.name)})
"""A convolution whose kernel became 1 is told as a linear layer."""


def _by_likeness(a: Sequence[Element], b: Sequence[Element]) -> Pairs:
    best = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    known: dict[tuple[object, object], int] = {}
    tokens = [one.token for one in b]
    for i in range(len(a) - 1, -1, -1):
        row, below, own = best[i], best[i + 1], a[i].token
        for j in range(len(b) - 1, -1, -1):
            score = known.get((own, tokens[j]))
            if score is None:
                score = known[own, tokens[j]] = _likeness(a[i], b[j])
            row[j] = max(below[j + 1] + score if score else 0, below[j], row[j + 1])
    found: Pairs = []
    i = j = 0
    while i < len(a) and j < len(b):
        score = known[a[i].token, tokens[j]]
        if score and best[i][j] == best[i + 1][j + 1] + score:
            found.append((a[i], b[j]))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            found.append((a[i], None))
            i += 1
        else:
            found.append((None, b[j]))
            j += 1
    return [*found, *((x, None) for x in a[i:]), *((None, y) for y in b[j:])]


# What is told


def _differing(pairs: Pairs) -> list[Change]:
    """The pairs that are not the same, folded where the same happened in several places."""
    groups: dict[tuple[str, str], list[tuple[str, Element, Element]]] = {}
    sizes: list[tuple[Element, Element]] = []
    for a, b in pairs:
        if a is None or b is None or (a.token == b.token and a.made == b.made):
            continue
        kind, what = _told(a, b)
        if kind == "resized":
            sizes.append((a, b))
        else:
            groups.setdefault((kind, shape_of(what)), []).append((what, a, b))
    found = [
        _change(kind, merged([what for what, _, _ in group]), _names([(a.path, b.path) for _, a, b in group]),
                [a for _, a, _ in group], [b for _, _, b in group])
        for (kind, _), group in groups.items()
    ]  # fmt: skip
    if sizes:
        names = ", ".join(dict.fromkeys(b.name for _, b in sizes))
        found.append(_change("resized", names, "", [a for a, _ in sizes], [b for _, b in sizes]))
    return found


def _became(a: Element | None, b: Element) -> tuple[str, str] | None:
    """What is new of an element of the newer network; ``None`` for nothing."""
    if a is None:
        return "added", ""
    if a.token == b.token and a.made == b.made:
        return None
    kind, what = _told(a, b)
    return ("resized", "") if kind == "resized" else ("changed", what.partition(": ")[2] or what)


def _told(a: Element, b: Element) -> tuple[str, str]:
    """The kind of a change, and its text."""
    if a.token == b.token:
        return "resized", b.name
    if a.name == b.name:
        settings = changed_settings(a.settings, b.settings)
        return ("changed", f"{b.name}: {settings}") if settings else ("resized", b.name)
    wide = [one.settings.get("channels", one.settings.get("features", "")) for one in (a, b)]
    widths = f", channels {wide[0]} -> {wide[1]}" if wide[0] != wide[1] and all(wide) else ""
    return "replaced", f"{a.name} -> {b.name}{widths}"


def _names(pairs: Sequence[tuple[str, str]]) -> str:
    """``conv_7 -> layer1.0.conv2``, and how many more there are."""
    a, b = pairs[0]
    more = f", … and {len(pairs) - 1} more" if len(pairs) > 1 else ""
    return (a if a == b else f"{a} -> {b}") + more


def _loose(pairs: Pairs) -> list[Change]:
    """Elements without a partner, those beside each other together; told with the pair in front of them."""
    groups: dict[tuple[str, str], list[tuple[str, list[Element]]]] = {}
    behind = ""
    for kind, several in groupby(pairs, lambda pair: "removed" if pair[1] is None else "added" if not pair[0] else ""):
        part = list(several)
        if not kind:
            a, b = part[-1]
            behind = f" (behind {_names([(a.path, b.path)])})" if a and b else ""
            continue
        run = [one for one in (a or b for a, b in part) if one]
        what = " -> ".join(dict.fromkeys(x.name for x in run))
        what += f" ({len(run)} operators)" if len(run) > 3 else ""
        groups.setdefault((kind, what), []).append((scope_of([x.path for x in run]) + behind, run))
    found = []
    for (kind, what), parts in groups.items():
        all_of = [one for _, run in parts for one in run]
        more = f", … and {len(parts) - 1} more" if len(parts) > 1 else ""
        sides = (all_of, []) if kind == "removed" else ([], all_of)
        found.append(_change(kind, what, parts[0][0] + more, *sides, count=len(parts)))
    return found


def _change(
    kind: str, what: str, where: str, old: Sequence[Element], new: Sequence[Element], count: int | None = None
) -> Change:
    params = sum(one.made[0] for one in new) - sum(one.made[0] for one in old)
    macs = sum(one.made[1] or 0 for one in new) - sum(one.made[1] or 0 for one in old)
    known = all(one.made[1] is not None for one in (*old, *new))
    return Change(kind, what, where, max(len(old), len(new)) if count is None else count, params, macs, counted=known)


def _rest(x: Made, y: Made, before: Snapshot, after: Snapshot, changes: Iterable[Change]) -> list[Change]:
    """Norms and biases in one line, with all that is not yet told of the totals."""
    changes = list(changes)
    left = [
        sum(layer.figure(name) for layer in after.layers) - sum(layer.figure(name) for layer in before.layers)
        - sum(getattr(change, name) for change in changes)
        for name in ("params", "macs")
    ]  # fmt: skip
    norms, biased = (x.norms, y.norms), (x.biased, y.biased)
    told = [f"norms {norms[0]} -> {norms[1]}"] if norms[0] != norms[1] else []
    told += [f"layers with a bias {biased[0]} -> {biased[1]}"] if biased[0] != biased[1] else []
    folded = (norms[0] - norms[1]) * (biased[0] - biased[1]) < 0
    what = ", ".join(told) + (" (norms folded into layers)" if folded else "")
    if not what and not any(left):
        return []
    return [Change("folded", what or "norms, biases, and tensors that are no layer's", "", 1, *left)]
