"""Every operator in every element type: the table is true, and ONNX Runtime and PyTorch agree in all of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import HealthCheck, Phase, given, settings, strategies as st
from onnx_case import LOOSE, comparable, generator, graph_of, inputs_of
from op_examples import Example

import archdsl
from archdsl import ops
from archdsl.backends.onnx import backend
from archdsl.backends.onnx.options import OnnxOptions
from archdsl.diagnostics import DiagnosticError, Refusal
from archdsl.element_types import ELEMENT_TYPES, FLOATS
from archdsl.graph import Graph

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from type_table import retyped, targets  # noqa: E402

CLOSE = {"f16": 4e-3, "bf16": 4e-2, "f32": 1e-5, "f64": 1e-5}
"""Of the largest number: some units in the last place, of what several roundings leave."""


@pytest.mark.parametrize("tool", ["onnx_types.py", "type_table.py"])
def test_the_tables_are_what_the_tools_make(tool: str) -> None:
    done = subprocess.run([sys.executable, str(ROOT / "tools" / tool), "--check"], capture_output=True, check=False)
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()


@pytest.mark.parametrize("name", ops.names())
def test_what_the_table_says_is_accepted_and_loads(name: str) -> None:
    """ONNX's checker, with inferred shapes, accepts what is written, and ONNX Runtime loads it as it is; recurrent
    layers of doubles it refuses when they run.
    """
    for dtype in ELEMENT_TYPES:
        for example in retyped(name, dtype):
            (target, *_), graph = (*targets(example), ""), graph_of(example)
            if target not in ("onnx", "native"):
                pytest.fail(f"{example.text} in {dtype} is refused by all")
            model = onnx.ModelProto.FromString(backend.lower(graph, OnnxOptions(native=target == "native")))
            onnx.checker.check_model(model, full_check=True)
            if target == "onnx":
                session(model)
            else:
                with pytest.raises(Exception, match=r"NOT_IMPLEMENTED|does not support double"):
                    session(model).run(None, ones(example))


def ones(example: Example) -> dict[str, np.ndarray]:
    return {
        f"x{i}": np.ones([int(str(n)) for n in type.shape]).astype(ELEMENT_TYPES[type.dtype].framework)
        for i, type in enumerate(example.input_types)
    }


def session(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    """Without optimisations, so that nothing hides what is written."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("name", ops.names())
@pytest.mark.parametrize("opset", [18, 22, 26])
def test_native_types_are_valid_in_every_operator_set(name: str, opset: int) -> None:
    for dtype in ("bf16", "f64", "i8", "u64"):
        for example in retyped(name, dtype):
            try:
                data = backend.lower(graph_of(example), OnnxOptions(native=True, opset=opset))
            except DiagnosticError as error:
                assert error.diagnostics[0].code == "E0601"
                continue
            onnx.checker.check_model(onnx.ModelProto.FromString(data), full_check=True)


def between_casts(name: str, arguments: dict[str, object], dtype: str, inputs: dict[str, np.ndarray]) -> Graph:
    """The operator on inputs that are converted to the type, which NumPy need not have, and its results back."""
    builder = archdsl.Builder("between")
    entering = []
    for key, array in inputs.items():
        kind = next(one for one, type in ELEMENT_TYPES.items() if type.framework == str(array.dtype))
        value = builder.input(key, kind, array.shape)
        entering.append(builder.apply("cast", value, dtype=dtype) if kind == "f32" and dtype != "f32" else value)
    results = builder.apply_all(name, *entering, label="op", **arguments)
    wide = [builder.apply("cast", y, dtype="f64") if y.type.dtype in FLOATS else y for y in results]
    return builder.graph(**{f"y{i}": y for i, y in enumerate(wide)})


