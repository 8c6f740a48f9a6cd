"""The operators as a list, and the page of one; all of it comes from their cards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from archdsl.report.figures import number
from archdsl.report.page import Facts, Page, Part, Report, Table

WIDTH = 120


class OperatorsReport(Report):
    """The report of ``archdsl ops``: the page of one operator, or a line for each of several.

    Records are those of ``archdsl.project.operators``: name, signature, summary, arguments, …
    """

    kind = "ops"

    def __init__(
        self, records: Sequence[Mapping[str, Any]], blocks: Sequence[Mapping[str, Any]] = (), *, one: bool
    ) -> None:
        self.records = records
        self.blocks = blocks
        self.one = one

    def page(self) -> Page:
        """A list with one line for each operator, or a page."""
        if self.one and self.records:
            return _page(self.records[0])
        if self.one:
            block = self.blocks[0]
            label = "Use      " if "module" in block else "Example  "
            return Page(block["signature"], (Facts((block["summary"], "", f"{label}{block['example']}")),))
        size = max(len(r["name"]) for r in (*self.records, *self.blocks)) + 2
        modules = dict.fromkeys(block.get("module", "") for block in self.blocks)
        parts = [("Operators", self.records)]
        parts += [
            (
                f"Blocks: use std.{name} (…)" if name else "Combinators",
                [b for b in self.blocks if b.get("module", "") == name],
            )
            for name in modules
        ]
        return Page("", tuple(_listed(title, records, WIDTH - size - 2) for title, records in parts))

    def data(self) -> dict[str, Any]:
        """The records."""
        return {"ops": [dict(record) for record in self.records], "blocks": [dict(block) for block in self.blocks]}


def _listed(title: str, records: Sequence[Mapping[str, Any]], width: int) -> Table:
    rows = tuple(row for record in records for row in _folded(record, width))
    return Table((), rows, frozenset(), title=title)


def _folded(record: Mapping[str, Any], width: int) -> list[tuple[str, str]]:
    """The name, and the summary on as many lines as it needs."""
    from textwrap import wrap

    lines = wrap(record["summary"], width)
    return [(record["name"], lines[0]), *(("", line) for line in lines[1:])] if lines else [(record["name"], "")]


def _page(r: Mapping[str, Any]) -> Page:
    low, high = r["inputs"]
    count = str(low) if high == low else f"{low} or more" if high is None else f"{low} to {high}"
    results = "depends on the arguments" if r["results"] < 0 else r["results"]
    parts: list[Part] = [Facts((r["summary"],))]
    if r["doc"]:
        parts.append(Facts(tuple(r["doc"].split("\n"))))
    if r["arguments"]:
        rows = (
            (a["name"], a["kind"], "required" if a["required"] else f"= {a['default']}", a["doc"])
            for a in r["arguments"]
        )
        parts.append(Table((), tuple(rows), frozenset(), title="Arguments"))
    source = tuple(f"{key}  {r[field]}" for key, field in (("Source ", "sources"), ("Package", "package")) if r[field])
    targets = " ".join(r["targets"]) or "none"
    types = tuple(f"{'Types' if i == 0 else '':7}  {line}" for i, line in enumerate(_types(r.get("types", {}))))
    parts.append(Facts((f"Inputs   {count}", f"Outputs  {results}", f"Targets  {targets}", *types, *source)))
    if r.get("cost"):
        parts.append(Facts(_cost(r["cost"])))
    if r["examples"]:
        parts.append(Table((), tuple((example,) for example in r["examples"]), frozenset(), title="Examples"))
    return Page(r["signature"], tuple(parts))


def _cost(found: Mapping[str, Any]) -> tuple[str, str]:
    """What it holds and computes, of an example, at batch 1."""
    weights = ", ".join(
        f"{name} {type.partition('[')[1]}{type.partition('[')[2]}" for name, type in found["weights"].items()
    )
    work = found["work"]
    counts = (
        "not known" if work is None else ", ".join(f"{number(n)} {name}" for name, n in work.items() if n) or "none"
    )
    return f"Weights  {weights or 'none'}", f"Cost     {counts}, for {found['example']}"


TYPES = {
    "both": "", "onnx": " (ONNX only)", "native, torch": " (PyTorch, and ONNX with --native)",
    "native": " (ONNX with --native only)",
}  # fmt: skip
"""What is said of element types that not everything writes."""


def _types(found: Mapping[str, Sequence[str]]) -> list[str]:
    """``f32 f16 bf16``, and a line for those with a condition."""
    return [" ".join(found[sign]) + note for sign, note in TYPES.items() if sign in found]
