"""The action's own script on a pull request from a fork, the hooks, and the image's file."""

import json
import re

import pytest
import yaml
from action import run_step
from paths import ROOT
from repository import commit, git, repository
from sarif_schema import faults

from archdsl.cli import COMMANDS

SPEC = """arch 1
network Net() { input x: f32[N, 3, 8, 8]; body: conv(8, 3) }
variant net = Net() { budget { macs <= 20K } }
"""


@pytest.fixture
def fork(tmp_path):
    """A shallow clone of a branch that breaks the budget, as actions/checkout makes it, and the event."""
    upstream = repository(tmp_path / "upstream", specs__net__arch=SPEC)
    git(upstream, "config", "uploadpack.allowAnySHA1InWant", "true")
    base = git(upstream, "rev-parse", "HEAD")
    git(upstream, "checkout", "-qb", "wider")
    commit(upstream, "wider", specs__net__arch=SPEC.replace("conv(8", "conv(16"))
    git(tmp_path, "clone", "-q", "--depth=1", "--branch=wider", f"file://{upstream}", "fork")
    return tmp_path / "fork", {"github.event.pull_request.base.sha": base}


def test_a_pull_request_from_a_fork(fork):
    fork, event = fork
    done = run_step(fork, event, sarif="out.sarif")
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
    done = run_step(fork[0], {})
    assert done.returncode == 1 and "grew" not in done.stdout


def test_inputs_are_data(fork):
    fork, event = fork
    done = run_step(fork, event, specs="specs/;touch$IFS''broken $(touch broken)", against="none")
    assert done.returncode == 2 and not list(fork.rglob("broken*"))
    action = (ROOT / "action.yml").read_text()
    assert "${{" not in "".join(s["run"] for s in yaml.safe_load(action)["runs"]["steps"])


def test_the_hooks_call_commands_there_are():
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert [hook["id"] for hook in hooks] == ["archdsl-fmt", "archdsl-check", "archdsl-lint"]
    for hook in hooks:
        program, command, *_ = hook["entry"].split()
        assert program == "archdsl" and command in COMMANDS and hook["language"] == "python"
        files = hook.get("files", "")
        assert re.search(files, "specs/net.arch") and (not files or not re.search(files, "net.archive"))


def test_the_image_is_built_from_this_project():
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    assert sum(line.startswith("FROM python:3.11-slim") for line in lines) == 2
    assert lines[-1] == 'ENTRYPOINT ["archdsl"]' and "USER archdsl" in lines
