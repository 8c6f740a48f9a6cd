"""Pairs of texts that must be the same network, and networks that must be the same in every form.

Each generator writes a random network twice, in two ways that the language promises to be equal, by rules of its own:
nothing here asks the compiler what is meant. ``KINDS`` are the generators, ``judge`` checks one input.
``python tests/support/fuzz_pairs.py --count 20000 --seed 7`` runs them by hand, ``--kind with --only 12`` one again.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import numpy as np
import onnx
import weight_files
from onnx import numpy_helper

import archdsl
from archdsl import data
from archdsl.analyses.cost import cost
from archdsl.backends.onnx import OnnxOptions, backend
from archdsl.diagnostics import Diagnostic, DiagnosticError
from archdsl.driver import open_source
from archdsl.graph import Graph
from archdsl.rewrites.bind import bind
from archdsl.source import Source

TYPES = ("f32", "f16", "bf16", "f64", "i64", "i32", "i16", "i8", "u64", "u32", "u16", "u8", "bool")


class Failure(Exception):
    """Two forms that should be equal and are not."""


# Networks as stages, written in different ways


class Stage(NamedTuple):
    """An operator with its arguments: those by place, and those by name."""

    name: str
    places: tuple[object, ...] = ()
    named: tuple[tuple[str, object], ...] = ()

    def written(self, leave_out: tuple[str, object] | None = None) -> str:
        """The call; an argument that a scope gives is left out."""
        parts = [*map(value, self.places)]
        parts += [f"{name} = {value(v)}" for name, v in self.named if (name, v) != leave_out]
        return f"{self.name}({', '.join(parts)})" if parts else self.name


def value(v: object) -> str:
    """As the language writes it."""
    if isinstance(v, bool):
        return str(v).lower()
    return f"[{', '.join(map(value, v))}]" if isinstance(v, list) else str(v)


DEFAULTS = {
    "conv": {"stride": 1, "bias": True, "dilation": 1},
    "batch_norm": {"eps": 1e-5},
    "leaky_relu": {"slope": 0.01},
}


def stage(random: Random, spatial: bool = True) -> Stage:
    """A random stage on a map; ``spatial`` ones may change its size."""
    kind = random.randrange(7)
    if kind < 3:
        named: list[tuple[str, object]] = [("bias", random.random() < 0.5), ("dilation", random.choice([1, 2]))]
        named += [("stride", random.choice([1, 2]))] if spatial else [("stride", 1)]
        return Stage("conv", (random.choice([4, 8, 12]), random.choice([1, 3])), tuple(named))
    if kind == 3:
        return Stage("batch_norm", (), (("eps", random.choice([1e-5, 1e-3])),))
    if kind == 4:
        return Stage("leaky_relu", (), (("slope", random.choice([0.01, 0.2])),))
    if kind == 5 and spatial:
        pool = random.choice(["max_pool", "avg_pool"])
        return Stage(pool, (random.choice([2, 3]),), (("stride", random.choice([1, 2])),))
    return Stage(random.choice(["relu", "sigmoid", "tanh", "gelu"]))


def stages(random: Random, spatial: bool = True) -> list[Stage]:
    return [stage(random, spatial) for _ in range(random.randint(1, 6))]


def network(lines: list[str], x: str = "f32[N, 4, 16, 16]", before: str = "") -> str:
    body = "\n".join(f"  {line}" for line in lines)
    return f"arch 1\n{before}\nnetwork Net() {{\n  input x: {x}\n{body}\n}}\n"


# What is compared


def elaborated(text: str) -> Graph | list[Diagnostic]:
    """The graph of a text's network, or its errors."""
    try:
        program = open_source(Source("<pair>", text), None)
        found = [d for d in program.report().diagnostics if d.severity == "error"]
        return found or program.graph()
    except DiagnosticError as error:
        return [*error.diagnostics]


