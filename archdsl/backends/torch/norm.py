"""Normalisations: PyTorch's layers, and layers of our own where scale or shift is left out."""

from __future__ import annotations

from archdsl.backends.torch.form import Form, Lowering, Site, call, fixed
from archdsl.backends.torch.simple_rules import unless
from archdsl.shapes import resolve_axis


def batch_norm(site: Site) -> Form:
    """``BatchNorm1d`` to ``3d``; a layer of ours with a scale or a shift alone."""
    op, x = site.op, site.types[0]
    axis = op.channel_axis(x)
    channels = ("channels", fixed(x, axis))
    text = "{self}({0})" if axis == 1 else f"{{self}}({{0}}.transpose(1, {axis})).transpose(1, {axis})"
    settings = {
        "eps": unless(1e-5, op.eps),
        "momentum": unless(0.1, op.momentum),
        "dtype": site.dtype("running_mean"),
    }
    if op.scale == op.shift and x.rank <= 5:
        kind = f"nn.BatchNorm{max(x.rank - 2, 1)}d"
        return site.layer(call(kind, channels, affine=unless(True, op.scale), **settings), text)
    layer = call("BatchNorm", channels, scale=op.scale, shift=op.shift, **settings)
    return site.layer(layer, text, uses=("BatchNorm",))


def group_norm(site: Site) -> Form:
    """``GroupNorm``."""
    op = site.op
    return _grouped(site, ("groups", op.groups))


def instance_norm(site: Site) -> Form:
    """``GroupNorm`` with a group for each channel."""
    return _grouped(site, ("groups", fixed(site.types[0], 1)))


def _grouped(site: Site, groups: tuple[str, int]) -> Form:
    op, channels = site.op, ("channels", fixed(site.types[0], 1))
    settings = {"eps": unless(1e-5, op.eps), "dtype": site.dtype()}
    if op.scale == op.shift:
        return site.layer(call("nn.GroupNorm", groups, channels, affine=unless(True, op.scale), **settings))
    layer = call("GroupNorm", groups, channels, scale=op.scale, shift=op.shift, **settings)
    return site.layer(layer, uses=("GroupNorm",))


def layer_norm(site: Site) -> Form:
    """``LayerNorm`` over trailing axes; a layer of ours over others."""
    op, x = site.op, site.types[0]
    axes = op.resolved(x)
    trailing = axes == tuple(range(x.rank - len(axes), x.rank))
    if trailing and op.scale and op.shift:
        shape = tuple(fixed(x, axis) for axis in axes)
        return site.layer(call("nn.LayerNorm", ("shape", shape), eps=unless(1e-5, op.eps), dtype=site.dtype()))
    return _over_axes(site, "LayerNorm")


def rms_norm(site: Site) -> Form:
    """``RmsNorm``, a layer of ours."""
    return _over_axes(site, "RmsNorm")


def _over_axes(site: Site, name: str) -> Form:
    op, x = site.op, site.types[0]
    axes = op.resolved(x)
    shape = tuple(fixed(x, axis) if axis in axes and (op.scale or op.shift) else 1 for axis in range(x.rank))
    own = tuple(n for axis, n in enumerate(shape) if axis in axes)
    layer = call(name, ("axes", axes), ("shape", own), ("rank", x.rank), eps=op.eps, scale=op.scale, shift=op.shift,
                 dtype=site.dtype())  # fmt: skip
    return site.layer(layer, uses=(name,))


def lrn(site: Site) -> Form:
    """``LocalResponseNorm``; windows of an even size reach further to the back here than in PyTorch."""
    op = site.op
    if op.size % 2 == 0:
        return site.text(f"lrn({{0}}, {op.size}, {op.alpha!r}, {op.beta!r}, {op.k!r})", uses=("lrn",))
    layer = call("nn.LocalResponseNorm", ("size", op.size), alpha=op.alpha, beta=op.beta, k=op.k)
    return site.text(
        f"F.local_response_norm({{0}}, {op.size}, alpha={op.alpha!r}, beta={op.beta!r}, k={op.k!r})", layer=layer
    )


def l2_norm(site: Site) -> Form:
    """``normalize``."""
    return site.text(f"F.normalize({{0}}, dim={resolve_axis(site.op.axis, site.types[0])}, eps={site.op.eps!r})")


RULES: dict[str, Lowering] = {
    "batch_norm": batch_norm,
    "layer_norm": layer_norm,
    "group_norm": group_norm,
    "instance_norm": instance_norm,
    "rms_norm": rms_norm,
    "lrn": lrn,
    "l2_norm": l2_norm,
}
