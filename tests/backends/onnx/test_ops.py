"""Every operator's examples as ONNX: accepted, of our shapes, and computing what the operator means."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator
from onnx_case import BINDING, LOOSE, comparable, generator, graph_of, inputs_of, model_of, randomise, run
from op_examples import Example, all_examples

from archdsl import ops
from archdsl.backends.onnx import OPSETS, backend
from archdsl.diagnostics import DiagnosticError

pytestmark = pytest.mark.slow

EXAMPLES = [example for example in all_examples() if backend.lowers(type(example.op))]
WITHOUT_NEW_KERNELS = {"roi_align", "roi_pool"}
"""Operators that ONNX Runtime has no kernels for in sets newer than 21."""
WITHOUT_RULE: dict[str, str] = {}
"""Operators that ONNX cannot say, each with the reason; compiling one is E0601."""
FIXED = {"constant", "positions", "zeros", "ones", "param", "random_normal", "random_uniform", "is_nan"}
"""Operators without inputs, and what looks for numbers that are none: nothing varies."""

WRONG_REFERENCE = {
    "lrn": "onnx.reference loops over the batch axis",
    "max_unpool": "onnx.reference places elements by strides only",
    "gather_elements[axis=0] : f32[4,5], i32[7,3]": "onnx.reference wants the other axes to be equally long",
    "global_max_pool : f32[2,8,5]": "onnx.reference reduces two axes of a single spatial one",
    "rnn[4, lengths=1": "onnx.reference has no lengths",
    "rnn[4, relu": "onnx.reference knows no other activation than tanh",
    "gru[4, lengths=1": "onnx.reference has no lengths",
    "lstm[4, lengths=1": "onnx.reference has no lengths",
    "conv_transpose[8, 3, pad=[0, 1, 1, 2], groups=4": "onnx.reference ignores the batch in grouped ConvTranspose",
    "roi_pool": "onnx.reference has no MaxRoiPool",
    "dequantize": "onnx.reference has no DequantizeLinear before operator set 19",
    "grid_sample : f32[N": "onnx.reference knows GridSample's modes by their newer names only",
    "grid_sample[mode=bicubic": "onnx.reference knows GridSample's modes by their newer names only",
}
"""Where onnx.reference itself is wrong (onnx 1.23); PyTorch and formulas stand in: `test_pytorch_agrees`."""

TOLERANCE = {"f16": 2e-2}
"""Relative to the largest value; 2e-5 for float32."""


def each(examples: list[Example]) -> Any:
    return pytest.mark.parametrize("example", examples, ids=lambda example: example.text)


def bound(example: Example) -> Example:
    return example.bound({name: BINDING[name] for name in example.symbols})


def agree(example: Example, found: list[np.ndarray], expected: list[np.ndarray]) -> None:
    for type, ours, theirs in zip(example.output_types, found, expected, strict=True):
        assert len(ours.shape) == type.rank  # a size that is found in the data has no number
        assert all(ours == size for ours, size in zip(ours.shape, type.shape) if isinstance(size, int))
        assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
        if not theirs.size:  # a size that is found may be 0
            continue
        if example.op.draws:
            assert np.abs(comparable(example.op, ours) - comparable(example.op, theirs)).max() < LOOSE
            continue
        tolerance = TOLERANCE.get(type.dtype, 2e-5)
        scale = max(1.0, float(np.abs(theirs[np.isfinite(theirs)]).max())) if theirs.dtype.kind == "f" else 1.0
        np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance * scale)


@pytest.mark.parametrize("name", ops.names())
def test_every_operator_has_a_rule(name: str) -> None:
    assert backend.lowers(ops.load(name)) == (name not in WITHOUT_RULE), "archdsl/backends/onnx mirrors archdsl/ops"


@each(EXAMPLES)
def test_checker_and_shapes(example: Example) -> None:
    """ONNX's own inference never contradicts our shapes, and agrees everywhere once symbols are bound."""
    symbolic = model_of(graph_of(example))
    onnx.checker.check_model(symbolic, full_check=True)
    inferred = inferred_shapes(symbolic)
    for name, ours in declared_shapes(symbolic).items():
        for theirs, mine in zip(inferred[name], ours, strict=True) if name in inferred else ():
            known = isinstance(theirs, int) or theirs in example.symbols
            assert not known or theirs == mine or not isinstance(mine, int), (name, inferred[name], ours)
    fixed = model_of(graph_of(bound(example)))
    onnx.checker.check_model(fixed, full_check=True)
    inferred = inferred_shapes(fixed)
    for name, ours in declared_shapes(fixed).items():
        found = "it.count" in ours  # then ONNX may know no size at all
        assert inferred[name] == [
            a if mine == "it.count" or (found and isinstance(a, str)) else mine
            for a, mine in zip(inferred[name], ours, strict=True)
        ]


