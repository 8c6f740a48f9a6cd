"""Every operator in drawn configurations: ONNX Runtime, the generated module and PyTorch's own function agree."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archdsl import ops

HEALTH = list(HealthCheck)


@pytest.mark.parametrize("name", ops.names())
@pytest.mark.parametrize(
    "count", [pytest.param(25, marks=pytest.mark.reference), pytest.param(200, marks=pytest.mark.nightly)]
)
def test_operator(name: str, count: int) -> None:
    """To 1e-5 of the largest value; every argument of the operator takes several values."""
    from drawn import Draw, cases, compare

    case_of = cases()[name]
    values: dict[str, set[str]] = {argument: set() for argument in ops.load(name).signature}

    @settings(max_examples=count, derandomize=count < 100, deadline=None, database=None, suppress_health_check=HEALTH)
    @given(st.data())
    def run(data: st.DataObject) -> None:
        case = case_of(Draw(data))
        for argument, seen in values.items():
            seen.add(repr(case.arguments.get(argument)))
        compare(name, case)

    run()
    assert [argument for argument, seen in values.items() if len(seen) < 2] == []


@pytest.mark.reference
def test_every_operator_is_drawn() -> None:
    from drawn import cases

    assert sorted(cases()) == ops.names()
