"""Closed forms of the networks that run along an axis: sums of what one run holds and does, times the runs."""

from __future__ import annotations

from collections.abc import Sequence

from sheet import Count


def convlstm(widths: Sequence[int], entering: int, k: int, steps: int = 10, size: int = 16, patch: int = 4) -> Count:
    """An encoder and a forecaster, whose first layer has no input: four gates, a bias each; three peepholes a map."""
    params, products = 0, 0
    for forecasts in (False, True):
        before = 0 if forecasts else patch * patch
        for width in widths:
            kernels = 4 * width * (width * k * k + before * entering * entering)
            params += kernels + 4 * width + 3 * width
            products += kernels
            before = width
    head = sum(widths) * patch * patch
    return params + head + patch * patch, steps * size * size * (products + head)


def rnnsearch(d: int, m: int, maxout: int, words: int, source: int, target: int) -> Count:
    """Tables; the encoder's gates in two directions with a bias each; keys and start; the decoder's six products."""
    encoder, cell = 3 * d * (m + d), 3 * d * (m + 2 * d) + 3 * d * d
    query, score, head = d * d, d, 2 * maxout * (d + m + 2 * d) + maxout * words
    once, decoder = 2 * d * d + d * d, query + score + cell + head
    params = 2 * words * m + 2 * (encoder + 3 * d) + once + decoder
    return params, source * (2 * encoder + 2 * d * d) + d * d + target * (decoder - score + source * score)


def mamba(d: int, depth: int, words: int, steps: int = 8, size: int = 16, width: int = 4) -> Count:
    """A layer's products: into and out of it, the convolution, to rank, B and C, and C with the states."""
    inner, rank = 2 * d, (d + 15) // 16
    layer = d * 2 * inner + inner * width + inner * (rank + 2 * size) + rank * inner + inner * size + inner * d
    others = d + inner + inner + inner  # the norm, two biases, D; A has as many elements as C meets states
    return depth * (layer + others) + words * d + d, steps * (depth * layer + words * d)


def table() -> dict[str, Count]:
    """All closed forms by variant."""
    return {
        "convlstm": convlstm([128, 64, 64], 5, 5), "convlstm_1": convlstm([256], 5, 5),
        "convlstm_2": convlstm([128, 128], 5, 5), "convlstm_9x9": convlstm([128, 64, 64], 9, 1),
        "convlstm_9x9_2": convlstm([128, 128], 9, 1), "convlstm steps=3": convlstm([128, 64, 64], 5, 5, 3),
        "rnnsearch": rnnsearch(1000, 620, 500, 30_000, 30, 30),
        "rnnsearch length=50": rnnsearch(1000, 620, 500, 30_000, 50, 50),
        "mamba_130m": mamba(768, 24, 50_280), "mamba_370m": mamba(1024, 48, 50_280),
        "mamba_130m length=100": mamba(768, 24, 50_280, 100),
    }  # fmt: skip
