"""``python -m archdsl.data > grammars/arch.schema.json``: the JSON Schema of the data form."""

from __future__ import annotations

import json
import sys

from archdsl.data.form import json_schema

sys.stdout.write(json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n")
