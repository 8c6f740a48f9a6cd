"""``archdsl list``: the packaged networks."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated, Any

from archdsl.cli.options import choose
from archdsl.cli.output import columns, out, progress
from archdsl.cli.signature import Arg, opt
from archdsl.diagnostics import Refusal, suggest

if TYPE_CHECKING:
    from archdsl.project.zoo import Entry

FORMATS = ("text", "json", "names")
HEADER = ("name", "year", "params", "MACs", "depth", "field", "peak memory", "input")


def command(
    pattern: Annotated[str, Arg("a shell pattern: resnet*")] = "*",
    format: Annotated[str, opt("--format", help="text, json, or names (which is fast)")] = "text",
) -> None:
    """List the packaged networks, with year and costs."""
    choose(format, "--format", FORMATS)
    from archdsl import driver

    zoo = {name: file for name, file in driver.zoo_names().items() if fnmatchcase(name, pattern)}
    if not zoo:
        begins = any(name.startswith(pattern) for name in driver.zoo_names())
        help = suggest(f"'{pattern}*'" if begins else None, "`archdsl list` lists all")
        raise Refusal("E0007", f"no network of the zoo matches `{pattern}`", help=help)
    if format == "names":
        out("".join(name + "\n" for name in zoo))
        return
    from archdsl.project.zoo import entries

    with progress("measuring"):
        found = list(entries(zoo))
    if format == "json":
        from archdsl.report.json import document

        out(document("list", networks=[entry.record() for entry in found]))
    else:
        out(table(found))


def table(found: Iterable[Entry]) -> str:
    """The networks as a table for people."""
    rows = [HEADER, *(cells(entry) for entry in found)]
    return "\n".join(columns(rows, right=frozenset(range(1, 7)))) + "\n"


def cells(entry: Entry) -> tuple[str, ...]:
    """A network's row: numbers with separators, ``>=`` before what is a lower bound, memory in binary units."""
    from archdsl.report.figures import human_bytes

    def shown(quantity: str) -> str:
        value = entry.measured[quantity]
        text = human_bytes(value) if quantity == "peak_activations" else field(value)
        return (">= " if quantity in entry.partial else "") + text

    numbers = [shown(quantity) for quantity in entry.measured]
    return (entry.name, str(entry.year or ""), *numbers, entry.input)


def field(value: Any) -> str:
    """A count, or a receptive field: ``-`` where there is no space, ``all`` for a whole axis."""
    from archdsl.report.figures import positions

    if isinstance(value, list):
        return " x ".join(map(field, value)) or "-"
    if value is None:
        return "all"
    return f"{positions(value):,}"
