"""The same spec gives the same bytes: in any folder, with any hash seed, with any number of threads, next year."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import onnx
import pytest
from paths import SPECS, tool
from zoo_models import symbolic

import archdsl

pytestmark = pytest.mark.slow

hashes = tool("hashes")


# Whole processes


ENVIRONMENTS = [("one", "0", "1"), ("another folder", "1", "2"), ("ein dritter Ordner/tiefer/ä", "4242", "5")]
"""Folder, hash seed, threads."""


COMMAND = ["-c", "from archdsl.cli import main; main()"]


def process(arguments: list[str], folder: Path, seed: str, threads: str) -> None:
    """A fresh interpreter with nothing inherited that could make two runs alike."""
    settings = {"PYTHONHASHSEED": seed, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=os.environ | settings, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("options", [[], ["--deploy", "--seed", "3"], ["--external-data", "--init", "xavier_normal"]])
def test_the_command_writes_the_same_file_anywhere(options: list[str], tmp_path: Path) -> None:
    """``archdsl compile`` on copies of one spec: initial weights, metadata and all."""
    digests = []
    for name, seed, threads in ENVIRONMENTS:
        folder = tmp_path / name
        folder.mkdir(parents=True)
        shutil.copy(SPECS / "squeezenet.arch", folder / "net.arch")
        process([*COMMAND, "compile", "net.arch:squeezenet1_1", "-o", "net.onnx", *options], folder, seed, threads)
        files = sorted(path for path in folder.iterdir() if path.suffix in (".onnx", ".data"))
        assert len(files) == (2 if "--external-data" in options else 1)
        digests.append([(path.name, hashlib.sha256(path.read_bytes()).hexdigest()) for path in files])
    assert digests[0] == digests[1] == digests[2]


COMPILE = """
import sys, archdsl
graph = archdsl.load(sys.argv[1]).graph("resnet18")
archdsl.compile(graph, "net.onnx", threads=int(sys.argv[2]))
"""


def test_threads_do_not_show(tmp_path: Path) -> None:
    """45 MB of weights in stretches that 1, 2 and 5 threads share out differently each time."""
    digests = set()
    for name, seed, threads in ENVIRONMENTS:
        folder = tmp_path / name
        folder.mkdir(parents=True)
        process(["-c", COMPILE, str(SPECS / "resnet.arch"), threads], folder, seed, threads)
        digests.add(hashlib.sha256((folder / "net.onnx").read_bytes()).hexdigest())
        (folder / "net.onnx").unlink()
    archdsl.compile(symbolic("resnet18"), tmp_path / "here.onnx")
    digests.add(hashlib.sha256((tmp_path / "here.onnx").read_bytes()).hexdigest())
    assert len(digests) == 1


def test_the_order_of_work_does_not_show(tmp_path: Path) -> None:
    """What was compiled before, in the same process and from the same program, leaves no trace."""
    alone, after = tmp_path / "alone.onnx", tmp_path / "after.onnx"
    archdsl.compile(archdsl.load(SPECS / "lenet.arch").graph("lenet5_1998"), alone)
    other = archdsl.load(SPECS / "lenet.arch")
    for variant in other.variants:
        archdsl.compile(other.graph(variant), after, seed=9)
    archdsl.compile(other.graph("lenet5_1998"), after)
    assert alone.read_bytes() == after.read_bytes()


@pytest.mark.parametrize(("given", "same"), [({}, True), ({"seed": 1}, False), ({"init": "lecun"}, False)])
def test_what_changes_the_bytes(given: dict[str, Any], same: bool, tmp_path: Path) -> None:
    """The comparison above can fail: another seed or scheme gives other bytes."""
    graph = symbolic("lenet5")
    archdsl.compile(graph, tmp_path / "a.onnx")
    archdsl.compile(graph, tmp_path / "b.onnx", **given)
    assert ((tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()) is same


# The random stream


PINNED = {
    ("lenet5", 0, "c1.conv.weight"): "604d9cd6dcb4a53d",
    ("lenet5", 7, "c1.conv.weight"): "b5764cd8ec87420a",
    ("lenet5", 0, "logits.weight"): "06e33425e18660a9",
    ("lenet5_1998", 0, "penalties.param"): "9a8255fb9ec8a301",
    ("squeezenet1_1", 0, "features.0.weight"): "5b4484cd848fd17b",
}
"""SHA-256 of the bytes in the file, by variant, seed and path. They never change: a file can be made again for ever."""


@pytest.mark.parametrize(("variant", "seed", "path"), PINNED)
def test_the_stream_in_a_file_is_pinned(variant: str, seed: int, path: str, tmp_path: Path) -> None:
    archdsl.compile(symbolic(variant), tmp_path / "net.onnx", seed=seed)
    (tensor,) = (t for t in onnx.load(tmp_path / "net.onnx").graph.initializer if t.name == path)
    assert hashlib.sha256(tensor.raw_data).hexdigest()[:16] == PINNED[variant, seed, path]


# Replay before refactor


def test_no_hash_moved() -> None:
    """If a result was meant to change: ``python tools/hashes.py``, and say so in the change."""
    assert hashes.moved(hashes.kept(), hashes.current()) == []


def test_the_file_is_as_the_tool_writes_it() -> None:
    assert hashes.TARGET.read_text(encoding="utf-8") == hashes.document(hashes.kept())


def reworded(text: str) -> str:
    """The text with every comment replaced, and blank lines between the statements of definitions."""
    return re.sub(r"^( *)##? .*$", r"\1# something else", text, flags=re.MULTILINE)


def test_a_comment_moves_no_hash() -> None:
    text = (SPECS / "squeezenet.arch").read_text(encoding="utf-8")
    assert reworded(text) != text
    changed = archdsl.load(reworded(text))
    for variant in changed.variants:
        assert hashes.hashes_of(changed.graph(variant)) == hashes.hashes_of(symbolic(variant))


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        ("stride = 2, pad = valid) -> relu", "stride = 2, pad = valid) -> relu6", {"graph", "onnx"}),
        ("expand1x1", "expand1", {"graph", "onnx"}),
        ("classifier: classify(classes)", "classifier: classify(classes + 1)", {"graph", "onnx"}),
        ("dropout(0.5)", "dropout(0.4)", {"graph"}),
    ],
)
def test_a_change_moves_a_hash(old: str, new: str, parts: set[str]) -> None:
    text = (SPECS / "squeezenet.arch").read_text(encoding="utf-8")
    assert old in text
    before = hashes.hashes_of(symbolic("squeezenet1_0"))
    after = hashes.hashes_of(archdsl.load(text.replace(old, new)).graph("squeezenet1_0"))
    assert {part for part in before if before[part] != after[part]} == parts
