"""Softmax along an axis."""

from __future__ import annotations

from archdsl.backends.torch.form import Lowering
from archdsl.backends.torch.simple_rules import along

RULES: dict[str, Lowering] = {
    "softmax": along("F.softmax({0}, dim=AXIS)"),
    "log_softmax": along("F.log_softmax({0}, dim=AXIS)"),
}
