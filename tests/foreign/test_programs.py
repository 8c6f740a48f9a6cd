"""Files that PyTorch writes, in the commands: exported programs, and pickles and scripts, which are not read."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
import torch
from console import run
from exported import exported
from foreign_models import called_by_its_name, one_relu, saved
from repository import commit, repository
from torch import nn

import archdsl
from archdsl.diagnostics import DiagnosticError

pytestmark = pytest.mark.reference


def pickled(value: object) -> bytes:
    stream = io.BytesIO()
    torch.save(value, stream)
    return stream.getvalue()


def scripted() -> bytes:
    stream = io.BytesIO()
    torch.jit.save(torch.jit.trace(nn.Linear(2, 2), torch.ones(1, 2)), stream)
    return stream.getvalue()


FILES = [
    ("m.pt", pickled(nn.Linear(2, 2)), "a pickled object of PyTorch", "archdsl.load(module, inputs)"),
    ("s.pt", pickled(nn.Linear(2, 2).state_dict()), "a PyTorch checkpoint", "weights inspect s.pt"),
    ("j.pt", scripted(), "a TorchScript program", "torch.export.save"),
]


@pytest.mark.parametrize(("name", "data", "what", "way"), FILES, ids=[one[0] for one in FILES])
def test_it_is_called_by_its_name(
    name: str, data: bytes, what: str, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    called_by_its_name(name, data, what, way)


def test_an_exported_program_under_another_name(tmp_path: Path) -> None:
    path = exported(nn.Linear(2, 2), [torch.ones(1, 2)], tmp_path / "it.pt2")
    with pytest.raises(DiagnosticError, match="an exported program of PyTorch"):
        archdsl.cost(path.rename(tmp_path / "it.pt"))


def test_a_model_under_the_name_of_another_kind(tmp_path: Path) -> None:
    program = exported(nn.Linear(2, 2), [torch.ones(1, 2)], tmp_path / "it.pt2").rename(tmp_path / "it.onnx")
    model = tmp_path / "it.pt2"
    model.write_bytes(Path(saved(one_relu(), tmp_path / "m.onnx")).read_bytes())
    for path, what, ending in ((program, "an exported program", ".pt2"), (model, "an ONNX model", ".onnx")):
        with pytest.raises(DiagnosticError, match=what) as refused:
            archdsl.cost(path)
        assert f"has to end in `{ending}`" in str(refused.value)


def test_verify_and_run_take_exported_programs(tmp_path: Path) -> None:
    """PyTorch's own export is the second source; and the weights are the file's, so nothing is said of initial ones."""
    net = nn.Sequential(nn.Linear(4, 8), nn.GELU(), nn.Linear(8, 3)).eval()
    program = exported(net, [torch.ones(2, 4)], tmp_path / "net.pt2")
    model = str(tmp_path / "net.onnx")
    torch.onnx.export(net, (torch.ones(2, 4),), model, dynamo=False)
    assert archdsl.verify(program, model).same and archdsl.verify(model, program).same
    with torch.no_grad():
        net[0].weight.add_(0.1)
    other = exported(net, [torch.ones(2, 4)], tmp_path / "other.pt2")
    assert not archdsl.verify(program, other).same
    printed = run(f"archdsl run {program}", tmp_path).output
    assert "float32[2, 3]" in printed and "initial weights" not in printed


def test_diff_takes_a_model_in_a_state_of_the_repository(tmp_path: Path) -> None:
    folder = repository(tmp_path / "project", readme__txt="x")
    exported(nn.Linear(2, 2), [torch.ones(1, 2)], folder / "net.pt2")
    commit(folder, "a model")
    exported(nn.Linear(2, 5), [torch.ones(1, 2)], folder / "net.pt2")
    for old in ("HEAD", "HEAD:net.pt2", "HEAD:./net.pt2"):
        done = run(f"archdsl diff {old} net.pt2", folder)
        assert re.search(r"params +6 +15 +\+9", done.output), done.output
    assert "has no file `other.onnx`" in run("archdsl diff HEAD:other.onnx net.pt2", folder).output


def test_a_module_of_torch_is_found(tmp_path: Path) -> None:
    """LeNet-5 as people write it in PyTorch."""
    layers = [
        nn.Conv2d(1, 6, 5),
        nn.Tanh(),
        nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.Tanh(),
        nn.AvgPool2d(2),
        nn.Flatten(),
    ]
    head = [nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10)]
    path = exported(nn.Sequential(*layers, *head), [torch.randn(1, 1, 32, 32)], tmp_path / "net.pt2")
    found = archdsl.which(path)
    assert found.best == "lenet5"  # whose third convolution sees 5x5 positions, and is a linear layer here
    assert (dict(found.only(0, "layers")), dict(found.only(1, "layers"))) == (
        {"linear 120x400": 1},
        {"conv 120x16x5x5": 1},
    )


def test_what_is_like_nothing(tmp_path: Path) -> None:
    path = exported(nn.Linear(1234, 777), [torch.randn(1, 1234)], tmp_path / "net.pt2")
    found = archdsl.which(path)
    assert found.best is None and not found.only(0, "layers")
    assert "is like no network of the zoo" in str(found)
