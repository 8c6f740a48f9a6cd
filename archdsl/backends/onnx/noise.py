"""Random numbers -> ``RandomNormal``, ``RandomUniform``; ``RandomNormalLike``, ``RandomUniformLike`` of computed sizes.

The seed is the operator's. ONNX Runtime begins with it when the model is loaded, and goes on from run to run.
"""

from __future__ import annotations

from archdsl.backends.onnx.wire import Attribute, Literal
from archdsl.backends.onnx.writer import Emit, fixed, pack
from archdsl.diagnostics import Refusal
from archdsl.element_types import ELEMENT_TYPES

NEWEST = 21
"""The last operator set in which ONNX Runtime 1.32 has kernels for them."""


def _drawn(emit: Emit, kind: str, **settings: float) -> None:
    """In ``f32`` at least: runtimes draw no half types."""
    emit.at_most(NEWEST)
    if emit.opset > NEWEST and not emit.writer.native:
        raise Refusal(
            "E0607", f"ONNX Runtime has no kernel for `{emit.op.name}` in the operator set {emit.opset}",
            help=f"give `--opset {NEWEST}`, or write it for another runtime with `--native`",
        )  # fmt: skip
    (type,) = emit.outs
    dtype = "f64" if type.dtype == "f64" else "f32"
    flags: dict[str, Attribute] = {"dtype": ELEMENT_TYPES[dtype].onnx, "seed": float(emit.op.seed), **settings}
    if all(isinstance(size, int) for size in type.shape):
        found = emit.helper(kind, [], shape=fixed(type.shape), **flags)
    else:
        like = Literal("f32", [1], pack("f32", [0.0]))
        found = emit.helper(
            f"{kind}Like", [emit.helper("ConstantOfShape", [emit.vector(type.shape)], value=like)], **flags
        )
    emit.writer.dtypes[found] = dtype
    emit.result("Cast", [found], to=ELEMENT_TYPES[type.dtype].onnx)


def random_normal(emit: Emit) -> None:
    """With mean and deviation."""
    _drawn(emit, "RandomNormal", mean=emit.op.mean, scale=emit.op.deviation)


def random_uniform(emit: Emit) -> None:
    """Between two bounds."""
    _drawn(emit, "RandomUniform", low=emit.op.low, high=emit.op.high)


RULES = {"random_normal": random_normal, "random_uniform": random_uniform}
