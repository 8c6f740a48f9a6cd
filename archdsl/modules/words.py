"""Names that are known without being defined."""

from __future__ import annotations

from archdsl.element_types import ELEMENT_TYPES
from archdsl.ops import CHOICES

ENDS = ("preprocess", "labels")
"""What may stand behind ``with`` at an input or output."""
PICTURE_CHOICES = ("nearest", "bilinear", "bicubic", "lanczos", "rgb", "bgr", "gray", "nchw", "nhwc")
"""Choices of the arguments of ``preprocess`` (:data:`archdsl.interface.KINDS`, as a test holds)."""
CHOICE_WORDS = CHOICES | ELEMENT_TYPES.keys() | frozenset(PICTURE_CHOICES)
"""Choices of arguments that may be passed through a block's own parameter (``pad = same``)."""
