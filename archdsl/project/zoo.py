"""``archdsl list``: the packaged networks with their costs, from a table that lies beside the specs.

The table is written by ``tools/zoo_page.py`` with what :mod:`archdsl.project.zoo_figures` measures; a test keeps it
true.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archdsl.diagnostics import Refusal, suggest
from archdsl.files import packaged
from archdsl.project.zoo_entry import Entry
from archdsl.reading import ZOO, zoo_names
from archdsl.report.render import Printed

if TYPE_CHECKING:
    from archdsl.report.listing import Listing

FIGURES = ZOO / "figures.json"


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
        """Every network with its figures. What the table does not have yet is measured."""
        known = {record["name"]: Entry(**_tuples(record)) for record in json.loads(packaged(FIGURES))}
        missing = {name: file for name, file in self.files.items() if name not in known}
        if missing:
            from archdsl.project.zoo_figures import measured

            known |= {entry.name: entry for entry in measured(missing)}
        return tuple([known[name] for name in self.files])

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


def _tuples(record: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in record.items()}
