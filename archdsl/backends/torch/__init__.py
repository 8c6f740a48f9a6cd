"""The PyTorch backend: a graph as the source of one ``nn.Module``, without importing PyTorch.

Modules are nested as the paths of the network, so that parameters have the names of the ONNX initialisers and
``load_state_dict`` takes the same checkpoints. The file imports PyTorch and nothing else. Weights that the network has
from a file are written beside it.
"""

from __future__ import annotations

from pathlib import Path

from archdsl.backends.torch import beside
from archdsl.backends.torch.classes import RESERVED, Source, class_name
from archdsl.backends.torch.helpers import definitions
from archdsl.backends.torch.homes import Ties, settled
from archdsl.backends.torch.module_tree import boxes_of, rule_for
from archdsl.backends.torch.options import TorchOptions
from archdsl.backends.torch.render import WIDTH, folded
from archdsl.graph import Graph
from archdsl.ops.base import Op
from archdsl.registry import WriteReport
from archdsl.writing import write_file

__all__ = ["TorchBackend", "TorchOptions", "WriteReport", "backend"]


class TorchBackend:
    """What the entry point ``archdsl.backends`` gives for ``torch``."""

    name = "torch"
    suffix = ".py"
    mark = r'\A""".*, written by archdsl'
    options = TorchOptions

    def lowers(self, op: type[Op]) -> bool:
        """Whether there is a rule for the operator."""
        return rule_for(op) is not None

    def lower(self, graph: Graph, options: TorchOptions | None = None) -> bytes:
        """The file's contents; weights that come from a file are not in it. Raises ``DiagnosticError``."""
        return source(*settled(graph, RESERVED), options or TorchOptions()).encode()

    def write(self, graph: Graph, path: str | Path, options: TorchOptions | None = None) -> WriteReport:
        """Write the module, whole or not at all; weights that come from a file are written first, beside it.

        Raises ``DiagnosticError``.
        """
        graph, ties = settled(graph, RESERVED)
        path = Path(path)
        tensors = beside.loaded(graph)
        content = source(graph, ties, options or TorchOptions(), beside.file_of(path).name if tensors else "").encode()
        size = beside.write(tensors, path) if tensors else 0
        write_file(path, content)
        return WriteReport(str(path), len(content) + size, len(graph.parameters()) - len(ties))


def source(graph: Graph, ties: Ties, options: TorchOptions, weights: str = "") -> str:
    """The text of the module; ``ties`` are parameters that are others, ``weights`` is the file that has them."""
    root = boxes_of(graph)
    made = Source(root, tuple(graph.outputs), _network_name(graph), ties)
    version = f" {options.version}" if options.version else ""
    doc = [
        f'"""{graph.name}, written by archdsl{version} from its specification.', *_pictures(graph), *_beside(weights),
        '"""',
    ]  # fmt: skip
    if len(doc) == 2:
        doc = ["".join(doc)]
    body = [*(definitions(module)[name][0] for module, name in made.helpers), *made.texts]
    body = ["\n".join(map(folded, text.splitlines())) for text in body]
    everything = "\n".join(body)
    head = ["from __future__ import annotations", ""]
    if "OrderedDict(" in everything:
        head += ["from collections import OrderedDict", ""]
    head += ["import torch"] if "torch." in everything else []
    head += ["import torch.nn.functional as F"] if "F." in everything else []
    head += ["from torch import Tensor, nn", "", f'__all__ = ["{made.texts[-1].split("(")[0].removeprefix("class ")}"]']
    return "\n\n\n".join(["\n".join([*doc, "", *head]), *body]) + "\n"


def _beside(weights: str) -> list[str]:
    """How the module gets the weights of its file."""
    if not weights:
        return []
    name = _in_text(weights)
    call = f"net.load_state_dict(safetensors.torch.load_file('{name}'))"
    return ["", f"It begins without its weights, which lie beside it, in {name}:", "", f"    {call}"]


def _pictures(graph: Graph) -> list[str]:
    """What a picture has to go through before it is an input."""
    from textwrap import wrap

    lines = [wrap(_in_text(f"{name}: {how}"), WIDTH) for name, how in graph.preprocess.items()]
    return ["", *(line for one in lines for line in one)] if lines else []


def _in_text(words: str) -> str:
    """As it is written between quotes."""
    return words.replace("\\", "\\\\").replace('"', '\\"')


def _network_name(graph: Graph) -> str:
    for node in graph.nodes:
        frames = node.origin.frames()
        if frames:
            return class_name(frames[-1].name)
    return class_name(graph.name)


backend = TorchBackend()
