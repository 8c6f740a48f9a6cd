"""A large document in stretches: pydantic keeps two kilobytes for each fault, so a list of faults is read part by part.

What lies deeper than a stretch reaches is held against bounds first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

Path = Sequence[str | int]
STRETCH = 2_000
"""Values of a part, unless one item alone has more."""
MAX_ITEMS = 100
"""Arguments and parameters of a node, sizes of a shape."""
MAX_LIST = 200_000
"""Values in lists of one node."""
_MARKED = ({"dim"}, {"float"}, {"dtype", "shape"})
"""Keys of the objects that a list of an argument may hold."""


def excesses(data: Any) -> Iterator[tuple[Path, str]]:
    """What is too long, or wrong in a long list: place and reason of the first is enough."""
    if not isinstance(data, dict):
        return
    for kind in ("inputs", "parameters"):
        for index, item in _items(data, kind):
            if _size(item.get("shape")) > MAX_ITEMS:
                yield [kind, index, "shape"], f"a shape has at most {MAX_ITEMS} sizes"
    for index, node in _items(data, "nodes"):
        yield from _node(["nodes", index], node)
    for kind, inside in (("labels", list), ("maps", dict)):
        found = data.get(kind)
        for name, value in found.items() if isinstance(found, dict) else ():
            for key, one in _pairs(value) if isinstance(value, inside) else ():
                if not isinstance(one, str) and not (inside is dict and isinstance(one, dict)):
                    yield [kind, name, key], "a text is needed"


def _node(place: Path, node: dict[str, Any]) -> Iterator[tuple[Path, str]]:
    for key in ("arguments", "parameters", "outputs"):
        if _size(node.get(key)) > MAX_ITEMS:
            yield [*place, key], f"a node has at most {MAX_ITEMS}"
    inputs = node.get("inputs")
    for index, one in enumerate(inputs) if isinstance(inputs, list) else ():
        if not isinstance(one, str):
            yield [*place, "inputs", index], "the name of a value is needed"
    arguments = node.get("arguments")
    for name, value in arguments.items() if isinstance(arguments, dict) else ():
        if isinstance(value, list) and value:
            yield from _list([*place, "arguments", name], value)


def _list(place: Path, value: list[Any]) -> Iterator[tuple[Path, str]]:
    waiting, count = [value], 0
    while waiting:
        for item in waiting.pop():
            count += 1
            if isinstance(item, list):
                waiting.append(item)
            elif isinstance(item, dict) and item.keys() not in _MARKED:
                yield place, 'an object in a list is {"dim": …}, {"float": …} or {"dtype": …, "shape": …}'
                return
        if count > MAX_LIST:
            yield place, f"an argument has at most {MAX_LIST:,} values"
            return


def _items(data: dict[str, Any], kind: str) -> Iterator[tuple[int, dict[str, Any]]]:
    found = data.get(kind)
    for index, item in enumerate(found) if isinstance(found, list) else ():
        if isinstance(item, dict):
            yield index, item


def _pairs(value: Any) -> Iterator[tuple[str | int, Any]]:
    yield from value.items() if isinstance(value, dict) else enumerate(value)


def _size(value: Any) -> int:
    return len(value) if isinstance(value, list | dict) else 0


def stretches(data: Any) -> Iterator[tuple[Path, Any]]:
    """The document in parts, each a document of its own: the first has the beginnings of all lists, the others one list
    from some item on. With each part where it begins; the first begins nowhere.
    """
    if not isinstance(data, dict):
        yield [], data
        return
    first, later = {}, []
    for key, value in data.items():
        parts = list(_cut(value)) if _size(value) > 100 else [(0, value)]
        first[key] = parts[0][1]
        later += [([key, begin], part) for begin, part in parts[1:]]
    yield [], first
    bare = {key: value for key, value in first.items() if not _size(value)}
    bare |= {key: type(value)() for key, value in first.items() if _size(value)}
    for begun, part in later:
        yield begun, {**bare, begun[0]: part}


def _cut(value: Any) -> Iterator[tuple[int, Any]]:
    """A list or object in parts of about :data:`STRETCH` values."""
    pairs = list(_pairs(value))
    begin = size = 0
    for index, (_, item) in enumerate(pairs):
        size += 1 + sum(1 + _size(one) for _, one in _pairs(item)) if isinstance(item, list | dict) else 1
        if size > STRETCH:
            yield begin, _part(value, pairs[begin : index + 1])
            begin, size = index + 1, 0
    if begin < len(pairs) or not pairs:
        yield begin, _part(value, pairs[begin:])


def _part(value: Any, pairs: list[tuple[str | int, Any]]) -> Any:
    return dict(pairs) if isinstance(value, dict) else [item for _, item in pairs]


def joined(parts: list[Any]) -> Any:
    """Parts of a list or object as the whole."""
    if isinstance(parts[0], dict):
        return {key: item for part in parts for key, item in part.items()}
    return [item for part in parts for item in part]


def shifted(place: Path, begun: Path) -> Path:
    """A place in a part as a place in the document."""
    if begun and len(place) > 1 and isinstance(place[1], int) and isinstance(begun[1], int):
        return [place[0], place[1] + begun[1], *place[2:]]
    return place
