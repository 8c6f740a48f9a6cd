"""Matching of a checkpoint's tensors to parameters: by name, by a map, or by role and order where that is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import islice

from archdsl.diagnostics import Refusal, nearest
from archdsl.graph import Graph, Node, Parameter, Stored, Value
from archdsl.record import Record
from archdsl.weights.candidates import Reading, fits
from archdsl.weights.choose import ORDER, choose, parameters_in, parts, stored_under
from archdsl.weights.convert import restored
from archdsl.weights.folded import unfolded
from archdsl.weights.hints import hints
from archdsl.weights.structure import Alike, by_structure
from archdsl.weights.tensor import Checkpoint, Loaded, Tensor

SHOWN = 12
"""Lines of each kind in a report."""
MAX_COPIES = 16
"""Tensors that are compared with one another, on each side."""


class Matching(Record):
    """The outcome: tensors by parameter, and what is left over on both sides."""

    checkpoint: Checkpoint
    """The part of the file that was looked at."""
    how: str
    """``by name``, ``by the map `timm```, ``by structure`` (each layer is the only one of its roles and shapes), or
    ``by order``, where it was asked for.
    """
    pairs: Mapping[str, Tensor]
    missing: tuple[Parameter, ...]
    unexpected: tuple[str, ...]
    mismatched: tuple[tuple[Parameter, Tensor], ...]
    reading: Reading | None = None
    """How names were read, if one is known."""
    ignored: int = 0
    """Tensors that are no parameters: counters of the training framework, and copies of tensors that are used."""
    notes: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    """What may be the reason where it is not complete, and what helps."""

    @property
    def total(self) -> int:
        """The number of parameters to match."""
        return len(self.pairs) + len(self.missing) + len(self.mismatched)

    @property
    def complete(self) -> bool:
        """Whether every parameter has its tensor, and every tensor is used."""
        return not (self.missing or self.mismatched or self.unexpected)

    @property
    def map(self) -> str:
        """The map of the spec that knew the names, if one did."""
        return self.reading.map if self.reading else ""


def match(graph: Graph, checkpoint: Checkpoint, names: str = "") -> Matching:
    """Match by the network's names or those of one of its maps, whichever are known best, without a prefix.

    ``names`` is the map to use, ``own`` for the network's names, ``order`` for none. Where no name at all is known,
    layers that are the only ones of their kind are matched by structure; where some are alike, only the order could
    say which is which, and that is used if it is asked for. Refuses (E0903) a file that can be read in two ways.
    """
    wanted = graph.parameters()
    by_order = names == ORDER and ORDER not in graph.maps
    reading, notes = (None, ()) if by_order else choose(graph, checkpoint, names)
    if (reading is None or reading.fitting < len(wanted)) and not by_order:
        for name in graph.maps:
            stored_under(graph, name)  # one that is at fault might have known the names
    if reading is not None:
        part = checkpoint.under(reading.key)
        found = _matched(wanted, part, reading.stored, reading.names, _how(reading), notes, reading)
        return _unfolded(graph, found) if part.format == "ONNX" and found.missing else found
    return _nameless(graph, checkpoint, by_order)


def _how(reading: Reading) -> str:
    how = f"by the map `{reading.map}`" if reading.map else "by name"
    how += f", without `{reading.theirs}` in the file" if reading.theirs else ""
    return how + (f", without the network's `{reading.ours}`" if reading.ours else "")


def _nameless(graph: Graph, checkpoint: Checkpoint, by_order: bool) -> Matching:
    """By structure, in the first dictionary of the file that has the network's."""
    wanted, stored = graph.parameters(), stored_under(graph, "")
    found: Mapping[str, str] = {}
    alike: Alike = ()
    tried = parts(checkpoint)
    part = max(tried.values(), key=lambda one: (len(one), one is not checkpoint))
    for one in tried.values():
        found, alike = by_structure(wanted, parameters_in(one, wanted))
        if found:
            part = one
            break
    if alike and not by_order:
        found = {}
    how = "by name"
    if found:
        how = "by order, as asked" if by_order else "by structure: no name is known, and no two layers are alike"
    return _matched(wanted, part, stored, found, how, alike=() if found else alike)


