"""Closed forms of the mobile networks, the networks of shifts, DelugeNets and the networks of searched cells."""

from __future__ import annotations

import math
from collections.abc import Iterable

from sheet import Count, Sheet

Rows = list[tuple[int, ...]]


def divisible(v: float) -> int:
    rounded = max(8, int(v + 4) // 8 * 8)
    return rounded if rounded >= 0.9 * v else rounded + 8


def gate(s: Sheet, width: int) -> None:
    """Squeeze and excitation, both with bias."""
    s.branch().linear(width).linear(s.c)


def mbconv(s: Sheet, out: int, hidden: int, k: int, stride: int, squeezed: int = 0) -> None:
    if hidden != s.c:
        s.conv(hidden, 1)
    s.conv(hidden, k, stride, groups=hidden)
    if squeezed:
        gate(s, squeezed)
    s.conv(out, 1)


B0: Rows = [(1, 3, 1, 16, 1), (6, 3, 2, 24, 2), (6, 5, 2, 40, 2), (6, 3, 2, 80, 3), (6, 5, 1, 112, 3),
            (6, 5, 2, 192, 4), (6, 3, 1, 320, 1)]  # fmt: skip
"""Expansion, kernel, stride, channels, repeats."""
SCALES = [(1.0, 1.0, 224), (1.0, 1.1, 240), (1.1, 1.2, 260), (1.2, 1.4, 300), (1.4, 1.8, 380), (1.6, 2.2, 456),
          (1.8, 2.6, 528), (2.0, 3.1, 600)]  # fmt: skip


def efficientnet(width: float, depth: float, res: int) -> Count:
    s = Sheet(3, res).conv(divisible(32 * width), 3, 2)
    for t, k, stride, c, n in B0:
        for i in range(math.ceil(depth * n)):
            mbconv(s, divisible(c * width), t * s.c, k, 1 if i else stride, s.c // 4)
    return s.conv(divisible(1280 * width), 1).linear(1000).count


LARGE: Rows = [
    (3, 16, 16, 0, 1), (3, 64, 24, 0, 2), (3, 72, 24, 0, 1), (5, 72, 40, 1, 2), (5, 120, 40, 1, 1), (5, 120, 40, 1, 1),
    (3, 240, 80, 0, 2), (3, 200, 80, 0, 1), (3, 184, 80, 0, 1), (3, 184, 80, 0, 1), (3, 480, 112, 1, 1),
    (3, 672, 112, 1, 1), (5, 672, 160, 1, 2), (5, 960, 160, 1, 1), (5, 960, 160, 1, 1),
]  # fmt: skip
SMALL: Rows = [
    (3, 16, 16, 1, 2), (3, 72, 24, 0, 2), (3, 88, 24, 0, 1), (5, 96, 40, 1, 2), (5, 240, 40, 1, 1), (5, 240, 40, 1, 1),
    (5, 120, 48, 1, 1), (5, 144, 48, 1, 1), (5, 288, 96, 1, 2), (5, 576, 96, 1, 1), (5, 576, 96, 1, 1),
]  # fmt: skip
"""Kernel, width of the expansion, channels, squeeze-and-excitation, stride."""


def mobilenet_v3(rows: Rows, wide: int, last: int, width: float = 1.0) -> Count:
    s = Sheet(3, 224).conv(divisible(16 * width), 3, 2)
    for k, t, c, se, stride in rows:
        hidden = divisible(t * width)
        mbconv(s, divisible(c * width), hidden, k, stride, divisible(hidden // 4) if se else 0)
    return s.conv(divisible(wide * width), 1).linear(divisible(last * width)).linear(1000).count


MNAS_B1: Rows = [(3, 3, 2, 24, 3, 0), (3, 5, 2, 40, 3, 0), (6, 5, 2, 80, 3, 0), (6, 3, 1, 96, 2, 0),
                 (6, 5, 2, 192, 4, 0), (6, 3, 1, 320, 1, 0)]  # fmt: skip
MNAS_A1: Rows = [(6, 3, 2, 24, 2, 0), (3, 5, 2, 40, 3, 1), (6, 3, 2, 80, 4, 0), (6, 3, 1, 112, 2, 1),
                 (6, 5, 2, 160, 3, 1), (6, 3, 1, 320, 1, 0)]  # fmt: skip
"""Expansion, kernel, stride, channels, repeats, squeeze-and-excitation."""


def mnasnet(rows: Rows, width: float = 1.0) -> Count:
    stem = divisible(32 * width)
    s = Sheet(3, 224).conv(stem, 3, 2).conv(stem, 3, groups=stem).conv(divisible(16 * width), 1)
    for t, k, stride, c, n, se in rows:
        for i in range(n):
            mbconv(s, divisible(c * width), t * s.c, k, 1 if i else stride, s.c // 4 if se else 0)
    return s.conv(1280, 1).linear(1000).count


def shufflenet_v1(groups: int, width: int) -> Count:
    s = Sheet(3, 224).conv(24, 3, 2).pool(3, 2, 1)
    for i, n in enumerate((4, 8, 4)):
        c = width * 2**i
        for j in range(n):
            made = c if j else c - s.c
            assert made % groups == 0
            s.conv(c // 4, 1, groups=groups if i or j else 1).conv(c // 4, 3, 1 if j else 2, groups=c // 4)
            s.conv(made, 1, groups=groups)
            s.c = c
    return s.linear(1000).count


def shufflenet_v2_50(*, bn: bool = True) -> Count:
    """Every stage begins with the unit that widens, the first one at stride 1."""
    s = Sheet(3, 224).conv(64, 3, 2, bn=bn).pool(3, 2, 1)
    for i, n in enumerate((3, 4, 6, 3)):
        half, stride = 122 * 2**i, 2 if i else 1
        s.branch().conv(s.c, 3, stride, groups=s.c, bn=bn).conv(half, 1, bn=bn)
        for j in range(n):
            s.conv(half, 1, bn=bn).conv(half, 3, 1 if j else stride, groups=half, bn=bn).conv(half, 1, bn=bn)
        s.c = 2 * half
    return s.conv(2048, 1, bn=bn).linear(1000).count


def densenet_cifar(layers: int, growth: int) -> Count:
    s = Sheet(3, 32).conv(2 * growth, 3, bn=False)
    for i in range(3):
        for _ in range((layers - 4) // 6):
            s.sum[0] += 2 * s.c
            s.branch().conv(4 * growth, 1).conv(growth, 3, bn=False)
            s.c += growth
        s.sum[0] += 2 * s.c
        if i < 2:
            s.conv(s.c // 2, 1, bn=False).pool(2, 2)
    return s.linear(10).count


def before(s: Sheet) -> Sheet:
    """Normalisation in front of a layer."""
    s.sum[0] += 2 * s.c
    return s


def delugenet(layers: Iterable[int]) -> Count:
    def cross(s: Sheet, sources: int) -> None:
        """A weight and a bias a channel for every source; the weights are multiply-accumulates."""
        for _ in range(sources):
            s.branch().biased(s.c, 1, groups=s.c)

    s = Sheet(3, 224).conv(64, 7, 2).pool(3, 2, 1).conv(128, 1, bn=False)
    for i, n in enumerate(layers):
        c = 64 * 2**i
        if i:
            before(s).conv(2 * c, 3, 2, bn=False)
        for j in range(n):
            if j:
                cross(s, j + 1)
            before(s).conv(c, 1).conv(c, 3).conv(2 * c, 1, bn=False)
        cross(s, n + 1)
    return before(s).linear(1000).count


def msdnet22() -> Count:
    """Channels at scale s after n layers are (64 + 6 n) times 1, 2, 4, 4, halved (rounded down) where a scale ends."""
    factors = (1, 2, 4, 4)

    def work(s: Sheet, out: int, factor: int, stride: int = 1) -> None:
        s.conv(min(s.c, factor * out), 1).conv(out, 3, stride)

    total = Sheet(3, 224).conv(64, 7, 2).pool(3, 2, 1)
    total.branch().conv(128, 3, 2).conv(256, 3, 2).conv(256, 3, 2)
    base, finest = 64, 0
    for i in range(22):
        coming = i // 6
        for s in range(coming, 4):
            here = total.at(base * factors[s], 56 >> s)
            if s == finest:
                work(here, 6 * factors[s], factors[s])
            else:
                work(here, 3 * factors[s], factors[s])
                work(total.at(base * factors[s - 1], 112 >> s), 3 * factors[s], factors[s - 1], 2)
        base += 6
        if coming > finest:
            for s in range(coming, 4):
                total.at(base * factors[s], 56 >> s).conv(base // 2 * factors[s], 1)
            base, finest = base // 2, coming
        if i >= 3 and i % 2:
            c = base * factors[3]
            total.at(c, 7).conv(c, 3, 2).conv(c, 3, 2).linear(1000)
    return total.count


def shiftnet(width: float) -> Count:
    s = Sheet(3, 224).conv(int(32 * width), 7, 2)
    for c, n, first, others in ((64, 4, 4, 4), (128, 5, 4, 3), (256, 6, 3, 2), (512, 2, 2, 1)):
        out = int(c * width)
        made = out - s.c
        before(s).conv(first * made, 1).conv(made, 1, 2, bn=False)
        s.c = out
        for _ in range(n):
            before(s).conv(others * out, 1).conv(out, 1, bn=False)
    return before(s).linear(1000).count


def as_resnet(width: int) -> Count:
    s = Sheet(3, 224).conv(width, 3, 2, bn=False)
    for factor, n, stride in ((1, 1, 1), (1, 3, 2), (2, 4, 2), (4, 6, 2), (8, 3, 2)):
        for i in range(n):
            if i == 0 and stride == 2:
                s.branch().conv(factor * width, 1, 2, bn=False)
            before(s).conv(factor * width, 1)
            s.sum[0] += 2 * s.c
            s.pool(1, stride if i == 0 else 1).conv(factor * width, 1, bn=False)
    return before(s).linear(1000).count


def fe_net(width: float) -> Count:
    def bottleneck(s: Sheet, out: int, expand: int, pools: bool = False) -> None:
        s.conv(expand * s.c, 1)
        if pools:
            s.pool(2, 2)
        else:
            s.sum[0] += 2 * s.c
        s.conv(out, 1)

    c = int(16 * width)
    s = Sheet(3, 224).conv(c, 3, 2)
    bottleneck(s, c, 4)
    bottleneck(s, 2 * c, 5, True)
    for n, factor, pools in ((3, 4, True), (4, 8, True), (4, 8, False), (4, 16, True), (3, 16, False)):
        for i in range(1, n):
            bottleneck(s.at(s.c // 2**i, s.side), s.c // 2**i, 6)
        bottleneck(s, factor * c, 6, pools)
    return s.conv(1932, 1).linear(1000).count


GENOTYPES = {
    "nasnet": ("s5 s3 01 | s5 s3 11 | a3 id 01 | a3 a3 11 | s3 id 00", "123456",
               "s5 s7 01 | m3 s7 01 | a3 s5 01 | id a3 32 | s3 m3 20", "3456"),
    "pnasnet": ("s5 m3 11 | s7 m3 00 | s5 s3 00 | s3 m3 40 | s3 id 10", "23456",
                "s5 m3 11 | s7 m3 00 | s5 s3 00 | s3 m3 40 | s3 id 10", "23456"),
    "amoeba_a": ("a3 m3 00 | s3 id 11 | id a3 01 | s3 s5 02 | a3 s3 50", "1346",
                 "s3 a3 10 | m3 s7 02 | m3 m3 10 | s3 c7 40 | a3 s7 10", "23456"),
    "amoeba_c": ("a3 s3 00 | id s3 00 | a3 s3 21 | id s3 01 | a3 s3 30", "12456",
                 "m3 m3 00 | s7 s3 20 | s7 m3 01 | s5 s5 44 | m3 s3 11", "023456"),
    "amoeba_d": ("c1 m3 11 | id c7 10 | c1 c7 00 | m3 id 22 | a3 c1 15", "0346",
                 "m2 m3 00 | id c3 21 | c7 m3 22 | id m2 31 | a3 c1 23", "456"),
}  # fmt: skip
"""Pairs of operations with the states they see, and the states that are joined: normal cell, reduction cell."""


def operation(s: Sheet, op: str, c: int, stride: int) -> Sheet:
    """``s5``: separable, ``a3`` and ``m3``: pooling, ``id``: nothing, ``c7``: factorised, all to ``c`` channels."""
    kind, k = op[0], int(op[1]) if op != "id" else 0
    if kind == "s":
        s.conv(s.c, k, stride, groups=s.c, bn=False).conv(c, 1)
        return s.conv(c, k, groups=c, bn=False).conv(c, 1)
    if op == "c1":
        return s.conv(c, 1, stride)
    if kind == "c":
        s.conv(c // 4, 1)
        shapes: list[tuple[int, int] | int] = [(1, k), (k, 1)] if k == 7 else [k]
        s.side = (s.side - 1) // stride + 1 if k == 3 else s.side
        for shape in shapes:
            if k == 7:
                _along(s, shape, stride)
            else:
                s.conv(c // 4, shape)
        return s.conv(c, 1)
    if stride > 1 and kind == "i":
        return s.conv(c, 1, stride)
    s.pool(1, stride)
    return s if s.c == c else s.conv(c, 1)


def _along(s: Sheet, shape: tuple[int, int] | int, stride: int) -> None:
    """One half of a factorised convolution: the stride acts on its own axis, so 1 x 7 sees all rows still."""
    halved = (s.side - 1) // stride + 1
    weights = s.c * s.c * 7
    first = shape == (1, 7)
    s.sum[0] += weights + 2 * s.c
    s.sum[1] += weights * (s.side if first else halved) * halved
    s.side = s.side if first else halved


def reduced(s: Sheet, c: int) -> Sheet:
    """Two 1x1 convolutions of every second pixel, one normalisation."""
    s.pool(1, 2)
    s.branch().conv(c // 2, 1, bn=False)
    s.conv(c - c // 2, 1, bn=False)
    s.c = c
    return before(s)


def cell(total: Sheet, net: Sheet, prev: Sheet | None, genotype: str, out: str, c: int, stride: int) -> Sheet:
    def at(s: Sheet) -> Sheet:
        return total.at(s.c, s.side)

    states = [at(net).conv(c, 1), at(net)]
    if prev is not None:
        states[1] = reduced(at(prev), c) if prev.side != net.side else operation(at(prev), "id", c, 1)
    for pair in genotype.split(" | "):
        left, right, seen = pair.split()
        made = [operation(at(states[int(i)]), op, c, stride if int(i) < 2 else 1) for op, i in zip((left, right), seen)]
        assert made[0].side == made[1].side
        states.append(made[0])
    joined = [states[int(i)] if states[int(i)].side == states[6].side else reduced(at(states[int(i)]), c) for i in out]
    return total.at(sum(s.c for s in joined), states[6].side)


def searched(name: str, c: int, repeats: tuple[int, ...], stem: int, res: int) -> Count:
    normal, out, reduction, reduction_out = GENOTYPES[name]
    total = Sheet(3, res).conv(stem, 3, 2, 0)
    states: list[Sheet | None] = [None, total]

    def step(genotype: str, out: str, c: int, stride: int) -> None:
        net = states[-1]
        assert net is not None
        states.append(cell(total, net, states[-2], genotype, out, c, stride))

    step(reduction, reduction_out, c // 4, 2)
    step(reduction, reduction_out, c // 2, 2)
    for i, n in enumerate(repeats):
        if i:
            step(reduction, reduction_out, c * 2**i, 2)
        for _ in range(n):
            step(normal, out, c * 2**i, 1)
    assert states[-1] is not None
    return states[-1].linear(1000).count


def table() -> dict[str, Count]:
    """All closed forms by variant."""
    found: dict[str, Count] = {
        "tf_efficientnet_b0": efficientnet(*SCALES[0]),
        "mobilenet_v3_large": mobilenet_v3(LARGE, 960, 1280), "mobilenet_v3_small": mobilenet_v3(SMALL, 576, 1024),
        "mobilenet_v3_large_w0_75": mobilenet_v3(LARGE, 960, 1280, 0.75),
        "mobilenet_v3_small_w0_75": mobilenet_v3(SMALL, 576, 1024, 0.75),
        "mnasnet0_5": mnasnet(MNAS_B1, 0.5), "mnasnet0_75": mnasnet(MNAS_B1, 0.75), "mnasnet1_0": mnasnet(MNAS_B1),
        "mnasnet1_3": mnasnet(MNAS_B1, 1.3), "mnasnet_a1": mnasnet(MNAS_A1),
        "shufflenet_v2_50": shufflenet_v2_50(),
        "densenet_bc_100_k12": densenet_cifar(100, 12), "densenet_bc_190_k40": densenet_cifar(190, 40),
        "densenet_bc_250_k24": densenet_cifar(250, 24),
        "delugenet_92": delugenet((7, 7, 8, 8)), "delugenet_104": delugenet((7, 8, 9, 10)),
        "delugenet_122": delugenet((7, 9, 11, 13)),
        "msdnet22": msdnet22(), "shiftnet_a": shiftnet(1.0), "shiftnet_b": shiftnet(0.5), "fe_net_1_375": fe_net(1.375),
        "nasnet_mobile": searched("nasnet", 44, (4, 4, 4), 32, 224),
        "nasnetalarge": searched("nasnet", 168, (6, 6, 6), 96, 331),
        "pnasnet5large": searched("pnasnet", 216, (4, 3, 3), 96, 331),
    }  # fmt: skip
    for i, scale in enumerate(SCALES):
        found[f"efficientnet_b{i}"] = efficientnet(*scale)
    for groups, width in ((1, 144), (2, 200), (3, 240), (4, 272), (8, 384)):
        found[f"shufflenet_v1_g{groups}"] = shufflenet_v1(groups, width)
    for width in (32, 50, 68):
        found[f"as_resnet_w{width}"] = as_resnet(width)
    for letter, width in (("a", 190), ("c", 228), ("d", 256)):
        found[f"amoebanet_{letter}"] = searched(f"amoeba_{letter}", width, (6, 6, 6), 32, 331)
    return found
