"""Closed forms of the Transformers that replace a part of the one of 2017: sums over their papers' equations."""

from __future__ import annotations

from collections.abc import Sequence

from formulas_attention import attention, dense, times, total
from formulas_recurrent import layer as recurrent
from sheet import Count, Sheet

T2T = 33_288
"""Subwords of WMT's English and German in tensor2tensor."""


def forward(d: int, hidden: int, t: int) -> Count:
    return total(dense(d, hidden, t), dense(hidden, d, t))


def synthesizer(s: int, t: int, rank: int = 0, d: int = 512, heads: int = 8, longest: int = 256) -> Count:
    """Values and results of the 12 looks within a sequence; random scores, or products of two narrow matrices."""
    halves = []
    for n in (s, t):
        scores = (2 * heads * longest * rank, heads * n * n * rank) if rank else (heads * longest**2, 0)
        # the same for all sequences: products of weights are not for each of them
        halves.append(total((2 * d * d, 2 * n * d * d + n * n * d), scores, forward(d, 2048, n), (4 * d, 0)))
    layers = total(*halves, attention(d, t, s), (2 * d, 0))
    return total(times(6, layers), dense(d, T2T, t, bias=False))


def universal(s: int, t: int, d: int = 1024, steps: int = 6) -> Count:
    """The weights of one layer, the products of six."""
    encoder = total(attention(d, s, s), forward(d, 4 * d, s), (4 * d, 0))
    decoder = total(attention(d, t, t), attention(d, t, s), forward(d, 4 * d, t), (6 * d, 0))
    params, macs = total(encoder, decoder)
    return total((params, steps * macs), dense(d, T2T, t, bias=False))


