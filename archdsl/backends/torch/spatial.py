"""Poolings, padding and resampling."""

from __future__ import annotations

from math import prod

from archdsl.backends.torch.form import DTYPES, Form, Rule, Site, call, fixed, short
from archdsl.backends.torch.layers import padded, real
from archdsl.diagnostics import Refusal
from archdsl.dims import Dim, floordiv
from archdsl.ops.operand_checks import insertion
from archdsl.ops.windows import Pads
from archdsl.shapes import resolve_axis

INFINITY = float("inf")


def _even(pads: Pads | None, kernel: tuple[int, ...]) -> bool:
    """Whether PyTorch's own padding will do: the same at both ends, at most half of the kernel."""
    return pads is not None and all(b == e and 2 * b <= k for (b, e), k in zip(pads, kernel))


def _beyond(pads: Pads, reach: list[int], stride: tuple[int, ...]) -> Pads:
    """The padding with what only ceil mode reaches at the ends."""
    return tuple((b, min(e + s - 1, r - 1)) for (b, e), r, s in zip(pads, reach, stride))


def _geometry(site: Site) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], list[int]]:
    kernel, stride, dilation = site.op.geometry(site.types[0])
    return kernel, stride, dilation, [d * (k - 1) + 1 for k, d in zip(kernel, dilation)]


def max_pool(site: Site) -> Form:
    return _extremum(site, "{0}", "{}")


def min_pool(site: Site) -> Form:
    return _extremum(site, "-{0}", "-{}")


def _extremum(site: Site, inner: str, outer: str) -> Form:
    kernel, stride, dilation, reach = _geometry(site)
    pads, ceil, rank = site.op.pads(site.types[0]), site.op.ceil, len(kernel)
    name = f"F.max_pool{rank}d"
    spread = f", dilation={short(dilation)}" if short(dilation) != 1 else ""
    if _even(pads, kernel):
        own = short([b for b, _ in pads])
        extra = (f", padding={own}" if own else "") + spread + (", ceil_mode=True" if ceil else "")
        layer = call(f"nn.MaxPool{rank}d", ("kernel", short(kernel)), ("stride", short(stride)), padding=own or None,
                     dilation=short(dilation) if spread else None, ceil_mode=ceil or None)  # fmt: skip
        text = f"{name}({inner}, {short(kernel)}, {short(stride)}{extra})"
        return site.text(outer.replace("{}", text), layer=layer if inner == "{0}" else None)
    if pads is not None and ceil:
        pads = _beyond(pads, reach, stride)
    x = padded(site, pads, -INFINITY).replace("{0}", inner)
    text = f"{name}({x}, {short(kernel)}, {short(stride)}{spread})"
    return site.text(outer.replace("{}", text), uses=("same_pad",) if pads is None else ())


def max_pool_indices(site: Site) -> Form:
    kernel, stride, dilation, reach = _geometry(site)
    pads = site.op.pads(site.types[0])
    if pads is None:
        raise _open(site)
    if site.op.ceil:
        pads = _beyond(pads, reach, stride)
    text = f"max_pool_indices({{0}}, {kernel}, {stride}, {_flat(pads)}, {dilation})"
    return site.text(text, uses=("max_pool_indices",))


def _open(site: Site) -> Refusal:
    return Refusal("E0601", f"`{site.op.name}` with `pad = {site.op.pad}` needs sizes in numbers in PyTorch",
                   help="fix the symbols: `--bind H=224`")  # fmt: skip


def max_unpool(site: Site) -> Form:
    return site.text(f"max_unpool({{0}}, {{1}}, {site.sizes(site.outs[0].shape)})", uses=("max_unpool",))


