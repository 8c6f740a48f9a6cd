"""A loaded text as a page: its networks and variants, with what their authors say of them."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.diagnostics import Diagnostic
from archdsl.modules.module import Module
from archdsl.report.page import Drawing, Page, Table


def page(module: Module, diagnostics: Sequence[Diagnostic]) -> Page:
    """A row for each variant, one for each network, and the findings."""
    variants = tuple(
        (name, " ".join(variant.network.span.text.split()), _first(variant.doc))
        for name, variant in module.variants.items()
    )
    networks = tuple((network.name, _first(network.doc)) for network in module.networks)
    tables = (Table(("variant", "is", ""), variants, frozenset()), Table(("network", ""), networks, frozenset()))
    findings = [Drawing(tuple(str(d).split("\n"))) for d in diagnostics]
    return Page(module.source.name, (*(table for table in tables if table.rows), *findings))


def _first(doc: str) -> str:
    """The first paragraph of a documentation."""
    return " ".join(doc.partition("\n\n")[0].split())