def spans(t: int, depth: int, memories: int = 0, d: int = 512, heads: int = 8, longest: int = 8192) -> Count:
    """Each head has a span; scores of contents, of distances, and of memories, which stand for the layers between."""
    looks = 4 * d * d + heads, 4 * t * d * d + 3 * t * t * d
    held = (2 * memories * d, 2 * t * memories * d) if memories else total(forward(d, 4 * d, t), (2 * d, 0))
    layers = times(depth, total(looks, held, (2 * d, 0)))
    return total((256 * d + d // heads * longest, 0), layers, dense(d, 256, t))


def areas(s: int, t: int, d: int = 128, hidden: int = 512, depth: int = 2) -> Count:
    """n positions have 3 n - 3 areas of up to three."""
    parts = []
    for queries, keys in ((s, s), (t, t), (t, s)):
        weights = 4 * d * d, (2 * queries + 2 * keys) * d * d
        parts.append(total(weights, (2 * d, 2 * queries * (3 * keys - 3) * d)))
    layers = total(*parts, forward(d, hidden, s), forward(d, hidden, t), (4 * d, 0))
    return total(times(depth, layers), dense(d, T2T, t, bias=False))


def separable(n: int, d: int, k: int, t: int) -> Count:
    return total((n * k, t * n * k), dense(n, d, t))


def evolved(s: int, t: int, d: int = 512, hidden: int = 2048) -> Count:
    """Figure 3: three cells of the encoder, four of the decoder, and a norm at the end of each."""
    encoder = total(
        times(2, dense(d, d, s)), dense(d, hidden, s), dense(3 * d, d // 2, s), separable(hidden, d // 2, 9, s),
        attention(d, s, s), forward(d, hidden, s), (4 * 2 * d + 2 * hidden, 0),
    )  # fmt: skip
    decoder = total(
        times(2, total(attention(d, t, t), attention(d, t, s))), separable(d, 2 * d, 11, t), separable(d, d // 2, 7, t),
        separable(2 * d, d, 7, t), forward(d, hidden, t), (5 * 2 * d + 2 * 2 * d, 0),
    )  # fmt: skip
    return total(times(3, encoder), times(4, decoder), (4 * d, 0), dense(d, T2T, t, bias=False))


def convolutions(s: int, t: int, dynamic: bool, d: int = 512, hidden: int = 1024, heads: int = 4) -> Count:
    """A tap for each feature and place; the kernels are weights, or come from the place itself."""

    def layer(k: int, n: int) -> Count:
        kernels = dense(d, heads * k, n, bias=False) if dynamic else (heads * k, 0)
        return total(dense(d, 2 * d, n), dense(d, d, n), kernels, (0, n * d * k), forward(d, hidden, n), (4 * d, 0))

    cross = total(attention(d, t, s), (4 * d + 2 * d, 0))
    sizes: Sequence[int] = (3, 7, 15, 31, 31, 31, 31)
    return total(
        (8848 * d, 0), *[layer(k, s) for k in sizes], *[total(layer(k, t), cross) for k in sizes[:-1]],
        dense(d, 6632, t, bias=False),
    )  # fmt: skip


def sparse(side: int = 32, d: int = 256, depth: int = 128, stride: int = 128) -> Count:
    """Queries and keys of d / 2, twice d in between; half of the layers see two blocks, the others one place of each."""
    t = side * side * 3
    weights = total(*[dense(d, n, t) for n in (d // 2, d // 2, d, d)], forward(d, 2 * d, t), (4 * d, 0))
    seen = 0, depth // 2 * t * (2 * stride + t // stride) * (d // 2 + d)
    tables = (1 + 2 * side + 3 + 256) * d + 2 * d
    return total((tables, 0), times(depth, weights), seen, dense(d, 256, t, bias=False))


def gated_convolutions(steps: int, depth: int = 8, d: int = 900, k: int = 4, lookup: int = 280) -> Count:
    inputs = [lookup, *[d] * (depth - 1)]
    return total((267_735 * lookup, 0), *[dense(k * n, 2 * d, steps) for n in inputs])


def activities(steps: int, widths: Sequence[int] = (96, 384, 512, 512, 384), hidden: int = 4096, d: int = 256) -> Count:
    """The convolutions of every frame, of 227 pixels."""
    a, b, c, e, f = widths
    frame = Sheet(3, 227).biased(a, 7, 2, 0).pool(3, 2, ceil=True).biased(b, 5, 2, 0, groups=2).pool(3, 2, ceil=True)
    frame.biased(c, 3).biased(e, 3, groups=2).biased(f, 3, groups=2).pool(3, 2, ceil=True)
    params, macs = frame.linear(hidden, f * frame.side**2).count
    return total((params, steps * macs), recurrent(4, hidden, d, steps, biases=1), dense(d, 101, steps))


def generator(width: int = 64, noise: int = 128, classes: int = 1000) -> Count:
    """Norms of the classes have a scale and a shift each; attention at 32 x 32 to an eighth of the features."""
    parts, c = [dense(noise, 16 * 16 * width, 1)], 16 * width
    for i, more in enumerate((16, 8, 4, 2, 1)):
        wide, places = more * width, 64 << 2 * i
        both = total((2 * classes * (c + wide), 0), dense(9 * c, wide, places), dense(9 * wide, wide, places))
        parts += [both, dense(c, wide, places)]
        c = wide
        if places == 32 * 32:
            narrow = c // 8
            parts.append((4 * c * narrow + 1, 4 * c * narrow * places + 2 * narrow * places**2))
    return total(*parts, (2 * c, 0), dense(9 * c, 3, 128**2))


def boosted(depths: Sequence[int] = (3, 4, 6, 3)) -> Count:
    """A weight and a norm for each channel at the end of a branch."""
    s = Sheet(3, 224).conv(64, 7, 2).pool(3, 2, 1)
    for i, n in enumerate(depths):
        for j in range(n):
            c, stride = 64 << i, 2 if i and not j else 1
            if not j:
                s.branch().conv(4 * c, 1, stride)
            s.conv(c, 1).conv(c, 3, stride).conv(4 * c, 1)
            s.at(4 * c, 1).conv(4 * c, 1, groups=4 * c)
    return s.linear(1000).count


def table() -> dict[str, Count]:
    """All closed forms by variant."""
    return {
        "gcnn_8": gated_convolutions(100), "gcnn_8 T=7": gated_convolutions(7),
        "lrcn": activities(16), "lrcn T=3": activities(3),
        "sagan_generator": generator(), "sagan_generator width=32": generator(32), "ab_resnet50": boosted(),
        "synthesizer_random": synthesizer(128, 128), "synthesizer_random S=9 T=4": synthesizer(9, 4),
        "synthesizer_factorized_random": synthesizer(128, 128, 8),
        "synthesizer_factorized_random S=9 T=4": synthesizer(9, 4, 8),
        "universal_transformer_base": universal(128, 128), "universal_transformer_base S=9 T=4": universal(9, 4),
        "adaptive_span_small": spans(512, 12), "adaptive_span_small T=7": spans(7, 12),
        "all_attention_small": spans(512, 18, 1024), "all_attention_small T=7": spans(7, 18, 1024),
        "area_transformer_tiny": areas(128, 128), "area_transformer_tiny S=9 T=4": areas(9, 4),
        "evolved_transformer_base": evolved(128, 128), "evolved_transformer_base S=9 T=4": evolved(9, 4),
        "lightconv_iwslt_de_en": convolutions(128, 128, False),
        "lightconv_iwslt_de_en S=9 T=4": convolutions(9, 4, False),
        "dynamicconv_iwslt_de_en": convolutions(128, 128, True),
        "dynamicconv_iwslt_de_en S=9 T=4": convolutions(9, 4, True),
        "sparse_transformer_cifar10": sparse(), "sparse_transformer_cifar10 side=16": sparse(16),
    }  # fmt: skip
