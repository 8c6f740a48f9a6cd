"""``docs/foreign_models.md``: what it says is what happens, with a model that PyTorch exports."""

from __future__ import annotations

from pathlib import Path

import pytest
from console import commands, run, steady
from markdown import fences
from paths import ROOT

PAGE = ROOT / "docs" / "foreign_models.md"


def test_the_page_does_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    for fence in fences(PAGE):
        if "file" in fence.options and fence.lang != "python":
            (tmp_path / fence.options["file"]).write_text(fence.text, encoding="utf-8")
        elif fence.lang == "python":
            exec(compile(fence.text, "export.py", "exec"), {"__name__": "__main__"})
        for command, shown in commands(fence.text) if fence.lang == "console" else ():
            done = run(command, tmp_path)
            kept, elided, _ = steady(shown).partition("\n[…]")
            printed = steady(done.output)
            assert printed.startswith(kept) if elided else printed == kept, f"$ {command}\n{done.output}"
