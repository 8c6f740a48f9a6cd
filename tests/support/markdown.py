"""Fenced code blocks of Markdown files, and what their info strings promise."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

from paths import ROOT

_FENCE = re.compile(r"^(?P<mark>`{3,})(?P<info>[^`\n]*)\n(?P<body>.*?)^(?P=mark)[ ]*$", re.MULTILINE | re.DOTALL)
_DEFINITION = re.compile(r"^(use|block|network|variant)\b")
_EDITION = re.compile(r"^arch \d", re.MULTILINE)


@dataclass(frozen=True)
class Fence:
    """One block: ``arch error=E0304`` has ``lang`` "arch" and ``options`` {"error": "E0304"}."""

    path: Path
    line: int
    lang: str
    options: dict[str, str] = field(hash=False)
    text: str
    heading: str = ""

    @property
    def where(self) -> str:
        """A name for test reports."""
        return f"{self.path.relative_to(ROOT)}:{self.line}"


def fences(path: Path) -> list[Fence]:
    """All fenced blocks of a Markdown file, in order."""
    text = path.read_text(encoding="utf-8")
    found = []
    for match in _FENCE.finditer(text):
        words = shlex.split(match["info"])
        options = dict(word.partition("=")[::2] for word in words[1:])
        before = text[: match.start()]
        headings = re.findall(r"^#+ (.+)$", re.sub(_FENCE, "", before), re.MULTILINE)
        line = before.count("\n") + 2
        lang = words[0] if words else ""
        found.append(Fence(path, line, lang, options, match["body"], headings[-1] if headings else ""))
    return found


def program(fence: Fence) -> tuple[str, int]:
    """The whole file that an ``arch`` fence stands for, and how many lines stand before its own first line.

    A block that begins with ``arch 1`` is a file. Otherwise its paragraphs that begin with a definition are
    definitions, and the others are the body of a network with one input (``input=f32[N,64,56,56]``).
    """
    if _EDITION.search(fence.text):
        return fence.text, 0
    prefix = "arch 1\n"
    definitions, body = _split(fence.text)
    if not body.strip():
        return prefix + definitions, 1
    head = f"network Net() {{ input x: {fence.options.get('input', 'f32[N, 64, 56, 56]')}\n"
    before = prefix + definitions + head
    return before + body + "}\n", before.count("\n") - definitions.count("\n")


def _split(text: str) -> tuple[str, str]:
    """Leading definitions, and the rest."""
    lines = text.splitlines(keepends=True)
    cut, depth, inside = 0, 0, False
    for index, line in enumerate(lines):
        bare = re.sub(r'"[^"]*"|#.*', "", line)
        if depth == 0 and line.strip() and not line.startswith((" ", "#", "}")):
            inside = bool(_DEFINITION.match(line))
        depth += sum(bare.count(c) for c in "{([") - sum(bare.count(c) for c in "})]")
        if inside or line.startswith("##") or not line.strip():
            cut = index + 1
        else:
            break
    return "".join(lines[:cut]), "".join(lines[cut:])
