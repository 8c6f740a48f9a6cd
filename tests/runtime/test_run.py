"""Execution: inputs, providers, outputs, and what is said where nothing can run."""

import builtins
import json
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

import archdsl
from archdsl.diagnostics import DiagnosticError, Refusal
from archdsl.runtime import doctor, session
from archdsl.runtime.execute import execute
from archdsl.runtime.inputs import check_inputs, file_inputs, random_inputs
from archdsl.runtime.model_inputs import Wanted
from archdsl.runtime.outputs import describe_output, render_output

SPEC = """arch 1
network Net(classes = 5) {
  input image: f32[N, 3, H, H]
  conv(4, 3) -> relu -> global_avg_pool -> flatten -> linear(classes)
  output logits
}
"""


@pytest.fixture
def model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    archdsl.compile(archdsl.load(SPEC).graph(), "model.onnx")
    return "model.onnx"


def refused(code, function, *arguments, **options):
    with pytest.raises((Refusal, DiagnosticError)) as error:
        function(*arguments, **options)
    value = error.value
    found = value.diagnostics[0] if isinstance(value, DiagnosticError) else value
    assert found.code == code, found.message
    return found


# inputs


def test_random_inputs_are_seeded_and_sized():
    wanted = [Wanted("a", "float32", ("N", 3)), Wanted("b", "int64", (2,)), Wanted("c", "bool", (50,))]
    one, same, other = random_inputs(wanted, 1), random_inputs(wanted, 1), random_inputs(wanted, 2)
    assert all(np.array_equal(one[k], same[k]) for k in "abc") and not np.array_equal(one["c"], other["c"])
    assert (one["a"].shape, one["a"].dtype, one["b"].dtype, one["c"].dtype) == ((1, 3), np.float32, np.int64, bool)
    assert random_inputs(wanted, 1, {"N": 7})["a"].shape == (7, 3)
    large = random_inputs([Wanted("x", "float32", (100_000,))], 0)["x"]
    assert abs(large.mean()) < 0.02 and abs(large.std() - 1) < 0.02


def test_inputs_too_large_for_any_machine_are_refused():
    assert "GiB" in refused("E0008", random_inputs, [Wanted("a", "float32", ("N", 3))], 0, {"N": 10**15}).message


def test_arrays_from_files_are_what_the_model_gets(model):
    x = np.random.default_rng(0).normal(size=(2, 3, 8, 8)).astype(np.float32)
    np.save("x.npy", x)
    np.savez("x.npz", image=x)
    expected = onnxruntime.InferenceSession(model).run(None, {"image": x})[0]
    for files in (["x.npy"], ["image=x.npy"], ["x.npz"]):
        np.testing.assert_array_equal(execute(model, files).outputs["logits"], expected)
    np.testing.assert_array_equal(archdsl.run(model, x)["logits"], expected)
    np.testing.assert_array_equal(archdsl.run(model, {"image": x.astype(np.float64)})["logits"], expected)


def test_wrong_inputs(model):
    np.save("x.npy", np.zeros((2, 3, 8, 9), np.float32))
    np.save("i.npy", np.zeros((2, 3, 8, 8), np.int32))
    np.save("o.npy", np.array([{}], dtype=object), allow_pickle=True)
    Path("text.npy").write_text("no array")
    Path("text.npz").write_bytes(b"PK\x03\x04broken")
    Path("weights.pth").write_bytes(b"\x80\x02no array")
    assert refused("E0704", execute, model, ["weights.pth"]).notes == ()  # NumPy would speak of unpickling it
    np.savez("several", np.zeros(1))
    assert "rename it to .npz" in refused("E0704", execute, model, ["image=several.npz"]).help
    assert "did you mean `image`" in refused("E0704", execute, model, ["imag=x.npy"]).help
    for files in (["x.npy"], ["i.npy"], ["o.npy"], ["text.npy"], ["text.npz"], ["x.npy", "x.npy"]):
        refused("E0704", execute, model, files)
    refused("E0001", execute, model, ["missing.npy"])
    refused("E0001", execute, model, ["."])
    refused("E0001", execute, "missing.onnx")
    refused("E0704", archdsl.run, model, {"other": 1})
    refused("E0704", archdsl.run, model, [1, 2])
    refused("E0704", archdsl.run, model, {})
    refused("E0007", archdsl.run, model, bind={"K": 1})


