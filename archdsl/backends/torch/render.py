"""Trees of calls: their numbers, and their source text over several lines where one is too long."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from archdsl.backends.torch.form import Call, Raw

WIDTH = 88
LONGEST = 120
"""Of a line, where one that is a little too long reads better than two."""


class Listed:
    """``[…]`` around items."""

    __slots__ = ("items",)

    def __init__(self, items: list[Any]) -> None:
        self.items = items


class Pair:
    """``("name", value)``."""

    __slots__ = ("name", "value")

    def __init__(self, name: str, value: Any) -> None:
        self.name = name
        self.value = value


class Repeated:
    """``*[value for _ in range(count)]``."""

    __slots__ = ("count", "value")

    def __init__(self, value: Any, count: int) -> None:
        self.value = value
        self.count = count


def is_number(value: Any) -> bool:
    """What may become a parameter of a class."""
    if isinstance(value, tuple):
        return bool(value) and all(map(is_number, value))
    return isinstance(value, int | float) and not isinstance(value, bool)


def replaced(value: Any, word: str, number: Callable[[str, Any], Any]) -> Any:
    """The tree with each number replaced by ``number(word, value)``, in order."""
    match value:
        case Call():
            return Call(value.name, [(k, replaced(v, w, number), w) for k, v, w in value.args], value.suffix)
        case Listed():
            return Listed([replaced(item, word, number) for item in value.items])
        case Pair():
            return Pair(value.name, replaced(value.value, word, number))
        case Repeated():
            return Repeated(replaced(value.value, word, number), value.count)
    return number(word, value) if is_number(value) else value


def text(value: Any, indent: int = 0, lead: int = 0) -> str:
    """The source text of a tree that begins after ``lead`` columns, in a block indented by ``indent``."""
    match value:
        case Call():
            parts = [(f"{key}=" if key else "", item) for key, item, _ in value.args]
            return _bracket(f"{value.name}(", parts, ")" + value.suffix, indent, lead)
        case Listed():
            return _bracket("[", [("", item) for item in value.items], "]", indent, lead)
        case Pair():
            return _bracket("(", [("", Raw(f'"{value.name}"')), ("", value.value)], ")", indent, lead)
        case Repeated():
            inner = text(value.value, 0, -10_000)
            line = f"*[{inner} for _ in range({value.count})]"
            if lead + len(line) <= WIDTH:
                return line
            space = " " * (indent + 4)
            inner = text(value.value, indent + 4, indent + 4)
            return f"*[\n{space}{inner}\n{space}for _ in range({value.count})\n{' ' * indent}]"
    return str(value) if isinstance(value, Raw) else repr(value)


def _bracket(begin: str, parts: list[tuple[str, Any]], end: str, indent: int, lead: int) -> str:
    """On one line if it fits, else one part on each."""
    flat = [head + text(item, 0, -10_000) for head, item in parts]
    line = begin + ", ".join(flat) + end
    if lead + len(line) <= WIDTH or not parts:
        return line
    inner = indent + 4
    space = " " * inner
    texts = [head + text(item, inner, inner + len(head) + 1) for head, item in parts]
    return begin + "\n" + "".join(f"{space}{one},\n" for one in texts) + " " * indent + end


def folded(line: str) -> str:
    """A line of source text that is too long, such as a table of constants, over several: broken behind commas within
    brackets, where Python allows it.
    """
    if len(line) <= LONGEST:
        return line
    indent = " " * (len(line) - len(line.lstrip()) + 4)
    lines, begin, last = [], 0, 0
    for end in _breaks(line):
        room = WIDTH if begin == 0 else WIDTH - len(indent)
        if end - begin > room and last > begin:
            lines.append(line[begin:last])
            begin = last
        last = end
    if last > begin:
        lines.append(line[begin:last])
        begin = last
    return ("\n" + indent).join(part.strip() if i else part.rstrip() for i, part in enumerate([*lines, line[begin:]]))


def _breaks(line: str) -> Iterator[int]:
    """Where a line may be broken: behind commas that stand in brackets and in no string."""
    depth, quote = 0, ""
    for i, sign in enumerate(line):
        if quote:
            quote = "" if sign == quote and line[i - 1] != "\\" else quote
        elif sign in "\"'":
            quote = sign
        elif sign == "," and depth:
            yield i + 1
        depth = max(depth + (0 if quote else (sign in "([{") - (sign in ")]}")), 0)  # it may begin within brackets
