"""The operators, as a table or one page each; all of it read from their cards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archdsl.diagnostics import Refusal, did_you_mean
from archdsl.report.page import Drawing, Page
from archdsl.report.render import Printed

WIDTH = 120


class Operators(Printed):
    """Some operators; one alone is printed as its whole page, several as a list."""

    kind = "ops"

    def __init__(self, records: Sequence[dict[str, Any]]) -> None:
        self.records = tuple(records)

    def page(self) -> Page:
        """The page of one operator, or a line for each."""
        text = render_page(self.records[0]) if len(self.records) == 1 else render_list(self.records)
        return Page("", (Drawing(tuple(text.splitlines())),))

    def data(self) -> dict[str, Any]:
        """Everything that the cards say."""
        return {"ops": list(self.records)}


def operators(name: str | None = None) -> Operators:
    """The operator called ``name``, or all of them; refuses (E0007) a name that no operator has."""
    from archdsl import ops

    if name is not None and not ops.is_operator(name):
        help = did_you_mean(name, ops.names(), "`archdsl ops` lists all operators")
        raise Refusal("E0007", f"there is no operator `{name}`", help=help)
    return Operators([record(one) for one in ([name] if name else ops.names())])


def record(name: str) -> dict[str, Any]:
    """Everything about one operator, as plain data."""
    from archdsl import ops

    card = ops.load(name)
    doc = (card.__doc__ or "").strip().replace("``", "`")
    arguments = [
        {"name": key, "kind": one.kind.text, "required": required(one), "default": written(one), "doc": one.doc}
        for key, one in card.signature.items()
    ]
    return {
        "name": name,
        "signature": signature(name),
        "summary": doc.partition("\n")[0],
        "doc": "\n".join(line.strip() for line in doc.split("\n")[1:]).strip(),
        "arguments": arguments,
        "inputs": list(card.arity),
        "results": card.results,
        "sources": card.sources,
        "examples": [spelled(example) for example in card.examples],
        "targets": targets(name),
    }


def required(argument: Any) -> bool:
    """Whether an argument has no default."""
    from archdsl.ops.base import REQUIRED

    return argument.default is REQUIRED


def written(argument: Any) -> str | None:
    """A default as a spec would write it; ``None`` for none."""
    from archdsl.ops.base import literal

    return None if required(argument) else literal(argument.default)


def signature(name: str) -> str:
    """``conv(channels, kernel, stride = 1, …)``."""
    from archdsl import ops

    parts = [key if required(one) else f"{key} = {written(one)}" for key, one in ops.load(name).signature.items()]
    return f"{name}({', '.join(parts)})" if parts else name


def spelled(example: str) -> str:
    """``conv[64, 3, stride=2] : …`` of a card as a spec writes it: ``conv(64, 3, stride = 2) : …``."""
    call, colon, types = example.partition(" : ")
    name, bracket, arguments = call.partition("[")
    if bracket:
        call = f"{name}({arguments.removesuffix(']').replace('=', ' = ')})"
    return call + colon + types


def targets(name: str) -> list[str]:
    """The backends that can lower the operator."""
    from archdsl import ops, registry

    return [backend for backend in registry.names() if registry.backend(backend).lowers(ops.load(name))]


def render_list(records: Sequence[dict[str, Any]]) -> str:
    """A line for each operator, continued further in where its summary is long."""
    from textwrap import wrap

    size = max(len(r["name"]) for r in records)
    lines = []
    for r in records:
        lines += wrap(f"{r['name']:{size}}  {r['summary']}", WIDTH, subsequent_indent=" " * (size + 2))
    return "\n".join(lines) + "\n"


def render_page(r: dict[str, Any]) -> str:
    """The page of one operator."""
    from archdsl.report.layout import aligned
    from archdsl.report.page import Table

    low, high = r["inputs"]
    count = str(low) if high == low else f"{low} or more" if high is None else f"{low} to {high}"
    lines = [r["signature"], "", r["summary"]]
    if r["doc"]:
        lines += ["", r["doc"]]
    if r["arguments"]:
        lines += ["", "Arguments"]
        rows = [
            (a["name"], a["kind"], "required" if a["required"] else f"= {a['default']}", a["doc"])
            for a in r["arguments"]
        ]
        lines += [f"  {line}" for line in aligned(Table((), tuple(rows), frozenset()))]
    results = "depends on the arguments" if r["results"] < 0 else r["results"]
    lines += ["", f"Inputs   {count}", f"Outputs  {results}", f"Targets  {' '.join(r['targets']) or 'none'}"]
    if r["sources"]:
        lines.append(f"Source   {r['sources']}")
    if r["examples"]:
        lines += ["", "Examples", *(f"  {example}" for example in r["examples"])]
    return "\n".join(lines) + "\n"
