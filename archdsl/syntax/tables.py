"""The parser's tables: made from ``grammars/arch.lark`` by Lark, kept as plain data in the user's cache.

Lark checks the grammar and computes the LALR(1) automaton (about half a second). What the parser needs of it is a
few thousand integers, so they are cached as JSON, and later starts import no Lark at all. JSON is data: a cache
somebody tampered with can misread a text but run nothing; nevertheless only a folder that is the user's own is used,
and the cached grammar has to equal the grammar. Whatever goes wrong with the cache is silent: the tables are made anew.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any
from zlib import crc32

from archdsl.diagnostics import Refusal
from archdsl.files import packaged, read_file
from archdsl.record import Record

_LARGEST = 1 << 24
"""Bytes of the cached tables that are read: they take a hundredth."""
FORMAT = 1
"""Raise it when the meaning of the cached data changes."""

STARTS = ("file", "value")
LAYOUT_TERMINALS = ("NEWLINE", "COMMENT", "SEMICOLON", "SPACE")


class Tables(Record):
    """``states[n][symbol]`` is ``m >= 0`` (go to state m) or ``-1 - r`` (reduce by rule r).

    A rule is ``(origin, length, builder, picks)``; ``picks`` are the positions of the children to hand over, ``-1``
    for an optional part that is absent. A builder that begins with ``_`` hands the children to the parent.
    """

    grammar: str
    terminals: list[tuple[str, str]]
    """Names and regular expressions in the order in which to try them, without the reserved words."""
    words: dict[str, str]
    """Reserved words and the terminals they are."""
    spellings: dict[str, str]
    """Terminals of fixed text, and that text."""
    rules: list[tuple[str, int, str, list[int]]]
    states: list[dict[str, int]]
    starts: dict[str, int]
    ends: dict[str, int]


def grammar_text() -> str:
    """The text of ``grammars/arch.lark``."""
    folder = import_module("archdsl.grammars").__path__[0]
    return packaged(Path(folder) / "arch.lark")


@cache
def tables() -> Tables:
    """The tables of the grammar, from the cache if that is possible."""
    grammar = grammar_text()
    folder = cache_folder()
    path = folder / f"syntax-{FORMAT}-{crc32(grammar.encode()):08x}.json" if folder else None
    found = path and _read(path, grammar)
    if found:
        return found
    made = make_tables(grammar)
    if path:
        _write(path, made)
    return made


def make_tables(grammar: str) -> Tables:
    """Build the automaton with Lark, strictly if interegular is there: a conflict in the grammar raises."""
    lark = make_lark(grammar)
    table = lark.parser.parser.parser.parse_table
    numbers = {state: number for number, state in enumerate(table.states)}
    rules = list(dict.fromkeys(arg for row in table.states.values() for _, arg in row.values() if not _is_state(arg)))
    positions = {rule: number for number, rule in enumerate(rules)}
    states = [
        {name: numbers[arg] if _is_state(arg) else -1 - positions[arg] for name, (_, arg) in row.items()}
        for row in table.states.values()
    ]
    scanned, words, spellings = _terminals(lark)
    starts = {name: numbers[state] for name, state in table.start_states.items()}
    ends = {name: numbers[state] for name, state in table.end_states.items()}
    return Tables(grammar, scanned, words, spellings, [_rule(rule) for rule in rules], states, starts, ends)


def make_lark(grammar: str) -> Any:
    """Lark's own parser for the grammar; ``strict`` needs interegular, which only development installs."""
    from importlib.util import find_spec

    from lark import Lark

    strict = find_spec("interegular") is not None
    return Lark(grammar, parser="lalr", lexer="basic", strict=strict, postlex=_KeepLayout(), start=list(STARTS))


class _KeepLayout:
    """Tells Lark that the lexer needs newlines, comments and semicolons although no rule has them."""

    always_accept = LAYOUT_TERMINALS

    def process(self, stream: Any) -> Any:
        return stream


def _is_state(arg: Any) -> bool:
    return isinstance(arg, int)


def _rule(rule: Any) -> tuple[str, int, str, list[int]]:
    picks: list[int] = []
    absent = list(rule.options.empty_indices) if rule.options.empty_indices else [False] * len(rule.expansion)
    position = 0
    for empty in absent:
        if empty:
            picks.append(-1)
            continue
        symbol = rule.expansion[position]
        if rule.options.keep_all_tokens or not (symbol.is_term and symbol.filter_out):
            picks.append(position)
        position += 1
    origin = str(rule.origin.name)
    passes = rule.options.expand1 and not rule.alias
    return origin, len(rule.expansion), "_" if passes else str(rule.alias or origin), picks


def _terminals(lark: Any) -> tuple[list[tuple[str, str]], dict[str, str], dict[str, str]]:
    fixed = {t.name: t.pattern.value for t in lark.terminals if t.pattern.type == "str"}
    words = {text: name for name, text in fixed.items() if text.isalpha()}
    order = sorted(lark.terminals, key=lambda t: (-t.priority, -t.pattern.max_width, -len(t.pattern.value), t.name))
    scanned = [(t.name, t.pattern.to_regexp()) for t in order if fixed.get(t.name) not in words]
    return scanned, words, fixed


# The cache


def cache_folder() -> Path | None:
    """The user's own cache folder for archdsl, made on demand; ``None`` where there is none to trust."""
    try:
        folder = _cache_home() / "archdsl"
        if not folder.is_dir():
            from archdsl.writing import make_folder

            make_folder(folder, private=True)
        return folder if _private(folder) else None
    except (OSError, RuntimeError, KeyError, Refusal):
        return None


def _cache_home() -> Path:
    if sys.platform == "win32":
        return Path(os.environ["LOCALAPPDATA"])
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    configured = os.environ.get("XDG_CACHE_HOME", "")
    return Path(configured) if Path(configured).is_absolute() else Path.home() / ".cache"


def _private(path: Path) -> bool:
    """Whether only the user (or root) can write there."""
    if sys.platform == "win32":
        return True
    status = path.stat()
    return status.st_uid == os.getuid() and not status.st_mode & 0o022


def _read(path: Path, grammar: str) -> Tables | None:
    import json

    try:
        if not _private(path):
            return None
        checksum, _, text = read_file(path, _LARGEST).partition(b"\n")
        if int(checksum) != crc32(text):
            return None
        data = json.loads(text)
        return Tables(**data) if data["grammar"] == grammar else None
    except (OSError, ValueError, TypeError, KeyError, Refusal):
        return None


def _write(path: Path, made: Tables) -> None:
    import json

    from archdsl.writing import write_file

    text = json.dumps({name: getattr(made, name) for name in Tables._fields}, separators=(",", ":")).encode()
    with suppress(Refusal):
        write_file(path, b"%d\n" % crc32(text) + text)
