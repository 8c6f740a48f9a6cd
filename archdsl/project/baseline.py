"""Baselines that a check is compared with: a folder, a file of saved figures, or a state of a git repository."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archdsl.diagnostics import DiagnosticError, Refusal
from archdsl.files import read_file

if TYPE_CHECKING:
    from archdsl.analyses.measure import Subject
    from archdsl.compare.snapshot import Snapshot
    from archdsl.driver import CheckedVariant
    from archdsl.graph import Graph

_LARGEST = 200_000_000
"""Bytes of a baseline file that are read."""


def figures(graph: Graph, more: Iterable[Subject] = ()) -> Snapshot:
    """What versions of a network are compared by, with the operator set that its ONNX file would need."""
    from archdsl.compare.snapshot import snapshot
    from archdsl.registry import backend

    engine: Any = backend("onnx")
    try:
        opset = engine.opset(graph)
    except DiagnosticError:  # not to be said in ONNX: no file, no operator set
        opset = None
    return snapshot(graph, opset, more)


class Baseline:
    """Earlier figures of networks: by target and variant. ``more``: further subjects to measure."""

    def __init__(
        self,
        name: str,
        more: Iterable[Subject],
        folder: Path | None,
        root: Path,
        saved: Mapping[str, Any] | None = None,
    ) -> None:
        self.more = tuple(more)
        self.name = name
        self.folder = folder
        self.root = root
        self.saved = saved
        self.notes: list[str] = []
        """What could not be compared, and why: bounds on growth hold for nothing then."""

    def of(self, target: str, wanted: Mapping[str, tuple[str, Mapping[str, Any]]]) -> dict[str, Snapshot]:
        """The earlier figures of a target's variants; none for those that did not exist or had an error.

        ``wanted``: by title, a variant and the parameters to set in it.
        """
        if self.saved is not None:
            from archdsl.compare.snapshot import from_record

            known = self.saved.get(Path(target).as_posix(), {})
            found = {name: from_record(known[name]) for name in wanted if name in known}
            for one in (str(one) for one in self.more if found):
                if any(one not in snapshot.quantities for snapshot in found.values()):
                    help = (
                        "it contains `archdsl.toml` as it was when it was saved: save it again with `--save-baseline`"
                    )
                    raise Refusal("E0011", f"`{self.name}` has no `{one}`", help=help)
            return found
        return self._elaborated(target.partition(".arch:")[0], wanted)

    def _elaborated(self, target: str, wanted: Mapping[str, tuple[str, Mapping[str, Any]]]) -> dict[str, Snapshot]:
        from archdsl.driver import open_program

        file = self._file(target)
        found: dict[str, Snapshot] = {}
        if file is None:
            return found
        try:
            program = open_program(file)
            if program.errors:
                raise DiagnosticError(program.errors)
        except DiagnosticError as error:
            self._silent(target, error)
            return found
        for title, (name, settings) in wanted.items():
            if name in (*program.variants, *program.networks):
                try:
                    found[title] = figures(program.graph(name, settings=settings), self.more)
                except DiagnosticError as error:
                    self._silent(f"{target}:{title}", error)
        return found

    def _silent(self, what: str, error: DiagnosticError) -> None:
        first = error.diagnostics[0]
        self.notes.append(f"{what}: had an error in {self.name}, so it is not compared: {first.code}: {first.message}")

    def _file(self, target: str) -> Path | None:
        """Where the target lay: at the same path below the root, else under its own name."""
        assert self.folder is not None
        path = Path(target if target.endswith(".arch") else f"{target}.arch").resolve()
        places = [self.folder / path.name]
        if path.is_relative_to(self.root):
            places.insert(0, self.folder / path.relative_to(self.root))
        return next((place for place in places if place.is_file()), None)


@contextmanager
def opened(reference: str, more: Iterable[Subject] = ()) -> Iterator[Baseline]:
    """The baseline that ``--against`` names; refuses (E0012, E0011) what is none."""
    place, sign, ref = reference.partition("#")
    if sign or Path(place).name == ".git":
        from archdsl.project.git import checked_out

        with checked_out(reference, Path(place), ref) as (folder, root):
            yield Baseline(reference, more, folder, root)
    elif Path(place).is_dir():
        yield Baseline(reference, more, Path(place).resolve(), Path.cwd())
    elif place.endswith(".json"):
        yield Baseline(reference, more, None, Path.cwd(), _saved(Path(place)))
    else:
        raise Refusal(
            "E0012", f"`--against {reference}` is neither a folder nor a .json file nor `.git#branch=…`",
            help="give a folder of specs, a file of `--save-baseline`, or `.git#branch=main`",
        )  # fmt: skip


def _saved(path: Path) -> Mapping[str, Any]:
    import json

    wrong = Refusal("E0011", f"`{path}` is not a baseline", help="`archdsl check --save-baseline FILE` writes one")
    try:
        content = read_file(path, _LARGEST)
    except Refusal as refusal:
        raise Refusal("E0012", refusal.message) from None
    try:
        if len(content) > _LARGEST:
            raise wrong
        record = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError):
        raise wrong from None
    good = isinstance(record, dict) and record.get("format") == "archdsl.baseline" and record.get("format_version") == 1
    targets = record.get("targets") if good else None
    if not isinstance(targets, dict) or not all(isinstance(known, dict) for known in targets.values()):
        raise wrong
    return targets


def as_text(checked: Iterable[tuple[str, Mapping[str, CheckedVariant]]], more: Iterable[Subject] = ()) -> str:
    """The content of a baseline file: the figures of every variant of every target, and ``more`` of each."""
    from archdsl.compare.snapshot import to_record
    from archdsl.report.json import document

    more = tuple(more)
    targets = {
        Path(target).as_posix(): {name: to_record(figures(variant.graph, more)) for name, variant in variants.items()}
        for target, variants in checked
    }
    return document("baseline", targets=targets)
