"""Shapes, parameters, MACs and receptive fields of operators against PyTorch, over random configurations."""

from __future__ import annotations

import random
from fractions import Fraction
from math import ceil, floor, prod
from typing import Any

import pytest

from archdsl import ops
from archdsl.diagnostics import Refusal
from archdsl.ops.base import Op
from archdsl.shapes import TensorType

pytestmark = pytest.mark.reference
CONFIGURATIONS = 300


@pytest.fixture(scope="module")
def torch() -> Any:
    import torch

    return torch


def f32(*shape: int) -> TensorType:
    return TensorType("f32", shape)


def each(draw: random.Random, rank: int, low: int, high: int) -> list[int]:
    return [draw.randint(low, high) for _ in range(rank)]


def agree(op: Op, x: TensorType, reference: Any) -> None:
    """Our shape is PyTorch's, and where PyTorch refuses, so do we."""
    try:
        expected = tuple(reference().shape)
    except RuntimeError:
        with pytest.raises(Refusal):
            op.shape(x)
        return
    assert op.shape(x)[0].shape == expected, (op, x)


def convolution(draw: random.Random) -> tuple[int, dict[str, Any], TensorType, int]:
    """A rank, arguments, an input and its channels; kernels may be larger than the input."""
    rank, groups = draw.randint(1, 3), draw.choice([1, 1, 2, 4])
    channels, outputs = groups * draw.randint(1, 3), groups * draw.randint(1, 3)
    arguments = {
        "channels": outputs, "kernel": each(draw, rank, 1, 5), "stride": each(draw, rank, 1, 3),
        "dilation": each(draw, rank, 1, 3), "groups": groups, "bias": draw.random() < 0.5,
    }  # fmt: skip
    return rank, arguments, f32(draw.randint(1, 3), channels, *each(draw, rank, 1, 12)), channels


def check_parameters(op: Op, x: TensorType, module: Any) -> None:
    ours = {weight.slot: tuple(weight.shape) for weight in op.weights(x)}
    theirs = {k: tuple(v.shape) for k, v in module.state_dict().items() if k != "num_batches_tracked"}
    assert list(ours.items()) == list(theirs.items())
    learned = {name for name, _ in module.named_parameters()}
    assert {weight.slot for weight in op.weights(x) if not weight.buffer} == learned


def check_macs(torch: Any, op: Op, x: TensorType, module: Any) -> None:
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        module(torch.empty(x.shape, device="meta"))
    work = op.work([x], op.shape(x))
    assert work is not None and 2 * work.mac == counter.get_total_flops()


def test_convolution(torch: Any) -> None:
    draw = random.Random(1)
    for _ in range(CONFIGURATIONS):
        rank, arguments, x, channels = convolution(draw)
        pads = each(draw, 2 * rank, 0, 3)
        op = ops.load("conv").create(**arguments, pad=pads)
        rest = {k: v for k, v in arguments.items() if k not in ("channels", "kernel")}
        module = getattr(torch.nn, f"Conv{rank}d")(
            channels, arguments["channels"], arguments["kernel"], **rest, device="meta"
        )  # fmt: skip
        flat = [p for i in reversed(range(rank)) for p in (pads[i], pads[i + rank])]
        padded = torch.nn.functional.pad(torch.empty(x.shape, device="meta"), flat)
        agree(op, x, lambda module=module, padded=padded: module(padded))
        check_parameters(op, x, module)


def test_convolution_macs(torch: Any) -> None:
    draw = random.Random(2)
    for _ in range(60):
        rank, arguments, x, channels = convolution(draw)
        arguments["pad"] = [d * (k - 1) for d, k in zip(arguments["dilation"], arguments["kernel"])]
        rest = {k: v for k, v in arguments.items() if k not in ("channels", "kernel", "pad")}
        positional = (channels, arguments["channels"], arguments["kernel"])
        module = getattr(torch.nn, f"Conv{rank}d")(*positional, padding=arguments["pad"], **rest, device="meta")
        check_macs(torch, ops.load("conv").create(**arguments), x, module)
        arguments.pop("pad")
        module = getattr(torch.nn, f"ConvTranspose{rank}d")(*positional, **rest, device="meta")
        check_macs(torch, ops.load("conv_transpose").create(**arguments), x, module)


