"""Texts of specs: files and bytes as sources, and the file that a target names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from archdsl.diagnostics import Refusal, did_you_mean, nearest, suggest
from archdsl.files import check_inside, packaged, read_file
from archdsl.source import Source

MAX_SOURCE_BYTES = 4_000_000
"""The limit on a file, above that of the parser."""
ZOO = Path(__file__).resolve().parent / "specs"
"""The folder of the zoo's files."""
_NO_TEXT = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_VARIANT = re.compile(r"^variant\s+(\w+)", re.MULTILINE)


def read_main(path: Path, name: str) -> Source:
    """The text of a file that is given from outside: as :func:`read_source`, and (E0001) no link out of its folder."""
    check_inside(path)
    return read_source(path, name)


def read_source(path: Path, name: str) -> Source:
    """The text of a file; refuses (E0001, E0002, E0510) what is not readable UTF-8 text of sane size."""
    try:
        data = read_file(path, MAX_SOURCE_BYTES)
    except Refusal as refusal:
        refusal.help = refusal.help or _beside(path)
        raise
    return decode(data, name)


def decode(data: bytes, name: str) -> Source:
    """Bytes as source text; refuses (E0002, E0009, E0510) other bytes, files of other tools, and too many."""
    if not data[:1000].lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"arch", b"#")):
        from archdsl.foreign_files import foreign

        known = foreign(data, name)
        if known is not None:
            raise Refusal("E0009", f"{name} is {known[0]}, not a spec", help=known[1])
    if len(data) > MAX_SOURCE_BYTES:
        raise Refusal("E0510", f"{name} is larger than {MAX_SOURCE_BYTES:,} bytes")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Refusal("E0002", f"{name} is not UTF-8 text: byte {data[error.start]:#04x} on line {line}") from None
    check_text(text, name)
    return Source(name, text.replace("\r\n", "\n"))


def check_text(text: str, name: str) -> None:
    """Refuse (E0002) what only happens to be UTF-8: a message about it would show a part of something else."""
    found = _NO_TEXT.search(text)
    if found is not None:
        line = text.count("\n", 0, found.start()) + 1
        raise Refusal("E0002", f"{name} is not text: byte {ord(found[0]):#04x} on line {line}")


@cache
def zoo_files() -> tuple[Path, ...]:
    """The zoo's files: those that classify images, then a folder for each other kind; no two have one name."""
    return (*sorted(ZOO.glob("*.arch")), *sorted(ZOO.glob("*/*.arch")))


def in_zoo(path: Path) -> bool:
    """Whether a file lies where the zoo's do."""
    return path.parent == ZOO or path.parent.parent == ZOO


def zoo_path(file: Path) -> str:
    """As the zoo's tables name a file of it: ``resnet.arch``, ``detection/ssd.arch``."""
    return file.relative_to(ZOO).as_posix()


@cache
def zoo_names() -> Mapping[str, Path]:
    """Every variant of the zoo and the file that defines it, without parsing any: a test holds this to the parser.

    Read once: a run with many budgets or targets asks for each of them.
    """
    return {name: path for path in zoo_files() for name in _VARIANT.findall(packaged(path))}


def find_target(target: str) -> tuple[Path, str | None]:
    """The file that a target names, and the variant (``None``: none is named).

    A target is ``spec.arch``, ``spec.arch:variant``, a name of the zoo (``resnet50``), or a zoo file without its
    ending. Refuses (E0003) other texts; whether the file exists is not checked.
    """
    path, _, variant = target.rpartition(":") if ".arch:" in target else (target, "", "")
    if target.endswith(".arch") or path != target or "/" in target or Path(target).exists():
        return Path(path), variant or None
    known = zoo_names()
    if target in known:
        return known[target], target
    families = {file.stem: file for file in zoo_files()}
    if target in families:
        return families[target], None
    beside = Path(f"{target}.arch")
    help = suggest(str(beside)) if beside.is_file() else _beside(Path(target)) if "." in target else ""
    help = help or did_you_mean(target, [*known, *families]) or _beside(Path(target))
    help = help or "give a file, or a name that `archdsl list` shows"
    raise Refusal("E0003", f"there is neither a file nor a zoo network `{target}`", help=help)


def _beside(path: Path) -> str:
    """For the help: the spec in the same folder that was probably meant."""
    try:
        meant = nearest(path.name, [file.name for file in path.parent.glob("*.arch")])
    except OSError:
        meant = None
    return suggest(str(path.with_name(meant)) if meant else None)
