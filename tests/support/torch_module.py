"""Generated PyTorch modules as objects, and their comparison with ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from archdsl import read_weights
from archdsl.backends.torch import backend
from archdsl.graph import Graph


def module_of(graph: Graph) -> torch.nn.Module:
    """The generated class, made, in inference mode."""
    source = backend.lower(graph).decode()
    assert "archdsl" not in source.partition('"""\n')[2]
    namespace = ModuleType("generated")
    exec(compile(source, "<generated>", "exec"), namespace.__dict__)
    (name,) = namespace.__all__
    return getattr(namespace, name)().eval()


def loaded_module(path: Path) -> torch.nn.Module:
    """The module in a file, with the weights that lie beside it: all of them."""
    namespace = ModuleType(path.stem)
    exec(compile(path.read_text(), str(path), "exec"), namespace.__dict__)
    (name,) = namespace.__all__
    net: torch.nn.Module = getattr(namespace, name)().eval()
    beside = read_weights(path.with_suffix(".safetensors")).checkpoint
    net.load_state_dict({name: torch.from_numpy(tensor.array().copy()) for name, tensor in beside.items()})
    return net


def load_initialisers(net: torch.nn.Module, model: onnx.ModelProto) -> None:
    """Give the module exactly the parameters of the model: the same names, all of them."""
    values = {t.name: torch.from_numpy(numpy_helper.to_array(t).copy()) for t in model.graph.initializer}
    own = {name for name in net.state_dict() if not name.endswith("num_batches_tracked")}
    assert own <= values.keys(), own - values.keys()
    named = {name for name in values if "/" not in name}
    assert named == own, named ^ own
    net.load_state_dict({name: values[name] for name in own}, strict=False)


def outputs_of(result: Any) -> list[np.ndarray]:
    """What a module gave, as arrays."""
    found = result.values() if isinstance(result, dict) else result if isinstance(result, tuple) else [result]
    return [one.detach().numpy() for one in found]


def distance(a: np.ndarray, b: np.ndarray) -> float:
    """``max|a - b| / max|b|``."""
    if a.dtype.kind not in "fc":
        return float((a != b).any())
    with np.errstate(invalid="ignore"):
        apart = np.where(a == b, 0.0, np.abs(a.astype(np.float64) - b))
    finite = np.abs(b[np.isfinite(b)])
    return float(apart.max(initial=0.0) / max(finite.max(initial=0.0), 1e-30))
