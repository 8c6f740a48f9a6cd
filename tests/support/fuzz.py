"""The fuzzer: programs from three sources, and what must hold of every one of them.

``python tests/support/fuzz.py --count 20000 --seed 7`` runs it by hand; ``--only 123`` runs one input again. Inputs
depend on the seed and their number alone. A failing input is printed with the command that repeats it.
"""

from __future__ import annotations

import argparse
import re
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from random import Random

import fuzz_mutate
import fuzz_programs
import grammar_fuzz
import memory
import onnx
from paths import ROOT, STD

from archdsl.analyses.cost import cost
from archdsl.backends.onnx import OnnxOptions, backend
from archdsl.diagnostics import Diagnostic, DiagnosticError
from archdsl.driver import CheckReport, Program, open_source
from archdsl.graph import Graph
from archdsl.invariants import check
from archdsl.reading import zoo_files
from archdsl.report.text import concise, render
from archdsl.source import Source
from archdsl.syntax.format import format_file
from archdsl.syntax.parse import parse, parse_file
from archdsl.tape.limits import DEFAULT

SECONDS = 10.0
"""Processor time that one input may take: two networks, their costs and their models."""
OPERATORS = 75_000
"""The bound on operators meanwhile: a network at the real one takes ten seconds, and other tests hold it."""
ODD_WORDS = re.compile(r"object at 0x|Traceback|<class|archdsl\.|None\b|\bPOISON\b|\u2370")


class Failure(Exception):
    """A promise that an input breaks."""


@cache
def known_codes() -> frozenset[str]:
    """Every code that the sources can give."""
    files = [*(ROOT / "archdsl").rglob("*.py")]
    texts = (path.read_text(encoding="utf-8") for path in files)
    return frozenset(code for text in texts for code in re.findall(r"[\"']([EW]\d{4})[\"']", text))


# What must hold


def judge(text: str, random: Random) -> str:
    """Check every promise on one text; gives ``accepted`` or ``refused``."""
    try:
        program = open_source(Source("<fuzz>", text), None)
    except DiagnosticError as error:
        check_diagnostics(error.diagnostics, text)
        return "refused"
    targets = program.targets()
    report = program.report(random.sample(targets, min(len(targets), 2)))
    check_diagnostics(report.diagnostics, text)
    formatted = check_format(text)
    errors = [d for d in report.diagnostics if d.severity == "error"]
    if errors or not report.variants:
        check_raises(program, errors, report)
        return "refused"
    again = open_source(Source("<fuzz>", formatted), None) if formatted is not None else None
    for name, checked in report.variants.items():
        check_graph(checked.graph)
        if again is not None and str(again.graph(name)) != str(checked.graph):
            raise Failure(f"formatting changes the graph of {name}:\n{formatted}")
    return "accepted"


def check_diagnostics(diagnostics: tuple[Diagnostic, ...] | list[Diagnostic], text: str) -> None:
    """Each has a known code, a headline in the reader's words, and a place inside its text."""
    for d in diagnostics:
        told = concise(d)
        if d.code not in known_codes() or not d.message:
            raise Failure(f"no such code, or no headline: {told}")
        if d.span is None:
            raise Failure(f"without a place: {told}")
        if not 0 <= d.span.start <= d.span.end <= len(d.span.source.text):
            raise Failure(f"a place outside of the text: {told}: {d.span.start} to {d.span.end}")
        everything = " ".join([d.message, d.note, d.help, *d.notes])
        if ODD_WORDS.search(everything.replace(text, "")):
            raise Failure(f"speaks of Python: {everything}")
        if not render(d):
            raise Failure(f"renders to nothing: {told}")


def check_raises(program: Program, errors: list[Diagnostic], report: CheckReport) -> None:
    """What ``check`` refuses, ``graph`` does not give: the first variant at fault raises."""
    if program.errors:
        try:
            program.graph()
        except DiagnosticError:
            return
        raise Failure("`graph` gives what `check` refuses")


def check_format(text: str) -> str | None:
    """Formatting keeps the meaning and is idempotent, for every text that parses."""
    tree, faults = parse(Source("fuzz", text))
    if faults or tree is None:
        return None
    formatted = format_file(tree)
    again = parse_file(Source("fuzz", formatted))
    if again != tree:
        raise Failure(f"formatting changes the tree:\n{formatted}")
    if format_file(again) != formatted:
        raise Failure(f"formatting twice changes more:\n{formatted}")
    return formatted


def check_graph(graph: Graph) -> None:
    """An accepted graph keeps its invariants, has costs, and is a model the checker accepts."""
    check(graph)
    try:
        totals = cost(graph).totals
    except DiagnosticError as error:
        check_diagnostics(error.diagnostics, "")
    else:
        if not totals:
            raise Failure("a graph without totals")
    try:
        data = backend.lower(graph, OnnxOptions(weights="none"))
    except DiagnosticError as error:
        if not all(d.code in known_codes() and d.code.startswith("E06") for d in error.diagnostics):
            raise Failure(f"a refusal to lower with a strange code: {error}") from None
        return
    onnx.checker.check_model(onnx.ModelProto.FromString(data), full_check=False)


