"""Reports that are one table: networks of the zoo, members of a family, what works on a machine, names in a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from archdsl.analyses.measure import show
from archdsl.report.figures import human_bytes, seen
from archdsl.report.page import Facts, Page, Report, Table


class Listing(Report):
    """A table for people, and plain data under a name for programs.

    ``grid``: heads and rows of exact values, where the report has a CSV form.
    """

    def __init__(
        self,
        kind: str,
        table: Table,
        data: Mapping[str, Any],
        grid: tuple[tuple[str, ...], list[tuple[Any, ...]]] | None = None,
    ) -> None:
        self.kind = kind
        self.table = table
        self.content = data
        self.values = grid

    def page(self) -> Page:
        """The table alone."""
        return Page("", (self.table,))

    def data(self) -> dict[str, Any]:
        """The data as it was given."""
        return dict(self.content)

    def grid(self) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        """The exact values."""
        return self.values if self.values is not None else super().grid()


NETWORK_HEAD = ("name", "year", "params", "MACs", "depth", "field", "peak memory", "input")


class Networks(Listing):
    """The networks of the zoo: for people, a table for each kind."""

    def page(self) -> Page:
        """The tables one after the other; of one kind, the table alone."""
        kinds: dict[str, list[Mapping[str, Any]]] = {}
        for record in self.content["networks"]:
            kinds.setdefault(record["kind"], []).append(record)
        if len(kinds) == 1:
            return super().page()
        return Page("", tuple(_networks(records, kind.replace("_", " ")) for kind, records in kinds.items()))


def networks(records: Sequence[Mapping[str, Any]]) -> Networks:
    """The networks of the zoo with year and costs (``archdsl list``)."""
    return Networks("list", _networks(records), {"networks": [dict(record) for record in records]})


def _networks(records: Sequence[Mapping[str, Any]], title: str = "") -> Table:
    return Table(NETWORK_HEAD, tuple(map(network, records)), frozenset(range(1, 7)), title)


def network(record: Mapping[str, Any]) -> tuple[str, ...]:
    """A row: numbers with separators, ``>=`` before what is a lower bound, memory in binary units."""

    def shown(quantity: str) -> str:
        value = record[quantity]
        text = human_bytes(value) if quantity == "peak_activations" else _field(value)
        return (">= " if quantity in record["partial"] else "") + text

    figures = map(shown, ("params", "macs", "depth", "receptive_field", "peak_activations"))
    return (record["name"], str(record["year"] or ""), *figures, record["input"])


def _field(value: Any) -> str:
    """A count, or a receptive field: ``-`` where there is no space, ``all`` for a whole axis."""
    if isinstance(value, list):
        return " x ".join(map(_field, value)) or "-"
    return seen(value)


SIGNS = {"ok": "ok", "note": "--", "wrong": "WRONG"}
TONES = {"ok": "good", "wrong": "error"}


def machine(findings: Sequence[Mapping[str, str]]) -> Listing:
    """What works on this machine (``archdsl doctor``): findings with ``subject``, ``state`` and ``text``."""
    rows = tuple((SIGNS[f["state"]], f["subject"], f["text"]) for f in findings)
    tones = {i: TONES[f["state"]] for i, f in enumerate(findings) if f["state"] in TONES}
    table = Table((), rows, frozenset(), tones=tones)
    return Listing("doctor", table, {"findings": [dict(f) for f in findings]})


def names(rows: Iterable[tuple[str, ...]]) -> Listing:
    """Rows of names that belong together."""
    return Listing("names", Table((), tuple(rows), frozenset()), {})


def codes(pages: Mapping[str, str]) -> Listing:
    """The codes of all diagnostics with their headlines (``archdsl explain``)."""
    headlines = {code: page.partition("\n")[0].removeprefix("# ").partition(": ")[2] for code, page in pages.items()}
    records = [{"code": code, "headline": headlines[code], "page": page} for code, page in pages.items()]
    return Listing("explain", Table((), tuple(headlines.items()), frozenset()), {"codes": records})


class Family(Listing):
    """The members of a family, which have a picture as well; a refused member's figures are ``None``."""

    def chart(self) -> str:
        """A point for each member."""
        from archdsl.report.sweep_chart import sweep_chart

        records = self.content["members"]
        return sweep_chart(self.content["target"], list(records[0]["settings"]) if records else [], records)


def family(target: str, varied: Sequence[str], records: Sequence[Mapping[str, Any]]) -> Listing:
    """The members of a family (``archdsl cost --set width=0.5..1.5:0.1``).

    Records hold ``settings``, ``refused`` (the code, or ``None``), then figures by quantity (``None``: symbolic).
    """
    quantities = [name for name in records[0] if name not in ("settings", "refused")] if records else []
    head = (*varied, *quantities)
    rows = tuple((*map(str, r["settings"].values()), *_member(r, quantities)) for r in records)
    exact = [(*r["settings"].values(), *(_exact(r[q]) for q in quantities)) for r in records]
    members = [dict(record) for record in records]
    table = Table(head, rows, frozenset(range(len(head))))
    return Family("sweep", table, {"target": target, "members": members}, (head, exact))


def _member(record: Mapping[str, Any], quantities: Sequence[str]) -> list[str]:
    if record["refused"]:
        return [f"refused: {record['refused']}", *[""] * (len(quantities) - 1)]
    found = [(q, record[q]) for q in quantities]
    return ["symbolic" if v is None else show(q, tuple(v) if isinstance(v, list) else v) for q, v in found]


def _exact(value: Any) -> Any:
    return "" if value is None else "x".join(map(str, value)) if isinstance(value, list) else value


def fitted(
    target: str,
    goal: str,
    tried: int,
    application: str,
    rows: Sequence[tuple[str, ...]],
    best: Mapping[str, Any] | None,
) -> Listing:
    """The best member of a family as a variant, with how the bounds hold (``archdsl fit``); ``best``: it as data."""
    title = f"variant fitted = {application}" if best is not None else "no member meets the budget"
    table = Table((), tuple(rows), frozenset({1}), title)
    return Listing("fit", table, {"target": target, "goal": goal, "tried": tried, "best": best})


class Compared(Report):
    """How far two implementations are apart (``archdsl verify``): records with ``name``, ``absolute``, ``relative``."""

    kind = "verify"

    def __init__(
        self, outputs: Sequence[Mapping[str, Any]], layers: Sequence[Mapping[str, Any]], tolerance: float, same: bool,
        departed: str | None,
    ) -> None:  # fmt: skip
        self.outputs = outputs
        self.layers = layers
        self.tolerance = tolerance
        self.same = same
        self.departed = departed

    def page(self) -> Page:
        """A line for each tensor, and the verdict."""
        records = (*self.layers, *self.outputs)
        rows = tuple((r["name"], f"{r['absolute']:.3g}", f"{r['relative']:.3g}") for r in records)
        departed = (f"first to differ: {self.departed}",) if self.departed is not None else ()
        verdict = f"{'the same' if self.same else 'different'} within {self.tolerance:g}"
        if drawn := [str(r["name"]) for r in records if r["drawn"]]:
            verdict += f"; drawn at random, with only means and deviations to compare: {', '.join(drawn)}"
        table = Table(("", "max|a-b|", "relative"), rows, frozenset({1, 2}))
        return Page("", (table, Facts((*departed, verdict))))

    def data(self) -> dict[str, Any]:
        """The records, exact."""
        return {
            "outputs": list(self.outputs), "layers": list(self.layers), "tolerance": self.tolerance,
            "first_departure": self.departed,
        }  # fmt: skip
