"""The networks of ``specs/`` as graphs and ONNX models, and weights that make them worth comparing."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx_case import Arrays, generator

import archdsl
from archdsl import dims
from archdsl.backends.onnx import OnnxOptions, backend
from archdsl.driver import Program
from archdsl.graph import Graph, Parameter
from archdsl.shapes import TensorType

SPECS = Path(__file__).parent.parent.parent / "specs"


def variants() -> dict[str, Path]:
    """Every variant and its file, in order."""
    return {
        name: path
        for path in sorted(SPECS.glob("*.arch"))
        for name in re.findall(r"^variant (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }


VARIANTS = variants()

FAMILIES = {
    "lenet": "lenet5", "alexnet": "alexnet", "vgg": "vgg11", "mobilenet_v1": "mobilenet_v1_w0_25",
    "mobilenet_v2": "mobilenet_v2_w0_35", "googlenet": "googlenet", "squeezenet": "squeezenet1_1",
    "densenet": "densenet121", "resnet": "resnet18", "resnext": "resnext50_32x4d", "se_resnet": "seresnext50_32x4d",
    "shufflenet_v2": "shufflenet_v2_x0_5",
}  # fmt: skip
"""One variant a family: file -> variant."""


@cache
def program(path: Path) -> Program:
    """The parsed file."""
    return archdsl.load(path)


def graph_of(variant: str, bind: dict[str, int] | None = None, **params: Any) -> Graph:
    """A fresh elaboration."""
    return program(VARIANTS[variant]).graph(variant, bind=bind, **params)


def structure(graph: Graph, **options: Any) -> bytes:
    """The model without its weights: parameters are inputs."""
    return backend.lower(graph, OnnxOptions(weights="none", **options))


def shape_of(value: onnx.ValueInfoProto) -> list[int | str]:
    """Sizes and the names of symbols; an axis that has neither is ``?``."""
    sizes = value.type.tensor_type.shape.dim
    return [d.dim_value if d.HasField("dim_value") else d.dim_param or "?" for d in sizes]


def printed(type: TensorType) -> list[int | str]:
    """Our shape in the file's terms."""
    return [dim if isinstance(dim, int) else str(dim) for dim in type.shape]


def image(graph: Graph, batch: int, *key: object) -> Arrays:
    """Normal inputs of the declared shapes, that many at once."""
    draw = generator("image", *key)
    shapes = {v.name: [dims.evaluate(d, {"N": batch}) for d in v.type.shape] for v in graph.inputs}
    return {name: draw.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


def weights(graph: Graph) -> Arrays:
    """A value for every parameter that matters: no zero biases, no unit variances, nothing symmetric.

    Where there is a fan the variance is 2 / fan, as it is for networks that are trained.
    """
    return {path: _values(p, generator("weights", path)) for path, p in graph.parameters().items()}


def _values(parameter: Parameter, draw: np.random.Generator) -> np.ndarray:
    shape = [int(str(size)) for size in parameter.type.shape]
    slot = parameter.path.rpartition(".")[2]
    if parameter.init.scheme == "fan":
        found = draw.normal(0, np.sqrt(2 / parameter.init.fan_in), shape)
    elif slot == "running_var":
        found = draw.uniform(0.5, 2.0, shape)
    elif parameter.init.scheme == "ones":
        found = draw.uniform(0.5, 1.5, shape)
    else:
        found = draw.normal(0, 0.3, shape)
    return found.astype(np.float32)
