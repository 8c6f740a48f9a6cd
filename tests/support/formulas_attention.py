"""Closed forms of the Transformers: sums of their matrices, for sequences of t positions that look at s."""

from __future__ import annotations

from sheet import Count


def attention(d: int, t: int, s: int, inner: int = 0, shared: int = 0) -> Count:
    """Weights of the four projections, of queries and results to ``inner`` features, of keys and values to ``shared``;
    their products, and those of scores and of values.
    """
    inner = inner or d
    shared = shared or inner
    return 2 * d * (inner + shared), 2 * t * d * inner + 2 * s * d * shared + 2 * t * s * inner


def total(*parts: Count) -> Count:
    return sum(params for params, _ in parts), sum(macs for _, macs in parts)


def times(n: int, part: Count) -> Count:
    return n * part[0], n * part[1]


def dense(d: int, features: int, t: int, bias: bool = True) -> Count:
    return d * features + bias * features, t * d * features


def bert(d: int, depth: int, t: int, words: int = 30_522, places: int = 512) -> Count:
    layer = total(attention(d, t, t), (4 * d + 2 * 2 * d, 0), dense(d, 4 * d, t), dense(4 * d, d, t))
    return total(((words + places + 2) * d + 2 * d, 0), times(depth, layer), dense(d, d, 1))


def gpt2(d: int, depth: int, t: int, words: int = 50_257, places: int = 1024) -> Count:
    layer = total(attention(d, t, t), (4 * d + 2 * 2 * d, 0), dense(d, 4 * d, t), dense(4 * d, d, t))
    return total((places * d + 2 * d, 0), times(depth, layer), dense(d, words, t, bias=False))


def t5(d: int, depth: int, hidden: int, heads: int, s: int, t: int, words: int = 32_128) -> Count:
    inner = heads * 64
    forward = [total(dense(d, hidden, n, bias=False), dense(hidden, d, n, bias=False)) for n in (s, t)]
    encoder = total(attention(d, s, s, inner), forward[0], (2 * d, 0))
    decoder = total(attention(d, t, t, inner), attention(d, t, s, inner), forward[1], (3 * d, 0))
    tables = 2 * 32 * heads + 2 * d
    return total((tables, 0), times(depth, encoder), times(depth, decoder), dense(d, words, t, bias=False))


def llama(
    d: int, depth: int, heads: int, e: int, hidden: int, t: int, tied: bool = False, words: int = 128_256
) -> Count:
    gated = times(3, dense(d, hidden, t, bias=False))
    layer = total(attention(d, t, t, heads * e, 8 * e), gated, (2 * d, 0))
    return total(times(depth, layer), (d + (0 if tied else words * d), 0), dense(d, words, t, bias=False))


def whisper(d: int, depth: int, t: int, mels: int = 80, words: int = 51_865, places: int = 448) -> Count:
    s = 1500
    stem = total((3 * mels * d + d + 3 * d * d + d, 3000 * 3 * mels * d + s * 3 * d * d), (s * d + places * d, 0))
    forward = [total(dense(d, 4 * d, n), dense(4 * d, d, n), (2 * d, 0)) for n in (s, t)]
    encoder = total(attention(d, s, s), (3 * d + 2 * d, 0), forward[0])
    decoder = total(attention(d, t, t), attention(d, t, s), (2 * (3 * d + 2 * d), 0), forward[1])
    return total(stem, times(depth, encoder), times(depth, decoder), (4 * d, 0), dense(d, words, t, bias=False))


