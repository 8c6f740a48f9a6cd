"""Second sources of what the courses' ledger lists under recurrent layers and attention: modules written from the papers."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
from second import Arrays, Second, Sizes
from second_loops import GRID, tagger, words

PAIR = {**GRID, "S": (1, 2, 5)}
PAIRS = ({"N": 1, "S": 7, "T": 4}, {"N": 2, "S": 3, "T": 5})


def of(module: str, name: str, *given: Any) -> Callable[[], Any]:
    return lambda: getattr(importlib.import_module(module), name)(*given)


def sentences(draw: np.random.Generator, size: Sizes) -> Arrays:
    return {name: draw.integers(0, 20, (size["N"], size[k])) for name, k in (("source", "S"), ("target", "T"))}


def said(output: str) -> Callable[[Any, Arrays], Arrays]:
    """Of one output, and all inputs in their order."""
    return lambda net, x: {output: net(*x.values())}


def chosen_of(graph: Any) -> int:
    """How many are the best."""
    return next(int(node.op.k) for node in graph.nodes if node.op.name == "top_k")


def seq2seq_attention() -> Second:
    """Of a source of one word, PyTorch does not count the products."""
    return Second(
        "seq2seq_attention", {"d": 8, "m": 6, "source_vocab": 30, "target_vocab": 20}, "torch",
        of("torch_seq2seq_paper", "CourseSeq2Seq", 8, 6, 30, 20), sentences, said("logits"), {"N": 2, "S": 7, "T": 5}, {**PAIR, "S": (2, 3, 5)},
        of("torch_seq2seq_paper", "CourseSeq2Seq"), PAIRS,
    )  # fmt: skip


def tutorial_translator() -> Second:
    def sentences_of_ten(draw: np.random.Generator, size: Sizes) -> Arrays:
        return sentences(draw, {**size, "S": 10})

    return Second(
        "tutorial_translator", {"d": 8, "source_vocab": 30, "target_vocab": 20}, "torch",
        of("torch_seq2seq_paper", "TutorialSeq2Seq", 8, 30, 20), sentences_of_ten, said("log_probabilities"),
        {"N": 2, "T": 5}, GRID, of("torch_seq2seq_paper", "TutorialSeq2Seq"), ({"N": 1, "T": 4}, {"N": 2, "T": 5}),
    )  # fmt: skip


def self_attention() -> Second:
    """Queries, keys, values and results of as many features as enter, which is `nn.MultiheadAttention`."""

    def make(*given: int) -> Any:
        from torch_transformer import Attention

        return Attention(*given)

    return Second(
        "self_attention_eight_heads", {"k": 16, "p": 4, "l": 4, "n": 16, "heads": 4}, "", lambda: make(16, 4),
        lambda draw, size: {"x": draw.normal(size=(size["N"], size["M"], size.get("k", 16)))},
        lambda net, x: {"y": net(x["x"], x["x"])}, {"N": 2, "M": 7}, {"N": (1, 3), "M": (1, 2, 5)},
        lambda: make(512, 8), ({"N": 1, "M": 7, "k": 512}, {"N": 2, "M": 3, "k": 512}),
    )  # fmt: skip


def memn2n() -> Second:
    """A question is one vector, and a story at least two sentences: of one, PyTorch does not count the products."""

    def read(draw: np.random.Generator, size: Sizes) -> Arrays:
        n, longest = size["N"], size.get("length", 5)
        return {
            "story": draw.integers(0, 12, (n, size["M"], longest)), "question": draw.integers(0, 12, (n, longest)),
        }  # fmt: skip

    return Second(
        "memn2n", {"d": 6, "vocab": 12, "longest": 9, "length": 5}, "torch", of("torch_memories", "MemN2N", 12, 6, 3, 9),
        read, said("answer"), {"N": 2, "M": 7}, {"N": (2, 3), "M": (2, 5)}, of("torch_memories", "MemN2N"),
        ({"N": 2, "M": 50}, {"N": 3, "M": 7}),
    )  # fmt: skip


def pointer_net() -> Second:
    def tours(draw: np.random.Generator, size: Sizes) -> Arrays:
        n, s, t = (size[k] for k in "NST")
        return {"points": draw.normal(size=(n, s, 2)), "chosen": draw.integers(0, s, (n, t))}

    return Second(
        "pointer_net", {"d": 8}, "", of("torch_memories", "PointerNet", 8), tours, said("scores"),
        {"N": 2, "S": 7, "T": 5}, PAIR, of("torch_memories", "PointerNet"), PAIRS,
    )  # fmt: skip


def structured_self_attention() -> Second:
    small = {"features": 6, "d": 4, "attended": 5, "rows": 3, "hidden": 7}

    def outputs(net: Any, x: Arrays) -> Arrays:
        return dict(zip(("scores", "attention"), net(x["words"]), strict=True))

    return Second(
        "structured_self_attention", small, "", of("torch_memories", "StructuredSelfAttention", 6, 4, 5, 3, 7),
        lambda draw, size: {"words": draw.normal(size=(size["N"], size["T"], size.get("features", 6)))}, outputs,
        {"N": 2, "T": 7}, GRID, of("torch_memories", "StructuredSelfAttention"),
        ({"N": 1, "T": 7, "features": 100}, {"N": 2, "T": 3, "features": 100}),
    )  # fmt: skip


def snail() -> Second:
    """The other network says what every picture is, of which only the last is asked."""

    def tasks(draw: np.random.Generator, size: Sizes) -> Arrays:
        ways, shots = size.get("ways", 3), size.get("shots", 1)
        labels = np.eye(ways)[[*range(ways)] * shots]
        labels = np.concatenate([labels, np.zeros((1, ways))])[None].repeat(size["N"], 0)
        turned = np.stack([np.concatenate([draw.permutation(one[:-1]), one[-1:]]) for one in labels])
        return {"images": draw.normal(size=(size["N"], ways * shots + 1, 1, 28, 28)), "labels": turned}

    def beyond(size: Sizes, graph: Any) -> int:
        ways, features = graph.parameters()["head.weight"].type.shape
        return size["N"] * (graph.inputs[0].type.shape[1] - 1) * ways * features

    return Second(
        "snail_omniglot", {"ways": 3, "width": 6}, "torch", of("torch_memories", "Snail", 3, 1, 6), tasks,
        said("scores"), {"N": 2}, {"N": (1, 3)}, of("torch_memories", "Snail"), ({"N": 1, "ways": 5}, {"N": 2, "ways": 5}),
        beyond=beyond,
    )  # fmt: skip


def lstmn() -> Second:
    """The other network multiplies W_h with the tape at every step, and sums without products; here W_h meets each state once,
    and the tape has all its places from the beginning.
    """

    def beyond(size: Sizes, graph: Any) -> int:
        d, m = (graph.parameters()[f"reader.{k}_query.weight"].type.shape[1] for k in "hx")
        n, t = size["N"], size["T"]
        here = t * (2 * d * d + m * d) + 3 * t * t * d
        return n * (t * (t - 1) // 2 * (d * d + d) + (t - 1) * (d * d + m * d) - here)

    return Second(
        "lstmn", {"d": 8, "m": 6, "vocab": 20}, "torch", of("torch_memories", "Lstmn", 6, 8, 20), words(20),
        said("logits"), {"N": 2, "T": 7}, {"N": (1, 3), "T": (1, 2, 3, 5)}, of("torch_memories", "Lstmn"),
        ({"N": 1, "T": 7}, {"N": 2, "T": 3}), beyond=beyond,
    )  # fmt: skip


def show_attend_tell() -> Second:
    """The other network multiplies what it sees anew for each word."""

    def pictures(draw: np.random.Generator, size: Sizes) -> Arrays:
        n, places, features = size["N"], size.get("places", 9), size.get("features", 6)
        return {"annotations": draw.normal(size=(n, places, features)), "words": draw.integers(0, 20, (n, size["T"]))}

    def beyond(size: Sizes, graph: Any) -> int:
        places, features = graph.inputs[0].type.shape[1:]
        return size["N"] * (size["T"] - 1) * places * features**2

    return Second(
        "show_attend_tell", {"d": 8, "m": 5, "vocab": 20, "features": 6, "places": 9}, "torch",
        of("torch_memories", "ShowAttendTell", 6, 5, 8, 20), pictures, said("logits"), {"N": 2, "T": 5}, GRID,
        of("torch_memories", "ShowAttendTell", 512, 512, 1800),
        ({"N": 1, "T": 4, "places": 196, "features": 512}, {"N": 2, "T": 3, "places": 196, "features": 512}), beyond=beyond,
    )  # fmt: skip


def moe_lstm() -> Second:
    """All experts of the other network run, and its gate twice."""

    def beyond(size: Sizes, graph: Any) -> int:
        count, d = graph.parameters()["moe.gate.weight"].type.shape
        hidden = graph.parameters()["moe.0.fc1.weight"].type.shape[0]
        return size["N"] * size["T"] * ((count - chosen_of(graph)) * 2 * d * hidden + count * d)

    return Second(
        "moe_lstm_32", {"count": 5, "k": 2, "d": 8, "hidden": 6, "vocab": 20}, "",
        of("torch_memories", "RecurrentExperts", 5, 8, 6, 2, 20), words(20), said("logits"), {"N": 2, "T": 7}, GRID,
        of("torch_memories", "RecurrentExperts", 32), ({"N": 1, "T": 4}, {"N": 2, "T": 3}), beyond=beyond,
    )  # fmt: skip


def product_keys() -> Second:
    """Sums over the values found are products here; the other network multiplies and adds."""

    def beyond(size: Sizes, graph: Any) -> int:
        heads = graph.parameters()["keys"].type.shape[0]
        d = graph.parameters()["values.weight"].type.shape[1]
        return -size["N"] * size["T"] * heads * chosen_of(graph) * d

    return Second(
        "product_key_memory", {"d": 6, "heads": 2, "n": 5, "k": 3, "width": 8}, "",
        of("torch_memories", "ProductKeyMemory", 6, 2, 5, 8, 3),
        lambda draw, size: {"x": draw.normal(size=(size["N"], size["T"], size.get("d", 6)))}, said("y"),
        {"N": 2, "T": 7}, GRID, of("torch_memories", "ProductKeyMemory"),
        ({"N": 1, "T": 7, "d": 1024}, {"N": 2, "T": 3, "d": 1024}), beyond=beyond,
    )  # fmt: skip


def translator(
    variant: str, small: dict[str, Any], other: Callable[[], Any], full: Callable[[], Any], **more: Any
) -> Second:
    """Sequences of three words at least, as areas are of three (`area_attention`)."""
    return Second(
        variant, small, more.pop("map", ""), other, sentences, said("logits"), {"N": 2, "S": 7, "T": 5},
        {"N": (1, 3), "S": (3, 4, 6), "T": (3, 4, 6)}, full, ({"N": 1, "S": 9, "T": 4}, {"N": 2, "S": 3, "T": 5}), **more,
    )  # fmt: skip


SMALL = {"d": 16, "hidden": 24, "heads": 4, "vocab": 20}
TRANSLATOR = "torch_translators"


def synthesizer(rank: int) -> Second:
    name = "synthesizer_factorized_random" if rank else "synthesizer_random"
    return translator(
        name, {**SMALL, "depth": 2, "longest": 9, "rank": min(rank, 3)},
        of(TRANSLATOR, "synthesizer", 20, 16, 24, 2, 4, 9, min(rank, 3)),
        of(TRANSLATOR, "synthesizer", 33_288, 512, 2048, 6, 8, 256, rank), map="torch",
    )  # fmt: skip


def area_transformer() -> Second:
    return translator(
        "area_transformer_tiny", {**SMALL, "depth": 2}, of(TRANSLATOR, "area_transformer", 20, 16, 24, 2, 4),
        of(TRANSLATOR, "area_transformer", 33_288), map="torch",
    )  # fmt: skip


def universal_transformer() -> Second:
    """Positions are counted from 0, as for the Transformer."""
    return translator(
        "universal_transformer_base", {**SMALL, "steps": 3}, of(TRANSLATOR, "UniversalTransformer", 20, 16, 24, 4, 3, 0),
        of(TRANSLATOR, "UniversalTransformer", 33_288, 1024, 4096, 16, 6, 0),
    )  # fmt: skip


def evolved_transformer() -> Second:
    """Of three cells each; the network has one more in its decoder."""

    def full() -> Any:
        import torch_translators as translators

        net = translators.EvolvedTransformer(33_288)
        net.decoder.append(translators.EvolvedDecoder(512, 8))
        return net

    return translator(
        "evolved_transformer_base",
        {"d": 16, "hidden": 64, "heads": 4, "vocab": 20, "encoders": 2, "decoders": 2},
        of(TRANSLATOR, "EvolvedTransformer", 20, 16, 4, 2), full, map="torch",
    )  # fmt: skip


def dynamic_convolution(variant: str, dynamic: bool) -> Second:
    def make(*given: int) -> Callable[[], Any]:
        return of(TRANSLATOR, "ConvolutionTranslator", *given, dynamic)

    small = {"d": 16, "hidden": 24, "heads": 4, "source_vocab": 20, "target_vocab": 20}
    return translator(variant, small, make(20, 20, 16, 24, 4), make(8848, 6632, 512, 1024, 4), map="torch")


def glu_lm() -> Second:
    return Second(
        "gcnn_8", {"depth": 3, "d": 8, "lookup": 5, "vocab": 20}, "torch",
        of("torch_long_contexts", "GatedConvolutions", 20, 5, 8, 3), words(20), said("features"), {"N": 2, "T": 7}, GRID,
        of("torch_long_contexts", "GatedConvolutions", 267_735), ({"N": 1, "T": 7}, {"N": 2, "T": 3}),
    )  # fmt: skip


def spans(variant: str, depth: int, memories: int) -> Second:
    """The other network multiplies queries with all distances, up to the longest."""

    def beyond(size: Sizes, graph: Any) -> int:
        e, longest = graph.parameters()["position"].type.shape
        heads = [p.type.shape[0] for path, p in graph.parameters().items() if path.endswith(".span")]
        return size["N"] * size["T"] * (longest - size["T"]) * e * sum(heads)

    few = {"hidden": 24} if not memories else {"memories": 5}
    return Second(
        variant, {"depth": 2, "d": 16, "heads": 4, "longest": 50, "vocab": 20, **few}, "torch",
        of("torch_long_contexts", "SpannedTransformer", 20, 16, 2, 4, 24, 50, 32, 5 if memories else 0), words(20),
        said("logits"), {"N": 2, "T": 40}, {"N": (1, 3), "T": (1, 2, 3, 5)},
        of("torch_long_contexts", "SpannedTransformer", 256, 512, depth, 8, 2048, 8192, 32, memories),
        ({"N": 1, "T": 7}, {"N": 2, "T": 3}), beyond,
    )  # fmt: skip


def sparse_transformer() -> Second:
    """The other network computes all scores and hides most of them."""

    def pictures(draw: np.random.Generator, size: Sizes) -> Arrays:
        return {"bytes": draw.integers(0, 256, (size["N"], 48))}

    def beyond(size: Sizes, graph: Any) -> int:
        t, pairs, d, stride = 48, 2, 16, 8
        return size["N"] * pairs * t * (2 * t - 2 * stride - t // stride) * (d // 2 + d)

    return Second(
        "sparse_transformer_cifar10", {"pairs": 2, "d": 16, "stride": 8, "side": 4}, "",
        of("torch_long_contexts", "SparseTransformer", 16, 4, 2, 8, 4), pictures, said("logits"), {"N": 2}, {"N": (1, 3)},
        beyond=beyond,
    )  # fmt: skip


LEDGER: dict[str, Callable[[], Second]] = {
    "rnn_many_to_many": lambda: tagger("rnn_many_to_many", "LSTM", 2),
    **{
        make.__name__: make
        for make in (
            seq2seq_attention, tutorial_translator, self_attention, memn2n, pointer_net, structured_self_attention, snail,
            lstmn, show_attend_tell, moe_lstm, product_keys, area_transformer, universal_transformer,
            evolved_transformer, glu_lm, sparse_transformer,
        )
    },
    "synthesizer_random": lambda: synthesizer(0),
    "synthesizer_factorized_random": lambda: synthesizer(8),
    "lightconv": lambda: dynamic_convolution("lightconv_iwslt_de_en", dynamic=False),
    "dynamicconv": lambda: dynamic_convolution("dynamicconv_iwslt_de_en", dynamic=True),
    "adaptive_span": lambda: spans("adaptive_span_small", 12, 0),
    "all_attention": lambda: spans("all_attention_small", 18, 1024),
}  # fmt: skip
