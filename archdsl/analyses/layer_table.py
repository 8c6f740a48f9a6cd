"""A table with a row for each layer, as lecture slides print it: geometry, operations, maps and parameters.

Columns: ``#`` (the last layer with weights), ``type``, ``Ni`` (channels in), ``M`` (size in), ``P`` (padding, both
sides together), ``F`` (window), ``S`` (stride), ``No`` (channels out), ``MACs``, ``InMap``, ``Parameter``, ``OutMap``,
``AllMem`` (the three together), all in numbers and elements.

Its convention differs from ``archdsl cost v1``: a convolution's and linear layer's biases are counted as MACs, and a
convolution's bias as a parameter for every output element (untied); a nonlinearity counts one, a normalisation nine per
element, a pooling its window per output.
"""

from __future__ import annotations

from archdsl.analyses.measure import Measures
from archdsl.analyses.rows import Row
from archdsl.dims import Dim, product
from archdsl.ops.norm import LocalResponseNorm
from archdsl.ops.windows import Windowed
from archdsl.record import Record
from archdsl.shapes import TensorType

NORM = 9
"""What one element of a normalisation counts."""


class LayerRow(Record):
    """One row; ``None`` where a column does not apply."""

    number: int
    type: str
    channels_in: Dim
    size_in: Dim
    pad: Dim | None
    window: Dim | None
    stride: Dim | None
    channels_out: Dim | None
    macs: Dim
    in_map: Dim
    parameters: Dim
    out_map: Dim

    @property
    def all_memory(self) -> Dim:
        """Input map, parameters and output map together."""
        return self.in_map + self.parameters + self.out_map


def layer_table(measures: Measures) -> list[LayerRow]:
    """The input, then every layer, nonlinearity, normalisation and pooling in order; views and joins are left out."""
    found = []
    number = 0
    for value in measures.graph.inputs:
        type = measures.bound.type(value)
        channels, size = _extent(type)
        found.append(LayerRow(0, "Inpt", channels, size, 0, 0, 0, 0, 0, 0, 0, type.elements))
    for row in measures.rows:
        if row.node.op.role == "view" or not row.node.inputs:
            continue
        number += row.node.op.role == "layer"
        made = _layer_row(row, measures.bound.types(row.node.inputs)[0], number)
        if made is not None:
            found.append(made)
    return found


def _layer_row(row: Row, x: TensorType, number: int) -> LayerRow | None:
    y = row.outputs[0]
    channels, size = _extent(x)
    op = row.node.op
    if op.role == "layer":
        macs = (row.work.mac + row.work.add) if row.work else 0
        if not isinstance(op, Windowed):
            held = row.params
            return LayerRow(number, "Full", x.elements, 1, 0, 1, 1, y.elements, macs, x.elements, held, y.elements)
        weight = row.params - (y.shape[1] if "bias" in row.node.params else 0)
        bias = y.elements if "bias" in row.node.params else 0
        pad, window, stride = _geometry(op, x)
        return LayerRow(
            number, "Conv", channels, size, pad, window, stride, y.shape[1], macs, x.elements, weight + bias, y.elements
        )
    if op.role == "activation":
        return LayerRow(number, "Nonl", channels, size, None, None, None, None, x.elements, x.elements, 0, y.elements)
    if op.role == "norm":
        window = op.size if isinstance(op, LocalResponseNorm) else 1
        return LayerRow(number, "Norm", channels, size, 0, window, 0, 0, x.elements * NORM, x.elements, 0, y.elements)
    if isinstance(op, Windowed):
        pad, window, stride = _geometry(op, x)
        macs = y.elements * product([window] * (x.rank - 2))
        return LayerRow(number, "Pool", channels, size, pad, window, stride, 0, macs, x.elements, 0, y.elements)
    return None


def _extent(type: TensorType) -> tuple[Dim, Dim]:
    """Channels and size: [N, C, H, W] gives C and H, [N, F] gives F and 1."""
    return (type.shape[1] if type.rank > 1 else 1), (type.shape[2] if type.rank > 2 else 1)


def _geometry(op: Windowed, x: TensorType) -> tuple[Dim, Dim, Dim]:
    """Total padding, window and stride of the first spatial axis."""
    kernel, stride, _ = op.geometry(x)
    pads = op.pads(x)
    return (sum(pads[0]) if pads else 0), kernel[0], stride[0]
