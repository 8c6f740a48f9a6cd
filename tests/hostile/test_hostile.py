"""Specs that mean harm end in a located error (or are legal), within two seconds and in little memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from console import run
from hostile import GROUPS
from paths import SUPPORT
from process import HANGS

from archdsl.tape.limits import Limits

SECONDS = 4.0
"""Processor time for one spec: two seconds on an idle machine, twice that beside other tests on shared cores."""
MEBIBYTES = 400
"""Memory of a process that checks a group of them, one after the other."""

CASES = [(group, name) for group, cases in GROUPS.items() for name in cases]


@cache
def examined(group: str) -> tuple[dict[str, dict[str, Any]], int]:
    """The outcome of every spec of a group, and the greatest memory, from a process of its own."""
    command = [sys.executable, str(SUPPORT / "hostile.py"), group]
    done = subprocess.run(command, capture_output=True, text=True, timeout=HANGS)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    *outcomes, last = map(json.loads, done.stdout.splitlines())
    return {outcome["name"]: outcome for outcome in outcomes}, last["memory"]


@pytest.mark.parametrize(("group", "name"), CASES, ids=lambda value: str(value))
def test_spec(group: str, name: str) -> None:
    outcomes, memory = examined(group)
    outcome = outcomes[name]
    expected = GROUPS[group][name][1]
    errors = {code for code in outcome["codes"] if code.startswith("E")}
    assert errors == ({expected} if expected else set()), outcome
    assert len(outcome["codes"]) <= 300 and outcome["printed"] < 1_000_000, outcome
    assert outcome["located"], outcome
    assert outcome["seconds"] < SECONDS, outcome
    assert memory < MEBIBYTES


# Files that are none

MAIN = 'arch 1\nuse "other.arch" (f)\nnetwork Net() { input x: f32[N, 8, 8, 8]; f }\n'


def odd_files(folder: Path) -> dict[str, str]:
    """Paths that are no ordinary files, and what is said of them."""
    (folder / "folder.arch").mkdir()
    os.mkfifo(folder / "pipe.arch")
    (folder / "socket.arch").symlink_to("/dev/zero")
    (folder / "loop.arch").symlink_to("loop.arch")
    (folder / "binary.arch").write_bytes(bytes(range(256)) * 100)
    (folder / "empty.arch").write_bytes(b"")
    return {
        "folder.arch": "E0001", "pipe.arch": "E0001", "socket.arch": "E0001", "loop.arch": "E0001", "none.arch": "E0001",
        "binary.arch": "E0002", "empty.arch": "E0105",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["folder", "pipe", "socket", "loop", "none", "binary", "empty"])
def test_odd_file(name: str, tmp_path: Path) -> None:
    expected = odd_files(tmp_path)[f"{name}.arch"]
    done = run(f"archdsl check ./{name}.arch", tmp_path)
    assert done.status in (1, 2) and f"[{expected}]" in done.output, done.output


@pytest.mark.parametrize("name", ["folder", "pipe", "socket", "loop", "none", "binary"])
def test_import_of_an_odd_file(name: str, tmp_path: Path) -> None:
    odd_files(tmp_path)
    (tmp_path / "main.arch").write_text(MAIN.replace("other", name))
    done = run("archdsl check main.arch", tmp_path)
    assert done.status in (1, 2) and "main.arch:2:1" in done.output, done.output
    assert "[E0213]" in done.output or "[E0214]" in done.output or "[E0002]" in done.output


def test_an_unreadable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str, flags: int) -> int:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "secret.arch").write_text("arch 1\n")
    monkeypatch.setattr("archdsl.files._opener", refuse)
    done = run("archdsl check secret.arch", tmp_path)
    assert done.status in (1, 2) and "[E0001]" in done.output and "Permission denied" in done.output


@pytest.mark.parametrize("path", ["x" * 5000, "loop.arch", "../" * 2000, "", ".", "//", "con\\"])
def test_import_of_an_odd_path(path: str, tmp_path: Path) -> None:
    odd_files(tmp_path)
    (tmp_path / "main.arch").write_text(MAIN.replace("other.arch", path.replace("\\", "\\\\")))
    done = run("archdsl check main.arch", tmp_path)
    assert done.status == 1 and "main.arch:2:1" in done.output, done.output
    assert "[E0213]" in done.output or "[E0214]" in done.output


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs /dev/zero")
@pytest.mark.parametrize("beginning", ["", '{"format": '])
def test_standard_input_without_end(beginning: str) -> None:
    line = f"(printf '%s' '{beginning}'; cat /dev/zero) | \"$0\" -c 'from archdsl.cli import main; main()' cost -"
    done = subprocess.run(["sh", "-c", line, sys.executable], capture_output=True, text=True, timeout=HANGS)
    assert done.returncode == 1 and "error[E0510]" in done.stderr, done.stderr


def test_a_chain_of_imports(tmp_path: Path) -> None:
    """Each file uses the next one: as deep as one likes."""
    for i in range(1500):
        (tmp_path / f"f{i}.arch").write_text(f'arch 1\nuse "f{i + 1}.arch" (b)\nblock c{i} = b\n')
    (tmp_path / "f1500.arch").write_text("arch 1\nblock b { relu }\n")
    (tmp_path / "main.arch").write_text(MAIN.replace("other", "f0").replace("(f)", "(b)").replace("; f ", "; b "))
    assert run("archdsl check main.arch", tmp_path).status in (0, 1)


def test_the_command_ends_without_a_traceback(tmp_path: Path) -> None:
    """The whole process, as a user starts it."""
    (tmp_path / "deep.arch").write_text("arch 1\nlet x = " + "(" * 10_000)
    command = [sys.executable, "-c", "from archdsl.cli import main; main()", "check", "deep.arch"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=HANGS)
    assert done.returncode == 1, done.stderr
    assert "E0511" in done.stdout and "Traceback" not in done.stdout + done.stderr


BY_NIGHT = pytest.mark.nightly


@cache
def chain(*operators: int) -> dict[str, Any]:
    """Processor time and memory of a chain, by operator, from a process of its own; a bound on them may follow."""
    command = [sys.executable, str(SUPPORT / "chain.py"), *map(str, operators)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=HANGS)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("long", [100_000, pytest.param(300_000, marks=BY_NIGHT)])
@pytest.mark.parametrize("figure", ["seconds", "kib"])
def test_more_operators_are_as_much_more_effort(figure: str, long: int) -> None:
    """Elaborated, counted and lowered: each operator costs what it costs in a chain of a tenth of them."""
    few, many = chain(long // 10), chain(long)
    assert (few["operators"], many["operators"], many["code"]) == (long // 10, long, "")
    assert many[figure] < 1.5 * few[figure], (few, many)


@pytest.mark.slow
@pytest.mark.parametrize("bound", [100_000, pytest.param(Limits().nodes, marks=BY_NIGHT)])
def test_the_bound_on_operators_is_a_bound_on_time_and_memory(bound: int) -> None:
    """What goes beyond it is refused having taken no more, by operator, than a short chain with its costs and model."""
    few, beyond = chain(10_000), chain(bound + 5, bound)
    assert beyond["code"] == "E0502"
    assert beyond["seconds"] < 1.5 * few["seconds"] and beyond["kib"] < 1.5 * few["kib"], (few, beyond)
