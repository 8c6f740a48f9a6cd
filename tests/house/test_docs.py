"""Every ``arch`` block of the documentation is compiled and does what its text says."""

from __future__ import annotations

import re
from doctest import ELLIPSIS, NORMALIZE_WHITESPACE, DocTestParser, DocTestRunner

import pytest
from console import commands, run, steady
from markdown import Fence, fences, program
from outcome import outcome, show
from paths import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCES = [fence for page in PAGES for fence in fences(page)]
"""``package=…``: only where that package is installed, see ``tests/backends/test_packages.py``."""
ARCH = [fence for fence in FENCES if fence.lang == "arch" and "package" not in fence.options]


@pytest.mark.parametrize("fence", ARCH, ids=lambda f: f.where)
def test_arch_block_does_what_it_says(fence: Fence) -> None:
    text, _ = program(fence)
    found = outcome(text)
    expected = fence.options.get("error", "")
    errors = [d.code for d in found.diagnostics if d.severity == "error"]
    assert errors == (expected.split(",") if expected else []), f"{text}\n{show(found.diagnostics)}"


def test_the_language_reference_has_enough_examples() -> None:
    reference = [fence for fence in ARCH if fence.path.name == "language.md"]
    assert len(reference) >= 30
    assert sum("error" in fence.options for fence in reference) >= 8


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        if not target.startswith(("http://", "https://")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


TO_BE_MADE = re.compile(r"W0417|deepest|specs/net\.arch|FAMILY|ANY|/deform\.py|archdsl_listing|archdsl_example")
"""What the reader of a page is to make."""


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_files_that_are_named_are_there(page) -> None:
    rooms = "archdsl|tests|benchmarks|tools|specs|docs|backends|grammars"
    named = re.findall(rf"(?<![\w/.])((?:{rooms})/[\w./-]*\w)", page.read_text(encoding="utf-8"))
    gone = {name for name in named if not (ROOT / name).exists() and not list(ROOT.glob(f"{name}*"))}
    assert {name for name in gone if not TO_BE_MADE.search(name)} == set()


def test_the_readme_names_both_commands() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    quickstart = (
        'pip install -e ".[cpu]" && archdsl compile specs/mobilenet_v2.arch -o model.onnx && archdsl run model.onnx'
    )
    assert quickstart in text
    assert 'pip install -e ".[dev]" && pytest\n' in text


CONSOLE = [fence for fence in FENCES if fence.lang == "console" and "package" not in fence.options]


@pytest.mark.parametrize("fence", CONSOLE, ids=lambda f: f.where)
def test_console_block_is_what_the_command_prints(fence: Fence, tmp_path) -> None:
    (tmp_path / "specs").symlink_to(ROOT / "specs")
    for other in FENCES:
        if "file" in other.options and other.path == fence.path:
            (tmp_path / other.options["file"]).write_text(other.text, encoding="utf-8")
    for command, shown in commands(fence.text):
        done = run(command, tmp_path)
        kept, elided, _ = steady(shown).partition("\n[…]")
        printed = steady(done.output)
        assert printed.startswith(kept) if elided else printed == kept, f"$ {command}\n{done.output}"


PYTHON = [page for page in PAGES if any(fence.lang == "pycon" for fence in fences(page))]


@pytest.mark.parametrize("page", PYTHON, ids=lambda page: page.name)
def test_python_blocks_are_what_python_prints(page, tmp_path, monkeypatch) -> None:
    """The blocks of a page are one session; ``...`` in what is shown stands for anything."""
    (tmp_path / "specs").symlink_to(ROOT / "specs")
    monkeypatch.chdir(tmp_path)
    for fence in FENCES:
        if "file" in fence.options and fence.path == page:
            (tmp_path / fence.options["file"]).write_text(fence.text, encoding="utf-8")
    session: dict[str, object] = {}
    for fence in (fence for fence in FENCES if fence.path == page and fence.lang == "pycon"):
        told: list[str] = []
        block = DocTestParser().get_doctest(fence.text, session, fence.where, str(page), fence.line)
        runner = DocTestRunner(optionflags=ELLIPSIS | NORMALIZE_WHITESPACE)
        runner.run(block, out=told.append, clear_globs=False)
        session.update(block.globs)
        assert not told, "".join(told)


def test_the_python_page_has_every_name_and_command() -> None:
    import archdsl
    from archdsl.cli import COMMANDS

    text = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    assert [
        name for name in archdsl.__all__ if name not in ("Diagnostic", "Graph") and not re.search(rf"\b{name}\b", text)
    ] == []
    table = text.partition("## All functions")[2]
    assert [name for name in COMMANDS if f"`archdsl {name}`" not in table] == []


def test_the_command_line_page_has_every_command() -> None:
    from archdsl.cli import COMMANDS

    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `archdsl (\w+)", text, re.MULTILINE)) == set(COMMANDS)


def test_the_picture_of_the_house_has_every_room() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    tree = text.partition("```\ngrammars/")[2].partition("```")[0]
    rooms = {p.stem for p in (ROOT / "archdsl").iterdir() if p.suffix == ".py" or (p / "__init__.py").exists()}
    outside = {"__init__", "backends", "grammars", "specs"}
    assert {room for room in rooms - outside if not re.search(rf"\b{room}\b", tree)} == set()


def test_the_reference_lists_the_bounds_there_are() -> None:
    from archdsl.interpret.session import Limits

    text = " ".join((ROOT / "docs" / "language.md").read_text(encoding="utf-8").split())
    limits = Limits()
    for shown in (
        f"{limits.steps:,} evaluation steps",
        f"{limits.nodes:,} operators",
        f"lists of {limits.items:,} elements",
        f"integers of {limits.bits:,} bits",
    ):
        assert shown in text, shown
