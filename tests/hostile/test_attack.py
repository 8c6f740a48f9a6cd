"""Attacks through every pass: within time and memory, or refused with a code that has a page and a place.

``pytest -m nightly tests/hostile/test_attack.py`` runs 30,000 inputs; ``python tests/support/attack.py --seed 7`` others.
"""

from __future__ import annotations

from pathlib import Path

import attack
import attack_inputs
import pytest

from archdsl.diagnostics import Diagnostic, DiagnosticError


def attacked(seed: int, count: int) -> attack.Outcome:
    outcome = attack.run(seed, range(count))
    assert not outcome.failures, "\n".join(outcome.failures)
    assert {kind for kind, _ in outcome.counts} == {mutator.__name__ for mutator, _ in attack_inputs.MUTATORS}
    return outcome


@pytest.mark.slow
def test_some_inputs() -> None:
    verdicts = {verdict for _, verdict in attacked(0, 130).counts}
    assert verdicts == {"accepted", "refused"}


@pytest.mark.nightly
def test_thirty_thousand_inputs() -> None:
    attacked(2026, 30_000)


def test_inputs_depend_on_their_number_alone() -> None:
    assert attack_inputs.make(5, 12) == attack_inputs.make(5, 12) != attack_inputs.make(5, 22)


@pytest.mark.parametrize(
    ("place", "fault", "told"),
    [
        ("archdsl.picture.flow.as_mermaid", ZeroDivisionError("of ours"), "Traceback"),
        ("archdsl.compare.diff.diff", TypeError("of ours"), "Traceback"),
        ("archdsl.project.sweep.sweep", DiagnosticError([Diagnostic("E0007", "<class 'list'>")]), "Python"),
    ],
)
def test_a_fault_of_a_pass_is_seen(
    place: str, fault: Exception, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*arguments: object, **named: object) -> None:
        raise fault

    case = attack_inputs.Input(attack_inputs.plain("relu"))
    assert attack.judge(case, tmp_path) == "accepted"
    monkeypatch.setattr(place, crash)
    with pytest.raises(attack.Failure, match=told):
        attack.judge(case, tmp_path)


def test_what_takes_too_long_or_too_much_is_seen(tmp_path: Path) -> None:
    def endless() -> None:
        while True:
            pass

    with pytest.raises(attack.Failure, match="not done after"):
        attack.guarded("endless", endless)
    with pytest.raises(attack.Failure, match="MiB more"):
        attack.guarded("large", lambda: len(bytearray(b"x") * (500 << 20)))
