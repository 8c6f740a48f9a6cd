"""What ``archdsl list`` tells of a packaged network: the source that its spec cites, and its costs.

Measuring the whole zoo takes seconds, so the figures are kept in a table (:mod:`archdsl.project.zoo`).
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from archdsl.analyses.measure import Measures, plain
from archdsl.driver import Program, load
from archdsl.files import packaged
from archdsl.project.zoo_entry import Entry
from archdsl.reading import ZOO, zoo_path
from archdsl.syntax import spec

QUANTITIES = ("params", "macs", "depth", "receptive_field", "peak_activations")
"""Measured for every network, in the order of the columns."""

_CITED = re.compile(r"arXiv:(?P<yy>\d\d)(?P<mm>\d\d)\.\d{4,5}|\b(?P<year>1[89]\d\d|20[0-4]\d)\b")


def document(found: Iterable[Entry]) -> str:
    """The table that is kept: a line for each network."""
    lines = (json.dumps({name: getattr(entry, name) for name in Entry._fields}) for entry in found)
    return "[\n" + ",\n".join(lines) + "\n]\n"


def measured(zoo: Mapping[str, Path]) -> Iterator[Entry]:
    """Measure each of the networks (a variant and its file), at the sizes at which its spec reports costs."""
    known = ledger_ids()
    programs: dict[Path, Program] = {}
    for name, file in zoo.items():
        if file not in programs:
            programs[file] = load(file)
        graph = programs[file].graph(name)
        measures = Measures(graph)
        found = {quantity: measures.of(quantity) for quantity in QUANTITIES}
        yield Entry(
            name, zoo_path(file), year(programs[file], name),
            ", ".join(str(measures.bound.type(value)) for value in graph.inputs),
            {quantity: plain(m.value) for quantity, m in found.items()},
            tuple(quantity for quantity, m in found.items() if m.partial),
            tuple(known.get((zoo_path(file), name), ())),
        )  # fmt: skip


def ledger_ids() -> Mapping[tuple[str, str], Sequence[str]]:
    """The survey's identifiers of each file's variants: a network may have one for each input size."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    text = packaged(ZOO / "ledger.json")
    for identifier, entry in json.loads(text).items():
        found[entry["file"], entry["variant"]].append(identifier)
    return found


def citation(program: Program, variant: str) -> tuple[str, re.Match[str]] | None:
    """The doc comment that says where a variant is from, and its first citation (an arXiv number or a year).

    The variant's own comment if it cites something, else its network's, else the first of the file that does.
    """
    for doc in _docs(program, variant):
        if found := _CITED.search(doc):
            return doc, found
    return None


def year(program: Program, variant: str) -> int | None:
    """The year of publication: of the arXiv number, or as cited; ``None`` where the spec cites nothing."""
    cited = citation(program, variant)
    if cited is None:
        return None
    found = cited[1]
    return int(found["year"] or 2000 + int(found["yy"]))


def _docs(program: Program, variant: str) -> Iterable[str]:
    module = program.module
    target = module.variants[variant]
    yield target.doc
    called = target.network.callee
    yield from (n.doc for n in module.networks if isinstance(called, spec.Name) and n.name == called.id)
    yield from (getattr(item, "doc", "") for item in module.file.definitions)
