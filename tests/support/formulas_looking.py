"""Closed forms of the recurrent networks, memories and pictures that look at what they have read: their papers' equations."""

from __future__ import annotations

import math

from formulas_recurrent import dense, layer, total
from sheet import Count, Sheet


def one_to_many(features: int = 64, width: int = 128, steps: int = 100) -> Count:
    """Two layers with two biases, and a head back to the features, at each step."""
    return total(layer(4, features, width, steps), layer(4, width, width, steps), dense(width, features, steps))


def mixture(experts: int, words: int = 793_471, steps: int = 20, d: int = 512, hidden: int = 1024, k: int = 4) -> Count:
    """Each word asks k experts; the gate has no bias."""
    params, macs = total(dense(d, hidden, steps), dense(hidden, d, steps))
    outer = total(
        (words * d, 0), layer(4, d, d, steps, biases=1), layer(4, d, d, steps, biases=1), dense(d, words, steps)
    )
    return total(outer, dense(d, experts, steps, bias=False), (experts * params, k * macs))


def memory_network(sentences: int = 50, hops: int = 3, d: int = 20, words: int = 177) -> Count:
    """One table of words and one of times more than hops; scores and sums of each hop, and the answer."""
    return (hops + 1) * (words + 50) * d, hops * 2 * sentences * d + words * d


def pointer_network(points: int, steps: int, d: int = 256) -> Count:
    """Two layers of pairs, W1 of every point, W2 of every step, v of every pair, and the point to begin with."""
    layers = total(layer(4, 2, d, points, biases=1), layer(4, 2, d, steps, biases=1))
    scores = total(
        dense(d, d, points, bias=False), dense(d, d, steps, bias=False), dense(d, 1, points * steps, bias=False)
    )
    return total(layers, scores, (2, 0))


def structured(
    steps: int, m: int = 100, d: int = 300, attended: int = 350, rows: int = 30, hidden: int = 3000
) -> Count:
    """Sections 2.1 and 4.2: A of r rows, M = A H of r x 2u, and two layers."""
    looks = total(dense(2 * d, attended, steps, bias=False), dense(attended, rows, steps, bias=False))
    return total(
        layer(4, m, d, steps, ways=2),
        looks,
        (0, rows * steps * 2 * d),
        dense(rows * 2 * d, hidden, 1),
        dense(hidden, 5, 1),
    )


def courses(source: int, target: int, d: int = 500, m: int = 300) -> Count:
    """Tables of 9,000 and 10,000 words; one bias a layer; a product for each score and one for each sum."""
    tables = (9000 + 10_000) * m, 0
    layers = total(layer(1, m, d, source, biases=1), layer(1, m + d, d, target, biases=1))
    return total(tables, layers, (0, 2 * source * target * d), dense(d, 10_000, target))


def tutorial(target: int, d: int = 256, length: int = 10) -> Count:
    tables = (4345 + 2803) * d, 0
    layers = total(layer(3, d, d, length), layer(3, d, d, target))
    looks = total(dense(2 * d, length, target), (0, target * length * d), dense(2 * d, d, target))
    return total(tables, layers, looks, dense(d, 2803, target))


def machine_reader(steps: int, d: int = 300, m: int = 150, words: int = 10_000) -> Count:
    """Equations 4 to 9: a step compares its word with all places, and gates see h~ and the word."""
    looks = total(dense(d, d, 2 * steps, bias=False), dense(m, d, steps, bias=False), dense(d, 1, steps**2, bias=False))
    sums = d * d, 2 * steps**2 * d  # W_h and W~ are two matrices, counted once above
    return total((words * m, 0), looks, sums, dense(d + m, 4 * d, steps), dense(d, words, steps))


def captions(
    steps: int, n: int = 1800, m: int = 512, features: int = 512, places: int = 196, words: int = 10_000
) -> Count:
    """Equations 1 to 9 and 13, one bias for the sum of both products of the score."""
    begin = total(dense(features, n, 1), dense(features, n, 1), dense(features, features, places, bias=False))
    looks = total(dense(n, features, steps), dense(features, 1, steps * places), dense(n, 1, steps))
    said = total(dense(n, m, steps, bias=False), dense(features, m, steps, bias=False), dense(m, words, steps))
    return total((words * m, 0), begin, looks, layer(4, m + features, n, steps, biases=1), said)


def few_shots(ways: int, shots: int, width: int = 64) -> Count:
    """Four convolutions with norms to a vector of each picture; what is found is put beside what was there."""
    steps = ways * shots + 1
    picture = Sheet(1, 28)
    for _ in range(4):
        picture.conv(width, 3, bias=True).pool(2, 2)
    params, macs = picture.linear(width, width).count
    parts, c = [(params, steps * macs)], width + ways
    for keys, values, convolutions in ((64, 32, True), (256, 128, True), (512, 256, False)):
        parts.append(total(dense(c, 2 * keys + values, steps), (0, steps**2 * (keys + values))))
        c += values
        for _ in range(math.ceil(math.log2(steps)) if convolutions else 0):
            parts.append(dense(2 * c, 2 * 128, steps))  # two taps, a filter and a gate
            c += 128
    return total(*parts, dense(c, ways, 1))


def product_keys(steps: int, d: int = 1024, heads: int = 4, n: int = 512, k: int = 32, width: int = 512) -> Count:
    """A norm of the queries, n + n halves of keys for each head, and k values of each head at each step."""
    query = total(dense(d, heads * width, steps), (2 * heads * width, 0))
    keys = heads * 2 * n * width // 2
    return total(query, (keys + n * n * d, steps * (keys + heads * k * d)))


def one_layer(t: int, k: int, p: int, l: int, n: int, heads: int) -> Count:  # noqa: E741
    """K x P twice and K x L for each head, and L x N."""
    weights = heads * (2 * k * p + k * l + l * n)
    return weights, t * weights + heads * t * t * (p + l)


def table() -> dict[str, Count]:
    """All closed forms by variant."""
    return {
        "rnn_one_to_many": one_to_many(), "rnn_one_to_many length=7": one_to_many(steps=7),
        "moe_lstm_4": mixture(4), "moe_lstm_32": mixture(32), "moe_lstm_32 T=3": mixture(32, steps=3),
        "memn2n": memory_network(), "memn2n M=9": memory_network(9),
        "pointer_net": pointer_network(50, 50), "pointer_net S=9 T=4": pointer_network(9, 4),
        "structured_self_attention": structured(100), "structured_self_attention T=7": structured(7),
        "seq2seq_attention": courses(100, 100), "seq2seq_attention S=9 T=4": courses(9, 4),
        "tutorial_translator": tutorial(10), "tutorial_translator T=4": tutorial(4),
        "lstmn": machine_reader(35), "lstmn T=7": machine_reader(7),
        "show_attend_tell": captions(20), "show_attend_tell T=7": captions(7),
        "snail_omniglot": few_shots(5, 1), "snail_omniglot shots=2": few_shots(5, 2),
        "product_key_memory": product_keys(128), "product_key_memory T=7": product_keys(7),
        "self_attention_one_head": one_layer(100, 512, 64, 64, 512, 1),
        "self_attention_eight_heads": one_layer(100, 512, 64, 64, 512, 8),
        "self_attention_eight_heads M=7": one_layer(7, 512, 64, 64, 512, 8),
    }  # fmt: skip
