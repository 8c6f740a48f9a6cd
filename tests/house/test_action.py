"""The action's own script on a pull request from a fork, the hooks, and the image's file."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from paths import ROOT
from sarif_schema import faults

from archdsl.cli import COMMANDS

SPEC = """arch 1
network Net() { input x: f32[N, 3, 8, 8]; body: conv(8, 3) }
variant net = Net() { budget { macs <= 20K } }
"""


@pytest.fixture
def fork(tmp_path):
    """A shallow clone of a branch that breaks the budget, as actions/checkout makes it."""
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]

    def git(*arguments):
        subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True, capture_output=True)

    git("init", "-q", "-b", "main", "upstream")
    (tmp_path / "upstream" / "specs").mkdir()
    net = tmp_path / "upstream" / "specs" / "net.arch"
    for text, branch in ((SPEC, "main"), (SPEC.replace("conv(8", "conv(16"), "wider")):
        if branch != "main":
            git("-C", "upstream", "checkout", "-qb", branch)
        net.write_text(text)
        git("-C", "upstream", "add", "-A")
        git("-C", "upstream", "commit", "-qm", branch)
    git("clone", "-q", "--depth=1", "--branch=wider", f"file://{tmp_path}/upstream", "fork")
    return tmp_path / "fork"


def run_step(folder: Path, base: str, **inputs: str) -> subprocess.CompletedProcess:
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    step = next(s for s in action["runs"]["steps"] if s["name"] == "Check")
    given = {name: spec["default"] for name, spec in action["inputs"].items()} | inputs
    values = {f"${{{{ inputs.{name} }}}}": value for name, value in given.items()} | {"${{ github.base_ref }}": base}
    env = {name: values[text] for name, text in step["env"].items()}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    hidden = ("GITHUB_", "CI_PROJECT")
    outer = {k: v for k, v in os.environ.items() if not k.startswith(hidden) and "TOKEN" not in k}
    # bash as the runner calls it
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
    summary = {"GITHUB_STEP_SUMMARY": str(folder.parent / "summary.md"), "GITHUB_WORKSPACE": str(folder)}
    return subprocess.run(
        command, cwd=folder, env=outer | env | summary | {"PATH": path}, capture_output=True, text=True
    )


def test_a_pull_request_from_a_fork(fork):
    done = run_step(fork, "main", sarif="out.sarif")
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(r"^::error file=specs/net.arch,line=3,", done.stderr, re.MULTILINE)
    assert re.search(r"^::notice file=specs/net.arch,line=2,.*\+13,824 body", done.stderr, re.MULTILINE)
    log = json.loads((fork / "out.sarif").read_text())
    assert faults(log) == []
    (result,) = log["runs"][0]["results"]
    region = result["relatedLocations"][0]["physicalLocation"]
    assert region["artifactLocation"]["uri"] == "specs/net.arch" and region["region"]["startLine"] == 2
    assert "| net | macs | 13,824 | 27,648 | +100.0% |" in (fork.parent / "summary.md").read_text()


def test_a_push_compares_with_nothing(fork):
    done = run_step(fork, "")
    assert done.returncode == 1 and "grew" not in done.stdout


def test_inputs_are_data(fork):
    done = run_step(fork, "main", specs="specs/;touch$IFS''broken $(touch broken)", against="none")
    assert done.returncode == 2 and not list(fork.rglob("broken*"))
    action = (ROOT / "action.yml").read_text()
    assert "${{" not in "".join(s["run"] for s in yaml.safe_load(action)["runs"]["steps"])


def test_the_hooks_call_commands_there_are():
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert [hook["id"] for hook in hooks] == ["archdsl-fmt", "archdsl-check", "archdsl-lint"]
    for hook in hooks:
        program, command, *_ = hook["entry"].split()
        assert program == "archdsl" and command in COMMANDS and hook["language"] == "python"
        assert re.search(hook["files"], "specs/net.arch") and not re.search(hook["files"], "net.archive")


def test_the_image_is_built_from_this_project():
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    assert sum(line.startswith("FROM python:3.11-slim") for line in lines) == 2
    assert lines[-1] == 'ENTRYPOINT ["archdsl"]' and "USER archdsl" in lines
