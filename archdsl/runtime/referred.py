"""Files of weights that a model refers to and that others wrote: whether they are still what was compiled."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from archdsl.diagnostics import Refusal
from archdsl.files import check_inside, digest_of
from archdsl.interface import REFERRED

MOST_FILES = 10_000
_known: dict[tuple[Path, int, int], str] = {}
"""Files that were looked at, with their bytes and times -> their digests: a comparison opens a model several times."""


def check_referred(model: Path, metadata: Mapping[str, str]) -> None:
    """Refuse (E0703) a model whose weights lie in a file that has changed since; (E0706) metadata that say nonsense."""
    for name, (size, digest) in _files(metadata.get(REFERRED, "{}")).items():
        file = model.parent / name
        check_inside(file, model)
        if file.stat().st_size != size or _digest(file) != digest:
            raise Refusal(
                "E0703", f"`{name}`, which has the weights of `{model}`, has changed since that was compiled",
                help="compile the model again; without `--external-data` it keeps its weights itself",
            )  # fmt: skip


def _files(text: str) -> dict[str, tuple[int, str]]:
    """The files by their names relative to the model, with bytes and digests."""
    try:
        found = {name: (int(size), str(digest)) for name, (size, digest) in json.loads(text).items()}
    except (ValueError, TypeError, AttributeError, RecursionError):
        found = None
    if found is None or len(found) > MOST_FILES or any(Path(n).is_absolute() or ".." in Path(n).parts for n in found):
        raise Refusal("E0706", f"`{REFERRED}` in the model's metadata is no list of files in its folder")
    return found


def _digest(file: Path) -> str:
    about = file.stat()
    key = (file.resolve(), about.st_size, about.st_mtime_ns)
    if key not in _known:
        _known[key] = digest_of(file)
    return _known[key]
