"""Programs: a loaded text, its networks as graphs, and its diagnostics."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING

from archdsl.arguments import checked
from archdsl.diagnostics import (
    Diagnostic,
    DiagnosticError,
    alone,
    by_variant,
    did_you_mean,
    unique,
    without_unread_results,
)  # fmt: skip
from archdsl.graph import Graph
from archdsl.interpret.elaboration import Elaboration
from archdsl.interpret.program import elaborate
from archdsl.modules.loader import Loader
from archdsl.modules.module import Module, definition_span
from archdsl.modules.resolve import resolve
from archdsl.process import deep_stack
from archdsl.reading import find_target, read_main, read_source
from archdsl.record import Record
from archdsl.shown import Verbatim
from archdsl.source import Source, Span
from archdsl.syntax import spec

if TYPE_CHECKING:
    from archdsl.analyses.claims import Checked
    from archdsl.analyses.measure import Measures
    from archdsl.engine import Engine

ENGINE: ContextVar[Engine | None] = ContextVar("ENGINE", default=None)
"""What makes the programs that are opened, where something watches."""
Making = tuple[Loader, Callable[[Module], list[Diagnostic]], Callable[..., Elaboration]]
"""What a program is made by: what reads its texts, settles its names and elaborates its networks."""
Scalar = bool | int | float | str | None
Value = Scalar | Sequence[Scalar] | Sequence[Sequence[Scalar]]
"""A parameter's value, as Python has it."""
Settings = Mapping[str, Value]
"""Parameters of a network and their values."""
MAX_STEPS, MAX_OPERATORS = 600_000, 1_200_000
"""Evaluation steps, and operators, of all variants of one text."""


class Program(Verbatim):
    """A loaded ``.arch`` text: its variants and networks, ready to be elaborated.

    ``default``: the variant or network that is taken where none is named; ``None`` for the first.
    """

    def __init__(
        self,
        module: Module,
        diagnostics: Iterable[Diagnostic],
        default: str | None = None,
        elaborate: Callable[..., Elaboration] = elaborate,
    ) -> None:
        self.module = module
        self._elaborate = elaborate
        self.diagnostics = unique(diagnostics)
        self.default = default

    def __str__(self) -> str:
        lines = [f"{self.source.name}: {len(self.networks)} networks, {len(self.variants)} variants"]
        lines += [f"  network {name}" for name in self.networks]
        lines += [f"  variant {name} = {v.network.span.text}" for name, v in self.module.variants.items()]
        return "\n".join([*lines, *map(str, self.diagnostics)])

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        """Its variants and networks with what their authors say of them; else the text."""
        from archdsl.report.html import document
        from archdsl.report.loaded import page

        return {"text/plain": str(self), "text/html": document(page(self.module, self.diagnostics))}

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

    @checked
    def target(self, name: str | None = None) -> spec.Variant | spec.Network:
        """The variant or network called ``name``; the default, or the first variant (or network), without one."""
        name = self.default if name is None else name
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

    @checked
    def elaborate(
        self,
        variant: str | None = None,
        arguments: Settings | None = None,
        *,
        bind: Mapping[str, int] | None = None,
        train: bool = False,
    ) -> Elaboration:
        """Elaborate one variant (or network); never raises for faults of the text."""
        return self._elaborate(self.module, self.target(variant), arguments, bindings=bind, train=train)

    @property
    def source_hash(self) -> str:
        """SHA-256 of the text and of every file it uses; the same wherever they lie."""
        return self.module.source_hash

    @checked
    def graph(
        self,
        /,
        variant: str | None = None,
        *,
        settings: Settings | None = None,
        bind: Mapping[str, int] | None = None,
        train: bool = False,
        **params: Value,
    ) -> Graph:
        """The graph of a variant (the first by default); ``params`` override the network's parameters, and so do
        ``settings``, in which a parameter may be called ``train``, too.

        ``bind`` gives symbols fixed sizes. Raises :class:`DiagnosticError`.
        """
        return self.made(variant, {**(settings or {}), **params}, bind, train)

    def made(
        self, variant: str | None, arguments: Mapping[str, Value], bind: Mapping[str, int] | None, train: bool
    ) -> Graph:
        """:meth:`graph`, of arguments that were checked already."""
        if self.errors:
            raise DiagnosticError(self.diagnostics)
        result = self._elaborate(self.module, self.target(variant), arguments, bindings=bind, train=train)
        if result.graph is None:
            raise DiagnosticError(unique([*self.diagnostics, *result.diagnostics]))
        return result.graph

    @checked
    def check(self, variants: Iterable[str] | None = None) -> list[Diagnostic]:
        """Everything wrong with the text and its variants (all by default), claims included, in source order."""
        return self.report(variants).diagnostics

    def report(self, variants: Iterable[str] | None = None, bind: Mapping[str, int] | None = None) -> CheckReport:
        """As :meth:`check`, with what was measured for every claim. ``bind`` gives symbols fixed sizes."""
        found: list[tuple[str, Diagnostic]] = []
        checked: dict[str, CheckedVariant] = {}
        steps = operators = 0
        used: set[int] = set()
        whole = variants is None
        results: dict[str, Elaboration] = {}
        for name in self.targets() if variants is None else variants:
            target = self.target(name)
            if isinstance(target, spec.Network) and any(p.default is None for p in target.parameters):
                continue
            result = self.elaborate(name, bind=bind)
            results[name] = result
            applied = result.applied_maps()
            found += [(name, d) for d in (*result.diagnostics, *(d for one in applied for d in one.diagnostics))]
            steps, operators = steps + result.steps + sum(one.steps for one in applied), operators + result.operators
            used.update(*(one.used for one in applied))
            whole &= result.graph is not None and not any(one.diagnostics for one in applied)
            too_much = _too_much(name, steps, operators, target)
            if result.stopped or too_much:
                found += () if result.stopped else ((name, d) for d in too_much)
                whole = False
                break
            if result.graph is not None and not self.errors:  # else what is measured merely follows from a fault
                claims, broken = _checked(self.module, result)
                found += [(name, d) for d in broken]
                checked[name] = CheckedVariant(name, result.graph, claims, definition_span(target))
        if whole and any(result.maps for result in results.values()):
            from archdsl.interpret.idle_rules import idle_rules

            trained = (self.elaborate(name, bind=bind, train=True) for name in self.targets())
            found += [("", d) for d in idle_rules(self.source, list(results.values()), used, trained)]
        return CheckReport(
            alone(without_unread_results(unique([*self.diagnostics, *by_variant(found)]))),
            checked,
            tuple(name for name in results if name not in checked),
        )


