"""Load, check, compile, cost: the compiler in one line each."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archdsl import __version__
from archdsl.diagnostics import Diagnostic, DiagnosticError, Refusal, did_you_mean, nearest, suggest
from archdsl.files import read_file
from archdsl.graph import Graph
from archdsl.interpret.program import Elaboration, collector_paused, elaborate
from archdsl.interpret.session import ClaimValue
from archdsl.modules.loader import Loader
from archdsl.modules.module import Module, definition_span
from archdsl.modules.resolve import resolve
from archdsl.record import Record
from archdsl.source import Source
from archdsl.syntax import spec

if TYPE_CHECKING:
    from archdsl.analyses.claims import Checked
    from archdsl.runtime.execute import Run

MAX_STEPS = 600_000
"""Evaluation steps of all variants of one text."""
MAX_SOURCE_BYTES = 4_000_000
"""More than the parser takes; read no further."""
sys.setrecursionlimit(max(sys.getrecursionlimit(), 20_000))  # syntax and applications nest within bounds of their own


class Program:
    """A loaded ``.arch`` text: its variants and networks, ready to be elaborated."""

    def __init__(self, module: Module, diagnostics: Iterable[Diagnostic]) -> None:
        self.module = module
        self.diagnostics = _unique(diagnostics)

    @property
    def source(self) -> Source:
        """The main text."""
        return self.module.source

    @property
    def variants(self) -> list[str]:
        """The names of the variants, in order."""
        return list(self.module.variants)

    @property
    def networks(self) -> list[str]:
        """The names of the networks, in order."""
        return [network.name for network in self.module.networks]

    @property
    def errors(self) -> list[Diagnostic]:
        """What makes the text unfit to be elaborated."""
        return [d for d in self.diagnostics if d.severity == "error"]

    @property
    def warnings(self) -> list[Diagnostic]:
        """What is suspicious, but legal."""
        return [d for d in self.diagnostics if d.severity == "warning"]

    def targets(self) -> list[str]:
        """What ``check`` looks at: all variants, and networks that no variant is of."""
        covered = {
            v.network.callee.id for v in self.module.variants.values() if isinstance(v.network.callee, spec.Name)
        }
        return [*self.variants, *(n.name for n in self.module.networks if _has_claims(n) or n.name not in covered)]

    def target(self, name: str | None = None) -> spec.Variant | spec.Network:
        """The variant or network called ``name``; the first variant (or network) without one."""
        if name is None:
            choices: list[spec.Variant | spec.Network] = [*self.module.variants.values(), *self.module.networks]
            if not choices:
                raise DiagnosticError([Diagnostic("E0004", f"{self.source.name} defines no network")])
            return choices[0]
        found = self.module.variants.get(name) or next((n for n in self.module.networks if n.name == name), None)
        if found is None:
            known = [*self.variants, *self.networks]
            help = did_you_mean(name, known, f"it has {', '.join(f'`{k}`' for k in known[:12])}")
            raise DiagnosticError([Diagnostic("E0004", f"{self.source.name} has no variant `{name}`", help=help)])
        return found

    def elaborate(
        self,
        variant: str | None = None,
        arguments: Mapping[str, Any] | None = None,
        *,
        bind: Mapping[str, int] | None = None,
        train: bool = False,
    ) -> Elaboration:
        """Elaborate one variant (or network); never raises for faults of the text."""
        result = elaborate(self.module, self.target(variant), arguments, bindings=bind, train=train)
        if result.graph is not None:
            result.graph.source_hash = self.source_hash
        return result

    @cached_property
    def source_hash(self) -> str:
        """SHA-256 of the text and of every file it uses; the same wherever they lie."""
        from hashlib import sha256

        texts: dict[str, None] = {}
        waiting = [self.module]
        while waiting:
            module = waiting.pop(0)
            if module.source.text not in texts:
                texts[module.source.text] = None
                waiting += [imported for imported, _ in module.imports.values()]
        return sha256("\0".join(texts).encode()).hexdigest()

    def graph(
        self, variant: str | None = None, *, bind: Mapping[str, int] | None = None, train: bool = False, **params: Any
    ) -> Graph:
        """The graph of a variant (the first by default); ``params`` override the network's parameters.

        ``bind`` gives symbols fixed sizes. Raises :class:`DiagnosticError`.
        """
        if self.errors:
            raise DiagnosticError(self.diagnostics)
        result = self.elaborate(variant, params, bind=bind, train=train)
        if result.graph is None:
            raise DiagnosticError(_unique([*self.diagnostics, *result.diagnostics]))
        return result.graph

    def check(self, variants: Iterable[str] | None = None) -> list[Diagnostic]:
        """Everything wrong with the text and its variants (all by default), claims included, in source order."""
        return self.report(variants).diagnostics

    def report(self, variants: Iterable[str] | None = None) -> CheckReport:
        """As :meth:`check`, with what was measured for every claim."""
        found = list(self.diagnostics)
        checked: dict[str, CheckedVariant] = {}
        steps = 0
        used: set[int] = set()
        whole = variants is None
        results: list[Elaboration] = []
        for name in self.targets() if variants is None else variants:
            target = self.target(name)
            if isinstance(target, spec.Network) and any(p.default is None for p in target.parameters):
                continue
            result = self.elaborate(name)
            results.append(result)
            applied = result.applied_maps()
            found += [*result.diagnostics, *(d for one in applied for d in one.diagnostics)]
            steps += result.steps + sum(one.steps for one in applied)
            used.update(*(one.used for one in applied))
            whole &= result.graph is not None and not any(one.diagnostics for one in applied)
            if result.stopped or steps > MAX_STEPS:
                if not result.stopped:
                    message = f"the variants up to `{name}` need more than {MAX_STEPS:,} evaluation steps"
                    found.append(Diagnostic("E0501", message, definition_span(target)))
                whole = False
                break
            if result.graph is not None and not self.errors:  # else what is measured merely follows from a fault
                claims, broken = _checked(result.graph, result.claims)
                found += broken
                checked[name] = CheckedVariant(name, result.graph, claims)
        if whole and any(result.maps for result in results):
            from archdsl.interpret.idle_rules import idle_rules

            trained = (self.elaborate(name, train=True) for name in self.targets())
            found += idle_rules(self.source, results, used, trained)
        return CheckReport(_unique(found), checked)


class CheckedVariant(Record):
    """One variant's graph, and its claims with the measured values."""

    name: str
    graph: Graph
    claims: tuple[Checked, ...]


