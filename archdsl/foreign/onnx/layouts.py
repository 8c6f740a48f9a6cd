"""What the weights of a model that other tools wrote are called in files of weights, and how they are kept there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from archdsl.graph import NameMap, Node, Parameter, Stored
from archdsl.ops.linear import Linear
from archdsl.weights.onnx_names import INVENTED
from archdsl.weights.tensor import Loaded


def layouts(nodes: Iterable[Node]) -> dict[str, NameMap]:
    """The maps of a model: ``torch``, with matrices [out, in] where ONNX has [in, out]; and ``file``, with the names
    of the file itself, as they are read from it: those that an exporter invented are called after their modules.
    """
    nodes = list(nodes)
    turned = {
        node.params["weight"].path
        for node in nodes
        if isinstance(node.op, Linear) and node.op.transposed and "weight" in node.params
    }
    own = {
        one.path: one.init.tensor.name
        for node in nodes
        for one in node.params.values()
        if isinstance(one.init, Loaded) and one.init.tensor is not None and one.init.tensor.name
        and (node.op.role == "source" or not one.init.tensor.name.startswith(INVENTED))
    }  # fmt: skip

    def stored(parameter: Parameter, name: str, turns: bool) -> Stored:
        shape = parameter.type.shape
        return Stored(name, shape[::-1], (1, 0)) if turns else Stored(name, shape)

    def torch(parameters: Mapping[str, Parameter]) -> dict[str, Stored]:
        return {path: stored(one, path, path in turned) for path, one in parameters.items()}

    def file(parameters: Mapping[str, Parameter]) -> dict[str, Stored]:
        return {
            path: stored(one, own.get(path, path), path in turned and path not in own)
            for path, one in parameters.items()
        }

    renamed = any(path != name for path, name in own.items()) or any(path in own for path in turned)
    return {**({"torch": torch} if turned else {}), **({"file": file} if renamed else {})}
