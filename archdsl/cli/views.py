"""The views of ``archdsl cost`` that are no table of operators: memory over time, and receptive fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from archdsl.cli.options import choose

if TYPE_CHECKING:
    from archdsl.graph import Graph
    from archdsl.report.page import Report


def memory(graph: Graph, sizes: Mapping[str, int], level: str | None, dtype: str | None) -> Report:
    """``archdsl cost --memory``."""
    from archdsl.analyses.memory import LEVELS
    from archdsl.analyses.memory_plan import DTYPES, Memory
    from archdsl.report.memory import MemoryReport

    if level is not None:
        choose(level, "--level", LEVELS)
    if dtype is not None:
        choose(dtype, "--dtype", DTYPES)
    return MemoryReport(Memory(graph, sizes, level=level or "full", dtype=dtype))


def fields(graph: Graph, sizes: Mapping[str, int], taps: Sequence[str]) -> Report:
    """``archdsl cost --at``."""
    from archdsl.analyses.fields_at import at_taps
    from archdsl.report.fields import FieldsReport

    return FieldsReport(at_taps(graph, sizes, taps))
