"""Files: what is read, what is written, what is left behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from faults import again, archdsl, fault, network
from process import HANGS, heed_interrupts

import archdsl as package

SECRET = "TOKEN=s3cr3t-value"
COMMAND = [sys.executable, "-c", "from archdsl.cli import main; main()"]
SPEC = network("conv(8, 3)\noutput y")
WEIGHTS = network("flatten -> linear(8000)\noutput y")  # 98 MB
pytestmark = pytest.mark.skipif(os.name == "nt", reason="POSIX")


def started(folder: Path, line: str) -> subprocess.Popen[bytes]:
    """A process of its own, which signals reach."""
    return subprocess.Popen(
        [*COMMAND, *line.split()], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        preexec_fn=heed_interrupts, env={**os.environ, "TOKEN": "s3cr3t-value", "TMPDIR": str(folder)},
    )  # fmt: skip


def parts(folder: Path, least: int = 0) -> list[Path]:
    """The files that are being written, of so many bytes. In the moment before a process has its lock, another may sweep
    its file, and it takes another name: it is locked when it has content.
    """
    return [path for path in folder.rglob("*") if ".part" in path.name and size(path) >= least]


def size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # it got its name
        return -1


def stopped(folder: Path, line: str, least: int = 0) -> subprocess.Popen[bytes]:
    """A process that stands still while it writes. On a busy machine it may have written before it is seen: again then."""
    texts = set(folder.iterdir())
    while True:
        process = started(folder, line)
        while process.poll() is None and not parts(folder, least):
            time.sleep(0.002)
        process.send_signal(signal.SIGSTOP)
        if process.poll() is None:
            os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
            if parts(folder, least):
                return process
        process.send_signal(signal.SIGCONT)
        process.communicate(timeout=HANGS)
        assert process.returncode == 0
        for path in set(folder.iterdir()) - texts:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def left(folder: Path) -> list[str]:
    """The names in the folder, without what ONNX Runtime keeps among the temporary files."""
    return sorted(path.name for path in folder.iterdir() if path.name != ".ses")


def ended(folder: Path, line: str) -> tuple[int, str]:
    process = started(folder, line)
    out, err = process.communicate(timeout=HANGS)
    return process.returncode, (out + err).decode(errors="replace")


@fault(
    "R2", "a main file was opened through any link, and shown before it was known to be text",
    "check, lint, fmt, cost, show, diff x links to /proc, to texts outside, to devices, pipes; .arch, .json, .toml",
)  # fmt: skip
@pytest.mark.parametrize(
    "line", ["check .", "lint .", "fmt .", "fmt --diff .", "cost x.arch", "show x.arch", "diff x.arch x.arch"]
)
def test_an_environment_is_not_shown(line: str, tmp_path: Path) -> None:
    (tmp_path / "x.arch").symlink_to("/proc/self/environ")
    status, output = ended(tmp_path, line)
    assert status == 2 and "E0001" in output and "s3cr3t" not in output, output


@again("R2")
@pytest.mark.parametrize("line", ["check specs", "lint specs", "fmt specs", "cost specs/x.arch", "cost specs/x.json"])
def test_a_text_outside_is_not_shown(line: str, tmp_path: Path) -> None:
    (tmp_path / "specs").mkdir()
    (tmp_path / "credentials").write_text(SECRET + "\n")
    for name in ("x.arch", "x.json"):
        (tmp_path / "specs" / name).symlink_to("../credentials")
    done = archdsl(tmp_path, line)
    assert done.status == 2 and "leads out of its folder" in done.output and "s3cr3t" not in done.output, done.output


@again("R2")
def test_a_link_inside_of_the_folder_is_followed_and_others_are_checked(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "real.arch").write_text(SPEC)
    (tmp_path / "a.arch").symlink_to("b/real.arch")
    (tmp_path / "c.arch").symlink_to("/etc/passwd")
    done = archdsl(tmp_path, "check .")
    assert done.status == 2 and "checked 3 targets, 2 networks: 1 error" in done.output, done.output


@again("R2")
@pytest.mark.parametrize("line", ["check x.arch", "fmt x.arch", "lint x.arch"])
@pytest.mark.parametrize(
    "content", [b"arch 1\nA=1\0TOKEN=s3cr3t-value\0", b"\x7fELF\x01\x01\0\0s3cr3t", b"ab\x01s3cr3t"]
)
def test_what_is_not_text_is_not_shown(line: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.arch").write_bytes(content)
    done = archdsl(tmp_path, line)
    assert done.status == 2 and "error[E000" in done.output and "s3cr3t" not in done.output, done.output


@fault(
    "R3", "the model's unfinished file had a name that could be guessed, and opened what lay there",
    "ONNX inline and external, --report, --save-baseline, weights export, run --save, fmt, init: links, threads, one pid",
)  # fmt: skip
@pytest.mark.parametrize("option", ["", "--external-data"])
def test_a_prepared_link_is_not_written_through(option: str, tmp_path: Path) -> None:
    (tmp_path / "net.arch").write_text(SPEC)
    (tmp_path / "precious").write_text("precious")
    for ending in ("o.onnx", "o.onnx.data"):
        (tmp_path / f".{ending}.{os.getpid()}.part").symlink_to("precious")  # this process writes
    done = archdsl(tmp_path, f"compile net.arch -o o.onnx {option}")
    assert done.status == 0 and (tmp_path / "precious").read_text() == "precious", done.output


WRITERS = {
    "compile net.arch -o {}": "o.onnx", "compile net.arch --to torch -o {}": "o.py",
    "check net.arch --report markdown={}": "o.md", "check net.arch --save-baseline {}": "o.json",
    "weights export w.onnx -o {}": "o.safetensors", "init {} --force": "o.arch", "run w.onnx --save {}": "o.npz",
}  # fmt: skip


@again("R3")
@pytest.mark.parametrize("line", WRITERS)
def test_no_output_follows_a_link_out_of_its_folder(line: str, tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (work / "net.arch").write_text(SPEC)
    assert archdsl(work, "compile net.arch -o w.onnx").status == 0
    (tmp_path / "precious").write_text("precious")
    (work / WRITERS[line]).symlink_to("../precious")
    done = archdsl(work, line.format(WRITERS[line]))
    assert done.status == 2 and "E0005" in done.output, done.output
    assert (tmp_path / "precious").read_text() == "precious"


@again("R3")
def test_threads_do_not_tear_a_model(tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    sizes = {n: package.load(network(f"flatten -> linear({n})\noutput y")).graph() for n in (200, 300, 400)}
    alone = set()
    for n, graph in sizes.items():
        package.compile(graph, tmp_path / f"{n}.onnx")
        alone.add((tmp_path / f"{n}.onnx").read_bytes())
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda n: package.compile(sizes[n], tmp_path / "o.onnx"), [200, 300, 400] * 4))
    assert (tmp_path / "o.onnx").read_bytes() in alone
    assert sorted(path.name for path in tmp_path.iterdir()) == ["200.onnx", "300.onnx", "400.onnx", "o.onnx"]


SIGNALS = {"SIGTERM": 143, "SIGINT": 130, "SIGHUP": 129}


@fault(
    "R4", "only Ctrl-C was heeded, and nothing removed what killed processes had left",
    "SIGTERM, SIGHUP, SIGKILL; models, external data, temporary folders of run and --against; a second signal",
)  # fmt: skip
@pytest.mark.parametrize("name", SIGNALS)
@pytest.mark.parametrize(
    "line", ["compile big.arch -o o.onnx", "compile big.arch -o o.onnx --external-data", "run big.arch"]
)
def test_a_signal_leaves_nothing(name: str, line: str, tmp_path: Path) -> None:
    (tmp_path / "big.arch").write_text(WEIGHTS)
    process = stopped(tmp_path, line)
    process.send_signal(getattr(signal, name))
    process.send_signal(signal.SIGCONT)
    out, err = process.communicate(timeout=HANGS)
    assert process.returncode == SIGNALS[name] and b"Traceback" not in err, err
    # a module in C that loads meanwhile makes nothing of the signal (numpy.random does): the command may have ended then
    assert left(tmp_path) == ["big.arch"] or (out + err and line != "run big.arch"), (out, err)
    assert not [name for name in left(tmp_path) if ".part" in name]
    if (tmp_path / "o.onnx").exists():
        assert archdsl(tmp_path, "run o.onnx").status == 0


@again("R4")
@pytest.mark.parametrize(
    "line", ["compile big.arch -o o.onnx", "compile big.arch -o o.onnx --external-data", "run big.arch"]
)
def test_the_next_run_sweeps_what_a_killed_one_left(line: str, tmp_path: Path) -> None:
    (tmp_path / "big.arch").write_text(WEIGHTS)
    (tmp_path / "small.arch").write_text(SPEC)
    process = stopped(tmp_path, line)
    process.kill()
    process.communicate(timeout=HANGS)
    assert len(list(tmp_path.iterdir())) > 2
    assert ended(tmp_path, line.replace("big", "small"))[0] == 0
    assert {name.split(".")[-1] for name in left(tmp_path)} <= {"arch", "onnx", "data"}
    assert len(list(tmp_path.glob("*.data"))) == line.count("--external-data")


@again("R4")
def test_the_file_of_a_living_process_is_not_swept(tmp_path: Path) -> None:
    (tmp_path / "big.arch").write_text(WEIGHTS)
    (tmp_path / "small.arch").write_text(SPEC)
    process = stopped(tmp_path, "compile big.arch -o o.onnx", least=1)
    written = parts(tmp_path, least=1)
    try:
        assert ended(tmp_path, "compile small.arch -o p.onnx")[0] == 0
        assert parts(tmp_path, least=1) == written
    finally:
        process.send_signal(signal.SIGCONT)
    assert process.wait(timeout=HANGS) == 0
    assert not list(tmp_path.glob(".*.part"))


@again("R4")
def test_external_data_leaves_no_earlier_data(tmp_path: Path) -> None:
    (tmp_path / "net.arch").write_text(SPEC)
    for seed in (1, 2, 3):
        assert archdsl(tmp_path, f"compile net.arch -o o.onnx --external-data --seed {seed}").status == 0
        assert len(list(tmp_path.glob("*.data"))) == 1
        assert archdsl(tmp_path, "run o.onnx").status == 0
    (tmp_path / "copy.onnx").write_bytes((tmp_path / "o.onnx").read_bytes())
    assert archdsl(tmp_path, "compile net.arch -o o.onnx").status == 0
    assert archdsl(tmp_path, "run copy.onnx").status == 0  # it names the data, too
    (tmp_path / "copy.onnx").unlink()
    assert archdsl(tmp_path, "compile net.arch -o o.onnx").status == 0
    assert not list(tmp_path.glob("*.data"))


EARLY = """
import os, signal, sys
sys.argv[0] = "/usr/bin/archdsl"
import archdsl
os.kill(os.getpid(), signal.SIGINT)
"""


@again("R4")
def test_ctrl_c_while_the_command_is_imported(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", EARLY], capture_output=True, preexec_fn=heed_interrupts)
    assert (done.returncode, done.stderr) == (-signal.SIGINT, b"")  # a shell says 130
