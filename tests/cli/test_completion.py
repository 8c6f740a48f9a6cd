"""What shells complete, asked as a shell asks; and that every example in the help runs."""

from __future__ import annotations

import shlex
from importlib import import_module
from unittest.mock import patch

import pytest
from console import run

from archdsl.cli import COMMANDS

SPEC = "arch 1\nnetwork Net(width = 8) { input x: f32[N, 3, 8, 8]; conv(width, 3) }\nvariant one = Net()\nvariant two = Net()\n"


def completed(line: str, folder) -> list[str]:
    """The continuations of the last word of ``archdsl …``, from the script that a shell calls."""
    words = f"archdsl {line}"
    asked = {"_ARCHDSL_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    with patch.dict("os.environ", asked):
        return run("archdsl ", folder).output.split()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("cost wide_resnet50", ["wide_resnet50_2"]),
        ("cost mine.arch:t", ["mine.arch:two"]),
        ("check min", ["mine.arch"]),
        ("cost lenet5 --format m", ["markdown"]),
        ("cost lenet5 --as torchi", ["torchinfo"]),
        ("cost mine.arch --set w", ["width=8"]),
        ("explain E0304", ["E0304"]),
        ("lint mine.arch --select W0402", ["W0402"]),
        ("ops residu", ["residual"]),
        ("cost missing.arch:", []),
    ],
)
def test_a_shell_completes(line: str, expected: list[str], tmp_path) -> None:
    (tmp_path / "mine.arch").write_text(SPEC)
    assert completed(line, tmp_path) == expected


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_has_choices_and_an_example_that_is_a_command_line(name: str, tmp_path) -> None:
    done = run(f"archdsl {name} --help", tmp_path)
    assert done.status == 0 and "list[" not in done.output and "<str>" not in done.output
    example = import_module(f"archdsl.cli.{name}").EXAMPLE
    assert " ".join(example.split()) in " ".join(done.output.split())
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "one.arch").write_text(SPEC)
    words = shlex.split(example)
    assert words[:2] == ["archdsl", name]
    tried = run(example, tmp_path)
    missing = {"run": "photo.jpg", "verify": "model.onnx", "weights": "resnet50.safetensors"}
    assert tried.status == (2 if name in missing else tried.status) and tried.status in (0, 1, 2)
    assert "Usage:" not in tried.output and missing.get(name, "") in tried.output
