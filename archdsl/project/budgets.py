"""``[[budget]]`` tables of ``archdsl.toml`` (or of ``[tool.archdsl]`` in ``pyproject.toml``)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archdsl.diagnostics import Diagnostic, DiagnosticError, Refusal, did_you_mean, nearest, suggest
from archdsl.project.bounds import Bound, read_subject, read_value
from archdsl.project.config import config_file, read_config
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

    def limit(self, before: int | float) -> int | float:
        """The largest value allowed."""
        if self.share is None:
            return before + self.amount
        most = Fraction(before) * (1 + self.share)
        return most.numerator // most.denominator if isinstance(before, int) else float(most)


class Budget(Record):
    """One table: which specs it holds for, and what it demands."""

    specs: str
    variant: str | None
    settings: Mapping[str, Any]
    bounds: tuple[tuple[Bound, Span], ...]
    """Each with its line."""
    increases: tuple[Increase, ...]
    warn: bool
    folder: Path
    span: Span

    def title(self, variant: str) -> str:
        """The variant with the budget's settings: ``net(width = 1.4)``."""
        settings = ", ".join(f"{name} = {value}" for name, value in self.settings.items())
        return f"{variant}({settings})" if settings else variant

    def covers(self, target: str) -> bool:
        """Whether a target is meant: by its path relative to the file with the budgets, or by its name."""
        from fnmatch import fnmatchcase

        file = Path(target.partition(".arch:")[0] + ".arch" if ".arch:" in target else target)
        full = file.resolve()
        names = {
            file.as_posix(),
            *([full.relative_to(self.folder).as_posix()] if full.is_relative_to(self.folder) else []),
        }
        return any(fnmatchcase(name, self.specs) for name in names)

    def missing(self, target: str, variants: Iterable[str]) -> Diagnostic | None:
        """What to tell where the budget names a variant that the whole of its file does not have."""
        known = list(variants)
        if self.variant is None or self.variant in known or re.search(r"[*?\[]", self.specs) or ".arch:" in target:
            return None
        help = did_you_mean(self.variant, known, "variants: " + ", ".join(known))
        return Diagnostic("E0013", f"{target} has no variant `{self.variant}`", self.span, help=help)


def load(config: str | Path | None) -> list[Budget]:
    """The budgets of a file, or of the nearest ``archdsl.toml`` or ``pyproject.toml`` here or above."""
    path = Path(config) if config else config_file()
    if path is None:
        return []
    source, section = read_config(path)
    return list(_Reader(source, path.resolve().parent).budgets(section))


def subjects(budgets: Iterable[Budget]) -> tuple[Subject, ...]:
    """What may not grow beyond a part of what it was: a baseline must know these of every network."""
    return tuple(dict.fromkeys(increase.subject for budget in budgets for increase in budget.increases))


def _exists(folder: Path, pattern: str) -> bool:
    """Whether a budget's ``spec`` can mean anything: a misspelled one would silently check nothing."""
    from fnmatch import fnmatchcase

    from archdsl.reading import zoo_names

    fixed = re.split(r"[*?\[]", pattern, maxsplit=1)[0]
    if Path(fixed).is_absolute():
        return True
    for base in (folder, Path.cwd()):  # targets are matched as they were written, too
        begin = base / fixed.rpartition("/")[0]
        files = begin.rglob("*") if fixed != pattern and begin.is_dir() else ()
        if (base / fixed).is_file() or any(fnmatchcase(file.relative_to(base).as_posix(), pattern) for file in files):
            return True
    zoo = zoo_names()
    return any(fnmatchcase(name, pattern) for name in (*zoo, *{file.stem for file in zoo.values()}))


class _Reader:
    """Reads the tables; every fault is located in the file."""

    def __init__(self, source: Source, folder: Path) -> None:
        self.source = source
        self.folder = folder
        self.starts = [m.start() for m in re.finditer(r"^\s*\[\[\s*[\w.]*budget\s*\]\]", source.text, re.MULTILINE)]

    def budgets(self, section: Mapping[str, Any]) -> Iterator[Budget]:
        for key in section.keys() - {"budget"}:
            raise self._fault(f"there is no setting `{key}`", self._line_of(key), "budgets are written `[[budget]]`")
        tables = section.get("budget", [])
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            raise self._fault("budgets are written `[[budget]]`", self._span(0, "budget"))
        for index, table in enumerate(tables):
            yield self._budget(index, table)

    def _budget(self, index: int, table: dict[str, Any]) -> Budget:
        spec, level = table.get("spec", "*"), table.get("level", "error")
        if not isinstance(spec, str):
            raise self._fault("`spec` must be a path, a pattern or a name of the zoo", self._span(index, "spec"))
        if level not in LEVELS:
            raise self._fault('`level` must be "error" or "warn"', self._span(index, "level"))
        for key in ("with", "max_increase"):
            if not isinstance(table.get(key, {}), dict):
                raise self._fault(f"`{key}` must be a table: {key} = {{ name = value }}", self._span(index, key))
        path, sign, variant = spec.partition(".arch:")
        if not _exists(self.folder, path + (".arch" if sign else "")):
            message = f"`{spec}` is neither a file here nor a network of the zoo"
            help = "paths and patterns are relative to this file"
            raise self._fault(message, self._span(index, "spec"), help)
        bounds = tuple(self._bound(index, key, value) for key, value in table.items() if key not in KEYS)
        increases = tuple(self._increase(index, key, value) for key, value in table.get("max_increase", {}).items())
        if not bounds and not increases:
            raise self._fault("the budget has no bound", self._span(index, "budget"))
        settings = {name: tuple(v) if isinstance(v, list) else v for name, v in table.get("with", {}).items()}
        return Budget(
            path + (".arch" if sign else ""), variant or None, settings, bounds, increases, level == "warn",
            self.folder, self._span(index, "spec"),
        )  # fmt: skip

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
            raise self._fault(f"`max_increase` of `{key}` must be an amount or a percentage, without `{op}`", span)
        return Increase(subject, None, number, str(value), span)

    def _subject(self, key: str, span: Span) -> Subject:
        try:
            return read_subject(key)
        except Refusal as refusal:
            raise self._fault(refusal.message, span, suggest(nearest(key, KEYS), refusal.help)) from None

    def _number(self, key: str, value: Any, span: Span) -> tuple[str | None, int | float]:
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e30:
            return None, value
        found = read_value(value) if isinstance(value, str) else None
        if found is None:
            help = 'write 300_000_000, "300M", "6 MiB" or ">= 224"'
            raise self._fault(f"the bound of `{key}` is not a number", span, help)
        return found

    def _fault(self, message: str, span: Span, help: str = "") -> DiagnosticError:
        return DiagnosticError([Diagnostic("E0013", message, span, help=help)])

    def _line_of(self, key: str) -> Span:
        found = re.compile(rf"^.*\b{re.escape(key)}\b.*$", re.MULTILINE).search(self.source.text)
        return Span(self.source, found.start(), found.end()) if found else Span(self.source, 0, 0)

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
