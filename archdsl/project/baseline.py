"""What a check is held against: a folder, a file of saved figures, or a state of a git repository."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archdsl.cli.output import say
from archdsl.diagnostics import DiagnosticError, Refusal
from archdsl.files import read_file

if TYPE_CHECKING:
    from archdsl.analyses.measure import Subject
    from archdsl.compare.snapshot import Snapshot
    from archdsl.driver import CheckedVariant
    from archdsl.graph import Graph

_REF = re.compile(r"(branch|tag|commit)=([\w./@+-]+)", re.ASCII)
_STRING = re.compile(rb'"([^"\n]*)"')
_LARGEST = 200_000_000
"""Bytes of a baseline file or of an archive that are read."""


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
    """Earlier figures of networks: by target and variant. ``more``: subjects that are wanted beyond the usual."""

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

    def of(self, target: str, wanted: Mapping[str, tuple[str, Mapping[str, Any]]]) -> dict[str, Snapshot]:
        """The earlier figures of a target's variants; none for what did not exist, or was at fault.

        ``wanted``: by title, a variant and the parameters to set in it.
        """
        if self.saved is not None:
            from archdsl.compare.snapshot import from_record

            known = self.saved.get(Path(target).as_posix(), {})
            found = {name: from_record(known[name]) for name in wanted if name in known}
            for one in (str(one) for one in self.more if found):
                if any(one not in snapshot.quantities for snapshot in found.values()):
                    help = "it holds what was in `archdsl.toml` when it was saved: `--save-baseline` again"
                    raise Refusal("E0011", f"`{self.name}` has no `{one}`", help=help)
            return found
        return self._elaborated(target.partition(".arch:")[0], wanted)

    def _elaborated(self, target: str, wanted: Mapping[str, tuple[str, Mapping[str, Any]]]) -> dict[str, Snapshot]:
        from archdsl import driver

        file = self._file(target)
        found: dict[str, Snapshot] = {}
        if file is None:
            return found
        try:
            program = driver.open_program(file)
            if program.errors:
                raise DiagnosticError(program.errors)
        except (DiagnosticError, Refusal) as error:
            self._silent(target, error)
            return found
        for title, (name, settings) in wanted.items():
            if name in (*program.variants, *program.networks):
                try:
                    found[title] = figures(program.graph(name, **settings), self.more)
                except (DiagnosticError, Refusal) as error:
                    self._silent(f"{target}:{title}", error)
        return found

    def _silent(self, what: str, error: DiagnosticError | Refusal) -> None:
        """Say that there are no earlier figures, and why: bounds on growth hold for nothing then."""
        first = error.diagnostics[0] if isinstance(error, DiagnosticError) else error
        say(f"{what}: was at fault in {self.name}, so it is not compared: {first.code}: {first.message}")

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
        yield from _from_git(reference, more, Path(place), ref)
    elif Path(place).is_dir():
        yield Baseline(reference, more, Path(place).resolve(), Path.cwd())
    elif place.endswith(".json"):
        yield Baseline(reference, more, None, Path.cwd(), _saved(Path(place)))
    else:
        raise Refusal(
            "E0012", f"`--against {reference}` is no folder, no .json file and no `.git#branch=…`",
            help="give a folder of specs, a file of `--save-baseline`, or `.git#branch=main`",
        )  # fmt: skip


def _saved(path: Path) -> Mapping[str, Any]:
    import json

    wrong = Refusal("E0011", f"`{path}` is no baseline", help="`archdsl check --save-baseline FILE` writes one")
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


# Git


def _from_git(reference: str, more: Iterable[Subject], place: Path, ref: str) -> Iterator[Baseline]:
    from tempfile import TemporaryDirectory

    repository = place.parent if place.name == ".git" else place
    names = _REF.fullmatch(ref)
    if names is None or names[2].startswith("-") or ".." in names[2]:
        raise Refusal(
            "E0012", f"`--against {reference}` names no branch, tag or commit", help="write `.git#branch=main`"
        )
    root = Path(_git(repository, reference, "rev-parse", "--show-toplevel").decode().rstrip("\n"))
    commit = _commit(root, reference, names[1], names[2])
    with TemporaryDirectory(prefix="archdsl-") as name:
        folder = Path(name).resolve()
        for path, content in _specs(root, reference, commit).items():
            place = folder.joinpath(*path.split("/"))
            if place.resolve().is_relative_to(folder):  # a tree that was made by hand may say `..`
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(content)
        yield Baseline(reference, more, folder, root.resolve())


def _specs(root: Path, reference: str, commit: str) -> dict[str, bytes]:
    """The specs of a commit, and files that they may name (labels): those whose name stands in one as a string."""
    names: dict[str, str] = {}
    for line in _git(root, reference, "ls-tree", "-r", "-z", "--full-tree", commit).split(b"\0")[:-1]:
        kind, _, path = os.fsdecode(line).partition("\t")
        if kind.startswith("100"):  # an ordinary file: no link, no submodule
            names[path] = kind.split()[2]
    found = _blobs(root, reference, {path: id for path, id in names.items() if path.endswith(".arch")})
    named = {Path(os.fsdecode(text)).name for one in found.values() for text in _STRING.findall(one)}
    others = {path: id for path, id in names.items() if path not in found and Path(path).name in named}
    return found | _blobs(root, reference, others)


def _blobs(root: Path, reference: str, ids: Mapping[str, str]) -> dict[str, bytes]:
    """The contents of files as they were committed, whatever attributes say; what is not here is left out."""
    stream = BytesIO(_git(root, reference, "cat-file", "--batch", given="".join(f"{id}\n" for id in ids.values())))
    found = {}
    for path in ids:
        head = stream.readline().split()
        if head[1:2] == [b"blob"]:
            found[path] = stream.read(int(head[2]))
            stream.read(1)
    return found


def _commit(root: Path, reference: str, kind: str, name: str) -> str:
    """The commit a branch (here or of ``origin``), tag or commit stands for."""
    wanted = {
        "branch": (f"refs/heads/{name}", f"refs/remotes/origin/{name}"), "tag": (f"refs/tags/{name}",),
        "commit": (name,) if re.fullmatch("[0-9a-f]{4,64}", name) else (),
    }[kind]  # fmt: skip
    for ref in wanted:
        done = _run(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
        if done.returncode == 0:
            return done.stdout.decode().strip()
    fetch = f"git fetch --depth=1 origin {name}" + (f":refs/remotes/origin/{name}" if kind == "branch" else "")
    raise Refusal(
        "E0012", f"`--against {reference}`: the repository has no {kind} `{name}`",
        help=f"nothing is fetched; a shallow checkout needs `{fetch}` first",
    )  # fmt: skip


def _git(folder: Path, reference: str, *arguments: str, given: str = "") -> bytes:
    done = _run(folder, *arguments, given=given)
    if done.returncode != 0 or len(done.stdout) > _LARGEST:
        reason = done.stderr.decode(errors="replace").strip().partition("\n")[0] or "too much to read"
        raise Refusal("E0012", f"`--against {reference}`: {reason}")
    return done.stdout


def _run(folder: Path, *arguments: str, given: str = "") -> subprocess.CompletedProcess[bytes]:
    """Git, without network, prompts or locks."""
    quiet = {"GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    try:
        return subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            check=False,
            input=given.encode(),
            env=os.environ | quiet,
            timeout=120,
        )
    except FileNotFoundError:
        raise Refusal("E0012", "`--against .git#…` needs the command `git`") from None
    except subprocess.TimeoutExpired:
        raise Refusal("E0012", "git did not answer within two minutes") from None
