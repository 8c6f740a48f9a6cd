"""An editable install is resolved by what reads code without running it, and by a notebook, beside the clone as in it.

A copy of the checkout, called ``archdsl``, is installed in an environment of its own as the README says; the folder above
it is where users have their scripts, and there the copy's folder must not pass for the package.

    pip install basedpyright nbclient ipykernel && pytest -m layout
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from paths import ROOT

pytestmark = pytest.mark.layout

SCRIPT = """from typing import reveal_type

import archdsl
import archdsl.backends.onnx as engine

program = archdsl.load("arch 1\\nnetwork Net() { input x: f32[N, 3, 8, 8]; conv(4, 3); output y }\\n")
reveal_type(program)
graph = program.graph()
reveal_type(graph)
reveal_type(archdsl.cost(graph))
reveal_type(engine.backend)
"""
TYPES = ["Program", "Graph", "CostTable", "OnnxBackend"]
PLACES = ["the clone", "the folder above"]
TOP = ["archdsl", "backends", "grammars", "specs", "tests", "cli.py", "pyproject.toml", "README.md", "LICENSE"]
"""What of a checkout could lead a tool astray, or is needed to install it."""
Run = subprocess.CompletedProcess[str]


class Installed(NamedTuple):
    """A clone called ``archdsl``, and the interpreter of the environment that it is installed in."""

    clone: Path
    python: Path

    def place(self, name: str) -> Path:
        """Where a user works; SCRIPT lies there as ``user.py``."""
        folder = self.clone if name == "the clone" else self.clone.parent
        (folder / "user.py").write_text(SCRIPT, encoding="utf-8")
        return folder


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The README's ``pip install -e .``; what the package needs is lent by the environment of the tests."""
    home = tmp_path_factory.mktemp("layout")
    clone = home / "work" / "archdsl"
    clone.mkdir(parents=True)
    for name in TOP:
        if (ROOT / name).is_symlink() or (ROOT / name).is_file():
            shutil.copy2(ROOT / name, clone / name, follow_symlinks=False)
        else:
            shutil.copytree(ROOT / name, clone / name)
    must([sys.executable, "-m", "venv", "--without-pip", str(home / "venv")], home)
    python = home / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    site = Path(
        must([str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], home).stdout.strip()
    )
    lent = [path for path in sys.path if Path(path).name == "site-packages"]
    (site / "lent.pth").write_text("\n".join(lent), encoding="utf-8")  # the editable installs among them do not count
    must([sys.executable, "-m", "pip", "--python", str(python), "install", "-q", "--no-deps", "-e", "."], clone)
    return Installed(clone, python)


def must(command: list[str], folder: Path) -> Run:
    """Run a command that has to succeed."""
    done = asked(command, folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def asked(command: list[str], folder: Path) -> Run:
    """Run a command as a user would: nothing but the installation leads to the package."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "MYPYPATH")}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("place", PLACES)
def test_mypy_knows_the_types(installed: Installed, place: str) -> None:
    cache = installed.clone.parent.parent / "mypy"
    done = must(
        [sys.executable, "-m", "mypy", "--strict", "--python-executable", str(installed.python), "--cache-dir", str(cache), "user.py"],
        installed.place(place),
    )  # fmt: skip
    assert [name.rpartition(".")[2] for name in re.findall(r'Revealed type is "(.*)"', done.stdout)] == TYPES


@pytest.mark.parametrize("place", PLACES)
def test_basedpyright_knows_the_types(installed: Installed, place: str) -> None:
    """The language server of several editors."""
    done = asked(
        [sys.executable, "-m", "basedpyright", "--pythonpath", str(installed.python), "--outputjson", "user.py"],
        installed.place(place),
    )
    found = json.loads(done.stdout)["generalDiagnostics"]
    assert [f["message"] for f in found if f["severity"] != "information"] == []
    assert [re.findall(r' is "(\w+)"', f["message"])[0] for f in found] == TYPES


NOTEBOOK = """
import sys, nbformat
from nbclient import NotebookClient
from jupyter_client.manager import KernelManager
from jupyter_client.kernelspec import KernelSpec

class Manager(KernelManager):
    kernel_spec = KernelSpec(argv=[sys.argv[1], "-m", "ipykernel_launcher", "-f", "{connection_file}"], display_name="archdsl", language="python")

cells = [nbformat.v4.new_code_cell(text) for text in sys.stdin.read().split("# cell")]
book = nbformat.v4.new_notebook(cells=cells)
manager = Manager()
NotebookClient(book, km=manager, timeout=600, resources={"metadata": {"path": "."}}).execute()
for cell in book.cells:
    for output in cell.outputs:
        print("".join(output.get("text", "") or output["data"]["text/plain"]))
"""

CELLS = """import archdsl
import archdsl.backends.onnx
archdsl.__file__
# cell
program = archdsl.load("arch 1\\nnetwork Net() { input x: f32[N, 3, 8, 8]; conv(4, 3); output y }\\n")
graph = program.graph()
type(archdsl.backends.onnx.backend).__name__
# cell
print(archdsl.cost(graph).total("params"))
"""


@pytest.mark.parametrize("place", PLACES)
def test_a_notebook_imports_the_package(installed: Installed, place: str) -> None:
    """3 * 3 * 3 * 4 weights and 4 biases; without PyTorch or a terminal."""
    folder = installed.place(place)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", NOTEBOOK, str(installed.python)], input=CELLS, cwd=folder, env=environment,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    file, engine, total = done.stdout.split()
    assert Path(file.strip("'")) == installed.clone / "archdsl" / "__init__.py"
    assert engine.strip("'") == "OnnxBackend" and total == "112"
