"""The pages about the zoo say what is: docs/zoo.md, docs/length.md, docs/families.md, and ``archdsl list``."""

from __future__ import annotations

import csv
import json
import re
from functools import cache
from statistics import median

import pytest
from markdown import fences
from paths import DATA, DOCS, SPECS, tool

from archdsl import reading
from archdsl.project import zoo_figures
from archdsl.project.zoo import FIGURES, networks
from archdsl.project.zoo_entry import Entry
from archdsl.report.render import render

pytestmark = pytest.mark.slow

LEDGER = json.loads((SPECS / "ledger.json").read_text(encoding="utf-8"))


@cache
def zoo() -> dict[str, Entry]:
    return {entry.name: entry for entry in zoo_figures.measured(reading.zoo_names())}


def test_the_page_of_the_zoo_is_current() -> None:
    page = (DOCS / "zoo.md").read_text(encoding="utf-8")
    assert page == tool("zoo_page").document(zoo().values()), "run tools/zoo_page.py"


def test_the_table_of_the_list_is_current() -> None:
    assert FIGURES.read_text(encoding="utf-8") == zoo_figures.document(zoo().values()), "run tools/zoo_page.py"
    assert networks().entries == tuple(zoo().values())


def test_every_network_is_on_the_page_once_and_nothing_is_both_there_and_missing() -> None:
    networks, _, undefined = (DOCS / "zoo.md").read_text(encoding="utf-8").partition("## Rows that no source defines")
    rows = re.findall(r"^\| `(\w+)` \|", networks, re.MULTILINE)
    assert sorted(rows) == sorted(reading.zoo_names())
    missing = re.findall(r"^\| `(\w+)` \| (.+) \|$", undefined, re.MULTILINE)
    assert len(missing) >= 10
    assert not {name for name, _ in missing} & (set(LEDGER) | set(rows))
    assert all(len(reason) > 20 for _, reason in missing)


def test_kinds_are_folders_and_the_list_is_by_kind() -> None:
    files = reading.zoo_files()
    assert len({path.stem for path in files}) == len(files)  # `use zoo.NAME` and `archdsl check NAME` know no folders
    kinds = {path.parent.name for path in files} - {SPECS.name}
    assert len(kinds) >= 5
    lines = render(networks().report(), "text").splitlines()
    heads = [line for line in lines if line and not line.startswith(" ")]
    assert heads == ["classification", *sorted(kind.replace("_", " ") for kind in kinds)]
    assert render(networks("resnet50").report(), "text").startswith("name ")
    assert {entry.kind for entry in networks("bert*").entries} == {"language"}


# the year in which these were published, from the papers themselves
YEARS = {
    "mlp3": 1986, "perceptron": 1958, "convnet1989": 1989, "lenet5_1998": 1998, "autoencoder_mnist": 2006,
    "alexnet_2012": 2012, "zfnet": 2013, "vgg16": 2014, "googlenet_2014": 2014, "resnet50": 2015, "inception_v3": 2015,
    "wrn_28_10": 2016, "wide_resnet50_2": 2016, "densenet121": 2016, "mobilenet_v1": 2017, "se_bn_inception": 2017,
    "cmpe_se_wrn_28_10": 2018, "cbam_resnet50": 2018, "mobilenet_v3_small": 2019, "sknet50": 2019,
}  # fmt: skip


def test_years() -> None:
    assert {name: zoo()[name].year for name in YEARS} == YEARS
    assert [name for name, entry in zoo().items() if entry.year is None or not 1943 <= entry.year <= 2026] == []


def test_the_listed_costs_are_those_that_other_sources_count() -> None:
    with (DATA / "counts.csv").open(newline="") as table:
        rows = [row for row in csv.DictReader(table) if row["variant"] in zoo()]
    assert len(rows) > 50
    for row in rows:
        assert zoo()[row["variant"]].measured["params"] == int(row["params"]), row["variant"]


def test_the_ledgers_identifiers_are_attached() -> None:
    attached = {identifier: entry for entry in zoo().values() for identifier in entry.ledger_ids}
    assert set(attached) == set(LEDGER)
    assert all((e.spec, e.name) == (LEDGER[i]["file"], LEDGER[i]["variant"]) for i, e in attached.items())


def test_the_specs_shown_beside_papers_are_those_of_the_zoo() -> None:
    quoted = [fence for fence in fences(DOCS / "families.md") if "from" in fence.options]
    assert len(quoted) >= 7
    for fence in quoted:
        spec = (SPECS / fence.options["from"]).read_text(encoding="utf-8")
        assert bare(fence.text) in bare(spec), fence.where


def bare(text: str) -> str:
    return "\n".join(line.strip() for line in text.strip().splitlines())


def test_the_lengths_shown_are_those_of_the_specs() -> None:
    length = tool("length")
    shown = {
        name: int(lines)
        for name, lines in re.findall(
            r"^\| `(\w+)` \| \d+ \| (\d+) \|", (DOCS / "length.md").read_text(encoding="utf-8"), re.MULTILINE
        )
    }
    counted = {
        files.partition(":")[0]: length.spec_lines(
            files.partition(":")[0], [pair.partition("=")[0] for pair in networks.split()]
        )
        for families in length.SAME.values()
        for files, networks in families.items()
    }
    assert shown == counted, "run tools/length.py --write"


def test_how_lines_are_counted() -> None:
    length = tool("length")
    text = '"""Doc."""\n\n# comment\ndef f():\n    """Of\n    two lines."""\n    return g(\n        1,  # here\n    )\n'
    assert length.code_lines(text) == {4, 7, 8, 9}
    assert length.arch_lines("## doc\n\nblock f {\n  # no\n  relu  # yes\n}\n") == ["block f {", "  relu  # yes", "}"]


@pytest.mark.parametrize(("spec", "lines"), [("llama", 60), ("bert", 50)])
def test_what_everybody_looks_up_fits_on_a_screen(spec: str, lines: int) -> None:
    """The whole file, comments and claims included."""
    assert len((SPECS / "language" / f"{spec}.arch").read_text(encoding="utf-8").splitlines()) < lines


@pytest.mark.reference
def test_specs_are_half_as_long_as_definitions_in_python() -> None:
    ratios = {row.family: row.ratio for row in tool("length").rows()}
    assert median(ratios.values()) <= 0.4
    assert {family for family, ratio in ratios.items() if ratio > 1} == set()
