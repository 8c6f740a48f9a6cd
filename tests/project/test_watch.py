"""``--watch`` as a process of its own: what makes it look again, how it ends, and that waiting costs next to nothing."""

import os
import queue
import signal
import subprocess
import sys
import threading
import time

import pytest
from process import HANGS, heed_interrupts

from archdsl.cli.options import Target
from archdsl.cli.watching import watched

pytestmark = pytest.mark.skipif(os.name == "nt", reason="POSIX signals")

NET = """arch 1
use "blocks.arch" (unit)
network Net() { input x: f32[N, 3, 8, 8]; unit; output y }
variant net = Net() { budget { params <= 300 } }
"""
BLOCK = "arch 1\nblock unit() { y: conv(%d, 3) }\n"
ARCHDSL = [sys.executable, "-c", "from archdsl.cli import main; main()"]


class Watching:
    """A running ``archdsl … --watch``: what it prints, round by round."""

    def __init__(self, folder, *arguments):
        self.process = subprocess.Popen(
            [*ARCHDSL, *arguments], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            preexec_fn=heed_interrupts,
        )  # fmt: skip
        self.lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line)

    def round(self):
        """All lines up to the one that says that it waits."""
        found = []
        while not found or not found[-1].startswith("watching"):
            found.append(self.lines.get(timeout=HANGS))
        return "".join(found)

    def end(self):
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=HANGS)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "specs").mkdir()
    (tmp_path / ".git").mkdir()  # the search for archdsl.toml ends here
    (tmp_path / "specs" / "blocks.arch").write_text(BLOCK % 8)
    (tmp_path / "specs" / "net.arch").write_text(NET)
    return tmp_path


@pytest.fixture
def watch(folder):
    running = []

    def start(*arguments):
        running.append(Watching(folder, *arguments))
        return running[-1]

    yield start
    for one in running:
        if one.process.poll() is None:
            one.process.kill()


def test_every_kind_of_change_is_seen(folder, watch):
    """The parameters by hand: 9 * 3 * c + c for c channels: 224 for 8, 336 for 12."""
    one = watch("check", "specs/net.arch", "--watch")
    first = one.round()
    assert "holds" in first and "no findings" in first and "Ctrl-C stops" in first
    (folder / "specs" / "blocks.arch").write_text(BLOCK % 12)  # a used file
    found = one.round()
    assert "specs/blocks.arch has changed" in found and "E0402" in found and "336" in found
    (folder / "specs" / "net.arch").write_text(NET.replace("300", "400"))  # the spec
    assert "no findings" in one.round()
    (folder / "archdsl.toml").write_text("[[budget]]\nparams = 100\n")  # a file that was not there
    found = one.round()
    assert "archdsl.toml has changed" in found and "archdsl.toml:2:1" in found
    (folder / "specs" / "blocks.arch").unlink()  # a file that is gone
    assert "E0213" in one.round()
    (folder / "specs" / "blocks.arch").write_text("arch 1\nblock unit( {\n")  # and back, unreadable
    assert "E01" in one.round()
    assert one.end() == 130


def test_new_files_in_a_folder_and_the_rules(folder, watch):
    one = watch("lint", "specs", "--watch", "--select", "W0401")
    assert "linted 2 targets" in one.round()
    (folder / "specs" / "more.arch").write_text(
        "arch 1\nnetwork Net() { input x: f32[N, 3, 8, 8]; conv(4, 3) -> batch_norm }\n"
    )
    found = one.round()
    assert "the set of specs has changed" in found and "W0401" in found and "linted 3 targets" in found
    assert one.end() == 130


def test_waiting_costs_next_to_nothing_and_reports_are_no_change(folder, watch):
    """A loop without pauses would take all of the two seconds."""
    import resource

    one = watch("check", "specs", "--watch", "--report", "json=specs/out.json", "--save-baseline", "base.json")
    one.round()
    time.sleep(2)
    assert one.lines.empty()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert one.end() == 130
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    subprocess.run([*ARCHDSL, "check", "specs"], cwd=folder, capture_output=True, check=True)
    alone = resource.getrusage(resource.RUSAGE_CHILDREN)
    once = alone.ru_utime + alone.ru_stime - after.ru_utime - after.ru_stime
    assert busy < once + 1, (busy, once)


def test_costs_are_watched_too(folder, watch):
    """As above: 224 parameters for 8 channels, 336 for 12."""
    one = watch("cost", "specs/net.arch", "--watch")
    assert " 224 " in one.round()
    (folder / "specs" / "blocks.arch").write_text(BLOCK % 12)
    assert " 336 " in one.round()
    assert one.end() == 130


def test_a_picture_that_is_written_again_is_no_change(folder, watch):
    one = watch("show", "specs/net.arch", "-o", "net.svg", "--watch")
    assert "wrote net.svg" in one.round()
    (folder / "specs" / "net.arch").write_text("# a remark\n" + NET)
    assert "net.arch has changed" in one.round()
    time.sleep(1)
    assert one.lines.empty()
    assert one.end() == 130


def test_ctrl_c_within_a_round_ends_it(folder, monkeypatch):
    def interrupted(target: Target):
        raise KeyboardInterrupt

    monkeypatch.chdir(folder)
    with pytest.raises(KeyboardInterrupt):
        watched(interrupted, {"target": "specs/net.arch"})


def test_standard_input_cannot_be_watched(folder):
    done = subprocess.run(
        [*ARCHDSL, "check", "-", "--watch"], cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 2 and "E0007" in done.stderr
