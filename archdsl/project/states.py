"""Targets in a state of a git repository: ``HEAD~1:specs/net.arch``, or ``HEAD~1`` beside the file of today."""

from __future__ import annotations

import os
from pathlib import Path

from archdsl import foreign
from archdsl.diagnostics import Refusal
from archdsl.driver import open_program
from archdsl.graph import Graph
from archdsl.project.git import State, state
from archdsl.project.holding import file_of
from archdsl.reading import zoo_files, zoo_names


def graph_in_state(text: str, beside: str | Path | None) -> Graph | None:
    """The graph of a target in a state of the repository; ``None`` where the text is an ordinary target.

    What ends in ``.arch`` or as a model does, a file here or a name of the zoo is that; everything else is asked of
    git. Refuses (E0012) what could be a file and a state, and a state that does not have the file.
    """
    ref, sign, path = text.partition(":")
    file_here = Path(text) if foreign.is_model(text) else Path(text.partition(".arch")[0] + ".arch")
    names_file = ".arch" in path or foreign.is_model(path)
    if sign and names_file and not ref.endswith(".arch") and not file_here.exists():
        found = state(ref)
        if found is None:
            raise Refusal("E0012", f"`{text}`: `{ref}` is no state of the repository")
        file, variant = _split(path)
        here = file.startswith(("./", "../"))  # as in git: else the path is that from the root of the repository
        return _read(found, os.path.relpath(Path(file).resolve(), found.root) if here else file, variant, text)
    if text.endswith((".arch", ".json", ".yaml", ".yml", *foreign.SUFFIXES)) or ".arch:" in text or _of_zoo(text):
        return None
    found = state(text)
    if found is None:
        return None
    if Path(text).exists():
        help = f"write `./{text}` for the file, `refs/heads/{text}` or `{found.commit[:10]}` for the state"
        raise Refusal("E0012", f"`{text}` is a file, and a state of the repository", help=help)
    target = str(beside) if beside is not None else ""
    file_now = file_of(target)
    if file_now is None:
        help = f"write `{text}:specs/net.arch`, or a file as the second target"
        raise Refusal("E0012", f"`{text}` is a state of the repository: which file of it?", help=help)
    path = os.path.relpath(file_now.parent.resolve() / file_now.name, found.root)
    return _read(found, path, _split(target)[1], text)


def _split(target: str) -> tuple[str, str | None]:
    file, sign, variant = target.partition(".arch:")
    return (f"{file}.arch", variant) if sign else (target, None)


def _of_zoo(text: str) -> bool:
    return text in zoo_names() or any(file.stem == text for file in zoo_files())


def _read(found: State, path: str, variant: str | None, text: str) -> Graph:
    from archdsl.project.checkout import checked_out, fetched

    key = Path(path).as_posix()
    model = foreign.is_model(key)
    with checked_out(found) as folder:
        if model:
            fetched(found, folder, key)
        if ".." in Path(key).parts or not (folder / key).is_file():
            raise Refusal("E0012", f"`{text}`: {found.commit[:10]} has no file `{key}`", help="paths begin at the root")
        if model:
            return foreign.read(folder / key)
        return open_program(folder / key, name=f"{found.reference}:{key}").graph(variant)
