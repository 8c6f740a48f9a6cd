"""The one table of element types, against those who name them."""

import ast
import struct
from pathlib import Path
from typing import get_args

import numpy as np
import onnx
import pytest

from archdsl.data.form import Dtype
from archdsl.element_types import ELEMENT_TYPES

ROOT = Path(__file__).resolve().parents[2]
ALLOWED = {
    "archdsl/element_types.py": "the table",
    "archdsl/backends/onnx/types.py": "what ONNX Runtime has kernels for, which docs/types.md holds against it",
    "archdsl/backends/onnx/resample.py": "what it has kernels of `DepthToSpace` for",
    "archdsl/backends/onnx/selection.py": "what ONNX Runtime has kernels of `NonZero` for",
    "archdsl/data/form.py": "a Literal, from which pydantic makes the JSON schema",
    "archdsl/weights/exported.py": "the numbers of `ScalarType` in archives of torch.export",
    "archdsl/ops/constant.py": "the integers that quantised weights may be",
    "archdsl/weights/onnx_tensor.py": "in which field a TensorProto holds which numbers",
}


@pytest.mark.parametrize("name", ELEMENT_TYPES)
def test_sizes_and_names_are_those_of_others(name):
    type = ELEMENT_TYPES[name]
    assert onnx.TensorProto.DataType.Name(type.onnx) == {
        "float32": "FLOAT", "float64": "DOUBLE",
    }.get(type.framework, type.framework.upper())  # fmt: skip
    assert np.dtype(type.stored).itemsize == type.bytes
    if name == "bf16":
        assert not type.struct
        return
    assert np.dtype(type.stored) == np.dtype(type.framework)
    assert struct.calcsize("<" + type.struct) == type.bytes
    assert np.dtype("<" + type.struct) == np.dtype(type.stored)


def test_the_safe_numbers_are_finite_in_their_types():
    for name, type in ELEMENT_TYPES.items():
        if type.largest and type.struct:
            with np.errstate(over="raise"):
                assert np.isfinite(np.dtype(type.stored).type(type.largest)), name
        else:
            assert (type.largest > 0) is (name == "bf16")


@pytest.mark.reference
def test_pytorch_knows_them():
    torch = pytest.importorskip("torch")
    for type in ELEMENT_TYPES.values():
        assert getattr(torch, type.framework).itemsize == type.bytes
        if type.storage:
            assert getattr(torch, type.storage)().dtype == getattr(torch, type.framework)


def test_the_data_form_has_all_of_them():
    assert set(get_args(Dtype)) == set(ELEMENT_TYPES)


def test_there_is_no_second_table():
    found = {}
    for path in sorted((ROOT / "archdsl").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Dict | ast.Tuple | ast.Set | ast.List):
                inside = [c for c in ast.iter_child_nodes(node) if isinstance(c, ast.Constant)]
                names = {c.value for c in inside if isinstance(c.value, str)} & set(ELEMENT_TYPES)
                if len(names) > 4:
                    found[path.relative_to(ROOT).as_posix()] = sorted(names)
    assert found.keys() == ALLOWED.keys(), found
