"""Attacks: every input of ``attack_inputs`` through every pass, in this process, and what must hold of each.

``python tests/support/attack.py --count 15000 --seed 7`` runs it by hand, ``--only 12`` one input again. A pass may take two
seconds of processor time and 400 MiB; what it refuses has a code with a page, and a place where a text is at fault.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, TypeVar
from unittest.mock import patch

import attack_inputs
import console
import memory
import onnx
from attack_inputs import Input
from paths import ROOT

from archdsl.analyses.other_counters import CONVENTIONS
from archdsl.diagnostics import DiagnosticError
from archdsl.driver import open_source
from archdsl.graph import Graph
from archdsl.project import targets
from archdsl.source import Source
from archdsl.syntax.format import format_file
from archdsl.syntax.parse import parse, parse_file
from archdsl.tape.limits import DEFAULT

SECONDS, MEBIBYTES = 2.0, 400
OPERATORS, STEPS = 2_000, 50_000
"""The bounds on operators and on other work meanwhile: what the real ones take is measured elsewhere."""
MODELS = {"onnx": "out.onnx", "deploy": "out.onnx", "native": "out.onnx", "torch": "out.py"}
"""What passes write."""
BASE = "arch 1\nnetwork Net() { input x: f32[N, 8, 8, 8]; conv(4, 3) -> relu }\n"
ODD = re.compile(
    r"object at 0x|Traceback|<class|<function|\bNoneType|archdsl\.(?!check|cost|graph|lint|diff|fit|memory|fields|sweep)\w+\.|"
    r"\b(Type|Value|Key|Attribute|Index|Recursion|Overflow|ZeroDivision|Unicode\w+|Assertion)Error\b|this is a bug"
)
PLACED = re.compile(r"^(?:error|warning)\[([EW]\d{4})\]: (.*)\n( *--> )?", re.MULTILINE)


T = TypeVar("T")


class Failure(Exception):
    """A promise that an input breaks."""


class TooLong(BaseException):
    """A pass takes too long; nothing of ours catches it."""


@cache
def pages() -> frozenset[str]:
    """The codes that have a page."""
    return frozenset(path.stem for path in (ROOT / "archdsl" / "explain").glob("*.md"))


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise ``TooLong`` in what takes more processor time; fewer operators are allowed."""

    def ring(signum: int, frame: object) -> None:
        raise TooLong(f"not done after {seconds} s")

    before = signal.signal(signal.SIGPROF, ring)
    allowed = {"nodes": DEFAULT.nodes, "steps": DEFAULT.steps}
    DEFAULT.__dict__.update(nodes=OPERATORS, steps=STEPS)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        DEFAULT.__dict__.update(allowed)
        signal.signal(signal.SIGPROF, before)


def passes(case: Input) -> Iterator[tuple[str, str]]:
    """The command lines for an input: what each is called, and its words."""
    file, more = f"case{case.ending}", " ".join(f"'{word}'" for word in case.options)
    yield "check", f"check {file} --format json {more}"
    yield "check text", f"check {file}"
    yield "cost", f"cost {file} {more}"
    yield "symbolic", f"cost {file} --symbolic {more}"
    yield "memory", f"cost {file} --memory {more}"
    for tool in CONVENTIONS:
        yield f"as {tool}", f"cost {file} --as {tool} {more}"
    yield "at", f"cost {file} --at '*' {more}"
    yield "at y", f"cost {file} --at y --format json {more}"
    yield "lint", f"lint {file} {more}"
    yield "diff", f"diff base.arch {file} {more}"
    yield "diff back", f"diff {file} base.arch --format json {more}"
    for format in ("text", "json", "yaml", "mermaid", "dot"):
        yield f"show {format}", f"show {file} --format {format} {more}"
    yield "show depth", f"show {file} --format dot --depth 1"
    yield "picture", f"show {file} -o net.svg {more}"
    yield "onnx", f"compile {file} -o out.onnx --weights none {more}"
    yield "deploy", f"compile {file} -o out.onnx --weights none --deploy {more}"
    yield "native", f"compile {file} -o out.onnx --weights none --native {more}"
    yield "torch", f"compile {file} -o out.py {more}"
    if case.ending == ".arch":
        yield "fmt", f"fmt --diff {file}"
        yield "sweep", f"cost {file} --set p=1..3 {more}"
        yield "fit", f"fit {file} --vary p=1..3:1 --budget 'macs<=1M' {more}"
        yield "train", f"show {file} --train"


