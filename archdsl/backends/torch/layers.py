"""Operators with parameters, and what matters to training, as PyTorch's layers."""

from __future__ import annotations

from typing import Any

from archdsl.backends.torch.form import Form, Raw, Rule, Site, call, fixed, short
from archdsl.diagnostics import Refusal
from archdsl.ops.base import Initializer
from archdsl.ops.windows import Pads


def padded(site: Site, pads: Pads | None, value: float = 0.0) -> str:
    """The input with its spatial axes padded, as an expression."""
    if pads is None:
        kernel, stride, dilation = site.op.geometry(site.types[0])
        upper = site.op.pad == "same_upper"
        return f"same_pad({{0}}, {kernel}, {stride}, {dilation}, upper={upper}, value={real(value)})"
    flat = tuple(n for pair in reversed(pads) for n in pair)
    return f"F.pad({{0}}, {flat}" + (f", value={real(value)})" if value else ")")


def real(value: float) -> str:
    """A float as source text."""
    return f'float("{value}")' if value in (float("inf"), -float("inf")) or value != value else repr(value)


def conv(site: Site) -> Form:
    op, x = site.op, site.types[0]
    kernel, stride, dilation = op.geometry(x)
    pads = op.pads(x)
    even = pads is not None and all(begin == end for begin, end in pads)
    own = short([begin for begin, _ in pads]) if even else 0
    layer = call(
        f"nn.Conv{len(kernel)}d", ("in_channels", fixed(x, 1)), ("channels", op.channels),
        kernel_size=short(kernel), stride=_unless(1, short(stride)), padding=_unless(0, own),
        dilation=_unless(1, short(dilation)), groups=_unless(1, op.groups), bias=_unless(True, op.bias),
        dtype=site.dtype(),
    )  # fmt: skip
    if even:
        return site.layer(layer)
    uses = ("same_pad",) if pads is None else ()
    return site.layer(layer, f"{{self}}({padded(site, pads)})", uses)


def _unless(default: Any, value: Any) -> Any:
    """``None`` (which is left out) where an argument has its default."""
    return None if value == default and type(value) is type(default) else value


def conv_transpose(site: Site) -> Form:
    op, x = site.op, site.types[0]
    kernel, stride, dilation = op.geometry(x)
    pads, extra = op.pads(x), op.output_pads(x)
    even = all(begin == end for begin, end in pads)
    layer = call(
        f"nn.ConvTranspose{len(kernel)}d", ("in_channels", fixed(x, 1)), ("channels", op.channels),
        kernel_size=short(kernel), stride=_unless(1, short(stride)),
        padding=_unless(0, short([begin for begin, _ in pads]) if even else 0),
        output_padding=_unless(0, short(extra)), groups=_unless(1, op.groups), bias=_unless(True, op.bias),
        dilation=_unless(1, short(dilation)), dtype=site.dtype(),
    )  # fmt: skip
    if even:
        return site.layer(layer)
    cut = ", ".join(f"{begin}:{-end or ''}" for begin, end in pads)
    return site.layer(layer, f"{{self}}({{0}})[:, :, {cut}]")


def batch_norm(site: Site) -> Form:
    op, x = site.op, site.types[0]
    channels = ("channels", fixed(x, 1))
    settings = {
        "eps": _unless(1e-5, op.eps),
        "momentum": _unless(0.1, op.momentum),
        "dtype": site.dtype("running_mean"),
    }
    if op.scale == op.shift and x.rank <= 5:
        kind = f"nn.BatchNorm{max(x.rank - 2, 1)}d"
        return site.layer(call(kind, channels, affine=_unless(True, op.scale), **settings))
    return site.layer(call("BatchNorm", channels, scale=op.scale, shift=op.shift, **settings), uses=("BatchNorm",))


def group_norm(site: Site) -> Form:
    op = site.op
    return _grouped(site, ("groups", op.groups))


def instance_norm(site: Site) -> Form:
    return _grouped(site, ("groups", fixed(site.types[0], 1)))


