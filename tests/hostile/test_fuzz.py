"""Random programs: no traceback, no hang, bounded memory, and whatever is accepted is a sound model.

``pytest -m nightly tests/hostile/test_fuzz.py`` judges 20,000 inputs; ``python tests/support/fuzz.py --seed 7 --count 5000``
others. A failing input is printed with the command that judges it again.
"""

from __future__ import annotations

from random import Random

import fuzz
import fuzz_programs
import memory
import pytest

from archdsl.source import Source
from archdsl.syntax.parse import parse

MEBIBYTES = 500
"""What the process may have grown by in the end: nothing that was judged is kept."""


def judged(seed: int, count: int, capsys: pytest.CaptureFixture[str]) -> fuzz.Outcome:
    before = memory.resident()
    outcome = fuzz.run(seed, range(count))
    with capsys.disabled():
        print(f"\n{outcome}")
    assert not outcome.failures, "\n".join(outcome.failures)
    assert outcome.accepted >= 0.3
    assert outcome.missed == []
    assert memory.resident() - before < MEBIBYTES
    return outcome


@pytest.mark.slow
def test_hundreds_of_inputs(capsys: pytest.CaptureFixture[str]) -> None:
    outcome = judged(0, 400, capsys)
    assert {source for source, _ in outcome.counts} == {"program", "zoo", "damaged", "grammar", "statement"}


@pytest.mark.nightly
def test_twenty_thousand_inputs(capsys: pytest.CaptureFixture[str]) -> None:
    judged(2024, 20_000, capsys)


def test_inputs_depend_on_their_number_alone() -> None:
    assert fuzz.make(5, 12)[:2] == fuzz.make(5, 12)[:2]
    assert fuzz.make(5, 12)[1] != fuzz.make(5, 22)[1]


def test_programs_without_wrong_choices_parse() -> None:
    for seed in range(100):
        text = fuzz_programs.program(Random(seed))
        assert parse(Source("program", text))[1] == [], text


def test_the_fuzzer_sees_a_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(graph: object) -> None:
        raise ZeroDivisionError("not for the reader")

    monkeypatch.setattr(fuzz, "cost", crash)
    outcome = fuzz.run(0, range(20), tell=lambda text: None)
    assert outcome.failures and "--seed 0 --only" in outcome.failures[0] and "arch 1" in outcome.failures[0]


def test_the_fuzzer_sees_a_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(text: str) -> str:
        while True:
            pass

    monkeypatch.setattr(fuzz, "SECONDS", 0.2)
    monkeypatch.setattr(fuzz, "check_format", hang)
    outcome = fuzz.run(0, range(5), stop_after=1, tell=lambda text: None)
    assert outcome.failures and "TimeoutError" in outcome.failures[0]


@pytest.mark.parametrize(
    "text",
    ["arch 1\nnetwork Net() { input x: f32[N, 3]; relu }\n", "arch 1\nnetwork Net() { input x: f32[N, 3]; rleu }\n"],
)
def test_what_is_judged_depends_on_the_text(text: str) -> None:
    verdict = fuzz.judge(text, Random(0))
    assert verdict == ("refused" if "rleu" in text else "accepted")
