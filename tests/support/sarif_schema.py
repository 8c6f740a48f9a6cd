"""The SARIF 2.1.0 schema: the whole of it, as published.

``tests/data/sarif-schema-2.1.0-rtm.5.json`` is the OASIS schema in the edition of SchemaStore, taken unchanged from the npm
package ``@microsoft/jest-sarif`` 1.0.0-beta.0 (MIT licence, Copyright Microsoft Corporation).
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from jsonschema import Draft4Validator
from paths import DATA


@cache
def validator() -> Draft4Validator:
    """The schema, which is checked itself first."""
    schema = json.loads((DATA / "sarif-schema-2.1.0-rtm.5.json").read_text(encoding="utf-8"))
    Draft4Validator.check_schema(schema)
    return Draft4Validator(schema)


def faults(log: Any) -> list[str]:
    """Where a document departs from the schema."""
    return [f"{error.json_path}: {error.message}" for error in validator().iter_errors(log)]
