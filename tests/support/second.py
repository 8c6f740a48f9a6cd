"""Second sources: a network of the zoo made small, and the same network by others, or written again from its paper."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import archdsl
from archdsl import driver
from archdsl.graph import Graph
from archdsl.project.compiling import with_weights

Arrays = dict[str, Any]
Sizes = Mapping[str, int]


class Second(NamedTuple):
    """What a variant is held against, and what both are given."""

    variant: str
    small: dict[str, Any]
    """Arguments that make the variant small."""
    map: str
    """By which names its checkpoint is read; empty for the zoo's own."""
    other: Callable[[], Any]
    """The other network, as small."""
    inputs: Callable[[np.random.Generator, Sizes], Arrays]
    outputs: Callable[[Any, Arrays], Arrays]
    """Of the other network, by our names."""
    sizes: Sizes
    """Of the symbols, where outputs are compared."""
    grid: dict[str, tuple[int, ...]]
    """Of the symbols, where costs are compared: more values than the degree in the symbol."""
    full: Callable[[], Any] | None = None
    """The variant itself, for counting; ``None``: counted in ``count_transformers.py``, or too large."""
    full_sizes: tuple[Sizes, ...] = ()
    """Of the symbols, and in small letters those that are arguments of the variant."""
    beyond: Callable[[Sizes, Graph], int] = lambda sizes, graph: 0
    """Multiply-accumulates that the other network makes and throws away."""
    unseen: tuple[str, ...] = ()
    """Ends of the names of parameters that have no influence, by the equations."""


def graph_of(case: Second) -> Graph:
    return driver.resolve_target(case.variant)[0].graph(case.variant, **case.small)


def lively(net: Any, *inputs: Any) -> Any:
    """Random values in every parameter, large enough that each matters; running statistics of these inputs; float64."""
    import torch
    from torch_lively import calibrate

    draw = torch.Generator().manual_seed(1)
    net = net.double().eval()
    with torch.no_grad():
        for name, value in net.named_parameters():
            spread = 0.3 if value.ndim < 2 else 1.5 * max(value[0].numel(), 4) ** -0.5
            drawn = torch.randn(value.shape, generator=draw) * spread
            value.copy_(drawn + (value.ndim == 1 and "weight" in name))
    if inputs:
        calibrate(net, *inputs)
    return net


def tensors(inputs: Arrays) -> Arrays:
    import torch

    return {name: torch.from_numpy(value) for name, value in inputs.items()}


def singles(inputs: Arrays) -> Arrays:
    """As the compiled network takes them."""
    return {name: value.astype(np.float32) if value.dtype.kind == "f" else value for name, value in inputs.items()}


def said(case: Second, net: Any, inputs: Arrays) -> Arrays:
    """What the other network gives."""
    import torch

    with torch.no_grad():
        found = case.outputs(net, tensors(inputs))
    return {name: value.numpy() for name, value in found.items()}


def checkpoint(net: Any, path: Path) -> Path:
    """As its library saves it."""
    import torch

    torch.save({name: value.float() for name, value in net.state_dict().items() if value.is_floating_point()}, path)
    return path


def compiled(case: Second, weights: Path, deploy: bool = False) -> Path:
    """The variant with the values of a checkpoint, all of them, as a model beside it."""
    graph, told = with_weights(graph_of(case), weights)
    count, how = len(graph.parameters()), f"by the map `{case.map}`" if case.map else "by name"
    assert told[0].startswith(f"{weights.name}: {count} of {count} tensors matched {how}"), told
    archdsl.compile(graph, weights.with_suffix(".onnx"), deploy=deploy)
    return weights.with_suffix(".onnx")


def both_ways(graph: Graph, weights: Path, inputs: Arrays) -> tuple[Arrays, Arrays]:
    """The outputs for one picture, of ONNX Runtime and of the generated module, with the values of a checkpoint."""
    import onnx
    import torch
    from torch_module import load_initialisers, module_of, outputs_of

    whole, _ = with_weights(graph, weights)
    model = weights.with_suffix(".onnx")
    archdsl.compile(whole, model)
    module = module_of(graph)
    load_initialisers(module, onnx.load(model))
    with torch.no_grad():
        made = outputs_of(module(tensors(singles(inputs))["image"]))
    return archdsl.run(model, singles(inputs)), dict(zip(graph.outputs, made, strict=True))


def noise(case: Second, net: Any, inputs: Arrays, wanted: Arrays) -> float:
    """How far the other network in single precision is from itself."""
    from torch_module import distance

    found = said(case, copy.deepcopy(net).float(), singles(inputs))
    return max(distance(found[output], value) for output, value in wanted.items())


def counted(net: Any, case: Second, inputs: Arrays, device: str = "cpu") -> int:
    """Multiply-accumulates of all matrix products and convolutions that PyTorch makes, of attention too."""
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    net.requires_grad_(False)
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad(), torch.device(device), sdpa_kernel(SDPBackend.MATH):
        case.outputs(net, {name: value.to(device) for name, value in tensors(inputs).items()})
    return int(counter.get_total_flops()) // 2
