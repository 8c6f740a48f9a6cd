"""Networks that are fed piece by piece, beside the same networks of `transformers` and PyTorch with their own caches."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from second import Arrays, checkpoint, compiled, counted, graph_of, lively
from second_language import LANGUAGE
from second_loops import LOOPS
from second_words import WORDS

import archdsl
from archdsl import dims

pytestmark = pytest.mark.reference

PIECES = (5, 1, 1, 3, 1)
"""Words that enter a call."""

Steps = Iterator[tuple[Any, Arrays]]
"""What comes out of each call, and what is kept, by a word of ours for it and the layer."""


def of_keys(net: Any, pieces: list[Any]) -> Steps:
    cache = None
    for piece in pieces:
        found = net(input_ids=piece, past_key_values=cache, use_cache=True)
        cache = found.past_key_values
        kept = {f"keys {i}": layer.keys for i, layer in enumerate(cache.layers)}
        yield found.logits, kept | {f"values {i}": layer.values for i, layer in enumerate(cache.layers)}


def of_lstm(net: Any, pieces: list[Any]) -> Steps:
    state = None
    for piece in pieces:
        y, state = net.rnn(net.embedding(piece), state)
        kept = {f"{name} {i}": one for name, layers in zip("hc", state) for i, one in enumerate(layers)}
        yield net.decoder(y), kept


def of_mamba(net: Any, pieces: list[Any]) -> Steps:
    """Whose cache takes single words only: a piece is its words."""
    import torch

    cache = None
    for piece in pieces:
        logits = []
        for word in piece.split(1, 1):
            found = net(input_ids=word, cache_params=cache, use_cache=True)
            cache = found.cache_params
            logits.append(found.logits)
        yield torch.cat(logits, 1), {}


CASES: dict[str, tuple[Callable[[], Any], dict[str, bool], Callable[[Any, list[Any]], Steps]]] = {
    "gpt2": (WORDS["gpt2"], {"cached": True}, of_keys),
    "llama": (WORDS["llama"], {"cached": True}, of_keys),
    **{name: (LANGUAGE[name], {"cached": True}, of_keys) for name in ("qwen2", "mixtral_whole", "gemma", "phi")},
    "mamba": (LOOPS["mamba_130m"], {"streamed": True}, of_mamba),
    "zaremba": (LOOPS["zaremba_medium_torch"], {"streamed": True}, of_lstm),
}


@pytest.mark.parametrize("name", CASES)
def test_each_call_gives_and_keeps_what_the_other_network_does(name: str, tmp_path: Path) -> None:
    import torch

    make, asked, steps = CASES[name]
    case = make()
    case = case._replace(small={**case.small, **asked})
    net, graph = lively(case.other()), graph_of(case)
    model = compiled(case, checkpoint(net, tmp_path / "w.pth"))
    words = np.random.default_rng(5).integers(0, 50, (2, sum(PIECES)))
    pieces = np.split(words, np.cumsum(PIECES)[:-1], 1)
    state: Arrays = {}
    with torch.no_grad():
        for piece, (wanted, kept) in zip(pieces, steps(net, [torch.from_numpy(one) for one in pieces]), strict=True):
            found = archdsl.run(model, {"tokens": piece, **state})
            near(found[next(iter(graph.outputs))], wanted.numpy())
            for what, value in kept.items():
                role, layer = what.split()
                near(found[output_of(graph, role, int(layer))], value.numpy())
            state = {before: found[after] for before, after in graph.states.items()}
        alone = archdsl.run(model, {"tokens": pieces[-1]})
    assert np.abs(alone[next(iter(graph.outputs))] - wanted.numpy()).max() > 1e-2


@pytest.mark.parametrize("name", ["gpt2", "llama"])
def test_a_call_costs_what_is_counted(name: str) -> None:
    """Multiply-accumulates for T words behind P that are cached, as PyTorch counts them."""
    import torch

    make, asked, _ = CASES[name]
    case = make()
    case = case._replace(small={**case.small, **asked})
    net = case.other().double().eval()
    macs = archdsl.cost(graph_of(case), symbolic=True).total("macs")
    assert dims.symbols(macs) == {"N", "P", "T"}
    for past, new in itertools.product((0, 1, 4), (1, 2, 5)):
        with torch.no_grad():
            before = torch.zeros(2, past, dtype=torch.int64)
            cache = net(input_ids=before, use_cache=True).past_key_values if past else None
        call = case._replace(outputs=lambda net, x, c=cache: {"": net(**x, past_key_values=c, use_cache=True).logits})
        wanted = counted(net, call, {"input_ids": np.zeros((2, new), np.int64)})
        assert dims.evaluate(macs, {"N": 2, "P": past, "T": new}) == wanted, (past, new)


def output_of(graph: Any, role: str, layer: int) -> str:
    """The output of the state of this name in this layer."""
    found = [after for before, after in graph.states.items() if before.rpartition(".")[2] == role]
    return str(found[layer])


def near(found: Any, wanted: Any) -> None:
    np.testing.assert_allclose(found, wanted, atol=2e-5 * np.abs(wanted).max())
