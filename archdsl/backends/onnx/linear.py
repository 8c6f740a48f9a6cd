"""Fully connected layers, matrix products and embeddings -> ``Gemm``, ``MatMul``, ``Gather``."""

from __future__ import annotations

from archdsl.backends.onnx.simple_rules import plain
from archdsl.backends.onnx.writer import Emit, fixed


def linear(emit: Emit) -> None:
    """``Gemm(transB=1)``, which keeps PyTorch's layout of the weight; more axes than two are rows of one product.

    Of ``Transpose``, ``MatMul`` and ``Add`` a runtime would copy the weight when it loads the model, and rows of
    unknown number would be no single product. But ``Reshape`` copies what is an output of the model, such as the scores
    of a vocabulary: those are ``MatMul``.
    """
    weight, bias, x = emit.param("weight"), emit.optional("bias"), emit.types[0]
    if emit.op.transposed:
        _as_stored(emit, weight, bias)
        return
    if x.rank == 2:
        emit.result("Gemm", [emit.ins[0], weight, bias], transB=1)
        return
    if not bias and emit.node.outputs[0] in emit.writer.graph.outputs.values():
        emit.result("MatMul", [emit.ins[0], emit.helper("Transpose", [weight], perm=(1, 0))])
        return
    features = x.shape[-1]
    rows = emit.once(
        ("rows", emit.ins[0]), lambda: emit.helper("Reshape", [emit.ins[0], emit.ints([-1, *fixed([features])])])
    )
    product = emit.helper("Gemm", [rows, weight, bias], transB=1)
    shape = emit.outs[0].shape
    emit.result("Reshape", [product, emit.target((x.elements // features, shape[-1]), shape)], **emit.zeros(shape))


def _as_stored(emit: Emit, weight: str, bias: str) -> None:
    """``MatMul`` takes a weight [in, out] as it is."""
    if not bias:
        emit.result("MatMul", [emit.ins[0], weight])
    elif emit.types[0].rank == 2:
        emit.result("Gemm", [emit.ins[0], weight, bias])
    else:
        emit.result("Add", [emit.helper("MatMul", [emit.ins[0], weight]), bias])


def embedding(emit: Emit) -> None:
    """``Gather`` of rows."""
    emit.result("Gather", [emit.param("weight"), emit.ins[0]], axis=0)


RULES = {"linear": linear, "matmul": plain("MatMul"), "embedding": embedding}
