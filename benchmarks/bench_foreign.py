"""Who counts the models right that people have: archdsl and five other tools on real ``.onnx`` files.

Parameters and MACs are held against what was counted elsewhere, shapes of values against a run of ONNX Runtime with
every value exposed. Each tool works in a process of its own (``foreign_tools.py``). Writes ``docs/who_counts.md``.

Promises: archdsl is never complete and wrong, no shape of it is wrong, and the cost of a file takes below half a second
of processor time above import, whatever weights lie beside it.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from random import Random
from typing import Any

from measure import ROOT, verdict

sys.path[:0] = [str(ROOT / "tests" / "support"), str(ROOT / "tests" / "foreign"), str(ROOT)]

PAGE = ROOT / "docs" / "who_counts.md"
DATA = ROOT / "tests" / "data"
KEPT = Path.home() / ".cache/archdsl/who_counts.json"
TOOLS = ("archdsl", "archdsl_shapes", "archdsl_free", "onnxsim", "onnx-tool", "onnxslim", "symbolic", "inference")
SECONDS = 0.5
WALL = 300
"""Seconds after which a process that does not use its processor time is stopped."""
EXPORTS = (
    ("torchvision:resnet50", False), ("torchvision:shufflenet_v2_x1_0", False),
    ("torchvision:shufflenet_v2_x1_0", True),
    ("torchvision:mobilenet_v3_small", True), ("torchvision:swin_t", True), ("torchvision:vit_b_16", False),
    ("timm:resmlp_12_224", False), ("timm:mobilevit_xxs", True), ("timm:levit_128s", False),
    ("transformers:bert", False), ("transformers:bert", True), ("transformers:vit", False), ("transformers:gpt2", True),
)  # fmt: skip
"""Networks, and whether PyTorch's newer exporter writes them; the batch stays open in all."""

Row = dict[str, str]


def packaged(folder: Path | None, opened: bool) -> Iterator[tuple[Row, Path]]:
    """The files of the tables: in ``folder`` by their content, in installed wheels, or fetched."""
    import test_package_files as packages

    found = {}
    for path in sorted(folder.glob("*.onnx")) if folder else ():
        found[hashlib.sha256(path.read_bytes()).hexdigest()] = path
    with (DATA / ("foreign_files.csv" if opened else "foreign_unopened.csv")).open(newline="") as table:
        for row in csv.DictReader(table):
            wheel = packages.installed(row) if row["package"] in packages.INSTALLED else None
            path = found.get(row["sha256"]) or wheel or packages.fetched(row)
            yield {**row, "name": f"{row['package']}/{row['file']}"}, path


def exported(folder: Path) -> Iterator[tuple[Row, Path]]:
    """Exports of PyTorch, written where they lack, and counted from the definitions of the operators."""
    import numpy as np
    import torch
    from onnx_counter import counted
    from test_exports import export, network

    folder.mkdir(parents=True, exist_ok=True)
    for title, dynamo in EXPORTS:
        path = folder / f"{title.replace(':', '_')}_{'dynamo' if dynamo else 'legacy'}.onnx"
        kept = path.with_suffix(".json")
        if dynamo and not kept.exists() and not find_spec("onnxscript"):
            print(f"{title}: PyTorch's newer exporter needs onnxscript")
            continue
        if not kept.exists():
            torch.manual_seed(0)
            opset = Random(zlib.crc32(path.name.encode())).randint(18, 20)
            made, inputs = network(title)
            export(made, inputs, path, dynamo=dynamo, opset=opset, free=True)
            arrays = {name: np.asarray(value) for name, value in inputs.items()}
            params, macs = counted(path, arrays)
            said = "; ".join(f"{name}:{one.dtype}{[*one.shape]}" for name, one in arrays.items())
            row = {"name": path.stem, "params": str(params), "macs": str(macs), "inputs": said}
            kept.write_text(json.dumps(row))
        yield json.loads(kept.read_text()), path


def given(row: Row, path: Path) -> dict[str, Any]:
    """What tools are told of the inputs."""
    import test_package_files as packages

    shapes, numbers = {}, {}
    for one in row["inputs"].split("; "):
        name, _, type = one.rpartition("]")[0].rpartition(":")
        number = one.rpartition("]")[2].removeprefix("=")
        shapes[name] = json.loads(f"[{type.partition('[')[2]}]")
        if number:
            numbers[name] = json.loads(number)
    sizes = packages.sizes(path, row["inputs"])
    whole = {name: number for name, number in numbers.items() if isinstance(number, int)}
    return {"shapes": shapes, "numbers": numbers, "sizes": sizes, "bind": whole}


