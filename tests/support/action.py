"""The step of the GitHub action and the hooks, run as a runner and pre-commit run them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

import archdsl

HOME = Path(archdsl.__file__).resolve().parent.parent
"""Of the package that is tested: its action and hooks lie beside it."""


def action() -> dict[str, Any]:
    """The action."""
    found: dict[str, Any] = yaml.safe_load((HOME / "action.yml").read_text(encoding="utf-8"))
    return found


def run_step(folder: Path, context: dict[str, str], **inputs: str) -> subprocess.CompletedProcess[str]:
    """The step `Check`, with what the runner knows (``github.base_ref``, …); underscores of inputs are hyphens."""
    step = next(s for s in action()["runs"]["steps"] if s["name"] == "Check")
    given = {name: spec["default"] for name, spec in action()["inputs"].items()}
    given |= {name.replace("_", "-"): value for name, value in inputs.items()}
    values = {f"inputs.{name}": value for name, value in given.items()} | context

    def value(text: str) -> str:
        names = re.fullmatch(r"\$\{\{(.*)\}\}", text)
        assert names is not None
        return next((values[name] for part in names[1].split("||") if values.get(name := part.strip())), "")

    outer = {k: v for k, v in os.environ.items() if not k.startswith(("GITHUB_", "CI_PROJECT")) and "TOKEN" not in k}
    env = outer | {name: value(text) for name, text in step["env"].items()}
    env |= {
        "GITHUB_STEP_SUMMARY": str(folder.parent / "summary.md"), "GITHUB_WORKSPACE": str(folder),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "GIT_CONFIG_GLOBAL": "/dev/null",
    }  # fmt: skip
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]  # as the runner calls it
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


def hooks() -> dict[str, dict[str, Any]]:
    """The hooks by their id."""
    found = yaml.safe_load((HOME / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    return {hook["id"]: hook for hook in found}


def run_hook(folder: Path, name: str, changed: list[str]) -> int:
    """What pre-commit does on a commit of these files: the status, or 0 where it skips the hook."""
    hook = hooks()[name]
    files = [file for file in changed if re.search(hook.get("files", ""), file) and (folder / file).exists()]
    if not files and not hook.get("always_run"):
        return 0
    named = files if hook.get("pass_filenames", True) else []
    program = [sys.executable, "-m", *hook["entry"].split(), *hook.get("args", []), *named]
    return subprocess.run(program, cwd=folder, capture_output=True, check=False).returncode
