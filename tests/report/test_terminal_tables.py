"""Tables on a terminal: inside of its width, coloured, and never so where the output is piped."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from markdown import ROOT

from archdsl.report.layout import text
from archdsl.report.page import Page, Table
from archdsl.report.terminal import Paint

LONG = "one two three four five six seven eight nine ten eleven twelve"
TABLE = Table(
    ("name", "what it is", "count"),
    (("first", LONG, "1,234,567"), ("second", "short", "2")),
    foot=("total", "", "1,234,569"),
)


def test_texts_are_folded_and_figures_stay_whole() -> None:
    for limit in (30, 40, 60):
        lines = text(Page("", (TABLE,)), limit=limit).splitlines()
        assert max(map(len, lines)) <= limit
        middle = " ".join(re.sub(r"first|1,234,567|\s+", " ", line) for line in lines[2:-3])
        assert middle.split() == LONG.split()
        assert any(line.endswith(" 1,234,567") for line in lines)
        assert lines[-1].endswith("1,234,569") and set(lines[1]) == set(lines[-2]) == {"-"}


def test_what_fits_is_not_changed_by_a_limit() -> None:
    page = Page("heading", (TABLE,))
    assert text(page, limit=200) == text(page)


def test_colours_are_all_that_paint_adds() -> None:
    table = Table((), (("net", "holds"), ("net", "BROKEN")), frozenset(), tones={0: "good", 1: "error"})
    for limit in (200, 8):
        painted = text(Page("h", (table,)), Paint(True), limit)
        plain = re.sub(r"\x1b\[[\d;]*m", "", painted)
        assert [line.rstrip() for line in plain.splitlines()] == text(Page("h", (table,)), limit=limit).splitlines()
        assert "\x1b[32mholds" in painted and "\x1b[1;31mBROKEN" in painted


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo terminal")
def test_a_command_fits_its_terminal_and_a_pipe_gets_the_whole(tmp_path) -> None:
    command = [sys.executable, "cli.py", "ops", "conv"]
    piped = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=True, env=os.environ | {"COLUMNS": "60"}
    ).stdout
    assert max(map(len, piped.splitlines())) > 80 and "\x1b" not in piped
    ours, theirs = os.openpty()
    with subprocess.Popen(
        command, cwd=ROOT, stdout=theirs, stderr=theirs, env=os.environ | {"COLUMNS": "80", "NO_COLOR": "1"}
    ) as running:
        os.close(theirs)
        shown = b""
        while True:
            try:
                more = os.read(ours, 4096)
            except OSError:  # how Linux says that the other end is closed
                break
            if not more:
                break
            shown += more
        assert running.wait() == 0
    os.close(ours)
    table = shown.decode().partition("Arguments\r\n")[2].partition("\r\n\r\n")[0]
    assert 60 < max(map(len, table.split("\r\n"))) <= 80
    assert "\x1b" not in shown.decode()
