"""States of a git repository: which commit a reference means. Nothing is fetched, and no file is changed."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from archdsl.diagnostics import Refusal
from archdsl.record import Record

_REF = re.compile(r"(branch|tag|commit)=([\w./@+-]+)", re.ASCII)
_HASH = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")
LARGEST = 200_000_000
"""Bytes of git's answers that are read."""
SECONDS = 120


class State(Record):
    """A commit, and the root of the working tree that its paths are compared with."""

    reference: str
    repository: Path
    root: Path
    commit: str
    remark: str = ""
    """What else there is to say about it: that it is where a branch was left."""


def state(reference: str, *, base: bool = False) -> State | None:
    """The commit that a reference means, as git writes it (``main``, ``HEAD~1``, ``@{u}``) or as ``.git#branch=main``.

    ``None``: it is neither. ``base``: a branch means the commit where ``HEAD`` left it. Refuses (E0012) a reference
    that can only be meant as a state, and is none.
    """
    place, sign, ref = reference.partition("#")
    explicit = bool(sign) or Path(place).name == ".git"
    if not explicit:
        return _revision(reference, base)
    repository = Path(place).parent if Path(place).name == ".git" else Path(place)
    names = _REF.fullmatch(ref)
    if names is None or names[2].startswith("-") or ".." in names[2]:
        help = "write `main` or `.git#branch=main`"
        raise Refusal("E0012", f"`{reference}` does not name a branch, tag or commit", help=help)
    root = _root(repository, reference)
    commit = _named(repository, reference, names[1], names[2])
    found = State(reference, repository, root, commit)
    return _left(found, names[2]) if base and names[1] == "branch" else found


def _revision(text: str, base: bool) -> State | None:
    """What ``git rev-parse`` makes of a text, in the current folder."""
    here = Path()
    if not text or text.startswith("-") or "\n" in text or "\0" in text:
        return None
    commit = _verified(here, text)
    if commit is None:
        return None
    found = State(text, here, _root(here, text), commit)
    if not base:
        return found
    name = run(here, "rev-parse", "--symbolic-full-name", "--end-of-options", text).stdout.decode(errors="replace")
    branch = re.search(r"^refs/(?:heads|remotes)/(.+)$", name, re.MULTILINE)
    return _left(found, branch[1]) if branch else found


def _verified(folder: Path, text: str) -> str | None:
    """The commit that git takes a text for."""
    try:
        done = run(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", text)
        found = done.stdout.decode(errors="replace").split()[-1:]
        if done.returncode or not found or not _HASH.fullmatch(found[0]):
            return None
        done = run(folder, "rev-parse", "--verify", "--quiet", f"{found[0]}^{{commit}}")  # behind `:/fix` it were text
    except Refusal:  # there is no git
        return None
    commit = done.stdout.decode(errors="replace").strip()
    return commit if done.returncode == 0 and _HASH.fullmatch(commit) else None


def _named(repository: Path, reference: str, kind: str, name: str) -> str:
    """The commit that a branch (here or of ``origin``), a tag or a commit name refers to."""
    wanted = {
        "branch": (f"refs/heads/{name}", f"refs/remotes/origin/{name}"), "tag": (f"refs/tags/{name}",),
        "commit": (name,) if re.fullmatch("[0-9a-f]{4,64}", name) else (),
    }[kind]  # fmt: skip
    found = next((commit for ref in wanted if (commit := _verified(repository, ref)) is not None), None)
    if found is not None:
        return found
    what = name + (f":refs/remotes/origin/{name}" if kind == "branch" else "")
    raise Refusal(
        "E0012", f"`{reference}`: the repository has no {kind} `{name}`",
        help=f"nothing is fetched: do that first, with `git fetch {_unshallow(repository)}origin {what}`",
    )  # fmt: skip


def _left(found: State, branch: str) -> State:
    """The commit where ``HEAD`` left a branch: what came to the branch later is no change of ours.

    Refuses (E0012) where a shallow clone does not reach back to it.
    """
    head = _verified(found.repository, "HEAD")
    if head is None or head == found.commit:
        return found
    if _shallow(found.repository):  # its history is cut, but a commit still names its parents
        content = run(found.repository, "cat-file", "commit", head).stdout.decode(errors="replace")
        if found.commit in re.findall(r"^parent (\w+)$", content.partition("\n\n")[0], re.MULTILINE):
            return found.replace(remark=f"{found.commit[:10]}, which `HEAD` is a merge with")
    base = run(found.repository, "merge-base", head, found.commit).stdout.decode().strip()
    if not _HASH.fullmatch(base):
        if _shallow(found.repository):
            raise Refusal(
                "E0012", f"`{found.reference}`: this clone is shallow, so it is not known where `HEAD` left `{branch}`",
                help=f"`git fetch --unshallow origin`, or compare with one commit: `.git#commit={found.commit[:10]}`",
            )  # fmt: skip
        return found.replace(remark=f"{found.commit[:10]}, which has no history in common with `HEAD`")
    if base == found.commit:
        return found
    return found.replace(commit=base, remark=f"{base[:10]}, where `HEAD` left `{branch}`")


def _shallow(repository: Path) -> bool:
    return run(repository, "rev-parse", "--is-shallow-repository").stdout.strip() == b"true"


def _unshallow(repository: Path) -> str:
    return "--unshallow " if _shallow(repository) else ""


def _root(repository: Path, reference: str) -> Path:
    """The top of the working tree; of a bare repository, that of the folder we are in."""
    done = run(repository, "rev-parse", "--show-toplevel")
    if done.returncode and run(repository, "rev-parse", "--is-bare-repository").stdout.strip() == b"true":
        done = run(Path(), "rev-parse", "--show-toplevel")
        if done.returncode:
            return Path.cwd()
    if done.returncode:
        raise Refusal("E0012", f"`{reference}`: {_reason(done)}")
    return Path(os.fsdecode(done.stdout).rstrip("\n")).resolve()


def answer(folder: Path, reference: str, *arguments: str) -> bytes:
    """What git says to a question that it must have an answer to; refuses (E0012) where it has none."""
    done = run(folder, *arguments)
    if done.returncode != 0 or len(done.stdout) > LARGEST:
        raise Refusal("E0012", f"`{reference}`: {_reason(done)}")
    return done.stdout


def _reason(done: subprocess.CompletedProcess[bytes]) -> str:
    return done.stderr.decode(errors="replace").strip().partition("\n")[0] or "git has too much to say"


def environment(folder: Path) -> Mapping[str, str]:
    """Without network, prompts and locks; in another folder also without what a hook of this repository is told."""
    quiet = {
        "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": "none", "GIT_OPTIONAL_LOCKS": "0",
        "LC_ALL": "C",
    }  # fmt: skip
    of_here = () if folder == Path() else ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")
    return {name: value for name, value in os.environ.items() if name not in of_here} | quiet


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Ask git; of a long answer, :data:`LARGEST` bytes and one more. Refuses (E0012) where there is no git."""
    from threading import Timer

    try:
        process = subprocess.Popen(
            ["git", "-C", str(folder), *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=environment(folder),
        )  # fmt: skip
    except OSError:
        raise Refusal("E0012", "states of a repository are asked of the command `git`, which is not here") from None
    timer = Timer(SECONDS, process.kill)
    timer.start()
    try:
        assert process.stdout is not None and process.stderr is not None
        out = process.stdout.read(LARGEST + 1)
        if len(out) > LARGEST:
            process.kill()
        told = process.stderr.read(10_000)
        process.stdout.close()
        process.stderr.close()
        return subprocess.CompletedProcess(process.args, process.wait(), out, told)
    finally:
        timer.cancel()
