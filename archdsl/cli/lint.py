"""``archdsl lint``: what an experienced colleague would point out."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

from archdsl.cli.exit import CLEAN, FINDINGS, status_of
from archdsl.cli.options import choose
from archdsl.cli.output import out, progress, say, show
from archdsl.cli.signature import Arg, opt
from archdsl.cli.targets import Target, arch_files, open_target
from archdsl.diagnostics import Diagnostic, DiagnosticError, Refusal
from archdsl.report.checked import FindingsReport
from archdsl.report.render import render as rendered
from archdsl.report.terminal import wants_color
from archdsl.report.text import concise, counted, render, summary
from archdsl.syntax import spec

if TYPE_CHECKING:
    from archdsl.driver import Program
    from archdsl.graph import Graph
    from archdsl.lint.view import Machine

FORMATS = ("text", "concise", "json")
UNUSED = "W0420"


def command(
    targets: Annotated[list[str], Arg("files, folders, spec.arch:variant, - or zoo names")],
    format: Annotated[str, opt("--format", help=", ".join(FORMATS))] = "text",
    select: Annotated[list[str] | None, opt("--select", metavar="W0401,…", help="only these codes")] = None,
    ignore: Annotated[list[str] | None, opt("--ignore", metavar="W0401,…", help="not these codes")] = None,
    target: Annotated[
        str | None, opt("--target", metavar="NAME", help="also hold channels to what it computes at once: avx512, …")
    ] = None,
    fix: Annotated[bool, opt("--fix", help="mend what can safely be mended, in place")] = False,
    strict: Annotated[bool, opt("--strict", help="exit 1 on findings")] = False,
    report: Annotated[list[str] | None, opt("--report", metavar="FORM=FILE,…", help="as for `archdsl check`")] = None,
    watch: Annotated[bool, opt("--watch", help="look again whenever a file that was read changes")] = False,
) -> int:
    """Hold networks to the design rules of the field."""
    choose(format, "--format", FORMATS)
    if watch:
        from archdsl.project.watch import watched

        watched(targets, lambda: command(targets, format, select, ignore, target, fix, strict, report))
    from archdsl.cli.check import wanted_reports

    reports = wanted_reports(report)
    codes = chosen(select, ignore)
    machine = chosen_target(target, select)
    found = []
    for name in arch_files(targets):
        with progress(f"looking at {name}"):
            if fix:
                from archdsl.project.fix import mend

                found.append((name, mend(name, lambda name: look(name, codes, machine))))
            else:
                found.append((name, look(name, codes, machine)))
    every = [d for _, diagnostics in found for d in diagnostics]
    if reports:
        from archdsl import __version__
        from archdsl.cli.reports import emit
        from archdsl.report.outcome import Outcome, TargetOutcome
        from archdsl.report.pages import page

        parts = tuple(TargetOutcome(name, (), tuple(diagnostics)) for name, diagnostics in found)
        emit(reports, Outcome(__version__, parts, page), lambda: rendered(FindingsReport("lint", every), "json"))
    if format == "json":
        show(FindingsReport("lint", every), format)
    else:
        color = wants_color(sys.stdout)
        out("".join((concise(d) if format == "concise" else render(d, color=color)) + "\n" for d in every))
    mendable = sum(d.edit is not None for d in every)
    say(
        f"looked at {counted(len(found), 'target')}: {summary(every)}"
        + (f"; `--fix` mends {mendable}" if mendable else "")
    )
    return max(status_of(every), FINDINGS if strict and every else CLEAN)


def chosen(select: list[str] | None, ignore: list[str] | None) -> set[str]:
    """The codes to look for; refuses (E0007) codes that no rule has. A beginning (``W04``) stands for all of them."""
    from archdsl.lint import rules
    from archdsl.lint.labels import CODE

    known = {*rules(), CODE, UNUSED}
    wanted = _matching(select, known, "--select")
    return wanted - _matching(ignore, known, "--ignore") if ignore else wanted


def _matching(texts: list[str] | None, known: set[str], option: str) -> set[str]:
    if texts is None:
        return known
    found: set[str] = set()
    for text in (part.strip().upper() for whole in texts for part in whole.split(",")):
        codes = {code for code in known if text and code.startswith(text)}
        if not codes:
            raise Refusal(
                "E0007", f"`{option} {text}`: no rule has this code", help="rules: " + ", ".join(sorted(known))
            )
        found |= codes
    return found


def chosen_target(name: str | None, select: list[str] | None) -> Machine | None:
    """What the network is to run on; refuses (E0007) what is not known, and its rule without any."""
    from archdsl.lint.machines import MACHINES, RULES

    if name is None:
        asked = {code for text in select or () for code in text.upper().split(",")}
        if asked & set(RULES):
            raise Refusal("E0007", f"`--select {min(asked & set(RULES))}` needs a `--target`", help=", ".join(MACHINES))
        return None
    choose(name, "--target", tuple(MACHINES))
    return MACHINES[name]


def look(name: str, codes: set[str], machine: Machine | None = None) -> list[Diagnostic]:
    """The findings of one target: of all its variants, each place once; the errors where there are any."""
    from archdsl.lint import lint
    from archdsl.lint.fix import with_edits
    from archdsl.lint.labels import CODE as LABELS
    from archdsl.lint.labels import unused_labels
    from archdsl.lint.machines import RULES as MACHINE_RULES
    from archdsl.project.suppressions import Silence

    codes = codes if machine is not None else codes - set(MACHINE_RULES)
    rules = codes - {UNUSED, LABELS}
    try:
        target = open_target(name)
        if target.program is None:
            return lint(target.graph({}, {}, False), rules, machine)
        graphs = _graphs(target, target.program)
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
    return sorted(
        with_edits(found, target.program.module, graphs),
        key=lambda d: (d.span is None, d.span.source.name if d.span else "", d.span.start if d.span else 0),
    )


def _graphs(target: Target, program: Program) -> list[Graph]:
    if program.errors:
        raise DiagnosticError(program.diagnostics)
    names = [target.variant] if target.variant else program.targets()
    definitions = [program.target(name) for name in names]
    return [
        program.graph(definition.name) for definition in definitions
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
