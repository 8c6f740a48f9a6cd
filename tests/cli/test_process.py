"""What only a real process shows: signals, closed pipes, full disks, and what is imported at a start."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from paths import ROOT
from process import HANGS, heed_interrupts

ARCHDSL = [sys.executable, "-c", "from archdsl.cli import main; main()"]


def start(*arguments, **options):
    return subprocess.Popen(
        [*ARCHDSL, *arguments], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=heed_interrupts if os.name != "nt" else None, **options,
    )  # fmt: skip


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_ctrl_c_ends_with_130_and_no_traceback():
    process = start("check", "-", stdin=subprocess.PIPE)
    process.stdin.write("# a comment\n" * 50_000)  # more than a pipe holds: when it is written, it is being read
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=HANGS)
    assert (process.returncode, out, err) == (130, "", "")


SWALLOWS = """
import os, signal, sys
from archdsl.cli.exit import outcome
from archdsl.cli.signals import heed
from archdsl.diagnostics import Refusal

def command():
    try:
        os.kill(os.getpid(), signal.SIGINT)
    except KeyboardInterrupt:
        raise Refusal("E0701", "the library does not load")

heed()
sys.exit(outcome(command, {}))
"""


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_ctrl_c_counts_where_a_library_makes_an_error_of_it():
    """NumPy and ONNX Runtime do, while they are imported."""
    done = subprocess.run(
        [sys.executable, "-c", SWALLOWS], cwd=ROOT, capture_output=True, text=True, preexec_fn=heed_interrupts
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


IN_A_DESTRUCTOR = """
import os, signal, sys
from archdsl.cli.exit import outcome
from archdsl.cli.signals import heed

class Last:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)

def command():
    Last()
    while True:
        pass

heed()
sys.exit(outcome(command, {}))
"""


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_ctrl_c_counts_where_python_cannot_raise_it():
    """Python drops what is raised there, and the import of any module calls a destructor; it is raised again."""
    done = subprocess.run(
        [sys.executable, "-c", IN_A_DESTRUCTOR], cwd=ROOT, capture_output=True, text=True, timeout=HANGS,
        preexec_fn=heed_interrupts,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


@pytest.mark.skipif(os.name == "nt", reason="POSIX pipes")
def test_a_closed_pipe_is_no_accident():
    process = start("show", "mobilenet_v2", "--format", "json")
    assert process.stdout.readline() == "{\n"
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait(timeout=HANGS) == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_told_in_one_line():
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*ARCHDSL, "show", "mobilenet_v2"], cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 2
    assert "error[E0005]: cannot write: No space left on device" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="POSIX shells")
@pytest.mark.parametrize("redirection", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize(
    "command", ["check lenet5", "lint lenet5", "list lenet5", "--version", "fmt --check specs/lenet.arch"]
)
def test_closed_streams_lead_nowhere(command, redirection):
    line = f'exec "$0" -c "from archdsl.cli import main; main()" {command} {redirection}'
    done = subprocess.run(["sh", "-c", line, sys.executable], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr


@pytest.mark.skipif(os.name == "nt", reason="POSIX limits")
@pytest.mark.parametrize(
    "command",
    [
        "compile lenet5 -o o.onnx",
        "compile lenet5 -o o.onnx --external-data",
        "compile lenet5 --to torch -o o.py",
        "check lenet5 --save-baseline o.json",
        "check lenet5 --report json=o.json,sarif=o.sarif",
        "init o.arch",
    ],
)
def test_a_full_disk_leaves_nothing_behind(command, tmp_path):
    line = f'ulimit -f 0; exec "$0" -c "from archdsl.cli import main; main()" {command}'
    done = subprocess.run(
        ["sh", "-c", line, sys.executable], cwd=tmp_path, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert done.returncode == 2 and "error[E0005]" in done.stderr, done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_help_on_a_full_disk():
    with Path("/dev/full").open("w") as full:
        for argument in ("--help", "--version"):
            done = subprocess.run([*ARCHDSL, argument], cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True)
            assert done.returncode == 2 and "error[E0005]" in done.stderr and "Traceback" not in done.stderr


def test_a_terminal_that_is_not_utf8_gets_escapes_and_no_crash(tmp_path):
    (tmp_path / "näh.arch").write_text("arch 1\nnetwork Net() { input x: f32[N, 3, 8, 8]; cönv(1, 3) }\n", "utf-8")
    done = subprocess.run(
        [*ARCHDSL, "check", str(tmp_path / "näh.arch")], capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    )  # fmt: skip
    assert done.returncode == 1 and b"Traceback" not in done.stderr
    assert "cönv".encode() in done.stdout