@contextmanager
def once_made() -> Iterator[None]:
    """The graphs of targets are made once for all passes of an input."""
    graph = targets.Target.graph
    known: dict[str, Graph] = {}

    def cached(self: targets.Target, *words: Any, **named: Any) -> Graph:
        key = repr((self.source_name, self.variant, words, named))  # one input, so that names say which text
        if key not in known:
            known[key] = graph(self, *words, **named)
        return known[key]

    with patch.object(targets.Target, "graph", cached):
        yield


def chosen(case: Input, folder: Path) -> Iterator[tuple[str, str]]:
    """The command lines to run: what `check` refuses, four of the other commands have to refuse as well."""
    first, *others = passes(case)
    yield first
    if console.run(f"archdsl show {first[1].split()[1]} --format text {' '.join(first[1].split()[4:])}", folder).status:
        others = Random(case.text).sample(others, 4)
    yield from (
        one for one in others if one[0] != "show yaml" or len(case.text) % 5 == 0
    )  # it takes a third of all time


def judge(case: Input, folder: Path) -> str:
    """Every pass over one input; gives ``accepted`` or ``refused``."""
    (folder / f"case{case.ending}").write_bytes(case.text.encode("utf-8", "surrogatepass"))
    (folder / "base.arch").write_text(BASE, encoding="utf-8")
    (folder / "other.arch").write_bytes(case.beside.encode("latin-1", "replace"))
    with once_made():
        return _judged(case, folder)


def _judged(case: Input, folder: Path) -> str:
    verdict = "refused"
    if case.ending == ".arch":
        found = guarded("format", lambda: formats(case.text))
        if found is not None:
            guarded("format again", lambda: formats_again(*found))
        formatted = found[1] if found is not None else case.text
        if formatted != case.text and len(case.text) < 10_000:
            first, second = (guarded("meaning", lambda text=text: means(text)) for text in (case.text, formatted))
            if first != second:
                raise Failure(f"formatting changes the graph:\n{formatted}")
    for name, line in chosen(case, folder):
        done = guarded(name, lambda line=line: console.run(f"archdsl {line}", folder))
        held(name, done, case)
        if name == "check" and done.status == 0:
            verdict = "accepted"
        if name in MODELS and done.status == 0:
            sound(folder / MODELS[name])
        if name == "show json" and done.status == 0:
            guarded("round trip", lambda done=done: round_trip(done.output, folder))
    return verdict


def guarded(name: str, work: Callable[[], T]) -> T:
    """The value of a pass that keeps its bounds of time and memory."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    before, begin = memory.resident(), time.process_time()
    try:
        with limited(SECONDS):
            value = work()
    except TooLong as error:
        where = traceback.extract_tb(error.__traceback__)
        spots = " < ".join(f"{f.filename.rsplit('/archdsl/', 1)[-1]}:{f.lineno}" for f in where[::-1][1:7])
        raise Failure(f"{name}: {error} in {spots}") from None
    grown = memory.peak() - before
    if grown > MEBIBYTES:
        raise Failure(f"{name}: {grown} MiB more, in {time.process_time() - begin:.1f} s")
    return value


def held(name: str, done: console.Done, case: Input) -> None:
    """What a command said is in the reader's words; its findings have pages and places."""
    said = done.output
    if done.status not in (0, 1, 2) or "Traceback" in said or "this is a bug" in said:
        raise Failure(f"{name}: status {done.status}: {said[-1500:]}")
    if name.startswith(("show", "torch")) and done.status == 0:
        return
    odd = ODD.search(said)
    if odd is not None and odd[0] not in case.text:
        raise Failure(f"{name}: speaks of Python: {said[max(0, odd.start() - 300) : odd.end() + 200]}")
    if len(said) > 2_000_000:
        raise Failure(f"{name}: says {len(said):,} characters")
    if done.status and not PLACED.search(said) and not said.startswith("{") and name not in ("fmt", "fit", "sweep"):
        raise Failure(f"{name}: status {done.status} without a finding: {said[:500]}")
    found = json_findings(said) if name == "check" and said.startswith("{") else text_findings(said)
    for code, message, placed in found:
        if code not in pages() or not message.strip():
            raise Failure(f"{name}: no page, or no headline: [{code}] {message}")
        if case.ending != ".arch" and name in ("lint", "check text"):
            continue  # a document may lack the places of its text
        if not placed and name not in ("at", "at y") and not code.startswith(("E00", "E06", "E0307", "E05")):
            raise Failure(f"{name}: without a place: [{code}] {message[:500]}")


