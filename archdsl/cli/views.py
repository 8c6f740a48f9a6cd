"""The views of ``archdsl cost`` that are no table of operators: memory over time, and receptive fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from archdsl.cli.options import choose

if TYPE_CHECKING:
    from archdsl.graph import Graph
    from archdsl.report.sections import Report


def memory(graph: Graph, sizes: Mapping[str, int], level: str | None, dtype: str | None, format: str) -> str:
    """``archdsl cost --memory``."""
    from archdsl.analyses.memory import LEVELS
    from archdsl.analyses.memory_report import DTYPES, Memory
    from archdsl.report import memory_views as views

    if level is not None:
        choose(level, "--level", LEVELS)
    if dtype is not None:
        choose(dtype, "--dtype", DTYPES)
    found = Memory(graph, sizes, level=level or "full", dtype=dtype)
    if format == "json":
        return views.json_document(found)
    return views.csv(found) if format == "csv" else rendered(views.report(found), format)


def fields(graph: Graph, sizes: Mapping[str, int], taps: Sequence[str], format: str) -> str:
    """``archdsl cost --at``."""
    from archdsl.report import field_views as views

    found = views.at_taps(graph, sizes, taps)
    if format == "json":
        return views.json_document(found)
    return views.csv(found) if format == "csv" else rendered(views.report(found), format)


def rendered(report: Report, format: str) -> str:
    """A report as the text or Markdown that was asked for."""
    from archdsl.report import sections

    return sections.text(report) if format == "table" else sections.markdown(report)
