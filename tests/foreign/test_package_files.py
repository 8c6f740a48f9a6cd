"""Real files of public packages, counted elsewhere: figures are equal, or said to be lower bounds, never others.

``tests/data/foreign_files.csv`` names the files by package, version and SHA-256, with what was counted from the
operators' definitions over the shapes of a run of ONNX Runtime with every value exposed, what no output depends on
included. Those that lie in installed wheels are read in each run; the others are fetched.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import urllib.request
import zipfile
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path

import onnx
import pytest
from paths import ROOT

import archdsl
from archdsl.diagnostics import DiagnosticError
from archdsl.foreign.names import symbol_name


def rows(name: str) -> list[dict[str, str]]:
    with (ROOT / "tests/data" / name).open(newline="") as table:
        return list(csv.DictReader(table))


FILES, UNOPENED = rows("foreign_files.csv"), rows("foreign_unopened.csv")
"""Those that were looked at while the readers were written, and ten that were first read when they were done."""
INSTALLED = ("onnx", "onnxruntime")
KEPT = Path(os.environ.get("ARCHDSL_FOREIGN_FILES", Path.home() / ".cache/archdsl/foreign_files"))
"""Where files are kept that were fetched."""
COMPLETE = 0.9
"""The part of the files whose figures have to be known whole."""


def _named(row: Mapping[str, str]) -> str:
    return f"{row['package']}/{row['file']}"


def installed(row: Mapping[str, str]) -> Path | None:
    """The file in an installed wheel, if it is the one that was counted."""
    for found in metadata.files(row["package"]) or ():
        if found.name == row["file"]:
            path = Path(str(found.locate()))
            return path if hashlib.sha256(path.read_bytes()).hexdigest() == row["sha256"] else None
    return None


def fetched(row: Mapping[str, str]) -> Path:
    """The file, from its package unless it is kept already."""
    path = KEPT / f"{row['sha256'][:16]}.onnx"
    if not path.exists():
        content = next(
            (data for name, data in _members(row) if hashlib.sha256(data).hexdigest() == row["sha256"]), None
        )
        if content is None:
            pytest.fail(f"{_named(row)} is not in the package as it was counted")
        KEPT.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return path


def _members(row: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    """The models in a package: of PyPI, or of npm (``npm_``, with ``_`` behind the scope)."""
    package, version = row["package"], row["version"]
    if package.startswith("npm_"):
        scope, _, name = package.removeprefix("npm_").rpartition("_")
        home = f"@{scope}/{name}" if scope else name
        url = f"https://registry.npmjs.org/{home}/-/{name}-{version}.tgz"
        with urllib.request.urlopen(url, timeout=120) as answer:
            content = io.BytesIO(answer.read())
        with tarfile.open(fileobj=content) as packed:
            yield from _unpacked(packed)
        return
    folder = KEPT / "packages"
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "--no-deps", "-q", "-d", str(folder), f"{package}=={version}"], check=True
    )  # fmt: skip
    for path in folder.glob(f"{package}-*"):
        if path.suffix == ".whl":
            with zipfile.ZipFile(path) as wheel:
                for name in wheel.namelist():
                    if name.endswith(".onnx"):
                        yield name, wheel.read(name)
        else:
            with tarfile.open(path) as packed:
                yield from _unpacked(packed)


def _unpacked(packed: tarfile.TarFile) -> Iterator[tuple[str, bytes]]:
    for member in packed.getmembers():
        content = packed.extractfile(member) if member.name.endswith(".onnx") else None
        if content is not None:
            yield member.name, content.read()


def sizes(path: Path, inputs: str) -> dict[str, int]:
    """What has to be bound so that inputs are as in the table: sizes by symbol, and numbers that are inputs by name."""
    asked = {}
    for one in inputs.split("; "):
        name, _, type = one.rpartition("]")[0].rpartition(":")
        given = one.rpartition("]")[2].removeprefix("=")
        asked[name] = (json.loads(f"[{type.partition('[')[2]}]"), given)
    numbers = {name: int(given) for name, (_, given) in asked.items() if given.isdigit()}
    found = dict(numbers)
    for port in onnx.load(str(path), load_external_data=False).graph.input:
        if port.name not in asked:
            continue
        for axis, (dim, size) in enumerate(zip(port.type.tensor_type.shape.dim, asked[port.name][0], strict=True)):
            if not dim.HasField("dim_value") or dim.dim_value < 1:
                named = any(map(str.isalpha, dim.dim_param))
                found[dim.dim_param if named else symbol_name(f"{port.name}_{axis}")] = size
    return found


def counted(row: Mapping[str, str], path: Path) -> bool:
    """Whether the figures are complete; then they have to be equal. What is refused has a code."""
    try:
        found = archdsl.cost(path, sizes(path, row["inputs"]))
        params, macs = found.total("params"), found.total("macs")
    except DiagnosticError as error:
        assert error.diagnostics[0].code != "E9999"
        return False
    if found.partial:
        assert macs <= int(row["macs"])
        return False
    assert (params, macs) == (int(row["params"]), int(row["macs"]))
    return True


@pytest.mark.parametrize("row", [row for row in FILES if row["package"] in INSTALLED], ids=_named)
def test_files_in_installed_packages(row: dict[str, str]) -> None:
    path = installed(row)
    if path is None:
        pytest.skip("another version of the package is installed")
    assert counted(row, path) or row["file"] == "logreg_iris.onnx"  # a classifier of another domain


@pytest.mark.nightly
def test_files_of_packages() -> None:
    """No figure is complete and another one; nearly all are complete."""
    found = [(row, installed(row) if row["package"] in INSTALLED else fetched(row)) for row in (*FILES, *UNOPENED)]
    complete = [counted(row, path) for row, path in found if path is not None]
    assert sum(complete) >= COMPLETE * len(complete) and len(complete) >= len(FILES)


def test_a_wrong_figure_is_seen() -> None:
    row = next(row for row in FILES if row["file"] == "light_squeezenet.onnx")
    path = installed(row)
    if path is None:
        pytest.skip("another version of the package is installed")
    for column in ("params", "macs"):
        with pytest.raises(AssertionError):
            counted({**row, column: str(int(row[column]) + 1)}, path)
