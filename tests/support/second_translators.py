"""Second sources of translators and language models of recurrent layers, and of the reader of letters: their papers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from second import Arrays, Second, Sizes
from second_loops import GRID, words


def of(name: str, *given: Any) -> Callable[[], Any]:
    def make() -> Any:
        import torch_language_paper
        import torch_seq2seq_paper

        kind = getattr(torch_language_paper, name, None) or getattr(torch_seq2seq_paper, name)
        return kind(*given)

    return make


def sentences(draw: np.random.Generator, size: Sizes) -> Arrays:
    return {name: draw.integers(0, 30, (size["N"], size[k])) for name, k in (("source", "S"), ("target", "T"))}


def translator(variant: str, small: dict[str, Any], other: Callable[[], Any], full: Callable[[], Any]) -> Second:
    return Second(
        variant, small, "", other, sentences, lambda net, x: {"logits": net(x["source"], x["target"])},
        {"N": 2, "S": 7, "T": 5}, {**GRID, "S": (1, 3, 4)}, full, ({"N": 1, "S": 7, "T": 4}, {"N": 2, "S": 3, "T": 5}),
    )  # fmt: skip


def seq2seq() -> Second:
    return translator(
        "seq2seq", {"d": 8, "depth": 2, "source_vocab": 40, "target_vocab": 30}, of("Sutskever", 8, 2, 40, 30),
        of("Sutskever", 1000, 4, 160_000, 80_000),
    )._replace(map="torch")  # fmt: skip


def gnmt() -> Second:
    """Four layers: one of both halves stands behind the first that is added to what it reads."""
    return translator(
        "gnmt", {"d": 8, "depth": 4, "vocab": 40}, of("Gnmt", 8, 4, 40), of("Gnmt", 1024, 8, 32_000)
    )  # fmt: skip


def awd_lstm() -> Second:
    return Second(
        "awd_lstm_ptb", {"d": 8, "hidden": 12, "vocab": 50}, "torch", of("AwdLstm", 8, 12, 3, 50), words(50),
        lambda net, x: {"logits": net(x["tokens"])}, {"N": 2, "T": 7}, GRID,
        of("AwdLstm", 400, 1150, 3, 10_000), ({"N": 1, "T": 70}, {"N": 2, "T": 11}),
    )  # fmt: skip


def char_cnn() -> Second:
    return Second(
        "char_cnn_small", {"width": 8, "hidden": 12, "letters": 10, "length": 150, "classes": 3}, "torch",
        of("CharCnn", 8, 12, 10, 150, 3), lambda draw, size: {"x": draw.normal(size=(size["N"], 10, 150))},
        lambda net, x: {"scores": net(x["x"])}, {"N": 2}, {"N": (1, 3)},
    )  # fmt: skip


def lstm_char() -> Second:
    def letters(draw: np.random.Generator, size: Sizes) -> Arrays:
        return {"words": draw.integers(0, 20, (size["N"], size["T"], size.get("longest", 7)))}

    return Second(
        "lstm_char_small",
        {"filters": [3, 4, 5], "highways": 2, "width": 8, "letters": 20, "e": 4, "vocab": 50, "longest": 7}, "torch",
        of("CharAware", (3, 4, 5), 2, 8, 20, 4, 50), letters, lambda net, x: {"logits": net(x["words"])},
        {"N": 2, "T": 6}, GRID, of("CharAware"), ({"N": 1, "T": 7, "longest": 21}, {"N": 2, "T": 3, "longest": 9}),
    )  # fmt: skip


def ntm() -> Second:
    return Second(
        "ntm_copy", {"features": 5, "outputs": 4, "d": 6, "rows": 7, "width": 3}, "", of("TuringMachine", 5, 4, 6, 7, 3),
        lambda draw, size: {"x": draw.normal(size=(size["N"], size["T"], size.get("features", 5)))}, lambda net, x: {"scores": net(x["x"])},
        {"N": 2, "T": 6}, GRID, of("TuringMachine", 9, 8, 100, 128, 20), ({"N": 1, "T": 7, "features": 9}, {"N": 2, "T": 3, "features": 9}),
    )  # fmt: skip


TRANSLATORS: dict[str, Callable[[], Second]] = {
    make.__name__: make for make in (seq2seq, gnmt, awd_lstm, char_cnn, lstm_char, ntm)
}