def test_same_padding_at_stride_one(torch: Any) -> None:
    draw = random.Random(3)
    for _ in range(CONFIGURATIONS):
        rank, arguments, x, channels = convolution(draw)
        arguments["stride"] = 1
        odd = all(k % 2 for k in arguments["kernel"])
        rest = {k: v for k, v in arguments.items() if k not in ("channels", "kernel")}
        module = getattr(torch.nn, f"Conv{rank}d")(
            channels, arguments["channels"], arguments["kernel"], padding="same", **rest, device="meta"
        )  # fmt: skip
        for pad in ("same_upper", "same_lower", *(["same"] if odd else [])):
            op = ops.load("conv").create(**arguments, pad=pad)
            agree(op, x, lambda module=module, x=x: module(torch.empty(x.shape, device="meta")))


def test_transposed_convolution(torch: Any) -> None:
    draw = random.Random(4)
    accepted = 0
    for _ in range(CONFIGURATIONS):
        rank, arguments, x, channels = convolution(draw)
        pads, extra = each(draw, rank, 0, 2), each(draw, rank, 0, 2)
        rest = {k: v for k, v in arguments.items() if k not in ("channels", "kernel")}
        module = getattr(torch.nn, f"ConvTranspose{rank}d")(
            channels, arguments["channels"], arguments["kernel"],
            padding=pads, output_padding=extra, **rest,
        )  # fmt: skip  # not on the meta device, which accepts any output padding
        op = ops.load("conv_transpose").create(**arguments, pad=pads, output_pad=extra)
        try:
            expected = tuple(module(torch.zeros(x.shape)).shape)
        except RuntimeError:
            expected = (0,)
        if 0 in expected:  # PyTorch lets an output be empty; we do not
            with pytest.raises(Refusal):
                op.shape(x)
            continue
        accepted += 1
        assert op.shape(x)[0].shape == expected
        check_parameters(op, x, module)
    assert accepted > CONFIGURATIONS // 3


