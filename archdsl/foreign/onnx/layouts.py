"""How PyTorch keeps the weights of a model that other tools wrote: matrices that ONNX has [in, out] are [out, in]."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from archdsl.graph import NameMap, Node, Parameter, Stored
from archdsl.ops.linear import Linear


def layouts(nodes: Iterable[Node]) -> dict[str, NameMap]:
    """The map ``torch`` of a model, if it has such matrices."""
    turned = {
        node.params["weight"].path
        for node in nodes
        if isinstance(node.op, Linear) and node.op.transposed and "weight" in node.params
    }

    def torch(parameters: Mapping[str, Parameter]) -> dict[str, Stored]:
        return {
            path: Stored(path, one.type.shape[::-1], (1, 0)) if path in turned else Stored(path, one.type.shape)
            for path, one in parameters.items()
        }

    return {"torch": torch} if turned else {}
