"""One tool on one ``.onnx`` file, in a process of its own: what it answers, and what that takes. Prints a line of JSON.

The tool is given a tiny model first, so that its modules are loaded: processor time and memory count from there. It is
stopped at 60 seconds of processor time and at 4 GB. Sizes and numbers that are inputs are bound for all tools alike.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import resource
import sys
import tempfile
import time
import warnings
from math import prod
from pathlib import Path

SECONDS = 60
MEMORY = 4 << 30
PRODUCTS = frozenset(
    {"MatMul", "Einsum", "LSTM", "GRU", "ConvInteger", "MatMulInteger", "QLinearConv", "QLinearMatMul"}
)


def bound(path: str, given: dict):
    """The model with the sizes of its inputs, and with its inputs of one number as constants."""
    import onnx
    from onnx import helper

    model = onnx.load(path)
    constants = given["numbers"]
    for port in model.graph.input:
        for dim, size in zip(port.type.tensor_type.shape.dim, given["shapes"].get(port.name, ())):
            dim.dim_value = size
    for port in [one for one in model.graph.input if one.name in constants]:
        model.graph.input.remove(port)
        type, shape = port.type.tensor_type.elem_type, given["shapes"][port.name]
        model.graph.initializer.append(helper.make_tensor(port.name, type, shape, [constants[port.name]]))
    return model


def declared(model) -> dict:
    """Shapes of values that a model says in numbers, in graphs within it too."""
    found: dict = {}
    graphs = [model.graph]
    for graph in graphs:
        graphs += [one.g for node in graph.node for one in node.attribute if one.HasField("g")]
        for value in [*graph.value_info, *graph.output]:
            type = value.type.tensor_type
            if type.HasField("shape") and all(dim.HasField("dim_value") for dim in type.shape.dim):
                found.setdefault(value.name, [dim.dim_value for dim in type.shape.dim])
    return found


def archdsl(path: str, given: dict) -> dict:
    import archdsl

    start = time.process_time()
    found = archdsl.cost(Path(path), given["sizes"])
    figures = {"params": found.total("params"), "macs": found.total("macs"), "partial": bool(found.partial)}
    alone = time.process_time() - start
    str(found)
    return {**figures, "alone": alone}


def load_archdsl() -> None:
    """All operators: archdsl loads a family of them when a model has one, other tools load theirs at once."""
    from archdsl import ops

    for name in ops.names():
        ops.load(name)


def archdsl_shapes(path: str, given: dict) -> dict:
    """The type of every value of the model, by its name there; free sizes are put in at the end.

    Sizes that archdsl asks for, because they decide which network it is, are bound, as its message says.
    """
    from archdsl import foreign
    from archdsl.diagnostics import DiagnosticError
    from archdsl.dims import evaluate
    from archdsl.foreign.names import symbol_name
    from archdsl.foreign.onnx.walk import Walker

    types: dict = {}
    run = Walker.node

    def node(self, one, names, opsets):
        run(self, one, names, opsets)
        for name in one.outputs:
            item = names.get(name)
            shape = getattr(getattr(item, "type", item), "shape", None)
            if shape is not None:
                types[name] = shape

    Walker.node = node
    bind = {name if name in given["numbers"] else symbol_name(name): size for name, size in given["bind"].items()}
    sizes = {name if name in given["numbers"] else symbol_name(name): n for name, n in given["sizes"].items()}
    for _ in range(len(sizes) + 1):
        try:
            foreign.read(Path(path), bind)
            break
        except DiagnosticError as error:
            asked = [name for name in re.findall(r"[`\s](\w+)=", error.diagnostics[0].help) if name not in bind]
            if not asked:
                raise
            bind |= {name: sizes[name] for name in asked}
    free = {name: size for name, size in sizes.items() if name not in bind}
    shapes = {name: [evaluate(size, free) for size in shape] for name, shape in types.items()}
    return {"shapes": shapes, "asked": len(bind) - len(given["bind"]), "free": len(free)}


def onnxsim(path: str, given: dict) -> dict:
    from onnxsim.model_info import ModelInfo

    macs = ModelInfo(bound(path, given)).macs
    try:
        return {"macs": int(macs)}
    except TypeError:
        return {"symbols": str(macs)[:200]}


def onnx_tool(path: str, given: dict) -> dict:
    from onnx_tool import Model

    graph = Model(bound(path, given)).graph
    graph.graph_reorder_nodes()
    graph.shape_infer(None)
    graph.profile()
    known = [(name, tensor.get_shape()) for name, tensor in graph.tensormap.items()]
    shapes = {name: [*map(int, shape)] for name, shape in known if shape is not None}
    macs = sum(contraction(node) for node in graph.nodemap.values())
    return {"macs": int(macs) if macs == macs else "nan", "params": int(graph.params), "shapes": shapes}


def contraction(node) -> float:
    """What onnx-tool counts for a product, less the additions of a bias, which it counts; 0 for all other nodes."""
    biased = node.op_type in ("Conv", "ConvTranspose", "Gemm")
    if not biased and node.op_type not in PRODUCTS:
        return 0
    return node.macs[0] - (prod(node.outshape) if biased and len(node.input) > 2 else 0)


def onnxslim(path: str, given: dict) -> dict:
    import onnxslim

    onnxslim.slim(bound(path, given))
    return {}


def symbolic(path: str, given: dict) -> dict:
    from onnxruntime.tools.symbolic_shape_infer import SymbolicShapeInference

    return {"shapes": declared(SymbolicShapeInference.infer_shapes(bound(path, given), auto_merge=True))}


def inference(path: str, given: dict) -> dict:
    from onnx import shape_inference

    return {"shapes": declared(shape_inference.infer_shapes(bound(path, given), strict_mode=True, data_prop=True))}


TOOLS = {
    "archdsl": archdsl, "archdsl_shapes": archdsl_shapes, "onnxsim": onnxsim, "onnx-tool": onnx_tool,
    "onnxslim": onnxslim, "symbolic": symbolic, "inference": inference,
}  # fmt: skip


def tiny() -> bytes:
    """A model of one ``Relu`` of two numbers, written by hand: no tool's modules are needed for it."""

    def field(number: int, content: bytes | int) -> bytes:
        if isinstance(content, int):
            return bytes([number << 3, content])
        return bytes([number << 3 | 2, len(content)]) + content

    size = field(1, 2)
    port = field(2, field(1, field(1, 1) + field(2, field(1, size))))
    node = field(1, b"x") + field(2, b"y") + field(4, b"Relu")
    graph = field(1, node) + field(2, b"n") + field(11, field(1, b"x") + port) + field(12, field(1, b"y") + port)
    return field(1, 8) + field(7, graph) + field(8, field(2, 17))


def memory(line: str) -> int:
    text = Path("/proc/self/status").read_text()
    return int(text.partition(f"{line}:")[2].split()[0]) * 1024


def main() -> None:
    tool, path, given = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 2))
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    warnings.simplefilter("ignore")
    run = TOOLS[tool]
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        with tempfile.TemporaryDirectory() as folder:
            first = Path(folder) / "tiny.onnx"
            first.write_bytes(tiny())
            if tool == "archdsl":
                load_archdsl()
            run(str(first), {"shapes": {"x": [2]}, "numbers": {}, "sizes": {}, "bind": {}})
        Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
        before, start = memory("VmRSS"), time.process_time()
        try:
            found = run(path, given)
        except MemoryError:
            found = {"error": "MemoryError"}
        except Exception as error:  # whatever a tool raises is its answer
            code = getattr(error, "diagnostics", None)
            what = f"{code[0].code}: {code[0].message}" if code else f"{type(error).__name__}: {error}"
            found = {"error": " ".join(what.split())[:160]}
        found["seconds"] = time.process_time() - start
        found["peak"] = max(memory("VmHWM") - before, 0)
    found["whole"] = sum(os.times()[:2])
    print(json.dumps(found))


if __name__ == "__main__":
    main()