def json_findings(said: str) -> list[tuple[str, str, bool]]:
    tree, _ = json.JSONDecoder().raw_decode(said)
    return [(d["code"], d["message"], d.get("line") is not None) for d in tree["diagnostics"]]


def text_findings(said: str) -> list[tuple[str, str, bool]]:
    return [(m[1], m[2], m[3] is not None) for m in PLACED.finditer(said)]


def formats(text: str) -> tuple[Any, str] | None:
    """The tree of a text that parses, and the formatted text."""
    tree, faults = parse(Source("case", text))
    return None if faults or tree is None else (tree, format_file(tree))


def formats_again(tree: Any, formatted: str) -> None:
    """A formatted text has the same tree, and is formatted already."""
    again = parse_file(Source("case", formatted))
    if again != tree or format_file(again) != formatted:
        raise Failure(f"formatting changes the tree, or again the text:\n{formatted[:2000]}")


def means(text: str) -> str:
    """The graph of a text, or nothing."""
    with suppress(DiagnosticError):
        return str(open_source(Source("case", text), None).graph())
    return ""


def round_trip(text: str, folder: Path) -> None:
    """The data form of a graph gives the same data form."""
    (folder / "again.json").write_text(text, encoding="utf-8")
    done = console.run("archdsl show again.json --format json", folder)
    if done.status or done.output != text:
        raise Failure(f"round trip: another document, or none: {done.output[:600]}")


def sound(path: Path) -> None:
    """A model that the checker accepts, or a Python file without wrong syntax."""
    try:
        if path.suffix == ".onnx":
            onnx.checker.check_model(str(path), full_check=False)
        else:
            ast.parse(path.read_text(encoding="utf-8"))
    except (onnx.checker.ValidationError, SyntaxError, ValueError) as error:
        raise Failure(f"{path.name}: {error}") from None


# Running


def told(text: str) -> None:
    print(text, flush=True)


class Outcome:
    """What a run came to."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        self.failures: list[str] = []

    def __str__(self) -> str:
        lines = [f"{kind:>10} {verdict:<9} {count:6,}" for (kind, verdict), count in sorted(self.counts.items())]
        total = sum(self.counts.values())
        return "\n".join([*lines, f"{total:,} inputs, {len(self.failures)} failed; peak {memory.peak()} MiB"])


def run(seed: int, numbers: range, *, stop_after: int = 10, tell: Callable[[str], None] = told) -> Outcome:
    """Judge inputs; failures are collected with the command that repeats them."""
    outcome = Outcome()
    with tempfile.TemporaryDirectory() as name:
        for number in numbers:
            kind, case = attack_inputs.make(seed, number)
            try:
                verdict = judge(case, Path(name))
            except Exception as error:
                verdict = "FAILED"
                told = str(error) if isinstance(error, Failure) else traceback.format_exc(limit=-6)
                command = f"python tests/support/attack.py --seed {seed} --only {number}"
                outcome.failures.append(
                    f"==== {kind} {number}: {command}\n{told}\n---- {case.options}\n{case.text[:1500]}"
                )
                tell(outcome.failures[-1])
            outcome.counts[kind, verdict] += 1
            if number % 200 == 199:
                print(f"… {number + 1:,}", file=sys.stderr, flush=True)
            if len(outcome.failures) >= stop_after:
                break
    return outcome


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, help="judge this one input, and print it")
    parser.add_argument("--failures", type=int, default=10, help="stop after so many")
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
    numbers = range(options.start, options.start + options.count)
    if options.only is not None:
        numbers = range(options.only, options.only + 1)
        print(attack_inputs.make(options.seed, options.only)[1].text[:20_000])
    outcome = run(options.seed, numbers, stop_after=options.failures)
    print(outcome)
    return 1 if outcome.failures else 0


if __name__ == "__main__":
    sys.exit(main())
