"""Closed forms of the residual networks: CIFAR's, pre-activated, wide, pyramidal, gated, dual."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from sheet import Count, Sheet

D50, D101, D152, D200 = (3, 4, 6, 3), (3, 4, 23, 3), (3, 8, 36, 3), (3, 24, 36, 3)
Unit = Callable[[Sheet, int, int], None]
"""Counts one unit of ``c`` channels with a stride."""


def norm(s: Sheet) -> Sheet:
    """A batch normalisation by itself."""
    s.sum[0] += 2 * s.c
    return s


def stages(s: Sheet, unit: Unit, widths: Iterable[int], depths: Iterable[int]) -> Sheet:
    for i, (c, n) in enumerate(zip(widths, depths)):
        for j in range(n):
            unit(s, c, 2 if i and not j else 1)
    return s


def post(*, deep: bool = False, groups: int = 1, width: int = 64, option: str = "B", deformed: bool = False,
         gate: Callable[[Sheet], None] = lambda s: None) -> Unit:  # fmt: skip
    """A unit whose activations come last."""

    def unit(s: Sheet, c: int, stride: int) -> None:
        out = 4 * c if deep else c
        if option == "B" and (s.c != out or stride > 1):
            s.branch().conv(out, 1, stride)
        if deep:
            inner = c * width // 64 * groups
            s.conv(inner, 1)
            if deformed and c > 64:  # two offsets and a factor for each tap
                s.branch().biased(27, 3, stride)
            s.conv(inner, 3, stride, groups=groups).conv(out, 1)
        else:
            s.conv(c, 3, stride).conv(c, 3)
        gate(s)

    return unit


def pre(*, deep: bool = False, early: bool = False, option: str = "B",
        gate: Callable[[Sheet], None] = lambda s: None) -> Unit:  # fmt: skip
    """A unit that begins with its normalisation; the last convolution and the projection have none."""

    def unit(s: Sheet, c: int, stride: int) -> None:
        out = 4 * c if deep else c
        norm(s)
        if option == "B" and (s.c != out or stride > 1):
            s.branch().conv(out, 1, stride, bn=False)
        if deep:
            s.conv(c, 1, stride if early else 1).conv(c, 3, 1 if early else stride).conv(out, 1, bn=False)
        else:
            s.conv(c, 3, stride).conv(c, 3, bn=False)
        gate(s)

    return unit


def stem() -> Sheet:
    return Sheet(3, 224).conv(64, 7, 2).pool(3, 2, 1)


def imagenet(unit: Unit, depths: Sequence[int], *, tail: bool = False) -> Count:
    s = stages(stem(), unit, (64, 128, 256, 512), depths)
    return (norm(s) if tail else s).linear(1000).count


def cifar(unit: Unit, n: int, *, k: int = 1, first: int = 16, bn: bool = True, tail: bool = False) -> Count:
    """``bn``: the first convolution is normalised; ``tail``: so is what comes out of the last unit."""
    s = stages(Sheet(3, 32).conv(first, 3, bn=bn), unit, (first * k, 2 * first * k, 4 * first * k), (n, n, n))
    return (norm(s) if tail else s).linear(10).count


def pyramidnet(depths: Sequence[int], alpha: int, s: Sheet) -> Count:
    """Unit k of N has floor(D + alpha k / N + 1/2) channels inside and four times as many outside."""
    first, total, k = s.c, sum(depths), 0
    for i, n in enumerate(depths):
        for j in range(n):
            k += 1
            c = (2 * first * total + 2 * alpha * k + total) // (2 * total)
            norm(s).conv(c, 1).conv(c, 3, 2 if i and not j else 1).conv(4 * c, 1)
    return norm(s).linear(1000 if len(depths) == 4 else 10).count


def dpn(stem: int, r: int, groups: int, depths: Iterable[int], steps: Iterable[int]) -> Count:
    s = Sheet(3, 224).conv(stem, 7, 2).pool(3, 2, 1)
    for i, (c, n, step) in enumerate(zip((256, 512, 1024, 2048), depths, steps)):
        for j in range(n):
            stride, inner = 2 if i and not j else 1, r * c // 256
            dense = s.c - c
            if not j:
                norm(s).branch().conv(c + 2 * step, 1, stride, bn=False)
                dense = 2 * step
            norm(s).conv(inner, 1).conv(inner, 3, stride, groups=groups).conv(c + step, 1, bn=False)
            s.c = c + dense + step
    return norm(s).linear(1000).count


def senet154() -> Count:
    s = Sheet(3, 224).conv(64, 3, 2).conv(64, 3).conv(128, 3).pool(3, 2, ceil=True)

    def unit(s: Sheet, c: int, stride: int) -> None:
        if s.c != 4 * c:
            s.branch().conv(4 * c, 1 if stride == 1 else 3, stride)
        s.conv(2 * c, 1).conv(4 * c, 3, stride, groups=64).conv(4 * c, 1)
        s.branch().linear(c // 4).linear(4 * c)

    return stages(s, unit, (64, 128, 256, 512), D152).linear(1000).count


def sk_unit(s: Sheet, c: int, stride: int) -> None:
    if s.c != 4 * c or stride > 1:
        s.branch().conv(4 * c, 1, stride)
    s.conv(2 * c, 1)
    s.branch().conv(2 * c, 3, stride, groups=32)
    s.conv(2 * c, 3, stride, groups=32)
    s.at(2 * c, 1).conv(max(2 * c // 16, 32), 1).conv(2 * 2 * c, 1, bn=False)
    s.conv(4 * c, 1)


def cbam(s: Sheet) -> None:
    """One perceptron, applied to the mean and the maximum; then a 7x7 on two maps, normalised."""
    hidden = s.c // 16
    s.sum[0] += 2 * s.c * hidden + hidden + s.c + 2 * 49 + 2
    s.sum[1] += 2 * 2 * s.c * hidden + 2 * 49 * s.side**2


def bam(s: Sheet) -> None:
    hidden = s.c // 16
    s.at(s.c, 1).conv(hidden, 1, bias=True).biased(s.c, 1)
    s.branch().conv(hidden, 1, bias=True).conv(hidden, 3, bias=True).conv(hidden, 3, bias=True).biased(1, 1)


def bam_resnet(depths: Sequence[int], unit: Unit) -> Count:
    s = stem()
    for i, (c, n) in enumerate(zip((64, 128, 256, 512), depths)):
        for j in range(n):
            unit(s, c, 2 if i and not j else 1)
        if i < 3:
            bam(s)
    return s.linear(1000).count


def attention(modules: Sequence[int], unit: Unit, *, pre: bool = True) -> Count:
    """Per module: before the mask 1 unit, in the trunk 2, behind it 1; in the mask, at every size but the smallest, one
    on the way down, one beside and one on the way up, at the smallest two."""
    s = Sheet(3, 224).conv(64, 7, 2).pool(3, 2, ceil=True)
    for i, (c, n) in enumerate(zip((64, 128, 256), modules)):
        unit(s, c, 2 if i else 1)
        for _ in range(n):
            for _ in range(4):
                unit(s, c, 1)
            small = s.branch()
            for last in [False] * (2 - i) + [True]:
                small.pool(3, 2, ceil=True)
                for _ in range(2 if last else 3):
                    unit(small, c, 1)
            (norm(s) if pre else s).branch().conv(s.c, 1).conv(s.c, 1, bn=False)
    for stride in (2, 1, 1):
        unit(s, 512, stride)
    return (norm(s) if pre else s).linear(1000).count


def competitive(vote: str) -> Count:
    """A WRN-28-10 with a normalisation behind its first convolution and a gate of C / 16 at each unit."""

    def gate(s: Sheet) -> None:
        square, hidden = s.c * s.c // 16, s.c // 16
        weights, filters, seen = {
            "alone": (2, 0, 0), "double": (4, 0, 0), "1x1": (3, 1, 2 * s.c), "2x1": (2, 2, s.c)}[vote]  # fmt: skip
        s.sum[0] += weights * square + (hidden * filters + 2 * hidden if filters else 0)
        s.sum[1] += weights * square + hidden * filters * seen

    return cifar(pre(gate=gate), 4, k=10, tail=True)


def highway19() -> Count:
    s = Sheet(3, 32)
    for width, n in ((32, 4), (80, 5), (128, 5)):
        s.biased(width, 3)
        for _ in range(2 * n):
            s.biased(width, 3)
        if width < 128:
            s.pool(2, 2)
    return s.biased(100, 1).linear(10).count


def highway_mlp(depth: int, d: int = 50) -> Count:
    blocks = depth - 1
    return 784 * d + d + blocks * 2 * (d * d + d) + d * 10 + 10, 784 * d + blocks * 2 * d * d + d * 10


def table() -> dict[str, Count]:
    """All closed forms by variant."""
    deep, x32 = post(deep=True), post(deep=True, groups=32, width=4)
    found = {
        "wide_resnet50_2": imagenet(post(deep=True, width=128), D50),
        "wide_resnet101_2": imagenet(post(deep=True, width=128), D101),
        "nf_resnet50": imagenet(deep, D50), "nf_resnet101": imagenet(deep, D101),  # gain and bias, where norms have them
        "dcn_v2_resnet50": imagenet(post(deep=True, deformed=True), D50),
        "resnet164_cifar": cifar(deep, 18), "resnet1001_cifar": cifar(deep, 111),
        "preact_resnet18": imagenet(pre(), (2, 2, 2, 2), tail=True),
        "preact_resnet34": imagenet(pre(), D50, tail=True),
        "preact_resnet50_v1": imagenet(pre(deep=True, early=True), D50, tail=True),
        "preact_resnet110_cifar": cifar(pre(), 18, bn=False, tail=True),
        "preact_resnet164_cifar": cifar(pre(deep=True), 18, bn=False, tail=True),
        "preact_resnet1001_cifar": cifar(pre(deep=True), 111, bn=False, tail=True),
        "stochastic_depth_110": cifar(post(), 18), "stochastic_depth_1202": cifar(post(), 200),
        "stochastic_depth_110_a": cifar(post(option="A"), 18),
        "pyramidnet101_a360": pyramidnet(D101, 360, stem()), "pyramidnet200_a300": pyramidnet(D200, 300, stem()),
        "pyramidnet200_a450": pyramidnet(D200, 450, stem()),
        "pyramidnet164_a270_cifar": pyramidnet((18,) * 3, 270, Sheet(3, 32).conv(16, 3)),
        "pyramidnet200_a240_cifar": pyramidnet((22,) * 3, 240, Sheet(3, 32).conv(16, 3)),
        "dpn92": dpn(64, 96, 32, (3, 4, 20, 3), (16, 32, 24, 128)),
        "dpn98": dpn(96, 160, 40, (3, 6, 20, 3), (16, 32, 32, 128)),
        "senet154": senet154(), "sknet50": imagenet(sk_unit, D50), "sknet101": imagenet(sk_unit, D101),
        "cbam_resnet50": imagenet(post(deep=True, gate=cbam), D50),
        "cbam_resnext50": imagenet(post(deep=True, groups=32, width=4, gate=cbam), D50),
        "cbam_resnext101": imagenet(post(deep=True, groups=32, width=4, gate=cbam), D101),
        "bam_resnet50": bam_resnet(D50, deep), "bam_resnext50": bam_resnet(D50, x32),
        "bam_resnext101": bam_resnet(D101, x32),
        "residual_attention56": attention((1, 1, 1), pre(deep=True)),
        "residual_attention92": attention((1, 2, 3), pre(deep=True)),
        "attentionnext56": attention((1, 1, 1), x32, pre=False),
        "cmpe_se_wrn_28_10": competitive("double"), "se_wrn_28_10": competitive("alone"),
        "cmpe_se_wrn_28_10_1x1": competitive("1x1"), "cmpe_se_wrn_28_10_2x1": competitive("2x1"),
        "highway19": highway19(),
        "resnext101_2x64d": imagenet(post(deep=True, groups=2, width=64), D101),
        "resnext101_1x100d": imagenet(post(deep=True, groups=1, width=100), D101),
        "resnext101_8x14d": imagenet(post(deep=True, groups=8, width=14), D101),
    }  # fmt: skip
    for n in (20, 32, 44, 56, 110, 1202):
        found[f"resnet{n}_cifar"] = cifar(post(), (n - 2) // 6)
        found[f"resnet{n}_cifar_a"] = cifar(post(option="A"), (n - 2) // 6)
    for layers, depths in ((50, D50), (101, D101), (152, D152), (200, D200)):
        found[f"preact_resnet{layers}"] = imagenet(pre(deep=True), depths, tail=True)
    for d, k in ((40, 4), (16, 8), (28, 10)):
        found[f"wrn_{d}_{k}"] = cifar(pre(), (d - 4) // 6, k=k, bn=False, tail=True)
    found["wrn_28_10_dropout"] = found["wrn_28_10"]
    for order in ("original", "bn_after_addition", "relu_before_addition", "relu_only_pre_activation"):
        found[f"resnet110_{order}"] = cifar(post(option="A"), 18)
    found["resnet110_full_pre_activation"] = cifar(pre(option="A"), 18, bn=False, tail=True)
    for c in (8, 16):
        s = stages(Sheet(3, 32).conv(64, 3), post(deep=True, groups=c, width=64), (64, 128, 256), (3, 3, 3))
        found[f"resnext29_{c}x64d_cifar"] = s.linear(10).count
    for depth in (10, 20, 50, 100):
        found[f"highway_mlp_{depth}"] = highway_mlp(depth)
    return found
