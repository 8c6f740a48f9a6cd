"""The networks of ``specs/`` as graphs and ONNX models, and weights that make them worth comparing."""

from __future__ import annotations

import re
from functools import cache
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from lowered import lowered
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun
from onnx_case import Arrays, generator
from onnx_fixed import QUICK
from process import threads

import archdsl
from archdsl import dims
from archdsl.analyses.entering import boxes, integers
from archdsl.driver import Program
from archdsl.graph import Graph, Parameter
from archdsl.reading import zoo_files
from archdsl.shapes import TensorType
from archdsl.syntax import spec


def variants() -> dict[str, Path]:
    """Every variant and its file, in order."""
    return {
        name: path
        for path in zoo_files()
        for name in re.findall(r"^variant (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }


VARIANTS = variants()

CORE = {
    "alexnet", "densenet121", "googlenet", "lenet5", "mobilenet_v1_w0_25", "mobilenet_v2_w0_35", "resnet18",
    "resnext50_32x4d", "seresnext50_32x4d", "shufflenet_v2_x0_5", "squeezenet1_1", "vgg11_bn",
}  # fmt: skip
"""The families that everything is tried on; each stands for its own."""

CHOSEN = ("adaline", "pyramidnet164_a270_cifar")
"""In place of the first of their files: that one has weights and is no threshold gate, this one takes small pictures."""


@cache
def program(path: Path) -> Program:
    """The parsed file."""
    return archdsl.load(path)


def graph_of(variant: str, *, bind: dict[str, int] | None = None, train: bool = False, **params: Any) -> Graph:
    """A fresh elaboration."""
    return program(VARIANTS[variant]).graph(variant, bind=bind, train=train, **params)


@cache
def symbolic(variant: str) -> Graph:
    """The variant as it stands, elaborated once."""
    return graph_of(variant)


def network_of(variant: str) -> spec.Network:
    """The network that a variant is of, as text."""
    module = program(VARIANTS[variant]).module
    callee = module.variants[variant].network.callee
    assert isinstance(callee, spec.Name)
    name = callee.id
    while name in module.imports:
        module, imported = module.imports[name]
        name = imported.name
    network = module.definitions[name]
    assert isinstance(network, spec.Network)
    return network


def families() -> dict[str, str]:
    """One variant a family, by file, from names alone: of the core, or chosen above, or the first."""
    found: dict[str, str] = {}
    for variant in [*sorted(CORE), *CHOSEN, *VARIANTS]:
        found.setdefault(VARIANTS[variant].stem, variant)
    return dict(sorted(found.items()))


def usable(variant: str) -> bool:
    """Whether there is something to compare."""
    graph = symbolic(variant)
    return bool(graph.parameters()) and not jumps(graph)


def fixed_size(variant: str) -> bool:
    """Whether the input is large and nothing can be done about it."""
    if has_parameter(variant, "res"):
        return False
    pixels = max(prod(size for size in v.type.shape[1:] if isinstance(size, int)) for v in symbolic(variant).inputs)
    return pixels > 3 * 64 * 64


def has_parameter(variant: str, name: str) -> bool:
    """Whether the network can be given ``name``."""
    return any(p.name == name for p in network_of(variant).parameters)


def jumps(graph: Graph) -> bool:
    """Whether the outputs are no continuous function of the inputs."""
    return any(node.op.name in ("step", "non_max_suppression") for node in graph.nodes)


@cache
def smallest(variant: str) -> int | None:
    """The smallest legal resolution; ``None`` where the network has no such parameter."""
    if not has_parameter(variant, "res"):
        return None
    for res in range(1, 1000):
        try:
            graph_of(variant, res=res)
        except archdsl.DiagnosticError:
            continue
        return res
    raise AssertionError(f"{variant} fits no input")


def structure(graph: Graph, **options: Any) -> bytes:
    """The model without its weights: parameters are inputs."""
    return lowered(graph, weights="none", **options)


def shape_of(value: onnx.ValueInfoProto) -> list[int | str]:
    """Sizes and the names of symbols; an axis that has neither is ``?``."""
    sizes = value.type.tensor_type.shape.dim
    return [d.dim_value if d.HasField("dim_value") else d.dim_param or "?" for d in sizes]


def printed(type: TensorType) -> list[int | str]:
    """Our shape in the file's terms."""
    return [dim if isinstance(dim, int) else str(dim) for dim in type.shape]


def session_of(model: bytes | str | Path, *, optimised: bool = True) -> onnxruntime.InferenceSession:
    """ONNX Runtime on the CPU with its own optimisations, as a user has it, or without them."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads()
    options.log_severity_level = 3
    if not optimised:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(
        model if isinstance(model, bytes) else str(model), options, providers=["CPUExecutionProvider"]
    )


# Inputs and weights


def images(graph: Graph, batch: int, *key: object, native: bool = False) -> Arrays:
    """Normal inputs of the declared shapes, ``batch`` different ones; integers that may enter, or marks of what is seen.
    Sequences are short, or ``native``: as long as is declared. Of regions, corners in pixels of the picture.
    """
    draw, ends, corners = generator("images", *key), integers(graph), boxes(graph)
    sizes = {**graph.defaults, **({} if native else STEPS), "N": batch}
    found: Arrays = {}
    for value in graph.inputs:
        shape = [dims.evaluate(size, sizes) for size in value.type.shape]
        if value.name in corners:
            _, *sides = corners[value.name]
            wide, high = (dims.evaluate(size, sizes) for size in sides)
            spread = np.sort(draw.uniform(size=(shape[0], 2, 2)), axis=1) * [wide, high]
            found[value.name] = spread.reshape(shape).astype(np.float32)
            continue
        if value.type.dtype == "f32":
            found[value.name] = draw.normal(size=shape).astype(np.float32)
            continue
        low, high = ends.get(value.name, (0, 1))
        found[value.name] = draw.integers(dims.evaluate(low, sizes), dims.evaluate(high, sizes) + 1, shape)
        if value.name not in ends:
            found[value.name][:, 0] = 1
    return found


STEPS = {"T": 6, "S": 5}
"""How long sequences are."""
WORDS = {"d": 16, "depth": 2, "heads": 4, "vocab": 50}
DARK = {"c": 4, "depths": [1, 1, 1, 1, 1], "classes": 3, "res": 64}
SEEN = {"width": 0.125, "classes": 3, "res": 64}
SMALL: dict[str, dict[str, Any]] = {
    **dict.fromkeys(("bert", "gpt2", "distilbert", "bart"), WORDS), "roberta": WORDS, "electra": {**WORDS, "narrow": 8},
    **{name: {**WORDS, "kv": 2, "e": 8, "hidden": 24} for name in ("llama", "qwen2", "mistral")},
    "gemma": {**WORDS, "kv": 1, "e": 8, "hidden": 24}, "phi": {**WORDS, "turned": 2}, "whisper": {**WORDS, "mels": 8},
    "modernbert": {**WORDS, "depth": 3, "hidden": 24, "reach": 3},
    "t5": {**WORDS, "e": 8, "hidden": 24}, "transformer": {**WORDS, "hidden": 24},
    "mamba": {"d": 16, "depth": 2, "vocab": 50}, "mixtral": {**WORDS, "hidden": 12, "count": 4, "kv": 2, "e": 8},
    "seq2seq": {"d": 8, "depth": 2, "source_vocab": 50, "target_vocab": 50}, "gnmt": {"d": 8, "depth": 3, "vocab": 50},
    "ntm": {"d": 6, "rows": 7, "width": 3}, "awd_lstm": {"d": 8, "hidden": 12, "vocab": 50}, "char_cnn": {"width": 4, "hidden": 8, "length": 150},
    "lstm_char": {"filters": [3, 4], "width": 8, "vocab": 50, "longest": 7},
    "rnnsearch": {"d": 8, "m": 6, "l": 5, "vocab": 50}, "recurrent": {"width": 12, "words": 50},
    "adaptive_span": {**WORDS, "hidden": 24, "memories": 3, "longest": 20}, "area_attention": {**WORDS, "hidden": 24},
    "dynamic_convolution": {"d": 16, "hidden": 24, "source_vocab": 50, "target_vocab": 50, "kernels": [3, 5]},
    "evolved_transformer": {**WORDS, "hidden": 24, "encoders": 1, "decoders": 1}, "glu_lm": {"depth": 3, "d": 8, "lookup": 5, "vocab": 50},
    "sparse_transformer": {"pairs": 1, "d": 16, "stride": 8, "side": 4}, "synthesizer": {**WORDS, "hidden": 24, "longest": 9, "rank": 3},
    "universal_transformer": {**WORDS, "hidden": 24, "steps": 2},
    "lrcn": {"widths": [4, 6, 6, 6, 6], "hidden": 12, "d": 8, "classes": 3, "size": 67},
    "memn2n": {"d": 6, "vocab": 20, "longest": 9}, "pointer_net": {"d": 8},
    "structured_self_attention": {"features": 6, "d": 4, "attended": 5, "rows": 3, "hidden": 7},
    "seq2seq_attention": {"d": 8, "m": 6, "source_vocab": 50, "target_vocab": 50}, "lstmn": {"d": 8, "m": 6, "vocab": 50},
    "self_attention": {"k": 16, "p": 4, "l": 5, "n": 12, "heads": 2},
    "moe_lstm": {"d": 8, "hidden": 6, "vocab": 50}, "product_keys": {"d": 8, "heads": 2, "n": 5, "k": 3, "width": 8},
    "show_attend_tell": {"d": 8, "m": 5, "vocab": 50, "features": 6, "places": 9},
    "convlstm": {"widths": [4, 3], "from": 3, "k": 3, "patch": 2, "size": 8},
    "yolo_v1": {"width": 0.125, "hidden": 24, "res": 64}, "yolov3": DARK, "darknet": DARK, "yolov5": SEEN, "yolov8": SEEN,
    "yolox": SEEN, "ssd": {"width": 4, "classes": 3}, "ssdlite": {"width": 0.25, "classes": 3, "res": 64},
    "efficientdet": {"width": 0.25, "c": 8, "cells": 1, "depth": 1, "classes": 3, "res": 128},
}  # fmt: skip
"""By file, the arguments that make networks of sequences and detectors small."""
SMALL_MAPS: dict[str, dict[str, Any]] = {
    "centernet": {"c": 8, "depths": [1, 1, 1, 1], "widths": [16, 12, 8], "classes": 3, "res": 64},
    "deconvnet": {"width": 4, "hidden": 16, "res": 64}, "fcn": {"c": 4, "hidden": 16, "res": 64}, "scse": {"c": 8},
    "pspnet": {"c": 4, "res": 64}, "segnet": {"width": 4, "res": 64}, "unet_3d": {"c": 4, "depth": 1, "size": 34},
    "unetpp": {"widths": [4, 8, 12, 16, 24], "res": 32}, "sagan": {"width": 8, "noise": 6, "classes": 5},
}  # fmt: skip
"""And of networks from large pictures to large maps."""


def made_small(variant: str) -> dict[str, Any]:
    """The arguments of the above that a variant's network has."""
    given = {**SMALL, **SMALL_MAPS}.get(VARIANTS[variant].stem, {})
    return {name: value for name, value in given.items() if has_parameter(variant, name)}


def weights_of(graph: Graph) -> Arrays:
    """A value for every parameter that matters: no zero biases, no unit variances, no two channels alike.

    Where there is a fan, the variance is 2 / fan (12 / fan where sigmoids flatten the signal); running statistics are
    those of a batch, give or take some.
    """
    gain = gain_of(graph)
    found = {path: _values(p, gain, generator("weights", path)) for path, p in graph.parameters().items()}
    if any(path.endswith(".running_var") for path in found):
        _calibrate(graph, found)
    return found


def gain_of(graph: Graph) -> int:
    """The variance of weights, times their fan: sigmoids alone flatten the signal, ReLUs halve it."""
    return 12 if {"sigmoid"} == {node.op.name for node in graph.nodes} & {"sigmoid", "relu", "relu6", "tanh"} else 2


def _values(parameter: Parameter, gain: int, draw: np.random.Generator) -> np.ndarray:
    shape = [int(str(size)) for size in parameter.type.shape]
    if parameter.init.scheme == "fan":
        found = draw.normal(0, np.sqrt(gain / parameter.init.fan_in), shape)
    elif parameter.init.scheme == "ones":
        found = draw.uniform(0.5, 1.5, shape)
    else:
        found = draw.normal(0, 0.3, shape)
    return found.astype(np.float32)


def _calibrate(graph: Graph, weights: Arrays) -> None:
    """Set running statistics near those of the layer's input, in one pass of ``onnx.reference``."""

    class BatchNormalization(OpRun):
        op_domain = ""

        def _run(self, x, scale, bias, mean, var, epsilon=1e-5, **_):
            axes = (0, *range(2, x.ndim))
            draw = generator("statistics", self.onnx_node.input[3])
            spread = x.std(axes)
            mean = (x.mean(axes) + 0.2 * spread * draw.normal(size=spread.shape)).astype(np.float32)
            var = ((spread**2 + 0.05 * (spread**2).mean()) * draw.uniform(0.7, 1.4, spread.shape)).astype(np.float32)
            weights[self.onnx_node.input[3]], weights[self.onnx_node.input[4]] = mean, var
            shape = (1, -1, *[1] * (x.ndim - 2))
            gain = scale / np.sqrt(var + epsilon)
            return (x * gain.reshape(shape) + (bias - mean * gain).reshape(shape),)

    model = onnx.ModelProto.FromString(structure(graph))
    pixels = max(prod(size for size in v.type.shape[2:] if isinstance(size, int)) for v in graph.inputs)
    inputs = images(graph, min(max(4000 // pixels, 8), 96), "calibrate")
    ReferenceEvaluator(model, new_ops=[BatchNormalization, *QUICK]).run(None, {**inputs, **weights})


def with_weights(model: onnx.ModelProto, weights: Arrays) -> onnx.ModelProto:
    """The model with these values in place of the initialisers' own; it must have exactly these."""
    assert {t.name: tuple(t.dims) for t in model.graph.initializer} == {k: v.shape for k, v in weights.items()}
    for tensor in model.graph.initializer:
        tensor.CopyFrom(numpy_helper.from_array(weights[tensor.name], tensor.name))
    return model
