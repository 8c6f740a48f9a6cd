"""Generated modules of sequence networks learn what the same networks of ``torch.nn`` learn, from the same weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from onnx_case import model_of, run as run_onnx
from paths import SPECS
from zoo_models import SMALL, VARIANTS, graph_of, images, made_small, session_of, structure, weights_of

import archdsl
from archdsl.graph import Graph

pytestmark = pytest.mark.reference

ADDING = """arch 1
use std.recurrent (lstm_cell)
network Adding(layer: block, layers = 1, mean = false) {
  input x: f32[N, T = 100, 2]
  rnn: repeat layers { layer }
  if mean { reduce_mean(axis = t) } else { select(axis = t, -1) }
  fc: linear(1)
  output sum
}
variant Rnn = Adding(rnn(32))
variant Gru = Adding(gru(32))
variant Stacked = Adding(lstm(24), layers = 2)
variant Both = Adding(lstm(16, both = true), mean = true)
network Cell(width = 32) {
  input x: f32[N, T = 100, 2]
  let all, last, m = scan(axis = t, final = true) {
    state h = zeros([in.n, width])
    state c = zeros([in.n, width])
    let new, memory = in -> lstm_cell(width, h, c)
    next h = new, c = memory
    new
  }
  fc: last -> linear(1)
  output sum
}
"""
WORDS = """arch 1
network Words(layer: block, words, d) {
  input tokens: i64[N, T = 32]
  embedding: embedding(words, d)
  rnn: { layer }
  decoder: linear(words)
  output scores
}
"""


class Learner(NamedTuple):
    """What both begin with: our graph, their network, and their weights by our names."""

    graph: Graph
    theirs: Any
    weights: dict[str, Any]


def layered(graph: Graph, theirs: Any) -> Learner:
    """Theirs has as many tensors in the same order."""
    values = theirs.state_dict().values()
    return Learner(graph, theirs, dict(zip(graph.parameters(), values, strict=True)))


def adding() -> dict[str, Callable[[], Learner]]:
    from torch_learners import Cell, LastOf

    program = archdsl.load(ADDING)
    return {
        "Rnn": lambda: layered(program.graph("Rnn"), LastOf("RNN", 32, 1, both=False)),
        "Gru": lambda: layered(program.graph("Gru"), LastOf("GRU", 32, 1, both=False)),
        "Stacked": lambda: layered(program.graph("Stacked"), LastOf("LSTM", 24, 2, both=False)),
        "Both": lambda: layered(program.graph("Both"), LastOf("LSTM", 16, 1, both=True)),
        "Cell": lambda: _cell(program.graph("Cell"), Cell(32)),
    }


def _cell(graph: Graph, theirs: Any) -> Learner:
    state = theirs.state_dict()
    names = {"scan.lstm_cell.ih.weight": "cell.weight_ih", "scan.lstm_cell.ih.bias": "cell.bias_ih",
             "scan.lstm_cell.hh.weight": "cell.weight_hh", "scan.lstm_cell.hh.bias": "cell.bias_hh"}  # fmt: skip
    return Learner(graph, theirs, {path: state[names.get(path, path)] for path in graph.parameters()})


def words(signs: int) -> dict[str, Callable[[], Learner]]:
    from torch_learners import Decoder, RecurrentWords, Selective

    def recurrent(kind: str) -> Learner:
        text = WORDS + f"variant net = Words({kind.lower()}(32), {signs}, 32)\n"
        return layered(archdsl.load(text).graph("net"), RecurrentWords(kind, 32, signs))

    def gpt2() -> Learner:
        small = {"d": 32, "depth": 2, "heads": 4, "vocab": signs, "longest": 1024}
        theirs = Decoder(32, 2, 4, signs, 1024)
        return Learner(archdsl.load(SPECS / "language" / "gpt2.arch").graph("gpt2", **small), theirs, theirs.named())

    def mamba() -> Learner:
        theirs = Selective(16, 1, signs)
        small = {"d": 16, "depth": 1, "vocab": signs}
        return Learner(
            archdsl.load(SPECS / "language" / "mamba.arch").graph("mamba_130m", **small), theirs, theirs.state_dict()
        )

    return {"RNN": lambda: recurrent("RNN"), "GRU": lambda: recurrent("GRU"), "gpt2": gpt2, "mamba": mamba}


def both(learner: Learner, learn: Callable[[Any], list[float]], x: Any) -> tuple[list[float], list[float]]:
    """The losses of ours and of theirs; ours agrees with ONNX Runtime in front of and behind the training."""
    from torch_module import module_of

    ours = module_of(learner.graph).train()
    ours.load_state_dict({name: value.clone() for name, value in learner.weights.items()})
    agree(learner.graph, ours, x)
    found = learn(ours)
    agree(learner.graph, ours, x)
    return found, learn(learner.theirs.train())


def agree(graph: Graph, net: Any, x: Any) -> None:
    import onnx
    import torch

    model = model_of(graph)
    state = {name: value.numpy() for name, value in net.state_dict().items()}
    for tensor in model.graph.initializer:
        if tensor.name in state:
            tensor.CopyFrom(onnx.numpy_helper.from_array(state.pop(tensor.name), tensor.name))
    assert not state
    with torch.no_grad():
        wanted = net(x).numpy()
    found = run_onnx(model, {graph.inputs[0].name: x.numpy()})[0]
    assert np.abs(found - wanted).max() <= 1e-4 * np.abs(wanted).max()


SEQUENCES = [variant for variant, path in VARIANTS.items() if path.stem in SMALL]
FAMILIES = {VARIANTS[variant].stem: variant for variant in reversed(SEQUENCES)}
NIGHT = [v for v in SEQUENCES if v not in FAMILIES.values() and VARIANTS[v].stem != "recurrent"]


@pytest.mark.parametrize("variant", [pytest.param(v, marks=[pytest.mark.nightly] * (v in NIGHT)) for v in SEQUENCES])
def test_modules_of_all_networks_agree_and_learn(variant: str) -> None:
    """Made small, the module takes the weights of the model and gives what it gives; a step makes the loss less, and every
    weight has its part in it.
    """
    import torch
    from torch_module import module_of, outputs_of

    graph = graph_of(variant, **made_small(variant))
    weights, x = weights_of(graph), images(graph, 2, variant)
    net = module_of(graph)
    assert {name for name in net.state_dict() if "num_batches" not in name} == set(graph.parameters())
    net.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()}, strict=not _counts(net))
    given = [torch.from_numpy(x[value.name]) for value in graph.inputs]
    wanted = session_of(structure(graph)).run(None, {**x, **weights})
    found = net(*given)
    for one, other in zip(outputs_of(found), wanted, strict=True):
        assert np.abs(one - other).max() <= 5e-5 * np.abs(other).max()
    losses = []
    for _ in range(2):
        found = net(*given)
        tensors = found.values() if isinstance(found, dict) else [found]
        loss = sum((one**2).mean() for one in tensors)
        net.zero_grad()
        loss.backward()
        losses.append(loss.item())
        gradients = {name: p.grad for name, p in net.named_parameters() if p.requires_grad}
        assert {name for name, grad in gradients.items() if grad is None} == set()
        size = sum((grad**2).sum() for grad in gradients.values()) ** 0.5
        with torch.no_grad():
            for p in filter(lambda p: p.requires_grad, net.parameters()):
                p -= 1e-3 * p.grad / size
    assert losses[1] < losses[0]


def _counts(net: Any) -> bool:
    """Whether a norm counts its batches, which no file of weights has to have."""
    return any("num_batches" in name for name in net.state_dict())


LENGTHS = [pytest.param(25, id="short"), pytest.param(600, id="long", marks=pytest.mark.nightly)]


@pytest.mark.parametrize("steps", LENGTHS)
@pytest.mark.parametrize("name", ["Rnn", "Gru", "Stacked", "Both", "Cell"])
def test_the_adding_problem(name: str, steps: int) -> None:
    import torch
    from torch_learners import sums

    torch.manual_seed(0)
    learner = adding()[name]()
    ours, theirs = both(learner, lambda net: sums(net, steps, 0.005), torch.rand(2, 100, 2))
    close(ours, theirs, steps)
    assert np.mean(ours[-10:]) < 0.8 * ours[0]


def close(ours: list[float], theirs: list[float], steps: int) -> None:
    """Step by step at first; what many steps make of the last digit of a float may differ, so later their means."""
    np.testing.assert_allclose(ours[:25], theirs[:25], rtol=0.02)
    if steps > 25:
        np.testing.assert_allclose(np.mean(ours), np.mean(theirs), rtol=0.02)


@pytest.mark.parametrize("steps", LENGTHS)
@pytest.mark.parametrize("name", ["RNN", "GRU", "gpt2", "mamba"])
def test_a_language_model_of_characters(name: str, steps: int) -> None:
    import torch
    from torch_learners import Characters

    text = Characters()
    torch.manual_seed(0)
    learner = words(text.signs)[name]()
    ours, theirs = both(learner, lambda net: text.learn(net, steps, 8), text.codes[None, :32].repeat(2, 1))
    close(ours, theirs, steps)
    assert np.mean(ours[-5:]) < 0.9 * ours[0]
