"""The specs of a state of a git repository, as files: nothing is fetched, and the working tree is not changed."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from archdsl.diagnostics import Refusal
from archdsl.writing import make_folder, scratch, write_file

_REF = re.compile(r"(branch|tag|commit)=([\w./@+-]+)", re.ASCII)
_STRING = re.compile(rb'"([^"\n]*)"')
_LARGEST = 200_000_000
"""Bytes of git's answers that are read."""


@contextmanager
def checked_out(reference: str, place: Path, ref: str) -> Iterator[tuple[Path, Path]]:
    """A folder with the specs of ``.git#branch=main``, and the root of the repository that they lie in.

    ``place`` and ``ref`` are the parts of ``reference``. Refuses (E0012) what names no state of a repository.
    """
    repository = place.parent if place.name == ".git" else place
    names = _REF.fullmatch(ref)
    if names is None or names[2].startswith("-") or ".." in names[2]:
        raise Refusal(
            "E0012", f"`--against {reference}` does not name a branch, tag or commit", help="write `.git#branch=main`"
        )
    root = Path(_git(repository, reference, "rev-parse", "--show-toplevel").decode().rstrip("\n"))
    commit = _commit(root, reference, names[1], names[2])
    with scratch() as folder:
        for path, content in _specs(root, reference, commit).items():
            file = folder.joinpath(*path.split("/"))
            if file.resolve().is_relative_to(folder):  # a tree that was made by hand may say `..`
                make_folder(file.parent)
                write_file(file, content)
        yield folder, root.resolve()


def _specs(root: Path, reference: str, commit: str) -> dict[str, bytes]:
    """The specs of a commit, and files that they may name (labels): those whose name occurs in one as a string."""
    names: dict[str, str] = {}
    for line in _git(root, reference, "ls-tree", "-r", "-z", "--full-tree", commit).split(b"\0")[:-1]:
        kind, _, path = os.fsdecode(line).partition("\t")
        if kind.startswith("100"):  # an ordinary file: no link, no submodule
            names[path] = kind.split()[2]
    found = _blobs(root, reference, {path: id for path, id in names.items() if path.endswith(".arch")})
    named = {Path(os.fsdecode(text)).name for one in found.values() for text in _STRING.findall(one)}
    others = {path: id for path, id in names.items() if path not in found and Path(path).name in named}
    return found | _blobs(root, reference, others)


def _blobs(root: Path, reference: str, ids: Mapping[str, str]) -> dict[str, bytes]:
    """The contents of files as they were committed, whatever attributes say; what is not here is left out."""
    stream = BytesIO(_git(root, reference, "cat-file", "--batch", given="".join(f"{id}\n" for id in ids.values())))
    found = {}
    for path in ids:
        head = stream.readline().split()
        if head[1:2] == [b"blob"]:
            found[path] = stream.read(int(head[2]))
            stream.read(1)
    return found


def _commit(root: Path, reference: str, kind: str, name: str) -> str:
    """The commit that a branch (here or of ``origin``), a tag or a commit name refers to."""
    wanted = {
        "branch": (f"refs/heads/{name}", f"refs/remotes/origin/{name}"), "tag": (f"refs/tags/{name}",),
        "commit": (name,) if re.fullmatch("[0-9a-f]{4,64}", name) else (),
    }[kind]  # fmt: skip
    for ref in wanted:
        done = _run(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
        if done.returncode == 0:
            return done.stdout.decode().strip()
    fetch = f"git fetch --depth=1 origin {name}" + (f":refs/remotes/origin/{name}" if kind == "branch" else "")
    raise Refusal(
        "E0012", f"`--against {reference}`: the repository has no {kind} `{name}`",
        help=f"nothing is fetched; a shallow checkout needs `{fetch}` first",
    )  # fmt: skip


def _git(folder: Path, reference: str, *arguments: str, given: str = "") -> bytes:
    done = _run(folder, *arguments, given=given)
    if done.returncode != 0 or len(done.stdout) > _LARGEST:
        reason = done.stderr.decode(errors="replace").strip().partition("\n")[0] or "too much to read"
        raise Refusal("E0012", f"`--against {reference}`: {reason}")
    return done.stdout


def _run(folder: Path, *arguments: str, given: str = "") -> subprocess.CompletedProcess[bytes]:
    """Git, without network, prompts or locks."""
    quiet = {"GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    try:
        return subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            check=False,
            input=given.encode(),
            env=os.environ | quiet,
            timeout=120,
        )
    except FileNotFoundError:
        raise Refusal("E0012", "`--against .git#…` needs the command `git`") from None
    except subprocess.TimeoutExpired:
        raise Refusal("E0012", "git did not answer within two minutes") from None
