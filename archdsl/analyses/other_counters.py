"""Other tools' numbers, re-added from our columns by each tool's rule, so that a figure in an issue can be traced.

A rule sees one operator: its card, its types, its parameters and our work. What a tool decides by something we cannot
see, such as whether the PyTorch source calls a module or a function, is in the convention's ``notes``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from archdsl import dims
from archdsl.analyses.at_binding import Bound
from archdsl.analyses.rows import Row
from archdsl.diagnostics import Refusal, did_you_mean
from archdsl.dims import Dim
from archdsl.ops.base import Op, Work
from archdsl.ops.conv import ConvTranspose
from archdsl.ops.norm import LocalResponseNorm
from archdsl.ops.pool import LpPool
from archdsl.ops.resample import Resize
from archdsl.ops.softmax import Softmax
from archdsl.ops.windows import Windowed
from archdsl.record import Record
from archdsl.shapes import TensorType, resolve_axis

CONVOLUTIONS = frozenset({"conv", "conv_transpose"})
WINDOW_POOLS = frozenset({"max_pool", "max_pool_indices", "avg_pool"})
ADAPTIVE_POOLS = frozenset({"global_avg_pool", "global_max_pool", "adaptive_avg_pool", "adaptive_max_pool"})
AVERAGES = frozenset({"global_avg_pool", "adaptive_avg_pool"})
AFFINE_NORMS = frozenset({"batch_norm", "group_norm", "instance_norm", "layer_norm"})


class Layer(Record):
    """One operator as a rule sees it."""

    row: Row
    ins: tuple[TensorType, ...]
    work: Work

    @property
    def op(self) -> str:
        """The operator's name."""
        return self.row.op

    @property
    def card(self) -> Op:
        """The operator with its arguments."""
        return self.row.node.op

    @property
    def input(self) -> Dim:
        """Elements of the first input."""
        return self.ins[0].elements if self.ins else 0

    @property
    def output(self) -> Dim:
        """Elements of the first output."""
        return self.row.outputs[0].elements

    @property
    def batch(self) -> Dim:
        """The size of the first axis of the result."""
        return self.row.outputs[0].shape[0] if self.row.outputs[0].rank else 1

    @property
    def weights(self) -> Dim:
        """Elements of the operator's own parameters, buffers left out."""
        total: Dim = 0
        for parameter in self.row.node.params.values():
            total = total + (0 if parameter.buffer else parameter.type.elements)
        return total

    @property
    def given(self) -> TensorType | None:
        """The weight that a layer is given in place of its own."""
        return next(iter(self.card.operand("weight", self.ins)), None) if "weight" in self.card.operands else None

    @property
    def kernel(self) -> tuple[Dim, ...]:
        """The sizes of a convolution's weight: [out, in / groups, window…]; transposed, [in, out / groups, window…]."""
        type = self.given or self.row.node.params["weight"].type
        return type.shape[type.rank - self.ins[0].rank :]

    @property
    def affine(self) -> bool:
        """Whether a normalisation has a learned scale."""
        return any(not p.buffer for p in self.row.node.params.values())

    @property
    def bias(self) -> Dim:
        """One addition per output element of a layer with a bias, else 0."""
        return self.output if "bias" in self.row.node.params else 0


class Convention(Record):
    """How one tool counts: its release, what it calls the figure, the rule, and what the rule cannot see."""

    name: str
    release: str
    title: str
    rule: Callable[[Layer], Dim | None]
    """``None``: we do not know how the tool counts the operator."""
    notes: tuple[str, ...] = ()


def count(bound: Bound, rows: Iterable[Row], convention: Convention) -> list[Dim | None]:
    """The tool's figure for every row; ``None``: not known, so that the sum, the tool's total, is a lower bound."""
    found: list[Dim | None] = []
    for row in rows:
        layer = Layer(row, bound.types(row.node.inputs), row.work or Work())
        found.append(None if row.work is None else convention.rule(layer))
    return found


