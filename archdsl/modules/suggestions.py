"""Words of other frameworks and their equivalents here, for the help of messages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

from archdsl import ops
from archdsl.diagnostics import Refusal, nearest, suggest
from archdsl.ops.base import REQUIRED
from archdsl.ops.kinds import ListOf

_SAME = {
    "out_channels": "channels", "filters": "channels", "num_filters": "channels", "channels_out": "channels",
    "num_output": "channels", "planes": "channels", "out_features": "features", "units": "features",
    "hidden": "features", "kernel_size": "kernel", "ksize": "kernel", "pool_size": "kernel", "k": "kernel",
    "window": "kernel", "size": "kernel", "strides": "stride", "padding": "pad", "pads": "pad",
    "dilation_rate": "dilation", "dilations": "dilation", "atrous": "dilation", "num_groups": "groups",
    "group": "groups", "use_bias": "bias", "epsilon": "eps", "rate": "p", "prob": "p", "dropout": "p",
    "ceil_mode": "ceil", "count_include_pad": "count_pad", "output_padding": "output_pad", "scale_factor": "scale",
    "dim": "axis", "axes": "axis", "keepdim": "keep", "keepdims": "keep", "align_corners": "coordinates",
    "hidden_size": "features", "bidirectional": "both", "num_heads": "heads", "n_heads": "heads", "nhead": "heads",
    "is_causal": "causal", "attn_mask": "mask", "proj_size": "projection", "return_state": "final",
    "go_backwards": "reverse", "sequence_lengths": "lengths", "initial_state": "start", "h0": "start", "hx": "start",
    "sampling_ratio": "samples", "spatial_scale": "scale", "padding_mode": "pad",
    "affine": "scale", "growth_rate": "growth", "alpha": "slope", "negative_slope": "slope", "inplace": "",
}  # fmt: skip
"""Another framework's argument -> ours, where the operator has it."""

_INFERRED = frozenset(
    ["in_channels", "in_features", "num_features", "input_dim", "input_size", "input_shape", "num_channels", "inplanes"]
)
_NEEDLESS = frozenset(["inplace", "data_format", "track_running_stats", "trainable", "name", "device"])
_ATTENTION = "use std.attention (attention)` at the top of the file, and here `attention(8)"
_WORDS_ELSEWHERE = {
    "sequential": "seq", "skip": "residual", "branch": "parallel", "inputshape": "in.shape", "print": "assert",
    "pool": "max_pool(2)` or `avg_pool(2)", "pooling": "max_pool(2)` or `avg_pool(2)",
    "norm": "batch_norm` or `layer_norm", "normalization": "batch_norm` or `layer_norm",
    "mean": "global_avg_pool` or `reduce_mean(axis = -1)", "sum": "reduce_sum(axis = -1)",
    "multiheadattention": _ATTENTION, "attention": _ATTENTION, "selfattention": _ATTENTION, "mha": _ATTENTION,
    "addnorm": "residual { … } -> layer_norm", "separableconv": "use std.mobile (separable)` and `separable(64, 3)",
    "separableconv2d": "use std.mobile (separable)` and `separable(64, 3)",
    "se": "use std.attention (squeeze_excite)` and `squeeze_excite",
    "seblock": "use std.attention (squeeze_excite)` and `squeeze_excite",
    "loop": "repeat 3 { … }", "while": "repeat 3 { … }", "range": "for i in range(3) { … }",
}  # fmt: skip
"""Another framework's words for what is no single operator -> ours, in lower case without underscores."""

_PREFIXES = frozenset(["nn", "F", "torch", "keras", "layers", "tf", "self"])
"""Prefixes of a layer in other frameworks."""

_WORDS = {"True": "true", "False": "false", "None": "none", "null": "none", "nil": "none"}
_ENTERING = frozenset(["x", "input", "inputs", "inp"])
"""What is called so elsewhere is what enters a block."""
_ATTRIBUTES = {
    "batch": "n", "channels": "c",
    "depth": "c", "width": "w", "height": "h", "length": "t", "time": "t", "features": "f",
    "size": "shape", "ndim": "rank", "dims": "rank", "dim": "rank", "type": "dtype",
}  # fmt: skip


def argument_help(block: str, name: str, known: Sequence[str]) -> str:
    """What to write for an argument of another framework; empty where nothing is known of it."""
    if name in _INFERRED:
        return f"leave it out: it follows from the input of `{block}`"
    if name in ("activation", "act") and block != "act":
        return f"apply it afterwards: `{block}(…) -> relu`"
    if name == "num_layers":
        return f"a stack of layers is a loop: `repeat 2 {{ {block}(…) }}`"
    if name == "batch_first":
        return "leave it out: sequences are [N, T, F], the batch first"
    if name == "dropout" and "p" not in known:
        return f"apply it afterwards: `{block}(…) -> dropout(0.1)`"
    if name == "padding_mode" and "align_corners" not in known:
        return f"pad before it: `pad_axes(1, mode = reflect) -> {block}(…, pad = valid)`"
    if name in _NEEDLESS:
        return "leave it out: there is no such option"
    ours = _SAME.get(name)
    return f"it is called `{ours}` here" if ours in known else ""