def avg_pool(site: Site) -> Form:
    kernel, stride, _, reach = _geometry(site)
    pads, op, rank = site.op.pads(site.types[0]), site.op, len(kernel)
    # PyTorch's avg_pool3d alone forgets the padding when it compares the input with the kernel.
    wide = all(isinstance(n, int) and n >= k for n, k in zip(site.types[0].shape[2:], kernel))
    if _even(pads, kernel) and (rank < 3 or wide or not any(map(any, pads))):
        own = short([b for b, _ in pads])
        count = None if op.count_pad or not own else False
        layer = call(f"nn.AvgPool{rank}d", ("kernel", short(kernel)), ("stride", short(stride)), padding=own or None,
                     ceil_mode=op.ceil or None, count_include_pad=count)  # fmt: skip
        extra = (f", padding={own}" if own else "") + (", ceil_mode=True" if op.ceil else "")
        extra += ", count_include_pad=False" if count is False else ""
        return site.text(f"F.avg_pool{rank}d({{0}}, {short(kernel)}, {short(stride)}{extra})", layer=layer)
    if pads is None:
        raise _open(site)
    beyond = [0] * rank
    if op.ceil:
        beyond = [after[1] - before[1] for after, before in zip(_beyond(pads, reach, stride), pads)]
    text = f"avg_pool({{0}}, {kernel}, {stride}, {_flat(pads)}, {_flat([(0, n) for n in beyond])}, {op.count_pad})"
    return site.text(text, uses=("avg_pool",))


def _flat(pads: object) -> tuple[int, ...]:
    return tuple(n for pair in reversed(list(pads)) for n in pair)  # type: ignore[call-overload]


def lp_pool(site: Site) -> Form:
    kernel, stride, _, reach = _geometry(site)
    pads, op = site.op.pads(site.types[0]), site.op
    if pads is not None and op.ceil:
        pads = _beyond(pads, reach, stride)
    x = padded(site, pads) if pads is None or any(map(any, pads)) else "{0}"
    total = f"F.avg_pool{len(kernel)}d({x}.abs() ** {op.p}, {short(kernel)}, {short(stride)}) * {prod(kernel)}"
    return site.text(f"({total}) ** {1 / op.p!r}", uses=("same_pad",) if pads is None else ())


def whole(text: str, module: str = "") -> Rule:
    """A pooling over all positions; ``AXES`` in the text."""

    def rule(site: Site) -> Form:
        rank = site.types[0].rank
        axes = tuple(range(2, rank))
        layer = call(f"nn.{module}{rank - 2}d", ("size", 1)) if module and rank <= 5 else None
        return site.text(text.replace("AXES", str(axes)), layer=layer)

    return rule


def global_lp_pool(site: Site) -> Form:
    axes, p = tuple(range(2, site.types[0].rank)), site.op.p
    return site.text(f"torch.sum({{0}}.abs() ** {p}, dim={axes}, keepdim=True) ** {1 / p!r}")


def adaptive(kind: str) -> Rule:
    def rule(site: Site) -> Form:
        size, rank = short(site.op.sizes(site.types[0])), site.types[0].rank - 2
        layer = call(f"nn.Adaptive{kind.capitalize()}Pool{rank}d", ("size", size))
        return site.text(f"F.adaptive_{kind}_pool{rank}d({{0}}, {size})", layer=layer)

    return rule


def lrn(site: Site) -> Form:
    op = site.op
    if op.size % 2 == 0:
        return site.text(f"lrn({{0}}, {op.size}, {op.alpha!r}, {op.beta!r}, {op.k!r})", uses=("lrn",))
    layer = call("nn.LocalResponseNorm", ("size", op.size), alpha=op.alpha, beta=op.beta, k=op.k)
    return site.text(
        f"F.local_response_norm({{0}}, {op.size}, alpha={op.alpha!r}, beta={op.beta!r}, k={op.k!r})", layer=layer
    )


def l2_norm(site: Site) -> Form:
    return site.text(f"F.normalize({{0}}, dim={resolve_axis(site.op.axis, site.types[0])}, eps={site.op.eps!r})")


