"""Every command, on whatever it is given, ends in a message with a code and a status; never in a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest
from console import run
from paths import ROOT

from archdsl.cli import COMMANDS

LINES = {
    "compile": "compile FILE -o out.onnx",
    "check": "check FILE",
    "cost": "cost FILE",
    "diff": "diff FILE lenet5",
    "which": "which FILE",
    "lint": "lint FILE",
    "fit": "fit FILE --vary width=1..2 --budget macs<=1M",
    "show": "show FILE",
    "fmt": "fmt --check FILE",
    "ops": "ops FILE",
    "explain": "explain FILE",
    "run": "run FILE",
    "verify": "verify FILE --against FILE",
    "weights": "weights inspect FILE",
    "doctor": "doctor",
    "init": "init FILE",
    "list": "list FILE",
    "report": "report FILE -o out.html",
    "view": "view --no-browser FILE",
}
"""Each command, applied to a file."""

FILES = {
    "nowhere.arch": None, "folder.arch": "a folder", "empty.arch": b"", "bytes.arch": b"\xff\xfe\x00arch",
    "half.arch": b"arch 1\nnetwork Net( {", "wrong.arch": b"arch 1\nnetwork Net() { input x: f32[N, 3, 8, 8]; conv(8); output y }",
    "deep.arch": b"arch 1\nlet x = " + b"(" * 500 + b"1" + b")" * 500, "text.json": b"{", "list.json": b"[]",
    "graph.yaml": b"format: other", "noise.onnx": b"\x08\x07\x12noise", "empty.onnx": b"", "noise.pth": b"PK\x03\x04", "noise.npz": b"",
    "noise.safetensors": b"\xff" * 16, "module.py": b"raise SystemExit(7)", "no_such_name": None, "no such: name": None,
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """For each test anew: `init` writes what is not there, and `view` would serve it without end."""
    for name, content in FILES.items():
        if isinstance(content, bytes):
            (tmp_path / name).write_bytes(content)
        elif content:
            (tmp_path / name).mkdir()
    (tmp_path / "specs").symlink_to(ROOT / "specs")
    return tmp_path


def test_every_command_is_tried() -> None:
    assert set(LINES) == set(COMMANDS)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_ends_in_a_message_and_a_status(command: str, name: str, folder: Path) -> None:
    done = run(f"archdsl {LINES[command].replace('FILE', repr(name))}", folder)
    assert done.status in (0, 1, 2), done.output
    assert "Traceback" not in done.output and "bug in archdsl" not in done.output
    if done.status and command != "doctor":
        told = ("error[E", "Usage: archdsl", "would change")
        assert any(text in done.output for text in told), done.output
