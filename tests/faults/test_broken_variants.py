"""Every broken variant is in every output of `archdsl check`."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree

from faults import again, archdsl, fault

BODY = """arch 1
network Net(c) {
  input x: f32[N, 3, 8, 8]
  conv(c, 3)
  conv(8, 3, groups = 4)
}
"""
FITS = "variant a = Net(8)\nvariant b = Net(16)\nvariant c = Net(32)\n"
REFUSED = "variant a = Net(8)\nvariant b = Net(6)\nvariant c = Net(6)\nvariant d = Net(10)\n"


def outputs(folder: Path, text: str) -> dict[str, str]:
    """What every form of the outcome says."""
    forms = {"sarif": "o.sarif", "junit": "o.xml", "gitlab": "o.gitlab.json", "markdown": "o.md", "json": "o.json"}
    reports = ",".join(["github", *(f"{form}={name}" for form, name in forms.items())])
    done = archdsl(folder, f"check net.arch --report {reports}", net__arch=text)
    assert done.status == 1, done.output
    return {"text": done.output} | {form: (folder / name).read_text() for form, name in forms.items()}


@fault(
    "F21",
    "diagnostics of all variants were made unique by code and place before anybody counted them",
    "refused operators, asserts, shapes, warnings; in text, concise, JSON, SARIF, JUnit, GitLab, GitHub and Markdown",
)
def test_an_assertion_that_three_variants_break_is_told_of_three(tmp_path: Path) -> None:
    text = BODY.replace("  conv(c, 3)\n", '  assert c < 8, "there are {c} channels"\n  conv(c, 3)\n') + FITS
    for form, told in outputs(tmp_path, text).items():
        assert "there are 8 channels" in told, form
        for name, c in ("b", 16), ("c", 32):
            assert re.search(rf"also in `{name}`: .*there are {c} channels", told), (form, name)


@again("F21")
def test_a_refusal_that_three_variants_meet_names_three(tmp_path: Path) -> None:
    for form, text in outputs(tmp_path, BODY + REFUSED).items():
        for name in "c", "d":
            assert re.search(rf"also in .*`{name}`", text), (form, name)
    document = json.loads((tmp_path / "o.json").read_text())
    assert document["targets"][0]["broken"] == ["b", "c", "d"]
    root = ElementTree.parse(tmp_path / "o.xml").getroot()
    failed = [c.get("classname") for c in root.iter("testcase") if c.find("failure") is not None]
    assert failed == ["net.arch", "net.arch:b", "net.arch:c", "net.arch:d"]
    assert int(root.get("failures") or 0) == len(failed)


@again("F21")
def test_a_bound_that_is_met_exactly_has_nothing_left(tmp_path: Path) -> None:
    """`0.0% left` and `0.0% beyond` were said of what is the bound, or misses it by little."""
    claims = "params <= 376; params >= 376; macs <= 30K"
    text = BODY + f"variant a = Net(8) {{ budget {{ {claims} }} }}\n"
    done = archdsl(tmp_path, "check net.arch", net__arch=text)
    assert done.output.count("holds exactly") == 2 and " 0.0%" not in done.output
    done = archdsl(tmp_path, "check net.arch", net__arch=text.replace("30K", "23_041"))
    assert " 0.0%" not in done.output