def position_help(block: str, index: int, given: Sequence[str]) -> str:
    """What to write where argument ``index`` of a layer is refused: other frameworks take the input size as well.

    ``given``: the arguments as they are written.
    """
    if not ops.is_operator(block):
        return ""
    card = ops.load(block)
    kinds = [argument.kind for argument in card.signature.values()]
    if len(kinds) == 1 and isinstance(kinds[0], ListOf) and index == 0 and len(given) > 1:
        return f"write a list: `{block}([{', '.join(given)}])`"
    needed = sum(argument.default is REQUIRED for argument in card.signature.values())
    if not card.sized_elsewhere or index != needed:
        return ""
    rest = given[1:] if card.sized_elsewhere == "first" else [*given[:index], *given[index + 1 :]]
    written = f"{block}({', '.join(rest)})" if rest else block
    return f"leave out the input size, which is known: write `{written}`"


def window_help(block: str, entering: object, given: Mapping[str, object]) -> str:
    """What to write where a convolution does not fit that was given the channels that enter as well."""
    kernel, stride = given.get("kernel"), given.get("stride")
    if stride is None or not isinstance(kernel, int) or given.get("channels") != entering:
        return ""
    return f"leave out the input size, which is known: write `{block}({kernel}, {stride})`"


def unknown_name(name: str, known: Iterable[str]) -> Refusal:
    """The refusal of a name that means nothing, with what was probably meant."""
    known, lower = frozenset(known), name.lower()
    if name in _PREFIXES and name not in known:
        help = "operators and labels are written without a prefix: `conv(64, 3)`"
        return Refusal("E0201", f"`{name}` is not defined here", help=help)
    if name in _ENTERING:
        help = "what enters a block is `in`; what enters a network has the name of its `input` line"
        return Refusal("E0201", f"`{name}` is not defined here", help=help)
    ours = _WORDS.get(name) or _elsewhere().get(plain(name), "")
    if ours and (name in _WORDS or "(" in ours or lower not in known):
        called, sign, _ = ours.partition("(")
        same = f": `{ours}`" if sign else ""
        help = f"write `{ours}`" if "`" in ours or "{" in ours else f"it is called `{called}` here{same}"
    elif module := _library().get(plain(name)):
        help = f"the standard library has it: `use std.{module[0]} ({module[1]})` at the top of the file"
    else:
        help = suggest(lower if lower in known else nearest(name, known) or nearest(lower, known))
    if not help and len(name) <= 2 and name.isupper():
        help = f"declare a size of the input in its shape: `input x: f32[N, {name}]`"
    return Refusal("E0201", f"`{name}` is not defined here", help=help)


def attribute_help(name: str, known: Sequence[str]) -> str:
    """What to write for an attribute that tensors do not have."""
    if ops.is_operator(name):
        return f"operators are applied with `->`: `x -> {name}`"
    if name in ("T", "mT"):
        return "the last two axes are swapped by `transpose`: `transpose(x)`"
    ours = _ATTRIBUTES.get(name) or nearest(name, known)
    return suggest(ours, f"it has {', '.join(f'`{k}`' for k in known)}")


@cache
def _elsewhere() -> Mapping[str, str]:
    """What others call our operators -> ours, or how that is written; in lower case without underscores.

    Loads all cards: for messages only.
    """
    cards = [ops.load(name) for name in ops.names()]
    found = {plain(card.name): card.name for card in cards}
    for card in cards:
        for said in card.elsewhere:
            word, _, written = said.partition(" = ")
            found[plain(word)] = written or card.name
    return {**found, **_WORDS_ELSEWHERE}


@cache
def _library() -> Mapping[str, tuple[str, str]]:
    """The blocks of the standard library, in lower case without underscores -> their module and name.

    Reads its files: for messages only.
    """
    from archdsl.files import packaged
    from archdsl.modules.loader import STD

    found: dict[str, tuple[str, str]] = {}
    for path in sorted(STD.glob("*.arch")):
        for name in re.findall(r"^block (\w+)", packaged(path), re.MULTILINE):
            found.setdefault(plain(name), (path.stem, name))
    return found


def plain(word: str) -> str:
    """A name without regard to case and underscores."""
    return word.lower().replace("_", "")
