"""Baselines that a check is compared with: a folder, a file of saved figures, or a state of a git repository."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archdsl import foreign
from archdsl.compare.snapshot import Demand, Snapshot, from_record, snapshot
from archdsl.diagnostics import DiagnosticError, Refusal
from archdsl.files import read_file
from archdsl.project.config import root_of
from archdsl.project.demands import OF_PROJECT, demands_of, of_budgets
from archdsl.project.holding import Budgets, defined_in, file_of
from archdsl.project.measured import sizes_in

if TYPE_CHECKING:
    from archdsl.analyses.measure import Subject
    from archdsl.driver import Program
    from archdsl.graph import Graph

_LARGEST, _MOST = 200_000_000, 4_000_000
"""Bytes, and values, of a baseline file that are read."""
Wanted = Mapping[str, tuple[str, Mapping[str, Any]]]
"""By title, a variant and the parameters to set in it."""


def figures(graph: Graph, more: Iterable[Subject] = (), demands: Iterable[Demand] = ()) -> Snapshot:
    """What versions of a network are compared by, with the operator set that its ONNX file would need."""
    from archdsl.registry import backend

    engine: Any = backend("onnx")
    try:
        opset = engine.opset(graph)
    except DiagnosticError:  # not to be said in ONNX: no file, no operator set
        opset = None
    return snapshot(graph, opset, more, demands)


class Baseline:
    """Earlier figures of networks, by file and variant. Files are named as they lie below ``root``."""

    def __init__(self, name: str, root: Path) -> None:
        self.name = name
        self.root = root
        self.notes: list[str] = []
        """What could not be compared, and why: bounds on growth hold for nothing then."""

    def key(self, target: str) -> str | None:
        """The file that a target names, as the baseline calls it; ``None`` where it has none."""
        file = file_of(target)
        if file is None:
            return None
        return Path(os.path.relpath(file.parent.resolve() / file.name, self.root)).as_posix()

    def files(self) -> Iterable[str]:
        """All files that it has."""
        raise NotImplementedError

    def names(self, key: str) -> Sequence[str]:
        """What there was to check in a file: its variants, and networks that no variant was of."""
        raise NotImplementedError

    def defined(self, key: str) -> Sequence[str]:
        """At least these names, found without elaborating anything."""
        raise NotImplementedError

    def of(self, key: str, wanted: Wanted, more: Sequence[Subject] = ()) -> dict[str, Snapshot]:
        """The earlier figures of a file's variants; none for those that did not exist or had an error.

        ``more``: further subjects to measure.
        """
        raise NotImplementedError

    def demands(self, key: str, names: Iterable[str]) -> dict[str, tuple[Demand, ...]]:
        """What the project held these variants to, by title."""
        raise NotImplementedError


class Saved(Baseline):
    """A file of figures."""

    def __init__(self, name: str, root: Path, targets: Mapping[str, Mapping[str, Any]]) -> None:
        super().__init__(name, root)
        self.targets = targets

    def files(self) -> Iterable[str]:
        return self.targets

    def names(self, key: str) -> Sequence[str]:
        return [name for name in self.targets.get(key, ()) if "(" not in name]  # others have parameters set

    defined = names

    def of(self, key: str, wanted: Wanted, more: Sequence[Subject] = ()) -> dict[str, Snapshot]:
        known = self.targets.get(key, {})
        found = {}
        for title, (name, settings) in wanted.items():
            record = known.get(name + title[title.find("(") :] if settings else name)
            if record is not None:
                found[title] = self._read(record, f"{key}:{title}")
        for one in (str(one) for one in more if found):
            if any(one not in taken.quantities for taken in found.values()):
                help = "it has what `archdsl.toml` named when it was saved: save it again with `--save-baseline`"
                raise Refusal("E0011", f"`{self.name}` has no `{one}`", help=help)
        return found

    def _read(self, record: Any, what: str) -> Snapshot:
        try:
            return from_record(record)
        except Refusal as refusal:
            raise Refusal("E0011", f"`{self.name}`: what it has of `{what}` is no figures", help=refusal.help) from None

    def demands(self, key: str, names: Iterable[str]) -> dict[str, tuple[Demand, ...]]:
        known = self.targets.get(key, {})
        mine = set(names)
        return {
            title: tuple(one for one in self._read(record, f"{key}:{title}").demands if one.kind in OF_PROJECT)
            for title, record in known.items() if title.partition("(")[0] in mine
        }  # fmt: skip


class Specs(Baseline):
    """A folder with specs, and with the budgets that held for them."""

    def __init__(
        self,
        name: str,
        root: Path,
        folder: Path,
        config: str | Path | None = None,
        fetch: Callable[[str], None] | None = None,
    ) -> None:
        super().__init__(name, root)
        self.fetch = fetch
        """Brings a model into the folder."""
        self.folder = folder
        old = folder / os.path.relpath(Path(config).resolve(), root) if config is not None else None
        self.budgets = Budgets(old, folder) if old is None or old.is_file() else None
        self._last: tuple[str, Program | None] = "", None
        self._models: dict[tuple[object, ...], Graph | None] = {}

    def files(self) -> Iterable[str]:
        for place, folders, files in os.walk(self.folder):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            inside = Path(place).relative_to(self.folder)
            yield from ((inside / name).as_posix() for name in sorted(files) if name.endswith(".arch"))

    def names(self, key: str) -> Sequence[str]:
        if foreign.is_model(key):
            return self.defined(key)
        program = self._program(key)
        return program.targets() if program is not None else ()

    def defined(self, key: str) -> Sequence[str]:
        if foreign.is_model(key):
            return [Path(key).stem] if self._model(key) is not None else []
        return defined_in(self.folder / key)

    def of(self, key: str, wanted: Wanted, more: Sequence[Subject] = ()) -> dict[str, Snapshot]:
        found: dict[str, Snapshot] = {}
        if foreign.is_model(key):
            mine = {title: settings for title, (name, settings) in wanted.items() if name == Path(key).stem}
            graphs = {title: self._model(key, sizes_in(settings)) for title, settings in mine.items()}
            return {title: figures(graph, more, ()) for title, graph in graphs.items() if graph is not None}
        program = self._program(key)
        if program is None:
            return found
        known = {*program.variants, *program.networks}
        for title, (name, settings) in wanted.items():
            if name not in known:
                continue
            result = program.elaborate(name, dict(settings))
            if result.graph is None:
                self._silent(f"{key}:{title}", DiagnosticError(result.diagnostics))
            else:
                found[title] = figures(result.graph, more, demands_of(result.claims) if not settings else ())
        return found

    def _model(self, key: str, sizes: Mapping[str, int] | None = None) -> Graph | None:
        """The graph of a model with sizes for what it leaves open, if it has no errors."""
        file, known = self.folder / key, (key, *sorted((sizes or {}).items()))
        if known not in self._models:
            self._models[known] = None
            if ".." not in Path(key).parts:
                if self.fetch is not None:
                    self.fetch(key)
                try:
                    self._models[known] = foreign.read(file, sizes) if file.is_file() else None
                except DiagnosticError as error:
                    self._silent(key, error)
        return self._models[known]

    def _program(self, key: str) -> Program | None:
        """The text of a file, if it has no errors. The last one is kept: its variants are asked for one by one."""
        from archdsl.driver import open_program

        if self._last[0] != key:
            self._last = key, None
            if ".." not in Path(key).parts and (self.folder / key).is_file():
                try:
                    program = open_program(self.folder / key, name=f"{self.name}:{key}")
                    if program.errors:
                        raise DiagnosticError(program.errors)
                    self._last = key, program
                except DiagnosticError as error:
                    self._silent(key, error)
        return self._last[1]

    def demands(self, key: str, names: Iterable[str]) -> dict[str, tuple[Demand, ...]]:
        file = self.folder / key
        if self.budgets is None or ".." in Path(key).parts or not file.is_file():
            return {}
        found = of_budgets(self.budgets.of(str(file)), names)
        for path, faults in self.budgets.failed.items():
            self._silent(path.name, DiagnosticError(faults))
        self.budgets.failed.clear()
        return found

    def _silent(self, what: str, error: DiagnosticError) -> None:
        first = next((d for d in error.diagnostics if d.severity == "error"), error.diagnostics[0])
        self.notes.append(f"{what}: had an error in {self.name}, so it is not compared: {first.code}: {first.message}")


@contextmanager
def opened(reference: str, config: str | Path | None = None) -> Iterator[Baseline]:
    """The baseline that ``--against`` names; refuses (E0012, E0011) what is none, and what could be two things."""
    from archdsl.project.git import state

    path = Path(reference)
    found = state(reference, base=True)
    try:
        there = path.exists() and "#" not in reference and path.name != ".git"
    except (OSError, ValueError):
        there = False
    if found is not None and there:
        raise Refusal(
            "E0012", f"`--against {reference}` is a file or folder, and a state of the repository",
            help=f"write `./{reference}` for what lies here, `.git#commit={found.commit[:10]}` or "
            f"`refs/heads/{reference}` for the state",
        )  # fmt: skip
    if found is not None:
        from archdsl.project.checkout import checked_out, fetched

        with checked_out(found) as folder:
            baseline = Specs(reference, found.root, folder, config, lambda key: fetched(found, folder, key))
            baseline.notes += [f"compared with {found.remark}"] if found.remark else []
            yield baseline
    elif there and path.is_dir():
        yield Specs(reference, Path.cwd(), path.resolve(), config)
    elif there or reference.endswith(".json"):
        yield Saved(reference, root_of(Path.cwd()), _saved(path))
    else:
        raise Refusal(
            "E0012", f"`--against {reference}` is neither a folder nor a .json file nor a state of the repository",
            help="give a folder of specs, a file of `--save-baseline`, or a branch, tag or commit as git writes it",
        )  # fmt: skip


def _saved(path: Path) -> Mapping[str, Mapping[str, Any]]:
    import json

    help = "`archdsl check --save-baseline FILE` writes one"
    try:
        content = read_file(path, _LARGEST)
    except Refusal as refusal:
        raise Refusal("E0012", refusal.message) from None
    if len(content) > _LARGEST:
        raise Refusal("E0011", f"`{path}` has more than {_LARGEST:,} bytes", help=help)
    if sum(map(content.count, (b"[", b"{", b","))) > _MOST:
        raise Refusal("E0011", f"`{path}` has more than {_MOST:,} values", help=help)
    try:
        record = json.loads(content.decode("utf-8"))
    except RecursionError:
        raise Refusal("E0011", f"`{path}` is not a baseline: it is nested too deeply", help=help) from None
    except ValueError as error:
        raise Refusal("E0011", f"`{path}` is not a baseline: {error}", help=help) from None
    good = isinstance(record, dict) and record.get("format") == "archdsl.baseline" and record.get("format_version") == 1
    targets = record.get("targets") if good else None
    if not isinstance(targets, dict) or not all(isinstance(known, dict) for known in targets.values()):
        raise Refusal("E0011", f"`{path}` is not a baseline", help=help)
    return targets
