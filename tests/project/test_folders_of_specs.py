"""Specs in folders: one name in two of them, links in circles, names that are almost those of files."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from archdsl.cli import app

SPEC = """arch 1
network Net() { input x: f32[N, 3, 8, 8]; output y = x -> conv(4, 3) }
variant small = Net()
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two kinds with a file of the same name and a variant of the same name, one of them linked to the whole."""
    for kind in ("a", "b"):
        (tmp_path / "specs" / kind).mkdir(parents=True)
        (tmp_path / "specs" / kind / "net.arch").write_text(SPEC, encoding="utf-8")
    (tmp_path / "specs" / "empty").mkdir()
    (tmp_path / "specs" / "a" / "loop").symlink_to(tmp_path / "specs")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, list(arguments))
    return done.exit_code, done.output


def test_both_files_are_checked_once(folder: Path) -> None:
    status, text = said("check", "specs")
    assert status == 0 and "checked 2 targets, 2 networks" in text


@pytest.mark.parametrize("target", ["specs/a/net.arch", "specs/b/net.arch:small", "specs/a/../b/net.arch"])
def test_each_is_named_by_its_path(folder: Path, target: str) -> None:
    assert said("check", target)[0] == 0
    assert said("compile", target, "-o", "out.onnx")[0] == 0 and (folder / "out.onnx").is_file()


@pytest.mark.parametrize(
    ("arguments", "code", "help"),
    [
        (("check", "specs\\a\\net.arch"), "E0001", "did you mean `specs/a/net.arch`?"),
        (("check", "specs/a/net"), "E0001", "did you mean `specs/a/net.arch`?"),
        (("check", "specs/a/net.arch:large"), "E0004", "it has `small`, `Net`"),
        (("check", "specs/empty"), "E0001", ""),
        (("compile", "specs", "-o", "out.onnx"), "E0001", "name a file in it"),
        (("compile", "small", "-o", "out.onnx"), "E0003", "did you mean"),
        (("list", "no_such_kind"), "E0007", "`archdsl list` lists all"),
    ],
)
def test_wrong_names_end_in_a_message(folder: Path, arguments: tuple[str, ...], code: str, help: str) -> None:
    status, text = said(*arguments)
    assert status == 2 and f"error[{code}]" in text and help in text
    assert not (folder / "out.onnx").exists()