def graph_of(text: str) -> Graph:
    found = elaborated(text)
    if isinstance(found, list):
        raise Failure(f"refused: {found[0]}\n{text}")
    return found


def same(first: object, second: object, what: str) -> None:
    if first != second:
        raise Failure(f"{what}:\n{first}\n---\n{second}")


def wiring(graph: Graph) -> list[object]:
    """The graph without any name: each operator, its types and where its inputs come from; then the outputs."""
    numbers = {value: ("in", i) for i, value in enumerate(graph.inputs)}
    found: list[object] = []
    for i, node in enumerate(graph.nodes):
        numbers |= {value: (i, j) for j, value in enumerate(node.outputs)}
        found.append(
            (repr(node.op), [numbers[v] for v in node.inputs], [str(v.type) for v in node.outputs], len(node.params))
        )
    return [*found, [numbers[value] for value in graph.outputs.values()]]


def parameters(graph: Graph) -> dict[str, tuple[int, ...]]:
    return {p.path: tuple(int(n) for n in p.type.shape) for node in graph.nodes for p in node.params.values()}


# Generators: each gives the text of a network that other checks take as well


def declared(random: Random) -> str:
    """Sizes declared in ``input``, written out, and bound: the same network, or the same refusal at the same place."""
    symbol, w = random.choice([1, 2, 3, 4, 5, 7, 8]), random.choice([1, 2, 3, 5, 8, 16])
    form, h = random.choice([("H", symbol), ("2 * H", 2 * symbol), ("3 * H + 1", 3 * symbol + 1)])
    some = [one._replace(named=(*one.named, ("pad", "valid"))) if one.name == "conv" and random.random() < 0.5 else one
            for one in stages(random)]  # fmt: skip
    lines = [one.written() for one in some]
    free = network(lines, f"f32[N, 4, {form}, W]")
    given = network(lines, f"f32[N, 4, {form} = {h}, W = {w}]")
    fixed = network(lines, f"f32[N, 4, {h}, {w}]")
    symbolic, wanted = elaborated(given), elaborated(fixed)
    if isinstance(wanted, list) or isinstance(symbolic, list):
        told = [found if isinstance(found, Graph) else [(d.code, d.span.line if d.span else 0) for d in found]
                for found in (symbolic, wanted)]  # fmt: skip
        same(told[0], told[1], f"declared and fixed sizes are refused differently\n{given}")
        return network(["relu"])
    same(cost(symbolic).totals, cost(wanted).totals, f"costs at declared sizes\n{given}")
    bound = bind(graph_of(free), {"H": symbol, "W": w})
    same(wiring(bound), wiring(wanted), f"bound and fixed sizes\n{free}")
    return fixed


def types(random: Random) -> str:
    """An element type: the same shapes as in f32, and a file that the checker accepts, or a refusal with a code."""
    dtype = random.choice(TYPES)
    lines = [one.written() for one in stages(random)]
    text, plain = (network(lines, f"{one}[N, 4, 256, 256]") for one in (dtype, "f32"))
    found, wanted = elaborated(text), graph_of(plain)
    if isinstance(found, list):
        if not all(d.code[:2] in ("E0", "E6") and d.span for d in found):
            raise Failure(f"{dtype}: refused without code and place: {found[0]}\n{text}")
        return plain
    same(
        [v.type.shape for n in found.nodes for v in n.outputs],
        [v.type.shape for n in wanted.nodes for v in n.outputs],
        dtype,
    )
    for native in (False, True):  # as ONNX has it, whatever runs it
        try:
            model = backend.lower(found, OnnxOptions(native=native))
        except DiagnosticError as error:
            if not all(d.code in ("E0601", "E0602", *(() if native else ("E0607",))) for d in error.diagnostics):
                raise Failure(f"{dtype}: {error}\n{text}") from None
        else:
            onnx.checker.check_model(onnx.ModelProto.FromString(model), full_check=True)
    return plain


