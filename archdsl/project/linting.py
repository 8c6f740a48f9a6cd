"""Linting: the findings of design rules in networks, less those that a comment in the text silences."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from archdsl.diagnostics import Diagnostic, DiagnosticError, Refusal, alone, check_choice
from archdsl.process import deep_stack
from archdsl.project.targets import Step, Target, arch_files, open_target
from archdsl.report.render import Printed
from archdsl.syntax import spec
from archdsl.version import __version__

if TYPE_CHECKING:
    from archdsl.design_rules.view import Machine
    from archdsl.driver import Program
    from archdsl.graph import Graph
    from archdsl.report.checked import FindingsReport
    from archdsl.report.outcome import Outcome

UNUSED = "W0420"


class Lint(Printed):
    """What ``archdsl lint`` found, by target. ``notes``: what was fixed."""

    def __init__(self, targets: Sequence[tuple[str, Sequence[Diagnostic]]], notes: Sequence[str] = ()) -> None:
        self.targets = tuple((name, tuple(found)) for name, found in targets)
        self.notes = tuple(notes)

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """All findings, in the order of the targets."""
        return tuple(d for _, found in self.targets for d in found)

    def __str__(self) -> str:
        from archdsl.report.text import render, summary

        return "\n".join([*map(render, self.diagnostics), summary(self.diagnostics)])

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        """The findings as Markdown; else the text."""
        from archdsl.report.sinks.markdown import render

        return {"text/plain": str(self), "text/markdown": render(self.outcome(), ".")}

    def report(self) -> FindingsReport:
        """The findings as data."""
        from archdsl.report.checked import FindingsReport

        return FindingsReport("lint", self.diagnostics)

    def outcome(self) -> Outcome:
        """The run as the model that all sinks render."""
        from archdsl.report.outcome import Outcome, TargetOutcome
        from archdsl.report.pages import page

        return Outcome(__version__, tuple(TargetOutcome(name, (), found) for name, found in self.targets), page)


def lint(
    *targets: str | Path,
    select: Collection[str] | None = None,
    ignore: Collection[str] | None = None,
    target: str | None = None,
    fix: bool = False,
    bind: Mapping[str, int] | None = None,
    step: Step = nullcontext,
) -> Lint:
    """Check the networks of files, folders and targets against the design rules of the field.

    ``select`` and ``ignore``: codes, or their beginnings (``W04``). ``target``: also hold channels to what a machine
    computes at once (``avx512``). ``fix``: mend in the files what can safely be mended. ``bind`` gives symbols
    sizes. Raises ``DiagnosticError`` for what is wrong with the arguments.
    """
    from archdsl.project.failures import findings_of
    from archdsl.project.fix import mend

    codes = chosen(select, ignore)
    machine = chosen_machine(target, select)
    found: list[tuple[str, Sequence[Diagnostic]]] = []
    notes: list[str] = []
    for name in arch_files(targets):
        with step(f"linting {name}"), deep_stack():
            try:
                if fix:
                    left, note = mend(name, lambda name: look(name, codes, machine, bind))
                    found.append((name, left))
                    notes += [note] if note else []
                else:
                    found.append((name, look(name, codes, machine, bind)))
            except BrokenPipeError:
                raise
            except Exception as error:
                found.append((name, findings_of(error)))
    return Lint(found, notes)


def chosen(select: Collection[str] | None, ignore: Collection[str] | None) -> set[str]:
    """The codes to look for; refuses (E0007) codes that no rule has. A beginning (``W04``) means all of them."""
    from archdsl.design_rules import rules
    from archdsl.design_rules.labels import CODE

    known = {*rules(), CODE, UNUSED}
    wanted = _matching(select, known, "select") if select is not None else known
    return wanted - _matching(ignore, known, "ignore") if ignore else wanted


def _matching(texts: Collection[str], known: set[str], option: str) -> set[str]:
    found: set[str] = set()
    for text in (text.upper() for text in texts):
        codes = {code for code in known if text and code.startswith(text)}
        if not codes:
            help = "rules: " + ", ".join(sorted(known))
            raise Refusal("E0007", f"`--{option} {text}`: no rule has this code", help=help)
        found |= codes
    return found


def chosen_machine(name: str | None, select: Collection[str] | None) -> Machine | None:
    """What the network is to run on; refuses (E0007) what is not known, and its rule without any."""
    from archdsl.design_rules.machines import MACHINES, RULES

    if name is None:
        asked = {code.upper() for code in select or ()} & set(RULES)
        if asked:
            raise Refusal("E0007", f"`--select {min(asked)}` needs a `--target`", help=", ".join(MACHINES))
        return None
    check_choice(name, "--target", MACHINES)
    return MACHINES[name]


def look(
    name: str, codes: set[str], machine: Machine | None = None, bind: Mapping[str, int] | None = None
) -> list[Diagnostic]:
    """The findings of one target: of all its variants, each place once; the errors where there are any."""
    from archdsl.design_rules import lint
    from archdsl.design_rules.fix import with_edits
    from archdsl.design_rules.labels import CODE as LABELS, unused_labels
    from archdsl.design_rules.machines import RULES as MACHINE_RULES
    from archdsl.project.suppressions import Silence

    codes = codes if machine is not None else codes - set(MACHINE_RULES)
    rules = codes - {UNUSED, LABELS}
    try:
        target = open_target(name)
        if target.program is None:
            return lint(target.graph(bind=bind), rules, machine)
        graphs = _graphs(target, target.program, bind)
    except DiagnosticError as error:
        return [d for d in error.diagnostics if d.severity == "error"]
    silence = Silence(target.program.source, target.program.module.file.comments)
    found = _once({graph.name: lint(graph, rules, machine) for graph in graphs})
    whole = (
        target.variant is None
    )  # a variant alone may leave out the lines that need a label, or that an ignore is for
    found += unused_labels(target.program.module, graphs) if LABELS in codes and whole else []
    found = silence.keep(found)
    found += silence.unused(codes - {UNUSED}) if UNUSED in codes and whole else []
    return alone(
        sorted(
            with_edits(found, target.program.module, graphs),
            key=lambda d: (d.span is None, d.span.source.name if d.span else "", d.span.start if d.span else 0),
        )
    )


def _graphs(target: Target, program: Program, bind: Mapping[str, int] | None) -> list[Graph]:
    if program.errors:
        raise DiagnosticError(program.diagnostics)
    names = [target.variant] if target.variant else program.targets()
    definitions = [program.target(name) for name in names]
    return [
        program.graph(definition.name, bind=bind) for definition in definitions
        if isinstance(definition, spec.Variant) or all(p.default is not None for p in definition.parameters)
    ]  # fmt: skip


def _once(found: dict[str, list[Diagnostic]]) -> list[Diagnostic]:
    """The findings of several variants, each place of the text once, with the variants that have it too."""
    places: dict[object, tuple[Diagnostic, list[str]]] = {}
    for name, diagnostics in found.items():
        for d in diagnostics:
            outer, frame = d.span, d.frame
            while frame is not None and frame.parent is not None:
                outer, frame = frame.span, frame.parent
            spans = tuple((s.source.name, s.start) for s in (d.span, outer) if s is not None)
            places.setdefault((d.code, spans or d.message), (d, []))[1].append(name)
    kept = []
    for d, names in places.values():
        others = f"also in {', '.join(names[1:5])}{', …' if len(names) > 5 else ''}"
        kept.append(d.replace(notes=(*d.notes, others)) if len(names) > 1 else d)
    return kept
