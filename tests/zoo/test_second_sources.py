"""Networks of the zoo against second sources: other libraries', or written again from their papers with `torch.nn`.

Parameters and multiply-accumulates, as PyTorch counts them, on a grid of sizes that settles the polynomials, and of the
variant itself at two; outputs of ONNX Runtime and of the generated module with random weights by the map, PyTorch in
float64 being the judge; and each tensor that stands one place further on is noticed.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from second import Second, checkpoint as saved, compiled, counted, graph_of, lively, noise, said, singles, tensors
from second_attended import ATTENDED
from second_backbones import BACKBONES
from second_boxes import BOXES
from second_dense import DENSE
from second_dense_maps import DENSE_MAPS
from second_language import LANGUAGE
from second_ledger import LEDGER
from second_loops import LOOPS
from second_maps import MAPS
from second_more import MORE
from second_onestage import ONESTAGE
from second_rcnn import RCNN
from second_speech import SPEECH
from second_translators import TRANSLATORS
from second_vision import VISION
from second_words import WORDS

import archdsl
from archdsl import dims, driver

CASES: dict[str, Callable[[], Second]] = {
    **LOOPS, **WORDS, **LANGUAGE, **TRANSLATORS, **LEDGER, **ATTENDED, **MAPS, **VISION,
    **BACKBONES,
    **BOXES, **RCNN,
    **ONESTAGE,
    **MORE,
    **DENSE, **DENSE_MAPS,
    **SPEECH,
}  # fmt: skip
CLOSE, APART = 1e-5, 1e-4
"""What is the same, and what is not, beside the largest value."""

pytestmark = pytest.mark.reference


def pair(name: str) -> tuple[Second, Any, dict[str, Any]]:
    """A case, the other network with values that matter, and inputs."""
    case = CASES[name]()
    inputs = case.inputs(np.random.default_rng(3), case.sizes)
    real = [value for value in tensors(inputs).values() if value.is_floating_point()]
    return case, lively(case.other(), *real), inputs


@pytest.mark.parametrize("name", CASES)
def test_the_same_numbers(name: str, tmp_path: Path) -> None:
    """ONNX Runtime and the generated module, with the same checkpoint; not with one of its tensors moved by one place."""
    import onnx
    import torch
    from torch_module import distance, load_initialisers, module_of, outputs_of

    case, net, inputs = pair(name)
    wanted, graph = said(case, net, inputs), graph_of(case)

    def apart(found: dict[str, Any]) -> float:
        assert set(found) == set(wanted)
        return max(distance(found[output], value) for output, value in wanted.items())

    model = compiled(case, saved(net, tmp_path / "w.pth"))
    same = apart(archdsl.run(model, singles(inputs)))
    close = CLOSE if same <= CLOSE else 4 * noise(case, net, inputs, wanted)
    assert same <= close
    module = module_of(graph)
    load_initialisers(module, onnx.load(model))
    given = tensors(singles(inputs))
    with torch.no_grad():
        made = outputs_of(module(*[given[value.name] for value in graph.inputs]))
    far = apart(dict(zip(graph.outputs, made, strict=True)))
    assert far <= max(close, CLOSE) or far <= 4 * noise(case, net, inputs, wanted)
    state = net.state_dict()
    path = max(state, key=lambda path: (state[path].ndim == 2, any(w in path for w in ("attn", "att", "hh")), path))
    with torch.no_grad():
        state[path].copy_(state[path].flatten().roll(1).reshape(state[path].shape))
    assert apart(archdsl.run(compiled(case, saved(net, tmp_path / "wrong.pth")), singles(inputs))) > 10 * APART, path


@pytest.mark.parametrize(
    "name", ["repvgg", "repvgg_a0", "mobileone", "repvit", "repvit_early", "fastvit", "convnext", "poolformer"]
)
def test_merged_branches_give_the_same_numbers(name: str, tmp_path: Path) -> None:
    """With `--deploy`, where one convolution stands for three branches and their norms."""
    from torch_module import distance

    case, net, inputs = pair(name)
    model = compiled(case, saved(net, tmp_path / "w.pth"), deploy=True)
    (found,), wanted = archdsl.run(model, singles(inputs)).values(), said(case, net, inputs)
    assert distance(found, *wanted.values()) <= max(CLOSE, 4 * noise(case, net, inputs, wanted))


@pytest.mark.parametrize("count", [10, pytest.param(None, marks=pytest.mark.nightly)])
@pytest.mark.parametrize("name", CASES)
def test_every_tensor_that_is_wrong_is_noticed(name: str, count: int | None) -> None:
    """Values moved by one place: but for those that the equations cancel, the network says something else. By day of
    ``count`` tensors, by night of all.
    """
    import torch
    from torch_module import distance

    case, net, inputs = pair(name)
    wanted, silent = said(case, net, inputs), []
    paths = [path for path, value in net.state_dict().items() if value.is_floating_point() and value.numel() > 1]
    for path in paths[:: -(-len(paths) // count)] if count else paths:
        value = net.state_dict()[path]
        kept = value.clone()
        with torch.no_grad():
            value.copy_(value.flatten().roll(1).reshape(value.shape))
            others = said(case, net, inputs)
            value.copy_(kept)
        if max(distance(others[output], one) for output, one in wanted.items()) < APART:
            silent.append(path)
    assert [path for path in silent if not path.endswith(case.unseen or "\0")] == []
    assert count or not case.unseen or silent


@pytest.mark.parametrize("name", CASES)
def test_every_input_matters(name: str) -> None:
    """Other words, other lengths: what nobody reads would make what is equal here worth nothing."""
    from torch_module import distance

    case, net, inputs = pair(name)
    wanted, others = said(case, net, inputs), case.inputs(np.random.default_rng(4), case.sizes)
    for one, value in inputs.items():
        changed = np.ones_like(value) if one == "seen" else others[one]
        found = said(case, net, {**inputs, one: changed})
        assert max(distance(found[output], was) for output, was in wanted.items()) > 10 * APART, one


@pytest.mark.parametrize("name", CASES)
def test_the_polynomials_are_what_is_counted(name: str) -> None:
    """Parameters; and multiply-accumulates at more sizes than a polynomial of that degree has roots."""
    case = CASES[name]()
    graph, net = graph_of(case), case.other().double().eval()
    assert archdsl.cost(graph).total("params") == learnt(net)
    macs = archdsl.cost(graph, symbolic=True).total("macs")
    assert dims.symbols(macs) == set(case.grid)
    for symbol, values in case.grid.items():
        assert degree(macs, symbol) < len(values)
    for values in itertools.product(*case.grid.values()):
        size = dict(zip(case.grid, values))
        wanted = counted(net, case, case.inputs(np.random.default_rng(0), {**case.sizes, **size}))
        assert dims.evaluate(macs, size) + case.beyond(size, graph) == wanted, size
        assert archdsl.cost(graph, size).total("macs") == dims.evaluate(macs, size)


FIXED = ".dfl.conv.weight"
"""The numbers 0 to 15 in YOLOv8's head: a parameter there, a constant from the checkpoint here."""

