"""The element types of ONNX's operators, as `archdsl/backends/onnx/onnx_types.json` has them.

    python tools/onnx_types.py           # write the file from the installed package `onnx`
    python tools/onnx_types.py --check   # exit 1 if it says something else

For each operator with tensors: the type variables (or types) of its inputs and outputs, and for each variable the
element types it takes, by the first operator set that takes them (17 where that one does).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from archdsl.backends.onnx.opsets import OPSETS
from archdsl.element_types import ELEMENT_TYPES

FILE = Path(__file__).resolve().parent.parent / "archdsl/backends/onnx/onnx_types.json"
NAMES = {
    f"tensor({'float' if name == 'f32' else 'double' if name == 'f64' else type.framework})": name
    for name, type in ELEMENT_TYPES.items()
}


def operators() -> dict[str, dict[str, Any]]:
    """What the installed package says."""
    from onnx import defs

    found: dict[str, dict[str, Any]] = {}
    for kind in sorted({schema.name for schema in defs.get_all_schemas() if schema.domain == ""}):
        for opset in range(OPSETS[0], OPSETS[1] + 1):
            try:
                schema = defs.get_schema(kind, opset, "")
            except defs.SchemaError:
                continue
            known = found.setdefault(kind, {"types": {}})
            known["inputs"] = [NAMES.get(one.type_str, one.type_str) for one in schema.inputs]
            known["variadic"] = any(one.option.name == "Variadic" for one in schema.inputs)
            known["outputs"] = [NAMES.get(one.type_str, one.type_str) for one in schema.outputs]
            for variable in schema.type_constraints:
                since = known["types"].setdefault(variable.type_param_str, {})
                for text in variable.allowed_type_strs:
                    if text in NAMES:
                        since.setdefault(NAMES[text], opset)
    return {kind: _short(known) for kind, known in found.items() if any(known["types"].values())}


def _short(known: dict[str, Any]) -> dict[str, Any]:
    """Names of types in one text for each operator set."""
    types = {}
    for variable, since in known["types"].items():
        by_opset: dict[str, list[str]] = {}
        for name in ELEMENT_TYPES:
            if name in since:
                by_opset.setdefault(str(since[name]), []).append(name)
        types[variable] = {opset: " ".join(names) for opset, names in sorted(by_opset.items())}
    short = {"inputs": " ".join(known["inputs"]), "outputs": " ".join(known["outputs"]), "types": types}
    return {**short, "variadic": True} if known["variadic"] else short


def text() -> str:
    """The content of the file: a line for each operator."""
    lines = [f"{json.dumps(kind)}: {json.dumps(known)}" for kind, known in operators().items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main(check: bool) -> int:
    """Write or check the file."""
    if not check:
        FILE.write_text(text(), encoding="utf-8")
        return 0
    same = FILE.read_text(encoding="utf-8") == text()
    if not same:
        print(f"{FILE} differs from the installed onnx: run `python tools/onnx_types.py`")
    return 0 if same else 1


if __name__ == "__main__":
    from options import given

    sys.exit(main(given(__doc__, check="write nothing; exit 1 if a file is not current").check))
