"""What people bring along from PyTorch and Keras, and what is legal here and another network: each is told, and what is
usual is not.
"""

from __future__ import annotations

import pytest

from archdsl.driver import load

SEQUENCE, MAPS, HEADS = "f32[N, T = 16, 64]", "f32[N, 64, 16, 16]", "f32[N, T = 16, 512]"

TOLD = {
    "heads_second": ("attention(512, 8)", HEADS, "512 heads of one feature", "use std.attention (attention)"),
    "self_heads": ("self_attention(512)", HEADS, "512 heads of one feature", "use std.attention (self_attention)"),
    "window_heads": ("permute([0, 2, 3, 1]) -> window_attention(64, 4, 2)", MAPS, "64 heads of one feature each",
                     "use std.windows (window_attention)"),
    "pads_right_and_bottom": ("pad_axes([0, 1, 0, 1]) -> conv(8, 3, stride = 2, pad = valid)", MAPS,
                              "`pad_axes([0, 0, 1, 1])`", ""),
    "pads_left_and_right": ("pad_axes([1, 1, 0, 0]) -> conv(8, [1, 3], pad = valid)", MAPS, "`pad_axes([0, 1, 0, 1])`", ""),
    "pads_of_a_pool": ("pad_axes([1, 0, 1, 0]) -> max_pool(3, stride = 2)", MAPS, "`pad_axes([1, 1, 0, 0])`", ""),
    "param_is_the_flow": ("p: param([1, 64, 16, 16])\nconv(4, 3)", MAPS, "as that of `p` does", ""),
    "last_of_both": ("lstm(8, both = true) -> select(t, -1)", SEQUENCE, "reverse direction", ""),
    "first_of_both": ("gru(8, both = true)\nselect(t, 0) -> linear(2)", SEQUENCE, "forward direction", ""),
    "last_of_both_later": ("lstm(8, both = true) -> dropout(0.5) -> layer_norm -> slice(t, -1)", SEQUENCE,
                           "`let _, h, _ = lstm(…, both = true, final = true)`", ""),
    "last_of_reverse": ("rnn(8, reverse = true) -> select(t, 15)", "f32[N, 16, 64]", "reverse direction of `rnn`", ""),
    "last_of_padded": ("let long = reduce_max(cast(x, i64), axis = [t, f])\nlet y = lstm(x, 8, lengths = long)\ny -> select(t, -1)",
                       SEQUENCE, "gives 0 for all sequences that are shorter", ""),
    "stride_is_channels": ("bottleneck(256, 64)", MAPS, "the stride 64 x 64 leaps over", "use std.resnet (bottleneck)"),
    "stride_is_expansion": ("inverted_residual(64, 64, 1, 6)", MAPS, "the stride 6 x 6 leaps over",
                            "use std.mobile (inverted_residual)"),
    "share_of_channels": ("transition(64)", MAPS, "the share of the channels", "use std.dense (transition)"),
    "squeeze_to_one": ("squeeze_excite(64)", MAPS, "`width = 1`", "use std.attention (squeeze_excite)"),
}  # fmt: skip
"""Line, input, what must be said of it, import."""

USUAL = {
    "heads": ("attention(8)", HEADS, "use std.attention (attention)"),
    "narrow_heads": ("self_attention(4)", "f32[N, T = 16, 4]", "use std.attention (self_attention)"),
    "pads_of_tensorflow": ("pad_axes([0, 0, 1, 1]) -> conv(8, 3, stride = 2, pad = valid)", MAPS, ""),
    "pads_above_and_left": ("pad_axes([1, 1, 0, 0]) -> conv(8, 2, pad = valid)", MAPS, ""),
    "pads_of_wide_kernel": ("pad_axes([0, 3, 0, 3]) -> conv(8, [1, 7], pad = valid)", MAPS, ""),
    "pads_everywhere": ("pad_axes([3, 3, 3, 3], mode = reflect) -> conv(8, 7, pad = valid)", MAPS, ""),
    "param": ("p: param([1, 64, 1, 1])\nx * p", MAPS, ""),
    "last": ("lstm(8) -> select(t, -1)", SEQUENCE, ""),
    "first_of_reverse": ("lstm(8, reverse = true) -> select(t, 0)", SEQUENCE, ""),
    "each_at_its_end": ("y: lstm(8, both = true)\na: y -> select(t, -1) -> slice(-1, 0, 8)\nb: y -> select(t, 0) -> slice(-1, 8)\n"
                        "concat(a, b)", SEQUENCE, ""),
    "strides": ("conv(8, 1, stride = 2) -> conv(8, 1, stride = 4)", MAPS, ""),
    "patches": ("conv(8, 16, stride = 16, pad = valid)", MAPS, ""),
    "compression": ("transition(1)", MAPS, "use std.dense (transition)"),
    "squeeze": ("squeeze_excite(32)", MAPS, "use std.attention (squeeze_excite)"),
    "squeeze_few": ("squeeze_excite(4)", "f32[N, 4, 8, 8]", "use std.attention (squeeze_excite)"),
}  # fmt: skip


def found(body: str, entering: str, use: str) -> list[str]:
    program = load(f"arch 1\n{use}\nnetwork Net() {{\n  input x: {entering}\n{body}\noutput result\n}}\n")
    return [f"{one.message}; {one.help}" for one in program.check()]


@pytest.mark.parametrize("name", TOLD)
def test_a_second_reading_is_told(name: str) -> None:
    body, entering, said, use = TOLD[name]
    told = found(body, entering, use)
    assert told and all(said in one for one in told)


@pytest.mark.parametrize("name", USUAL)
def test_what_is_usual_is_not(name: str) -> None:
    assert found(*USUAL[name]) == []
