"""Work within one elaboration is bounded before it is done: seconds, memory, and a code with a place."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import memory
import pytest
from faults import again, fault, network

import archdsl

SECONDS, MEBIBYTES = 2.0, 400


def bounded(text: str, folder: Path) -> str:
    """What ``archdsl check`` prints of the text; fails where it takes more processor time or memory than is allowed."""
    (folder / "a.arch").write_text(text, encoding="utf-8")
    limit = (int(4 * SECONDS), int(4 * SECONDS))
    paths = [str(Path(archdsl.__file__).parent.parent), str(Path(memory.__file__).parent)]
    done = subprocess.run(
        [sys.executable, "-c", memory.MEASURED, "check", "a.arch"], cwd=folder, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, limit),
    )  # fmt: skip
    output = done.stdout + done.stderr
    assert "Traceback" not in output and "E0014" not in output and done.returncode in (0, 1), output[-2000:]
    _, seconds, mebibytes = json.loads(done.stderr.splitlines()[-1])
    assert seconds < 2 * SECONDS, "twice the bound, because other work slows processors down"
    assert mebibytes < MEBIBYTES
    return output


STRINGS = "\n".join(
    ['let a = "' + "0123456789" * 10 + '"', *(f"let {b} = {a} + {a} + {a} + {a} + {a}" for a, b in zip("abcd", "bcde"))]
)


@fault(
    "R5", "a string counted as one leaf however long it is, and an operator as one node however many results it has",
    "strings by `+`, in templates, in lists and comprehensions; lists by doubling, by nesting, by `*`; outputs of `split`",
)  # fmt: skip
@pytest.mark.parametrize(
    ("body", "x"),
    [
        (STRINGS + '\nlet l = ["{e}{i}" for i in range(100000)]\nassert len(l) > 1\nrelu', "f32[N, 8, 8, 8]"),
        (STRINGS + "\nlet l = [e + e for i in range(100000)]\nassert len(l) > 1\nrelu", "f32[N, 8, 8, 8]"),
        (
            "let l0 = [1]\n" + "\n".join(f"let l{i + 1} = l{i} + l{i}" for i in range(40)) + "\nassert len(l40) > 1",
            "f32[N, 8]",
        ),
        ("repeat 500 { let a = x -> split(100000) }\nrelu", "f32[N, 100000]"),
        ("repeat 500 { x -> split(100000) -> concat }", "f32[N, 100000]"),
    ],
)
def test_memory(body: str, x: str, tmp_path: Path) -> None:
    assert "error[E050" in bounded(network(body, x), tmp_path)


@fault(
    "R6", "a power of a polynomial was one step; every unknown name was compared with all others and looked for in the "
    "whole definition, beyond the bound of 100 faults",
    "`**` and `*` of dimensions; unknown names, names used before they are made, cells of tables",
)  # fmt: skip
@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("repeat 9000 { let b = (A + B + C + D + N) ** 16 }\nrelu", "E0506"),
        ("repeat 9000 { let b = (A + B + N) * (A + B + C) * (C + D + N) * (A + N) }\nrelu", "E050"),
        ("\n".join(f"nowhere{i}" for i in range(4000)), "E0201"),
        (
            "\n".join(f"conv(l{i}, 3)" for i in range(2000)) + "\n" + "\n".join(f"let l{i} = 3" for i in range(2000)),
            "E0201",
        ),
        ("for table {\n  a  b\n" + "\n".join(f"  u{i}  v{i}" for i in range(3000)) + "\n} { conv(a, b) }", "E0201"),
    ],
)
def test_time(body: str, code: str, tmp_path: Path) -> None:
    assert f"error[{code}" in bounded(network(body, "f32[N, A, B, C, D]"), tmp_path)


@fault(
    "R7", "an exponent that is a dimension, and a number from Python, were not looked at before they were computed with"
)
@pytest.mark.parametrize("power", ["2 ** x.h", "x.w ** x.h", "2.5 ** x.h", "(x.h + 1) ** x.w"])
def test_an_exponent_is_known_while_compiling(power: str, tmp_path: Path) -> None:
    assert "error[E0306]" in bounded(network(f"conv({power}, 1)", "f32[N, 3, H, W]"), tmp_path)


@again("R7")
@pytest.mark.parametrize("value", ["large", "small", "listed", "text", "infinite"])
def test_values_from_python_are_held_to_the_bounds(value: str) -> None:
    values = {
        "large": 10**5000,
        "small": -(10**5000),
        "listed": [1, 10**5000],
        "text": "c" * 10**6,
        "infinite": float("inf"),
    }
    program = archdsl.load("arch 1\nnetwork Net(c = 4) { input x: f32[N, 3, 8, 8]; conv(c, 1) }\n")
    with pytest.raises(archdsl.DiagnosticError, match=r"E0[25]0"):
        program.graph(c=values[value])  # type: ignore[arg-type]
