"""The explorer's document as tests read it."""

from __future__ import annotations

from typing import Any


def whole(found: dict[str, Any]) -> dict[str, Any]:
    """A document whose rows have all columns, those of their kinds included."""
    kind = found["columns"].index("kind")
    rows = [[*row, *found["kinds"][row[kind]]] for row in found["rows"]]
    return {**found, "columns": [*found["columns"], *found["kind_columns"]], "rows": rows}