def reference(row: Row, path: Path) -> dict[str, list[int]]:
    """Shapes of all results of nodes of the model, of the branches that are taken too, from a run."""
    import numpy as np
    import onnx
    from onnx import inliner
    from onnx_run import runs

    arrays = {}
    for one in row["inputs"].split("; "):
        name, _, type = one.rpartition("]")[0].rpartition(":")
        number = one.rpartition("]")[2].removeprefix("=")
        dtype, _, shape = type.partition("[")
        arrays[name] = np.full(json.loads(f"[{shape}]"), json.loads(number or "1"), dtype)
    whole = next(runs(inliner.inline_local_functions(onnx.load(str(path))), arrays))
    names = [name for node in whole.nodes for name in node.output if name in whole.values]
    return {name: [*whole.values[name].shape] for name in names if whole.values[name].dtype != object}


def asked(tool: str, path: Path, told: Mapping[str, Any], python: str) -> dict[str, Any]:
    """What a tool answers."""
    if tool in ("archdsl_shapes", "archdsl"):
        told = {**told, "bind": told["sizes"]}
    own = tool.startswith("archdsl")
    command = [
        sys.executable if own else str(Path(python).absolute()), str(ROOT / "benchmarks/foreign_tools.py"),
        tool.replace("free", "shapes"), str(path.resolve()), json.dumps(told),
    ]  # fmt: skip
    known = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    cache = {"PYTHONPYCACHEPREFIX": str(KEPT.parent / "bytecode")} if own else {}  # as an installation has it
    environment = {**known, **cache, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT) if own else ""}
    try:
        with tempfile.TemporaryDirectory() as folder:  # some tools leave files where they are
            done = subprocess.run(
                command, cwd=folder, capture_output=True, text=True, timeout=WALL, check=False, env=environment
            )  # fmt: skip
    except subprocess.TimeoutExpired:
        return {"error": f"stopped after {WALL} seconds"}
    if done.returncode or not done.stdout:
        last = (done.stderr.strip().splitlines() or [""])[-1][:120]
        limit = done.returncode in (-9, -24)
        return {"error": "stopped at a limit" if limit else f"ended with {done.returncode}: {last}"}
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def size_without_weights(path: Path) -> int:
    """Bytes of the file without the elements of its tensors."""
    import onnx

    def stripped(graph: Any) -> None:
        tensors = [*graph.initializer]
        for node in graph.node:
            for attribute in node.attribute:
                if attribute.HasField("t"):
                    tensors.append(attribute.t)
                if attribute.HasField("g"):
                    stripped(attribute.g)
        for tensor in tensors:
            for field in ("raw_data", "float_data", "int32_data", "int64_data", "double_data"):
                tensor.ClearField(field)

    model = onnx.load(str(path), load_external_data=False)
    stripped(model.graph)
    return int(model.ByteSize())


def answers(row: Row, path: Path, python: str, tools: Sequence[str] = TOOLS) -> dict[str, Any]:
    """All that is known of one file: figures, shapes counted, time and memory of each tool."""
    told = given(row, path)
    shapes = reference(row, path)
    found: dict[str, Any] = {"graph": size_without_weights(path), "file": path.stat().st_size, "values": len(shapes)}
    for tool in tools:
        one = asked(tool, path, told, python)
        theirs = one.pop("shapes", None)
        if theirs is not None:
            both = {name: shape for name, shape in theirs.items() if name in shapes}
            wrong = [name for name, shape in both.items() if shape != shapes[name]]
            one |= {"answered": len(both), "wrong": len(wrong)}
            one["first"] = [f"{name}: {both[name]}, is {shapes[name]}" for name in wrong[:3]]
            one["absent"] = [name for name in shapes if name not in both][:3]
        found[tool] = one
    return found


