"""Parameters and multiply-accumulates of the zoo from arithmetic alone: each function is the sum a reader of the paper
would write down. Nothing of archdsl is used."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sheet import Count, Sheet


def lenet5() -> Count:
    s = Sheet(1, 32).biased(6, 5, pad=0).pool(2, 2).biased(16, 5, pad=0).pool(2, 2).biased(120, 5, pad=0)
    return s.linear(84).linear(10).count


def lenet5_1998() -> Count:
    """C1, S2 (gain and bias a map), C3 (60 kernels of table I, a bias a map), S4, C5, F6; the RBF codes are fixed."""
    kernels = 6 * 3 + 9 * 4 + 1 * 6
    params = 6 * 26 + 2 * 6 + (kernels * 25 + 16) + 2 * 16 + 120 * (16 * 25 + 1) + 84 * 121
    macs = 6 * 25 * 28**2 + kernels * 25 * 10**2 + 120 * 16 * 25 + 84 * 120
    return params, macs


def lenet_caffe() -> Count:
    s = Sheet(1, 28).biased(20, 5, pad=0).pool(2, 2).biased(50, 5, pad=0).pool(2, 2)
    return s.linear(500, 50 * 16).linear(10).count


def alexnet() -> Count:
    s = Sheet(3, 224).biased(64, 11, 4, 2).pool(3, 2).biased(192, 5).pool(3, 2)
    s.biased(384, 3).biased(256, 3).biased(256, 3).pool(3, 2)
    return s.linear(4096, 256 * 36).linear(4096).linear(1000).count


def alexnet_2012(towers: int) -> Count:
    s = Sheet(3, 224).biased(96, 11, 4, total_pad=3).pool(3, 2).biased(256, 5, groups=towers).pool(3, 2)
    s.biased(384, 3).biased(384, 3, groups=towers).biased(256, 3, groups=towers).pool(3, 2)
    return s.linear(4096, 256 * 36).linear(4096).linear(1000).count


def vgg(column: str, *, bn: bool = False) -> Count:
    """``column`` spells a configuration: ``33 33 331 331 331`` is C."""
    s = Sheet(3, 224)
    for width, kernels in zip((64, 128, 256, 512, 512), column.split()):
        for k in kernels:
            s.conv(width, int(k), bias=True, bn=bn)
        s.pool(2, 2)
    return s.linear(4096, 512 * 49).linear(4096).linear(1000).count


def mobilenet_v1(width: float = 1.0, res: int = 224, *, separable: bool = True) -> Count:
    s = Sheet(3, res).conv(int(32 * width), 3, 2)
    rows = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1)]
    for out, stride in rows:
        if separable:
            s.conv(s.c, 3, stride, groups=s.c).conv(int(out * width), 1)
        else:
            s.conv(int(out * width), 3, stride)
    return s.linear(1000).count


def _divisible(v: float) -> int:
    rounded = max(8, int(v + 4) // 8 * 8)
    return rounded if rounded >= 0.9 * v else rounded + 8


def mobilenet_v2(width: float = 1.0, res: int = 224) -> Count:
    s = Sheet(3, res).conv(_divisible(32 * width), 3, 2)
    rows = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]
    for t, out, n, stride in rows:
        for i in range(n):
            if t > 1:
                s.conv(t * s.c, 1)
            s.conv(s.c, 3, stride if i == 0 else 1, groups=s.c).conv(_divisible(out * width), 1)
    return s.conv(max(1280, _divisible(1280 * width)), 1).linear(1000).count


INCEPTION = {
    "3a": (64, 96, 128, 16, 32, 32), "3b": (128, 128, 192, 32, 96, 64), "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64), "4c": (128, 128, 256, 24, 64, 64), "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128), "5a": (256, 160, 320, 32, 128, 128), "5b": (384, 192, 384, 48, 128, 128),
}  # fmt: skip


def googlenet(*, bn: bool, k5: int, aux: bool = False) -> Count:
    s = Sheet(3, 224)
    heads = Sheet(0, 0)

    def conv(s: Sheet, out: int, k: int, stride: int = 1) -> Sheet:
        return s.conv(out, k, stride, bias=not bn, bn=bn)

    conv(s, 64, 7, 2).pool(3, 2, ceil=True)
    conv(conv(s, 64, 1), 192, 3).pool(3, 2, ceil=True)
    for name, (c1, c3r, c3, c5r, c5, proj) in INCEPTION.items():
        conv(s.branch(), c1, 1)
        conv(conv(s.branch(), c3r, 1), c3, 3)
        conv(conv(s.branch(), c5r, 1), c5, k5)
        conv(s.branch(), proj, 1)
        s.c = c1 + c3 + c5 + proj
        if name in ("4a", "4d"):
            conv(heads.at(s.c, 4), 128, 1).linear(1024, 2048).linear(1000)
        if name in ("3b", "4e"):
            s.pool(3, 2, ceil=True)
    s.linear(1000)
    return (s.sum[0] + heads.sum[0], s.sum[1] + heads.sum[1]) if aux else s.count


def squeezenet(version: str, res: int = 224) -> Count:
    first, pools = ((96, 7), (0, 3, 7)) if version == "1.0" else ((64, 3), (0, 2, 4))
    s = Sheet(3, res).biased(*first, 2, 0)
    fires = [(0, 0), *[(16, 64)] * 2, *[(32, 128)] * 2, *[(48, 192)] * 2, *[(64, 256)] * 2]
    for i, (squeeze, expand) in enumerate(fires):
        if i:
            s.biased(squeeze, 1)
            s.branch().biased(expand, 1)
            s.biased(expand, 3)
            s.c = 2 * expand
        if i in pools:
            s.pool(3, 2, ceil=True)
    return s.biased(1000, 1).count


def densenet(depths: Iterable[int], growth: int = 32) -> Count:
    depths = tuple(depths)
    s = Sheet(3, 224).conv(2 * growth, 7, 2).pool(3, 2, 1)
    for i, n in enumerate(depths):
        for _ in range(n):
            s.sum[0] += 2 * s.c
            s.branch().conv(4 * growth, 1).conv(growth, 3, bn=False)
            s.c += growth
        s.sum[0] += 2 * s.c
        if i < len(depths) - 1:
            s.conv(s.c // 2, 1, bn=False).pool(2, 2)
    return s.linear(1000).count


def resnet(depths: Iterable[int], *, deep: bool = True, option: str = "B", early: bool = False, groups: int = 1,
           width: int = 64, gate: int = 0) -> Count:  # fmt: skip
    """``option``: B projects where the shape changes; A (and the plain networks) have no shortcut weights."""
    s = Sheet(3, 224).conv(64, 7, 2).pool(3, 2, 1)
    for i, (c, n) in enumerate(zip((64, 128, 256, 512), depths)):
        for j in range(n):
            stride = 2 if i and not j else 1
            out = 4 * c if deep else c
            if option == "B" and s.c != out:
                s.branch().conv(out, 1, stride)
            if deep:
                inner = c * width // 64 * groups
                s.conv(inner, 1, stride if early else 1)
                s.conv(inner, 3, 1 if early else stride, groups=groups).conv(out, 1)
            else:
                s.conv(c, 3, stride).conv(c, 3)
            if gate:
                s.branch().linear(out // gate).linear(out)
    return s.linear(1000).count


def shufflenet_v2(widths: Iterable[int], last: int = 1024) -> Count:
    s = Sheet(3, 224).conv(24, 3, 2).pool(3, 2, 1)
    for c, n in zip(widths, (4, 8, 4)):
        half = c // 2
        s.branch().conv(s.c, 3, 2, groups=s.c).conv(half, 1)
        s.conv(half, 1).conv(half, 3, 2, groups=half).conv(half, 1)
        for _ in range(n - 1):
            s.c = half
            s.conv(half, 1).conv(half, 3, groups=half).conv(half, 1)
        s.c = c
    return s.conv(last, 1).linear(1000).count


D50, D101, D152 = (3, 4, 6, 3), (3, 4, 23, 3), (3, 8, 36, 3)
D18, D34 = (2, 2, 2, 2), (3, 4, 6, 3)
COLUMNS = {
    "vgg11": "3 3 33 33 33", "vgg13": "33 33 33 33 33", "vgg16": "33 33 333 333 333", "vgg19": "33 33 3333 3333 3333",
}  # fmt: skip


def _mobile(family: str, of: Callable[..., Count], widths: Iterable[float], sizes: Iterable[int]) -> dict[str, Count]:
    found = {}
    for width in widths:
        for res in sizes if width <= 1 else (224,):
            scaled = f"_w{width:g}".replace(".", "_") if width != 1 else ""
            found[family + scaled + (f" res={res}" if res != 224 else "")] = of(width, res)
    return found


def table() -> dict[str, Count]:
    """All closed forms by variant."""
    found: dict[str, Count] = {
        "lenet5": lenet5(), "lenet5_relu": lenet5(), "lenet5_1998": lenet5_1998(), "lenet_caffe": lenet_caffe(),
        "alexnet": alexnet(), "alexnet_2012": alexnet_2012(2), "caffenet": alexnet_2012(2),
        "alexnet_one_tower": alexnet_2012(1), "vgg11_lrn": vgg(COLUMNS["vgg11"]), "vgg16_c": vgg("33 33 331 331 331"),
        "conv_mobilenet": mobilenet_v1(separable=False),
        "googlenet": googlenet(bn=True, k5=3), "googlenet_2014": googlenet(bn=False, k5=5),
        "googlenet_2014 train=1": googlenet(bn=False, k5=5, aux=True),
        "squeezenet1_0": squeezenet("1.0"), "squeezenet1_1": squeezenet("1.1"),
        "densenet121": densenet((6, 12, 24, 16)), "densenet161": densenet((6, 12, 36, 24), 48),
        "densenet169": densenet((6, 12, 32, 32)), "densenet201": densenet((6, 12, 48, 32)),
        "densenet264": densenet((6, 12, 64, 48)),
        "resnet18": resnet(D18, deep=False), "resnet34": resnet(D34, deep=False),
        "resnet18_a": resnet(D18, deep=False, option="A"), "resnet34_a": resnet(D34, deep=False, option="A"),
        "plain18": resnet(D18, deep=False, option="A"), "plain34": resnet(D34, deep=False, option="A"),
        "resnext101_32x8d": resnet(D101, groups=32, width=8), "resnext101_64x4d": resnet(D101, groups=64, width=4),
        "resnext50_2x40d": resnet(D50, groups=2, width=40), "resnext50_4x24d": resnet(D50, groups=4, width=24),
        "resnext50_8x14d": resnet(D50, groups=8, width=14),
        "shufflenet_v2_x0_5": shufflenet_v2((48, 96, 192)), "shufflenet_v2_x1_0": shufflenet_v2((116, 232, 464)),
        "shufflenet_v2_x1_5": shufflenet_v2((176, 352, 704)),
        "shufflenet_v2_x2_0": shufflenet_v2((244, 488, 976), 2048),
    }  # fmt: skip
    for name, column in COLUMNS.items():
        found[name], found[f"{name}_bn"] = vgg(column), vgg(column, bn=True)
    for layers, depths in ((50, D50), (101, D101), (152, D152)):
        found[f"resnet{layers}"], found[f"resnet{layers}_v1"] = resnet(depths), resnet(depths, early=True)
        found[f"seresnet{layers}"] = resnet(depths, gate=16)
        found[f"seresnet{layers}_v1"] = resnet(depths, gate=16, early=True)
        if layers < 152:
            found[f"resnext{layers}_32x4d"] = resnet(depths, groups=32, width=4)
            found[f"seresnext{layers}_32x4d"] = resnet(depths, groups=32, width=4, gate=16)
    found |= _mobile("mobilenet_v1", mobilenet_v1, (1.0, 0.75, 0.5, 0.25), (224, 192, 160, 128))
    found |= _mobile("mobilenet_v2", mobilenet_v2, (1.4, 1.3, 1.0, 0.75, 0.5, 0.35), (224, 192, 160, 128, 96))
    return found