def vit(d: int, depth: int, patch: int = 16) -> Count:
    patches = (224 // patch) ** 2
    t = patches + 1
    layer = total(attention(d, t, t), (4 * d + 2 * 2 * d, 0), dense(d, 4 * d, t), dense(4 * d, d, t))
    stem = total(dense(3 * patch**2, d, patches), (d + t * d + 2 * d, 0))
    return total(stem, times(depth, layer), dense(d, 1000, 1))


def swin(d: int, depths: list[int], heads: list[int]) -> Count:
    parts = [dense(3 * 16, d, 56 * 56), (2 * d, 0)]
    for k, (depth, h) in enumerate(zip(depths, heads)):
        n, c = (56 >> k) ** 2, d << k
        if k:
            parts += [(2 * 2 * c, 0), dense(2 * c, c, n, bias=False)]
        layer = total((4 * c * c + 4 * c, 4 * n * c * c + 2 * n * 49 * c), dense(c, 4 * c, n), dense(4 * c, c, n))
        parts.append(times(depth, total(layer, (13 * 13 * h + 2 * 2 * c, 0))))
    return total(*parts, (2 * 8 * d, 0), dense(8 * d, 1000, 1))


def transformer(d: int, hidden: int, s: int, t: int, depth: int = 6, words: int = 37_000) -> Count:
    forward = [total(dense(d, hidden, n), dense(hidden, d, n)) for n in (s, t)]
    encoder = total(attention(d, s, s), forward[0], (2 * 2 * d, 0))
    decoder = total(attention(d, t, t), attention(d, t, s), forward[1], (3 * 2 * d, 0))
    return total(times(depth, encoder), times(depth, decoder), dense(d, words, t, bias=False))


def mixtral(d: int, hidden: int, t: int, count: int = 8, k: int = 2) -> Count:
    """All experts have weights, and each position goes to k of them."""
    gate, expert = dense(d, count, t, bias=False), times(3, dense(d, hidden, t, bias=False))
    return gate[0] + count * expert[0], gate[1] + k * expert[1]


def mixtral_whole(d: int, hidden: int, t: int, depth: int = 32, words: int = 32_000) -> Count:
    layer = total(attention(d, t, t, d, d // 4), mixtral(d, hidden, t), (2 * d, 0))
    return total(times(depth, layer), (d + words * d, 0), dense(d, words, t, bias=False))


def table() -> dict[str, Count]:
    """All closed forms by variant."""
    small, base = (384, 4), (512, 6)
    return {
        "transformer_base": transformer(512, 2048, 128, 128), "transformer_big": transformer(1024, 4096, 128, 128),
        "transformer_base S=50 T=31": transformer(512, 2048, 50, 31),
        "mixtral_layer": mixtral(4096, 14_336, 128), "mixtral_layer T=33": mixtral(4096, 14_336, 33),
        "mixtral_8x7b": mixtral_whole(4096, 14_336, 512), "mixtral_8x7b T=77": mixtral_whole(4096, 14_336, 77),
        "bert_base": bert(768, 12, 128), "bert_base T=512": bert(768, 12, 512),
        "bert_large": bert(1024, 24, 128),
        "gpt2": gpt2(768, 12, 1024), "gpt2 T=128": gpt2(768, 12, 128), "gpt2_medium": gpt2(1024, 24, 1024),
        "gpt2_large": gpt2(1280, 36, 1024), "gpt2_xl": gpt2(1600, 48, 1024),
        "t5_small": t5(512, 6, 2048, 8, 512, 512), "t5_base": t5(768, 12, 3072, 12, 512, 512),
        "t5_small T=100 S=100": t5(512, 6, 2048, 8, 100, 100),
        "llama_3_2_1b": llama(2048, 16, 32, 64, 8192, 512, tied=True),
        "llama_3_1_8b": llama(4096, 32, 32, 128, 14_336, 512),
        "llama_3_1_8b T=77": llama(4096, 32, 32, 128, 14_336, 77),
        "llama_3_1_70b": llama(8192, 80, 64, 128, 28_672, 512),
        "whisper_tiny": whisper(*small, 448), "whisper_tiny T=20": whisper(*small, 20),
        "whisper_base": whisper(*base, 448), "whisper_small": whisper(768, 12, 448),
        "vit_b_16": vit(768, 12), "vit_b_32": vit(768, 12, 32), "vit_l_16": vit(1024, 24),
        "vit_l_32": vit(1024, 24, 32), "vit_h_14": vit(1280, 32, 14), "deit_tiny_patch16_224": vit(192, 12),
        "deit_small_patch16_224": vit(384, 12), "deit_base_patch16_224": vit(768, 12),
        "swin_t": swin(96, [2, 2, 6, 2], [3, 6, 12, 24]), "swin_s": swin(96, [2, 2, 18, 2], [3, 6, 12, 24]),
        "swin_b": swin(128, [2, 2, 18, 2], [4, 8, 16, 32]),
    }  # fmt: skip
