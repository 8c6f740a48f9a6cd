"""The tutorial of docs/weights.md, as it stands: a generated module trains, and its weights come back."""

from __future__ import annotations

import pytest
from console import run
from markdown import fences
from paths import ROOT


@pytest.mark.reference
def test_the_tutorial_works(tmp_path, monkeypatch) -> None:
    blocks = fences(ROOT / "docs" / "weights.md")
    for block in blocks:
        if "file" in block.options:
            (tmp_path / block.options["file"]).write_text(block.text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert run("archdsl compile stripes.arch --backend torch -o stripes.py", tmp_path).status == 0
    scope: dict[str, object] = {}
    for block in (b for b in blocks if b.lang == "python"):
        exec(compile(block.text, "docs/weights.md", "exec"), scope)
    compiled = "archdsl compile stripes.arch --weights stripes.pth -o again.onnx"
    assert run(compiled, tmp_path).status == 0
    assert run("archdsl verify again.onnx --against stripes.py --layers", tmp_path).status == 0
    assert run("archdsl weights export again.onnx -o again.safetensors", tmp_path).status == 0
    assert (
        run(compiled.replace("stripes.pth", "again.safetensors").replace("again.onnx", "b.onnx"), tmp_path).status == 0
    )
    assert run("archdsl verify b.onnx --against again.onnx", tmp_path).status == 0