@pytest.mark.parametrize("kind", ["max_pool", "min_pool", "max_pool_indices", "avg_pool", "lp_pool"])
def test_pooling(torch: Any, kind: str) -> None:
    draw = random.Random(kind)
    dilated = kind not in ("avg_pool", "lp_pool")
    for _ in range(CONFIGURATIONS):
        rank = draw.randint(1, 3)
        kernel, stride = each(draw, rank, 1, 5), each(draw, rank, 1, 4)
        dilation = each(draw, rank, 1, 3) if dilated else [1] * rank
        pad = [draw.randint(0, k // 2) for k in kernel] if kind != "lp_pool" else [0] * rank
        rounding = draw.random() < 0.5
        x = f32(draw.randint(1, 3), draw.randint(1, 3), *each(draw, rank, 1, 14))
        arguments = {"kernel": kernel, "stride": stride, "pad": pad, "ceil": rounding}
        op = ops.load(kind).create(**arguments, **({"dilation": dilation} if dilated else {}))
        if kind == "avg_pool" and rank == 3 and any(n < k for n, k in zip(x.shape[2:], kernel)):
            continue  # avg_pool3d alone forgets the padding when it compares the input with the kernel
        # PyTorch's lp_pool takes no padding and refuses little; the rounding is max_pool's.
        family = "avg_pool" if kind == "avg_pool" else "max_pool"
        function = getattr(torch.nn.functional, f"{family}{rank}d")
        options = {"dilation": dilation} if family == "max_pool" else {}
        data = torch.empty(x.shape, device="meta")
        agree(op, x, lambda f=function, d=data, k=kernel, s=stride, p=pad, c=rounding, o=options: f(
            d, k, s, padding=p, ceil_mode=c, **o
        ))  # fmt: skip


def test_lp_pooling(torch: Any) -> None:
    draw = random.Random(5)
    for _ in range(CONFIGURATIONS):
        rank = draw.randint(1, 2)
        x = f32(2, 3, *each(draw, rank, 5, 14))
        kernel, stride, rounding = draw.randint(1, 5), draw.randint(1, 4), draw.random() < 0.5
        function = getattr(torch.nn.functional, f"lp_pool{rank}d")
        op = ops.load("lp_pool").create(kernel=kernel, stride=stride, ceil=rounding)
        expected = function(torch.empty(x.shape, device="meta"), 2.0, kernel, stride, rounding).shape
        assert op.shape(x)[0].shape == tuple(expected)


def test_adaptive_pooling(torch: Any) -> None:
    draw = random.Random(6)
    for _ in range(CONFIGURATIONS):
        rank = draw.randint(1, 3)
        x, size = f32(2, 3, *each(draw, rank, 1, 12)), each(draw, rank, 1, 12)
        for kind in ("avg", "max"):
            function = getattr(torch.nn.functional, f"adaptive_{kind}_pool{rank}d")
            op = ops.load(f"adaptive_{kind}_pool").create(size=size)
            expected = function(torch.empty(x.shape, device="cpu"), size).shape
            assert op.shape(x)[0].shape == tuple(expected)


def test_unpooling_restores_the_shape(torch: Any) -> None:
    draw = random.Random(7)
    for _ in range(CONFIGURATIONS):
        kernel, stride = draw.randint(1, 4), draw.randint(1, 3)
        x = torch.rand(2, 3, draw.randint(5, 12), draw.randint(5, 12))
        pooled, at = torch.nn.functional.max_pool2d(x, kernel, stride, return_indices=True)
        ins = (f32(*pooled.shape), TensorType("i64", tuple(at.shape)))
        free = ops.load("max_unpool").create(kernel=kernel, stride=stride)
        like = free.replace(like=f32(*x.shape))
        assert like.shape(*ins)[0].shape == tuple(x.shape)
        assert free.shape(*ins)[0].shape == tuple(torch.nn.functional.max_unpool2d(
            pooled, at % prod(pooled.shape[2:]), kernel, stride
        ).shape)  # fmt: skip


def norms(torch: Any) -> list[tuple[str, dict[str, Any], TensorType, Any]]:
    nn, image, tokens = torch.nn, f32(2, 12, 5, 6), f32(2, 7, 12)
    return [
        ("batch_norm", {}, image, nn.BatchNorm2d(12)),
        ("batch_norm", {}, f32(4, 12), nn.BatchNorm1d(12)),
        ("batch_norm", {"scale": False, "shift": False}, image, nn.BatchNorm2d(12, affine=False)),
        ("group_norm", {"groups": 3}, image, nn.GroupNorm(3, 12)),
        ("group_norm", {"groups": 3, "scale": False, "shift": False}, image, nn.GroupNorm(3, 12, affine=False)),
        ("instance_norm", {}, image, nn.InstanceNorm2d(12, affine=True)),
        ("layer_norm", {}, tokens, nn.LayerNorm(12)),
        ("layer_norm", {"axes": ["c", "h", "w"]}, image, nn.LayerNorm([12, 5, 6])),
        ("layer_norm", {"shift": False}, tokens, nn.LayerNorm(12, bias=False)),
        ("rms_norm", {}, tokens, nn.RMSNorm(12)),
        ("linear", {"features": 5}, tokens, nn.Linear(12, 5)),
        ("linear", {"features": 5, "bias": False}, f32(2, 12), nn.Linear(12, 5, bias=False)),
        ("embedding", {"count": 9, "features": 4}, TensorType("i64", (2, 3)), nn.Embedding(9, 4)),
    ]


def test_parameters_of_norms_and_linear_layers(torch: Any) -> None:
    for name, arguments, x, module in norms(torch):
        op = ops.load(name).create(**arguments)
        check_parameters(op, x, module)
        data = torch.zeros(x.shape, dtype=torch.int64 if x.dtype == "i64" else torch.float32)
        assert op.shape(x)[0].shape == tuple(module(data).shape)


def test_default_constants_are_pytorchs(torch: Any) -> None:
    assert ops.load("batch_norm").create().eps == torch.nn.BatchNorm2d(1).eps
    assert ops.load("batch_norm").create().momentum == torch.nn.BatchNorm2d(1).momentum
    assert ops.load("layer_norm").create().eps == torch.nn.LayerNorm(1).eps
    theirs, ours = torch.nn.LocalResponseNorm(5), ops.load("lrn").create(size=5)
    assert (ours.alpha, ours.beta, ours.k) == (theirs.alpha, theirs.beta, theirs.k)


def test_matrix_products(torch: Any) -> None:
    from torch.utils.flop_counter import FlopCounterMode

    draw = random.Random(10)
    for _ in range(CONFIGURATIONS):
        m, k, n, batch = *each(draw, 3, 1, 5), each(draw, draw.randint(0, 2), 1, 3)
        left = [draw.choice([size, 1]) for size in batch][draw.randint(0, len(batch)) :]
        a = [k] if draw.random() < 0.2 else [*left, m, k]
        b = [k] if draw.random() < 0.2 else [*batch, k, n]
        if draw.random() < 0.2:
            b[-1] += 1
        op, ins = ops.load("matmul").create(), (f32(*a), f32(*b))
        try:
            with FlopCounterMode(display=False) as counter:
                expected = tuple(torch.matmul(*(torch.empty(t.shape, device="meta") for t in ins)).shape)
        except RuntimeError:
            with pytest.raises(Refusal):
                op.shape(*ins)
            continue
        assert op.shape(*ins)[0].shape == expected
        work = op.work(ins, op.shape(*ins))
        assert work is not None and work.mac == prod(expected) * k
        if len(a) > 1 and len(b) > 1:  # PyTorch's counter does not see products of vectors
            assert 2 * work.mac == counter.get_total_flops()


def seen(torch: Any, function: Any, n: int) -> list[set[int]]:
    """For every output position, the input positions with a gradient."""
    x = torch.ones(1, 1, n, dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(lambda v: function(v).reshape(-1), x).reshape(-1, n)
    return [set(row.nonzero().reshape(-1).tolist()) for row in jacobian]


def windows(torch: Any, draw: random.Random) -> tuple[str, dict[str, Any], Any, bool]:
    """A one-dimensional operator, its arguments, the function in PyTorch, and whether its windows have no holes."""
    f = torch.nn.functional
    k, s, d = draw.randint(1, 5), draw.randint(1, 4), draw.randint(1, 3)
    kind = draw.choice(["conv", "conv_transpose", "avg_pool", "adaptive_avg_pool"])
    if kind == "conv":
        p, w = draw.randint(0, k - 1), torch.ones(1, 1, k, dtype=torch.float64)
        arguments = {"channels": 1, "kernel": k, "stride": s, "dilation": d, "pad": p}
        return kind, arguments, lambda x: f.conv1d(x, w, stride=s, dilation=d, padding=p), d == 1
    if kind == "conv_transpose":
        p, w = draw.randint(0, (k - 1) // 2), torch.ones(1, 1, k, dtype=torch.float64)
        arguments = {"channels": 1, "kernel": k, "stride": s, "dilation": d, "pad": p}
        return kind, arguments, lambda x: f.conv_transpose1d(x, w, stride=s, dilation=d, padding=p), d == 1
    if kind == "avg_pool":
        p = draw.randint(0, k // 2)
        return kind, {"kernel": k, "stride": s, "pad": p}, lambda x: f.avg_pool1d(x, k, s, p), True
    size = draw.randint(2, 6)
    return kind, {"size": size}, lambda x: f.adaptive_avg_pool1d(x, size), False


def test_windows_are_what_gradients_see(torch: Any) -> None:
    draw = random.Random(11)
    for _ in range(CONFIGURATIONS):
        kind, arguments, function, solid = windows(torch, draw)
        n = draw.randint(14, 20)
        op, x = ops.load(kind).create(**arguments), f32(1, 1, n)
        axis = op.window([x], op.shape(x))[2]
        assert axis is not None and axis.axis == 2
        for y, found in enumerate(seen(torch, function, n)):
            centre, half = axis.stride * y + axis.shift, Fraction(axis.extent) / 2
            low, high = max(ceil(centre - half), 0), min(floor(centre + half), n - 1)
            assert all(low <= position <= high for position in found), (kind, arguments, n, y)
            if solid:
                assert found == set(range(low, high + 1)), (kind, arguments, n, y)
            elif kind == "conv" and low > 0 and high < n - 1:
                assert (min(found), max(found)) == (low, high)
