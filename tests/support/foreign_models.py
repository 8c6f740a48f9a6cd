"""Small ONNX models, made with the ``onnx`` package: what other tools write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

import archdsl
from archdsl.diagnostics import DiagnosticError

Sizes = Sequence[int | str | None]


def model(
    nodes: Sequence[onnx.NodeProto],
    inputs: Mapping[str, tuple[Any, Sizes]],
    outputs: Sequence[str],
    weights: Mapping[str, np.ndarray[Any, Any]] | None = None,
    *,
    opset: int = 17,
    functions: Sequence[onnx.FunctionProto] = (),
    domains: Mapping[str, int] | None = None,
) -> onnx.ModelProto:
    """A model; outputs are declared without types."""
    graph = helper.make_graph(
        nodes, "net",
        [helper.make_tensor_value_info(name, dtype, sizes) for name, (dtype, sizes) in inputs.items()],
        [onnx.ValueInfoProto(name=name) for name in outputs],
        [numpy_helper.from_array(array, name) for name, array in (weights or {}).items()],
    )  # fmt: skip
    opsets = [helper.make_opsetid("", opset), *(helper.make_opsetid(*one) for one in (domains or {}).items())]
    return helper.make_model(graph, opset_imports=opsets, functions=functions, ir_version=8)


def saved(made: onnx.ModelProto, path: Path) -> Path:
    """The model in a file."""
    path.write_bytes(made.SerializeToString())
    return path


def shapes_by_name(path: Path, bind: Mapping[str, int] | None = None) -> dict[str, tuple[Any, ...]]:
    """The shape that every result of a node has here, by its name in the file; those of loops' bodies, too."""
    from archdsl import foreign
    from archdsl.foreign.onnx.walk import Walker

    found: dict[str, tuple[Any, ...]] = {}
    run = Walker.node

    def node(self: Any, one: Any, names: Any, opsets: Any) -> None:
        run(self, one, names, opsets)
        for name in one.outputs:
            item = names.get(name)
            shape = getattr(getattr(item, "type", item), "shape", None)
            if shape is not None:
                found[name] = shape

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Walker, "node", node)
        foreign.read(path, bind or {})
    return found


def drawn(*shape: int) -> np.ndarray[Any, Any]:
    """Weights that are not all equal."""
    found: np.ndarray[Any, Any] = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    return found


def one_relu() -> onnx.ModelProto:
    """A model of one `Relu` on [1, 2]."""
    x, y = (helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 2]) for name in "xy")
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [x], [y])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def called_by_its_name(name: str, data: bytes, what: str, way: str) -> None:
    """A file that is not read is refused by all that count (E0009): with what it is, and with a way to one that is read.
    It is written into the current folder, which messages do not name.
    """
    Path(name).write_bytes(data)
    for command in (archdsl.cost, archdsl.show):
        with pytest.raises(DiagnosticError) as refused:
            command(f"./{name}")
        assert refused.value.diagnostics[0].code == "E0009"
        shown = str(refused.value).replace("./", "")
        assert what in shown and way in shown
