"""The changes between two networks, as a person would describe them, with the cost of each.

Every operator of both networks belongs to exactly one change (or to none, if nothing about it changed), so the costs of
the changes add up to the difference of the totals.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from archdsl.compare.align import Pair, align
from archdsl.compare.fold import Change, Part, changed_settings, title_of, told
from archdsl.compare.snapshot import Layer, Snapshot
from archdsl.compare.structure import Structure
from archdsl.process import collector_paused
from archdsl.record import Record
from archdsl.shown import Shown


class Interface(Record):
    """What a user of the model sees, a line each. ``breaking`` ones ask for a change on the other side."""

    breaking: tuple[str, ...] = ()
    weights: tuple[str, ...] = ()
    """Why weights of the old one do not load into the new one."""
    notes: tuple[str, ...] = ()
    """What changed and breaks nothing."""
    names: tuple[str, ...] = ()
    """What is called otherwise, where networks were compared whose names say nothing."""

    @property
    def lines(self) -> tuple[str, ...]:
        """All of it."""
        return *self.breaking, *self.weights, *self.names, *self.notes

    @property
    def verdict(self) -> str:
        """``compatible``, ``breaking``, or that only weights do not load."""
        if self.breaking:
            return "breaking"
        kept = "under other names" if self.names else "compatible" if self.notes else "as before"
        if self.weights:
            return f"inputs and outputs {kept}, but old weights do not load"
        return "the same under other names" if self.names else "compatible"


class Figure(Record):
    """One quantity before and after; ``None``: it depends on a symbol. ``partial``: which of the two are lower bounds,
    because the work of some operator is not known.
    """

    quantity: str
    old: object
    new: object
    partial: tuple[bool, bool] = (False, False)


class Difference(Shown, Record, report="archdsl.report.diff:DiffReport"):
    """All that changed."""

    old: str
    new: str
    figures: tuple[Figure, ...]
    settings: str
    """How the network's own parameters changed; empty if they did not."""
    interface: Interface
    changes: tuple[Change, ...]
    remark: str = ""
    """A remark on figures that could be misunderstood."""
    renamed: Mapping[str, str] | None = None
    """Where both are one network: the operators that are called otherwise now, by their old paths."""
    structure: Structure | None = None
    """What corresponds, where the two were not aligned by their paths."""


SHOWN = (
    "params", "weights", "macs", "flops", "activations", "peak_activations", "receptive_field", "depth", "nodes",
)  # fmt: skip


@collector_paused()
def diff(
    old: Snapshot,
    new: Snapshot,
    same: Mapping[str, str] | None = None,
    structure: Structure | None = None,
    strangers: bool = False,
) -> Difference:
    """Compare two networks at their default sizes.

    ``same``: the new paths of all operators by the old ones, where both are one network under other names
    (:func:`archdsl.compare.renaming.renamed`). Then names are all that changed. ``structure``: what
    corresponds, where paths do not say it (:func:`archdsl.compare.structure.structure`). ``strangers``: the two are
    no versions of one network, so that names of inputs, outputs and parameters break nothing.
    """
    figures = tuple(
        Figure(name, old.quantities.get(name), new.quantities.get(name), (name in old.partial, name in new.partial))
        for name in SHOWN
    )  # fmt: skip
    moved = None if same is None else {path: name for path, name in same.items() if path != name}
    if structure is not None and same is None:
        changes = structure.changes
    else:
        pairs = align(old.layers, new.layers) if not moved else []
        changes = told([part for pair in pairs for part in parts_of(pair, old, new)], old, new)
        structure = None
    ends = _under_other_names(old, new) if strangers or structure is not None else interface(old, new)
    remark = _sizes(old, new) or _remark(old, new, structure)
    return Difference(
        old.name, new.name, figures, _network_settings(old, new), ends, changes, remark, moved, structure
    )  # fmt: skip


def _under_other_names(old: Snapshot, new: Snapshot) -> Interface:
    """The interface of networks whose names say nothing: what is left on both sides is paired in its order."""
    told: list[str] = []
    inputs, outputs = _paired("input", old.inputs, new.inputs, told), _paired("output", old.outputs, new.outputs, told)
    parameters = old.parameters
    if parameters.keys() != new.parameters.keys() and _shapes(parameters) == _shapes(new.parameters):
        count = len(parameters.keys() - new.parameters.keys())
        told.append(f"{count} of {len(parameters)} parameters are called otherwise, and have the same shapes")
        parameters = new.parameters
    found = interface(old.replace(inputs=inputs, outputs=outputs, parameters=parameters), new)
    return found.replace(names=tuple(told))


def _paired(what: str, old: Mapping[str, str], new: Mapping[str, str], told: list[str]) -> Mapping[str, str]:
    """The older types by the newer names."""
    gone, fresh = [name for name in old if name not in new], [name for name in new if name not in old]
    if len(gone) != len(fresh):
        return old
    others = dict(zip(gone, fresh))
    told += [f"{what} `{name}` is called `{other}`" for name, other in others.items()]
    return {others.get(name, name): type for name, type in old.items()}


