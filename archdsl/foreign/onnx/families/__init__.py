"""The operators of ONNX by family, as in ``backends/onnx``; importing this registers all of them."""

from archdsl.foreign.onnx.families import (
    activation as activation,
    arithmetic as arithmetic,
    attention as attention,
    choice as choice,
    control as control,
    conv as conv,
    einsum as einsum,
    fourier as fourier,
    fused as fused,
    index as index,
    linear as linear,
    loops as loops,
    norm as norm,
    places as places,
    pool as pool,
    quantized as quantized,
    recurrent as recurrent,
    reduce as reduce,
    resample as resample,
    shape as shape,
)
