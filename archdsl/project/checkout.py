"""The specs of a commit as files in a folder of their own."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from archdsl import foreign
from archdsl.diagnostics import Refusal
from archdsl.files import open_file
from archdsl.project.git import LARGEST, State, answer, environment
from archdsl.reading import MAX_SOURCE_BYTES
from archdsl.writing import make_folder, scratch, write_file

_STRING = re.compile(rb'"([^"\n]*)"')
ASKED = ".asked"
"""What git is asked for, in a file: a pipe would have to be filled while it is read."""
CONFIGS = ("archdsl.toml", "pyproject.toml")


@contextmanager
def checked_out(state: State) -> Iterator[Path]:
    """A folder with the specs of a commit, with the files that they may name (labels), and with the configurations.

    Files are as they were committed, whatever attributes say; a text too large for a spec is there, and empty.
    """
    with scratch() as folder:
        ids = _files(state)
        specs = {path: id for path, id in ids.items() if path.endswith(".arch") or Path(path).name in CONFIGS}
        named = _write(state, specs, folder)
        others = {path: id for path, id in ids.items() if path not in specs and not foreign.is_model(path)}
        _write(state, {path: id for path, id in others.items() if Path(path).name in named}, folder)
        yield folder


BESIDE = (".data", "_data", ".bin")
"""What the weights beside a model are called: its own name, and this."""


def fetched(state: State, folder: Path, path: str) -> None:
    """Write one model of the commit, with weights beside it, into the folder of what is checked out: models are large,
    and only those that are asked for are fetched.
    """
    known = {one: id for one, id in _files(state).items() if one == path or one.removeprefix(path) in BESIDE}
    for one, id in known.items():
        file = _place(folder, one)
        if file is not None and not file.exists():
            with _batch(state, "--batch", [id], folder) as answers:
                head = answers.readline().split()
                if head[1:2] == [b"blob"]:
                    write_file(file, _parts(answers, int(head[2])))


def _parts(stream: IO[bytes], size: int) -> Iterator[bytes]:
    while size > 0:
        part = stream.read(min(size, 1 << 20))
        if not part:
            return
        size -= len(part)
        yield part


def _files(state: State) -> dict[str, str]:
    """The ordinary files of a commit, as object names: no links, no submodules."""
    found = {}
    tree = answer(state.repository, state.reference, "ls-tree", "-r", "-z", "--full-tree", state.commit)
    for line in tree.split(b"\0")[:-1]:
        kind, _, path = os.fsdecode(line).partition("\t")
        if kind.startswith("100"):
            found[path] = kind.split()[2]
    return found


def _write(state: State, ids: Mapping[str, str], folder: Path) -> set[str]:
    """Write the files; the names that occur in them as strings. What is not in the repository is left out."""
    named: set[str] = set()
    sizes = {path: size for path, size in _sizes(state, ids, folder).items() if size is not None}
    small = {path: ids[path] for path, size in sizes.items() if size <= MAX_SOURCE_BYTES}
    if sum(sizes[path] for path in small) > LARGEST:
        raise Refusal("E0012", f"`{state.reference}`: its specs have more than {LARGEST:,} bytes")
    for path in sizes.keys() - small.keys():
        file = _place(folder, path)
        if file is not None:
            write_file(file, [b"\n" * (MAX_SOURCE_BYTES + 1)])  # is refused as too large
    with _batch(state, "--batch", small.values(), folder) as answers:
        for path in small:
            head = answers.readline().split()
            content = answers.read(int(head[2]))
            answers.read(1)
            file = _place(folder, path)
            if file is not None:
                write_file(file, content)
            named |= {Path(os.fsdecode(text)).name for text in _STRING.findall(content)}
    return named


def _sizes(state: State, ids: Mapping[str, str], folder: Path) -> dict[str, int | None]:
    """The size of each file; ``None`` for what is not here, as in a partial clone."""
    with _batch(state, "--batch-check", ids.values(), folder) as answers:
        heads = [answers.readline().split() for _ in ids]
    return {path: int(head[2]) if head[1:2] == [b"blob"] else None for path, head in zip(ids, heads)}


@contextmanager
def _batch(state: State, option: str, ids: Iterable[str], folder: Path) -> Iterator[IO[bytes]]:
    """The answers of ``git cat-file`` as a stream, so that nothing large is ever held."""
    write_file(folder / ASKED, "".join(f"{id}\n" for id in ids))
    with open_file(folder / ASKED) as asked:
        process = subprocess.Popen(
            ["git", "-C", str(state.repository), "cat-file", option], stdin=asked, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, env=environment(state.repository),
        )  # fmt: skip
        assert process.stdout is not None
        try:
            yield process.stdout
        finally:
            process.kill()
            process.stdout.close()
            process.wait()


def _place(folder: Path, path: str) -> Path | None:
    """Where a file is written; nowhere, if a tree that was made by hand says `..`."""
    file = folder.joinpath(*path.split("/"))
    if not file.resolve().is_relative_to(folder):
        return None
    make_folder(file.parent)
    return file