def convention(name: str) -> Convention:
    """The convention of that name; refuses unknown ones."""
    if name not in CONVENTIONS:
        raise Refusal(
            "E0007", f"there is no convention `{name}`",
            help=did_you_mean(name, CONVENTIONS, "known: " + ", ".join(CONVENTIONS)),
        )  # fmt: skip
    return CONVENTIONS[name]


def _torchinfo(layer: Layer) -> Dim | None:
    if layer.card.role == "source" and layer.weights:
        return None
    if layer.op in CONVOLUTIONS:
        return layer.weights * layer.batch * dims.product(layer.row.outputs[0].shape[2:])
    return layer.weights * layer.batch


def _fvcore(layer: Layer) -> Dim:
    if layer.op == "batch_norm":
        return layer.input * (2 if layer.affine else 1)
    if layer.op in AFFINE_NORMS:
        return layer.input * (5 if layer.affine else 4)
    if layer.op in AVERAGES:
        return layer.input if layer.ins[0].rank == 4 else 0
    if isinstance(layer.card, Resize):
        return layer.output * (_FVCORE_RESIZE.get(layer.card.mode, 0) if layer.ins[0].rank == 4 else 0)
    return layer.work.mac


_FVCORE_RESIZE = {"nearest": 1, "bilinear": 4}
"""fvcore's cost of one element; it counts two interpolations, and in 2-D only."""


def _thop(layer: Layer) -> Dim:
    if layer.op in ("batch_norm", "instance_norm", "layer_norm"):
        return layer.input * (4 if layer.affine else 2)
    if layer.given:
        return 0  # a function: only modules are counted
    if isinstance(layer.card, ConvTranspose):
        kernel = layer.kernel[2:]
        return layer.output * dims.floordiv(layer.ins[0].shape[1], layer.card.groups) * dims.product(kernel)
    if layer.op in ("conv", "linear"):
        return layer.work.mac
    if layer.op == "avg_pool":
        return layer.output
    if layer.op in AVERAGES:
        return layer.input + layer.output
    if isinstance(layer.card, Resize):
        return layer.output * _THOP_RESIZE.get(layer.card.mode, 0)
    if isinstance(layer.card, Softmax):  # exponentials, additions, divisions: 3 n - 1 for n terms
        axis = resolve_axis(layer.card.axis, layer.ins[0])
        return layer.input * 3 - dims.floordiv(layer.input, layer.ins[0].shape[axis])
    return layer.input if layer.op == "prelu" else 0


_THOP_RESIZE = {"nearest": 1, "linear": 5, "bilinear": 11, "bicubic": 259}
"""thop's cost of one element; it knows no trilinear interpolation and counts 0."""


def _ptflops(layer: Layer) -> Dim:
    if layer.op in AFFINE_NORMS:
        return layer.input * (2 if layer.affine and layer.op != "layer_norm" else 1)
    if layer.op in CONVOLUTIONS or layer.op == "linear":
        return layer.work.mac + layer.bias
    if layer.op in WINDOW_POOLS or layer.op in ADAPTIVE_POOLS:
        return layer.input * 2
    if isinstance(layer.card, LocalResponseNorm):  # also: a pooling of padded squares, two products and a sum
        return layer.input * 4 + dims.floordiv(layer.input, layer.ins[0].shape[1]) * (layer.card.size - 1)
    if isinstance(layer.card, LpPool):  # a function made of others: a pooling, a relu and a product
        return layer.input + layer.output * 2
    if layer.op in ("relu", "prelu", "elu", "gelu", "resize"):
        return layer.output * 2
    if layer.op in ("relu6", "leaky_relu", "silu", "softmax"):
        return layer.output
    return layer.work.mac


def _ptflops_aten(layer: Layer) -> Dim:
    return layer.work.mac + (layer.bias if layer.op in CONVOLUTIONS or layer.op == "linear" else 0)