def scoped(random: Random) -> str:
    """``with`` in front of a body says the same as the argument in every call."""
    some = stages(random)
    operator = random.choice([*DEFAULTS])
    name, default = random.choice([*DEFAULTS[operator].items()])
    shared = (
        name,
        random.choice([v for one in some for n, v in one.named if one.name == operator and n == name] or [default]),
    )
    plain = [one.written() for one in some]
    short = [one.written(shared) if one.name == operator else one.written() for one in some]
    call = f"with {operator}({name} = {value(shared[1])})"
    large = "f32[N, 4, 256, 256]"  # no window is too large for what is left of it
    text = network([f"{call} {{", *[f"  {line}" for line in short], "}"], large)
    before = network(short, large).replace("network Net", f"{call}\nnetwork Net")
    same(str(graph_of(text)), str(graph_of(network(plain, large))), f"`with` around a body\n{text}")
    same(str(graph_of(before)), str(graph_of(network(plain, large))), f"`with` before a network\n{before}")
    return text


def shared(random: Random) -> str:
    """``share`` has its weights once, however often it is applied; ``own`` has them each time."""
    some = [one for one in stages(random, spatial=False) if one.name != "conv"]
    some.insert(random.randint(0, len(some)), Stage("conv", (4, random.choice([1, 3]))))
    own = random.random() < 0.3
    block = " -> ".join(("own " if own and one.name == "batch_norm" else "") + one.written() for one in some)
    times = random.randint(1, 3)
    text = network([f"share f = {block}", *["f"] * times])
    graph, once = graph_of(text), graph_of(network([f"f: {block}"]))
    again = sum(
        int(np.prod(p.type.shape)) for n in once.nodes for p in n.params.values() if own and n.op.name == "batch_norm"
    )
    count = sum(int(np.prod(shape)) for shape in parameters(once).values())
    same(
        sum(int(np.prod(shape)) for shape in parameters(graph).values()),
        count + (times - 1) * again,
        f"shared weights\n{text}",
    )
    same(len(graph.nodes), times * len(once.nodes), f"applications\n{text}")
    return text


def computed(random: Random) -> str:
    """A computed label is the path that it spells."""
    count, first, step = random.randint(1, 3), random.randint(0, 3), random.choice([1, 2])
    line = " -> ".join(one.written() for one in stages(random, spatial=False))
    text = network([f"repeat {count} as i {{", f'  "layer{{i * {step} + {first}}}": {line}', "}"])
    literal = network([f"layer{i * step + first}: {line}" for i in range(count)])
    same(str(graph_of(text)), str(graph_of(literal)), f"computed labels\n{text}")
    same(sorted(parameters(graph_of(text))), sorted(parameters(graph_of(literal))), f"paths\n{text}")
    return text


def labels(random: Random) -> str:
    """A label called like its block means its tensor behind it, as any other label does; or its use is an error."""
    line = " -> ".join(one.written() for one in stages(random, spatial=False))
    uses = [
        "output y = {0}", "output {0}", "conv(4, 3)\n  output y, z = {0}", "{0} -> relu", "let t = {0} -> tanh\n  t + {0}",
        "relu -> tanh\n  output a = in_, b = {0}".replace("a = in_, ", ""), "add({0}, {0} * 2)", "conv(in_, 1)".replace("in_", "4"),
        "output y = sigmoid({0})", "repeat 2 {{ relu }}\n  output {0}",
    ]  # fmt: skip
    use = random.choice(uses)
    block = f"block part() {{\n  {line}\n}}"
    text = network(["part: part", *use.format("part").split("\n  ")], before=block)
    other = network(["other: part", *use.format("other").split("\n  ")], before=block)
    found, wanted = elaborated(text), graph_of(other)
    if isinstance(found, Graph):
        same(wiring(found), wiring(wanted), f"a label called like its block\n{text}")
    return other


