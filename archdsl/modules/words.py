"""Names that are known without being defined."""

from __future__ import annotations

from math import pi

from archdsl.element_types import ELEMENT_TYPES
from archdsl.modules.meanings import Kind
from archdsl.ops import CHOICES

COMBINATORS = ("seq", "residual", "parallel", "dense", "scan", "map")
"""Functions on blocks: :mod:`archdsl.interpret.combinators` and :mod:`archdsl.interpret.scans`."""
FUNCTIONS = (
    "abs", "all", "any", "ceil", "contains", "cos", "divisible", "enumerate", "exp", "floor", "len", "log",
    "log2", "max", "min", "range",
    "round", "round_half_even", "round_half_up", "sin", "sqrt", "sum", "tan", "zip",
)  # fmt: skip
"""Functions of numbers and lists: :mod:`archdsl.interpret.functions`."""
CONSTANTS = {"pi": pi}
"""Numbers that have a name, where nothing else is called so."""
INITIALIZERS = ("uniform", "normal")
"""How a parameter begins, where it is called with two numbers."""
ENDS = ("preprocess", "labels")
"""Names that can follow ``with`` at an input or output."""
PICTURE_CHOICES = ("nearest", "bilinear", "bicubic", "lanczos", "rgb", "bgr", "gray", "nchw", "nhwc")
"""Choices of the arguments of ``preprocess`` (:data:`archdsl.interface.KINDS`, as a test holds)."""
CHOICE_WORDS = CHOICES | ELEMENT_TYPES.keys() | frozenset(PICTURE_CHOICES)
"""Choices of arguments that may be passed through a block's own parameter (``pad = same``)."""


def word(name: str) -> Kind | None:
    """The meaning of a word of the language, which comes after definitions, and before labels and symbols."""
    if name in COMBINATORS:
        return "combinator"
    return "keyword" if name in ("tuple", "none") else None


def late_word(name: str) -> Kind | None:
    """What a word is where nothing else has that name."""
    if name in ENDS:
        return "end"
    if name in CHOICE_WORDS:
        return "choice"
    if name in CONSTANTS:
        return "number"
    return "function" if name in FUNCTIONS or name in INITIALIZERS else None


def words() -> list[str]:
    """All of them."""
    return ["tuple", "none", *COMBINATORS, *FUNCTIONS, *CONSTANTS, *INITIALIZERS, *ENDS, *CHOICE_WORDS]
