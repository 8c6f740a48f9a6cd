"""Every operator in drawn configurations: ONNX Runtime, the generated module and PyTorch's own function agree."""

from __future__ import annotations

import ast

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from paths import SUPPORT

from archdsl import ops
from archdsl.backends.onnx import backend
from archdsl.ops.base import REQUIRED

HEALTH = list(HealthCheck)


@pytest.mark.parametrize("name", ops.names())
@pytest.mark.parametrize(
    "count", [pytest.param(25, marks=pytest.mark.reference), pytest.param(200, marks=pytest.mark.nightly)]
)
def test_operator(name: str, count: int) -> None:
    """To 1e-5 of the largest value; every argument of the operator takes several values."""
    from drawn import Draw, cases, compare

    if not backend.lowers(ops.load(name)):
        pytest.skip("ONNX cannot say it")
    case_of = cases()[name]
    signature = ops.load(name).signature.items()
    values: dict[str, set[str]] = {
        argument: set() for argument, one in signature if one.default is not REQUIRED or not one.kind.by_name
    }

    @settings(max_examples=count, derandomize=count < 100, deadline=None, database=None, suppress_health_check=HEALTH)
    @given(st.data())
    def run(data: st.DataObject) -> None:
        case = case_of(Draw(data))
        for argument, seen in values.items():
            seen.add(repr(case.arguments.get(argument)))
        compare(name, case)

    run()
    assert [argument for argument, seen in values.items() if len(seen) < 2] == []


def declared() -> set[str]:
    """What the files of ``tests/support/drawn`` declare, read without PyTorch: ``operator("relu", …)``, ``"relu": (…)``."""
    found: set[str] = set()
    for path in (SUPPORT / "drawn").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "operator":
                found |= {arg.value for arg in node.args[:1] if isinstance(arg, ast.Constant)}
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == "UNARY":
                assert isinstance(node.value, ast.Dict)
                found |= {key.value for key in node.value.keys if isinstance(key, ast.Constant)}
    return found


@pytest.mark.parametrize("name", ops.names())
def test_every_operator_has_a_reference(name: str) -> None:
    assert name in declared(), f"say in tests/support/drawn what `{name}` computes, and which configurations are legal"


@pytest.mark.reference
def test_the_references_are_those_that_are_declared() -> None:
    from drawn import REFERENCES, cases

    assert sorted(cases()) == sorted(REFERENCES) == sorted(declared()) == ops.names()
