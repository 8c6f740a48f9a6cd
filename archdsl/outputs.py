"""What a file that is to be written is: its ending says the kind, and only a file of that kind is replaced.

A file is replaced without a question if archdsl wrote it as what is written now, which its content tells, or if it is
empty. So a spec, a script or a model from elsewhere is never lost to a mistyped name.
"""

from __future__ import annotations

import re
from pathlib import Path

from archdsl.diagnostics import Refusal
from archdsl.files import open_file
from archdsl.record import Record
from archdsl.writing import check_writable

LOOKED_AT = 4096
"""Bytes at the beginning, and as many at the end, in which a file's mark is looked for."""


class Kind(Record):
    """A kind of file."""

    what: str
    """``an ONNX model``."""
    endings: tuple[str, ...]
    """With the dot, in small letters; the first is the usual one."""
    mark: str = ""
    """A regular expression that the content of a file has that archdsl wrote; empty: any content may be replaced."""


WEIGHTS = Kind("a safetensors file", (".safetensors",), r'"producer":"archdsl"')
CHART = Kind("a chart", (".svg",), r"<!-- archdsl chart -->")
PICTURES = {
    ".svg": Kind("a picture", (".svg",), r"<!-- archdsl picture -->"),
    ".png": Kind("a picture", (".png",), r"archdsl picture"),
    ".mmd": Kind("a Mermaid drawing", (".mmd",), r"\Aflowchart TD\n"),
    ".dot": Kind("a Graphviz drawing", (".dot",), r"\Adigraph "),
}
"""By their endings, of what ``archdsl show -o`` writes."""
ARRAYS = Kind("an archive of arrays", (".npz",), r"archdsl run\Z")
BASELINE = Kind("a baseline", (".json",), r'"format": "archdsl\.baseline"')
PAGE = Kind("a page", (".html", ".htm"), r'<meta name="generator" content="archdsl explorer">')
DOCUMENT = Kind("an explorer's document", (".json",), r'"format": "archdsl\.explorer"')
REPORTS = {
    "sarif": Kind("a SARIF report", (".sarif", ".json"), r'"driver": \{\s*"name": "archdsl"'),
    "junit": Kind("a JUnit report", (".xml",), r'<testsuites name="archdsl"'),
    "gitlab": Kind("a code quality report", (".json",), r'\A\[(\]|\s*\{\s*"description": )'),
    "markdown": Kind("a Markdown report", (".md", ".markdown"), r"\A## archdsl: "),
    "json": Kind("a JSON report", (".json",), r'"format": "archdsl\.\w+"'),
}
"""By their names for ``--report``."""

ELSEWHERE = {
    ".arch": "a spec is what archdsl reads",
    ".json": "`archdsl show SPEC --format json` prints a network as data",
    ".yaml": "`archdsl show SPEC --format yaml` prints a network as data",
    ".yml": "`archdsl show SPEC --format yaml` prints a network as data",
    ".dot": "`archdsl show SPEC -o NAME.dot` writes a drawing",
    ".mmd": "`archdsl show SPEC -o NAME.mmd` writes a drawing",
    ".pt": "`archdsl compile SPEC -o NAME.py` writes a PyTorch module, which loads and saves `.pt` files",
    ".pth": "`archdsl compile SPEC -o NAME.py` writes a PyTorch module, which loads and saves `.pth` files",
    ".safetensors": "`archdsl weights export MODEL.onnx` writes the weights of a model",
    ".npz": "`archdsl run MODEL --save NAME.npz` writes the results of a run",
    ".onnx": "`archdsl compile SPEC -o NAME.onnx` writes an ONNX model",
    ".py": "`archdsl compile SPEC -o NAME.py` writes a PyTorch module",
}
"""Endings of what another command writes, or none."""


def ends_as(path: str | Path, kind: Kind) -> bool:
    """Whether the name of a file has the ending of a kind; case does not matter."""
    return Path(path).name.lower().endswith(kind.endings)


def foreign(path: str | Path, wanted: str) -> Refusal:
    """The refusal (E0007) of a name whose ending is not that of what is written; ``wanted``: the names that are."""
    suffix = Path(path).suffix.lower()
    reason = f"ends in `{suffix}`" if suffix else "has no ending"
    other = f"; {ELSEWHERE[suffix]}" if suffix in ELSEWHERE else ""
    return Refusal("E0007", f"the output `{path}` {reason}, which does not say what it is to be", help=wanted + other)


def check_output(path: str | Path, kind: Kind) -> None:
    """Refuse (E0007) a name with another ending, (E0005) what cannot be written, (E0006) to replace another file."""
    path = Path(path)
    if str(path) == "-":
        raise Refusal("E0007", f"`-` is standard output, and {kind.what} goes to a file",
                      help=f"name a file: `NAME{kind.endings[0]}`")  # fmt: skip
    check_writable(path)
    if not ends_as(path, kind):
        raise foreign(path, f"the name of {kind.what} ends in {' or '.join(f'`{one}`' for one in kind.endings)}")
    if kind.mark and path.is_file() and not _ours(path, kind.mark):
        raise Refusal(
            "E0006", f"`{path}` exists, and is not {kind.what} that archdsl wrote",
            help="choose another name, or remove the file first",
        )  # fmt: skip


def _ours(path: Path, mark: str) -> bool:
    """Whether a file is empty, or has the mark at its beginning or its end."""
    try:
        size = path.stat().st_size
        with open_file(path) as file:
            looked = file.read(LOOKED_AT)
            if size > LOOKED_AT:
                file.seek(max(size - LOOKED_AT, LOOKED_AT))
                looked += b"\n" + file.read(LOOKED_AT)
    except OSError as error:
        raise Refusal("E0005", f"cannot write `{path}`: {error.strerror or error}") from None
    return not size or re.search(mark.encode(), looked) is not None
