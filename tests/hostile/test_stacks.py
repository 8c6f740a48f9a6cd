"""Deep stacks of sequence layers take calls in proportion: four times the layers, at most five times the calls."""

from __future__ import annotations

import pytest
from effort import calls_of

import archdsl
from archdsl.analyses.memory_plan import Memory
from archdsl.design_rules import lint

STEP = "state h = zeros([in.shape[0], 4]); one: tanh(linear(4)(in) + linear(4, bias = false)(h)); next h = one"
STACKS = {
    "lstm": "repeat %d { lstm(4) }",
    "scan": "repeat %d { scan(axis = t) { " + STEP + "; one } }",
    "within a scan": "scan(axis = t) { " + STEP + "; repeat %d { linear(4) -> tanh } }",
    "attention": "repeat %d { residual { layer_norm -> attention(2, causal = true) } }",
}


@pytest.mark.parametrize("kind", STACKS)
def test_stacks_are_linear(kind: str) -> None:
    def work(layers: int) -> None:
        head = "arch 1\nuse std.attention (attention)\n" if kind == "attention" else "arch 1\n"
        body = STACKS[kind] % layers
        graph = archdsl.load(f"{head}network Net() {{ input x: f32[N, T = 8, 4]; {body}; output y }}").graph()
        archdsl.cost(graph).total("macs")
        assert Memory(graph).kept > 0
        lint(graph)

    assert calls_of(lambda: work(120)) < 5 * calls_of(lambda: work(30))
