"""Real git repositories for tests: made in a folder, with nothing of this machine's configuration."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

IDENTITY = {
    "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "GIT_AUTHOR_NAME": "a", "GIT_COMMITTER_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_COMMITTER_EMAIL": "a@example.org",
    "GIT_AUTHOR_DATE": "2026-01-01T00:00:00Z", "GIT_COMMITTER_DATE": "2026-01-01T00:00:00Z",
}  # fmt: skip


def git(folder: Path, *arguments: str, given: str | None = None) -> str:
    """What a git command prints; it must succeed."""
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], check=True, capture_output=True, text=True, input=given,
        env=os.environ | IDENTITY,
    )  # fmt: skip
    return done.stdout.strip()


def write(folder: Path, **files: str) -> None:
    """Files by name: ``specs__net__arch`` is ``specs/net.arch``."""
    for name, text in files.items():
        *folders, stem, ending = name.split("__")
        path = folder.joinpath(*folders, f"{stem}.{ending}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def repository(folder: Path, **files: str) -> Path:
    """A repository with one commit on ``main``."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "-q", "-b", "main")
    commit(folder, "first", **files)
    return folder


def commit(folder: Path, message: str, **files: str) -> str:
    """Write files and commit everything; the name of the commit."""
    write(folder, **files)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--allow-empty", "-m", message)
    return git(folder, "rev-parse", "HEAD")
