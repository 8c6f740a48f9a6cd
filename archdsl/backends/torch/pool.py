"""Poolings over windows, and back."""

from __future__ import annotations

from math import inf, prod

from archdsl.backends.torch.conv import flat, padded
from archdsl.backends.torch.form import Form, Lowering, Site, call, short
from archdsl.diagnostics import Refusal
from archdsl.dims import symbols
from archdsl.ops.windows import Pads


def _even(pads: Pads | None, kernel: tuple[int, ...]) -> bool:
    """Whether PyTorch's own padding can be used: the same at both ends, at most half of the kernel."""
    return pads is not None and all(b == e and 2 * b <= k for (b, e), k in zip(pads, kernel))


def _beyond(pads: Pads, reach: list[int], stride: tuple[int, ...]) -> Pads:
    """The padding with what only ceil mode reaches at the ends."""
    return tuple((b, min(e + s - 1, r - 1)) for (b, e), r, s in zip(pads, reach, stride))


def _geometry(site: Site) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], list[int]]:
    kernel, stride, dilation = site.op.geometry(site.types[0])
    return kernel, stride, dilation, [d * (k - 1) + 1 for k, d in zip(kernel, dilation)]


def max_pool(site: Site) -> Form:
    """``max_pool``."""
    return _extremum(site, "{0}", "{}")


def min_pool(site: Site) -> Form:
    """``max_pool`` of the negated input, negated."""
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
    x = padded(site, pads, -inf).replace("{0}", inner)
    text = f"{name}({x}, {short(kernel)}, {short(stride)}{spread})"
    return site.text(outer.replace("{}", text), uses=("same_pad",) if pads is None else ())


def max_pool_indices(site: Site) -> Form:
    """The maxima, and their places in the whole input."""
    kernel, stride, dilation, reach = _geometry(site)
    pads = site.op.pads(site.types[0])
    if pads is None:
        raise _open(site)
    if site.op.ceil:
        pads = _beyond(pads, reach, stride)
    text = f"max_pool_indices({{0}}, {kernel}, {stride}, {flat(pads)}, {dilation})"
    return site.text(text, uses=("max_pool_indices",))


def _open(site: Site) -> Refusal:
    names = sorted({name for size in site.types[0].shape[2:] for name in symbols(size)})
    return Refusal("E0601", f"`{site.op.name}` with `pad = {site.op.pad}` needs fixed sizes in PyTorch",
                   help="bind the symbols: " + " ".join(f"`--bind {name}=…`" for name in names))  # fmt: skip


def max_unpool(site: Site) -> Form:
    """The elements at their places."""
    return site.text(f"max_unpool({{0}}, {{1}}, {site.sizes(site.outs[0].shape)})", uses=("max_unpool",))


def avg_pool(site: Site) -> Form:
    """``avg_pool``; a function of ours where PyTorch counts the padding otherwise."""
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
    text = f"avg_pool({{0}}, {kernel}, {stride}, {flat(pads)}, {flat(tuple((0, n) for n in beyond))}, {op.count_pad})"
    return site.text(text, uses=("avg_pool",))


def lp_pool(site: Site) -> Form:
    """The root of the average of powers, times the window."""
    kernel, stride, _, reach = _geometry(site)
    pads, op = site.op.pads(site.types[0]), site.op
    if pads is not None and op.ceil:
        pads = _beyond(pads, reach, stride)
    x = padded(site, pads) if pads is None or any(map(any, pads)) else "{0}"
    total = f"F.avg_pool{len(kernel)}d({x}.abs() ** {op.p}, {short(kernel)}, {short(stride)}) * {prod(kernel)}"
    return site.text(f"({total}) ** {1 / op.p!r}", uses=("same_pad",) if pads is None else ())


RULES: dict[str, Lowering] = {
    "max_pool": max_pool,
    "min_pool": min_pool,
    "avg_pool": avg_pool,
    "lp_pool": lp_pool,
    "max_pool_indices": max_pool_indices,
    "max_unpool": max_unpool,
}