# Inputs


@cache
def zoo() -> tuple[str, ...]:
    """The texts of the zoo, the shorter ones; the standard library as well."""
    files = [*zoo_files(), *sorted(STD.glob("*.arch"))]
    return tuple(path.read_text(encoding="utf-8") for path in files)


def make(seed: int, number: int) -> tuple[str, str, Random]:
    """The input with this number: where it is from, its text, and the random numbers to judge it with."""
    random = Random(f"{seed}:{number}")
    kind = number % 10
    if kind < 5:
        wild = random.choice([0.0, 0.0, 0.0, 0.01, 0.03, 0.1])
        return "program", fuzz_programs.program(random, wild), random
    if kind < 7:
        text = random.choice(zoo())
        return "zoo", fuzz_mutate.mutate(text, random, random.choice(zoo())), random
    if kind == 7:
        text = fuzz_programs.program(random)
        return "damaged", fuzz_mutate.mutate(text, random, random.choice(zoo())), random
    generator = grammar_fuzz.Generator(random.randrange(1 << 30), size=random.choice([6, 12, 20]))
    if kind == 8:
        return "grammar", generator.text(), random
    return "statement", _with_statement(generator, random), random


def _with_statement(generator: grammar_fuzz.Generator, random: Random) -> str:
    """A sound program with one random statement of the grammar in it."""
    lines = fuzz_programs.program(random).split("\n")
    generator.words, generator.depth = [], 0
    kind = random.choice(["statement"] * 20 + ["state", "next"])
    generator.expand(kind, random.choice([6, 9, 14]))
    statement = "".join(generator.words).replace("\0", "").strip()
    first = next(i for i, line in enumerate(lines) if line.startswith("  input "))
    lines.insert(random.randint(first + 1, len(lines) - 1), statement)
    return "\n".join(lines)


# Running


class Outcome:
    """What a run came to."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        self.rules: Counter[str] = Counter()
        self.failures: list[str] = []
        self.slowest = (0.0, 0)

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def accepted(self) -> float:
        """The part of the inputs that were accepted."""
        return sum(n for (_, verdict), n in self.counts.items() if verdict == "accepted") / max(self.total, 1)

    @property
    def missed(self) -> list[str]:
        """Rules of the grammar that no accepted or refused input used."""
        return sorted(grammar_fuzz.all_rules() - self.rules.keys())

    def __str__(self) -> str:
        lines = [f"{source:>10} {verdict:<9} {count:6,}" for (source, verdict), count in sorted(self.counts.items())]
        lines.append(f"{self.accepted:.1%} of {self.total:,} inputs accepted; {len(self.failures)} failed")
        rules = len(grammar_fuzz.all_rules())
        lines.append(f"{rules - len(self.missed)} of {rules} grammar rules hit; missed: {self.missed}")
        lines.append(f"slowest: {self.slowest[0]:.2f} s (input {self.slowest[1]}); memory: {memory.peak()} MiB")
        return "\n".join(lines)


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise ``TimeoutError`` in what takes too long; fewer operators are allowed."""

    def ring(signum: int, frame: object) -> None:
        raise TimeoutError(f"not done after {seconds} s")

    before = signal.signal(signal.SIGPROF, ring)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    allowed = DEFAULT.nodes
    DEFAULT.__dict__["nodes"] = OPERATORS
    try:
        yield
    finally:
        DEFAULT.__dict__["nodes"] = allowed
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def rules_of(text: str) -> Counter[str]:
    """The grammar rules that a text uses, where it parses."""
    tree, faults = parse(Source("fuzz", text))
    return grammar_fuzz.rules_used(text) if tree is not None and not faults else Counter()


def run(
    seed: int, numbers: range, *, stop_after: int = 10, tell: Callable[[str], None] = print, tell_text: bool = True
) -> Outcome:
    """Judge inputs; failures are collected with all that is needed to repeat them."""
    outcome = Outcome()
    for number in numbers:
        source, text, random = make(seed, number)
        begin = time.process_time()
        try:
            with limited(SECONDS):
                verdict = judge(text, random)
        except Exception:
            verdict = "FAILED"
            told = traceback.format_exc(limit=-6)
            command = f"python tests/support/fuzz.py --seed {seed} --only {number}"
            outcome.failures.append(f"{'=' * 20} {source} {number}: {command}\n{told}\n{text if tell_text else ''}")
            tell(outcome.failures[-1])
        seconds = time.process_time() - begin
        outcome.slowest = max(outcome.slowest, (seconds, number))
        outcome.counts[source, verdict] += 1
        outcome.rules.update(rules_of(text))
        if len(outcome.failures) >= stop_after:
            break
    return outcome


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, help="judge this one input, and print it")
    parser.add_argument("--failures", type=int, default=10, help="stop after so many")
    options = parser.parse_args()
    numbers = range(options.start, options.start + options.count)
    if options.only is not None:
        numbers = range(options.only, options.only + 1)
        print(make(options.seed, options.only)[1])
    outcome = run(options.seed, numbers, stop_after=options.failures)
    print(outcome)
    return 1 if outcome.failures else 0


if __name__ == "__main__":
    sys.exit(main())
