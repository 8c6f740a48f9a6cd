"""The Builder: networks made in Python."""

from __future__ import annotations

import pytest

import archdsl
from archdsl.diagnostics import Refusal


def test_a_graph_has_an_output_and_may_have_no_input() -> None:
    builder = archdsl.Builder("Constant")
    with pytest.raises(Refusal, match="a graph needs an output"):
        builder.graph()
    graph = builder.graph(y=builder.apply("relu", builder.apply("ones", size=[2, 3])))
    assert "relu" in str(archdsl.cost(graph))
    assert "peak   0 bytes" in str(archdsl.memory(graph))  # it depends on constants alone
