"""What a review of the whole found: places that two rules meet, and edges that one of them did not have."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from faults import archdsl, fault
from onnx import TensorProto, helper, save

SPEC = "arch 1\nnetwork Net() { input x: f32[1, 4]; y: relu; output y }\n"


def npy(path: Path, descr: str, data: bytes) -> None:
    """An array [1, 4] of elements that ``descr`` names, in version 1.0 of NumPy's format."""
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': (1, 4), }}".encode()
    text += b" " * ((-len(text) - 11) % 64) + b"\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data)


@fault(
    "review", "elements of a type that is read and has no size of its own reached NumPy",
    "texts and raw bytes of no characters, arrays as elements; alone, and in an archive",
)  # fmt: skip
@pytest.mark.parametrize(
    ("descr", "data"), [("'<U0'", b""), ("'|V0'", b""), ("('<f4', (2,))", bytes(32))], ids=["text", "raw", "arrays"]
)
def test_elements_that_no_input_takes_are_refused(descr: str, data: bytes, tmp_path: Path) -> None:
    npy(tmp_path / "x.npy", descr, data)
    done = archdsl(tmp_path, "run net.arch --input x=x.npy", net__arch=SPEC)
    assert done.status == 2 and "E0704" in done.output and "Traceback" not in done.output, done.output


def constant(path: Path, value: float) -> None:
    """A model that gives ``x + value``."""
    tensor = helper.make_tensor("c", TensorProto.FLOAT, [], [value])
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4]) for name in "xy")
    graph = helper.make_graph([helper.make_node("Add", ["x", "c"], ["y"])], "g", [x], [y], [tensor])
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


@fault("review", "values that are not finite were compared by not being finite", "inf, -inf and NaN, each with each")
@pytest.mark.parametrize("mine", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("other", [np.inf, -np.inf, np.nan])
def test_values_that_are_not_finite_are_compared(mine: float, other: float, tmp_path: Path) -> None:
    constant(tmp_path / "a.onnx", mine)
    constant(tmp_path / "b.onnx", other)
    same = mine == other or (np.isnan(mine) and np.isnan(other))
    done = archdsl(tmp_path, "verify a.onnx --against b.onnx")
    assert done.status == (0 if same else 1), done.output
