"""Builds the docs as a site, with a page for every network, family, operator, block and diagnostic code.

    pip install -e ".[docs]"
    python tools/docs_site.py             # write the pages and build: build/site/html
    python tools/docs_site.py --full      # with the picture and the layers of every network, which takes minutes
    python tools/docs_site.py --pages     # write the pages only: build/site/pages

Pages are made of what the commands show (`list`, `ops`, `explain`), and are not committed. The builder (Zensical, with
``zensical.toml``) is strict: a link or an anchor inside of the site that leads nowhere is an error.
"""

from __future__ import annotations

import json
import posixpath
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import archdsl
from archdsl import reading
from archdsl.project.zoo import networks
from archdsl.project.zoo_entry import Entry
from archdsl.report.costs import CostReport
from archdsl.report.html import document, escaped
from archdsl.report.listing import NETWORK_HEAD, network
from archdsl.report.page import Page, Table

ROOT = Path(__file__).parent.parent
PAGES = ROOT / "build" / "site" / "pages"
HOME = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "docs/notebook.ipynb": "notebook.md",
    "specs": "zoo.md",
}
"""Files of the repository -> their pages, where these are called otherwise."""
CLAIMS = "Checked by `archdsl check`, and held to other sources by the tests."
TRIED = ("archdsl cost {0} --depth 1", "archdsl show {0} --format mermaid", "archdsl compile {0} -o {0}.onnx")
_FENCE = re.compile(r"^( *```)(\w+) [^\n]*$", re.MULTILINE)
_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")


def pages(full: bool) -> Iterator[tuple[str, str]]:
    """Every page and picture: its path below the site, and its Markdown or SVG."""
    for name in ("README.md", "CONTRIBUTING.md"):
        yield HOME[name], moved((ROOT / name).read_text(encoding="utf-8"), name, HOME[name])
    for file in sorted((ROOT / "docs").glob("*.md")):
        text = moved(file.read_text(encoding="utf-8"), f"docs/{file.name}", file.name)
        yield file.name, linked(text) if file.name == "zoo.md" else text
    for file in sorted((ROOT / "docs" / "pictures").iterdir()):
        yield f"pictures/{file.name}", file.read_text(encoding="utf-8")
    yield "notebook.md", notebook()
    yield from zoo(full)
    yield from operators()
    yield from codes()


def moved(text: str, source: str, page: str) -> str:
    """A page of the repository as one of the site: its links lead to pages, or are none; fences have no options."""

    def link(found: re.Match[str]) -> str:
        picture, shown, target = found.groups()
        if picture or target.startswith(("http://", "https://", "#", "mailto:")):
            return found[0]
        place, _, anchor = target.partition("#")
        file = posixpath.normpath(posixpath.join(posixpath.dirname(source), place))
        to = page_of(file)
        if to is None:
            return shown
        return f"[{shown}]({posixpath.relpath(to, posixpath.dirname(page) or '.')}{'#' + anchor if anchor else ''})"

    parts = re.split(r"(^ *```.*?^ *```$)", text, flags=re.MULTILINE | re.DOTALL)
    parts[::2] = [_LINK.sub(link, part) for part in parts[::2]]
    return _FENCE.sub(r"\1\2", "".join(parts))


def page_of(file: str) -> str | None:
    """The page of a file of the repository; ``None`` where it has none."""
    if file in HOME:
        return HOME[file]
    folder, _, name = file.rpartition("/")
    if folder == "docs" and name.endswith(".md"):
        return name
    if file.startswith("specs/") and name.endswith(".arch") and (ROOT / "archdsl" / file).is_file():
        return f"specs/{name.removesuffix('.arch')}.md"
    return None


def linked(text: str) -> str:
    """The page of the zoo with a link at the name of each network."""
    names = "|".join(networks("*").names)
    return re.sub(rf"^\| `({names})` \|", r"| [`\1`](zoo/\1.md) |", text, flags=re.MULTILINE)


# Generated pages


def zoo(full: bool) -> Iterator[tuple[str, str]]:
    """A page for each network, and one for each family with its spec."""
    for family, members in groupby(networks("*").entries, key=lambda entry: entry.family):
        found = list(members)
        program = archdsl.load(reading.ZOO / found[0].spec)
        yield f"specs/{family}.md", spec_page(family, found, program)
        for entry in found:
            yield f"zoo/{entry.name}.md", network_page(entry, program, full)
            if full:
                yield f"zoo/{entry.name}.svg", archdsl.draw(entry.name).svg