def _grouped(site: Site, groups: tuple[str, int]) -> Form:
    op, channels = site.op, ("channels", fixed(site.types[0], 1))
    settings = {"eps": _unless(1e-5, op.eps), "dtype": site.dtype()}
    if op.scale == op.shift:
        return site.layer(call("nn.GroupNorm", groups, channels, affine=_unless(True, op.scale), **settings))
    layer = call("GroupNorm", groups, channels, scale=op.scale, shift=op.shift, **settings)
    return site.layer(layer, uses=("GroupNorm",))


def layer_norm(site: Site) -> Form:
    op, x = site.op, site.types[0]
    axes = op.resolved(x)
    trailing = axes == tuple(range(x.rank - len(axes), x.rank))
    if trailing and op.scale and op.shift:
        shape = tuple(fixed(x, axis) for axis in axes)
        return site.layer(call("nn.LayerNorm", ("shape", shape), eps=_unless(1e-5, op.eps), dtype=site.dtype()))
    return _over_axes(site, "LayerNorm")


def rms_norm(site: Site) -> Form:
    return _over_axes(site, "RmsNorm")


def _over_axes(site: Site, name: str) -> Form:
    op, x = site.op, site.types[0]
    axes = op.resolved(x)
    shape = tuple(fixed(x, axis) if axis in axes and (op.scale or op.shift) else 1 for axis in range(x.rank))
    own = tuple(n for axis, n in enumerate(shape) if axis in axes)
    layer = call(name, ("axes", axes), ("shape", own), ("rank", x.rank), eps=op.eps, scale=op.scale, shift=op.shift,
                 dtype=site.dtype())  # fmt: skip
    return site.layer(layer, uses=(name,))


def linear(site: Site) -> Form:
    op = site.op
    features = ("in_features", fixed(site.types[0], -1))
    return site.layer(
        call("nn.Linear", features, ("features", op.features), bias=_unless(True, op.bias), dtype=site.dtype())
    )


def embedding(site: Site) -> Form:
    op = site.op
    return site.layer(call("nn.Embedding", ("count", op.count), ("features", op.features), dtype=site.dtype()))


def prelu(site: Site) -> Form:
    count = fixed(next(iter(site.node.params.values())).type, 0)
    return site.layer(call("nn.PReLU", ("channels", count), dtype=site.dtype()))


def param(site: Site) -> Form:
    """A parameter by itself; its initial values are the operator's."""
    (parameter,) = site.node.params.values()
    size = site.op.size
    dtype = site.dtype("")
    start = _start(parameter.init, size, dtype)
    layer = call("nn.Parameter", ("start", Raw(start)), requires_grad=_unless(True, parameter.trainable))
    return site.layer(layer, "{self}")


def _start(init: Initializer, size: tuple[int, ...], dtype: Raw | None) -> str:
    kind = f", dtype={dtype}" if dtype else ""
    match init.scheme:
        case "zeros" | "ones":
            return f"torch.{init.scheme}({size}{kind})"
        case "constant":
            return f"torch.full({size}, {init.values[0]!r}{kind})"
        case "normal":
            return f"torch.empty({size}{kind}).normal_({init.values[0]!r}, {init.values[1]!r})"
        case "uniform":
            return f"torch.empty({size}{kind}).uniform_({init.values[0]!r}, {init.values[1]!r})"
        case "data":
            return f"torch.tensor({list(init.values)!r}{kind}).reshape({size})"
        case "fan":
            half = (6 / max(init.fan_in, 1)) ** 0.5
            return f"torch.empty({size}{kind}).uniform_({-half!r}, {half!r})"
    raise Refusal("E0603", "the weights of a file cannot be written into a module",
                  help="compile without `--weights`, and load the file with `load_state_dict`")  # fmt: skip


def dropout(site: Site) -> Form:
    return site.layer(call("nn.Dropout", ("p", site.op.p)))


def drop_path(site: Site) -> Form:
    return site.layer(call("DropPath", ("p", site.op.p)), uses=("DropPath",))


RULES: dict[str, Rule] = {
    "conv": conv,
    "conv_transpose": conv_transpose,
    "batch_norm": batch_norm,
    "group_norm": group_norm,
    "instance_norm": instance_norm,
    "layer_norm": layer_norm,
    "rms_norm": rms_norm,
    "linear": linear,
    "embedding": embedding,
    "prelu": prelu,
    "param": param,
    "dropout": dropout,
    "drop_path": drop_path,
}
