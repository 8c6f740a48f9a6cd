"""Which way to read a file's names is right. Two that are as good as one another are never chosen between by luck."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

from archdsl.diagnostics import DiagnosticError, Refusal, did_you_mean
from archdsl.graph import Graph, Parameter, Stored
from archdsl.weights.candidates import Reading, readings
from archdsl.weights.tensor import Checkpoint, Tensor

COUNTERS = ("num_batches_tracked",)
"""Bookkeeping of the training framework, which no network needs."""
OWN, ORDER = "own", "order"
"""What ``--names`` takes besides the maps of a spec: the network's own names, and no names but the order."""
MAX_KEYS = 32
"""Dictionaries of a file that are looked at: those with the most tensors."""


def stored_under(graph: Graph, name: str) -> Mapping[str, Stored]:
    """Where the map called ``name`` has every parameter; the network's own names for an empty one, or ``own``.

    Raises ``DiagnosticError`` for a map that is at fault, and refuses (E0007) one that the network does not have.
    """
    parameters = graph.parameters()
    if not name or (name == OWN and name not in graph.maps):
        return {path: Stored(path, parameter.type.shape) for path, parameter in parameters.items()}
    if name not in graph.maps:
        known = ", ".join(f"`{one}`" for one in graph.maps) or "none"
        help = did_you_mean(
            name, graph.maps, f"its maps: {known}; or `{OWN}`, its own names, or `{ORDER}`, none at all"
        )
        raise Refusal("E0007", f"`{graph.name}` has no map `{name}`", help=help)
    return graph.maps[name](parameters)


def parameters_in(checkpoint: Checkpoint, wanted: Mapping[str, Parameter]) -> dict[str, Tensor]:
    """The tensors that may be parameters: counters of the training framework are none."""
    return {n: t for n, t in checkpoint.items() if n.rpartition(".")[2] not in COUNTERS or n in wanted}


def parts(checkpoint: Checkpoint) -> dict[str, Checkpoint]:
    """The dictionaries of a file by key: the whole of it, those that hold tensors, and those that hold these."""
    above = [key.split(".")[:n] for key in checkpoint.keys_inside for n in range(1, key.count(".") + 2)]
    keys = dict.fromkeys(["", *(".".join(words) for words in above)])
    found = {key: checkpoint.under(key) for key in list(keys)[: 4 * MAX_KEYS]}
    most = sorted(found, key=lambda key: (bool(key), -len(found[key])))[:MAX_KEYS]
    return {key: found[key] for key in most if found[key].tensors}


def choose(graph: Graph, checkpoint: Checkpoint, names: str = "") -> tuple[Reading | None, tuple[str, ...]]:
    """The best way to read the file's names, none if it knows no name; and what is to be told of the choice.

    ``names`` is a map that is to be used. Refuses (E0903) where the file can be read in two ways.
    """
    found = list(_all(graph, checkpoint, names))
    if not found:
        return None, ()
    best = max(found, key=lambda one: (one.rank, len(one.key)))
    rivals = [
        one for one in found
        if (one.fitting, len(one.names)) == (best.fitting, len(best.names)) and not _same(checkpoint, one, best)
    ]  # fmt: skip
    elsewhere = [
        one for one in rivals if _place(one) != _place(best) and (one.key != best.key or one.rank == best.rank)
    ]
    if elsewhere and 2 * best.fitting < len(graph.parameters()):
        return None, ()  # a few names that are met anywhere
    if elsewhere:
        raise _two_places(checkpoint, [best, *elsewhere])
    return _declared(graph, checkpoint, best, [one for one in rivals if _place(one) == _place(best)])


def _all(graph: Graph, checkpoint: Checkpoint, names: str) -> Iterator[Reading]:
    wanted = graph.parameters()
    maps = {name: stored_under(graph, name) for name in ([names] if names else [""])}
    if not names:
        for name in graph.maps:
            with suppress(DiagnosticError):  # told where nothing else knows the names: see `match`
                maps[name] = stored_under(graph, name)
    for key, part in parts(checkpoint).items():
        offered = parameters_in(part, wanted)
        for name, stored in maps.items():
            yield from readings(wanted, offered, stored, key, "" if name == OWN and OWN not in graph.maps else name)


def _place(one: Reading) -> tuple[str, str, str]:
    return one.key, one.ours, one.theirs


def _same(checkpoint: Checkpoint, one: Reading, other: Reading) -> bool:
    """Whether both load the same: the same tensors, or those of one dictionary that was saved under two keys."""
    mine, its = one.taken, other.taken
    return mine == its or (
        mine.keys() == its.keys()
        and all(
            mine[path][1] == its[path][1] and checkpoint[mine[path][0]].same_place(checkpoint[its[path][0]])
            for path in mine
        )
    )


def _two_places(checkpoint: Checkpoint, ways: Sequence[Reading]) -> Refusal:
    keys = dict.fromkeys(".".join(filter(None, (one.key, one.theirs.rstrip(".")))) for one in ways)
    if len(keys) < 2 or "" in keys:
        listed = " and ".join(f"`{one.ours}`" for one in ways[:4])
        message = f"`{checkpoint.path}` fits the network in more than one place: {listed}"
        return Refusal("E0903", message, help="it has the parameters of one part: give it a file of the whole network")
    listed = ", ".join(f"`{key}` ({ways[0].fitting} tensors)" for key in list(keys)[:8])
    message = f"`{checkpoint.path}` has the network's parameters {len(keys)} times: {listed}"
    return Refusal("E0903", message, help=" or ".join(f"`--key {key}`" for key in list(keys)[:8]) + " chooses")


def _declared(
    graph: Graph, checkpoint: Checkpoint, best: Reading, rivals: Sequence[Reading]
) -> tuple[Reading, tuple[str, ...]]:
    """Where two maps fit equally and load differently: what the file says of itself, then what the spec declares."""
    if not rivals:
        return best, ()
    said = [one for one in (best, *rivals) if (one.map or OWN) == checkpoint.names]
    if said:
        return said[0], (f"the file says that it has the names `{checkpoint.names}`",)
    declared = [one for one in (best, *rivals) if one.map]
    if any(not _same(checkpoint, one, declared[0]) for one in declared[1:]):
        maps = [one.map for one in declared]
        message = f"`{checkpoint.path}` fits the maps {', '.join(f'`{one}`' for one in maps)} equally"
        raise Refusal("E0903", message, help=" or ".join(f"`--names {one}`" for one in maps) + " chooses")
    chosen = declared[0]
    own = next((one for one in (best, *rivals) if not one.map), chosen)
    other = sum(chosen.taken.get(path) != where for path, where in own.taken.items())
    note = (
        f"the network's own names and layout fit as well, with {other} tensors otherwise; the map `{chosen.map}` is "
        f"taken because the spec declares it (`--names {OWN}` takes the others)"
    )
    return chosen, (note,)