def with_weights(text: str) -> tuple[Graph, dict[str, np.ndarray]]:
    """A network and random tensors for all of its parameters, no two of them alike."""
    graph = graph_of(text)
    numbers = np.random.default_rng(len(text))
    return graph, {path: numbers.random(shape).astype("float32") for path, shape in parameters(graph).items()}


def loaded(graph: Graph, file: Path, **options: Any) -> dict[str, np.ndarray] | str:
    """The tensors of the model that is compiled with a weight file, or the code of the refusal."""
    target = file.with_suffix(".onnx")
    try:
        archdsl.compile(graph, target, weights=str(file), **options)
    except DiagnosticError as error:
        return error.diagnostics[0].code
    return {t.name: numpy_helper.to_array(t) for t in onnx.load(target).graph.initializer if "/" not in t.name}


def check_loaded(
    found: dict[str, np.ndarray] | str, wanted: dict[str, np.ndarray], what: str, must: bool = True
) -> None:
    if isinstance(found, str):
        if must:
            raise Failure(f"{what}: refused with {found}")
        return
    wrong = [name for name, array in wanted.items() if not np.array_equal(found.get(name, np.nan), array)]
    if wrong:
        raise Failure(f"{what}: another tensor for {wrong}")


def prefixes(random: Random) -> str:
    """A common prefix says nothing, whatever it is and in whatever order the tensors lie."""
    alike = [Stage("conv", (4, 1)).written()] * random.randint(1, 4)
    lines = [f"{name}: {line}" for name, line in zip(random.sample(["q", "k", "v", "out", "proj"], len(alike)), alike)]
    text = network([*lines, " -> ".join(one.written() for one in stages(random, spatial=False))])
    graph, tensors = with_weights(text)
    prefix = ".".join(
        random.sample(["module", "model", "_orig_mod", "net", "student", "backbone.0", "x"], random.randint(0, 3))
    )
    names = [*tensors]
    random.shuffle(names)
    with tempfile.TemporaryDirectory() as folder:
        file = weight_files.safetensors(
            Path(folder, "w.safetensors"), {f"{prefix}.{n}" if prefix else n: tensors[n] for n in names}
        )
        check_loaded(loaded(graph, file), tensors, f"below the prefix `{prefix}`\n{text}")
    return text


def maps(random: Random) -> str:
    """What is stored under the names of a map is read back by it, transposed matrices too; never into another place."""
    some = [
        f"{name}: linear({4 * random.randint(1, 2)})"
        for name in random.sample(["a", "b", "c", "q", "k"], random.randint(1, 4))
    ]
    turned = random.random() < 0.5
    shift = {name.partition(":")[0]: f"layer.{i}" for i, name in enumerate(reversed(some))}
    rules = [f'"{old}.weight" -> transpose("{new}.weight")' for old, new in shift.items() if turned]
    rules += [f'"{old}" -> "{new}"' for old, new in shift.items()]
    text = network([*some, f"weights other {{ {'; '.join(rules)} }}"], "f32[N, 4]")
    graph, tensors = with_weights(text)
    stored = {}
    for path, array in tensors.items():
        part, _, slot = path.rpartition(".")
        stored[f"{shift[part]}.{slot}"] = np.ascontiguousarray(array.T) if turned and slot == "weight" else array
    names = [*stored]
    random.shuffle(names)
    with tempfile.TemporaryDirectory() as folder:
        file = weight_files.safetensors(Path(folder, "w.safetensors"), {name: stored[name] for name in names})
        check_loaded(loaded(graph, file), tensors, f"under the map `other`\n{text}")
        own = weight_files.safetensors(Path(folder, "o.safetensors"), tensors)
        check_loaded(loaded(graph, own), tensors, f"under its own names\n{text}")
    return text


# Every network in every form


def as_data(graph: Graph) -> None:
    """The data form reads back to the same graph."""
    again = data.read(data.decode(data.to_json(graph).encode(), "pair.json"))
    same(str(again), str(graph), "the data form")
    same(str(cost(again).totals), str(cost(graph).totals), "costs of the data form")


