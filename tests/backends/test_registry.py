"""Backends are found by name: those that come along without reading entry points, others through them."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata

import pytest

from archdsl import registry
from archdsl.diagnostics import DiagnosticError


def test_the_built_in_backend_is_the_declared_entry_point() -> None:
    assert registry.backend("onnx").name == "onnx"
    assert registry.installed()["onnx"] == registry.BUILT_IN["onnx"]
    assert "onnx" in registry.names()


def test_finding_the_built_in_one_reads_no_entry_points() -> None:
    program = (
        "import sys\nfrom archdsl.registry import backend\nbackend('onnx')\n"
        "assert 'importlib.metadata' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_other_packages_can_offer_backends(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [
        metadata.EntryPoint("mine", "archdsl.backends.onnx:OnnxBackend", registry.GROUP),
        metadata.EntryPoint("broken", "no_such_module:backend", registry.GROUP),
    ]
    monkeypatch.setattr(metadata, "entry_points", lambda group: points if group == registry.GROUP else [])
    assert registry.backend("mine").suffix == ".onnx"
    for name in ("broken", "min"):
        with pytest.raises(DiagnosticError) as caught:
            registry.backend(name)
        assert caught.value.diagnostics[0].code == "E0605"
    assert caught.value.diagnostics[0].help == "did you mean `mine`?"
