"""Padding and cropping -> ``Pad``, ``Slice``."""

from __future__ import annotations

from archdsl.backends.onnx.writer import Emit


def pad(emit: Emit) -> None:
    """``Pad``; nothing where nothing is added."""
    pads = emit.op.pads(emit.types[0])
    if not any(map(any, pads)):
        emit.forward()
        return
    mode, value = emit.op.filling()
    ends = emit.vector([*(begin for begin, _ in pads), *(end for _, end in pads)])
    emit.result("Pad", [emit.ins[0], ends, emit.scalar(value) if mode == "constant" else ""], mode=mode)


def crop(emit: Emit) -> None:
    """``Slice`` of the spatial axes."""
    (x,) = emit.types
    begins, sizes = emit.op.offsets(x), emit.op.sizes(x)
    ends = [begin + size for begin, size in zip(begins, sizes)]
    emit.result("Slice", [emit.ins[0], emit.vector(begins), emit.vector(ends), emit.ints(range(2, x.rank))])


RULES = {"pad_axes": pad, "pad_channels": pad, "crop": crop}