def _too_much(name: str, steps: int, operators: int, target: spec.Variant | spec.Network) -> tuple[Diagnostic, ...]:
    """The fault of a text whose variants, up to this one, are too much work."""
    most = ((steps, MAX_STEPS, "evaluation steps", "E0501"), (operators, MAX_OPERATORS, "operators", "E0502"))
    where, whole = definition_span(target), f"the variants up to `{name}` need more than"
    return tuple(
        Diagnostic(code, f"{whole} {limit:,} {what}", where) for count, limit, what, code in most if count > limit
    )


class CheckedVariant(Record):
    """One variant's graph, and its claims with the measured values."""

    name: str
    graph: Graph
    claims: tuple[Checked, ...]
    span: Span | None = None
    """Where it is defined."""


class CheckReport(Verbatim, Record):
    """The outcome of checking one text: all diagnostics in source order, and the variants that could be measured."""

    diagnostics: list[Diagnostic]
    variants: dict[str, CheckedVariant]
    broken: tuple[str, ...] = ()
    """Variants that could not be measured, because they or the text have errors."""

    def __str__(self) -> str:
        return "\n".join([*map(str, self.diagnostics), f"measured: {', '.join(self.variants) or 'nothing'}"])


def _checked(module: Module, result: Elaboration) -> tuple[tuple[Checked, ...], list[Diagnostic]]:
    """Its claims, measured once; again for a text that has changed where one does not hold: that is told with lines."""
    if not result.claims or result.graph is None:  # most variants of a library file: nothing is measured
        return (), []
    known = result.measured.get(None) or result.measured.get(module)
    if known is None:
        from archdsl.analyses.claims import check_claims

        known = check_claims(measures(result.graph), result.claims)
        result.measured.clear()
        result.measured[module if known[1] else None] = known
    return known


def measures(graph: Graph) -> Measures:
    """What measures a graph at its defaults; in a round of an engine with what is known of it."""
    from archdsl.analyses.measure import Measures

    engine = ENGINE.get()
    return Measures(graph, known=engine.known(graph) if engine is not None else None)


def _has_claims(network: spec.Network) -> bool:
    return any(isinstance(s, spec.Expect | spec.Budget) for s in network.body.statements)


@contextmanager
def renewing(engine: Engine) -> Iterator[None]:
    """A round of an engine: it makes all programs that are opened meanwhile."""
    engine.begin()
    token = ENGINE.set(engine)
    try:
        yield
    finally:
        ENGINE.reset(token)


def load(path_or_text: str | Path, *, name: str | None = None) -> Program:
    """Load a program from a path, a target (``spec.arch:variant``, a name of the zoo such as ``resnet50``), or a text.

    A text is a string with a newline or that begins with ``arch``. The variant that a target names is
    :attr:`Program.default`.

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
    path, variant = find_target(path_or_text) if isinstance(path_or_text, str) else (Path(path_or_text), None)
    program = open_source(read_main(path, name or str(path)), path, variant)
    if variant is not None:
        program.target(variant)  # refuses one that is not there
    return program


def open_source(source: Source, path: Path | None, default: str | None = None, more: Source | None = None) -> Program:
    """A program from a text that is already at hand; imports of files are relative to ``path``. ``more``: a text whose
    definitions stand behind those of the first.
    """
    engine = ENGINE.get() if more is None else None
    loader, settle, made = _making(path) if engine is None or path is None else engine.making(read_source, path)
    with deep_stack():
        module = loader.main(source, path, more)
        resolved = [*settle(module)]
        for imported in loader.loaded.values():
            if not imported.library:
                resolved += settle(imported)
    return Program(module, [*loader.diagnostics, *resolved], default, made)


def _making(path: Path | None) -> Making:
    return Loader(read_source, path.resolve().parent if path is not None else None), resolve, elaborate


def resolve_target(target: str) -> tuple[Program, str | None]:
    """The program and variant that a target names (:func:`archdsl.reading.find_target`).

    The variant is ``None`` where none is named. Raises :class:`DiagnosticError`.
    """
    path, variant = find_target(target)
    program = open_program(path)  # a path: a file may be called as a text begins
    if variant is not None:
        program.target(variant)
    return program, variant
