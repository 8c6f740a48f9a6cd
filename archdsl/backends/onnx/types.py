"""Which element types ONNX's operators take, from which operator set on, and in which type others are computed.

ONNX's side is ``onnx_types.json``, made by ``tools/onnx_types.py`` from the package ``onnx``. An integer type that an
operator does not take, or for which ONNX Runtime has no kernel, is carried by a wider one, so that the numbers are
the same: ``Cast``, the operator, ``Cast`` back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from archdsl.backends.onnx.wire import Literal
from archdsl.element_types import ELEMENT_TYPES
from archdsl.files import packaged
from archdsl.record import Record

LACKING = {
    "ArgMax": "i16 u16 u32 u64", "ArgMin": "i16 u16 u32 u64", "AveragePool": "f64", "Conv": "f64",
    "Col2Im": "f64", "ConvTranspose": "f64", "CumSum": "u32 u64", "Elu": "f64", "Erf": "f64", "GRU": "f64",
    "Gelu": "f64", "GlobalAveragePool": "f64", "GlobalMaxPool": "f64", "GroupNormalization": "f64",
    "HardSigmoid": "f64", "HardSwish": "f64", "InstanceNormalization": "f64", "LRN": "f64", "LSTM": "f64",
    "LpPool": "f64", "Max": "i16 u16", "MaxRoiPool": "f64", "Min": "i16 u16", "Mish": "f64", "Pad": "i16 u16",
    "RNN": "f64", "ReduceMax": "u32 u64", "ReduceMin": "u32 u64",
    "ReduceProd": "u32 u64", "ReduceSum": "u32 u64", "Resize": "f64", "Selu": "f64", "Softplus": "f64",
    "Softsign": "f64", "TopK": "u16 u32 u64", "Where": "i16 u16 u64 bool",
}  # fmt: skip
"""What ONNX has and ONNX Runtime lacks on the CPU, as far as our rules meet it; of ``bf16``, see ``MOVING``."""

MOVING = frozenset({
    "Cast", "Concat", "Constant", "ConstantOfShape", "Flatten", "Gather", "Identity", "Reshape", "Shape", "Slice",
    "Split", "Squeeze", "Transpose", "Unsqueeze",
})  # fmt: skip
"""What ONNX Runtime has for ``bf16`` on the CPU: nothing that computes."""

SAID = ("Cast", "ConstantOfShape")
"""Where an attribute says the type of the result."""

HALVES = ("f16", "bf16")

CARRIERS = {
    "i8": "i32",
    "u8": "i32",
    "i16": "i32",
    "u16": "i32",
    "u32": "i64",
    "f16": "f32",
    "bf16": "f32",
    "bool": "u8",
}
"""The type in which another is computed; its values all fit."""

NEVER = 1 << 30
"""Later than any operator set."""

WRAPPING = frozenset({"CumSum", "ReduceProd", "ReduceSum", "Where"})
"""What is the same modulo 2**64 whether integers have a sign or not: there ``i64`` carries ``u64``."""


RENAMED = frozenset({"QuantizeLinear", "DequantizeLinear"})
"""What has other variables in newer operator sets: their rules say what they need."""


class Signature(Record):
    """The types of one operator: those of inputs and outputs are variables, or element types."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    since: Mapping[str, Mapping[str, int]]
    """Variable -> element type -> the first operator set that takes it."""
    variadic: bool = False

    def input(self, index: int) -> str:
        """The variable of an input; the last one repeats."""
        return self.inputs[min(index, len(self.inputs) - 1)] if self.inputs else ""

    def bound(self, types: Sequence[str], kind: str, attributes: Mapping[str, object]) -> dict[str, str]:
        """The variables with the element types of these inputs (empty where absent or not known)."""
        found: dict[str, str] = {}
        for index, type in enumerate(types):
            if type and self.input(index) in self.since:
                found.setdefault(self.input(index), type)
        if kind == "Cast":
            found["T2"] = _NUMBERS[attributes["to"]]  # type: ignore[index]
        elif kind == "ConstantOfShape" and isinstance(value := attributes.get("value"), Literal):
            found["T2"] = value.dtype
        return found

    def results(self, bound: Mapping[str, str]) -> tuple[str, ...]:
        """The element types of the outputs; empty where they are not known."""
        return tuple(one if one in ELEMENT_TYPES else bound.get(one, "") for one in self.outputs)


_NUMBERS = {type.onnx: name for name, type in ELEMENT_TYPES.items()}


@cache
def signature(kind: str) -> Signature | None:
    """The types of one of ONNX's own operators; ``None`` for what is not known."""
    known = _table().get(kind)
    if known is None or kind in RENAMED:
        return None
    since = {
        variable: {name: int(opset) for opset, names in by_opset.items() for name in names.split()}
        for variable, by_opset in known["types"].items()
    }
    return Signature(tuple(known["inputs"].split()), tuple(known["outputs"].split()), since, "variadic" in known)


@cache
def _table() -> Mapping[str, Mapping[str, Any]]:
    found: Mapping[str, Mapping[str, Any]] = json.loads(packaged(files(__package__ or "").joinpath("onnx_types.json")))
    return found


def runs(kind: str, variable: str, dtype: str) -> bool:
    """Whether ONNX Runtime is not known to lack the kernel."""
    if dtype == "bf16":
        return kind in MOVING
    return not variable.startswith("T") or dtype not in LACKING.get(kind, "").split()


def carrier(kind: str, dtype: str) -> str:
    """The type that stands in for one that an operator does not take or runtimes lack; empty where none can."""
    if dtype == "u64":
        return "i64" if kind in WRAPPING else ""
    return CARRIERS.get(dtype, "")
