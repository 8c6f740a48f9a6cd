"""Conversion of tensors to a checkpoint's layout and back: other shapes, axes in another order."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.element_types import ELEMENT_TYPES
from archdsl.graph import Parameter, Stored
from archdsl.shapes import Shape
from archdsl.weights.tensor import Tensor


def restored(tensor: Tensor, stored: Stored, parameter: Parameter) -> Tensor:
    """The parameter from the tensor that a checkpoint keeps of it."""
    return _moved(tensor, parameter.type.shape, tuple(map(stored.order.index, range(len(stored.order)))))


def kept(tensor: Tensor, stored: Stored) -> Tensor:
    """What a checkpoint keeps of a parameter with the values of ``tensor``."""
    return _moved(tensor, stored.shape, stored.order)


def _moved(tensor: Tensor, shape: Shape, order: Sequence[int]) -> Tensor:
    """The tensor with its axes in another order (none: as they are), in another shape.

    Without an order its bytes stay where they are in the file.
    """
    sizes = tuple(size for size in shape if isinstance(size, int))

    def load() -> bytes:
        import numpy as np

        values = np.frombuffer(tensor.read(), ELEMENT_TYPES[tensor.dtype].stored).reshape(tensor.shape)
        return values.transpose(order).tobytes()

    if order:
        return Tensor(tensor.name, tensor.dtype, sizes, None, load)
    return tensor if sizes == tensor.shape else Tensor(tensor.name, tensor.dtype, sizes, tensor.place, tensor.read)