def _matched(
    wanted: Mapping[str, Parameter],
    part: Checkpoint,
    stored: Mapping[str, Stored],
    names: Mapping[str, str],
    how: str,
    notes: tuple[str, ...] = (),
    reading: Reading | None = None,
    alike: Alike = (),
) -> Matching:
    offered = parameters_in(part, wanted)
    pairs = {path: offered[name] for path, name in names.items() if fits(wanted[path], stored[path], offered[name])}
    mismatched = tuple((wanted[path], offered[name]) for path, name in names.items() if path not in pairs)
    missing = tuple(p for p in wanted.values() if p.path not in names)
    taken = set(names.values())
    beyond = [name for name in offered if name not in taken]
    copies = _copies({name: offered[name] for name in beyond}, {names[path]: tensor for path, tensor in pairs.items()})
    unexpected = tuple(name for name in beyond if name not in copies)
    if reading is not None and reading.key:
        notes = (f"the parameters are in its `{reading.key}`", *notes)
    notes += tuple(f"its `{name}` is `{other}` once more" for name, other in copies.items())
    reasons = tuple(hints(part, missing, unexpected, mismatched, alike))
    loaded = {path: restored(tensor, stored[path], wanted[path]) for path, tensor in pairs.items()}
    ignored = len(part) - len(offered) + len(copies)
    return Matching(part, how, loaded, missing, unexpected, mismatched, reading, ignored, notes, reasons)


def _unfolded(graph: Graph, matching: Matching) -> Matching:
    """With the norms that the exporter of a model has folded."""
    assert matching.reading is not None
    found = unfolded(graph, matching.checkpoint, matching.reading.names)
    if not found.norms:
        return matching
    note = f"{found.norms} norms are folded in the file: here they are the identity, and add the biases in their place"
    missing = tuple(p for p in matching.missing if p.path not in found.pairs)
    unexpected = tuple(name for name in matching.unexpected if name not in found.used)
    return matching.replace(
        pairs={**matching.pairs, **found.pairs}, missing=missing, unexpected=unexpected,
        notes=(*matching.notes, note),
        hints=tuple(hints(matching.checkpoint, missing, unexpected, matching.mismatched, ())),
    )  # fmt: skip


def _copies(beyond: Mapping[str, Tensor], used: Mapping[str, Tensor]) -> dict[str, str]:
    """Tensors that are others once more, as a tied head is saved: matrices of the same values, not all of them one."""
    found = {}
    kinds: dict[tuple[int, ...], list[str]] = {}
    for name, tensor in used.items():
        kinds.setdefault(tensor.shape, []).append(name)
    for name, tensor in islice(beyond.items(), MAX_COPIES):
        for other in kinds.get(tensor.shape, ())[:MAX_COPIES] if len(tensor.shape) > 1 else ():
            if tensor.same_place(used[other]) or (tensor.equals(used[other]) and _varies(tensor)):
                found[name] = other
                break
    return found


def _varies(tensor: Tensor) -> bool:
    values = tensor.values()
    return bool(values.size and (values != values[0]).any())


def names_of(graph: Graph, matching: Matching) -> set[str]:
    """What the parameters of another graph of this network are called in the file."""
    names = {stored.name for stored in stored_under(graph, matching.map).values()}
    return matching.reading.known_as(names) if matching.reading else names