SINES = "encoder.embed_positions.weight"
"""Whisper's positions of the sound: no gradient reaches them, but its paper and its checkpoints have them among the parameters."""


def learnt(net: Any) -> int:
    held = [(name, v.numel()) for name, v in net.named_parameters() if v.requires_grad or name.endswith(SINES)]
    return sum(count for name, count in held if not name.endswith(FIXED))


def degree(macs: Any, symbol: str) -> int:
    """In the symbol, where a quotient of it counts as it does."""
    powers = [
        sum(n for atom, n in term if symbol in (str(atom), *map(str, dims.symbols(dims.Expr({((atom, 1),): 1})))))
        for term in macs.terms
    ]
    return max(powers)


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.nightly] * (n == "dcn")) for n in CASES if CASES[n]().full]
)
def test_the_variant_itself_is_what_is_counted(name: str) -> None:
    """At its own size and at another, without weights."""
    import torch

    case = CASES[name]()
    assert case.full is not None and len(case.full_sizes) == 2
    with torch.device("meta"):
        net = case.full().eval()
    getattr(net, "tie_weights", lambda: None)()
    learning = learnt(net)
    for size in case.full_sizes:
        settings = {name: value for name, value in size.items() if name.islower()}
        graph = driver.resolve_target(case.variant)[0].graph(case.variant, **settings)
        assert archdsl.cost(graph).total("params") == learning
        inputs = singles(case.inputs(np.random.default_rng(0), size))
        mine = archdsl.cost(graph, {name: value for name, value in size.items() if name.isupper()}).total("macs")
        assert mine + case.beyond(size, graph) == counted(net, case, inputs, "meta"), size
