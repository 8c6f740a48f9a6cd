"""Run in pieces, the recurrent and cached networks of the zoo give what they give at once, wherever a sequence is cut."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pytest
from continued import carried, goes_on
from onnx_case import generator
from zoo_models import VARIANTS, families, graph_of, session_of, structure, symbolic, weights_of

from archdsl.graph import Graph
from archdsl.ops.attend import Attend
from archdsl.ops.recurrent import Recurrent
from archdsl.ops.scan import Scan

Arrays = dict[str, Any]
Run = Callable[[Arrays], Arrays]
STEPS = 7


class Case(NamedTuple):
    """A variant made small, and the inputs that are cut, by name with the axis."""

    small: Mapping[str, Any]
    cut: Mapping[str, int]
    axis: int | None = 1
    """The axis along which outputs are put together; ``None``: the last piece gives all."""


WORDS = {"d": 16, "depth": 2, "heads": 4, "vocab": 50}
GROUPS = {**WORDS, "kv": 2, "e": 8, "hidden": 24, "cached": True}
RECURRENT = {"d": 8, "streamed": True}
STREAMED = {
    "gpt2": Case({**WORDS, "cached": True}, {"tokens": 1}),
    **{name: Case(GROUPS, {"tokens": 1}) for name in ("llama_3_2_1b", "llama_3_1_8b", "qwen2_5_0_5b", "mixtral_8x7b")},
    "mistral_7b": Case({**GROUPS, "window": 3}, {"tokens": 1}),
    "gemma_2b": Case({**GROUPS, "kv": 1}, {"tokens": 1}),
    "phi_2": Case({**WORDS, "turned": 2, "cached": True}, {"tokens": 1}),
    "t5_small": Case({**WORDS, "e": 8, "hidden": 24, "cached": True}, {"target": 1}),
    "bart_base": Case({**WORDS, "cached": True}, {"target": 1}),
    "whisper_tiny": Case({**WORDS, "mels": 8, "cached": True}, {"tokens": 1}),
    "seq2seq": Case({**RECURRENT, "depth": 2, "source_vocab": 50, "target_vocab": 50}, {"target": 1}),
    "gnmt": Case({**RECURRENT, "depth": 4, "vocab": 50}, {"target": 1}),
    "awd_lstm_ptb": Case({"d": 8, "hidden": 12, "vocab": 50, "streamed": True}, {"tokens": 1}),
    "mamba_130m": Case({"d": 8, "depth": 2, "vocab": 50, "streamed": True}, {"tokens": 1}),
    "zaremba_medium": Case({"width": 8, "words": 50, "streamed": True}, {"tokens": 1}),
    "zaremba_medium_torch": Case({"width": 8, "words": 50, "streamed": True}, {"tokens": 1}),
}
"""Networks that have a form with states of the model, and the parameter that asks for it."""

LAYERS = {
    **{name: Case({"features": 5}, {"x": 1}) for name in ("rnn_elman", "rnn_lstm", "rnn_gru", "rnn_stacked")},
    "rnn_residual": Case({"features": 64}, {"x": 1}),
    "rnn_many_to_one": Case({"features": 5, "width": 6}, {"x": 1}, None),
    "zaremba_medium": Case({"width": 8, "words": 50}, {"tokens": 1}),
    "mixtral_layer": Case({"d": 8, "hidden": 6, "count": 4}, {"x": 1}),
    "lstm_char_small": Case({"filters": [3, 4], "width": 8, "vocab": 50, "longest": 7}, {"words": 1}),
    "lrcn": Case({"widths": [4, 6, 6, 6, 6], "hidden": 12, "d": 8, "classes": 3, "size": 67}, {"video": 1}),
    "rnn_many_to_many": Case({"features": 5}, {"x": 1}),
    "moe_lstm_4": Case({"d": 8, "hidden": 6, "vocab": 50}, {"tokens": 1}),
    "ntm_copy": Case({"d": 6, "rows": 7, "width": 3}, {"x": 1}),
    "rnnsearch": Case({"d": 6, "m": 5, "l": 4, "vocab": 50}, {"target": 1}),
}
"""Networks whose layers and loops are given their states by the test."""

BOTH_WAYS = {"rnn_bidirectional", "rnn_stacked_bidirectional", "rnn_dense", "las_listener", "deepspeech2"}
"""What reads from the end as well has nothing to say before it has seen the end."""
AT_ONCE = {
    "lstmn", "pointer_net", "rnn_one_to_many", "seq2seq_attention", "show_attend_tell", "structured_self_attention",
}  # fmt: skip
"""A tape as long as the sequence, words that are moved on by one, no sequence at all, an encoder that ends."""
WHOLE = {
    "adaptive_span_small", "clip_vit_b_32", "evolved_transformer_base", "transformer_base", "universal_transformer_base",
}  # fmt: skip
"""A decoder behind an encoder, or a text, without a form that goes on: what is causal in them is `attend`, tested in the first
list, or a layer, tested in the second.
"""


def drawn(graph: Graph, case: Case) -> Arrays:
    """Two sequences of seven steps."""
    found: Arrays = {}
    draw = generator("in chunks", graph.name)
    for value in graph.inputs:
        if value.name in graph.states or "/start." in value.name:
            continue
        sizes = {"N": 2, "S": 4, "T": STEPS}
        shape = [sizes[str(size)] if not isinstance(size, int) else size for size in value.type.shape]
        integer = value.type.dtype == "i64"
        found[value.name] = draw.integers(0, 50, shape) if integer else draw.normal(size=shape).astype(np.float32)
    return found


def empty(graph: Graph) -> Arrays:
    """The states before the first call: zeros, and nothing where a size begins at 0."""
    kinds = {"i64": np.int64, "f32": np.float32}
    return {
        value.name: np.zeros([{"N": 2, "P": 0}.get(str(n), n) for n in value.type.shape], kinds[value.type.dtype])
        for value in graph.inputs if value.name in graph.states
    }  # fmt: skip


def pieces(x: Arrays, case: Case, at: int) -> tuple[Arrays, Arrays]:
    both = [{}, {}]  # type: list[Arrays]
    for name, value in x.items():
        parts = np.split(value, [at], case.cut[name]) if name in case.cut else (value, value)
        both[0][name], both[1][name] = parts
    return both[0], both[1]


def held(case: Case, whole: Arrays, first: Arrays, second: Arrays, outputs: list[str], at: int) -> None:
    for name in outputs:
        found = second[name] if case.axis is None else np.concatenate([first[name], second[name]], case.axis)
        scale = np.abs(whole[name]).max()
        assert scale > 0 and found.shape == whole[name].shape
        assert np.abs(found - whole[name]).max() <= 2e-5 * scale, (name, at)


def runtime(graph: Graph, weights: Arrays) -> Run:
    session = session_of(structure(graph))
    names = [output.name for output in session.get_outputs()]
    return lambda feeds: dict(zip(names, session.run(None, {**feeds, **weights})))


def module(graph: Graph, weights: Arrays) -> Run:
    """The generated module, of the same weights."""
    import torch
    from torch_module import module_of

    net = module_of(graph)
    net.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()}, strict=True)
    names = [value.name for value in graph.inputs]

    def run(feeds: Arrays) -> Arrays:
        with torch.no_grad():
            found = net(*[torch.from_numpy(np.ascontiguousarray(feeds[name])) for name in names])
        found = found if isinstance(found, dict) else {next(iter(graph.outputs)): found}
        return {name: value.numpy() for name, value in found.items()}

    return run


ENGINES = [pytest.param(runtime, id="onnxruntime"), pytest.param(module, id="torch", marks=pytest.mark.reference)]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("variant", STREAMED)
def test_states_of_the_model(variant: str, engine: Callable[[Graph, Arrays], Run]) -> None:
    """The form with states has the weights of the other, which is run at once; also all steps one by one."""
    case = STREAMED[variant]
    plain = {name: value for name, value in case.small.items() if name not in ("cached", "streamed")}
    once, graph = graph_of(variant, **plain), graph_of(variant, **case.small)
    weights = weights_of(once)
    assert list(weights) == list(graph.parameters()) and graph.states
    x, run, outputs = drawn(graph, case), engine(graph, weights), list(once.outputs)
    whole = engine(once, weights)(x)
    for at in range(1, STEPS):
        head, tail = pieces(x, case, at)
        first = run({**head, **empty(graph)})
        second = run({**tail, **{name: first[after] for name, after in graph.states.items()}})
        held(case, whole, first, second, outputs, at)
    states, found = empty(graph), []
    for t in range(STEPS):
        step = run({**x, **{name: x[name][:, t : t + 1] for name in case.cut}, **states})
        states = {name: step[after] for name, after in graph.states.items()}
        found.append(step[outputs[0]])
    np.testing.assert_allclose(np.concatenate(found, 1), whole[outputs[0]], atol=2e-5 * np.abs(whole[outputs[0]]).max())


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("variant", LAYERS)
def test_layers_and_loops(variant: str, engine: Callable[[Graph, Arrays], Run]) -> None:
    """Each is given its last state of the piece before."""
    case = LAYERS[variant]
    graph = graph_of(variant, **case.small)
    weights, x, outputs = weights_of(graph), drawn(graph, case), list(graph.outputs)
    whole = engine(graph, weights)(x)
    (ending, states), (continuing, _) = carried(graph, given=False), carried(graph, given=True)
    assert bool(states) == (variant != "mixtral_layer")
    begin, go_on = engine(ending, weights), engine(continuing, weights)
    for at in range(1, STEPS):
        head, tail = pieces(x, case, at)
        first = begin(head)
        second = go_on({**tail, **{name: first[after] for name, after in states.items()}})
        held(case, whole, first, second, outputs, at)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_forecast_follows_from_all_frames_so_far(engine: Callable[[Graph, Arrays], Run]) -> None:
    """ConvLSTM's encoder in pieces: the last piece forecasts, as many frames as it has."""
    small = {"widths": [4, 3], "from": 3, "k": 3, "patch": 2, "size": 8}
    once, graph = graph_of("convlstm", **small), graph_of("convlstm", **small, streamed=True)
    weights = weights_of(once)
    x = generator("video").uniform(0, 1, (2, STEPS, 1, 8, 8)).astype(np.float32)
    run, whole = engine(graph, weights), engine(once, weights)({"video": x})["frames"]
    zeros = {v.name: np.zeros([2, *map(int, map(str, v.type.shape[1:]))], np.float32) for v in graph.inputs[1:]}
    for at in range(1, STEPS):
        first = run({"video": x[:, :at], **zeros})
        second = run({"video": x[:, at:], **{name: first[after] for name, after in graph.states.items()}})
        np.testing.assert_allclose(second["frames"], whole[:, : STEPS - at], atol=2e-5)


def test_no_network_is_left_out() -> None:
    """All variants with a recurrent layer, a loop or causal attention are in a list above, or made like one that is."""
    tried = {*STREAMED, *LAYERS, *BOTH_WAYS, *AT_ONCE, *WHOLE, "convlstm"}
    stems = {VARIANTS[variant].stem for variant in tried}
    for variant in VARIANTS:
        if VARIANTS[variant].stem == "recurrent":
            assert variant in tried | {"zaremba_large"}
        elif VARIANTS[variant].stem not in stems and variant in families().values():
            nodes = symbolic(variant).all_nodes()
            assert not any(
                isinstance(n.op, Recurrent | Scan) or (isinstance(n.op, Attend) and n.op.causal) for n in nodes
            )
    for variant in BOTH_WAYS:
        layers = [node for node in symbolic(variant).nodes if isinstance(node.op, Recurrent)]
        assert layers and not any(map(goes_on, layers))
