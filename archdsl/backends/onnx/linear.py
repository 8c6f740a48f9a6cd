"""Fully connected layers, matrix products and embeddings -> ``Gemm``, ``MatMul``, ``Gather``."""

from __future__ import annotations

from archdsl.backends.onnx.simple_rules import plain
from archdsl.backends.onnx.writer import Emit


def linear(emit: Emit) -> None:
    """``Gemm(transB=1)`` on [N, F], which keeps PyTorch's layout of the weight; ``MatMul`` and ``Add`` on more axes."""
    weight, bias = emit.param("weight"), emit.optional("bias")
    if emit.types[0].rank == 2:
        emit.result("Gemm", [emit.ins[0], weight, bias], transB=1)
        return
    operands = [emit.ins[0], emit.helper("Transpose", [weight], perm=(1, 0))]
    if bias:
        emit.result("Add", [emit.helper("MatMul", operands), bias])
    else:
        emit.result("MatMul", operands)


def embedding(emit: Emit) -> None:
    """``Gather`` of rows."""
    emit.result("Gather", [emit.param("weight"), emit.ins[0]], axis=0)


RULES = {"linear": linear, "matmul": plain("MatMul"), "embedding": embedding}