def declared_shapes(model: onnx.ModelProto) -> dict[str, list[int | str]]:
    return {value.name: shape_of(value) for value in model.graph.output}


def shape_of(value: onnx.ValueInfoProto) -> list[int | str]:
    return [d.dim_value if d.HasField("dim_value") else d.dim_param for d in value.type.tensor_type.shape.dim]


def inferred_shapes(model: onnx.ModelProto) -> dict[str, list[int | str]]:
    bare = onnx.ModelProto()
    bare.CopyFrom(model)
    del bare.graph.value_info[:]
    for output in bare.graph.output:
        output.type.tensor_type.ClearField("shape")
    found = onnx.shape_inference.infer_shapes(bare, strict_mode=True, data_prop=True)
    return {value.name: shape_of(value) for value in found.graph.output}


@each([example for example in EXAMPLES if not example.text.startswith(tuple(WRONG_REFERENCE))])
def test_runtime_and_reference_agree(example: Example) -> None:
    """The file with symbols runs in ONNX Runtime and in onnx.reference with the same result; nothing is vacuous."""
    draw = generator(example.text)
    model = model_of(graph_of(example))
    weights = randomise(model, draw)
    concrete = bound(example)
    first, second = inputs_of(concrete, draw), inputs_of(concrete, draw)
    found = run(model, first)
    expected = ReferenceEvaluator(model).run(None, first)
    agree(concrete, found, [np.asarray(item) for item in expected])
    assert all(np.isfinite(item).all() for item in found) or example.op.name == "causal_mask"
    if example.op.name not in FIXED:
        assert any(a.shape != b.shape or (a != b).any() for a, b in zip(found, run(model, second)))
    for name in weights:
        assert any((a != b).any() for a, b in zip(found, run(corrupted(model, name), first))), f"{name} has no effect"


def corrupted(model: onnx.ModelProto, name: str) -> onnx.ModelProto:
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for tensor in copy.graph.initializer:
        if tensor.name == name:
            values = onnx.numpy_helper.to_array(tensor)
            tensor.CopyFrom(onnx.numpy_helper.from_array(values + values.dtype.type(1.5), name))
    return copy


@pytest.mark.parametrize("opset", range(OPSETS[0], OPSETS[1] + 1))
def test_every_opset_says_the_same(opset: int) -> None:
    """Each operator's first example at every supported operator set gives the result of the oldest that can say it."""
    for name in {example.op.name: None for example in EXAMPLES}:
        example = next(item for item in EXAMPLES if item.op.name == name)
        graph, inputs = graph_of(example), inputs_of(bound(example), generator(name))
        try:
            newer = model_of(graph, opset=opset)
        except DiagnosticError as refused:
            late = opset > 21 and (example.op.draws or name in WITHOUT_NEW_KERNELS)
            assert late or opset < backend.opset(graph)
            assert [one.code for one in refused.diagnostics] == ["E0607" if late else "E0601"]
            continue
        assert not (opset > 21 and (example.op.draws or name in WITHOUT_NEW_KERNELS))
        onnx.checker.check_model(newer, full_check=True)
        assert newer.opset_import[0].version == opset
        agree(bound(example), run(newer, inputs), run(model_of(graph), inputs))


@pytest.mark.reference
@each(EXAMPLES)
def test_pytorch_agrees(example: Example) -> None:
    """An independent statement of each operator, with random weights."""
    from drawn import compute

    draw = generator("torch", example.text)
    model = model_of(graph_of(example))
    weights = randomise(model, draw)
    concrete = bound(example)
    inputs = inputs_of(concrete, draw)
    params = {name.removeprefix("op").removeprefix("."): value for name, value in weights.items()}
    agree(concrete, run(model, inputs), compute(concrete.op, params, list(inputs.values())))
