"""``console`` blocks of Markdown pages: commands behind ``$``, run in this process, and what they print."""

from __future__ import annotations

import gc
import os
import re
import shlex
import sys
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch


class Done(NamedTuple):
    """How a command ended, and its standard output and error in one text."""

    status: int
    output: str


def commands(text: str) -> list[tuple[str, str]]:
    """The commands of a block, each with the output that is shown below it."""
    parts = re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]
    return [(part.partition("\n")[0], part.partition("\n")[2]) for part in parts]


def run(line: str, folder: Path) -> Done:
    """Run ``archdsl … && archdsl … > FILE`` in ``folder``.

    ``echo 'text' | archdsl … -`` feeds standard input, and so does ``printf 'bytes\\377' | …``.
    """
    output = ""
    for part in line.split(" && "):
        part, _, target = part.partition(" > ")
        before, _, command = part.rpartition("archdsl ")
        done = _run(shlex.split(command, comments=True), folder, _fed(shlex.split(before.strip().removesuffix("|"))))
        if target and not done.status:
            (folder / target.strip()).write_text(done.output, encoding="utf-8")
        else:
            output += done.output
        if done.status:
            return Done(done.status, output)
    return Done(0, output)


def _fed(words: list[str]) -> bytes:
    if words[:1] == ["printf"]:
        return words[1].encode("latin-1").decode("unicode_escape").encode("latin-1")
    return " ".join(words[1:]).replace("\\n", "\n").encode() + b"\n"


def _run(arguments: list[str], folder: Path, stdin: bytes) -> Done:
    stream = StringIO()
    here = Path.cwd()
    os.chdir(folder)
    source = TextIOWrapper(BytesIO(stdin), encoding="utf-8")
    status: object = 0
    try:
        with (
            patch.object(sys, "argv", ["archdsl", *arguments]),
            patch.object(sys, "stdout", stream),
            patch.object(sys, "stderr", stream),
            patch.object(sys, "stdin", source),
        ):
            from archdsl.cli import main

            main()
    except SystemExit as end:
        status = end.code
    finally:
        os.chdir(here)
        gc.unfreeze()  # a command freezes what it leaves, because its process ends
    return Done(status if isinstance(status, int) else 0 if status is None else 1, stream.getvalue())


def steady(text: str) -> str:
    """The text without what differs between runs and processors: times and computed values (and trailing spaces)."""
    lines = [line.rstrip() for line in re.sub(r"\b[\d.]+ (ms|s)\b", "T", text).splitlines()]
    computed = re.compile("mean .* std|  top:")
    return "\n".join(re.sub(r"-?\d+(\.\d+)?", "#", li) if computed.search(li) else li for li in lines).strip()
