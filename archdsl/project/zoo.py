"""The entries of ``archdsl list``: the source of a packaged network, and its costs."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from archdsl.diagnostics import Refusal, suggest
from archdsl.driver import Program, load
from archdsl.files import packaged
from archdsl.reading import ZOO, zoo_names
from archdsl.record import Record
from archdsl.report.render import Printed
from archdsl.syntax import spec

if TYPE_CHECKING:
    from archdsl.report.listing import Listing

QUANTITIES = ("params", "macs", "depth", "receptive_field", "peak_activations")
"""Measured for every network, in the order of the columns."""

_CITED = re.compile(r"arXiv:(?P<yy>\d\d)(?P<mm>\d\d)\.\d{4,5}|\b(?P<year>1[89]\d\d|20[0-4]\d)\b")


class Entry(Record):
    """A network of the zoo.

    ``measured`` has the :data:`QUANTITIES` as plain numbers (bytes for memory; a receptive field is a list where the
    axes differ, ``None`` the whole axis), ``partial`` those that are lower bounds only.
    """

    name: str
    spec: str
    year: int | None
    input: str
    measured: Mapping[str, object]
    partial: tuple[str, ...]
    ledger_ids: tuple[str, ...]

    @property
    def family(self) -> str:
        """The stem of its file."""
        return self.spec.removesuffix(".arch")

    def record(self) -> dict[str, object]:
        """As plain data."""
        return {
            "name": self.name, "family": self.family, "year": self.year, "spec": self.spec, "input": self.input,
            **self.measured, "partial": [*self.partial], "ledger_ids": [*self.ledger_ids],
        }  # fmt: skip


class Zoo(Printed):
    """Networks of the zoo: names at once, figures when they are asked for."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        self.files = dict(files)

    @property
    def names(self) -> tuple[str, ...]:
        """The variants, as targets."""
        return tuple(self.files)

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        """Every network with its figures: seconds for the whole zoo."""
        return tuple(entries(self.files))

    def report(self) -> Listing:
        """One table; as data with the survey's identifiers."""
        from archdsl.report.listing import networks

        return networks([entry.record() for entry in self.entries])


def networks(pattern: str = "*") -> Zoo:
    """The packaged networks that a shell pattern (``resnet*``) matches; refuses (E0007) one that matches none."""
    every = zoo_names()
    found = {name: file for name, file in every.items() if fnmatchcase(name, pattern)}
    if not found:
        begins = any(name.startswith(pattern) for name in every)
        help = suggest(f"'{pattern}*'" if begins else None, "`archdsl list` lists all")
        raise Refusal("E0007", f"no network of the zoo matches `{pattern}`", help=help)
    return Zoo(found)


def entries(zoo: Mapping[str, Path]) -> Iterator[Entry]:
    """Measure each of the networks (a variant and its file), at the sizes at which its spec reports costs."""
    from archdsl.analyses.measure import Measures, plain

    known = ledger_ids()
    programs: dict[Path, Program] = {}
    for name, file in zoo.items():
        if file not in programs:
            programs[file] = load(file)
        graph = programs[file].graph(name)
        measures = Measures(graph)
        found = {quantity: measures.of(quantity) for quantity in QUANTITIES}
        yield Entry(
            name, file.name, year(programs[file], name),
            ", ".join(str(measures.bound.type(value)) for value in graph.inputs),
            {quantity: plain(m.value) for quantity, m in found.items()},
            tuple(quantity for quantity, m in found.items() if m.partial),
            tuple(known.get((file.name, name), ())),
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