def test_one_symbol_is_one_size():
    wanted = [Wanted("a", "float32", ("N", 2)), Wanted("b", "float32", ("N", 2))]
    arrays = {"a": np.zeros((3, 2)), "b": np.zeros((4, 2))}
    assert refused("E0704", check_inputs, wanted, arrays).note == "N = 3"


def test_images_are_scaled_cropped_and_normalised(tmp_path):
    from PIL import Image

    picture = np.zeros((60, 90, 3), np.uint8)
    picture[:, 30:60] = (255, 128, 0)  # the centre square's middle
    picture[:, :15] = picture[:, 75:] = 77  # outside of the crop
    Image.fromarray(picture).save(tmp_path / "p.png")
    array = file_inputs([Wanted("x", "float32", ("N", 3, 20, 20))], [str(tmp_path / "p.png")])["x"]
    assert array.shape == (1, 3, 20, 20) and array.dtype == np.float32
    middle = (np.array([255, 128, 0]) / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    np.testing.assert_allclose(array[0, :, 10, 10], middle, atol=1e-5)
    black = (0 - np.array([0.485, 0.456, 0.406])) / [0.229, 0.224, 0.225]
    np.testing.assert_allclose(array[0, :, 10, 2], black, atol=1e-5)
    gray = file_inputs([Wanted("x", "float32", (1, 1, 28, 28))], [str(tmp_path / "p.png")])["x"]
    assert gray.shape == (1, 1, 28, 28) and gray.min() >= 0 and gray.max() <= 1
    (tmp_path / "broken.png").write_bytes(b"no image")
    refused("E0704", file_inputs, [Wanted("x", "float32", (1, 3, 8, 8))], [str(tmp_path / "broken.png")])
    refused("E0704", file_inputs, [Wanted("x", "float32", (1, 10))], [str(tmp_path / "p.png")])


def test_without_pillow_the_extra_is_named(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "PIL", None)
    Path("p.png").write_bytes(b"")
    found = refused("E0010", file_inputs, [Wanted("x", "float32", (1, 3, 8, 8))], ["p.png"])
    assert found.help == 'pip install "archdsl[image]"'


# running


def test_a_graph_a_target_and_a_file_run_alike(model, monkeypatch):
    Path("net.arch").write_text(SPEC)
    graph = archdsl.load(SPEC).graph()
    runs = [archdsl.run(what, bind={"H": 9})["logits"] for what in (graph, "net.arch", model)]
    assert runs[0].shape == (1, 5) and np.isfinite(runs[0]).all() and runs[0].std() > 0
    np.testing.assert_array_equal(runs[0], runs[1])
    np.testing.assert_array_equal(runs[0], runs[2])


def test_files_that_are_no_models(model):
    Path("text.onnx").write_text("no model")
    refused("E0703", execute, "text.onnx")
    archdsl.compile(archdsl.load(SPEC).graph(), "structure.onnx", weights="none")
    assert "--weights none" in refused("E0703", execute, "structure.onnx").help


def test_a_failure_while_running(tmp_path):
    text = "arch 1\nnetwork Net() { input x: f32[N, 3, H, H]; conv(4, 7, pad = valid); output y }\n"
    archdsl.compile(archdsl.load(text).graph(), tmp_path / "m.onnx")
    refused("E0705", execute, tmp_path / "m.onnx", sizes={"H": 3})
    assert execute(tmp_path / "m.onnx", sizes={"H": 9}).outputs["y"].shape == (1, 4, 3, 3)


# providers


def test_providers_are_named_or_refused():
    assert session.providers("cuda, cpu") == ["CUDAExecutionProvider", "CPUExecutionProvider"]
    for wrong in ("", "gpu", "cpu,tpu", ","):
        refused("E0007", session.providers, wrong)


def test_missing_cuda_is_an_error_and_never_a_cpu_run(model, monkeypatch):
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    refused("E0702", execute, model, ep="cuda")
    refused("E0702", execute, model, ep="cuda,cpu")


def test_a_session_that_fell_back_is_an_error(model, monkeypatch):
    """A runtime that lists CUDA but starts on the CPU, as a machine without a driver does."""
    real = onnxruntime.InferenceSession
    names = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: names)
    monkeypatch.setattr(
        onnxruntime, "InferenceSession", lambda m, o=None, providers=None: real(m, providers=["CPUExecutionProvider"])
    )
    for ep in ("cuda", "cuda,cpu"):
        assert "CUDAExecutionProvider was asked for" in refused("E0702", execute, model, ep=ep).message