def _onnx_tool(layer: Layer) -> Dim | None:
    if isinstance(layer.card, ConvTranspose):  # its own reading of the weight: [in, out / groups, kernel]
        return layer.output * dims.product(layer.kernel[1:]) + layer.bias
    if layer.op in ("conv", "linear"):
        return layer.work.mac + layer.bias
    if layer.op == "batch_norm":
        before = layer.row.node.inputs[0].producer
        return 0 if before is not None and before.op.role == "layer" else layer.output * 31
    if (layer.op == "avg_pool" and layer.ins[0].rank == 5) or (layer.op == "adaptive_avg_pool" and not _divides(layer)):
        return None  # exported as something else
    if layer.op in WINDOW_POOLS and isinstance(layer.card, Windowed):
        return layer.output * dims.product(layer.card.geometry(layer.ins[0])[0])
    if layer.op in AVERAGES or layer.op in ("reduce_mean", "reduce_sum", "reduce_max", "reduce_min"):
        return layer.input
    if layer.op in _ONNX_TOOL:
        return layer.output * _ONNX_TOOL[layer.op] * max(1, len(layer.ins) - 1)
    return layer.work.mac if layer.work == Work(mac=layer.work.mac) else None


def _divides(layer: Layer) -> bool:
    """Whether the sizes of a map are multiples of those of the result."""
    return all(
        isinstance(n, int) and isinstance(m, int) and n % m == 0
        for n, m in zip(layer.ins[0].shape[2:], layer.row.outputs[0].shape[2:])
    )


_ONNX_TOOL = {
    "add": 1, "sub": 1, "mul": 1, "div": 4, "max": 1, "min": 1, "neg": 1, "abs": 1,
    "relu": 1, "relu6": 2, "clip": 2, "leaky_relu": 2, "prelu": 2, "elu": 35,
    "exp": 32, "log": 43, "sqrt": 24, "pow": 32, "sigmoid": 32, "tanh": 76, "softmax": 36, "log_softmax": 80,
    "softplus": 77, "hard_sigmoid": 4, "hard_swish": 5,
}  # fmt: skip
"""onnx-tool's cost of one element, from its constants EXP 32, LOG 43, SQRT 24, DIV 4. A batch norm that is not folded
is a root, a division, a product and two sums: 31."""


MODULES = "sees modules only: the same operator written as a function in the PyTorch source is not counted there"

CONVENTIONS: dict[str, Convention] = {c.name: c for c in (
    Convention("contractions", "torch.utils.flop_counter / 2, calflops 0.3.2", "MACs", lambda layer: layer.work.mac),
    Convention("torchinfo", "1.8.0", "mult-adds", _torchinfo, (
        "parameters, biases included, times output positions for convolutions, times the batch for anything else",
        "products of two computed tensors are not counted; a raw parameter is by the module that owns it",
    )),
    Convention("fvcore", "0.1.5", "flops", _fvcore, (
        "2-D adaptive and global average pooling counts one per input element; `x.mean([2, 3])` in the source does not",
    )),
    Convention("ptflops-pytorch", "0.7.5", "MACs", _ptflops, (
        "a module that calls its function is counted twice (relu, prelu, elu, gelu, poolings, upsampling), a bare "
        "function once; archdsl assumes modules",
        "sums and products written `a + b`, `a @ b` are not counted; archdsl assumes `a + b` and `torch.matmul(a, b)`",
    )),
    Convention("ptflops-aten", "0.7.5", "MACs", _ptflops_aten),
    Convention("thop", "0.1.1", "MACs", _thop, (MODULES, "archdsl assumes modules")),
    Convention("onnx-tool", "1.0.1", "MACs", _onnx_tool, (
        "on the ONNX file of an untrained net: batch norms behind a layer are folded and their zero biases dropped; "
        "with trained weights every folded convolution adds its output elements",
    )),
)}  # fmt: skip
"""Name -> convention: what ``--as`` takes."""
