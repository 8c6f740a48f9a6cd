"""Rules about what a network runs on: channel counts that the target's kernels must pad."""

from __future__ import annotations

from collections.abc import Iterator

from archdsl.design_rules.view import DesignRule, Finding, Machine, View
from archdsl.graph import Node
from archdsl.ops.conv import Conv, ConvTranspose

_NVIDIA = "NVIDIA, Matrix Multiplication Background User's Guide, Tensor Core requirements"
_QUALCOMM = "Qualcomm, QNN HTP guidelines (80-63442-10), Avoid low depth activations"
_MLAS = "ONNX Runtime, MLAS: the NchwcBlockSize of its convolutions (core/mlas/lib/platform.cpp)"

MACHINES: dict[str, Machine] = {
    "tensorcore-tf32": Machine(4, "multiples for TF32", _NVIDIA, depthwise=False),
    "tensorcore-fp16": Machine(8, "multiples for FP16", _NVIDIA, depthwise=False),
    "tensorcore-int8": Machine(16, "multiples for INT8", _NVIDIA, depthwise=False),
    "avx2": Machine(8, "blocks of channels", _MLAS),
    "avx512": Machine(16, "blocks of channels", _MLAS),
    "neon": Machine(4, "lanes of f32", "Arm, Neon Programmer's Guide: registers of 128 bits"),
    "hexagon": Machine(32, "blocks of channels", _QUALCOMM),
}  # fmt: skip
"""Names of ``archdsl lint --target``; sources of the figures."""


def channels_fit(view: View) -> Iterator[Finding]:
    """W0414: the channels that a layer makes, or has in each of its groups, are not a multiple of the target's.

    Channels that the designer did not choose are not reported: those of the input, and the number of classes.
    """
    target = view.target
    if target is None:
        return
    for node in view.nodes:
        if node.op.role != "layer" or node is view.classifier:
            continue
        found = _counts(node, view)
        if found is None:
            continue
        wide, each, groups = found
        if groups == wide and each == 1:  # depthwise: its channels are computed side by side
            each, groups = wide, 1
            if not target.depthwise:
                continue
        if each % target.channels:
            full = -(-each // target.channels) * target.channels
            of = f"{each} channels in each of {groups} groups" if groups > 1 else f"{each} channels"
            message = f"{of} are not a multiple of {target.channels}: {1 - each / full:.0%} of the work is padding"
            yield Finding(node, message, f"choose a multiple of {target.channels} ({target.unit}; {target.source})")


def _counts(node: Node, view: View) -> tuple[int, int, int] | None:
    """The channels of the result, those of one group, and the groups."""
    shape = view.shape(node.outputs[0])
    if shape is None or len(shape) < 2:
        return None
    wide = shape[node.op.feature_axis]
    groups = node.op.groups if isinstance(node.op, Conv | ConvTranspose) else 1
    return wide, wide // groups, groups


RULES: dict[str, DesignRule] = {"W0414": channels_fit}
