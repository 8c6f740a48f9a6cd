"""Every fault reaches every report, in a form that the reader of that report takes as text and nothing else."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from console import run
from faults import again, archdsl, fault
from repository import write
from sarif_schema import faults as schema_faults

FORMS = {"sarif": "o.sarif", "junit": "o.xml", "gitlab": "o.gitlab.json", "markdown": "o.md", "json": "o.json"}
REPORTS = ",".join(["github", *(f"{form}={name}" for form, name in FORMS.items())])
NET = "arch 1\nnetwork Net() { input x: f32[N, 3, 8, 8]; conv(8, 3) -> relu; output y }\n"


@pytest.fixture(autouse=True)
def outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_WORKSPACE", "CI_PROJECT_DIR", "GITHUB_STEP_SUMMARY", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)


def texts(folder: Path) -> dict[str, str]:
    return {form: (folder / name).read_text(encoding="utf-8") for form, name in FORMS.items()}


USE = {
    "no such target": ("check nowhere.arch", "E0001"), "no such name": ("check resnet5O", "E0003"),
    "nothing to compare with": ("check net.arch --against nowhere", "E0012"),
    "no baseline": ("check net.arch --against bad.json", "E0011"),
    "a fault of archdsl.toml": ("check net.arch --config bad.toml", "E0013"),
    "an option": ("check net.arch --against net.arch --fail-on nothing", "E0007"),
    "an empty folder": ("check empty", "E0001"), "a file that cannot be written": (
        "check net.arch --save-baseline no/folder.json", "E0005"),
    "lint": ("lint net.arch --select W9999", "E0007"),
}  # fmt: skip


@fault(
    "C5",
    "reports were written from the outcome, and what is raised is none",
    "targets, options, baselines, configurations, outputs, bugs; check and lint; every form, also `--format json`",
)
@pytest.mark.parametrize("what", USE)
def test_faults_of_use_reach_every_report(tmp_path: Path, what: str) -> None:
    line, code = USE[what]
    write(tmp_path, net__arch=NET, bad__json="{", bad__toml="[[budget]]\nmcas = 3\n")
    (tmp_path / "empty").mkdir()
    done = run(f"archdsl {line} --report {REPORTS}", tmp_path)
    assert done.status == 2, done.output
    assert re.search(rf"^::error .*title={code}", done.output, re.MULTILINE)
    found = texts(tmp_path)
    assert all(code in text for text in found.values()), found
    log = json.loads(found["sarif"])
    assert schema_faults(log) == []
    invocation = log["runs"][0]["invocations"][0]
    assert not invocation["executionSuccessful"] and invocation["toolExecutionNotifications"]
    suites = ElementTree.fromstring(found["junit"])
    assert int(suites.get("errors") or 0) == 1 and suites.find(".//error") is not None
    done = run(f"archdsl {line} --format json", tmp_path)
    assert f'"code": "{code}"' in done.output and done.status == 2


@again("C5")
def test_a_bug_in_one_target_is_told_everywhere_and_the_others_go_on(tmp_path: Path) -> None:
    """A package with an operator whose type rule fails."""
    card = """from archdsl.ops.base import Work
from archdsl.ops.pointwise import Pointwise
class Twice(Pointwise):
    \"\"\"``2 * x``.\"\"\"
    name = "twice"
    cost = Work(mul=1)
    def shape(self, x):
        return {}[x]
    def function(self, x):
        return 2 * x
