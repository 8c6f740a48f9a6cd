"""Writers that are interrupted and killed at random moments, several at once, and what they leave.

``python tests/support/kills.py FOLDER COUNT SEED`` prints how many signals were sent and what was found wrong.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from hashlib import sha256
from pathlib import Path

from process import HANGS, heed_interrupts

ROOT = Path(__file__).resolve().parent.parent.parent
COMMAND = [sys.executable, "-c", "from archdsl.cli import main; main()"]
SPEC = "arch 1\nnetwork Net(n = 1000) {\n  input x: f32[N, 3, 32, 32]\n  flatten -> linear(n)\n  output y\n}\n"
UGLY = "arch 1\nnetwork Net() { input x: f32[N,3]\n relu; output y }\n"
THREADS = """
from concurrent.futures import ThreadPoolExecutor
import archdsl
graph = archdsl.load("net.arch").graph()
with ThreadPoolExecutor(4) as pool:
    list(pool.map(lambda seed: archdsl.compile(graph, "o.onnx", seed=seed % 2), range(4)))
"""
WRITERS = (
    "compile net.arch -o o.onnx --seed 0", "compile net.arch -o o.onnx --seed 1", "threads",
    "compile net.arch -o e.onnx --external-data --seed 0", "compile net.arch -o e.onnx --external-data --seed 1",
    "compile net.arch -o t.py", "weights export w.onnx -o w.safetensors", "run net.arch --save o.npz",
    "check net.arch --save-baseline b.json --report json=r.json,sarif=r.sarif", "fmt ugly.arch",
)  # fmt: skip
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
STATUS = {130, 143, -signal.SIGKILL, -signal.SIGINT, -signal.SIGTERM, 0, 1}
"""Ends: told of, killed, killed before our first line runs (which Python tells with 1), or done before the signal."""
OWN_PID = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child"]
"""Each with the same number for itself, as in containers on one folder."""


class Trial:
    """A folder that writers share."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.random = random.Random(seed)
        self.wrong: list[str] = []
        self.sent: Counter[str] = Counter()
        self.environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(folder)}
        (folder / "net.arch").write_text(SPEC)
        (folder / "ugly.arch").write_text(UGLY)
        self.isolated = shutil.which("unshare") is not None and not subprocess.run(
            [*OWN_PID, "true"], capture_output=True, check=False
        ).returncode  # fmt: skip
        self.run("compile net.arch -o w.onnx")
        self.good: dict[str, set[str]] = {}
        self.longest = 0.0
        for line in WRITERS:
            begin = time.monotonic()
            self.run(line)
            self.longest = max(self.longest, time.monotonic() - begin)
            self.note()
        self.whole = {name for name in self.names() if ".data" not in name}

    def start(self, line: str, own_pid: bool = False) -> subprocess.Popen[bytes]:
        if line.startswith("fmt"):
            (self.folder / "ugly.arch").write_text(UGLY)
        words = [sys.executable, "-c", THREADS] if line == "threads" else [*COMMAND, *line.split()]
        return subprocess.Popen(
            [*OWN_PID, *words] if own_pid else words, cwd=self.folder, env=self.environment, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, preexec_fn=heed_interrupts,
        )  # fmt: skip

    def run(self, line: str) -> None:
        process = self.start(line)
        err = process.communicate(timeout=HANGS)[1].decode()
        if process.returncode:
            self.wrong.append(f"{line}: {process.returncode}: {err[-300:]}")

    def names(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir() if path.name != ".ses")

    def note(self) -> None:
        """What the files are when nothing goes wrong."""
        for name in self.names():
            if (self.folder / name).is_file():
                self.good.setdefault(name, set()).add(self.digest(name))

    def digest(self, name: str) -> str:
        return sha256((self.folder / name).read_bytes()).hexdigest()

    def once(self, number: int) -> None:
        """Some writers at once, each of them told to end at a random moment."""
        lines = self.random.choices(WRITERS, k=self.random.choice((1, 1, 2, 3)))
        own_pid = self.isolated and number % 5 == 0
        processes = [(line, self.start(line, own_pid)) for line in lines]
        moments = sorted((self.random.random() * self.longest * 1.2, i) for i in range(len(processes)))
        begin = time.monotonic()
        for moment, index in moments:
            time.sleep(max(0.0, begin + moment - time.monotonic()))
            sent = signal.SIGKILL if own_pid else self.random.choice(SIGNALS)
            processes[index][1].send_signal(sent)
            self.sent[sent.name] += 1
        for line, process in processes:
            err = process.communicate(timeout=HANGS)[1].decode()
            if process.returncode not in STATUS or (
                process.returncode > 100 and "Traceback" in err and line != "threads"
            ):
                self.wrong.append(f"{line}: status {process.returncode}: {err[-500:]}")
        self.check()

    def check(self) -> None:
        """No file is torn, and a model's data are there."""
        for name in self.names():
            known = self.good.get(name)
            if known is not None and self.digest(name) not in known | {sha256(UGLY.encode()).hexdigest()}:
                self.wrong.append(f"{name} is torn")
        model = self.folder / "e.onnx"
        data = [path for path in self.folder.glob("e.*.onnx.data") if path.name.encode() in model.read_bytes()]
        if len(data) != 1:
            self.wrong.append(f"e.onnx names {len(data)} of its data files")

    def litter(self) -> list[str]:
        """What is too much behind one more run of everything."""
        for line in WRITERS:
            self.run(line)
        return [name for name in self.names() if name not in self.whole and not name.startswith("e.")] + [
            path.name for path in list(self.folder.glob("e.*.data"))[1:]
        ]  # fmt: skip


def attack(folder: Path, count: int, seed: int) -> tuple[dict[str, int], list[str], int]:
    """The signals that were sent, what was wrong, and how many remnants the last run found and removed."""
    trial = Trial(folder, seed)
    number = 0
    while sum(trial.sent.values()) < count:
        trial.once(number)
        number += 1
    before = sum(1 for name in trial.names() if name not in trial.whole and not name.startswith("e."))
    left = trial.litter()
    trial.check()
    return dict(trial.sent), [*trial.wrong, *(f"left behind: {name}" for name in left)], before


if __name__ == "__main__":
    place = Path(sys.argv[1])
    place.mkdir(parents=True)
    sent, wrong, swept = attack(place, int(sys.argv[2]), int(sys.argv[3]))
    print(f"{sum(sent.values())} signals {sent}; {swept} remnants at the end were swept; wrong: {len(wrong)}")
    print(*wrong, sep="\n")
