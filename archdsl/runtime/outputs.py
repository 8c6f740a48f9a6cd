"""The outputs of a run: shapes and statistics of each, and the top classes of class scores."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from archdsl.files import packaged
from archdsl.interface import LABELS, PREPROCESS, STATE, read_labels
from archdsl.report.terminal import visible

if TYPE_CHECKING:
    import numpy


IMAGENET_MEANS = (0.485, 0.456, 0.406)
"""The means of the channels over ImageNet, which its preprocessing subtracts."""


def tensors_of(outputs: Sequence[Any], values: Sequence[Any], tell: Callable[[str], None]) -> dict[str, numpy.ndarray]:
    """What a session gave, as arrays by name. A list of mappings (ZipMap's scores by class) becomes a matrix, its
    columns in the order of the keys; another list an array for each item; an optional that is empty none.
    """
    found: dict[str, numpy.ndarray] = {}
    for one, value in zip(outputs, values):
        made = dict(_tensors(one.name, value))
        if not one.type.startswith("tensor"):
            tell(f"{visible(one.name)} is a {one.type}, shown as {', '.join(map(visible, made)) or 'nothing'}")
        found |= made
    return found


def _tensors(name: str, value: Any) -> Iterator[tuple[str, numpy.ndarray]]:
    import numpy as np

    if isinstance(value, np.ndarray | np.generic):
        yield name, np.asarray(value)
    elif isinstance(value, dict):
        yield name, np.asarray([value[key] for key in sorted(value)])
    elif isinstance(value, list) and value and all(isinstance(v, dict) and v.keys() == value[0].keys() for v in value):
        yield name, np.asarray([[row[key] for key in sorted(row)] for row in value])
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _tensors(f"{name}.{index}", item)
    elif value is not None:
        yield name, np.asarray(value)


def describe_output(name: str, array: numpy.ndarray, top: int, metadata: Mapping[str, str] = {}) -> dict[str, Any]:
    """Name, type, shape, statistics over all elements, and the ``top`` largest of every row of a matrix, with the names
    that the model's metadata has for them; refuses (E0706) names that do not fit.
    """
    record: dict[str, Any] = {"name": name, "dtype": str(array.dtype), "shape": list(array.shape)}
    record |= _statistics(array)
    text = metadata.get(LABELS + name)
    state = metadata.get(STATE + name.removesuffix(".next")) == name
    scores = not state if array.dtype.kind == "f" else text is not None and array.dtype.kind in "iu"
    if top and array.ndim == 2 and array.shape[1] > 1 and scores:
        labels = imagenet_labels(array, metadata) if text is None else read_labels(text, name, array.shape)
        record["top"] = [top_classes(row, top, labels) for row in array]
    return record


def imagenet_labels(array: numpy.ndarray, metadata: Mapping[str, str]) -> Sequence[str] | None:
    """The names of ImageNet's 1,000 classes, in the order of the challenge of 2012, for as many scores of a model that
    says that its pictures are prepared as those of ImageNet are; ``None`` for any other.
    """
    prepared = (text for key, text in metadata.items() if key.startswith(PREPROCESS))
    if array.shape[1] != 1000 or not any(all(f"{mean}" in text for mean in IMAGENET_MEANS) for text in prepared):
        return None
    from importlib.resources import files

    return packaged(files("archdsl.std").joinpath("imagenet_1k.txt")).splitlines()


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


def top_classes(row: numpy.ndarray, count: int, labels: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """The ``count`` largest scores, largest first; equal scores by index."""
    import numpy as np

    order = np.argsort(-row.astype(np.float64), kind="stable")[:count]
    found: list[dict[str, Any]] = [{"class": int(i), "score": float(row[i])} for i in order]
    return found if labels is None else [{**one, "label": labels[one["class"]]} for one in found]


def render_output(record: dict[str, Any]) -> list[str]:
    """The description of one output as lines of text."""
    shape = ", ".join(map(str, record["shape"]))
    line = f"{visible(record['name'])}: {record['dtype']}[{shape}]"
    if "mean" in record:
        line += "".join(f"  {key} {record[key]:.6g}" for key in ("mean", "std", "min", "max"))
    if "not_finite" in record:
        line += f"  NOT FINITE: {record['not_finite']:,}"
    lines = [line]
    for number, row in enumerate(record.get("top", ())):
        shown = "  ".join(f"{one.get('label', one['class'])} ({one['score']:.4f})" for one in row)
        lines.append(f"  row {number}: {shown}" if len(record["top"]) > 1 else f"  top: {shown}")
    return lines
