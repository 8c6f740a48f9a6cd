"""The element types of all operators: docs/types.md, and what `archdsl ops NAME` says of them.

    python tools/type_table.py           # write both files
    python tools/type_table.py --check   # exit 1 if they say something else

The examples of the cards are taken in every element type. `tests/backends/test_types.py` holds what comes out against
ONNX's checker, ONNX Runtime and PyTorch.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/support"))

from onnx_case import graph_of  # noqa: E402
from op_examples import Example, examples_of  # noqa: E402

from archdsl import ops  # noqa: E402
from archdsl.backends.onnx import OnnxOptions, backend as onnx  # noqa: E402
from archdsl.backends.torch import backend as torch  # noqa: E402
from archdsl.diagnostics import DiagnosticError, Refusal  # noqa: E402
from archdsl.element_types import ELEMENT_TYPES  # noqa: E402
from archdsl.shapes import TensorType  # noqa: E402

PAGE = ROOT / "docs/types.md"
DATA = ROOT / "archdsl/project/operator_types.json"
SIZES = {"N": 2, "H": 7, "W": 9, "T": 5, "S": 4, "R": 3}
SIGNS = {("onnx", "torch"): "both", ("onnx",): "onnx", ("native", "torch"): "native, torch", ("native",): "native"}


def retyped(name: str, dtype: str) -> Iterator[Example]:
    """The examples of an operator with another element type: that of its result where that is an input's, else that
    of its first input, else its argument ``dtype``. What ``check`` refuses is left out.
    """
    for example in examples_of(name):
        entering = [type.dtype for type in example.input_types]
        given = {key: getattr(example.op, key) for key in type(example.op).signature}
        main = next((t.dtype for t in example.output_types if t.dtype in entering), entering[0] if entering else "")
        inputs = tuple(TensorType(dtype if t.dtype == main else t.dtype, t.shape) for t in example.input_types)
        if not entering and "dtype" in given:
            given["dtype"] = dtype
        elif not entering:
            continue
        try:
            op = ops.load(name).create(**given)
            found = Example(op, inputs, op.shape(*inputs), example.text).bound(SIZES)
        except Refusal:
            continue
        yield Example(found.op, found.input_types, found.op.shape(*found.input_types), example.text)


def targets(example: Example) -> tuple[str, ...]:
    """What writes an example: ``onnx``, or ``native`` where a runtime may lack it, and ``torch``."""
    graph = graph_of(example)

    def works(lower: Any, *options: Any) -> bool:
        try:
            lower(graph, *options)
        except DiagnosticError:
            return False
        return True

    first = ("onnx",) if works(onnx.lower) else ("native",) if works(onnx.lower, OnnxOptions(native=True)) else ()
    return (*first, *(("torch",) if works(torch.lower) else ()))


def table() -> dict[str, dict[str, str]]:
    """Operator -> element type -> what writes it in all examples, without the types that ``check`` refuses."""
    found: dict[str, dict[str, str]] = {}
    for name in ops.names():
        found[name] = {}
        for dtype in ELEMENT_TYPES:
            all_ = [targets(example) for example in retyped(name, dtype)]
            if not all_ and name != "identity":
                continue
            both = [set(one) for one in all_] or [{"onnx", "torch"}]
            least = "onnx" if all("onnx" in one for one in both) else "native" if all(both) else ""
            known = tuple(filter(None, (least, "torch" if all("torch" in one for one in both) else "")))
            found[name][dtype] = SIGNS[known]
    return found


HEAD = """# Element types

Which operators take which element types, and what writes them: made by `python tools/type_table.py` from the examples
of the operators, held against ONNX's checker, ONNX Runtime and PyTorch by `tests/backends/test_types.py`. A sign holds
for all forms of an operator in the examples. `archdsl ops NAME` says it of one operator.

| sign | means |
|---|---|
| ● | `compile` writes it, for ONNX and for PyTorch; ONNX Runtime runs it on the CPU |
| o | ONNX only: PyTorch has no such arithmetic (E0601) |
| n | for PyTorch, and for ONNX with `--native`: valid ONNX, for which ONNX Runtime has no kernel on the CPU (E0607) |
| ‑ | for ONNX with `--native` only |
| | `check` refuses it (E0309): `cast` first |

The type is that of the tensor that becomes the result; positions, conditions and codes have their own (an index of
`take` is an integer, the condition of `where` a `bool`).

## How

- **The oldest operator set that will do** is that of the operator *and* its types: a `bf16` convolution is in ONNX
  since set 22.
- **Integers** that ONNX's operator does not take, or ONNX Runtime has no kernel for, are carried by a wider type (`i32`
  or `i64`, `Cast` before and after), which changes no number; sums and products wrap as their own type does.
- **`bf16`** is computed in `f32` operator by operator, with one rounding each, as PyTorch's CPU does, because ONNX
  Runtime has no arithmetic of it on the CPU. `--native` writes the operators in `bf16`, for devices that have it.
- **Half types keep their statistics**: norms take mean, variance and eps in `f32` (an `eps = 1e-8` is 0 in `f16`, and
  squares above 65,504 overflow), in ONNX files and in PyTorch modules.
- **`f64`** is never narrowed. Where ONNX Runtime has no kernel, `compile` refuses it.

"""
SHOWN = {"both": "●", "onnx": "o", "native, torch": "n", "native": "‑"}


def page(found: dict[str, dict[str, str]]) -> str:
    """The page of the documentation."""
    lines = ["## The table", "", f"| operator | {' | '.join(ELEMENT_TYPES)} |", "|---" * (len(ELEMENT_TYPES) + 1) + "|"]
    for name, types in found.items():
        cells = (SHOWN[types[dtype]] if dtype in types else " " for dtype in ELEMENT_TYPES)
        lines.append(f"| `{name}` | {' | '.join(cells)} |")
    return HEAD + "\n".join(lines) + "\n"


def data(found: dict[str, dict[str, str]]) -> str:
    """The file of the package: a line for each operator."""
    lines = []
    for name, types in found.items():
        by_sign = {
            sign: " ".join(dtype for dtype in types if types[dtype] == sign)
            for sign in SHOWN if sign in types.values()
        }  # fmt: skip
        lines.append(f"{json.dumps(name)}: {json.dumps(by_sign)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main(check: bool) -> int:
    """Write or check both files."""
    found = table()
    wanted = {PAGE: page(found), DATA: data(found)}
    if not check:
        for path, text in wanted.items():
            path.write_text(text, encoding="utf-8")
        return 0
    wrong = [path.name for path, text in wanted.items() if path.read_text(encoding="utf-8") != text]
    if wrong:
        print(f"{', '.join(wrong)}: run `python tools/type_table.py`")
    return bool(wrong)


if __name__ == "__main__":
    from options import given

    sys.exit(main(given(__doc__, check="write nothing; exit 1 if a file is not current").check))
