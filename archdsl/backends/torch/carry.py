"""Element types that PyTorch lacks, or computes worse than the language says: another one stands in for them.

PyTorch has no arithmetic of ``u16``, ``u32`` and ``u64``. It takes the squares of half types, and a small eps, in that
type in a few operators, and has no average pooling of their volumes on the CPU.
"""

from __future__ import annotations

import re

from archdsl.backends.torch.form import DTYPES, Form
from archdsl.diagnostics import Refusal
from archdsl.graph import Node
from archdsl.ops.constant import OneHot
from archdsl.ops.elementary import Cast
from archdsl.ops.fourier import Fft, Irfft, Rfft
from archdsl.ops.norm import L2Norm, LocalResponseNorm
from archdsl.ops.pool import AvgPool, LpPool
from archdsl.ops.pool_global import GlobalLpPool
from archdsl.ops.reduce import ReduceProd
from archdsl.ops.sampling import GridSample

UNSIGNED = ("u16", "u32", "u64")
HALVES = ("f16", "bf16")
_INPUT = re.compile(r"\{(\d+)\}")


def carried(node: Node, form: Form) -> Form:
    """The form with inputs and result converted, where it has to be.

    Refuses (E0601) what no other type can stand in for: the arithmetic of ``u64``, and several results.
    """
    found = {value.type.dtype for value in node.inputs}
    if form.text == "{0}" or not node.inputs or isinstance(node.op, Cast) or node.op.role == "view":
        return form
    if unsigned := sorted(found & {*UNSIGNED}):
        if not node.op.moves_data and ("u64" in unsigned or len(node.outputs) > 1):
            raise Refusal("E0601", f"PyTorch has no `{node.op.name}` of {unsigned[0]}",
                          help="convert what enters: `cast(i64)`")  # fmt: skip
        return _converted(node, form, UNSIGNED, "long") if len(node.outputs) == 1 else form
    if found & {*HALVES} and _weak(node):
        return _converted(node, form, HALVES, "float")
    return form


def _weak(node: Node) -> bool:
    """Whether PyTorch loses the half types of an operator that has no parameters."""
    weak = L2Norm | LocalResponseNorm | LpPool | GlobalLpPool | ReduceProd | GridSample | Fft | Rfft | Irfft
    if isinstance(node.op, weak):
        return True
    return isinstance(node.op, AvgPool) and node.inputs[0].type.rank == 5


def _converted(node: Node, form: Form, types: tuple[str, ...], word: str) -> Form:
    """The form in another type: ``.long()`` or ``.float()`` behind the inputs, ``.to(…)`` behind the result."""
    types_of = [value.type.dtype for value in node.inputs]

    def entering(match: re.Match[str]) -> str:
        index = int(match[1])  # behind the inputs stand symbols
        return f"{match[0]}.{word}()" if index < len(types_of) and types_of[index] in types else match[0]

    text = _INPUT.sub(entering, form.text)
    result = node.outputs[0].type.dtype
    if result in types and not isinstance(node.op, OneHot):
        text = f"({text}).to({DTYPES[result]})"
    return Form(None, text, form.uses, form.numbers, form.reads)