class CheckReport(Record):
    """The outcome of checking one text: all diagnostics in source order, and the variants that could be measured."""

    diagnostics: list[Diagnostic]
    variants: dict[str, CheckedVariant]


def _checked(graph: Graph, claims: Sequence[ClaimValue]) -> tuple[tuple[Checked, ...], list[Diagnostic]]:
    if not claims:  # most variants of a library file: nothing is measured
        return (), []
    from archdsl.analyses.claims import check_claims
    from archdsl.analyses.measure import Measures

    return check_claims(Measures(graph), claims)


def _has_claims(network: spec.Network) -> bool:
    return any(isinstance(s, spec.Expect | spec.Budget) for s in network.body.statements)


def _unique(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Each code and place once, in the order of the text; what has no place comes first."""
    kept: dict[tuple[object, ...], Diagnostic] = {}
    for d in diagnostics:
        key = (d.code, d.span.source.name, d.span.start, d.span.end) if d.span else (d.code, d.message)
        kept.setdefault(key, d)
    return sorted(kept.values(), key=lambda d: (d.span.source.name, d.span.start) if d.span else ("", -1))


def load(path_or_text: str | Path, *, name: str | None = None) -> Program:
    """Load a program from a path, or from a text (a string with a newline or that begins with ``arch``).

    Raises :class:`DiagnosticError` with every error found; warnings are in ``Program.warnings``.
    """
    program = open_program(path_or_text, name=name)
    if program.errors:
        raise DiagnosticError(program.diagnostics)
    return program


def open_program(path_or_text: str | Path, *, name: str | None = None) -> Program:
    """As :func:`load`, but faults that leave something to look at are kept in ``Program.diagnostics``."""
    if isinstance(path_or_text, str) and ("\n" in path_or_text or path_or_text.lstrip().startswith(("arch ", "#"))):
        return open_source(Source(name or "<text>", path_or_text), None)
    path = Path(path_or_text)
    return open_source(read_source(path, name or str(path_or_text)), path)


def open_source(source: Source, path: Path | None) -> Program:
    """A program from a text that is already at hand; imports of files are relative to ``path``."""
    loader = Loader(read_source, path.resolve().parent if path is not None else None)
    module = loader.main(source, path)
    resolved = [*resolve(module)]
    for imported in loader.loaded.values():
        if not imported.library:
            resolved += resolve(imported)
    return Program(module, [*loader.diagnostics, *resolved])


def read_source(path: Path, name: str) -> Source:
    """The text of a file; raises :class:`DiagnosticError` for what is no readable UTF-8 text of sane size."""
    try:
        data = read_file(path, MAX_SOURCE_BYTES)
    except Refusal as refusal:
        refusal.help = refusal.help or _beside(path)
        raise DiagnosticError([refusal.diagnostic()]) from None
    return decode(data, name)


def _beside(path: Path) -> str:
    """For the help: the spec in the same folder that was probably meant."""
    try:
        meant = nearest(path.name, [file.name for file in path.parent.glob("*.arch")])
    except OSError:
        meant = None
    return suggest(str(path.with_name(meant)) if meant else None)


def decode(data: bytes, name: str) -> Source:
    """Bytes as source text."""
    if len(data) > MAX_SOURCE_BYTES:
        raise DiagnosticError([Diagnostic("E0510", f"{name} is larger than {MAX_SOURCE_BYTES:,} bytes")])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"{name} is not UTF-8 text: byte {data[error.start]:#04x} in line {line}"
        raise DiagnosticError([Diagnostic("E0002", message)]) from None
    return Source(name, text.replace("\r\n", "\n"))


# Targets


ZOO = Path(__file__).resolve().parent / "specs"
"""The folder of the zoo's files."""


def zoo_files() -> list[Path]:
    """The zoo's files, sorted."""
    return sorted(ZOO.glob("*.arch"))


_VARIANT = re.compile(r"^variant\s+(\w+)", re.MULTILINE)


def zoo_names() -> dict[str, Path]:
    """Every variant of the zoo and the file that defines it, without parsing any."""
    return {name: path for path in zoo_files() for name in _VARIANT.findall(path.read_text(encoding="utf-8"))}


def resolve_target(target: str) -> tuple[Program, str | None]:
    """The program and variant that a command is given.

    ``spec.arch``, ``spec.arch:variant``, a name of the zoo (``resnet50``), or a zoo file without its ending. The
    variant is ``None`` where none is named. Raises :class:`DiagnosticError`.
    """
    path, _, variant = target.rpartition(":") if ".arch:" in target else (target, "", "")
    if target.endswith(".arch") or path != target or "/" in target or Path(target).exists():
        program = open_program(Path(path))
        if variant:
            program.target(variant)
        return program, variant or None
    known = zoo_names()
    if target in known:
        return open_program(known[target]), target
    families = {file.stem: file for file in zoo_files()}
    if target in families:
        return open_program(families[target]), None
    help = did_you_mean(target, [*known, *families]) or _beside(Path(target))
    help = help or "give a file, or a name that `archdsl list` shows"
    raise DiagnosticError([Diagnostic("E0003", f"there is no file and no zoo network `{target}`", help=help)])


# One line each


def compile(graph: Graph, path: str | Path, *, backend: str = "onnx", **options: Any) -> Any:
    """Write a graph to a file, whole or not at all; returns the backend's report.

    ``options`` are those of the backend (for ONNX: ``archdsl.backends.onnx.OnnxOptions``), and ``deploy``: fold batch
    norms and drop what is there for training. Raises :class:`DiagnosticError`.
    """
    from archdsl.registry import backend as find

    if not isinstance(graph, Graph):
        raise TypeError(f"compile() takes a graph, not {graph!r:.60}: archdsl.load(…).graph()")
    engine = find(backend)
    options.setdefault("version", __version__)
    options.setdefault("metadata", metadata(graph))
    with collector_paused():
        return engine.write(graph, path, engine.options.chosen(engine.name, options))


def with_weights(
    graph: Graph,
    path: str | Path,
    *,
    missing: Iterable[str] = (),
    unexpected: Iterable[str] = (),
    training: Callable[[], Graph] | None = None,
) -> tuple[Graph, list[str]]:
    """The graph with the weights of a file (safetensors, ``.pth``, ``.npz``, ONNX), and what is to be told about them.

    ``missing`` and ``unexpected`` are shell patterns of names that one side may lack; ``training`` gives the graph with
    the outputs that exist only for training, whose parameters a checkpoint may have, too. Raises ``Refusal`` (E09xx).
    """
    from archdsl import weights
    from archdsl.weights.match import bound, match, names_of, settle

    found = match(graph, weights.read(path))
    known = names_of(training(), found.map) if found.unexpected and training is not None else ()
    told = settle(found, tuple(missing), tuple(unexpected), known)
    return bound(graph, found), told


def metadata(graph: Graph) -> dict[str, str]:
    """What a written model says of itself: where it is from and what it costs. No times, no paths."""
    from archdsl.analyses.measure import Measures

    measures = Measures(graph)
    found = {"archdsl.version": __version__, "archdsl.variant": graph.name}
    if graph.source_hash:
        found["archdsl.source_sha256"] = graph.source_hash
    for quantity in ("params", "macs"):
        measured = measures.of(quantity)
        found[f"archdsl.{quantity}"] = ("" if not measured.partial else ">=") + str(measured.value)
    return found


def run(
    model: Graph | str | Path,
    inputs: Any = None,
    *,
    ep: str = "cpu",
    seed: int = 0,
    bind: Mapping[str, int] | None = None,
) -> dict[str, Any]:
    """Run a model with ONNX Runtime; its outputs by name, as NumPy arrays.

    ``model`` is a graph, the path of an ONNX file, or a target (``resnet50``, ``spec.arch:variant``). ``inputs`` maps
    names to arrays, or to paths of ``.npy`` files and of pictures, which enter as the model says; one array or path is
    the first input; ``None`` makes random inputs from ``seed``, with free dimensions as in ``bind`` or 1. What is not a
    file yet runs with the initial weights of ``seed``. ``ep`` is ``cpu``, ``cuda`` or ``cuda,cpu``. Raises
    :class:`DiagnosticError`, with E07xx for what cannot run.
    """
    from archdsl.runtime.execute import execute

    try:
        if isinstance(model, Graph):
            graph = model
        elif str(model).endswith(".onnx"):
            return _told(execute(model, arrays=inputs, ep=ep, seed=seed, sizes=bind))
        else:
            program, variant = resolve_target(str(model))
            graph = program.graph(variant)
        written = partial(compile, graph, seed=seed)
        return _told(execute(written, arrays=inputs, ep=ep, seed=seed, sizes=bind))
    except Refusal as refusal:
        raise DiagnosticError([refusal.diagnostic()]) from None


def _told(result: Run) -> dict[str, Any]:
    """The outputs; what is to be told to the reader is a warning."""
    import warnings

    for told in result.notes:
        warnings.warn(told, stacklevel=3)
    return result.outputs
