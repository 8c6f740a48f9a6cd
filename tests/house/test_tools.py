"""The scripts in ``tools/``: asked for help, or for what they do not know, they do nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from paths import ROOT

TOOLS = sorted(path.name for path in (ROOT / "tools").glob("*.py") if "__main__" in path.read_text(encoding="utf-8"))
RUN = """
import contextlib, io, json, runpy, sys

def refuse(event, given):
    if event in ("os.mkdir", "os.remove", "shutil.rmtree", "subprocess.Popen"):
        raise SystemExit(f"{event} {given[0]}")
    if event == "open" and isinstance(given[1], str) and set(given[1]) & set("wax+"):
        raise SystemExit(f"written: {given[0]}")

sys.path.insert(0, "tools")
import options
sys.addaudithook(refuse)
found = {}
_, flag, *names = sys.argv
for name in names:
    texts = io.StringIO()
    sys.argv = [name, flag]
    with contextlib.redirect_stdout(texts), contextlib.redirect_stderr(texts):
        try:
            runpy.run_path(f"tools/{name}", run_name="__main__")
        except SystemExit as end:
            found[name] = [end.code, texts.getvalue()]
print(json.dumps(found))
"""


def ends(flag: str) -> dict[str, tuple[int, str]]:
    """Of each tool, run with this argument: its status and what it prints."""
    done = subprocess.run(
        [sys.executable, "-B", "-c", RUN, flag, *TOOLS], cwd=ROOT, capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    found: dict[str, tuple[int, str]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize(("flag", "status"), [("--help", 0), ("--no-such-option", 2)])
def test_they_do_nothing_else(flag: str, status: int) -> None:
    found = ends(flag)
    assert sorted(found) == TOOLS and len(TOOLS) > 10
    assert {name: end for name, (end, _) in found.items() if end != status} == {}
    for name, (_, text) in found.items():
        assert f"usage: {name}" in text and (status == 0) != ("unrecognized arguments: --no-such-option" in text)
