"""The operators of ONNX by family, as in ``backends/onnx``; importing this registers all of them."""

from archdsl.foreign.onnx.families import (
    activation as activation,
    arithmetic as arithmetic,
    conv as conv,
    linear as linear,
    norm as norm,
    pool as pool,
    shape as shape,
)