def hole(python: str) -> dict[str, Any]:
    """The same graph with a small matrix in the file, and with one of 2 GB in a sparse file beside it."""
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for title, width in (("small", 4), ("hole", 32768)):
            path = Path(folder) / f"{title}.onnx"
            shape = [16384, width]
            if title == "small":
                weight = numpy_helper.from_array(np.full(shape, 0.5, np.float32), "w")
            else:
                weight = TensorProto(name="w", data_type=1, dims=shape, data_location=TensorProto.EXTERNAL)
                weight.external_data.add(key="location", value="hole.bin")
                with path.with_suffix(".bin").open("wb") as file:
                    file.truncate(16384 * width * 4)
            ports = [helper.make_tensor_value_info(n, 1, [1, k]) for n, k in (("x", 16384), ("y", width))]
            node = helper.make_node("MatMul", ["x", "w"], ["y"])
            graph = helper.make_graph([node], "g", ports[:1], ports[1:], [weight])
            onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
            found[title] = asked("archdsl", path, {"shapes": {}, "numbers": {}, "sizes": {}, "bind": {}}, python)
    return found


def smoke() -> dict[str, Any]:
    """Figures of archdsl alone, of files that lie in an installed package."""
    import test_package_files as packages

    files = {}
    with (DATA / "foreign_files.csv").open(newline="") as table:
        for row in [row for row in csv.DictReader(table) if row["package"] == "onnx"][:2]:
            path = packages.installed(row)
            assert path is not None
            files[row["file"]] = row, answers(row, path, sys.executable, TOOLS[:3])
    print({name: one["archdsl"] for name, (_, one) in files.items()})
    return {"files": files, "hole": hole(sys.executable)}


def versions(python: str) -> dict[str, str]:
    program = (
        "import json; from importlib.metadata import version; "
        "print(json.dumps({n: version(n) for n in ('onnxsim', 'onnx-tool', 'onnxslim', 'onnxruntime', 'onnx')}))"
    )
    done = subprocess.run([python, "-c", program], capture_output=True, text=True, check=True)
    found: dict[str, str] = json.loads(done.stdout)
    return found


def failures(results: Mapping[str, Any]) -> list[str]:
    """What archdsl does not hold."""
    found = []
    for name, (row, one) in results["files"].items():
        own = one["archdsl"]
        wanted = [int(row[key]) for key in ("params", "macs")]
        if not own.get("error") and not own["partial"] and [own["params"], own["macs"]] != wanted:
            found.append(f"{name}: {own['params']:,} parameters and {own['macs']:,} MACs, counted {wanted}")
        if own.get("seconds", 0) > SECONDS:
            found.append(f"{name}: {own['seconds']:.2f} s")
        for tool in ("archdsl_shapes", "archdsl_free"):
            found += [f"{name}, {tool}: {text}" for text in one[tool].get("first", ())]
    small, large = (results["hole"][key] for key in ("small", "hole"))
    if large["seconds"] > small["seconds"] + 0.05 or large["peak"] > small["peak"] + 2**20:
        found.append(f"a file with a hole: {large}, without: {small}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rivals", default=sys.executable, metavar="PYTHON", help="that has the other tools")
    parser.add_argument("--files", type=Path, help="a folder with the packages' files, by any name")
    parser.add_argument("--exports", type=Path, default=KEPT.parent / "exports", help="where exports are kept")
    parser.add_argument("--unopened", action="store_true", help="only files not opened while this was built")
    parser.add_argument("--again", nargs="*", default=(), choices=[[], *TOOLS], help="tools to measure again")
    parser.add_argument("--page", action="store_true", help="only write the page, of what was measured before")
    parser.add_argument("--smoke", action="store_true", help="two files of the onnx package, without other tools")
    options = parser.parse_args()
    if options.smoke:
        verdict(failures(smoke()))
    results = json.loads(KEPT.read_text()) if KEPT.exists() else {"files": {}, "unopened": {}}
    if not options.page:
        results["versions"] = versions(options.rivals)
        results["hole"] = hole(options.rivals)
        into = results["unopened" if options.unopened else "files"]
        files = packaged(options.files, not options.unopened)
        for row, path in files if options.unopened else chain(files, exported(options.exports)):
            known = into.get(row["name"], (row, {}))[1]
            tools = [tool for tool in TOOLS if tool not in known or tool in options.again]
            if not tools:
                continue
            into[row["name"]] = row, known | answers(row, path, options.rivals, tools)
            print(row["name"], {k: v for k, v in into[row["name"]][1].items() if k.startswith("archdsl")}, flush=True)
            KEPT.parent.mkdir(parents=True, exist_ok=True)
            KEPT.write_text(json.dumps(results))
    from foreign_page import page

    PAGE.write_text(page(results))
    verdict(failures(results))


if __name__ == "__main__":
    main()