def as_python(graph: Graph) -> None:
    """The builder, told the same operators, makes the same operators with the same parameters."""
    net = archdsl.Builder(graph.name)
    values: dict[object, Any] = {}
    for one in graph.inputs:
        values[one] = net.input(one.name, one.type.dtype, [n if isinstance(n, int) else str(n) for n in one.type.shape])
    for node in graph.nodes:
        arguments = {name: getattr(node.op, name) for name in node.op.signature}
        made = net.apply_all(node.op.name, *(values[v] for v in node.inputs), **arguments)
        values |= dict(zip(node.outputs, made))
    again = net.graph(**{name: values[v] for name, v in graph.outputs.items()})
    if len(parameters(graph)) == sum(len(node.params) for node in graph.nodes):  # else some are shared
        same(wiring(again), wiring(graph), "the builder")


def as_torch(graph: Graph, random: Random) -> None:
    """ONNX Runtime and the generated PyTorch module compute the same from the same weights."""
    import onnxruntime
    import torch
    from torch_module import distance, load_initialisers, module_of, outputs_of

    model = backend.lower(graph, OnnxOptions())
    net = module_of(graph)
    load_initialisers(net, onnx.ModelProto.FromString(model))
    x = np.random.default_rng(random.randrange(99)).standard_normal(
        [n if isinstance(n, int) else 2 for n in graph.inputs[0].type.shape]
    ).astype("float32")  # fmt: skip
    wanted = onnxruntime.InferenceSession(model).run(None, {graph.inputs[0].name: x})
    with torch.no_grad():
        found = outputs_of(net(torch.from_numpy(x)))
    for a, b in zip(found, wanted, strict=True):
        if a.shape != b.shape or distance(a, b) > 1e-4:
            raise Failure(f"PyTorch and ONNX Runtime: {a.shape} and {b.shape}, apart by {distance(a, b):.3g}\n{graph}")


KINDS: dict[str, Callable[[Random], str]] = {
    "declared": declared, "types": types, "with": scoped, "share": shared, "computed": computed, "labels": labels,
    "prefixes": prefixes, "maps": maps,
}  # fmt: skip
"""Generators by name."""


def judge(kind: str, seed: int, number: int, torch: bool = False) -> None:
    """Check one input: its two forms against one another, and its network in every other form."""
    random = Random(f"{kind}:{seed}:{number}")
    graph = graph_of(KINDS[kind](random))
    as_data(graph)
    as_python(graph)
    if torch and number % 10 == 0:
        as_torch(graph, random)


def run(
    seed: int, count: int, kinds: list[str], *, torch: bool = False, stop_after: int = 10
) -> tuple[Counter[str], list[str]]:
    """Judge ``count`` inputs in turn; how many of each kind, and what failed with the command that repeats it."""
    judged: Counter[str] = Counter()
    failures: list[str] = []
    for number in range(count):
        kind = kinds[number % len(kinds)]
        judged[kind] += 1
        try:
            judge(kind, seed, number, torch)
        except Exception:
            command = f"python tests/support/fuzz_pairs.py --seed {seed} --kind {kind} --only {number}"
            failures.append(f"{'=' * 20} {command}\n{traceback.format_exc(limit=-3)}")
        if len(failures) >= stop_after:
            break
    return judged, failures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kind", choices=[*KINDS])
    parser.add_argument("--only", type=int)
    parser.add_argument("--torch", action="store_true", help="compare every tenth with PyTorch")
    parser.add_argument("--failures", type=int, default=10)
    options = parser.parse_args()
    if options.only is not None:
        judge(options.kind, options.seed, options.only, options.torch)
        print("as it should be")
        return 0
    kinds = [options.kind] if options.kind else [*KINDS]
    judged, failures = run(options.seed, options.count, kinds, torch=options.torch, stop_after=options.failures)
    print(*failures, sep="\n")
    print(f"{judged.total():,} inputs, {len(failures)} failed: {dict(judged)}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
