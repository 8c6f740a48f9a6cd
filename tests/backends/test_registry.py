"""Backends are found by name: those that come along without reading entry points, others through them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata

import pytest
from packages import forget

from archdsl import offers, registry
from archdsl.diagnostics import DiagnosticError


def test_the_built_in_backend_is_the_declared_entry_point() -> None:
    assert registry.backend("onnx").name == "onnx"
    points = metadata.distribution("archdsl").entry_points.select(group=offers.BACKENDS)
    assert {point.name: point.value for point in points} == registry.BUILT_IN
    assert set(registry.BUILT_IN) <= set(registry.names())


def test_finding_the_built_in_one_reads_no_entry_points() -> None:
    program = (
        "import sys\nfrom archdsl.registry import backend\nbackend('onnx')\n"
        "assert 'importlib.metadata' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.fixture
def fresh() -> Iterator[None]:
    forget()
    yield
    forget()


@pytest.mark.usefixtures("fresh")
def test_other_packages_can_offer_backends(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [
        metadata.EntryPoint("mine", "archdsl.backends.onnx:OnnxBackend", offers.BACKENDS),
        metadata.EntryPoint("broken", "no_such_module:backend", offers.BACKENDS),
    ]
    monkeypatch.setattr(metadata, "entry_points", lambda group: points if group == offers.BACKENDS else [])
    assert registry.backend("mine").suffix == ".onnx"
    for name in ("broken", "min"):
        with pytest.raises(DiagnosticError) as caught:
            registry.backend(name)
        assert caught.value.diagnostics[0].code == "E0605"
    assert caught.value.diagnostics[0].help == "did you mean `mine`?"
