"""Every combinator around drawn bodies, two deep: ONNX Runtime, the generated module and PyTorch's arithmetic agree."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from onnx_case import generator, model_of, randomise, run

import archdsl
from archdsl.interpret.combinators import COMBINATORS

HEALTH = list(HealthCheck)
TOLERANCE = 1e-5


DRAWN = sorted(COMBINATORS.keys() - {"scan", "map"})
"""Those without steps; ``tests/interpret/test_laws_along_an_axis.py`` draws the bodies of loops."""


@pytest.mark.parametrize("name", DRAWN)
@pytest.mark.parametrize(
    "count", [pytest.param(40, marks=pytest.mark.reference), pytest.param(400, marks=pytest.mark.nightly)]
)
def test_combinator(name: str, count: int) -> None:
    from drawn import Draw, terms

    @settings(max_examples=count, derandomize=count < 100, deadline=None, database=None, suppress_health_check=HEALTH)
    @given(st.data())
    def compare(data: st.DataObject) -> None:
        draw = Draw(data)
        channels = draw.whole(1, 4)
        agree(terms.COMBINATORS[name](draw, channels, 2), channels)

    compare()


def agree(term, channels: int) -> None:
    import torch
    from torch_module import distance, load_initialisers, module_of, outputs_of

    graph = archdsl.load(
        f"arch 1\nnetwork Net() {{ input x: f32[N, {channels}, 4, 5]; {term.text} -> identity; output y }}\n"
    ).graph()
    model, draw = model_of(graph), generator("term", term.text)
    weights = randomise(model, draw)
    x = draw.normal(size=(2, channels, 4, 5)).astype(np.float32)

    def expected(dtype) -> np.ndarray:
        left = iter([torch.from_numpy(weights[path]).to(dtype) for path in graph.parameters()])
        found = term.run(torch.from_numpy(x).to(dtype), left)
        assert next(left, None) is None
        return found.numpy()

    net = module_of(graph)
    if net.state_dict():
        load_initialisers(net, model)
    with torch.no_grad():
        wanted, (module,) = expected(torch.float32), outputs_of(net(torch.from_numpy(x)))
    (runtime,) = run(model, {"x": x})
    for found in (runtime, module):
        assert found.shape == wanted.shape
        assert distance(found, wanted) <= TOLERANCE or distance(found, expected(torch.float64)) <= TOLERANCE


@pytest.mark.reference
def test_every_combinator_is_drawn() -> None:
    from drawn import terms

    assert sorted(terms.COMBINATORS) == DRAWN
