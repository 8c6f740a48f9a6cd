"""What the SARIF 2.1.0 schema says of the objects that archdsl writes: allowed properties, required ones, types.

A subset of the published schema, written from the standard: objects the schema closes are closed here, so that a
property with a wrong name is a fault. Whoever has the full schema can point ``SARIF_SCHEMA`` at it (and install
``jsonschema``): the test then uses it too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

TEXT = {"text!": str, "markdown": str}
REGION = {"startLine": int, "startColumn": int, "endLine": int, "endColumn": int}
ARTIFACT = {"uri": str, "uriBaseId": str}
PHYSICAL = {"artifactLocation": ARTIFACT, "region": REGION}
LOCATION = {"id": int, "physicalLocation": PHYSICAL, "message": TEXT}
RULE = {
    "id!": str, "shortDescription": TEXT, "help": TEXT,
    "defaultConfiguration": {"level": ("none", "note", "warning", "error")},
}  # fmt: skip
RESULT = {
    "ruleId": str, "ruleIndex": int, "level": ("none", "note", "warning", "error"), "message!": TEXT,
    "locations": [LOCATION], "relatedLocations": [LOCATION], "partialFingerprints": {"*": str},
}  # fmt: skip
DRIVER = {"name!": str, "version": str, "semanticVersion": str, "rules": [RULE]}
RUN = {
    "tool!": {"driver!": DRIVER}, "results": [RESULT],
    "columnKind": ("utf16CodeUnits", "unicodeCodePoints"), "originalUriBaseIds": {"*": {"description": TEXT}},
}  # fmt: skip
LOG = {"$schema": str, "version!": ("2.1.0",), "runs!": [RUN]}


def faults(value: Any, shape: Any = LOG, path: str = "$") -> Iterator[str]:
    """Where a document departs from the shape."""
    if isinstance(shape, dict):
        yield from _object(value, shape, path)
    elif isinstance(shape, list):
        if not isinstance(value, list):
            yield f"{path} is no array"
        else:
            for index, item in enumerate(value):
                yield from faults(item, shape[0], f"{path}[{index}]")
    elif isinstance(shape, tuple):
        if value not in shape:
            yield f"{path} is {value!r}"
    elif not isinstance(value, shape) or isinstance(value, bool):
        yield f"{path} is {value!r}"
    elif shape is int and value < 0:
        yield f"{path} is negative"


def _object(value: Any, shape: dict[str, Any], path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path} is no object"
        return
    known = {name.rstrip("!"): part for name, part in shape.items()}
    yield from (f"{path} has no {n[:-1]}" for n in shape if n.endswith("!") and n[:-1] not in value)
    for name, part in value.items():
        if name not in known and "*" not in known:
            yield f"{path}.{name} is unknown"
        else:
            yield from faults(part, known.get(name, known.get("*")), f"{path}.{name}")
