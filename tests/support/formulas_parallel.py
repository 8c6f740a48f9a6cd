"""Closed forms of the perceptrons, the serial networks of 2012 to 2014, and the networks of parallel branches."""

from __future__ import annotations

from itertools import pairwise

from sheet import Count, Sheet


def mlp(*widths: int) -> Count:
    macs = sum(m * n for m, n in pairwise(widths))
    return macs + sum(widths[1:]), macs


def convnet1989() -> Count:
    """The paper's own counts: 768 units with 26 connections, 192 with 201, 30 with 193, 10 with 31. The kernels are
    shared (25 and 200 weights a map), the biases are not."""
    connections, biases = 768 * 26 + 192 * 201 + 30 * 193 + 10 * 31, 768 + 192 + 30 + 10
    assert (connections, 256 + biases) == (64_660, 1_256)
    return 12 * 25 + 768 + 12 * 200 + 192 + 30 * 193 + 10 * 31, connections - biases


def nin_cifar10() -> Count:
    s = Sheet(3, 32).biased(192, 5).biased(160, 1).biased(96, 1).pool(3, 2, ceil=True)
    s.biased(192, 5).biased(192, 1).biased(192, 1).pool(3, 2, ceil=True)
    return s.biased(192, 3).biased(192, 1).biased(10, 1).count


def nin_imagenet() -> Count:
    s = Sheet(3, 227)
    for width, k, stride, pad in ((96, 11, 4, 0), (256, 5, 1, 2), (384, 3, 1, 1)):
        s.biased(width, k, stride, pad).biased(width, 1).biased(width, 1).pool(3, 2)
    return s.biased(1024, 3).biased(1024, 1).biased(1000, 1).count


def zfnet() -> Count:
    s = Sheet(3, 224).biased(96, 7, 2, 1).pool(3, 2, 1).biased(256, 5, 2, 0).pool(3, 2, 1)
    s.biased(384, 3).biased(384, 3).biased(256, 3).pool(3, 2)
    return s.linear(4096, 256 * 36).linear(4096).linear(1000).count


def overfeat_fast(first: int = 96) -> Count:
    s = Sheet(3, 231).biased(first, 11, 4, 0).pool(2, 2).biased(256, 5, pad=0).pool(2, 2)
    s.biased(512, 3).biased(1024, 3).biased(1024, 3).pool(2, 2)
    return s.biased(3072, 6, pad=0).biased(4096, 1).biased(1000, 1).count


def overfeat_accurate() -> Count:
    s = Sheet(3, 221).biased(96, 7, 2, 0).pool(3, 3).biased(256, 7, pad=0).pool(2, 2)
    s.biased(512, 3).biased(512, 3).biased(1024, 3).biased(1024, 3).pool(3, 3)
    return s.biased(4096, 5, pad=0).biased(4096, 1).biased(1000, 1).count


def walk(s: Sheet, path: str, *, bias: bool = False, bn: bool = True) -> Sheet:
    """Convolutions in order: ``64@1``, ``96@3`` (same size), ``96@3v`` (no padding), ``96@3/2`` (stride 2, no padding),
    ``96@3s2`` (stride 2, padded), ``256@1x7``; ``256@1x3+3x1`` are two side by side."""
    for step in path.split():
        out, _, kernels = step.partition("@")
        forks = [s.branch() for _ in kernels.split("+")]
        for fork, kernel in zip(forks, kernels.split("+")):
            if "x" in kernel:
                height, width = map(int, kernel.split("x"))
                fork.conv(int(out), (height, width), bias=bias, bn=bn)
            else:
                stride = 2 if kernel.endswith("2") else 1
                pad = 0 if kernel[1:] in ("v", "/2") else None
                fork.conv(int(out), int(kernel[0]), stride, pad, bias=bias, bn=bn)
        s.c, s.side = sum(fork.c for fork in forks), forks[0].side
    return s


def module(s: Sheet, *paths: str, keep: bool = False, bias: bool = False, bn: bool = True) -> Sheet:
    """Branches side by side, concatenated; ``keep`` passes the (pooled) input through too."""
    ends = [walk(s.branch(), path, bias=bias, bn=bn) for path in paths]
    s.c, s.side = sum(end.c for end in ends) + (s.c if keep else 0), ends[-1].side
    return s


