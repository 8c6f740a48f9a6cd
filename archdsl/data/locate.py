"""The place of a part of the document in its JSON or YAML text, so that findings about it can be marked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from json import JSONDecoder
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any

from archdsl.source import Source, Span

Path = Sequence[str | int]

_SPACE = re.compile(r"[ \t\n\r]*")
_DECODER = JSONDecoder()


def span_of(source: Source, path: Path, *, yaml: bool = False) -> Span:
    """The part of a valid document that ``path`` leads to, or the innermost part around it that exists."""
    return _in_yaml(source, path) if yaml else _in_json(source, path)


def _in_json(source: Source, path: Path) -> Span:
    text = source.text
    start = _skip(text, 0)
    key: Span | None = None
    for step in path:
        found = _parts(source, start).get(step)
        if found is None:
            break
        key_start, start = found
        key = Span(source, key_start, start)
    end = _DECODER.raw_decode(text, start)[1]
    if text[start] in "{[" and key is not None and "\n" in text[start:end]:
        return Span(source, key.start, start + 1) if key.start < start else Span(source, start, start + 1)
    return Span(source, start, end)


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _parts(source: Source, at: int) -> dict[str | int, tuple[int, int]]:
    """Where the parts of the object or list at ``at`` begin, with their keys (of two equal ones the last, as readers
    of JSON take it), and their values; found once, because a large document may have many faults.
    """
    known: dict[int, dict[str | int, tuple[int, int]]] = source.__dict__.setdefault("_parts", {})
    if at not in known:
        text = source.text
        known[at] = dict(_members(text, at) if text[at] == "{" else _elements(text, at) if text[at] == "[" else ())
    return known[at]


def _members(text: str, at: int) -> Iterator[tuple[str, tuple[int, int]]]:
    at = _skip(text, at + 1)
    while text[at] == '"':
        name, after = scanstring(text, at + 1)
        value = _skip(text, _skip(text, after) + 1)
        yield name, (at, value)
        at = _skip(text, _DECODER.raw_decode(text, value)[1])
        if text[at] == ",":
            at = _skip(text, at + 1)


def _elements(text: str, at: int) -> Iterator[tuple[int, tuple[int, int]]]:
    at = _skip(text, at + 1)
    index = 0
    while text[at] != "]":
        yield index, (at, at)
        at = _skip(text, _DECODER.raw_decode(text, at)[1])
        if text[at] == ",":
            at = _skip(text, at + 1)
        index += 1


def _in_yaml(source: Source, path: Path) -> Span:
    import yaml

    node: Any = yaml.compose(source.text, Loader=yaml.SafeLoader)
    if node is None:
        return Span(source, 0, 0)
    for step in path:
        inner = None
        if isinstance(node, yaml.MappingNode):
            inner = next((value for key, value in node.value if key.value == step), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            inner = node.value[step]
        if inner is None:
            break
        node = inner
    start, end = node.start_mark.index, node.end_mark.index
    return Span(source, start, len(source.text[start:end].rstrip()) + start)
