"""Budgets of a project, and baselines: a pull request that widens a stage, as CI sees it."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from console import run
from sarif_schema import faults

from archdsl.analyses.measure import QUANTITIES

SPEC = """arch 1

network Net(width = 32) {
  input image: f32[N, 3, 32, 32]
  stem: conv(32, 3) -> relu
  stage1: repeat 2 { conv(width, 3) -> relu }
  stage2: seq { repeat 2 { conv(64, 3) -> relu } }
  global_avg_pool -> flatten
  head: linear(10)
  output y
}
variant net = Net() { budget { macs <= 90M } }
"""
WIDER = SPEC.replace("conv(64, 3)", "conv(80, 3)")
CONFIG = """[[budget]]
spec = "specs/net.arch"
max_increase = { params = "2 %", macs = "5M" }
"""


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", "-C", folder, *identity, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path, monkeypatch):
    for name in ("GITHUB_WORKSPACE", "CI_PROJECT_DIR", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    folder = tmp_path / "project"
    (folder / "specs").mkdir(parents=True)
    (folder / "specs" / "net.arch").write_text(SPEC)
    (folder / "archdsl.toml").write_text(CONFIG)
    git(tmp_path, "init", "-q", "-b", "main", "project")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "before")
    git(folder, "tag", "v1")
    git(folder, "checkout", "-qb", "wider")
    (folder / "specs" / "net.arch").write_text(WIDER)
    git(folder, "commit", "-qam", "wider")
    return folder


def of_main(repository: Path, saved: bool) -> str:
    """What ``--against`` calls the state of main: the branch, or a file that was saved there."""
    if not saved:
        return ".git#branch=main"
    git(repository, "checkout", "-q", "main", "--", "specs")
    assert run("archdsl check specs --save-baseline old.json", repository).status == 0
    git(repository, "checkout", "-q", "wider", "--", "specs")
    return "old.json"


def test_a_pull_request_that_widens_a_stage(repository, monkeypatch):
    """The stage by hand: 32 * 32 positions, 9 taps: 32 * 64 + 64 * 64 channels before, 32 * 80 + 80 * 80 after."""
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(repository / "summary.md"))
    done = run("archdsl check specs --against '.git#branch=main' --report github,sarif=out.sarif", repository)
    assert done.status == 1
    log = json.loads((repository / "out.sarif").read_text())
    assert faults(log) == []
    results = log["runs"][0]["results"]
    assert sorted(r["ruleId"] for r in results) == ["E0402", "E0404", "E0404"]
    places = {
        (r["ruleId"], r[kind][0]["physicalLocation"]["region"]["startLine"])
        for r in results
        for kind in ("locations", "relatedLocations")
    }  # the line that did it: of a project's budget the place, of the spec's own (line 12) beside it
    assert {("E0404", 7), ("E0402", 12), ("E0402", 7)} <= places
    assert re.search(
        r"^::notice file=specs/net.arch,line=7,.*since \.git#branch=main: \+21,233,664 stage2\.1?", done.output, re.M
    )
    positions = 32 * 32 * 9
    old, new = positions * (32 * 64 + 64 * 64), positions * (32 * 80 + 80 * 80)
    rest = positions * (3 * 32 + 2 * 32 * 32)
    summary = (repository / "summary.md").read_text()
    before, after = rest + old + 640, rest + new + 800
    assert f"| net | macs | {before:,} | {after:,} | {after / before - 1:+.1%} |" in summary
    grew = re.search(r"### grew most\n\n(?:\|.*\n){2}((?:\|.*\n)+)", summary)[1].splitlines()
    assert [line.split("|")[2:4] for line in grew] == [
        [" stage2.2 ", f" +{positions * (80 * 80 - 64 * 64):,} "],
        [" stage2.0 ", f" +{positions * 32 * 16:,} "],
        [" head ", " +160 "],
    ]


@pytest.mark.parametrize("saved", [False, True])
@pytest.mark.parametrize(
    ("subject", "allowed", "before", "after"),
    [
        # stage2: 9 * (32 * 64 + 64 * 64) + 128 parameters before; 80 channels after
        ("params of stage2", "10 %", 55_424, 9 * (32 * 80 + 80 * 80) + 160),
        ("params of stage2", "46 %", 55_424, None),
        ("macs of stage1", "0", None, None),  # as it was
        ("macs at stem", "0", None, None),
        ("params of head", "159", 650, 810),
        ("params of head", "160", 650, None),
    ],
)
def test_what_a_part_may_grow_by(repository, saved, subject, allowed, before, after):
    (repository / "archdsl.toml").write_text(f'[[budget]]\nmax_increase = {{ "{subject}" = "{allowed}" }}\n')
    ref = of_main(repository, saved)
    done = run(f"archdsl check specs --against '{ref}' --format concise", repository)
    told = [line for line in done.output.splitlines() if "E0404" in line]
    if after is None:
        assert told == []
    else:
        (line,) = told
        assert f"{subject} of `net` grew from {before:,} to {after:,}; the allowed increase is {allowed}" in line


@pytest.mark.parametrize("saved", [False, True])
def test_what_other_parameters_may_grow_by(repository, saved):
    """At width 64: 9 * (32 * 64 + 64 * 64) + 128 parameters in stage1; stage2 begins with 64 channels."""
    config = '[[budget]]\nwith = { width = 64 }\nmax_increase = { "params of stage2" = 0 }\n'
    (repository / "archdsl.toml").write_text(config)
    ref = of_main(repository, saved)
    done = run(f"archdsl check specs --against '{ref}' --format concise", repository)
    before, after = (9 * (64 * c + c * c) + 2 * c for c in (64, 80))
    assert (
        f"params of stage2 of `net(width = 64)` grew from {before:,} to {after:,}; the allowed increase is 0"
        in done.output
    )


def test_parts_that_are_misspelt_or_were_not_saved(repository):
    config = '[[budget]]\nmax_increase = { "params of stage7" = "1 %" }\n'
    assert run("archdsl check specs --save-baseline old.json", repository).status == 1
    (repository / "archdsl.toml").write_text(config)
    done = run("archdsl check specs --against '.git#branch=main'", repository)
    assert done.status == 1 and "E0201" in done.output and "did you mean `stage" in done.output
    done = run("archdsl check specs --against old.json", repository)
    assert done.status == 2 and "`old.json` has no `params of stage7`" in done.output


def test_the_interface_is_compared(repository):
    text = SPEC.replace("linear(10)", "linear(12)").replace("f32[N,", "f32[1,")
    (repository / "specs" / "net.arch").write_text(text)
    done = run("archdsl check specs --against '.git#branch=main' --report markdown=out.md --format json", repository)
    document = json.loads(done.output[: done.output.rindex("}") + 1])
    told = [(row["is"], row["what changed"]) for row in document["compared"]["interface"]]
    assert told == [
        ("breaking", "input `image`: f32[N, 3, 32, 32] -> f32[1, 3, 32, 32]"),
        ("breaking", "output `y`: f32[N, 10] -> f32[1, 12]"),
        ("weights", "2 of 12 parameters of another shape: head.weight, head.bias"),
    ]
    assert "### interface" in (repository / "out.md").read_text()


@pytest.mark.parametrize("ref", [".git#branch=main", ".git#tag=v1", ".#branch=main", "commit", "folder", "file"])
def test_every_kind_of_baseline_says_the_same(repository, ref):
    if ref == "commit":
        ref = f".git#commit={git(repository, 'rev-parse', 'main')[:10]}"
    elif ref in ("folder", "file"):
        git(repository, "checkout", "-q", "main")
        if ref == "folder":
            (repository / "old" / "specs").mkdir(parents=True)
            (repository / "old" / "specs" / "net.arch").write_text(SPEC)
            ref = "old"
        else:
            assert run("archdsl check specs/net.arch --save-baseline old.json", repository).status == 0
            ref = "old.json"
        git(repository, "checkout", "-q", "wider")
    done = run(f"archdsl check specs/net.arch --format json --against '{ref}'", repository)
    document = json.loads(done.output[: done.output.rindex("}") + 1])
    assert [d["code"] for d in document["diagnostics"]].count("E0404") == 2
    (rows,) = [rows for title, rows in document["compared"].items() if title.startswith("against")]
    same = 32 * 28 + 2 * (32 * 289)
    before, after = (same + c * 289 + c * (9 * c + 1) + 10 * (c + 1) for c in (64, 80))
    assert {r["quantity"]: (r["before"], r["after"]) for r in rows}["params"] == (f"{before:,}", f"{after:,}")


def test_a_fork_without_the_branch_of_its_own(repository, tmp_path):
    """A shallow clone of the pull request's branch: main is there only as origin's, once it was fetched."""
    git(tmp_path, "clone", "-q", "--depth", "1", "--branch", "wider", f"file://{repository}", "fork")
    fork = tmp_path / "fork"
    done = run("archdsl check specs --against '.git#branch=main'", fork)
    assert done.status == 2 and "E0012" in done.output
    command = re.search(r"`git (fetch [^`]*)`", done.output)[1]
    git(fork, *command.split())
    assert run("archdsl check specs --against '.git#branch=main'", fork).status == 1


def test_from_a_subfolder(repository):
    done = run("archdsl check net.arch --against '../.git#branch=main'", repository / "specs")
    assert done.status == 1 and "E0404" in done.output


def test_imports_come_from_the_old_state_too(repository):
    (repository / "specs" / "blocks.arch").write_text("arch 1\nblock unit() { conv(8, 3) }\n")
    net = 'arch 1\nuse "blocks.arch" (unit)\nnetwork Net() { input x: f32[N, 3, 8, 8]; unit }\n'
    (repository / "specs" / "uses.arch").write_text(net)
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "uses")
    (repository / "specs" / "blocks.arch").write_text("arch 1\nblock unit() { conv(16, 3) }\n")
    done = run("archdsl check specs/uses.arch --against '.git#branch=wider'", repository)
    assert re.search(r"Net +params +224 +448 +\+100\.0%", done.output)


@pytest.mark.parametrize("attributes", ["* export-ignore", "*.arch export-subst text eol=crlf filter=none"])
def test_attributes_hide_and_change_nothing(repository, attributes):
    git(repository, "checkout", "-q", "main")
    (repository / ".gitattributes").write_text(attributes + "\n")
    (repository / "specs" / "net.arch").write_text(SPEC.replace("arch 1\n", "arch 1 # $Format:%H$ }\n"))
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "attributes")
    (repository / "specs" / "net.arch").write_text(WIDER)
    done = run("archdsl check specs --against '.git#branch=main'", repository)
    assert done.status == 1 and done.output.count("[E0404]") == 2, done.output


def test_files_that_specs_name_come_from_the_old_state_too(repository):
    text = SPEC.replace("output y", 'output y with labels("names/ünï code.txt")')
    (repository / "specs" / "names").mkdir()
    (repository / "specs" / "names" / "ünï code.txt").write_text("\n".join("abcdefghij"))
    (repository / "specs" / "net.arch").write_text(text)
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "labels")
    (repository / "specs" / "net.arch").write_text(text.replace("conv(64, 3)", "conv(80, 3)"))
    done = run("archdsl check specs --against '.git#branch=wider'", repository)
    assert done.status == 1 and done.output.count("[E0404]") == 2, done.output


@pytest.mark.parametrize(
    "old", ["arch 1\nnetwork Net() { nothing_of_that_name }\n", "\0", SPEC.replace("linear(10)", "linear(0)")]
)
def test_an_old_state_at_fault_is_told(repository, old):
    (repository / "specs" / "net.arch").write_text(old)
    git(repository, "commit", "-qam", "at fault")
    (repository / "specs" / "net.arch").write_text(SPEC)
    done = run("archdsl check specs/net.arch --against '.git#branch=wider'", repository)
    assert done.status == 0, done.output
    assert "had an error in .git#branch=wider, so it is not compared: E0" in done.output


def test_new_networks_have_nothing_to_be_compared_with(repository):
    (repository / "specs" / "new.arch").write_text(SPEC)
    done = run("archdsl check specs/new.arch --against '.git#branch=main'", repository)
    assert done.status == 0 and "against" not in done.output


@pytest.mark.parametrize(
    "ref",
    [
        ".git#branch=nope",
        ".git#branch=--help",
        ".git",
        ".git#",
        ".git#branch=../x",
        ".git#commit=main",
        "nowhere",
        "no.json",
    ],
)
def test_references_that_lead_nowhere(repository, ref):
    done = run(f"archdsl check specs --against '{ref}'", repository)
    assert done.status == 2 and "E0012" in done.output, done.output


@pytest.mark.parametrize(
    "text",
    ["", "[", "{}", "[1]", '{"format": "archdsl.baseline"}', "[" * 9999,
     '{"format": "archdsl.baseline", "format_version": 1, "targets": {"specs/net.arch": {"net": {"layers": 5}}}}'],
)  # fmt: skip
def test_files_that_are_no_baselines(repository, text):
    (repository / "bad.json").write_text(text)
    done = run("archdsl check specs --against bad.json", repository)
    assert done.status == 2 and "E0011" in done.output, done.output


# Budgets of a file


@pytest.fixture
def check(tmp_path):
    (tmp_path / "net.arch").write_text(SPEC)

    def run_with(config, *options, name="archdsl.toml"):
        (tmp_path / name).write_text(config)
        return run(f"archdsl check net.arch {' '.join(options)}", tmp_path)

    return run_with


@pytest.mark.parametrize(
    ("bound", "holds"),
    [
        ('macs = "76_382_848"', True), ("macs = 76382847", False), ('macs = "77M"', True), ('macs = ">= 77M"', False),
        ('peak_activations = "512 KiB"', True), ('peak_activations = "0.49 MiB"', False),
        ('"params of head" = "== 650"', True), ('"receptive_field at stem" = "< 3"', False),
        ('"receptive_field at stem" = 3', True),
    ],
)  # fmt: skip
def test_bounds_in_human_units(check, bound, holds):
    done = check(f"[[budget]]\n{bound}\n")
    assert (done.status, "E0402" in done.output) == ((0, False) if holds else (1, True)), done.output
    if not holds:
        assert "archdsl.toml:2:1" in done.output


@pytest.mark.parametrize("quantity", QUANTITIES)
@pytest.mark.parametrize("where", ["", " of stage1", " at stage1"])
def test_every_quantity_can_be_bounded_anywhere(check, quantity, where):
    done = check(f'[[budget]]\n"{quantity}{where}" = ">= 1e30"\n'.replace("1e30", "999_999T"))
    if quantity == "arena" and where:
        assert "E0204" in done.output  # a plan is for the whole net
    else:
        assert done.status == 1 and f"`{quantity}{where} >= " in done.output and "E0402" in done.output
    assert "archdsl.toml:2:1" in done.output


def test_levels_variants_settings_and_pyproject(check):
    budget = '[[tool.archdsl.budget]]\nspec = "net.arch:net"\nwith = { width = 64 }\nlevel = "warn"\nmacs = "80M"\n'
    done = check(budget, name="pyproject.toml")
    assert done.status == 0 and "warning[W0450]: `net(width = 64)` does not meet its budget" in done.output
    assert check(budget, "--strict", name="pyproject.toml").status == 1
    assert check(budget.replace("net.arch:net", "resnet*"), "--strict", name="pyproject.toml").status == 0
    assert check(budget.replace("width = 64", "depth = 64"), name="pyproject.toml").status == 1


@pytest.mark.parametrize(
    ("spec", "told"),
    [("specs/*.arch", "neither a file here"), ("nett.arch", "neither a file here"), ("resnet5O", "neither a file here"),
     ("net.arch:nett", "did you mean `net`?")],
)  # fmt: skip
def test_a_budget_that_can_hold_for_nothing_is_a_fault(check, spec, told):
    done = check(f'[[budget]]\nspec = "{spec}"\nmacs = "1G"\n')
    assert done.status and "E0013" in done.output and told in done.output and "archdsl.toml:2:1" in done.output


@pytest.mark.parametrize("spec", ["net.arch", "*.arch", "n?t.arch", "*", "lenet5", "resnet*", "net.arch:net"])
def test_a_budget_may_be_for_what_is_not_checked_now(check, spec):
    assert check(f'[[budget]]\nspec = "{spec}"\nmacs = "1G"\n').status == 0


def test_increase_without_a_baseline_is_said_to_be_unchecked(check):
    assert "give `--against`" in check("[[budget]]\nmax_increase = { macs = 0 }\n").output


@pytest.mark.parametrize(
    "config",
    ["[", "budget = 3", "[[budgets]]\nmacs = 3", "[[budget]]", "[[budget]]\nmcas = 3", '[[budget]]\nmacs = "many"', "[[budget]]\nmacs = true",
     '[[budget]]\nmacs = 3\nlevel = "loud"', "[[budget]]\nspec = 3", "[[budget]]\nmax_increase = 3",
     '[[budget]]\nmax_increase = { macs = "<= 3" }', "[[budget]]\nwith = 3\nmacs = 3", "[[budget]]\nmacs = nan",
     "[[budget]]\nmacs = -1", '[[budget]]\n"macs off head" = 3'],
)  # fmt: skip
def test_faults_of_the_file(check, config):
    done = check(config)
    assert done.status == 2 and "E0013" in done.output, done.output