def agree(name: str, arguments: dict[str, object], dtype: str, inputs: dict[str, np.ndarray]) -> bool:
    """Whether both engines run it (else one of them refuses); what they give is the same."""
    import torch
    from torch_module import distance, module_of, outputs_of

    try:
        graph = between_casts(name, arguments, dtype, inputs)
        model = onnx.ModelProto.FromString(backend.lower(graph))
        net = module_of(graph)
    except (Refusal, DiagnosticError):
        return False
    draw = generator("types", name)
    values = {}
    for path, tensor in net.state_dict().items():
        low = 0.5 if path.endswith("running_var") else -1.0
        drawn = draw.uniform(low, 1.5, tuple(tensor.shape)).astype(np.float32)
        values[path] = torch.from_numpy(drawn).to(tensor.dtype)
    net.load_state_dict(values)
    for tensor in model.graph.initializer:
        stored = values[tensor.name]
        raw = stored.view(torch.int16) if stored.dtype == torch.bfloat16 else stored
        tensor.raw_data = raw.numpy().tobytes()
    if dtype in FLOATS:  # ONNX Runtime leaves out conversions there and back
        exact = getattr(torch, ELEMENT_TYPES[dtype].framework)
        inputs = {
            key: torch.from_numpy(x).to(exact).float().numpy() if x.dtype == np.float32 else x
            for key, x in inputs.items()
        }
    found = session(model).run(None, inputs)
    with torch.no_grad():
        wanted = outputs_of(net(*(torch.from_numpy(array) for array in inputs.values())))
    equals = name == "top_k" or (name == "max_pool_indices" and dtype in ("f16", "bf16"))
    kept = 1 if equals else None  # of equal numbers each takes another one
    for ours, theirs in zip(found[:kept], wanted[:kept], strict=True):
        assert ours.shape == theirs.shape and ours.dtype == theirs.dtype
        if dtype in FLOATS and ours.dtype == np.float64:  # the last conversion there and back, which it left out
            ours = torch.from_numpy(ours).to(exact).double().numpy()
        apart = distance(comparable(ops.load(name), ours), comparable(ops.load(name), theirs))
        assert apart <= (LOOSE if ops.load(name).draws else CLOSE.get(dtype, 0.0)), (name, arguments, dtype)
    return True


CHAOTIC = ("argmax", "argmin", "round", "floor", "ceil", "step", "sign", "equal", "not_equal")
"""Where a rounding of the input decides: their inputs are whole numbers."""


@pytest.mark.reference
@pytest.mark.parametrize("name", ops.names())
def test_onnx_runtime_and_pytorch_agree_in_every_type(name: str) -> None:
    for dtype in ELEMENT_TYPES:
        for example in retyped(name, dtype):
            plain = next(e for e in retyped(name, "f32") if e.text == example.text) if dtype in FLOATS else example
            inputs = inputs_of(plain, generator("types", name, example.text)) if _numpy(plain) else None
            if inputs is None:
                inputs = {f"x{i}": np.ones([int(str(n)) for n in t.shape], ELEMENT_TYPES[t.dtype].framework)
                          for i, t in enumerate(example.input_types)}  # fmt: skip
            if name == "reduce_prod" and dtype in FLOATS:  # without overflow, which runtimes may postpone
                inputs = {key: x / 4 for key, x in inputs.items()}
            if name in CHAOTIC:
                inputs = {key: np.asarray(np.round(x)) for key, x in inputs.items()}
            arguments = {key: getattr(example.op, key) for key in type(example.op).signature}
            if name == "quantize" and dtype not in FLOATS:  # an argument says it, and what enters is a float
                continue
            if "onnx" in (where := targets(example)) and "torch" in where:
                assert agree(name, arguments, dtype, inputs), example.text


def _numpy(example: object) -> bool:
    from onnx_case import NUMPY

    return all(type.dtype in NUMPY for type in example.input_types)  # type: ignore[attr-defined]


@pytest.mark.reference
@pytest.mark.parametrize("dtype", ["f16", "bf16", "f64"])
@pytest.mark.parametrize(
    "count", [pytest.param(3, marks=pytest.mark.reference), pytest.param(60, marks=pytest.mark.nightly)]
)
def test_drawn_configurations_agree_in_every_float(dtype: str, count: int) -> None:
    from drawn import Draw, cases

    tried = 0

    @settings(
        max_examples=count,
        derandomize=count < 10,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(st.data())
    def run(data: st.DataObject) -> None:
        nonlocal tried
        for name, case_of in cases().items():
            case = case_of(Draw(data))
            if not any(x.dtype == np.float32 for x in case.inputs):
                continue
            rounded = [np.asarray(np.round(x)) if name in CHAOTIC and x.dtype.kind == "f" else x for x in case.inputs]
            tried += agree(name, case.arguments, dtype, {f"x{i}": x for i, x in enumerate(rounded)})

    run()
    assert tried > 50
