"""Recurrent networks in chunks and at once; and trained as ``torch.nn``'s are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx_case import generator, model_of, randomise, run
from paths import SPECS

import archdsl
from archdsl.graph import Graph, Value

FILE = SPECS / "sequences" / "recurrent.arch"

LAYERS = {
    "rnn": ("rnn", {}, 1), "gru": ("gru", {}, 1), "lstm": ("lstm", {}, 2), "before": ("gru", {"reset": "before"}, 1),
    "peepholes": ("lstm", {"peephole": True}, 2), "projected": ("lstm", {"projection": 3}, 2),
}  # fmt: skip


def continued(kind: str, arguments: dict[str, Any], count: int) -> Graph:
    """Two layers that begin with given states, and give their last ones."""
    net = archdsl.Builder("Continued")
    width = arguments.get("projection", 6)
    y = net.input("x", "f32", ["N", "T", 5])
    outputs: dict[str, Value] = {}
    for i in range(2):
        starts = [net.input(f"s{i}{j}", "f32", ["N", size]) for j, size in enumerate((width, 6)[:count])]
        y, *last = net.apply_all(kind, y, features=6, final=True, start=starts, label=f"l{i}", **arguments)
        outputs |= {f"e{i}{j}": value for j, value in enumerate(last)}
    return net.graph(y=y, **outputs)


@pytest.mark.parametrize("name", LAYERS)
def test_in_chunks_is_at_once(name: str) -> None:
    """At every cut of seven steps, the state handed on."""
    model = model_of(continued(*LAYERS[name]))
    randomise(model, generator(name))
    shapes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in model.graph.input}
    x = generator("x").uniform(-1, 1, (3, 7, 5)).astype(np.float32)
    start = {k: np.zeros((3, shape[1]), np.float32) for k, shape in shapes.items() if k != "x"}
    whole = run(model, {"x": x, **start})
    for cut in range(1, 7):
        first, *state = run(model, {"x": x[:, :cut], **start})
        second, *last = run(model, {"x": x[:, cut:], **dict(zip(start, state))})
        for ours, wanted in zip([np.concatenate([first, second], 1), *last], whole, strict=True):
            np.testing.assert_allclose(ours, wanted, atol=1e-6)


PADDED = """arch 1
network Padded() {
  input x: f32[N, T, 5]
  input lengths: i64[N]
  rnn: repeat 2 { KIND(6, both = true, lengths = lengths) }
  output y
  weights torch {
    "rnn.{i}.{slot}_l0_reverse" -> "{slot}_l{i}_reverse"
    "rnn.{i}.{slot}_l0" -> "{slot}_l{i}"
  }
}
"""


@pytest.mark.reference
@pytest.mark.parametrize("kind", ["rnn", "gru", "lstm"])
def test_padded_sequences_are_torchs_packed_ones(kind: str, tmp_path: Path) -> None:
    """Two layers that read both ways, each sequence from its own end; the padding is not seen, and comes out as zeros."""
    import torch
    from second import checkpoint
    from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

    net = getattr(torch.nn, kind.upper())(5, 6, 2, batch_first=True, bidirectional=True)
    graph = archdsl.load(PADDED.replace("KIND", kind)).graph()
    archdsl.compile(graph, tmp_path / "m.onnx", weights=checkpoint(net, tmp_path / "w.pth"))
    x, lengths = generator(kind).normal(size=(3, 7, 5)).astype(np.float32), np.array([4, 7, 1])
    with torch.no_grad():
        packed = pack_padded_sequence(torch.from_numpy(x), lengths.tolist(), batch_first=True, enforce_sorted=False)
        wanted = pad_packed_sequence(net(packed)[0], batch_first=True)[0].numpy()
        unpacked = net(torch.from_numpy(x))[0].numpy()
    found = archdsl.run(tmp_path / "m.onnx", {"x": x, "lengths": lengths})["y"]
    np.testing.assert_allclose(found, wanted, atol=2e-6)
    assert np.abs(unpacked - wanted)[0, :4].max() > 1e-2
    other = np.where(np.arange(7)[:, None] < lengths[:, None, None], x, 100.0).astype(np.float32)
    np.testing.assert_array_equal(archdsl.run(tmp_path / "m.onnx", {"x": other, "lengths": lengths})["y"], found)


ADDING = """arch 1
network Adding(width = 32) {
  input x: f32[N, T = 100, 2]
  rnn: lstm(width)
  select(axis = t, -1)
  fc: linear(1)
  output sum
}
"""


@pytest.mark.reference
def test_the_module_trains_as_torchs(tmp_path: Path) -> None:
    """The same seed gives the same weights, so that the losses are the same, and fall."""
    import torch
    from torch_learners import sums
    from torch_module import module_of
    from torch_recurrent import Tagger

    graph = archdsl.load(ADDING).graph("Adding")
    torch.manual_seed(0)
    ours = sums(module_of(graph), 60, 0.01)
    torch.manual_seed(0)
    theirs = sums(Tagger("LSTM", 2, 32, 1, 1, both=False, last=True), 60, 0.01)
    np.testing.assert_allclose(ours, theirs, rtol=0.02)
    assert np.mean(ours[-10:]) < 0.5 * ours[0]


@pytest.mark.reference
def test_a_language_model_of_characters_trains_as_torchs() -> None:
    """The network of the zoo without dropout, and PyTorch's example, from the same seed on the same text."""
    import torch
    from torch_learners import Characters
    from torch_module import module_of
    from torch_recurrent import LanguageModel

    text = Characters()
    graph = archdsl.load(FILE).graph("zaremba_medium_torch", width=32, words=text.signs, keep=1.0)
    torch.manual_seed(0)
    ours = text.learn(module_of(graph).train(), 60, 16)
    torch.manual_seed(0)
    theirs = text.learn(LanguageModel(32, text.signs), 60, 16)
    np.testing.assert_allclose(ours, theirs, rtol=0.02)
    assert ours[-1] < 0.8 * ours[0]