"""
    write(tmp_path, some_cards__py=card, a__arch=NET.replace("relu", "twice"), b__arch=NET)
    (tmp_path / "some_cards-1.0.dist-info").mkdir()
    (tmp_path / "some_cards-1.0.dist-info" / "entry_points.txt").write_text(
        "[archdsl.operators]\ntwice = some_cards:Twice\n"
    )
    env = os.environ | {"PYTHONPATH": f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"}
    done = subprocess.run(
        [sys.executable, "-m", "archdsl", "check", "a.arch", "b.arch", "--report", REPORTS],
        cwd=tmp_path, env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2 and "checked 2 targets, 1 network" in done.stderr, done.stderr
    assert all("KeyError" in text for text in texts(tmp_path).values())


@fault(
    "C6",
    "identity and place of a finding were those of the line that is marked, and a project's budget marks its own line",
    "bounds, growth, warnings, what is undecided; with a baseline and without; SARIF, GitLab, GitHub, JSON, text",
)
def test_findings_of_budgets_name_the_network_and_stand_where_it_grew(tmp_path: Path) -> None:
    many = NET.replace("; conv(8, 3) -> relu; ", "\n  conv(4, 3)\n  conv(64, 3)\n  ").replace("{ input", "{\n  input")
    config = "[[budget]]\nparams = 1\nnodes = 1\n"
    write(tmp_path, a__arch=many, b__arch=many.replace("Net", "Other"), archdsl__toml=config)

    def prints() -> list[str]:
        assert run(f"archdsl check . --report {REPORTS}", tmp_path).status == 1
        results = json.loads(texts(tmp_path)["sarif"])["runs"][0]["results"]
        places = {
            (r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"],
             r["locations"][0]["physicalLocation"]["region"]["startLine"])
            for r in results
        }  # fmt: skip
        assert places == {(file, line) for file in ("a.arch", "b.arch") for line in (2, 5)}  # `nodes` is no line's
        beside = {r["relatedLocations"][-1]["physicalLocation"]["artifactLocation"]["uri"] for r in results}
        assert beside == {"archdsl.toml"}
        return [r["partialFingerprints"]["archdslFinding/v1"] for r in results]

    first = prints()
    assert len(set(first)) == 4
    write(tmp_path, archdsl__toml="# moved\n\n" + config.replace("params = 1", "params = 2"))
    assert prints() == first
    write(tmp_path, b__arch=many.replace("Net", "Another"))
    assert len(set(prints()) & set(first)) == 2


@fault(
    "C8",
    "the findings were one part of the summary, which did not fit and was dropped; there was one amount of text",
    "findings, tables, claims; comments on pull requests (65,536 characters), steps (1 MiB, less what is there), SARIF "
    "(25,000 results); `--quiet`",
)
@pytest.mark.slow
def test_a_summary_of_thousands_keeps_what_matters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """4,000 networks that a shared block breaks, and 4,000 that a budget of the project breaks."""
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    (tmp_path / "summary.md").write_text("x" * 100_000 + "\n")
    write(tmp_path, blocks__arch="arch 1\nblock unit(c) = conv(c, 30, pad = valid)\n")
    nets = "".join(f"network Net{i}() {{ input x: f32[N, 3, 8, 8]; relu }}\n" for i in range(400))
    for i in range(10):
        write(tmp_path, **{f"small{i}__arch": "arch 1\n" + nets})
    use = 'arch 1\nuse "blocks.arch" (unit)\nnetwork Net() { input x: f32[N, 3, 8, 8]; unit(8); output y }\n'
    for i in range(40):
        write(tmp_path, **{f"uses{i:02}__arch": use})
    write(tmp_path, archdsl__toml="[[budget]]\nnodes = 0\n")
    done = run(f"archdsl check . --quiet --report {REPORTS}", tmp_path)
    assert done.status == 1 and "4,040 errors" in done.output
    for text, most in ((tmp_path / "o.md").read_text(), 65_536), ((tmp_path / "summary.md").read_text(), 1 << 20):
        assert 20_000 < len(text.encode()) <= most
        for part in ("4,040 errors", "| E0402 | a budget is not met | 4,000 |", "in 40 targets: `uses00.arch`",
                     "more findings" if most < 1 << 20 else "| Net399 |", "`Net0` does not meet its budget", "| BROKEN"):  # fmt: skip
            assert part in text, part


@again("C8")
def test_quiet_says_only_what_is_wrong(tmp_path: Path) -> None:
    for i in range(60):
        claim = f"variant net{i} = Net() {{ budget {{ params <= {1 if i == 7 else 300}; nodes <= 9 }} }}\n"
        write(tmp_path, **{f"net{i}__arch": NET + claim})
    for option in "--quiet", "-q":
        done = archdsl(tmp_path, f"check . {option}")
        assert done.status == 1 and "net7" in done.output and "net8" not in done.output
        assert len(done.output.splitlines()) < 16 and "checked 60 targets, 60 networks: 1 error" in done.output


@again("C8")
def test_clean_and_quiet_is_one_line(tmp_path: Path) -> None:
    assert archdsl(tmp_path, "check net.arch -q", net__arch=NET).output == "checked 1 target, 1 network: no findings\n"
