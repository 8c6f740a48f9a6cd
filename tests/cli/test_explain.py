"""Every diagnostic code has a page; its bad example gives exactly that code and its fixed one none."""

from __future__ import annotations

import re

import pytest
from console import commands, run
from markdown import Fence, fences
from outcome import outcome, show
from packages import forget
from paths import ROOT

from archdsl.tape.limits import DEFAULT

PAGES = sorted((ROOT / "archdsl" / "explain").glob("*.md"))
CODE = re.compile(r"""["']([EW]\d{4})["']""")


def codes_in_source() -> set[str]:
    files = [*(ROOT / "archdsl").rglob("*.py"), *(ROOT / "backends").rglob("*.py")]
    return {code for file in files for code in CODE.findall(file.read_text(encoding="utf-8"))}


def section(page, heading: str) -> list[Fence]:
    return [f for f in fences(page) if f.heading == heading and f.lang in ("arch", "console", "json", "yaml")]


def test_every_code_has_a_page_and_every_page_a_code() -> None:
    pages = {page.stem for page in PAGES}
    assert len(pages) > 30
    assert codes_in_source() == pages


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_page_has_a_headline_and_both_examples(page) -> None:
    text = page.read_text(encoding="utf-8")
    assert re.match(rf"# {page.stem}: [^\n]+[^.\n]\n\n\S", text), (
        "the first line is `# CODE: headline`, then a paragraph"
    )
    assert section(page, "Bad") and section(page, "Fixed")


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_bad_example_gives_exactly_this_code(page, monkeypatch) -> None:
    if page.stem == "E0502":  # a million operators take ten seconds
        assert f"{DEFAULT.nodes:,} operators" in page.read_text(encoding="utf-8")
        monkeypatch.setitem(vars(DEFAULT), "nodes", 20_000)
    for fence in section(page, "Bad"):
        if fence.lang == "arch" and "file" not in fence.options:
            found = outcome(fence.text)
            assert set(found.codes) == {page.stem}, show(found.diagnostics)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_mended_example_is_clean(page) -> None:
    for fence in section(page, "Fixed"):
        if fence.lang == "arch" and "file" not in fence.options:
            found = outcome(fence.text)
            assert found.codes == [], show(found.diagnostics)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_commands_of_the_page_do_what_it_says(page, tmp_path, monkeypatch) -> None:
    (tmp_path / "specs").symlink_to(ROOT / "specs")
    if page.stem == "E0606":  # about what is installed
        monkeypatch.syspath_prepend(tmp_path)
    for heading in ("Bad", "Fixed"):
        for fence in fences(page):
            if fence.heading == heading and "file" in fence.options:
                (tmp_path / fence.options["file"]).parent.mkdir(exist_ok=True)
                content = bytes.fromhex(fence.text) if "hex" in fence.options else fence.text.encode()
                (tmp_path / fence.options["file"]).write_bytes(content)
        forget()
        for fence in section(page, heading):
            for command, _ in commands(fence.text) if fence.lang == "console" else []:
                done = run(command, tmp_path)
                told = set(re.findall(r"\b[EW]\d{4}\b", done.output))
                assert told == ({page.stem} if heading == "Bad" else set()), f"$ {command}\n{done.output}"
                assert (done.status != 0) == (heading == "Bad"), f"$ {command} ended with {done.status}"