def _shapes(parameters: Mapping[str, str]) -> Counter[tuple[str, ...]]:
    """How many parameters there are of each type; matrices in either layout."""
    found: Counter[tuple[str, ...]] = Counter()
    for type in parameters.values():
        kind, _, sizes = type.rstrip("]").partition("[")
        dims = sizes.split(", ")
        found[(kind, *(sorted(dims) if len(dims) == 2 else dims))] += 1
    return found


def _sizes(old: Snapshot, new: Snapshot) -> str:
    """Inputs of other sizes, which make other figures of one network."""
    for before, after in zip(old.inputs.values(), new.inputs.values()):
        pair = [type.rstrip("]").partition("[")[2].split(", ") for type in (before, after)]
        if len(pair[0]) == len(pair[1]) and any(a != b and (a + b).isdigit() for a, b in zip(*pair)):
            return f"these are figures at inputs of other sizes: {before} before, {after} now"
    return ""


def _remark(old: Snapshot, new: Snapshot, structure: Structure | None) -> str:
    """A gate that is new sees everything early, which the receptive field along maps does not tell."""
    if old.sees_all is None or new.sees_all is None or old.sees_all == new.sees_all:
        return ""
    if structure is not None and (structure.same or (old.sees_all, new.sees_all) in structure.pairs):
        return ""
    return f"everything is first seen at another operator: before `{old.sees_all}`, now `{new.sees_all}`"


def interface(old: Snapshot, new: Snapshot) -> Interface:
    """Inputs and outputs with their types, the operator set, and the names and types of parameters.

    What an old caller does still works unless it is told as breaking: an output more at the end, a size that was fixed
    and is free now, an older operator set are changes, but break nothing.
    """
    notes: list[str] = []
    breaking = [*_changed_types("input", old.inputs, new.inputs, notes), *_new_inputs(old, new)]
    breaking += _changed_types("output", old.outputs, new.outputs, notes)
    kept = [name for name in old.outputs if name in new.outputs]
    more = [f"output `{name}` is new" for name in new.outputs if name not in old.outputs]
    in_place = list(new.outputs)[: len(kept)] == kept
    (notes if in_place else breaking).extend(more)
    if not in_place:
        breaking.append("the order of the outputs changed")
    if old.opset is not None and new.opset is not None and old.opset != new.opset:
        told = f"ONNX opset {old.opset} -> {new.opset}"
        if new.opset > old.opset:
            breaking.append(f"{told}: older runtimes cannot load it")
        else:
            notes.append(f"{told}: older runtimes can load it too")
    return Interface(tuple(breaking), _weights(old.parameters, new.parameters), tuple(notes))


def _new_inputs(old: Snapshot, new: Snapshot) -> list[str]:
    kept = [name for name in old.inputs if name in new.inputs]
    found = [f"input `{name}` is new" for name in new.inputs if name not in old.inputs]
    return found + (["the order of the inputs changed"] if [n for n in new.inputs if n in old.inputs] != kept else [])


def _changed_types(what: str, old: Mapping[str, str], new: Mapping[str, str], notes: list[str]) -> list[str]:
    """What is gone or has another type; a type that takes all that the old one did is only noted."""
    found = [f"{what} `{name}` was removed" for name in old if name not in new]
    for name, type in new.items():
        before = old.get(name, type)
        if before != type:
            (notes if _takes(type, before) else found).append(f"{what} `{name}`: {before} -> {type}")
    return found


def _takes(new: str, old: str) -> bool:
    """Whether the element type and rank are the same, and every size is the same or free now."""
    (kind, _, dims), (kind_before, _, dims_before) = new.partition("["), old.partition("[")
    sizes, before = dims.split(", "), dims_before.split(", ")
    same = kind == kind_before and len(sizes) == len(before)
    return same and all(a == b or not a.rstrip("]").isdigit() for a, b in zip(sizes, before))


def _weights(old: Mapping[str, str], new: Mapping[str, str]) -> tuple[str, ...]:
    """Why weights of the old one do not load."""
    gone = [name for name in old if name not in new]
    fresh = [name for name in new if name not in old]
    other = [n for n, t in new.items() if old.get(n, t) != t]
    shaped = [n for n in other if old[n].partition("[")[2] != new[n].partition("[")[2]]
    typed = [n for n in other if old[n].partition("[")[0] != new[n].partition("[")[0]]
    found = []
    for names, verb in ((gone, "gone"), (fresh, "new"), (shaped, "of another shape"), (typed, "of another type")):
        if names:
            more, whole = ", …" if len(names) > 2 else "", len(old if names is gone else new)
            found.append(f"{len(names)} of {whole} parameters {verb}: {', '.join(names[:2])}{more}")
    return tuple(found)


def parts_of(pair: Pair, old: Snapshot, new: Snapshot) -> list[Part]:
    """What became of a pair; nothing for what is as it was."""
    if pair.old is None or pair.new is None:
        side, owner, kind = (pair.new, new, "added") if pair.new else (pair.old, old, "removed")
        return [Part(kind, title_of(side, owner), pair, None)] if side and side.ops else []
    a, b = pair.old.layer, pair.new.layer
    if a is None or b is None:  # an operator became a scope, or one side is empty
        return [*parts_of(Pair(pair.old, None), old, new), *parts_of(Pair(None, pair.new), old, new)]
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
