"""What engines promise of a seed: the same numbers for a model that is loaded anew, other ones in each run."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from onnx_case import model_of

import archdsl
from archdsl.analyses.drawn import drawn
from archdsl.backends.onnx import OnnxOptions, backend
from archdsl.data import read, to_json
from archdsl.diagnostics import DiagnosticError
from archdsl.source import Source

TEXT = """arch 1
network Net(seed = 4) {
  input x: f32[N, T, 3]
  noisy: x + random_normal(x.shape, seed = seed, deviation = 0.5)
  kept: relu(x)
  let twin = random_uniform([5, 8], seed = 7, low = 2, high = 6)
  fixed: random_uniform([5, 8], seed = 7, low = 2, high = 6) - twin
  output noisy, kept, fixed
}
"""
X = {"x": np.zeros((4, 2500, 3), np.float32)}


def session(graph: archdsl.Graph) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(model_of(graph).SerializeToString(), providers=["CPUExecutionProvider"])


def test_onnx_runtime_begins_with_the_seed_and_goes_on() -> None:
    program = archdsl.load(TEXT)
    one, again, other = (session(program.graph("Net", seed=seed)) for seed in (4, 4, 5))
    first, second = (one.run(["noisy"], X)[0] for _ in range(2))
    assert (first == again.run(["noisy"], X)[0]).all()
    assert (first != second).mean() > 0.99 and (first != other.run(["noisy"], X)[0]).mean() > 0.99
    assert abs(first.mean()) < 0.02 and abs(first.std() - 0.5) < 0.02
    assert (one.run(["fixed"], X)[0] == 0).all()  # two with one seed are one


@pytest.mark.reference
def test_a_module_begins_with_the_seed_and_goes_on() -> None:
    import torch
    from torch_module import module_of

    graph = archdsl.load(TEXT).graph()
    net, again = module_of(graph), module_of(graph)
    assert not net.state_dict()
    x = torch.zeros(4, 2500, 3)
    first = net(x)["noisy"]
    copied = deepcopy(net)
    second = net(x)["noisy"]
    assert torch.equal(first, again(x)["noisy"]) and torch.equal(second, copied(x)["noisy"])
    assert not torch.equal(first, second)
    assert abs(float(first.std()) - 0.5) < 0.02
    assert bool((net(x)["fixed"] == 0).all())


def test_the_data_form_keeps_the_seed() -> None:
    graph = archdsl.load(TEXT).graph("Net", seed=11)
    text = to_json(graph)
    assert '"seed": 11' in text and to_json(read(Source("net.arch.json", text))) == text


def test_what_depends_on_it_is_known() -> None:
    assert drawn(archdsl.load(TEXT).graph()) == ("noisy", "fixed")


@pytest.mark.reference
def test_verify_compares_the_rest(tmp_path: Path) -> None:
    graph = archdsl.load(TEXT).graph()
    archdsl.compile(graph, tmp_path / "net.onnx")
    archdsl.compile(graph, tmp_path / "net.py", backend="torch")
    found = archdsl.verify(tmp_path / "net.onnx", tmp_path / "net.py", bind={"T": 4000})
    assert found.same and [one.drawn for one in found.outputs] == [True, False, True]
    assert found.outputs[0].relative < 0.1 and found.outputs[1].relative == 0
    assert "drawn at random" in str(found) and "noisy, fixed" in str(found)


def test_newer_operator_sets_have_no_kernel() -> None:
    graph = archdsl.load(TEXT).graph()
    with pytest.raises(DiagnosticError) as caught:
        backend.lower(graph, OnnxOptions(opset=22))
    assert {d.code for d in caught.value.diagnostics} == {"E0607"}
    backend.lower(graph, OnnxOptions(opset=22, native=True))


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ("random_normal([4])", "E0203"),
        ("random_normal([4], seed = -1)", "E0205"),
        ("random_normal([4], seed = 2 ** 24 + 1)", "E0205"),
        ("random_normal([4], seed = 1.5)", "E0204"),
        ("random_normal([4], seed = 1, deviation = -1)", "E0205"),
        ("random_uniform([4], seed = 1, low = 2, high = 2)", "E0205"),
        ("random_uniform([4], seed = 1, dtype = i64)", "E0204"),
    ],
)
def test_wrong_arguments_are_told(call: str, code: str) -> None:
    with pytest.raises(DiagnosticError) as caught:
        archdsl.load(f"arch 1\nnetwork Net() {{\n  input x: f32[N, 4]\n  x + {call}\n}}\n").graph()
    assert [d.code for d in caught.value.diagnostics] == [code]
    assert caught.value.diagnostics[0].span is not None
