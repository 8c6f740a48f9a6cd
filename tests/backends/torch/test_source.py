"""The text that the PyTorch backend writes, looked at without PyTorch."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest

import archdsl
from archdsl import driver, ops, reading, registry
from archdsl.backends.torch import backend
from archdsl.diagnostics import DiagnosticError

pytestmark = pytest.mark.slow

FIRST = [file.stem for file in reading.zoo_files()]


@pytest.mark.parametrize("family", FIRST)
def test_the_zoo_can_be_written(family: str) -> None:
    program, _ = driver.resolve_target(family)
    text = backend.lower(program.graph()).decode()
    tree = ast.parse(text)
    imported = {n.module if isinstance(n, ast.ImportFrom) else n.names[0].name for n in ast.walk(tree)
                if isinstance(n, ast.Import | ast.ImportFrom)}  # fmt: skip
    assert imported <= {"__future__", "collections", "torch", "torch.nn.functional"}
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]
    assert all(f.returns is not None and all(a.annotation for a in f.args.args[1:]) for f in functions)
    names = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
    assert not names & {"archdsl", "numpy", "onnx"}
    assert max(map(len, text.splitlines())) <= 120


def test_a_label_that_pytorch_has_itself_is_refused() -> None:
    text = "arch 1\nnetwork Net() {\n  input x: f32[N, 3]\n  modules: linear(3)\n}\n"
    with pytest.raises(DiagnosticError) as caught:
        backend.lower(driver.load(text).graph())
    assert [d.code for d in caught.value.diagnostics] == ["E0604"]


def test_depth_becomes_repetition() -> None:
    program, _ = driver.resolve_target("resnet50")
    sizes = {name: len(backend.lower(program.graph(name))) for name in ("resnet50", "resnet152")}
    assert sizes["resnet152"] < 1.05 * sizes["resnet50"]


def test_writing_imports_no_torch(tmp_path) -> None:
    probe = (
        "import sys, archdsl\nfrom archdsl import driver\nprogram, name = driver.resolve_target('resnet18')\n"
        f"archdsl.compile(program.graph(name), {str(tmp_path / 'm.py')!r}, backend='torch')\n"
        "assert not {'torch', 'numpy', 'onnx'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", probe], check=True)


def test_a_file_defines_once_what_it_uses() -> None:
    """A helper layer in a sequence comes along; a block with a helper's name gets another."""
    body = "body: seq { conv(4, 3); drop_path(0.5) }\n  affine(4)"
    block = "block affine(c) = seq { a: rms_norm(axes = 1); b: conv(c, 3) }"
    graph = driver.load(f"arch 1\n{block}\nnetwork Net() {{\n  input x: f32[N, 4, 8, 8]\n  {body}\n}}\n").graph()
    tree = ast.parse(backend.lower(graph))
    classes = [n.name for n in tree.body if isinstance(n, ast.ClassDef)]
    assert classes == ["DropPath", "Affine", "RmsNorm", "Affine2", "Net"]


WITHOUT_RULE: dict[str, str] = {}
"""Operators that PyTorch cannot say, each with the reason; compiling one is E0601."""


@pytest.mark.parametrize("name", ops.names())
def test_every_operator_has_a_rule(name: str) -> None:
    assert backend.lowers(ops.load(name)) == (name not in WITHOUT_RULE), "archdsl/backends/torch mirrors archdsl/ops"


def test_an_operator_without_a_rule_is_refused_where_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    from archdsl.backends.torch import activation

    monkeypatch.delitem(activation.RULES, "relu")
    monkeypatch.setattr(registry, "_rule", registry._rule.__wrapped__)
    graph = driver.load("arch 1\nnetwork Net() {\n  input x: f32[N, 4]\n  linear(3) -> relu\n}\n").graph()
    with pytest.raises(DiagnosticError) as caught:
        backend.lower(graph)
    (found,) = caught.value.diagnostics
    assert (found.code, found.message) == ("E0601", "`relu` has no counterpart in PyTorch")
    assert found.span is not None and found.span.text == "relu"


def test_options_it_does_not_have_are_refused(tmp_path) -> None:
    program, name = driver.resolve_target("lenet5")
    with pytest.raises(DiagnosticError) as caught:
        archdsl.compile(program.graph(name), tmp_path / "m.py", backend="torch", opset=17)
    assert [d.code for d in caught.value.diagnostics] == ["E0603"]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "name", ["387", 'a"b', "\\", "{x}", '"""', "self", "torch", "x = 1; import os", "\u5165\u529b"]
)
def test_names_that_are_no_identifiers(name: str) -> None:
    build = archdsl.Builder("Net")
    x = build.input(name, "f32", [1, 3, 8, 8], resize=8)
    y = build.input("a", "f32", [1, 3, 8, 8])
    text = backend.lower(build.graph(**{f"{name}.1": build.apply("relu", x), "z": build.apply("tanh", y)})).decode()
    tree = ast.parse(text)
    (keys,) = [[ast.literal_eval(key) for key in n.keys if key] for n in ast.walk(tree) if isinstance(n, ast.Dict)]
    assert keys == [f"{name}.1", "z"]
    assert name in (ast.get_docstring(tree) or "")
    assert "os" not in [alias.name for n in ast.walk(tree) if isinstance(n, ast.Import) for alias in n.names]
