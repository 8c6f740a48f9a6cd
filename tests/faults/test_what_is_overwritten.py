"""No file is lost to a mistyped name: endings, backends, files that archdsl did not write."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from faults import again, archdsl, fault, network

NET = network("linear(5)")
SOURCE = "x = 1\n"

CLASHES = {
    "another spec": ("compile net.arch -o other.arch", "other.arch"),
    "a script": ("compile net.arch -o train.py", "train.py"),
    "a model from elsewhere": ("compile net.arch -o theirs.onnx", "theirs.onnx"),
    "a spec by run": ("run net.arch --save other.arch", "other.arch"),
    "arrays from elsewhere": ("run net.arch --save data.npz", "data.npz"),
    "weights from elsewhere": (
        "compile net.arch -o net.onnx && archdsl weights export net.onnx -o theirs.safetensors", "theirs.safetensors",
    ),
    "a spec by weights": ("compile net.arch -o net.onnx && archdsl weights export net.onnx -o other.arch", "other.arch"),
    "a spec by a baseline": ("check net.arch --save-baseline other.arch", "other.arch"),
    "data by a baseline": ("check net.arch --save-baseline data.json", "data.json"),
    "a page by a report": ("check net.arch --report markdown=README.md", "README.md"),
    "data by a report": ("check net.arch --report json=data.json", "data.json"),
    "data by gitlab": ("lint net.arch --report gitlab=data.json", "data.json"),
    "data by SARIF": ("lint net.arch --report sarif=data.json", "data.json"),
    "a page by JUnit": ("check net.arch --report junit=page.xml", "page.xml"),
    "a spec by init": ("init other.arch", "other.arch"),
}  # fmt: skip


@fault(
    "N02",
    "an output was written under whatever name it had, over whatever was there, as what the default backend writes",
    "compile, weights export, run --save, check --save-baseline, --report of every form; endings .pt .tflite .json, none; "
    "--backend against the ending; `-` as a file's name",
)
@pytest.mark.parametrize(("line", "name"), CLASHES.values(), ids=CLASHES.keys())
def test_a_file_that_archdsl_did_not_write_stays(tmp_path: Path, line: str, name: str) -> None:
    content = network("sigmoid") if name.endswith(".arch") else SOURCE
    (tmp_path / name).write_text(content)
    done = archdsl(tmp_path, line, net__arch=NET)
    assert done.status == 2, done.output
    assert "error[E000" in done.output and "help:" in done.output
    assert (tmp_path / name).read_text() == content


WRITTEN = {
    "onnx": "compile net.arch -o net.onnx",
    "torch": "compile net.arch -o net.py",
    "arrays": "run net.arch --save out.npz",
    "weights": "compile net.arch -o net.onnx && archdsl weights export net.onnx",
    "baseline": "check net.arch --save-baseline base.json",
    "reports": "check net.arch --report sarif=a.sarif,junit=b.xml,gitlab=c.json,markdown=d.md,json=e.json",
    "reports of lint": "lint net.arch --report sarif=a.sarif,junit=b.xml,gitlab=c.json,markdown=d.md,json=e.json",
}


@again("N02")
@pytest.mark.parametrize("line", WRITTEN.values(), ids=WRITTEN.keys())
@pytest.mark.parametrize("body", ["relu", "linear(5) -> drop_path(0.2)"])
def test_what_archdsl_wrote_is_replaced(tmp_path: Path, line: str, body: str) -> None:
    for _ in range(2):
        done = archdsl(tmp_path, line, net__arch=network(body))
        assert done.status in (0, 1), done.output
        assert "error[E000" not in done.output
    with np.load(tmp_path / "out.npz") if (tmp_path / "out.npz").exists() else np.errstate() as arrays:
        assert arrays is None or list(arrays)


@again("N02")
@pytest.mark.parametrize(
    "output", ["net.arch2", "model.pt", "model.pth", "model.tflite", "model.json", "model", "model.txt", "new.arch"]
)
def test_an_ending_of_no_backend_is_refused(tmp_path: Path, output: str) -> None:
    done = archdsl(tmp_path, f"compile net.arch -o {output}", net__arch=NET)
    assert done.status == 2 and "error[E0007]" in done.output
    assert ".onnx`" in done.output and ".py`" in done.output
    assert not (tmp_path / output).exists()


@again("N02")
@pytest.mark.parametrize(("backend", "output"), [("torch", "net.onnx"), ("onnx", "net.py")])
def test_a_backend_against_the_ending_is_refused(tmp_path: Path, backend: str, output: str) -> None:
    done = archdsl(tmp_path, f"compile net.arch --to {backend} -o {output}", net__arch=NET)
    assert done.status == 2 and "error[E0007]" in done.output and "--to" in done.output
    assert not (tmp_path / output).exists()


@again("N02")
def test_the_ending_chooses_the_backend(tmp_path: Path) -> None:
    done = archdsl(tmp_path, "compile net.arch -o net.py", net__arch=NET)
    assert done.status == 0, done.output
    compile((tmp_path / "net.py").read_text(), "net.py", "exec")
    done = archdsl(tmp_path, "compile net.arch --opset 18 -o net2.py", net__arch=NET)
    assert done.status == 2, "an option of another backend"


@again("N02")
@pytest.mark.parametrize("backend", ["onnx", "torch"])
def test_a_dash_is_standard_output(tmp_path: Path, backend: str) -> None:
    name = "net.onnx" if backend == "onnx" else "net.py"
    done = archdsl(tmp_path, f"compile net.arch -o {name} --to {backend}", net__arch=NET)
    assert done.status == 0, done.output
    piped = subprocess.run(
        [sys.executable, "-P", "-m", "archdsl", "compile", "net.arch", "--to", backend, "-o", "-"],
        cwd=tmp_path, capture_output=True, check=False, env={**os.environ},
    )  # fmt: skip
    assert piped.returncode == 0, piped.stderr
    assert piped.stdout == (tmp_path / name).read_bytes()
    assert not (tmp_path / "-").exists()


@again("N02")
@pytest.mark.parametrize(
    "line",
    [
        "run net.arch --save -", "check net.arch --save-baseline -", "check net.arch --report json=-",
        "compile net.arch -o net.onnx && archdsl weights export net.onnx -o -",
    ],
)  # fmt: skip
def test_a_dash_is_no_file(tmp_path: Path, line: str) -> None:
    done = archdsl(tmp_path, line, net__arch=NET)
    assert done.status == 2 and "standard output" in done.output
    assert not (tmp_path / "-").exists()
