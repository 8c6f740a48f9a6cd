"""Operators by name, loaded a family at a time.

The tables here are what has to be known of all operators before any family is loaded. ``tests/ops/test_cards.py`` holds
them against the cards.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module

from archdsl.ops.base import Op

FAMILIES: dict[str, tuple[str, ...]] = {
    "conv": ("conv", "conv_transpose"),
    "deform": ("deform_conv",),
    "pool": ("max_pool", "min_pool", "avg_pool", "lp_pool", "max_pool_indices", "max_unpool"),
    "pool_global": (
        "global_avg_pool", "global_max_pool", "global_lp_pool", "adaptive_avg_pool", "adaptive_max_pool",
    ),
    "norm": ("batch_norm", "layer_norm", "group_norm", "instance_norm", "rms_norm", "lrn", "l2_norm"),
    "linear": ("linear", "matmul", "embedding"),
    "recurrent": ("rnn", "gru", "lstm"),
    "activation": (
        "identity", "relu", "relu6", "leaky_relu", "prelu", "elu", "selu", "sigmoid", "hard_sigmoid",
        "tanh", "softplus", "softsign", "step", "dropout", "drop_path",
    ),
    "gated": ("gelu", "silu", "hard_swish", "mish"),
    "softmax": ("softmax", "log_softmax"),
    "elementary": (
        "neg", "abs", "sign", "exp", "log", "sqrt", "reciprocal", "erf", "sin", "cos", "floor", "ceil", "round", "clip",
        "cast",
    ),
    "arithmetic": ("add", "mul", "max", "min", "average", "sub", "div", "pow"),
    "logic": (
        "equal", "not_equal", "less", "less_equal", "greater", "greater_equal", "is_nan", "logical_and", "logical_or",
        "logical_not", "where", "causal_mask",
    ),
    "attend": ("attend",),
    "reduce": (
        "reduce_sum", "reduce_mean", "reduce_max", "reduce_min", "reduce_prod", "reduce_l1", "reduce_l2", "argmax",
        "argmin", "top_k", "cumsum",
    ),
    "shape": ("flatten", "reshape", "squeeze", "unsqueeze", "permute", "transpose", "broadcast_to"),
    "join": ("concat", "stack", "split", "sparse"),
    "index": ("slice", "select", "gather", "take", "gather_elements", "gather_nd", "tile"),
    "reverse": ("reverse", "reverse_sequence"),
    "selection": ("non_max_suppression", "compress", "nonzero"),
    "scatter": ("scatter", "scatter_elements"),
    "pad": ("pad_axes", "pad_channels", "crop"),
    "patches": ("unfold", "fold"),
    "sampling": ("grid_sample",),
    "roi": ("roi_align", "roi_pool"),
    "resample": ("resize", "depth_to_space", "space_to_depth"),
    "constant": ("constant", "zeros", "ones", "positions", "param", "one_hot"),
    "noise": ("random_normal", "random_uniform"),
    "quantized": ("quantize", "dequantize", "dynamic_quantize", "matmul_integer", "conv_integer"),
    "fourier": ("fft", "rfft", "irfft"),
}  # fmt: skip
"""Module of ``archdsl.ops`` -> the operators it defines."""

INFIX = {
    "+": "add", "-": "sub", "*": "mul", "/": "div", "@": "matmul", "**": "pow",
    "==": "equal", "!=": "not_equal", "<": "less", "<=": "less_equal", ">": "greater", ">=": "greater_equal",
}  # fmt: skip
"""Symbol between two tensors -> operator, as the cards say it."""
PREFIX = {"-": "neg"}
"""Symbol in front of a tensor -> operator, as the cards say it."""
CHOICES = frozenset([
    "same", "valid", "same_upper", "same_lower", "nearest", "bilinear", "trilinear", "bicubic",
    "reflect", "edge", "dcr", "crd", "center", "fan", "border", "reflection", "two", "one", "after", "before",
    "kaiming", "kaiming_normal", "xavier", "xavier_normal", "lecun", "lecun_normal",
])  # fmt: skip
"""Bare names that arguments of the cards read as themselves, and which mean nothing else: neither operators, nor
letters of axes, nor element types, nor ``none``."""

WITHOUT_WORD = {"scan": "scan", "opaque": "opaque", "dynamic_quantize_lstm": "opaque"}
"""Operators that no word of the language means, with their modules: a text makes ``scan`` by a combinator, importers
make those of foreign runtimes, and only data names them."""

_MODULE = {name: module for module, names in FAMILIES.items() for name in names}


def names() -> list[str]:
    """The names of archdsl's own operators, sorted."""
    return sorted(_MODULE)


def is_operator(name: str) -> bool:
    """Whether ``name`` is one of archdsl's own operators."""
    return name in _MODULE


@cache
def offered() -> frozenset[str]:
    """The names of operators of other packages, without those that archdsl has itself and which nothing replaces.

    The entry points of the environment are read for it, which takes tens of milliseconds: ask last.
    """
    from archdsl.offers import OPERATORS, offers

    return frozenset(offers(OPERATORS)) - _MODULE.keys()


@cache
def load(name: str) -> type[Op]:
    """The card of the operator ``name``, archdsl's own or another package's.

    ``KeyError`` if there is none; refuses (E0606) what a package offers and cannot be used.
    """
    module = _MODULE.get(name) or WITHOUT_WORD.get(name)
    if module is None:
        from archdsl.ops.packages import card

        return card(name)
    cards = (
        card
        for card in vars(import_module(f"archdsl.ops.{module}")).values()
        if isinstance(card, type) and issubclass(card, Op)
    )
    found = next((card for card in cards if card.__dict__.get("name") == name), None)
    if found is None:
        raise LookupError(f"FAMILIES lists `{name}`, but archdsl/ops/{module}.py has no card of that name")
    return found