def test_the_run_says_where_it_ran(model):
    done = execute(model, sizes={"H": 8})
    assert done.providers == ("CPUExecutionProvider",) and done.inputs == {"image": "float32[1, 3, 8, 8]"}


def test_without_a_runtime_one_line_says_what_to_install(model, monkeypatch, capsys):
    real = builtins.__import__

    def without(name, *rest, **options):
        if name == "onnxruntime":
            raise ModuleNotFoundError(name)
        return real(name, *rest, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    assert 'pip install "archdsl[cpu]"' in refused("E0701", execute, model).help
    assert [f.state for f in doctor.doctor().findings if f.subject == "runtime"] == ["wrong"]


# outputs


def test_outputs_are_described():
    scores = np.array([[0.0, 3.0, -1.0, 3.0], [9.0, 1.0, 2.0, 0.0]], np.float32)
    record = describe_output("logits", scores, 2)
    assert [[one["class"] for one in row] for row in record["top"]] == [[1, 3], [0, 2]]
    assert record["mean"] == pytest.approx(scores.mean()) and record["std"] == pytest.approx(scores.std())
    assert (record["min"], record["max"]) == (-1, 9)
    assert render_output(record)[1] == "  row 0: 1 (3.0000)  3 (3.0000)"
    odd = describe_output("x", np.array([[1.0, np.nan, np.inf]]), 0)
    assert odd["not_finite"] == 2 and odd["max"] == 1 and "NOT FINITE: 2" in render_output(odd)[0]
    json.dumps([record, odd], allow_nan=False)
    assert describe_output("x", np.zeros((0, 3)), 5)["shape"] == [0, 3]
    # positions and states are no scores
    assert "top" not in describe_output("kept", np.array([[0, 1, 58]]), 2)
    assert "top" not in describe_output("a.h.next", scores, 2, {"archdsl.state.a.h": "a.h.next"})


# doctor


def test_doctor_tries_the_runtime():
    findings = {f.subject: f for f in doctor.doctor().findings}
    assert findings["cpu"].state == "ok" and findings["runtime"].text == f"ONNX Runtime {onnxruntime.__version__}"
    assert findings["onnx"].text == onnx.__version__


def test_doctor_sees_both_runtimes_and_wrong_numbers(monkeypatch):
    monkeypatch.setattr(doctor, "installed", lambda name: "1.0")
    assert any(f.subject == "runtime packages" and f.state == "wrong" for f in doctor.doctor().findings)

    class Liar:
        def run(self, names, inputs):
            return [np.zeros(4)]

    monkeypatch.setattr(doctor, "open_session", lambda model, ep: Liar())
    assert [f.state for f in doctor.doctor().findings if f.subject == "cpu"] == ["wrong"]


def test_doctor_command(capsys, monkeypatch):
    from archdsl.cli import main

    monkeypatch.setattr(sys, "argv", ["archdsl", "doctor", "--format", "json"])
    with pytest.raises(SystemExit) as end:
        main()
    read = json.loads(capsys.readouterr().out)
    assert end.value.code == 0 and read["format_version"] == 1
    assert {"subject": "cpu", "state": "ok", "text": "works (CPUExecutionProvider)"} in read["findings"]
