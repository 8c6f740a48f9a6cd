"""Matching of a checkpoint's tensors to parameters: by name, by the spec's map, or by role and order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

from archdsl.diagnostics import Refusal, did_you_mean, nearest
from archdsl.element_types import FLOATS
from archdsl.graph import Graph, Node, Parameter, Stored, Value
from archdsl.record import Record
from archdsl.weights.convert import restored
from archdsl.weights.tensor import Checkpoint, Loaded, Tensor

COUNTERS = ("num_batches_tracked",)
"""Bookkeeping of the training framework, which no network needs."""
SHOWN = 12
"""Lines of each kind in a report."""


class Matching(Record):
    """The outcome: tensors by parameter, and what is left over on both sides."""

    checkpoint: Checkpoint
    how: str
    """``by name``, ``by the map `timm```, or ``by structure``: the names did not say, roles and order did."""
    pairs: Mapping[str, Tensor]
    missing: tuple[Parameter, ...]
    unexpected: tuple[str, ...]
    mismatched: tuple[tuple[Parameter, Tensor], ...]
    map: str = ""
    """The map of the spec that knew the names, if one did."""
    ignored: int = 0
    """Counters of the training framework that were ignored."""

    @property
    def total(self) -> int:
        """The number of parameters to match."""
        return len(self.pairs) + len(self.missing) + len(self.mismatched)


def match(graph: Graph, checkpoint: Checkpoint) -> Matching:
    """Match by the network's names or those of one of its maps, whichever are known best; where no name at all is
    known, by structure.
    """
    wanted = graph.parameters()
    offered = {n: t for n, t in checkpoint.items() if n.rpartition(".")[2] not in COUNTERS or n in wanted}
    used, stored = _best_map(graph, wanted, offered)
    names = {path: one.name for path, one in stored.items() if one.name in offered}
    how = f"by the map `{used}`" if used else "by name"
    if not names:
        names = by_structure(list(wanted.values()), list(offered.values()))
        how = "by structure" if names else how
    pairs = {path: offered[name] for path, name in names.items() if fits(wanted[path], stored[path], offered[name])}
    mismatched = tuple((wanted[path], offered[name]) for path, name in names.items() if path not in pairs)
    taken = set(names.values())
    return Matching(
        checkpoint, how, {path: restored(tensor, stored[path], wanted[path]) for path, tensor in pairs.items()},
        tuple(p for p in wanted.values() if p.path not in names), tuple(name for name in offered if name not in taken),
        mismatched, used, len(checkpoint) - len(offered),
    )  # fmt: skip


def _best_map(
    graph: Graph, wanted: Mapping[str, Parameter], offered: Mapping[str, Tensor]
) -> tuple[str, Mapping[str, Stored]]:
    """The map that knows most of the names, and where it has every parameter; an empty name for the network's own."""
    best, most = stored_under(graph, ""), 0
    chosen = ""
    for name in ("", *graph.maps):
        if most == len(wanted):
            break
        found = stored_under(graph, name) if name else best
        count = sum(one.name in offered and fits(wanted[p], one, offered[one.name]) for p, one in found.items())
        if count > most:
            best, most, chosen = found, count, name
    return chosen, best


def stored_under(graph: Graph, name: str) -> Mapping[str, Stored]:
    """Where the map called ``name`` has every parameter; the network's own names for an empty one.

    Raises ``DiagnosticError`` for a map that is at fault, and refuses (E0007) one that the network does not have.
    """
    parameters = graph.parameters()
    if not name:
        return {path: Stored(path, parameter.type.shape) for path, parameter in parameters.items()}
    if name not in graph.maps:
        known = ", ".join(f"`{one}`" for one in graph.maps) or "none"
        help = did_you_mean(name, graph.maps, f"its maps: {known}")
        raise Refusal("E0007", f"`{graph.name}` has no map `{name}`", help=help)
    return graph.maps[name](parameters)


def names_of(graph: Graph, map: str) -> set[str]:
    """What the parameters are called under a map."""
    return {stored.name for stored in stored_under(graph, map).values()}


def fits(parameter: Parameter, stored: Stored, tensor: Tensor) -> bool:
    """Whether shapes agree and the element types are the same or both floating-point."""
    same = parameter.type.dtype == tensor.dtype or {parameter.type.dtype, tensor.dtype} <= FLOATS
    return same and stored.shape == tensor.shape


Layer = tuple[tuple[str, tuple[object, ...]], ...]
"""The roles (last parts of the names) and shapes of one layer's tensors."""


def by_structure(parameters: Sequence[Parameter], tensors: Sequence[Tensor]) -> dict[str, str]:
    """Parameter path -> tensor name, if both sides are the same sequence of layers; else nothing.

    A layer is what shares a prefix, its identity the roles and shapes of its tensors. Order decides between equal ones,
    so that one layer more or less, or in another place, leaves no match at all rather than a wrong one.
    """
    ours = _layers((p.path, tuple(p.type.shape)) for p in parameters)
    theirs = _layers((t.name, t.shape) for t in tensors)
    if [_layer(one) for one in ours.values()] != [_layer(one) for one in theirs.values()]:
        return {}
    found = {}
    for mine, (prefix, other) in zip(ours.items(), theirs.items()):
        for role in mine[1]:
            found[f"{mine[0]}.{role}" if mine[0] else role] = f"{prefix}.{role}" if prefix else role
        assert mine[1].keys() == other.keys()
    return found


def _layers(named: Iterable[tuple[str, tuple[object, ...]]]) -> dict[str, dict[str, tuple[object, ...]]]:
    found: dict[str, dict[str, tuple[object, ...]]] = {}
    for name, shape in named:
        prefix, _, role = name.rpartition(".")
        found.setdefault(prefix, {})[role] = shape
    return found


def _layer(tensors: Mapping[str, tuple[object, ...]]) -> Layer:
    return tuple(sorted(tensors.items()))


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
    return [*lines(matching), *matching.checkpoint.notes]


def lines(matching: Matching) -> list[str]:
    """The matching in a line or two."""
    told = [f"{len(matching.pairs)} of {matching.total} tensors matched {matching.how}"]
    left = len(matching.missing) + len(matching.mismatched)
    told += [f"{left} keep their initial values"] if left else []
    told += [f"{len(matching.unexpected)} in the file are not used"] if matching.unexpected else []
    return [f"{matching.checkpoint.path.name}: {'; '.join(told)}"]


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
    helps = ["`--allow-missing PATTERN` keeps initial values"] if missing or mismatched else []
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
