"""One outcome, many sinks: each is read back by an independent reader of its format."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from console import run
from sarif_schema import faults

import archdsl

SPEC = """arch 1

use std.cnn (conv_bn)

network Net(width = 8) {
  input x: f32[N, 3, 16, 16]
  stem: conv_bn(width, 3)
  body: repeat 2 { conv(64, 3) -> relu }
  head: conv(4, 3, bias = false)
  output y
}
variant small = Net() { expect params == 512; budget { macs <= 200K; peak_activations <= 1 MiB } }
"""
WARNS = "arch 1\n\nblock unused(c, d) { conv(c, 3) }\nnetwork Net() { input x: f32[N, 3, 8, 8]; relu }\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    monkeypatch.delenv("CI_PROJECT_DIR", raising=False)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    (tmp_path / "sub dir").mkdir()
    (tmp_path / "sub dir" / "net.arch").write_text(SPEC)
    (tmp_path / "warns.arch").write_text(WARNS)
    return tmp_path


def check(folder: Path, *reports: str, status: int = 1) -> str:
    done = run(f"archdsl check . --format concise --report {','.join(reports)}", folder)
    assert done.status == status, done.output
    return done.output


def test_sarif_holds_the_published_schema(folder):
    check(folder, "sarif=out.sarif")
    assert faults(json.loads((folder / "out.sarif").read_text())) == []


def test_the_schema_finds_faults():
    result = {"ruleId": 5, "level": "bad", "message": {}, "colour": "red"}
    log = {"version": "2.1.0", "runs": [{"tool": {"driver": {}}, "results": [result]}]}
    assert len(faults(log)) == 5


def test_sarif_points_at_what_is_marked(folder):
    check(folder, "sarif=out.sarif")
    run_ = json.loads((folder / "out.sarif").read_text())["runs"][0]
    rules = [rule["id"] for rule in run_["tool"]["driver"]["rules"]]
    marked = {}
    for result in run_["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        at = result["locations"][0]["physicalLocation"]
        region = at["region"]
        text = {"sub%20dir/net.arch": SPEC, "warns.arch": WARNS}[at["artifactLocation"]["uri"]].splitlines()
        assert region["startLine"] == region["endLine"]
        line = text[region["startLine"] - 1]
        marked[result["ruleId"]] = line[region["startColumn"] - 1 : region["endColumn"] - 1]
    assert marked["E0401"] == "params == 512" and marked["E0402"] == "macs <= 200K"


def test_fingerprints_survive_edits_elsewhere(folder):
    def prints():
        check(folder, "sarif=out.sarif,gitlab=out.json")
        sarif = json.loads((folder / "out.sarif").read_text())["runs"][0]["results"]
        gitlab = json.loads((folder / "out.json").read_text())
        both = [r["partialFingerprints"]["archdslFinding/v1"] for r in sarif], [e["fingerprint"] for e in gitlab]
        assert both[0] == both[1] and len(set(both[0])) == len(both[0])
        return both[0]

    before = prints()
    moved = SPEC.replace("arch 1\n", "arch 1\n\n# a comment\n").replace("conv(4, 3", "conv(5, 3")
    (folder / "sub dir" / "net.arch").write_text(moved)
    assert prints() == before


def test_junit_counts_cases_and_failures(folder):
    check(folder, "junit=out.xml")
    root = ElementTree.parse(folder / "out.xml").getroot()
    cases = list(root.iter("testcase"))
    failed = [case.get("name") for case in cases if case.find("failure") is not None]
    assert failed == ["findings", "params == 512", "macs <= 200,000"]
    assert (int(root.get("tests")), int(root.get("failures"))) == (len(cases), len(failed)) == (5, 3)
    for suite in root.iter("testsuite"):
        assert int(suite.get("tests")) == len(list(suite.iter("testcase")))
    warned = next(case for case in cases if case.get("classname") == "warns.arch")
    assert "W0202" in warned.find("system-out").text


def test_junit_is_xml_whatever_the_text_holds(folder):
    (folder / "odd.arch").write_text(
        'arch 1\nnetwork Net() { input x: f32[N, 3, 8, 8]; assert false, "]]> & <b> \x7f \\" é" }\n'
    )
    check(folder, "junit=out.xml")
    assert "]]> & <b>" in (folder / "out.xml").read_text().replace("&gt;", ">").replace("&amp;", "&").replace(
        "&lt;", "<"
    )
    ElementTree.parse(folder / "out.xml")


COMMAND = re.compile(r"^::(error|warning) ([^:]*)::(.*)$", re.MULTILINE)


def test_github_annotations_and_step_summary(folder, monkeypatch):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(folder / "summary.md"))
    (folder / "summary.md").write_text("from an earlier step\n")
    found = COMMAND.findall(check(folder, "github"))
    by_code = {}
    for severity, properties, data in found:
        fields = dict(part.split("=", 1) for part in properties.split(","))
        by_code[fields["title"][:5]] = severity, fields, data
    severity, fields, data = by_code["E0402"]
    assert severity == "error" and fields["file"] == "sub dir/net.arch" and fields["line"] == "12"
    line = SPEC.splitlines()[11]
    assert line[int(fields["col"]) - 1 : int(fields["endColumn"])] == "macs <= 200K"
    assert "%0A" in data and "%25" in data and "\n" not in data
    assert by_code["W0202"][0] == "warning"
    summary = (folder / "summary.md").read_text()
    assert summary.startswith("from an earlier step\n## archdsl: 2 errors, ")
    assert "| small | macs | 11,261,952 |" in summary


def test_paths_are_relative_to_the_workspace(folder, monkeypatch):
    monkeypatch.setenv("GITHUB_WORKSPACE", str(folder))
    done = run("archdsl check net.arch --report github", folder / "sub dir")
    assert "file=sub dir/net.arch," in done.output


def test_gitlab_entries(folder):
    check(folder, "gitlab=out.json")
    entries = json.loads((folder / "out.json").read_text())
    assert {(e["check_name"], e["severity"], e["location"]["path"]) for e in entries} >= {
        ("E0402", "major", "sub dir/net.arch"),
        ("W0202", "minor", "warns.arch"),
    }
    assert all(e["description"] and e["location"]["lines"]["begin"] >= 1 for e in entries)


def test_a_finding_in_a_library_block_stands_where_the_block_is_applied(folder):
    (folder / "sub dir" / "net.arch").write_text(
        "arch 1\nuse std.cnn (conv_bn)\nnetwork Net() {\n  input x: f32[N, 6, 8, 8]\n  conv_bn(8, 3, groups = 4)\n}\n"
    )
    check(folder, "gitlab=out.json")
    entry = next(e for e in json.loads((folder / "out.json").read_text()) if e["check_name"] == "E0305")
    assert entry["location"] == {"path": "sub dir/net.arch", "lines": {"begin": 5}}


def test_several_reports_at_once_or_none_at_all(folder):
    reports = ["sarif=a.sarif", "junit=b.xml", "gitlab=c.json", "markdown=d.md", "json=e.json", "github"]
    assert "error[E0402]" in check(folder, *reports)
    assert {p.name for p in folder.iterdir()} >= {"a.sarif", "b.xml", "c.json", "d.md", "e.json"}
    assert json.loads((folder / "e.json").read_text())["format"] == "archdsl.check"
    for file in "a.sarif", "b.xml", "c.json", "d.md", "e.json":
        (folder / file).unlink()
    assert "E0005" in check(folder, "sarif=a.sarif", "junit=missing/b.xml", status=2)
    assert not (folder / "a.sarif").exists()


@pytest.mark.parametrize(
    "text", ["sarif", "sarif=", "github=x", "sarrif=x", "sarif=x,sarif=y", "sarif=x,junit=./x", "", "sarif=x,"]
)
def test_reports_that_cannot_be(folder, text):
    done = run(f"archdsl check warns.arch --report '{text}'", folder)
    assert done.status == 2 and "E0007" in done.output
    assert {p.name for p in folder.iterdir()} == {"sub dir", "warns.arch"}


def test_markdown_of_hostile_names(folder):
    (folder / "net.arch").write_text(
        'arch 1\nnetwork Net() { input x: f32[N, 3, 8, 8]; assert false, "<script>|*_`" }\n'
    )
    check(folder, "markdown=out.md")
    assert "\\<script\\>\\|\\*\\_\\`" in (folder / "out.md").read_text()


# What a broken budget is made of


def test_a_broken_budget_names_the_largest_layers(folder):
    """The convolutions by hand: 16 * 16 positions, 9 taps, in * out channels."""
    done = run("archdsl check 'sub dir/net.arch'", folder)
    sizes = {"body.1.conv": 64 * 64, "body.0.conv": 8 * 64, "head": 64 * 4, "stem": 3 * 8}
    total = sum(sizes.values())
    expected = [
        f"{256 * 9 * n:,} ({n / total:.1%}) from {name} (line {line}: `{text}`)"
        for name, n, line, text in (
            ("body.1.conv", sizes["body.1.conv"], 8, "conv(64, 3)"),
            ("body.0.conv", sizes["body.0.conv"], 8, "conv(64, 3)"),
            ("head", sizes["head"], 9, "conv(4, 3, bias = false)"),
        )
    ]
    shown = [line.strip() for line in done.output.splitlines() if " from " in line]
    assert shown == expected


def test_what_is_named_for_other_quantities(folder):
    claims = "peak_activations <= 1 KiB; receptive_field <= 3; params of body <= 10; macs at stem <= 1; nodes <= 1"
    (folder / "net.arch").write_text(SPEC.partition("variant")[0] + f"variant v = Net() {{ budget {{ {claims} }} }}\n")
    output = run("archdsl check net.arch", folder).output
    parts = [p for p in output.split("error[") if p.startswith("E0402")]
    told = [[line.strip() for line in p.splitlines() if " from " in line] for p in parts]
    assert [len(lines) for lines in told] == [2, 3, 2, 1, 0]
    assert told[0][0].startswith("65,536 (50.0%) from body.") and told[1][0].startswith("2 (25.0%)")
    assert told[2][0].startswith("36,928 ") and "line 7: `conv_bn(width, 3)`" in told[3][0]


def test_a_bound_from_below_names_nothing(folder):
    (folder / "net.arch").write_text(SPEC.partition("variant")[0] + "variant v = Net() { budget { macs >= 1G } }\n")
    assert " from " not in run("archdsl check net.arch", folder).output


def test_polynomials_have_the_declared_figures_beside_them() -> None:
    """Also what cannot be said with symbols: a plan of memory, a transform whose stages depend on the size."""
    text = "arch 1\nnetwork Net() {{ input x: f32[N, {}, 8]; linear(4) -> rfft(axis = t); output y }}"
    declared = str(archdsl.cost(archdsl.load(text.format("T = 16")).graph(), symbolic=True))
    numbers = archdsl.cost(archdsl.load(text.format("16")).graph())
    for quantity in ("macs", "flops", "peak_activations", "arena"):
        (line,) = [line for line in declared.splitlines() if line.startswith(quantity.replace("_", " "))]
        assert f"[{numbers.total(quantity):,}" in line, line
    assert "in brackets: at N = 1, T = 16" in declared
    for free in ("T", "16"):
        assert "in brackets" not in str(archdsl.cost(archdsl.load(text.format(free)).graph(), symbolic=True))
