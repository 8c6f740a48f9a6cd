"""The quick parser agrees with typer on every command line it takes, and takes no other."""

import itertools
import re
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Annotated

import pytest
import typer
from paths import ROOT
from typer.testing import CliRunner

from archdsl.cli import COMMANDS
from archdsl.cli.exit import outcome
from archdsl.cli.quick import quick
from archdsl.cli.signature import Arg, opt, params
from archdsl.cli.typed import for_typer

SEEN = []


def sample(
    names: Annotated[list[str], Arg("several")],
    out: Annotated[str | None, opt("--out", "-o", help="one")] = None,
    many: Annotated[list[str] | None, opt("--many", help="again")] = None,
    count: Annotated[int, opt("--count", help="number", min=1)] = 3,
    flag: Annotated[bool, opt("--flag", help="switch")] = False,
    three: Annotated[bool | None, opt("--yes/--no", help="or neither")] = None,
) -> None:
    """A command."""
    SEEN.append((names, out, list(many or ()), count, flag, three))


WORDS = [
    "a",
    "-",
    "--out",
    "-o",
    "--out=x",
    "--many",
    "--many=y",
    "--count",
    "--count=4",
    "7",
    "--flag",
    "--no",
    "--yes",
]
ODD = ["--", "-x", "--count=0", "--count=x", "-ox", "--flag=1", "--help", "--fl", ""]


def by_typer(arguments):
    app = typer.Typer(rich_markup_mode=None)
    app.command()(for_typer(sample))
    SEEN.clear()
    done = CliRunner().invoke(app, list(arguments))
    return (done.exit_code, SEEN[0] if SEEN else None)


def by_hand(arguments):
    found = quick(sample, arguments)
    if found is None:
        return None
    SEEN.clear()
    sample(**found)
    return (0, SEEN[0])


@pytest.mark.parametrize("length", [0, 1, 2])
def test_agreement_on_every_short_command_line(length):
    taken = 0
    for arguments in itertools.product([*WORDS, *ODD], repeat=length):
        ours = by_hand(arguments)
        if ours is not None:
            taken += 1
            assert ours == by_typer(arguments), arguments
    assert taken or length == 0


def test_plain_lines_are_taken():
    assert by_hand(["a", "b", "-o", "x", "--many", "1", "--many=2", "--count", "5", "--flag", "--no"]) == (
        0, (["a", "b"], "x", ["1", "2"], 5, True, False),
    )  # fmt: skip
    assert by_hand(["--count", "5", "a"]) == (0, (["a"], None, [], 5, False, None))


@pytest.mark.parametrize("word", ODD[:-1])
def test_odd_lines_are_left_to_typer(word):
    assert by_hand(["a", word]) is None


@pytest.mark.parametrize("name", COMMANDS)
def test_every_parameter_of_every_command_has_a_role_and_help(name):
    for param in params(import_module(f"archdsl.cli.{name}").command):
        assert param.role.help and not param.role.help.endswith("."), param.name
        assert param.kind in (str, int, bool, Path) or param.kind == list[str]


def test_every_command_is_listed():
    files = Path(import_module("archdsl.cli").__file__).parent.glob("*.py")
    assert {file.stem for file in files if "\ndef command(" in file.read_text(encoding="utf-8")} == set(COMMANDS)


def test_the_page_on_adding_a_command_is_true(monkeypatch, capsys):
    """Its two files, as they stand there, make a command."""
    page = (ROOT / "docs" / "add_a_command.md").read_text(encoding="utf-8")
    names = re.findall(r"`(archdsl/\w+/deepest)\.py`", page)
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    for name, block in zip(dict.fromkeys(names), blocks, strict=True):
        module = ModuleType(name.replace("/", "."))
        monkeypatch.setitem(sys.modules, module.__name__, module)
        exec(compile(block, name, "exec"), vars(module))
    assert outcome(sys.modules["archdsl.cli.deepest"].command, {"target": "resnet18"}) == 0
    assert capsys.readouterr().out == "layer2.0.downsample.0  3\n"
    assert outcome(sys.modules["archdsl.cli.deepest"].command, {"target": "nowhere.arch"}) == 2
