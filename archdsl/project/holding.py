"""Which budgets hold for which target: those of the configuration that is nearest to its file."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from fnmatch import translate
from pathlib import Path

from archdsl.diagnostics import Diagnostic, DiagnosticError, Refusal, did_you_mean
from archdsl.files import read_file
from archdsl.foreign import is_model
from archdsl.project.budgets import Budget, read_budgets
from archdsl.project.config import config_in, shown_name
from archdsl.reading import MAX_SOURCE_BYTES, in_zoo, zoo_names

MOST = 200_000
"""Files that are looked at to find out whether a pattern can mean one."""
_DEFINED = re.compile(r"^[^\S\n]*(?:variant|network)[^\S\n]+(\w+)", re.MULTILINE)


def defined_in(file: Path) -> list[str]:
    """The names of a file's variants and networks, without parsing it."""
    try:
        text = read_file(file, MAX_SOURCE_BYTES)
    except Refusal:
        return []
    return _DEFINED.findall(text.decode(errors="replace"))


def _named(name: str) -> bool:
    """Whether a budget may name such a file."""
    return name.endswith(".arch") or is_model(name)


def file_of(target: str) -> Path | None:
    """The file that a target names; none of standard input and of names of the zoo."""
    path, sign, _ = target.partition(".arch:")
    path += ".arch" if sign else ""
    return Path(path) if path != "-" and (path.endswith(".arch") or "/" in path or Path(path).exists()) else None


class Budgets:
    """The budgets of a run; files with budgets are read when a target needs them, each once.

    ``config``: the one file to use for all targets. ``inside``: the folder above which none is looked for.
    """

    def __init__(self, config: str | Path | None = None, inside: Path | None = None) -> None:
        self.config = Path(config) if config is not None else None
        self.inside = inside
        self.files: dict[Path, _File] = {}
        self.failed: dict[Path, tuple[Diagnostic, ...]] = {}
        """Files that cannot be read: told once, and nothing is held to them."""
        self._nearest: dict[Path, Path | None] = {}

    @property
    def increases(self) -> bool:
        """Whether any budget bounds growth."""
        return any(budget.increases for file in self.files.values() for budget in file.budgets)

    def of(self, target: str) -> Sequence[Budget]:
        """What holds for a target."""
        full, path = self._configuration(target)
        if path is None:
            return ()
        folder = path.resolve().parent
        name = Path(os.path.relpath(full, folder)).as_posix() if full is not None else target
        return self._file(path).of(name)

    def asks_for(self, target: str) -> bool:
        """Whether a budget names a file, other than by `*`; also where budgets cannot be read, so that this is told."""
        return any(budget.specs != "*" for budget in self.of(target)) or bool(self.unread(target))

    def unread(self, target: str) -> str:
        """The file with the budgets of a target, where it cannot be read."""
        path = self._configuration(target)[1]
        return shown_name(path) if path in self.failed else ""

    def _configuration(self, target: str) -> tuple[Path | None, Path | None]:
        """The file that a target names, and the file with its budgets."""
        file = file_of(target)
        full = file.parent.resolve() / file.name if file is not None else None
        return full, self.config or self.nearest(full.parent if full is not None else Path.cwd())

    def nearest(self, folder: Path) -> Path | None:
        """The configuration nearest to a folder; every folder is looked at once."""
        if folder not in self._nearest:
            if self.inside is None:
                found = config_in(folder)
                last = (folder / ".git").exists() or folder.parent == folder
                found = found if found is not None or last else self.nearest(folder.parent)
            else:
                inside = folder.is_relative_to(self.inside)
                found = (config_in(folder) or self.nearest(folder.parent)) if inside else None
            self._nearest[folder] = found
        return self._nearest[folder]

    def _file(self, path: Path) -> _File:
        if path not in self.files:
            try:
                self.files[path] = _File(path, read_budgets(path))
            except DiagnosticError as error:
                self.failed[path] = error.diagnostics
                self.files[path] = _File(path, [])
        return self.files[path]

    def used(self, budget: Budget) -> None:
        """Note that a budget held for a network."""
        for file in self.files.values():
            file.used.add(id(budget))

    def idle(self) -> Iterator[tuple[str, tuple[Diagnostic, ...]]]:
        """The budgets that can hold for nothing, by the file they stand in: a misspelled one would check nothing."""

        def held(spec: Path, file: Path) -> bool:
            return self.config is not None or self.nearest(spec.parent.resolve()) == file

        for path, faults in self.failed.items():
            yield shown_name(path), faults
        for file in self.files.values():
            found = tuple(d for budget in file.budgets if (d := file.idle(budget, held)) is not None)
            if found:
                yield shown_name(file.path), found


