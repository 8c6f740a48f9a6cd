"""Words of other frameworks, and what they are here: for the help of messages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from archdsl.diagnostics import Refusal, nearest, suggest
from archdsl.ops import is_operator

_SAME = {
    "out_channels": "channels", "filters": "channels", "num_filters": "channels", "channels_out": "channels",
    "num_output": "channels", "planes": "channels", "out_features": "features", "units": "features",
    "hidden": "features", "kernel_size": "kernel", "ksize": "kernel", "pool_size": "kernel", "k": "kernel",
    "window": "kernel", "size": "kernel", "strides": "stride", "padding": "pad", "pads": "pad",
    "dilation_rate": "dilation", "dilations": "dilation", "atrous": "dilation", "num_groups": "groups",
    "group": "groups", "use_bias": "bias", "epsilon": "eps", "rate": "p", "prob": "p", "dropout": "p",
    "ceil_mode": "ceil", "count_include_pad": "count_pad", "output_padding": "output_pad", "scale_factor": "scale",
    "dim": "axis", "axes": "axis", "keepdim": "keep", "keepdims": "keep", "align_corners": "coordinates",
    "affine": "scale", "growth_rate": "growth", "alpha": "slope", "negative_slope": "slope", "inplace": "",
}  # fmt: skip
"""Another framework's argument -> ours, where the operator has it."""

_INFERRED = frozenset(
    ["in_channels", "in_features", "num_features", "input_dim", "input_size", "input_shape", "num_channels", "inplanes"]
)
_NEEDLESS = frozenset(["inplace", "data_format", "padding_mode", "track_running_stats", "trainable", "name", "device"])
_OPERATORS = {
    "conv2d": "conv", "conv1d": "conv", "conv3d": "conv", "convolution": "conv", "fc": "linear",
    "fully_connected": "linear", "batchnorm": "batch_norm", "batchnorm2d": "batch_norm", "bn": "batch_norm",
    "layernorm": "layer_norm", "groupnorm": "group_norm", "maxpool": "max_pool", "maxpool2d": "max_pool",
    "max_pool2d": "max_pool", "avgpool": "avg_pool", "avgpool2d": "avg_pool", "avg_pool2d": "avg_pool",
    "average_pool": "avg_pool", "maxpooling": "max_pool", "globalavgpool": "global_avg_pool", "gap": "global_avg_pool",
    "adaptive_avg_pool2d": "adaptive_avg_pool", "upsample": "resize", "interpolate": "resize", "pixel_shuffle":
    "depth_to_space", "cat": "concat", "concatenate": "concat", "conv_transpose2d": "conv_transpose", "deconv":
    "conv_transpose", "convtranspose": "conv_transpose", "swish": "silu", "hardswish": "hard_swish", "hardsigmoid":
    "hard_sigmoid", "sequential": "seq", "skip": "residual", "branch": "parallel", "view": "reshape", "depthwise":
    "conv", "depthwise_conv": "conv", "dwconv": "conv", "linear2d": "linear", "input_shape": "in.shape",
    "print": "assert",
}  # fmt: skip
"""Another framework's layer -> ours; spellings without regard to case and underscores."""

_SIZED = {
    "linear": ("linear(10)", 1), "batch_norm": ("batch_norm", 0), "instance_norm": ("instance_norm", 0),
    "group_norm": ("group_norm(32)", 1),
}  # fmt: skip
"""Layers that elsewhere are given the size of what enters: how they are written here, and which argument betrays it."""

_PREFIXES = frozenset(["nn", "F", "torch", "keras", "layers", "tf", "self"])
"""What stands in front of a layer elsewhere."""

_WORDS = {"True": "true", "False": "false", "None": "none", "null": "none", "nil": "none", "input": "in"}
_ATTRIBUTES = {
    "channels": "c", "depth": "c", "width": "w", "height": "h", "length": "t", "time": "t", "features": "f",
    "size": "shape", "ndim": "rank", "dims": "rank", "dim": "rank", "type": "dtype",
}  # fmt: skip


def argument_help(block: str, name: str, known: Sequence[str]) -> str:
    """What to write for an argument of another framework; empty where nothing is known of it."""
    if name in _INFERRED:
        return f"leave it out: what enters `{block}` says it"
    if name in ("activation", "act") and block != "act":
        return f"apply it behind: `{block}(…) -> relu`"
    if name in _NEEDLESS:
        return "leave it out: there is no such choice"
    ours = _SAME.get(name)
    return f"it is called `{ours}` here" if ours in known else ""


def position_help(block: str, index: int) -> str:
    """What to write where argument ``index`` of a layer is refused: elsewhere, what enters is told as well."""
    ours, place = _SIZED.get(block, ("", 0))
    return f"the size of what enters is known: write `{ours}`" if ours and index == place else ""


def window_help(block: str, entering: object, given: Mapping[str, object]) -> str:
    """What to write where a convolution does not fit that was given the channels that enter as well."""
    kernel, stride = given.get("kernel"), given.get("stride")
    if stride is None or not isinstance(kernel, int) or given.get("channels") != entering:
        return ""
    return f"the size of what enters is known: write `{block}({kernel}, {stride})`"


def unknown_name(name: str, known: Iterable[str]) -> Refusal:
    """The refusal of a name that means nothing, with what was probably meant."""
    known, plain = frozenset(known), name.lower()
    if name in _PREFIXES and name not in known:
        help = "operators and labels stand without a prefix: `conv(64, 3)`"
        return Refusal("E0201", f"nothing is called `{name}` here", help=help)
    ours = _OPERATORS.get(plain) or _OPERATORS.get(plain.replace("_", "")) or _WORDS.get(name)
    meant = None if ours else plain if plain in known else nearest(name, known) or nearest(plain, known)
    help = f"it is called `{ours}` here" if ours else suggest(meant)
    if not help and len(name) <= 2 and name.isupper():
        help = f"a size that only the input knows is declared there: `input x: f32[N, {name}]`"
    return Refusal("E0201", f"nothing is called `{name}` here", help=help)


def attribute_help(name: str, known: Sequence[str]) -> str:
    """What to write for an attribute that tensors do not have."""
    if is_operator(name):
        return f"operators are applied with `->`: `x -> {name}`"
    ours = _ATTRIBUTES.get(name) or nearest(name, known)
    return suggest(ours, f"it has {', '.join(f'`{k}`' for k in known)}")
