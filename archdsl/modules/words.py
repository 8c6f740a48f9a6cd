"""Names that are known without being defined."""

from __future__ import annotations

ENDS = ("preprocess", "labels")
"""What may stand behind ``with`` at an input or output."""
CHOICE_WORDS = frozenset(
    {
        "same", "valid", "same_upper", "same_lower", "nearest", "linear", "bilinear", "bicubic", "cubic",
        "lanczos", "rgb", "bgr", "gray", "nchw", "nhwc",
        "f16", "bf16", "f32", "f64", "i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "bool",
    }
)  # fmt: skip
"""Choices of arguments that may be passed through a block's own parameter (``pad = same``)."""