class _File:
    """One file with budgets, arranged so that a target finds its own at once however many there are."""

    def __init__(self, path: Path, budgets: list[Budget]) -> None:
        self.path = path
        self.folder = path.resolve().parent
        self.budgets = budgets
        self.used: set[int] = set()
        self.names: dict[str, list[int]] = {}
        self.patterns: dict[str, list[tuple[int, re.Pattern[str]]]] = {}
        """By what a name must begin with."""
        for index, budget in enumerate(self.budgets):
            fixed = re.split(r"[*?\[]", budget.specs, maxsplit=1)[0]
            if fixed == budget.specs:
                self.names.setdefault(fixed, []).append(index)
            else:
                self.patterns.setdefault(fixed, []).append((index, re.compile(translate(budget.specs))))
        self._listed: dict[Path, list[str]] = {}

    def of(self, name: str) -> list[Budget]:
        """The budgets for a name relative to the folder of the file, in their order."""
        found = list(self.names.get(name, ()))
        for size in range(len(name) + 1) if self.patterns else ():
            found += [index for index, pattern in self.patterns.get(name[:size], ()) if pattern.match(name)]
        return [self.budgets[index] for index in sorted(found)]

    def idle(self, budget: Budget, held: Callable[[Path, Path], bool]) -> Diagnostic | None:
        """Why a budget that held for no network of this run can never hold for one."""
        if id(budget) in self.used:
            return None
        known: dict[str, None] = {}
        elsewhere = several = False
        for file in self._meant(budget.specs):
            if not in_zoo(file) and not held(file, self.path):
                elsewhere = True
                continue
            names = defined_in(file) if budget.variant else ()
            if budget.variant is None or budget.variant in names:
                return None
            several = bool(known)
            known |= dict.fromkeys(names)
        help = "paths and patterns are relative to this file"
        message = f"`{budget.spec}` is neither a file here nor a network of the zoo"
        if known:
            shown = ", ".join(list(known)[:12]) + (", …" if len(known) > 12 else "")
            message = f"{'no file of ' if several else ''}`{budget.specs}` has {'a' if several else 'no'} variant"
            message, help = (
                f"{message} `{budget.variant}`",
                did_you_mean(budget.variant or "", known, f"variants: {shown}"),
            )
        elif elsewhere:
            message, help = f"`{budget.spec}` is held to a file with budgets that is nearer to it", ""
        return Diagnostic("E0013", message, budget.span, help=help)

    def _meant(self, specs: str) -> Iterator[Path]:
        """The files that a path or pattern means."""
        if (self.folder / specs).is_file():
            yield self.folder / specs
        fixed = re.split(r"[*?\[]", specs, maxsplit=1)[0]
        pattern = re.compile(translate(specs))
        if fixed != specs:
            below = self._below(Path(os.path.normpath(self.folder / fixed.rpartition("/")[0])))
            yield from (self.folder / name for name in below if pattern.match(name))
        zoo = zoo_names()
        families = {file.stem: file for file in zoo.values()}
        yield from (file for name, file in {**zoo, **families}.items() if pattern.match(name))

    def _below(self, folder: Path) -> list[str]:
        """The specs below a folder, relative to that of the file; each folder is walked once."""
        if folder not in self._listed:
            found: list[str] = []
            seen = 0
            for place, folders, files in os.walk(folder):
                folders[:] = [name for name in folders if not name.startswith(".")]
                seen += len(files) + len(folders)
                inside = Path(place)
                found += [os.path.relpath(inside / name, self.folder) for name in files if _named(name)]
                if seen > MOST:
                    break
            self._listed[folder] = [Path(name).as_posix() for name in found]
        return self._listed[folder]
