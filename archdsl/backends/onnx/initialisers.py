"""The weights of a model as parts of its file: inside it, or in a file of external data beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from archdsl.backends.onnx import wire
from archdsl.backends.onnx.lower import refuse
from archdsl.backends.onnx.options import OnnxOptions
from archdsl.backends.onnx.stream import Part, Payload
from archdsl.backends.onnx.writer import fixed
from archdsl.element_types import ELEMENT_TYPES
from archdsl.graph import Parameter
from archdsl.weights.tensor import Loaded, Tensor

COPIED = 1 << 20
"""Bytes of a weight file that are copied at a time."""
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
            "write only the structure with `--weights none`, or allow more with `max_bytes` in Python",
        )


def payload(parameter: Parameter, options: OnnxOptions) -> Payload:
    """The values of a parameter, computed or read when they are written."""
    tensor = unchanged(parameter)
    if tensor is not None:
        return Payload(tensor.size, COPIED if tensor.place else max(tensor.size, 1), tensor.read)
    from archdsl.backends.onnx import init

    width = ELEMENT_TYPES[parameter.type.dtype].bytes
    compute = init.stretches(parameter, options.init, options.seed)

    def stretch(start: int, stop: int) -> Any:
        return compute(start // width, stop // width).data

    return Payload(_bytes(parameter), init.STRETCH * width, stretch)


def unchanged(parameter: Parameter) -> Tensor | None:
    """The tensor of a weight file whose bytes are those of the parameter."""
    tensor = parameter.init.tensor if isinstance(parameter.init, Loaded) else None
    return tensor if tensor is not None and tensor.dtype == parameter.type.dtype else None


def inside(parameters: Sequence[Parameter], options: OnnxOptions) -> list[Part]:
    """The initialisers with their data, as parts of the graph."""
    parts: list[Part] = []
    for parameter in parameters:
        data = payload(parameter, options)
        parts += [_head(parameter, wire.head(9, data.size), data.size), data]
    return parts


def _head(parameter: Parameter, tail: bytes, data: int) -> bytes:
    """The initialiser up to its data; ``tail`` follows the name, and ``data`` bytes follow that."""
    head = wire.tensor_head(parameter.path, parameter.type.dtype, fixed(parameter.type.shape)) + tail
    return wire.head(5, len(head) + data) + head


Places = Mapping[str, tuple[str, int]]
"""Parameter -> the file that has its data, relative to the model, and where they begin in it."""


def beside(parameters: Sequence[Parameter], target: Path) -> Places:
    """The places of the large weights whose bytes lie unchanged in files in the model's folder, or below it.

    They need not be copied: the model ``target`` can refer to those files, unless it replaces them.
    """
    found: dict[str, tuple[str, int]] = {}
    files: dict[Path, str] = {}
    for parameter in parameters:
        tensor = unchanged(parameter)
        place = tensor.place if tensor is not None else None
        if place is None or _bytes(parameter) < INLINE:
            continue
        if place.path not in files:
            file = place.path.resolve()
            inside = file.is_relative_to(target.parent) and file != target
            files[place.path] = file.relative_to(target.parent).as_posix() if inside else ""
        if files[place.path]:
            found[parameter.path] = (files[place.path], place.offset)
    return found


def whole_checkpoint(parameters: Sequence[Parameter], places: Places) -> bool:
    """Whether all large weights lie in safetensors files, aligned: then the model refers to them unasked."""
    for parameter in parameters:
        if _bytes(parameter) < INLINE:
            continue
        file, offset = places.get(parameter.path, ("", 0))
        if not file.endswith(".safetensors") or offset % ELEMENT_TYPES[parameter.type.dtype].bytes:
            return False
    return bool(places)


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


def referring(parameters: Sequence[Parameter], options: OnnxOptions, places: Places) -> list[Part]:
    """The initialisers as references into files of data."""
    parts: list[Part] = []
    for parameter in parameters:
        if parameter.path in places:
            location, offset = places[parameter.path]
            where = wire.external(location, offset, _bytes(parameter))
            parts.append(_head(parameter, where, 0))
        else:
            parts += inside([parameter], options)
    return parts
