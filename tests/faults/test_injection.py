"""Names and texts of strangers are text in every report. The readers of the reports are rebuilt from their sources."""

import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from faults import again, fault

FORMS = {"sarif": "o.sarif", "junit": "o.xml", "gitlab": "o.gitlab.json", "markdown": "o.md", "json": "o.json"}
REPORTS = ",".join(["github", *(f"{form}={name}" for form, name in FORMS.items())])
NET = 'arch 1\nnetwork Net() {{ input x: f32[N, 3, 8, 8]; conv(8, 3); assert false, "{text}" }}\n'
STEERS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
NAMES = {
    "a workflow command": "::stop-commands::x.arch", "an old command": "##[add-mask]x.arch",
    "a newline": "a\n::error::b.arch", "colours": "\x1b[31mred.arch", "a direction": "a\u202ecba.arch",
    "a table": "a|b`c.arch", "markup": "<img src=x onerror=y>.arch", "a link": "[a](javascript:b).arch",
    "commas": "a,line=1::b.arch", "per cent": "a%0A::error::b.arch", "no UTF-8": os.fsdecode(b"caf\xe9.arch"),
    "C1": "a\x9b31mb.arch", "a mention": "@everyone.arch", "a comment": "<!-- a.arch",
}  # fmt: skip
TEXTS = {
    "markup": "<script>alert(1)</script><img src=x>", "a link": "[click](http://example.org) ![i](http://example.org)",
    "a fence": "``` ````", "a tilde fence": "~~~", "cells": "a | b", "a command": "::error::x", "an old command": "##[error]x",
    "an entity": "&lt;b&gt; &#64;everyone", "a mention": "@everyone", "a placeholder": "[a](1)", "CDATA": "]]> <b>",
    "a rule": "--- ===", "C1": "\x9b31m", "DEL": "\x7f",
}  # fmt: skip


def check(folder: Path, name: str, text: str) -> tuple[str, dict[str, str]]:
    """What the command prints, both streams as bytes that were decoded, and what every report holds."""
    (folder / name).write_text(NET.format(text=text), encoding="utf-8")
    env = os.environ | {"GITHUB_STEP_SUMMARY": str(folder / "summary.md"), "GITHUB_WORKSPACE": str(folder)}
    done = subprocess.run(
        [sys.executable, "-m", "archdsl", "check", ".", "--report", REPORTS],
        cwd=folder, env=env, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr.decode()
    found = {form: (folder / file).read_bytes().decode("utf-8") for form, file in FORMS.items()}
    found["summary"] = (folder / "summary.md").read_bytes().decode("utf-8")
    return done.stdout.decode("utf-8") + done.stderr.decode("utf-8"), found


def commands(log: str) -> list[tuple[str, str]]:
    """The workflow commands in a log, as the runner finds them (ActionCommand.cs of actions/runner)."""
    found = []
    for line in log.splitlines():
        if line.lstrip().startswith("::"):
            end = line.find("::", line.index("::") + 2)
            if end >= 0:
                found.append((line.lstrip()[2:].split(" ")[0].split("::")[0], line))
                continue
        start = line.find("##[")
        if start >= 0 and line.find("]", start) >= 0:
            found.append((line[start + 3 : line.find("]", start)], line))
    return found


class Tags(HTMLParser):
    """The tags of a Markdown text, outside of code and escapes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        plain = re.sub(r"\\(.)", "", re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", text))
        self.feed(plain)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.found.append(tag)

    def handle_comment(self, data: str) -> None:
        self.found.append("comment")


def inert(log: str, found: dict[str, str]) -> None:
    """Nothing in a log or report does anything."""
    assert {name for name, _ in commands(log)} <= {"error", "notice"}, commands(log)
    assert all(re.match(r"::\w+ [^:]*title=E0403%3A[^:]*::", line) for _, line in commands(log)), commands(log)
    for text in log, *found.values():
        assert not STEERS.search(text), STEERS.search(text)
    for form in "markdown", "summary":
        assert set(Tags(found[form]).found) <= {"details", "summary"}, Tags(found[form]).found
        assert "](http" not in found[form].replace("\\](", "") and not re.search(
            r"^\s*(- )?(`{3}|~{3})", found[form], re.M
        )
        assert "@everyone" not in re.sub(r"`[^`]*`", "", found[form])
    for form in "sarif", "gitlab", "json":
        json.loads(found[form])
    sarif = json.loads(found["sarif"])["runs"][0]["results"][0]
    assert not re.search(r"(?<!\\)\]\(", sarif["message"]["text"])
    ElementTree.fromstring(found["junit"])


@fault(
    "R9",
    "each report escaped what its writer had thought of, and the terminal what is steered by a character, not by a line",
    "file names, texts of assertions, labels, variants; terminal, logs of GitHub (`::` at a line's start, `##[` anywhere), "
    "Markdown and HTML, SARIF, JUnit, GitLab, JSON; directions in comments, strings and names",
)
@pytest.mark.parametrize("kind", NAMES)
def test_names_of_files_are_text(tmp_path: Path, kind: str) -> None:
    try:
        (tmp_path / NAMES[kind]).touch()
    except OSError:
        pytest.skip("no such names here")
    inert(*check(tmp_path, NAMES[kind], "no"))


@again("R9")
@pytest.mark.parametrize("kind", TEXTS)
def test_texts_are_text(tmp_path: Path, kind: str) -> None:
    log, found = check(tmp_path, "net.arch", TEXTS[kind])
    inert(log, found)
    told = json.loads(found["json"])["diagnostics"][0]["message"]
    assert TEXTS[kind] in told  # for programs it is what it is


@again("R9")
@pytest.mark.parametrize("place", ["# {}", "## {}", 'let a = "{}"', "let a{} = 1"])
@pytest.mark.parametrize("char", ["\u202e", "\u2066", "\u202a", "\u2069"])
def test_directions_in_a_text_are_a_finding(tmp_path: Path, place: str, char: str) -> None:
    """CVE-2021-42574: what is shown is not what is read."""
    text = "arch 1\n" + place.format(f"safe{char}") + "\nnetwork Net() { input x: f32[N, 3]; relu }\n"
    (tmp_path / "net.arch").write_text(text, encoding="utf-8")
    for command in "check", "lint", "fmt", "compile":
        line = [
            sys.executable,
            "-m",
            "archdsl",
            command,
            "net.arch",
            *(["-o", "o.onnx"] if command == "compile" else []),
        ]
        done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=False)
        told = done.stdout + done.stderr
        assert done.returncode and "net.arch:2:" in told and char not in told, told
        assert (tmp_path / "net.arch").read_text(encoding="utf-8") == text


@fault(
    "R7",
    "names of files were taken for UTF-8 when a report was written",
    "every report; the fingerprint, the address in SARIF",
)
def test_a_file_name_that_is_no_utf_8_reaches_every_report(tmp_path: Path) -> None:
    _, found = check(tmp_path, NAMES["no UTF-8"], "no")
    place = json.loads(found["sarif"])["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "caf%E9.arch"
    assert json.loads(found["gitlab"])[0]["location"]["path"] == "caf\ufffd.arch"
