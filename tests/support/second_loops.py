"""Second sources of the networks that run along an axis: `torch.nn`'s layers, `transformers`, and the papers' equations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from second import Arrays, Second, Sizes

GRID = {"N": (1, 3), "T": (1, 2, 5)}


def vectors(features: int) -> Callable[[np.random.Generator, Sizes], Arrays]:
    return lambda draw, size: {"x": draw.normal(size=(size["N"], size["T"], features))}


def words(count: int) -> Callable[[np.random.Generator, Sizes], Arrays]:
    return lambda draw, size: {"tokens": draw.integers(0, count, (size["N"], size["T"]))}


def tagger(variant: str, kind: str, layers: int = 1, *, both: bool = False, last: bool = False) -> Second:
    """At its own size, which is small."""

    def other() -> Any:
        from torch_recurrent import Tagger

        return Tagger(kind, 64, 128, layers, 10, both=both, last=last)

    return Second(
        variant, {}, "torch", other, vectors(64), lambda net, x: {"scores": net(x["x"])}, {"N": 2, "T": 7}, GRID,
        other, ({"N": 1, "T": 7}, {"N": 2, "T": 3}),
    )  # fmt: skip


def layers(variant: str, width: int, count: int, *, joined: bool) -> Second:
    def other() -> Any:
        from torch_recurrent import Layers

        return Layers(64, width, count, 10, joined=joined)

    return Second(
        variant, {}, "", other, vectors(64), lambda net, x: {"scores": net(x["x"])}, {"N": 2, "T": 7}, GRID,
        other, ({"N": 1, "T": 7}, {"N": 2, "T": 3}),
    )  # fmt: skip


def listener() -> Second:
    def make(width: int) -> Any:
        from torch_recurrent import Listener

        return Listener(40, width, 3)

    return Second(
        "las_listener", {"width": 6}, "", lambda: make(6),
        lambda draw, size: {"x": draw.normal(size=(size["N"], 8 * size["T"], 40))},
        lambda net, x: {"heard": net(x["x"])}, {"N": 2, "T": 3}, GRID,
        lambda: make(256), ({"N": 1, "T": 3}, {"N": 2, "T": 1}),
    )  # fmt: skip


def zaremba() -> Second:
    def make(width: int, count: int) -> Any:
        from torch_recurrent import Zaremba

        return Zaremba(width, count)

    return Second(
        "zaremba_medium", {"width": 12, "words": 50}, "", lambda: make(12, 50), words(50),
        lambda net, x: {"scores": net(x["tokens"])}, {"N": 2, "T": 7}, GRID,
        lambda: make(650, 10_000), ({"N": 1, "T": 35}, {"N": 2, "T": 11}),
    )  # fmt: skip


def zaremba_torch() -> Second:
    def make(width: int, count: int) -> Any:
        from torch_recurrent import LanguageModel

        return LanguageModel(width, count)

    return zaremba()._replace(
        variant="zaremba_medium_torch", map="torch", other=lambda: make(12, 50), full=lambda: make(650, 10_000)
    )


def deepspeech2() -> Second:
    def make(width: int) -> Any:
        from torch_recurrent import DeepSpeech2

        return DeepSpeech2(width)

    return Second(
        "deepspeech2", {"width": 24}, "deepspeech_pytorch", lambda: make(24),
        lambda draw, size: {"spectrogram": draw.normal(size=(size["N"], 1, 161, size["T"]))},
        lambda net, x: {"letters_of_steps": net(x["spectrogram"])}, {"N": 2, "T": 20},
        {"N": (1, 3), "T": (1, 2, 7, 12)}, lambda: make(800), ({"N": 1, "T": 41}, {"N": 2, "T": 20}),
    )  # fmt: skip


def convlstm() -> Second:
    """Three layers, so that one reads another in the encoder and in the forecaster."""
    small = {"widths": [3, 2, 4], "from": 3, "k": 5, "patch": 2, "size": 8}

    def make(*given: Any) -> Any:
        from torch_scans import ConvLstmNetwork

        return ConvLstmNetwork(*given)

    def video(draw: np.random.Generator, size: Sizes) -> Arrays:
        side = size.get("size", 8)
        return {"video": draw.random(size=(size["N"], size["T"], 1, side, side))}

    return Second(
        "convlstm", small, "", lambda: make([3, 2, 4], 3, 5, 2), video, lambda net, x: {"frames": net(x["video"])},
        {"N": 2, "T": 5}, GRID, lambda: make([128, 64, 64], 5, 5, 4),
        ({"N": 1, "T": 10, "size": 64}, {"N": 2, "T": 3, "size": 64}),
    )  # fmt: skip


def rnnsearch() -> Second:
    def make(*given: int) -> Any:
        from torch_scans import RnnSearch

        return RnnSearch(*given)

    def sentences(draw: np.random.Generator, size: Sizes) -> Arrays:
        return {name: draw.integers(0, 40, (size["N"], size[k])) for name, k in (("source", "S"), ("target", "T"))}

    return Second(
        "rnnsearch", {"d": 12, "m": 6, "l": 5, "vocab": 40}, "", lambda: make(12, 6, 5, 40), sentences,
        lambda net, x: {"logits": net(x["source"], x["target"])}, {"N": 3, "S": 7, "T": 5},
        {"N": (1, 3), "S": (1, 2, 5), "T": (1, 3, 4)}, lambda: make(1000, 620, 500, 30_000),
        ({"N": 1, "S": 30, "T": 30}, {"N": 2, "S": 50, "T": 11}),
    )  # fmt: skip


def mamba() -> Second:
    """Its convolution is padded at both ends and then cut: `width - 1` positions too many, in each layer."""

    def make(**settings: Any) -> Any:
        from torch_models import transformers

        library = transformers()
        return library.MambaForCausalLM(library.MambaConfig(**settings, tie_word_embeddings=True, use_mambapy=False))

    def beyond(size: Sizes, graph: Any) -> int:
        taps = [p.type.shape for path, p in graph.parameters().items() if path.endswith("conv1d.weight")]
        return size["N"] * sum(channels * width * (width - 1) for channels, _, width in taps)

    return Second(
        "mamba_130m", {"d": 32, "depth": 2, "vocab": 50}, "",
        lambda: make(hidden_size=32, num_hidden_layers=2, vocab_size=50),
        words(50), lambda net, x: {"logits": net(x["tokens"], use_cache=False).logits}, {"N": 3, "T": 11}, GRID,
        lambda: make(num_hidden_layers=24), ({"N": 1, "T": 8}, {"N": 2, "T": 5}), beyond=beyond,
    )  # fmt: skip


LOOPS: dict[str, Callable[[], Second]] = {
    "rnn_elman": lambda: tagger("rnn_elman", "RNN"),
    "rnn_lstm": lambda: tagger("rnn_lstm", "LSTM"),
    "rnn_gru": lambda: tagger("rnn_gru", "GRU"),
    "rnn_bidirectional": lambda: tagger("rnn_bidirectional", "LSTM", both=True),
    "rnn_stacked": lambda: tagger("rnn_stacked", "LSTM", 3),
    "rnn_stacked_bidirectional": lambda: tagger("rnn_stacked_bidirectional", "LSTM", 3, both=True),
    "rnn_many_to_one": lambda: tagger("rnn_many_to_one", "LSTM", 2, last=True),
    "rnn_residual": lambda: layers("rnn_residual", 64, 4, joined=False),
    "rnn_dense": lambda: layers("rnn_dense", 100, 3, joined=True),
    "las_listener": listener, "zaremba_medium": zaremba, "zaremba_medium_torch": zaremba_torch,
    "deepspeech2": deepspeech2, "convlstm": convlstm, "rnnsearch": rnnsearch, "mamba_130m": mamba,
}  # fmt: skip
