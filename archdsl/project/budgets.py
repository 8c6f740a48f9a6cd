"""``[[budget]]`` tables of ``archdsl.toml`` (or of ``[tool.archdsl]`` in ``pyproject.toml``)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archdsl.diagnostics import Refusal, nearest, suggest
from archdsl.project.bounds import LONGEST, Bound, read_subject, read_value
from archdsl.project.config import fault, line_of, read_config, root_of
from archdsl.record import Record
from archdsl.source import Source, Span

if TYPE_CHECKING:
    from archdsl.analyses.measure import Subject

LEVELS = ("error", "warn")
KEYS = ("spec", "with", "level", "max_increase")


class Increase(Record):
    """By how much a quantity may grow against the baseline: a part of it, or an amount."""

    subject: Subject
    share: Fraction | None
    amount: int | float
    text: str
    span: Span


class Budget(Record):
    """One table: which specs it holds for, and what it demands."""

    specs: str
    variant: str | None
    settings: Mapping[str, Any]
    bounds: tuple[tuple[Bound, Span], ...]
    """Each with its line."""
    increases: tuple[Increase, ...]
    warn: bool
    span: Span

    def title(self, variant: str) -> str:
        """The variant with the budget's settings: ``net(width = 1.4)``."""
        settings = ", ".join(f"{name} = {value}" for name, value in self.settings.items())
        return f"{variant}({settings})" if settings else variant

    @property
    def spec(self) -> str:
        """As it is written."""
        return self.specs + (f":{self.variant}" if self.variant else "")


def read_budgets(path: Path, name: str | None = None) -> list[Budget]:
    """The budgets of a file; refuses (E0013) every fault of it, at its place."""
    source, section = read_config(path, name)
    return list(_Reader(source, path.resolve().parent).budgets(section))


class _Reader:
    """Reads the tables; every fault is located in the file."""

    def __init__(self, source: Source, folder: Path) -> None:
        self.source = source
        self.folder = folder
        self.root = root_of(folder)
        head = re.compile(r"^[^\S\n]*\[\[[\s\w.\"']*\bbudget\b[\"']?\s*\]\]", re.MULTILINE)
        self.starts = [m.start() for m in head.finditer(source.text)]

    def budgets(self, section: Mapping[str, Any]) -> Iterator[Budget]:
        for key in section.keys() - {"budget"}:
            help = suggest(nearest(key, ["budget"]), "budgets are written `[[budget]]`")
            raise fault(line_of(self.source, key), f"there is no setting `{key:.60}`", help)
        tables = section.get("budget", [])
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            raise fault(self._span(0, "budget"), "`budget` must be a list of tables: write `[[budget]]`")
        for index, table in enumerate(tables):
            yield self._budget(index, table)

    def _budget(self, index: int, table: dict[str, Any]) -> Budget:
        level = table.get("level", "error")
        if level not in LEVELS:
            raise fault(self._span(index, "level"), '`level` must be "error" or "warn"')
        for key in ("with", "max_increase"):
            if not isinstance(table.get(key, {}), dict):
                raise fault(self._span(index, key), f"`{key}` must be a table: {key} = {{ name = value }}")
        specs, variant = self._specs(index, table.get("spec", "*"))
        bounds = tuple(self._bound(index, key, value) for key, value in table.items() if key not in KEYS)
        increases = tuple(self._increase(index, key, value) for key, value in table.get("max_increase", {}).items())
        if not bounds and not increases:
            raise fault(self._span(index, "budget"), "the budget has no bound")
        settings = {key: self._setting(index, key, value) for key, value in table.get("with", {}).items()}
        return Budget(specs, variant, settings, bounds, increases, level == "warn", self._span(index, "spec"))

    def _specs(self, index: int, spec: object) -> tuple[str, str | None]:
        """The pattern of a file, relative to this one, and the variant. What lies above the repository is refused."""
        span = self._span(index, "spec")
        if not isinstance(spec, str) or not spec or len(spec) > LONGEST or "\0" in spec:
            raise fault(span, "`spec` must be a path, a pattern or a name of the zoo")
        path, sign, variant = spec.partition(".arch:")
        fixed = re.split(r"[*?\[]", path, maxsplit=1)[0]
        if ".." in Path(path[len(fixed) :]).parts:
            raise fault(span, f"`{spec:.60}`: `..` cannot stand behind a pattern")
        place = Path(os.path.normpath(self.folder / fixed))
        beside = Path(path).is_absolute() or ".." in Path(path).parts
        if beside and not place.is_relative_to(self.root):
            help = "paths and patterns are relative to this file"
            raise fault(span, f"`{spec:.60}` lies outside of the repository", help)
        if beside:
            ending = "/" if fixed.endswith("/") else ""
            path = Path(os.path.relpath(place, self.folder)).as_posix() + ending + path[len(fixed) :]
        return path.removeprefix("./") + (".arch" if sign else ""), variant or None

    def _setting(self, index: int, key: str, value: Any) -> Any:
        if isinstance(value, list):
            return tuple(self._setting(index, key, item) for item in value)
        if not isinstance(value, str | int | float):
            told = f"`with`: `{key:.60}` must be a number, true, false, a text or a list"
            raise fault(self._span(index, key, "with"), told)
        return value

    def _bound(self, index: int, key: str, value: Any) -> tuple[Bound, Span]:
        span = self._span(index, key)
        subject = self._subject(key, span)
        op, number = self._number(key, value, span)
        return Bound(subject, op or "<=", number), span

    def _increase(self, index: int, key: str, value: Any) -> Increase:
        span = self._span(index, key, "max_increase")
        subject = self._subject(key, span)
        percent = re.fullmatch(r"([0-9]{1,6}(?:\.[0-9]{1,9})?) ?%", value) if isinstance(value, str) else None
        if percent is not None:
            return Increase(subject, Fraction(percent[1]) / 100, 0, str(value), span)
        op, number = self._number(key, value, span)
        if op:
            raise fault(span, f"`max_increase` of `{key}` must be an amount or a percentage, without `{op}`")
        return Increase(subject, None, number, str(value), span)

    def _subject(self, key: str, span: Span) -> Subject:
        try:
            return read_subject(key)
        except Refusal as refusal:
            raise fault(span, refusal.message, suggest(nearest(key, KEYS), refusal.help)) from None

    def _number(self, key: str, value: Any, span: Span) -> tuple[str | None, int | float]:
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e30:
            return None, value
        found = read_value(value) if isinstance(value, str) else None
        if found is None:
            help = 'write 300_000_000, "300M", "6 MiB" or ">= 224"'
            raise fault(span, f"the bound of `{key}` is not a number", help)
        return found

    def _span(self, index: int, key: str, behind: str = "") -> Span:
        """The line of the table that sets ``key``: TOML readers keep no places, so it is looked for."""
        text = self.source.text
        start = self.starts[index] if index < len(self.starts) else 0
        end = self.starts[index + 1] if index + 1 < len(self.starts) else len(text)
        start = max(text.find(behind, start, end), start) if behind else start
        found = re.compile(rf"""["']?\b{re.escape(key)}\b["']?[^\S\n]*=[^\n#]*[^\s#]""").search(text, start, end)
        if found is None:
            found = re.compile(r"\S[^\n]*").search(text, start)
        return Span(self.source, found.start(), found.end()) if found else Span(self.source, 0, 0)