def bn_inception(*, bias: bool = True, gate: int = 0) -> Count:
    s = Sheet(3, 224).conv(64, 7, 2, bias=bias).pool(3, 2, ceil=True)
    s.conv(64, 1, bias=bias).conv(192, 3, bias=bias).pool(3, 2, ceil=True)
    for c1, c3r, c3, d3r, d3, proj in (
        (64, 64, 64, 64, 96, 32), (64, 64, 96, 64, 96, 64), (0, 128, 160, 64, 96, 0), (224, 64, 96, 96, 128, 128),
        (192, 96, 128, 96, 128, 128), (160, 128, 160, 128, 160, 128), (96, 128, 192, 160, 192, 128),
        (0, 128, 192, 192, 256, 0), (352, 192, 320, 160, 224, 128), (352, 192, 320, 192, 224, 128),
    ):  # fmt: skip
        if c1:
            module(s, f"{c1}@1", f"{c3r}@1 {c3}@3", f"{d3r}@1 {d3}@3 {d3}@3", f"{proj}@1", bias=bias)
        else:
            module(s, f"{c3r}@1 {c3}@3s2", f"{d3r}@1 {d3}@3 {d3}@3s2", keep=True, bias=bias)
        if gate:
            s.branch().linear(s.c // gate).linear(s.c)
    return s.linear(1000).count


def inception_v3(*, aux: bool = False) -> Count:
    s = walk(Sheet(3, 299), "32@3/2 32@3v 64@3").pool(3, 2)
    walk(s, "80@1 192@3v").pool(3, 2)
    for proj in (32, 64, 64):
        module(s, "64@1", "48@1 64@5", "64@1 96@3 96@3", f"{proj}@1")
    module(s, "384@3/2", "64@1 96@3 96@3/2", keep=True)
    for c in (128, 160, 160, 192):
        module(s, "192@1", f"{c}@1 {c}@1x7 192@7x1", f"{c}@1 {c}@7x1 {c}@1x7 {c}@7x1 192@1x7", "192@1")
    if aux:
        walk(s.at(s.c, 5), "128@1 768@5v").linear(1000)
    module(s, "192@1 320@3/2", "192@1 192@1x7 192@7x1 192@3/2", keep=True)
    for _ in range(2):
        module(s, "320@1", "384@1 384@1x3+3x1", "448@1 384@3 384@1x3+3x1", "192@1")
    return s.linear(1000).count


def stem_v4(res: int) -> Sheet:
    s = walk(Sheet(3, res), "32@3/2 32@3v 64@3")
    module(s, "96@3/2", keep=True)
    module(s, "64@1 96@3v", "64@1 64@1x7 64@7x1 96@3v")
    return module(s, "192@3/2", keep=True)


def inception_v4() -> Count:
    s = stem_v4(299)
    for _ in range(4):
        module(s, "96@1", "64@1 96@3", "64@1 96@3 96@3", "96@1")
    module(s, "384@3/2", "192@1 224@3 256@3/2", keep=True)
    for _ in range(7):
        module(s, "384@1", "192@1 224@1x7 256@7x1", "192@1 192@7x1 224@1x7 224@7x1 256@1x7", "128@1")
    module(s, "192@1 192@3/2", "256@1 256@1x7 320@7x1 320@3/2", keep=True)
    for _ in range(3):
        module(s, "256@1", "384@1 256@1x3+3x1", "384@1 448@3x1 512@1x3 256@1x3+3x1", "256@1")
    return s.linear(1000).count


def residual(s: Sheet, *paths: str) -> Sheet:
    """Branches, and a 1 x 1 with bias and without normalisation back to the width of the map."""
    module(s.branch(), *paths).biased(s.c, 1)
    return s


def inception_resnet_v1() -> Count:
    s = walk(Sheet(3, 299), "32@3/2 32@3v 64@3").pool(3, 2)
    walk(s, "80@1 192@3v 256@3/2")
    for _ in range(5):
        residual(s, "32@1", "32@1 32@3", "32@1 32@3 32@3")
    module(s, "384@3/2", "192@1 192@3 256@3/2", keep=True)
    for _ in range(10):
        residual(s, "128@1", "128@1 128@1x7 128@7x1")
    module(s, "256@1 384@3/2", "256@1 256@3/2", "256@1 256@3 256@3/2", keep=True)
    for _ in range(6):
        residual(s, "192@1", "192@1 192@1x3 192@3x1")
    embedding = s.c * 512
    s.sum[0] += embedding + 2 * 512
    s.sum[1] += embedding
    return s.linear(1000, 512).count


def inception_resnet_v2() -> Count:
    s = walk(Sheet(3, 299), "32@3/2 32@3v 64@3").pool(3, 2)
    walk(s, "80@1 192@3v").pool(3, 2)
    module(s, "96@1", "48@1 64@5", "64@1 96@3 96@3", "64@1")
    for _ in range(10):
        residual(s, "32@1", "32@1 32@3", "32@1 48@3 64@3")
    module(s, "384@3/2", "256@1 256@3 384@3/2", keep=True)
    for _ in range(20):
        residual(s, "192@1", "128@1 160@1x7 192@7x1")
    module(s, "256@1 384@3/2", "256@1 288@3/2", "256@1 288@3 320@3/2", keep=True)
    for _ in range(10):
        residual(s, "192@1", "192@1 224@1x3 256@3x1")
    return walk(s, "1536@1").linear(1000).count


def xception() -> Count:
    s = walk(Sheet(3, 299), "32@3/2 64@3v")

    def separable(out: int) -> None:
        s.conv(s.c, 3, groups=s.c, bn=False).conv(out, 1)

    for widths in ((128, 128), (256, 256), (728, 728), *[(728,) * 3] * 8, (728, 1024)):
        if len(widths) == 2:
            s.branch().conv(widths[-1], 1, 2)
        for out in widths:
            separable(out)
        if len(widths) == 2:
            s.side = -(-s.side // 2)
    separable(1536)
    separable(2048)
    return s.linear(1000).count


def polynet() -> Count:
    """Two-way modules have every weight twice; in a poly-3 the branches' weights exist once, work three times, and have
    three normalisations, and the last 1 x 1 exists three times."""
    s = stem_v4(331)
    b, c = ("192@1", "128@1 160@1x7 192@7x1"), ("192@1", "192@1 224@1x3 256@3x1")

    def unit(*paths: str, times: int = 2, shared: bool = False) -> None:
        for _ in range(times):
            module(s.branch(), *paths).conv(s.c, 1)
        bare = Sheet(s.c, s.side)
        module(bare, *paths, bn=False)
        s.sum[0] -= (times - 1) * bare.sum[0] if shared else 0

    for _ in range(10):
        unit("32@1", "32@1 32@3", "32@1 48@3 64@3")
    module(s, "384@3/2", "256@1 256@3 384@3/2", keep=True)
    for _ in range(10):
        unit(*b, times=3, shared=True)
        unit(*b)
    module(s, "256@1 384@3/2", "256@1 256@3/2", "256@1 256@3 256@3/2", keep=True)
    for _ in range(5):
        unit(*c, times=3, shared=True)
        unit(*c)
    return s.linear(1000).count


def table() -> dict[str, Count]:
    """All closed forms by variant."""
    code = mlp(784, 1000, 500, 250, 30, 250, 500, 1000, 784)
    return {
        "gate_mp": mlp(2, 1), "gate_and": (0, 2), "gate_or": (0, 2), "perceptron": mlp(1024, 1),
        "adaline": mlp(1024, 1), "madaline": mlp(2, 4, 1), "mlp3": mlp(2, 7, 2, 1), "mlp_keras_121": mlp(1, 2, 1),
        "autoencoder_mnist": code, "convnet1989": convnet1989(), "nin_cifar10": nin_cifar10(),
        "nin_imagenet": nin_imagenet(), "zfnet": zfnet(), "overfeat_fast": overfeat_fast(),
        "overfeat_fast_slim": overfeat_fast(64), "overfeat_accurate": overfeat_accurate(),
        "bn_inception": bn_inception(), "se_bn_inception": bn_inception(bias=False, gate=16),
        "inception_v3": inception_v3(), "inception_v3 train=1": inception_v3(aux=True),
        "inception_v4": inception_v4(), "inception_resnet_v1": inception_resnet_v1(),
        "inception_resnet_v2": inception_resnet_v2(), "xception": xception(), "polynet": polynet(),
    }  # fmt: skip
