"""The zoo as ONNX: one of each family computed by two engines. (test_models_structure.py looks at every variant.)"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator
from onnx_case import model_of, run

import archdsl
from archdsl.graph import Graph
from archdsl.ops.base import Initializer
from archdsl.reading import zoo_files, zoo_names

pytestmark = pytest.mark.slow

ZOO = zoo_names()

SMALLEST = {
    "alexnet": {}, "densenet": {"res": 32}, "lenet": {}, "mobilenet_v1": {"res": 32}, "mobilenet_v2": {"res": 32},
    "resnet": {"res": 32}, "resnext": {"res": 32}, "se_resnet": {"res": 32}, "shufflenet_v2": {"res": 32},
    "squeezenet": {"res": 32}, "vgg": {"res": 32},
}  # fmt: skip
"""Arguments that make a family's first variant small; a family that is not here is run at its own size, nightly."""


@cache
def program(path: Path) -> archdsl.Program:
    return archdsl.load(path)


def graph(variant: str, **arguments: int) -> Graph:
    return program(ZOO[variant]).graph(variant, **arguments)


LIVELY = {"running_var": (0.5, 2.0), "running_mean": (-0.2, 0.2), "weight": (0.5, 1.5), "bias": (-0.2, 0.2)}


def lively(model: onnx.ModelProto, seed: int) -> None:
    """Weights as they begin; biases, scales and running statistics that matter."""
    draw = np.random.default_rng(seed)
    for tensor in model.graph.initializer:
        old = numpy_helper.to_array(tensor)
        if old.ndim == 1:
            low, high = (0.5, 1.5) if old.any() else (-0.2, 0.2)
            tensor.CopyFrom(numpy_helper.from_array(draw.uniform(low, high, old.shape).astype(old.dtype), tensor.name))


def picture(net: Graph, batch: int, seed: int = 0) -> dict[str, np.ndarray]:
    (value,) = net.inputs
    draw = np.random.default_rng(seed)
    return {value.name: draw.normal(size=(batch, *value.type.shape[1:])).astype(np.float32)}


def first(family: str) -> str:
    return next(name for name, path in ZOO.items() if path.stem == family)


@pytest.mark.parametrize(
    "family",
    [
        pytest.param(path.stem, marks=[] if path.stem in SMALLEST else pytest.mark.nightly)
        for path in zoo_files()
    ],
)  # fmt: skip
def test_two_engines_agree(family: str) -> None:
    """ONNX Runtime and onnx.reference, batches of 1 and 3 from one file, plain and folded; nothing is vacuous."""
    net = graph(first(family), **SMALLEST.get(family, {}))
    model = model_of(net)
    lively(model, 1)
    three = picture(net, 3)
    (name,) = three
    found = run(model, three)
    single = run(model, {name: three[name][:1]})
    expected = ReferenceEvaluator(model).run(None, {name: three[name][:1]})
    for all_three, one, reference in zip(found, single, expected, strict=True):
        assert np.isfinite(all_three).all() and all_three.std() > 0
        assert (all_three[0] != all_three[1]).any()
        scale = np.abs(reference).max()
        np.testing.assert_allclose(one, reference, rtol=1e-4, atol=1e-4 * scale)
        np.testing.assert_allclose(all_three[:1], one, rtol=1e-4, atol=1e-4 * scale)


@pytest.mark.parametrize("family", ["mobilenet_v2", "densenet", "se_resnet"])
def test_deployed_networks_compute_the_same(family: str) -> None:
    """The folded file of a whole network, against the plain one in the same engine."""
    net = graph(first(family), res=32)
    for node in net.nodes:
        if node.op.name == "batch_norm":
            for slot, bounds in LIVELY.items():
                node.params[slot] = node.params[slot].replace(init=Initializer("uniform", bounds))
    plain, deployed = model_of(net), model_of(net, deploy=True)
    onnx.checker.check_model(deployed, full_check=True)
    kinds = [[node.op_type for node in model.graph.node] for model in (plain, deployed)]
    assert kinds[1].count("BatchNormalization") < kinds[0].count("BatchNormalization")
    x = picture(net, 2)
    for a, b in zip(run(plain, x), run(deployed, x), strict=True):
        assert a.std() > 0
        np.testing.assert_allclose(b, a, rtol=1e-3, atol=1e-3 * np.abs(a).max())


@pytest.mark.parametrize("variant", ["lenet5_1998", "squeezenet1_1"])
def test_every_weight_matters(variant: str) -> None:
    """No parameter is written and then not read, or read somewhere else: corrupting any one changes the result."""
    net = graph(variant, **SMALLEST[ZOO[variant].stem])
    model = model_of(net)
    lively(model, 1)
    x = picture(net, 1)
    (expected,) = run(model, x)
    for tensor in model.graph.initializer:
        before = tensor.raw_data
        values = numpy_helper.to_array(tensor)
        tensor.raw_data = (values + values.dtype.type(0.5)).tobytes()
        (found,) = run(model, x)
        assert np.abs(found - expected).max() > 1e-3 * np.abs(expected).max(), tensor.name
        tensor.raw_data = before
