"""A table of costs as data: columns, a line for each operator, totals; and its outline by path with repeats folded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from archdsl.record import Record


class Column(Record):
    """One column; ``summed`` in groups. ``kind``: ``text``, ``shape``, ``count``, ``bytes``, ``window``, ``field``."""

    key: str
    title: str
    kind: str
    summed: bool = False
    wide: bool = False
    """Left out of tables for people unless asked for."""


class Line(Record):
    """One operator; a summed cell of ``None`` is not known."""

    path: str
    cells: Mapping[str, Any]


class Total(Record):
    """A figure of the whole net; ``None``: it depends on a symbol. ``partial``: a lower bound. ``declared``: what a
    polynomial, or what depends on symbols, is at the declared sizes.
    """

    name: str
    value: Any
    unit: str = ""
    partial: bool = False
    declared: Total | None = None


class Sheet(Record):
    """Everything a renderer needs."""

    title: str
    network: str
    inputs: Mapping[str, str]
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    totals: tuple[Total, ...]
    notes: tuple[str, ...]

    @property
    def heading(self) -> str:
        """``archdsl cost v1: ResNet50, input image f32[1, 3, 224, 224]``."""
        inputs = ", ".join(f"{name} {type}" for name, type in self.inputs.items())
        return f"{self.title}: {self.network}, input {inputs}"


class Partial(Record):
    """A sum in which some summands are not known."""

    known: Any


class Entry(Record):
    """One printed line of the outline: a group (its cells are sums) or an operator."""

    label: str
    level: int
    cells: Mapping[str, Any]
    group: bool = False
    repeats: int = 1


class _Branch:
    """A scope of the path tree: its children in order of first appearance."""

    __slots__ = ("cells", "children", "line", "name", "signature")

    def __init__(self, name: str) -> None:
        self.name = name
        self.cells: Mapping[str, Any] = {}
        """Of a group: sums of the summed columns, and the shape and field of its last line."""
        self.children: dict[str, _Branch] = {}
        self.line: Line | None = None
        self.signature = 0


def outline(sheet: Sheet, depth: int | None = None, columns: Sequence[Column] | None = None) -> list[Entry]:
    """The lines grouped by path, with equal neighbours folded; groups have sums of some or of all columns.

    ``depth``: scopes at this level are shown as one line. A fold shows its first member and how many there are.
    """
    root = _Branch("")
    for line in sheet.lines:
        branch = root
        for name in line.path.split("."):
            child = branch.children.get(name)
            if child is None:
                child = branch.children[name] = _Branch(name)
            branch = child
        branch.line = line
    order = _preorder(root)
    _sign(order, sheet.columns)
    _sum(order[:0:-1], sheet.columns if columns is None else columns)
    entries: list[Entry] = []
    _list(root, depth, entries)
    return entries


def _preorder(root: _Branch) -> list[_Branch]:
    found, waiting = [], [root]
    while waiting:
        branch = waiting.pop()
        found.append(branch)
        waiting.extend(reversed(branch.children.values()))
    return found


def _sign(order: Iterable[_Branch], columns: Sequence[Column]) -> None:
    """Equal signatures: the same operators with the same figures, whatever the receptive field."""
    compared = [c.key for c in columns if c.kind != "field" and not c.wide]
    known: dict[Any, int] = {}
    for branch in reversed(list(order)):
        own = tuple(branch.line.cells.get(key) for key in compared) if branch.line else None
        parts = tuple((name, child.signature) for name, child in branch.children.items())
        branch.signature = known.setdefault((own, parts), len(known))


def _sum(upwards: Iterable[_Branch], columns: Sequence[Column]) -> None:
    """The cells of groups, from those of what is in them."""
    added = [column.key for column in columns if column.summed]
    shown = [column.key for column in columns if column.kind in ("shape", "field")]
    last: dict[_Branch, Line] = {}
    for branch in upwards:
        parts = list(branch.children.values())
        if not parts:
            assert branch.line is not None
            branch.cells, last[branch] = branch.line.cells, branch.line
            continue
        own = [branch.line.cells] if branch.line is not None else []
        own += [child.cells for child in parts]
        last[branch] = last[parts[-1]]
        end = branch.line or last[branch]  # the result is that of the operator which holds the others
        branch.cells = {key: _added([cells.get(key) for cells in own]) for key in added} | {
            key: end.cells.get(key) for key in shown
        }


def _added(values: Sequence[Any]) -> Any:
    """The sum of what is known of some cells."""
    total: Any = 0
    partial = False
    for value in values:
        if type(value) is Partial:
            partial, value = True, value.known
        if value is None:
            partial = True
        else:
            total = total + value
    return Partial(total) if partial else total


def _list(root: _Branch, depth: int | None, entries: list[Entry]) -> None:
    waiting: list[tuple[_Branch, str, int, int]] = _folded(root, 0)
    while waiting:
        branch, label, level, repeats = waiting.pop()
        if not branch.children and branch.line:
            entries.append(Entry(label, level, branch.line.cells, False, repeats))
            continue
        entries.append(Entry(label, level, branch.cells, True, repeats))
        if depth is None or level + 1 < depth:
            waiting += _folded(branch, level + 1)


def _folded(branch: _Branch, level: int) -> list[tuple[_Branch, str, int, int]]:
    """The children, last first (for a stack); runs of equal ones as one."""
    found: list[tuple[_Branch, str, int, int]] = []
    if branch.line and branch.children:  # an operator whose path is also a scope
        lone = _Branch(branch.name)
        lone.line = branch.line
        found.append((lone, "(itself)", level, 1))
    run: list[_Branch] = []
    for child in [*branch.children.values(), None]:
        if run and (child is None or child.signature != run[0].signature):
            label = run[0].name if len(run) == 1 else f"{run[0].name} … {run[-1].name} x{len(run)}"
            found.append((run[0], label, level, len(run)))
            run = []
        if child is not None:
            run.append(child)
    return found[::-1]


def sums(lines: Sequence[Line], columns: Sequence[Column]) -> dict[str, Any]:
    """The cells of a group: sums of the summed columns, the last line's shape and field."""
    cells: dict[str, Any] = {}
    for column in columns:
        if column.summed:
            cells[column.key] = _added([line.cells.get(column.key) for line in lines])
        elif column.kind in ("shape", "field") and lines:
            cells[column.key] = lines[-1].cells.get(column.key)
    return cells


def select(sheet: Sheet, patterns: Sequence[str]) -> Sheet:
    """The lines whose path, a scope of it, or operator matches one of the shell patterns."""
    from fnmatch import fnmatchcase

    def wanted(line: Line) -> bool:
        names = [line.cells.get("op", ""), line.path]
        parts = line.path.split(".")
        names += [".".join(parts[:i]) for i in range(1, len(parts))]
        return any(fnmatchcase(str(name), pattern) for name in names for pattern in patterns)

    return sheet.replace(lines=tuple(line for line in sheet.lines if wanted(line)))


def ordered(sheet: Sheet, key: str) -> Sheet:
    """The lines by one column, largest first; unknown figures before all, texts from A to Z."""
    column = next(c for c in sheet.columns if c.key == key)
    if column.kind in ("text", "shape"):
        return sheet.replace(lines=tuple(sorted(sheet.lines, key=lambda line: str(line.cells.get(key)))))
    return sheet.replace(lines=tuple(sorted(sheet.lines, key=lambda line: _rank(line.cells.get(key)))))


def _rank(value: Any) -> tuple[int, Any]:
    if isinstance(value, tuple):
        return (0, 0) if None in value else (1, -max(value, default=0))
    return (1, -value) if isinstance(value, int | float) else (0, 0)
