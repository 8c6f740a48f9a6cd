"""What a run gave: shapes and statistics of every output, and the top classes of class scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy


def describe_output(name: str, array: numpy.ndarray, top: int) -> dict[str, Any]:
    """Name, type, shape, statistics over all elements, and the ``top`` largest of every row of a matrix."""
    record: dict[str, Any] = {"name": name, "dtype": str(array.dtype), "shape": list(array.shape)}
    record |= _statistics(array)
    if top and array.ndim == 2 and array.shape[1] > 1 and array.dtype.kind in "fiu":
        record["top"] = [top_classes(row, top) for row in array]
    return record


def _statistics(array: numpy.ndarray) -> dict[str, Any]:
    import numpy as np

    if not array.size or array.dtype.kind not in "fiub":
        return {}
    numbers = array.astype(np.float64)
    finite = numbers[np.isfinite(numbers)]
    found: dict[str, Any] = {}
    if finite.size:
        found = {"min": float(finite.min()), "max": float(finite.max())}
        found |= {"mean": float(finite.mean()), "std": float(finite.std())}
    if finite.size < numbers.size:
        found["not_finite"] = int(numbers.size - finite.size)
    return found


def top_classes(row: numpy.ndarray, count: int) -> list[dict[str, Any]]:
    """The ``count`` largest scores, largest first; equal scores by index."""
    import numpy as np

    order = np.argsort(-row.astype(np.float64), kind="stable")[:count]
    return [{"class": int(i), "score": float(row[i])} for i in order]


def render_output(record: dict[str, Any]) -> list[str]:
    """The description of one output as lines of text."""
    shape = ", ".join(map(str, record["shape"]))
    line = f"{record['name']}: {record['dtype']}[{shape}]"
    if "mean" in record:
        line += "".join(f"  {key} {record[key]:.6g}" for key in ("mean", "std", "min", "max"))
    if "not_finite" in record:
        line += f"  NOT FINITE: {record['not_finite']:,}"
    lines = [line]
    for number, row in enumerate(record.get("top", ())):
        shown = "  ".join(f"{one['class']} ({one['score']:.4f})" for one in row)
        lines.append(f"  row {number}: {shown}" if len(record["top"]) > 1 else f"  top: {shown}")
    return lines
