"""``archdsl list``: the packaged networks."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated, Any

from archdsl.cli.options import choose
from archdsl.cli.output import columns, out, progress
from archdsl.cli.signature import Arg, opt
from archdsl.diagnostics import Refusal

if TYPE_CHECKING:
    from archdsl.driver import Program

FORMATS = ("text", "json", "names")


def command(
    pattern: Annotated[str, Arg("a shell pattern: resnet*")] = "*",
    format: Annotated[str, opt("--format", help="text, json, or names (which is fast)")] = "text",
) -> None:
    """List the packaged networks, with parameters and MACs."""
    choose(format, "--format", FORMATS)
    from archdsl import driver

    zoo = {name: file for name, file in driver.zoo_names().items() if fnmatchcase(name, pattern)}
    if not zoo:
        raise Refusal("E0007", f"no network of the zoo matches `{pattern}`", help="`archdsl list` lists all")
    if format == "names":
        out("".join(name + "\n" for name in zoo))
        return
    with progress("measuring"):
        records = measured(zoo)
    if format == "json":
        from archdsl.report.json import document

        out(document("list", networks=records))
        return
    rows = [("name", "params", "MACs", "input", "spec")]
    rows += [(r["name"], f"{r['params']:,}", f"{r['macs']:,}", r["input"], r["spec"]) for r in records]
    out("\n".join(columns(rows, right=frozenset({1, 2}))) + "\n")


def measured(zoo: dict[str, Any]) -> list[dict[str, Any]]:
    """Parameters and MACs of each network, at the sizes at which its spec reports costs."""
    from archdsl import driver
    from archdsl.passes.cost import cost
    from archdsl.passes.measure import plain

    programs: dict[Any, Program] = {}
    records = []
    for name, file in zoo.items():
        if file not in programs:
            programs[file] = driver.load(file)
        table = cost(programs[file].graph(name))
        shape = ", ".join(table.inputs.values())
        params, macs = (plain(table.total(quantity)) for quantity in ("params", "macs"))
        records.append({"name": name, "spec": file.name, "input": shape, "params": params, "macs": macs})
    return records
