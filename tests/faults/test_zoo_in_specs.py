"""Networks and blocks of the zoo in a file of one's own."""

from __future__ import annotations

from pathlib import Path

import pytest
from faults import again, archdsl, fault, network

SPEC = """\
arch 1

use zoo.resnet (ResNet, bottleneck_v1)
use zoo.wide_resnet (WRN)

network Mine(classes = 7) {
  input image: f32[N, 3, 64, 64]
  body: ResNet(bottleneck_v1, [3, 4, 6, 3], res = 64)
  head: linear(classes)
  output logits
}

## torchvision's resnet50 has 25,557,032 parameters.
variant mine = Mine() { expect params of body == 25_557_032; expect params of head == 7 * 1000 + 7 }

## WRN-28-10 has 36.5 million (arXiv:1605.07146, table 4).
variant wide = WRN(28, 10) { budget { params >= 36.4M; params <= 36.6M } }
"""


@fault(
    "Gap 6", "`use` knew the standard library and files below the main file only",
    "networks, blocks, networks that use further files of the zoo; variants of them; fmt; a misspelt module and name",
)  # fmt: skip
def test_networks_of_the_zoo_are_taken_into_a_spec(tmp_path: Path) -> None:
    done = archdsl(tmp_path, "check a.arch && archdsl fmt --check a.arch", a__arch=SPEC)
    assert done.status == 0 and "no findings" in done.output, done.output


@again("Gap 6")
def test_a_misspelt_one_is_suggested(tmp_path: Path) -> None:
    done = archdsl(tmp_path, "check a.arch", a__arch=SPEC.replace("zoo.resnet", "zoo.resent"))
    assert done.status == 1 and "E0213" in done.output and "zoo.resnet" in done.output
    done = archdsl(tmp_path, "check a.arch", a__arch=SPEC.replace("(WRN)", "(WRM)"))
    assert done.status == 1 and "E0215" in done.output and "WRN" in done.output


@again("Gap 6")
def test_blocks_of_the_library_take_a_dilation(tmp_path: Path) -> None:
    """A window of 3 with dilation 2 sees 5 positions, and has as many parameters as without."""
    text = """\
arch 1
use std.cnn (conv_relu)
use std.mobile (separable)
use std.resnet (bottleneck)
network Net() {
  input x: f32[N, 8, 32, 32]
  a: conv_relu(8, 3, dilation = 2)
  b: separable(8, dilation = 2)
  c: bottleneck(2, dilation = 2)
  expect receptive_field at a == 5
  expect receptive_field at b == 9
  expect receptive_field at c == 13
  expect params of a == 8 * 8 * 9 + 8
}
"""
    done = archdsl(tmp_path, "check a.arch", a__arch=text)
    assert done.status == 0, done.output


@again("Gap 6")
@pytest.mark.parametrize(
    ("block", "windows", "params"),
    [
        ("std.resnet basic(8", 2, "2 * (8 * 8 * 9 + 16)"), ("std.resnet basic_v2(8", 2, "2 * (16 + 8 * 8 * 9)"), ("std.resnet bottleneck_v2(2", 1, "16 + 16 + 4 + 36 + 4 + 16"),
        ("std.mobile linear_bottleneck(8", 1, "384 + 96 + 432 + 96 + 384 + 16"), ("std.mobile inverted_residual(8", 1, "384 + 96 + 432 + 96 + 384 + 16"), ("std.dense dense_layer(8", 1, "16 + 256 + 64 + 32 * 8 * 9"),
        ("std.mobile mb_conv(8, 16", 1, "128 + 32 + 144 + 32 + 128 + 16"),
    ],
)  # fmt: skip
def test_residual_and_mobile_blocks_take_a_dilation(block: str, windows: int, params: str, tmp_path: Path) -> None:
    """Each window of 3 with dilation d sees 2 d positions more; shapes and parameters stay what they are."""
    file, call = block.split(" ", 1)
    body = (
        f"plain: {call})\ntwo: x -> {call}, dilation = 2)\nthree: x -> {call}, dilation = 3)\noutput plain, two, three"
    )
    claims = [
        f"expect receptive_field at {name} == {1 + 2 * d * windows}"
        for name, d in (("plain", 1), ("two", 2), ("three", 3))
    ]
    claims += [f"expect params of {name} == {params}" for name in ("plain", "two", "three")]
    shapes = [f"expect output {name} :: [N, 8, 32, 32]" for name in ("plain", "two", "three")]
    use = f"use {file} ({call.partition('(')[0]})"
    text = network("\n".join([body, *claims, *shapes]), "f32[N, 8, 32, 32]", use)
    done = archdsl(tmp_path, "check a.arch", a__arch=text)
    assert done.status == 0, done.output
