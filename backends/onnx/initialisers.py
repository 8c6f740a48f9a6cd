"""The weights of a model as parts of its file: inside it, or in a file of external data beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archdsl.graph import Parameter
from archdsl.shapes import DTYPE_BYTES

from . import wire
from .lower import refuse
from .options import OnnxOptions
from .save import Part, Payload
from .writer import fixed

INLINE = 1024
"""Tensors below this size stay in the model even where the others are external, as in ``onnx.external_data_helper``."""


def weight_bytes(parameters: Sequence[Parameter]) -> int:
    """The bytes of all weights."""
    return sum(map(_bytes, parameters))


def _bytes(parameter: Parameter) -> int:
    count = parameter.type.bytes
    assert isinstance(count, int)
    return count


def check_limit(parameters: Sequence[Parameter], limit: int) -> None:
    """Refuse more weights than the limit before anything is allocated."""
    total = weight_bytes(parameters)
    if total > limit:
        largest = max(parameters, key=_bytes)
        refuse(
            "E0602",
            f"the weights have {total:,} bytes, more than the limit of {limit:,}; "
            f"the largest is `{largest.path}`, {largest.type}",
            "write the structure only, `--weights none`, or allow more: `max_bytes` in Python",
        )


def payload(parameter: Parameter, options: OnnxOptions) -> Payload:
    """The values of a parameter, computed when they are written."""
    from . import init

    width = DTYPE_BYTES[parameter.type.dtype]
    compute = init.stretches(parameter, options.init, options.seed)

    def stretch(start: int, stop: int) -> Any:
        return compute(start // width, stop // width).data

    return Payload(_bytes(parameter), init.STRETCH * width, stretch)


def inside(parameters: Sequence[Parameter], options: OnnxOptions) -> list[Part]:
    """The initialisers with their data, as parts of the graph."""
    parts: list[Part] = []
    for parameter in parameters:
        data = payload(parameter, options)
        parts += [_head(parameter, wire.head(9, data.size), data.size), data]
    return parts


def _head(parameter: Parameter, tail: bytes, data: int) -> bytes:
    """The initialiser up to its data; ``tail`` follows the name, and ``data`` bytes follow that."""
    head = (
        wire.tensor_head(parameter.path, parameter.type.dtype, fixed(parameter.type.shape)) + tail
    )
    return wire.head(5, len(head) + data) + head


def outside(parameters: Sequence[Parameter], options: OnnxOptions) -> tuple[list[Part], dict[str, int]]:
    """The parts of the data file, and where each parameter lies in it; small ones are left out.

    Offsets are multiples of 4096, for large tensors of 64 KiB (the allocation granularity), so that they can be mapped.
    """
    parts: list[Part] = []
    offsets: dict[str, int] = {}
    position = 0
    for parameter in parameters:
        data = payload(parameter, options)
        if data.size < INLINE:
            continue
        aligned = -position % (1 << 16 if data.size >= 1 << 20 else 4096)
        if aligned:
            parts.append(bytes(aligned))
        offsets[parameter.path] = position + aligned
        position += aligned + data.size
        parts.append(data)
    return parts, offsets


def referring(
    parameters: Sequence[Parameter], options: OnnxOptions, location: str, offsets: dict[str, int]
) -> list[Part]:
    """The initialisers as references into the data file."""
    parts: list[Part] = []
    for parameter in parameters:
        if parameter.path in offsets:
            where = wire.external(location, offsets[parameter.path], _bytes(parameter))
            parts.append(_head(parameter, where, 0))
        else:
            parts += inside([parameter], options)
    return parts