def pad(site: Site) -> Form:
    (x,) = site.types
    mode, value = site.op.filling()
    pads = site.op.pads(x)
    if mode == "constant":
        while pads and not any(pads[0]):
            pads = pads[1:]
        return site.text(
            f"F.pad({{0}}, {_flat(pads)}" + (f", value={real(value)})" if value else ")") if pads else "{0}"
        )
    text = "{0}"
    for axis, (begin, end) in enumerate(pads):
        if begin or end:
            text = f'pad_inside({text}, {axis}, {begin}, {end}, "{mode}")'
    return site.text(text, uses=("pad_inside",))


def crop(site: Site) -> Form:
    (x,) = site.types
    sizes = site.op.sizes(x)
    if isinstance(site.op.offset, str):
        return site.text(f"centre_crop({{0}}, {site.sizes(sizes)})", uses=("centre_crop",))
    ends = [f"{begin}:{begin} + {site.sizes([n])[1:-2]}" for begin, n in zip(site.op.offsets(x), sizes)]
    return site.text(f"{{0}}[:, :, {', '.join(ends)}]")


def resize(site: Site) -> Form:
    before, after, op = site.types[0].shape[2:], site.outs[0].shape[2:], site.op
    if before == after:
        return site.text("{0}")
    corners = f", align_corners={op.align_corners}" if op.mode != "nearest" else ""
    factors = [_factor(old, new) for old, new in zip(before, after)]
    symbolic = not all(isinstance(n, int) for n in after)
    if symbolic and None not in factors and not op.align_corners:
        size = f"scale_factor={tuple(float(f) for f in factors if f is not None)}"
    else:
        size = f"size={site.sizes(after)}"
    return site.text(f'F.interpolate({{0}}, {size}, mode="{op.mode}"{corners})')


def _factor(before: Dim, after: Dim) -> int | None:
    quotient = floordiv(after, before)
    return quotient if isinstance(quotient, int) and quotient and quotient * before == after else None


def depth_to_space(site: Site) -> Form:
    if site.op.mode == "crd":
        return site.text(
            f"F.pixel_shuffle({{0}}, {site.op.block})", layer=call("nn.PixelShuffle", ("n", site.op.block))
        )
    return site.text(f"depth_to_space({{0}}, {site.op.block})", uses=("depth_to_space",))


def space_to_depth(site: Site) -> Form:
    return site.text(f"space_to_depth({{0}}, {site.op.block})", uses=("space_to_depth",))


def tile(site: Site) -> Form:
    return site.text(f"{{0}}.repeat({', '.join(map(str, site.op.counts))})")


def one_hot(site: Site) -> Form:
    axis = insertion(site.op.axis, site.outs[0].rank, "one_hot")
    text = f"one_hot({{0}}, {fixed(site.outs[0], axis)}, {axis}).to({DTYPES[site.op.dtype]})"
    return site.text(text, uses=("one_hot",))


RULES: dict[str, Rule] = {
    "max_pool": max_pool,
    "min_pool": min_pool,
    "max_pool_indices": max_pool_indices,
    "max_unpool": max_unpool,
    "avg_pool": avg_pool,
    "lp_pool": lp_pool,
    "global_avg_pool": whole("torch.mean({0}, dim=AXES, keepdim=True)", "AdaptiveAvgPool"),
    "global_max_pool": whole("torch.amax({0}, dim=AXES, keepdim=True)", "AdaptiveMaxPool"),
    "global_lp_pool": global_lp_pool,
    "adaptive_avg_pool": adaptive("avg"),
    "adaptive_max_pool": adaptive("max"),
    "lrn": lrn,
    "l2_norm": l2_norm,
    "pad_axes": pad,
    "pad_channels": pad,
    "crop": crop,
    "resize": resize,
    "depth_to_space": depth_to_space,
    "space_to_depth": space_to_depth,
    "tile": tile,
    "one_hot": one_hot,
}