def settle(
    matching: Matching,
    allow_missing: Sequence[str] = (),
    allow_unexpected: Sequence[str] = (),
    known: Iterable[str] = (),
) -> list[str]:
    """A report on a matching that can be used. Refuses (E0903) one that leaves something unexplained.

    Patterns are those of the shell (``fc.*``). ``known`` are names that the network has in training only.
    """
    training = set(known)
    missing = [p for p in matching.missing if not _allowed(p.path, allow_missing)]
    mismatched = [(p, t) for p, t in matching.mismatched if not _allowed(p.path, allow_missing)]
    beyond = [name for name in matching.unexpected if name not in training]
    unexpected = [name for name in beyond if not _allowed(name, allow_unexpected)]
    if missing or mismatched or unexpected:
        raise _refusal(matching, missing, mismatched, unexpected)
    if matching.total and not matching.pairs:  # whatever was allowed: a file of which nothing is used is another's
        raise _refusal(matching, matching.missing, matching.mismatched, matching.unexpected)
    return lines(matching)


def lines(matching: Matching) -> list[str]:
    """The matching in a line or two, and what is to be told of it."""
    told = [f"{len(matching.pairs)} of {matching.total} tensors matched {matching.how}"]
    left = len(matching.missing) + len(matching.mismatched)
    told += [f"{left} keep their initial values"] if left else []
    told += [f"{len(matching.unexpected)} in the file are not used"] if matching.unexpected else []
    head = f"{matching.checkpoint.path.name}: {'; '.join(told)}"
    return [head, *matching.notes, *matching.checkpoint.notes]


def _allowed(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _refusal(
    matching: Matching,
    missing: Sequence[Parameter],
    mismatched: Sequence[tuple[Parameter, Tensor]],
    unexpected: Sequence[str],
) -> Refusal:
    notes = []
    for p in missing[:SHOWN]:
        meant = nearest(p.path, unexpected) if len(unexpected) < 2000 else None
        notes.append(f"missing: `{p.path}`, {p.type}" + (f"; the file has `{meant}`" if meant else ""))
    notes += _more(len(missing), "missing")
    for p, t in mismatched[:SHOWN]:
        notes.append(f"mismatched: `{p.path}` is {p.type}, but {t.dtype}{list(t.shape)} in the file")
    notes += _more(len(mismatched), "mismatched")
    notes += [f"unexpected: `{n}`, {_shown(matching.checkpoint[n])}" for n in unexpected[:SHOWN]]
    notes += _more(len(unexpected), "unexpected")
    counts = [f"{len(x)} {word}" for x, word in
              ((missing, "missing"), (mismatched, "mismatched"), (unexpected, "unexpected")) if x]  # fmt: skip
    helps = [*matching.hints]
    helps += ["`--allow-missing PATTERN` keeps initial values"] if missing or mismatched else []
    helps += ["`--allow-unexpected PATTERN` leaves tensors out"] if unexpected else []
    head = f"`{matching.checkpoint.path}` does not fit the network"
    matched = f"{len(matching.pairs)} of {matching.total} tensors match"
    return Refusal("E0903", f"{head}: {matched}, {', '.join(counts)}", help="; ".join(helps), notes=notes)


def _shown(tensor: Tensor) -> str:
    return f"{tensor.dtype}{list(tensor.shape)}"


def _more(count: int, word: str) -> list[str]:
    return [f"… and {count - SHOWN} more {word}"] if count > SHOWN else []


def bound(graph: Graph, matching: Matching) -> Graph:
    """The graph whose parameters begin with the matched tensors."""
    from archdsl.tape.rebuild import rebuilt

    made: dict[str, Parameter] = {}

    def loaded(parameter: Parameter) -> Parameter:
        tensor = matching.pairs.get(parameter.path)
        if tensor is None:
            return parameter
        if parameter.path not in made:
            made[parameter.path] = parameter.replace(init=Loaded("loaded", tensor=tensor))
        return made[parameter.path]

    def change(node: Node, inputs: Sequence[Value]) -> Node:
        params = {slot: loaded(parameter) for slot, parameter in node.params.items()}
        return Node(node.op, inputs, [value.type for value in node.outputs], node.path, params, node.origin)

    return rebuilt(graph, change)
