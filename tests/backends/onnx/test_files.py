"""Written ONNX files: deterministic, whole or absent, within limits, with external data where wanted."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from netbuild import Net
from onnx import numpy_helper
from paths import SUPPORT

import archdsl
from archdsl import dims
from archdsl.backends.onnx import OnnxOptions, backend, stream
from archdsl.diagnostics import DiagnosticError
from archdsl.graph import Graph
from archdsl.project.compiling import with_weights

PLAIN = OnnxOptions(version="1.2.3", metadata={"source": "abc", "params": "7"})


def small(width: int = 8) -> Graph:
    net = Net(dims.symbol("N"), 3, 16, 16)
    x = net.relu(net.batch_norm(net.conv(net.input, width, 3, path="stem.conv"), path="stem.norm"))
    y = net.linear(net.flatten(net.global_avg_pool(net.max_pool(x, 2))), 10, path="classifier")
    return net.graph(y)


def large() -> Graph:
    """Some 6 MB of weights in tensors of several stretches."""
    net = Net(1, 64, 8, 8)
    return net.graph(net.conv(net.conv(net.input, 512, 3, path="a"), 256, 3, path="b"))


def code(caught: pytest.ExceptionInfo[DiagnosticError]) -> str:
    (found,) = caught.value.diagnostics
    return found.code


def test_the_parts_of_a_model(tmp_path: Path) -> None:
    report = backend.write(small(), tmp_path / "net.onnx", PLAIN)
    model = onnx.load(report.path)
    assert Path(report.path).stat().st_size == report.bytes
    assert model.SerializeToString(deterministic=True) == Path(report.path).read_bytes()
    onnx.checker.check_model(report.path, full_check=True)
    assert (model.ir_version, model.producer_name, model.producer_version) == (8, "archdsl", "1.2.3")
    assert [(o.domain, o.version) for o in model.opset_import] == [("", 17)]
    assert {p.key: p.value for p in model.metadata_props} == PLAIN.metadata
    assert [i.name for i in model.graph.initializer] == list(small().parameters())
    assert report.initialisers == len(model.graph.initializer) and report.nodes == len(model.graph.node)
    types = {v.name: v.type.tensor_type for v in [*model.graph.input, *model.graph.value_info, *model.graph.output]}
    dims_of = [d.dim_param or d.dim_value for d in types["stem.norm"].shape.dim]
    assert dims_of == ["N", 8, 16, 16]
    assert [o.name for o in model.graph.output] == ["output"]
    assert "stem.conv" in {n.name for n in model.graph.node}


def test_bytes_do_not_depend_on_folder_hash_seed_or_threads(tmp_path: Path) -> None:
    program = (
        "import sys\nsys.path.insert(0, sys.argv[1])\nfrom test_files import large, PLAIN, backend\n"
        "backend.write(large(), 'net.onnx', PLAIN.replace(threads=int(sys.argv[2])))\n"
    )
    files = []
    for seed, threads in (("0", "1"), ("1", "2"), ("77", "5")):
        folder = tmp_path / f"folder {seed}"
        folder.mkdir()
        paths = os.pathsep.join([str(SUPPORT), str(Path(__file__).parent)])
        environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": paths}
        arguments = [sys.executable, "-c", program, str(Path(__file__).parent), threads]
        subprocess.run(arguments, cwd=folder, env=environment, check=True)
        files.append((folder / "net.onnx").read_bytes())
    assert files[0] == files[1] == files[2] == backend.lower(large(), PLAIN)


def test_seed_and_scheme_change_the_weights_and_nothing_else() -> None:
    base, other = (onnx.ModelProto.FromString(backend.lower(small(), OnnxOptions(seed=seed))) for seed in (0, 1))
    weights = [numpy_helper.to_array(m.graph.initializer[0]) for m in (base, other)]
    assert (weights[0] != weights[1]).mean() > 0.99
    for model in (base, other):
        del model.graph.initializer[:]
    assert base == other
    zeros = onnx.ModelProto.FromString(backend.lower(small(), OnnxOptions(init="zeros")))
    assert not numpy_helper.to_array(zeros.graph.initializer[0]).any()


@pytest.mark.parametrize("graph", [small, large])
def test_external_data(tmp_path: Path, graph: Any) -> None:
    inside = backend.write(graph(), tmp_path / "inside.onnx", PLAIN)
    outside = backend.write(graph(), tmp_path / "outside.onnx", PLAIN.replace(external_data=True))
    assert outside.data_path is not None
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(
        [Path(p).name for p in (inside.path, outside.path, outside.data_path)]
    )
    onnx.checker.check_model(outside.path, full_check=True)
    bare = onnx.load(outside.path, load_external_data=False)
    assert bare.SerializeToString(deterministic=True) == Path(outside.path).read_bytes()
    for tensor in bare.graph.initializer:
        entries = {e.key: e.value for e in tensor.external_data}
        assert bool(entries) == (numpy_helper.to_array(tensor, str(tmp_path)).nbytes >= 1024)
        if entries:
            assert entries["location"] == Path(outside.data_path).name
            assert int(entries["offset"]) % 4096 == 0
    both = [onnx.load(report.path) for report in (inside, outside)]
    for ours, theirs in zip(both[0].graph.initializer, both[1].graph.initializer, strict=True):
        assert (numpy_helper.to_array(ours) == numpy_helper.to_array(theirs)).all()
    image = np.random.default_rng(0).normal(size=(1, *graph().inputs[0].type.shape[1:]))
    results = [
        onnxruntime.InferenceSession(report.path, providers=["CPUExecutionProvider"]).run(
            None, {"image": image.astype(np.float32)}
        )[0]
        for report in (inside, outside)
    ]
    assert (results[0] == results[1]).all() and results[0].std() > 0


def test_the_data_file_is_named_after_its_contents(tmp_path: Path) -> None:
    options = PLAIN.replace(external_data=True)
    names = {
        backend.write(large(), tmp_path / "net.onnx", options.replace(threads=threads)).data_path for threads in (1, 3)
    }
    assert len(names) == 1
    assert backend.write(large(), tmp_path / "net.onnx", options.replace(seed=9)).data_path not in names


class OddError(Exception):
    pass


@pytest.mark.parametrize("external", [False, True])
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt(), OddError()])
@pytest.mark.parametrize("after", [0, 1, 5, 11])
def test_a_failed_write_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, external: bool, error: BaseException, after: int
) -> None:
    """The disk fills, or the user interrupts, at any of several moments and with several threads."""
    (tmp_path / "net.onnx").write_bytes(b"older")
    real, calls = stream._pwrite, iter(range(1000))

    def pwrite(descriptor: int, data: memoryview, offset: int) -> int:
        if next(calls) >= after:
            raise error
        return real(descriptor, data, offset)

    monkeypatch.setattr(stream, "_pwrite", pwrite)
    with pytest.raises(DiagnosticError if isinstance(error, OSError) else type(error)) as caught:
        backend.write(large(), tmp_path / "net.onnx", PLAIN.replace(external_data=external, threads=2))
    assert [p.name for p in tmp_path.iterdir()] == ["net.onnx"]
    assert (tmp_path / "net.onnx").read_bytes() == b"older"
    if isinstance(error, OSError):
        assert code(caught) == "E0005" and "No space left" in caught.value.diagnostics[0].message  # type: ignore[attr-defined]


@pytest.mark.parametrize("external", [False, True])
def test_a_failed_rename_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, external: bool) -> None:
    (tmp_path / "net.onnx").write_bytes(b"older")
    real = Path.replace

    def replace(source: Path, target: Path) -> Path:
        if target.name == "net.onnx":
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(source, target)

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(DiagnosticError) as caught:
        backend.write(small(1024), tmp_path / "net.onnx", PLAIN.replace(external_data=external))
    assert code(caught) == "E0005"
    assert [p.name for p in tmp_path.iterdir()] == ["net.onnx"]
    assert (tmp_path / "net.onnx").read_bytes() == b"older"


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    for target in (tmp_path, tmp_path / "missing" / "net.onnx", Path(os.devnull)):
        with pytest.raises(DiagnosticError) as caught:
            backend.write(small(), target)
        assert code(caught) == "E0005"
    assert list(tmp_path.iterdir()) == []
    assert not Path(os.devnull).is_file()


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "link.onnx").symlink_to(tmp_path / "real.onnx")
    backend.write(small(), tmp_path / "link.onnx")
    assert (tmp_path / "link.onnx").is_symlink()
    assert (tmp_path / "real.onnx").read_bytes() == backend.lower(small())


def test_limits(tmp_path: Path) -> None:
    with pytest.raises(DiagnosticError) as caught:
        backend.write(small(), tmp_path / "net.onnx", OnnxOptions(max_bytes=1000))
    assert code(caught) == "E0602"
    net = Net(1, 10**9, 1, 1)
    huge = net.graph(net.conv(net.input, 10**9, 1, path="huge"))
    with pytest.raises(DiagnosticError) as caught:  # 4 * 10**18 bytes: counted, never allocated
        backend.write(huge, tmp_path / "net.onnx")
    assert code(caught) == "E0602" and "`huge.weight`" in caught.value.diagnostics[0].message
    net = Net(1, 3, 10**10, 10**10)
    with pytest.raises(DiagnosticError) as caught:
        backend.lower(net.graph(net.relu(net.input)))
    assert code(caught) == "E0602" and "64 bits" in caught.value.diagnostics[0].message
    assert list(tmp_path.iterdir()) == []


def test_numbers_that_do_not_fit() -> None:
    net = Net(1, 3)
    with pytest.raises(DiagnosticError) as caught:
        backend.lower(net.graph(net.leaky_relu(net.input, 1e300)))
    assert code(caught) == "E0602"
    net = Net(1, 3)
    with pytest.raises(DiagnosticError) as caught:
        backend.lower(net.graph(net.clip(net.input, high=1e300)))
    assert code(caught) == "E0602"


@pytest.mark.parametrize("dtype", ["f16", "bf16", "f32", "f64"])
@pytest.mark.parametrize("init", ["{}", "[{}, 0, 0]", "uniform(-{0}, {0})", "normal(0, {})"])
def test_initial_values_that_do_not_fit(init: str, dtype: str, tmp_path: Path) -> None:
    value = {"f16": "1e6", "bf16": "1e40", "f32": "1e40", "f64": "1e308"}[dtype]
    text = f"arch 1\nnetwork Net() {{ input x: {dtype}[N, 3]; x + param([3], init = {init.format(value)}, dtype = {dtype}) }}"
    if dtype == "f64" and init[0] in "{[":
        assert backend.lower(archdsl.load(text).graph())
        return
    with pytest.raises(DiagnosticError) as caught:
        backend.write(archdsl.load(text).graph(), tmp_path / "net.onnx")
    assert code(caught) == "E0602"
    assert list(tmp_path.iterdir()) == []


def test_weights_that_fold_into_nothing(tmp_path: Path) -> None:
    """A negative variance in a checkpoint: the root of it is no number."""
    graph = archdsl.load(
        "arch 1\nnetwork Net() { input x: f32[N, 3, 8, 8]; conv(3, 1) -> batch_norm; output y }"
    ).graph()
    values = {name: np.ones([int(d) for d in p.type.shape], "f4") for name, p in graph.parameters().items()}
    values["batch_norm.running_var"] -= 3
    np.savez(tmp_path / "w.npz", **values)
    loaded, _ = with_weights(graph, tmp_path / "w.npz")
    with pytest.raises(DiagnosticError) as caught:
        archdsl.compile(loaded, tmp_path / "net.onnx", deploy=True)
    assert code(caught) == "E0602" and not (tmp_path / "net.onnx").exists()


def test_unknown_options() -> None:
    for options in (OnnxOptions(opset=16), OnnxOptions(opset=99), OnnxOptions(init="x"), OnnxOptions(weights="maybe")):
        with pytest.raises(DiagnosticError) as caught:
            backend.lower(small(), options)
        assert code(caught) == "E0603"
    with pytest.raises(DiagnosticError) as caught:
        OnnxOptions.chosen("onnx", {"sed": 3})
    assert code(caught) == "E0603" and "`seed`" in str(caught.value)
    with pytest.raises(DiagnosticError) as caught:
        OnnxOptions.chosen("onnx", {"seed": "3"})
    assert code(caught) == "E0603" and "int" in str(caught.value)
    assert OnnxOptions.chosen("onnx", {"seed": 3}) == OnnxOptions(seed=3)


def test_structure_only(tmp_path: Path) -> None:
    """Parameters become inputs: small, accepted, and with the weights fed the same function."""
    whole, bare = backend.write(large(), tmp_path / "whole.onnx"), tmp_path / "bare.onnx"
    report = backend.write(large(), bare, OnnxOptions(weights="none"))
    assert report.bytes < 2000 and report.initialisers == 0
    onnx.checker.check_model(str(bare), full_check=True)
    model = onnx.load(bare)
    assert [i.name for i in model.graph.input] == ["image", *large().parameters()]
    assert {p.key: p.value for p in model.metadata_props} == {"archdsl.weights": "none"}
    weights = {t.name: numpy_helper.to_array(t) for t in onnx.load(whole.path).graph.initializer}
    image = np.random.default_rng(1).normal(size=(1, 64, 8, 8)).astype(np.float32)
    sessions = [onnxruntime.InferenceSession(str(p), providers=["CPUExecutionProvider"]) for p in (whole.path, bare)]
    expected, found = sessions[0].run(None, {"image": image}), sessions[1].run(None, {"image": image, **weights})
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-5, atol=1e-5)


def test_shared_weights_exist_once() -> None:
    net = Net(1, 4, 5, 5)
    x = net.conv(net.input, 4, 3, path="head")
    params = net.nodes[0].params
    model = onnx.ModelProto.FromString(backend.lower(net.graph(net.conv(x, 4, 3, path="again", params=params))))
    assert [t.name for t in model.graph.initializer] == ["head.weight", "head.bias"]
    assert [n.input[1] for n in model.graph.node] == ["head.weight"] * 2


def test_outputs_bear_their_names() -> None:
    """A value under two names, an input as output, a name that a node has: each is called as declared."""
    net = Net(1, 4, dtype="f32")
    x = net.relu(net.input, path="first")
    y = net.tanh(x, path="relu")
    graph = Graph("Net", [net.input], net.nodes, {"relu": x, "same": x, "second": y, "copy": net.input})
    model = onnx.ModelProto.FromString(backend.lower(graph))
    onnx.checker.check_model(model, full_check=True)
    assert [o.name for o in model.graph.output] == ["relu", "same", "second", "copy"]
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    image = np.array([[-1.0, 0.5, 2.0, -3.0]], np.float32)
    found = session.run(None, {"image": image})
    relu = np.maximum(image, 0)
    for ours, expected in zip(found, [relu, relu, np.tanh(relu), image], strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-6)


def test_an_output_may_not_take_the_name_of_an_input() -> None:
    net = Net(1, 4)
    graph = Graph("Net", [net.input], net.nodes, {"image": net.relu(net.input)})
    graph = Graph("Net", [net.input], net.nodes, graph.outputs)
    with pytest.raises(DiagnosticError) as caught:
        backend.lower(graph)
    assert code(caught) == "E0604"


def test_the_compiler_does_not_import_onnx() -> None:
    program = (
        "import sys\nfrom archdsl.backends.onnx import backend\nfrom netbuild import resnet50\n"
        "assert 'numpy' not in sys.modules\nbackend.lower(resnet50())\n"
        "heavy = [m for m in ('onnx', 'google.protobuf', 'onnxruntime', 'networkx', 'pydantic') if m in sys.modules]\n"
        "assert not heavy, heavy\n"
    )
    environment = os.environ | {"PYTHONPATH": str(SUPPORT)}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)
