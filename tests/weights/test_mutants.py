"""Files that mean harm: bounds hold before the work is done, and every mutated file is read or refused with a code."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import weight_files as make
import weight_mutants

MEBI = 1 << 20
TEXT = b"X" + struct.pack("<I", MEBI) + b"a" * MEBI


def pickle(body: bytes) -> Callable[[Path], Path]:
    """A file whose pickle is this; compressed, as no checkpoint is: a few kilobytes."""

    def write(folder: Path) -> Path:
        path = folder / "w.pth"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("archive/data.pkl", b"\x80\x02" + body + b".")
            archive.writestr("archive/data/0", bytes(8), zipfile.ZIP_STORED)
        return path

    return write


def named(body: bytes) -> bytes:
    return b"}(" + make.unicode("a") + body + b"u"


def laughs() -> bytes:
    """Dictionaries of dictionaries, each two hundred times in the next."""
    body = named(make.tensor("0", "FloatStorage", 2, 0, (2,), (1,))) + b"q\x01"
    for level in range(2, 7):
        body += b"}(" + b"".join(make.unicode(str(i)) + b"h" + bytes([level - 1]) for i in range(200))
        body += b"uq" + bytes([level])
    return body


def nested_text() -> bytes:
    """A list of two lists of two lists …, as the name of a module."""
    body = b"]q\x00"
    for level in range(1, 40):
        body += b"]q" + bytes([level]) + b"(h" + bytes([level - 1]) + b"h" + bytes([level - 1]) + b"e"
    return body + make.unicode("x") + b"\x93"


def header(text: bytes) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        path = folder / "w.safetensors"
        path.write_bytes(struct.pack("<Q", len(text)) + text)
        return path

    return write


def members(count: int, content: bytes) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        path = folder / "w.npz"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for number in range(count):
                archive.writestr(f"{number}.npy", content)
        return path

    return write


def npy(shape: bytes, data: bytes = b"") -> bytes:
    return make.npy(b"{'descr': '<f4', 'fortran_order': False, 'shape': (" + shape + b"), }\n", data)


def many(value: object) -> bytes:
    return json.dumps({"weight_map": {str(i): value for i in range(99_000)}}).encode()


BOMBS: dict[str, Callable[[Path], Path]] = {
    "a shape of a long string, 400 times": pickle(TEXT + b"q\x00(" + b"ctorch\nSize\nh\x00\x85R" * 400 + b"t"),
    "a dictionary of a long list, 1,000 times": pickle(
        b"]q\x00(" + b"K\x01K\x02\x86" * 100_000 + b"e(" + b"ccollections\nOrderedDict\nh\x00\x85R" * 1000 + b"t"
    ),
    "arguments that are a long tuple": pickle(
        b"(" + b"N" * 100_000 + b"tq\x00(" + b"ctorch._utils\n_rebuild_parameter\nh\x00R" * 1000 + b"t"
    ),
    "dictionaries": pickle(b"(" + b"}" * 15 * MEBI + b"t"),
    "sets": pickle(b"(" + b"\x8f" * 15 * MEBI + b"t"),
    "tuples in tuples": pickle(b"N" + b"\x85" * 15 * MEBI),
    "one object again and again": pickle(b"}q\x00(" + b"h\x00" * 7 * MEBI + b"t"),
    "marks": pickle(b"(" * 15 * MEBI),
    "dictionaries of dictionaries": pickle(laughs()),
    "a dictionary in itself": pickle(b"}q\x00(" + b"".join(make.unicode(str(i)) + b"h\x00" for i in range(999)) + b"u"),
    "the text of nested lists": pickle(nested_text()),
    "a view without a stride": pickle(named(make.tensor("0", "FloatStorage", 2, 0, (1 << 20, 1 << 18), (0, 0)))),
    "a header of empty tables": header((b'{"a":[' + b"{}," * 5 * MEBI)[: 15 * MEBI]),
    "a header of numbers": header(b'{"a":[' + b"999," * 3 * MEBI + b"1]}"),
    "a name of a mebibyte": header(
        json.dumps({"a" * MEBI: {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}}).encode()
    ),
    "20,000 packed members": members(20_000, npy(b"0,")),
    "members with long headers": members(3000, npy(b"0," * 4900)),
    "an array of zeros": members(1, npy(b"16777216, 16", bytes(64 * MEBI)) + bytes(192 * MEBI)),
    "an index of one file": lambda folder: _written(folder / "w.json", many("a.safetensors")),
    "sizes without end": lambda folder: _written(folder / "w.onnx", _field(7, _field(5, _field(1, b"\1" * 60 * MEBI)))),
    "fields without end": lambda folder: _written(folder / "w.onnx", b"\x08\x01" * 40 * MEBI),
}


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def _field(number: int, content: bytes) -> bytes:
    size, length = b"", len(content)
    while length > 127:
        size += bytes([length & 127 | 128])
        length >>= 7
    return bytes([number << 3 | 2]) + size + bytes([length]) + content


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="processor time and memory of a child")
@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_held(bomb: str, tmp_path: Path) -> None:
    """Processor time and memory of a process of its own, the start of both included."""
    file = BOMBS[bomb](tmp_path).name
    (tmp_path / "measure.py").write_text(
        "import sys, time\n"
        "from memory import peak\n"
        "from archdsl.diagnostics import DiagnosticError\n"
        "from archdsl.project.checkpoints import match_weights\n"
        "end = 'loaded'\n"
        "try:\n    match_weights('lenet5', sys.argv[1])\n"
        "except DiagnosticError as error:\n    end = error.diagnostics[0].code\n"
        "print(end, time.process_time(), peak())\n"
    )
    command = [sys.executable, "measure.py", file]
    path = os.pathsep.join(sys.path)
    done = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    end, seconds, size = done.stdout.split()
    assert end in ("loaded", "E0902")
    assert float(seconds) < 2 * SLACK and int(size) < 400, done.stdout


SLACK = 2
"""Processor time differs by as much where others use the same cache."""


def test_mutated_files_are_read_or_refused() -> None:
    """10,000 take minutes: ``python tests/support/weight_mutants.py 10000``."""
    ends, wrong = weight_mutants.attack(250, seed=3)
    assert not wrong
    assert ends.total() == 250 and len(ends) > 6
