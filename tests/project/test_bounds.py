"""Bounds of files and options are the language's claims."""

from __future__ import annotations

from fractions import Fraction

import pytest

import archdsl
from archdsl.diagnostics import Refusal
from archdsl.project.bounds import read_bound, read_subject, read_value

SPEC = """arch 1
network Net() {{
  input x: f32[N, 3, 16, 16]
  a: conv(8, 3)
  b: conv(8, 3)
  output b
}}
variant net = Net() {{ expect {} }}
"""


@pytest.mark.parametrize(
    "text",
    ["macs <= 300M", "macs<=300M", "params of a == 224", "receptive_field at a >= 3", "activations of b at a < 6 MiB",
     "peak_activations <= 1_000.5 KiB", "weights > 2.5K"],
)  # fmt: skip
def test_a_bound_is_what_a_claim_is(text: str) -> None:
    (claim,) = archdsl.load(SPEC.format(text)).elaborate("net").claims
    bound = read_bound(text)
    assert (bound.subject.quantity, bound.subject.part, bound.subject.tap) == (claim.quantity, claim.part, claim.tap)
    assert (bound.op, bound.value) == (claim.op, claim.bound)


@pytest.mark.parametrize(
    ("text", "value"),
    [("macs <= 300M", 300 * 10**6), ("macs <= 6 MiB", 6 * 2**20), ("macs <= 2.5K", 2500), ("macs <= 1_000", 1000)],
)
def test_numbers(text: str, value: int) -> None:
    assert Fraction(read_bound(text).value) == value


@pytest.mark.parametrize(
    "text",
    ["", "macs", "macs <=", "<= 3", "macs <= x", "macs <= 1 + 1", "macs <= -1", "macs <= 1; params <= 2", "macs <= 1\n}",
     "macs of <= 3", "macs <= 1 # all", "macs in a <= 3", "macs <= 1 }", "x" * 5000, "mcas <= 3"],
)  # fmt: skip
def test_what_is_no_bound_is_refused(text: str) -> None:
    with pytest.raises(Refusal) as caught:
        read_bound(text)
    assert caught.value.code == "E0007" and caught.value.help


def test_parts_of_a_bound() -> None:
    assert str(read_subject("macs of stem.0 at layer3")) == "macs of stem.0 at layer3"
    assert read_value(">= 224") == (">=", 224) and read_value("6 MiB") == (None, 6 * 2**20)
    assert read_value("many") is None and read_value(">= ") is None