def network_page(entry: Entry, program: archdsl.Program, full: bool) -> str:
    """A network: what its authors say, its figures, its claims, its definition, its picture and layers."""
    variant = program.module.variants.get(entry.name)
    name = variant.network.span.text.partition("(")[0].strip() if variant is not None else entry.name
    definition = next((network for network in program.module.networks if network.name == name), None)
    docs = [one.doc for one in (variant, definition) if one is not None and one.doc]
    lines = [f"# {entry.name}", "", *(said(doc) for doc in docs)]
    lines += [document(Page("", (Table(NETWORK_HEAD[1:], (network(entry.record())[1:],), frozenset(range(6))),)))]
    if variant is not None:
        held = [" ".join(claim.span.text.split()) for claim in variant.claims]
        lines += ["## What is claimed", "", CLAIMS, "", fence(held)] if held else []
        lines += ["## Variant", "", fence([variant.network.span.text])]
    lines += [f"Spec: [{entry.spec}](../specs/{entry.family}.md)", "", "## Try it", ""]
    lines += [fence([line.format(entry.name) for line in TRIED], "sh")]
    if full:
        lines += ["## Picture", "", f"![The network {entry.name}]({entry.name}.svg)", ""]
        lines += ["## Layers", "", document(CostReport(archdsl.cost(entry.name), depth=1).page())]
    return "\n".join(lines) + "\n"


def spec_page(family: str, members: list[Entry], program: archdsl.Program) -> str:
    """A family: its networks and its whole spec."""
    names = " ".join(f"[{entry.name}](../zoo/{entry.name}.md)" for entry in members)
    return f"# {family}.arch\n\nNetworks: {names}\n\n{fence([program.source.text.rstrip()])}\n"


def operators() -> Iterator[tuple[str, str]]:
    """A page for each operator, combinator and block of the standard library, and their lists."""
    data = archdsl.operators().report().data()
    listed = {
        kind: [(record["name"], record["summary"]) for record in data[key]]
        for kind, key in (("operators", "ops"), ("blocks", "blocks"))
    }
    for kind, several in listed.items():
        for name, _ in several:
            shown = archdsl.operators(name).report().page()
            yield f"{kind}/{name}.md", f"# {name}\n\n{document(shown)}\n"
        rows = "".join(f"| [`{name}`]({name}.md) | {inline(summary)} |\n" for name, summary in several)
        title = "Operators" if kind == "operators" else "Combinators and blocks"
        yield f"{kind}/index.md", f"# {title}\n\n`archdsl ops NAME` prints each page.\n\n| name | |\n|---|---|\n{rows}"


def codes() -> Iterator[tuple[str, str]]:
    """The page of each diagnostic code, and their list."""
    found = archdsl.explain().pages
    rows = ""
    for code, text in found.items():
        rows += f"| [{code}]({code}.md) | {text.partition(chr(10))[0].partition(': ')[2]} |\n"
        yield f"codes/{code}.md", moved(text, f"archdsl/explain/{code}.md", f"codes/{code}.md")
    head = "# Diagnostic codes\n\n`archdsl explain CODE` prints each page.\n\n| code | |\n|---|---|\n"
    yield "codes/index.md", head + rows


def notebook() -> str:
    """The notebook with its outputs."""
    parts = []
    for cell in json.loads((ROOT / "docs" / "notebook.ipynb").read_text(encoding="utf-8"))["cells"]:
        text = "".join(cell["source"])
        parts.append(text if cell["cell_type"] == "markdown" else fence([text], "python"))
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            plain = "".join(data.get("text/plain") or output.get("text", ""))
            parts.append("".join(data["text/html"]) if "text/html" in data else fence([plain]))
    return "\n\n".join(parts) + "\n"


# Pieces


def fence(lines: list[str], language: str = "text") -> str:
    """A block of code."""
    text = "\n".join(lines)
    marks = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{marks}{language}\n{text}\n{marks}\n"


def said(doc: str) -> str:
    """A comment of a spec as paragraphs, with links to arXiv."""
    paragraphs = "".join(f"<p>{inline(part)}</p>" for part in doc.split("\n\n"))
    return f"<div>{paragraphs}</div>\n"


def inline(text: str) -> str:
    """A text of a spec inside of HTML or a table, with links to arXiv and code between backticks."""
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", escaped(text)).replace("|", "&#124;")
    return re.sub(r"arXiv:(\d{4}\.\d{4,5})", r'<a href="https://arxiv.org/abs/\1">arXiv:\1</a>', text)


def main(full: bool, only_pages: bool) -> int:
    """Write the pages, and build the site."""
    shutil.rmtree(PAGES, ignore_errors=True)
    found = dict(pages(full))
    for name, text in found.items():
        file = PAGES / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    print(f"{len(found)} pages", flush=True)
    if only_pages:
        return 0
    command = [sys.executable, "-m", "zensical", "build", "--clean", "--strict"]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    from options import given

    options = given(__doc__, full="with the picture and the layers of every network", pages="write the pages only")
    sys.exit(main(options.full, options.pages))
