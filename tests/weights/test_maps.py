"""Which tensor of a file becomes which parameter: names, maps of the spec, conversions, structure; and the way back."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import weight_files as make
from console import run
from onnx import numpy_helper

import archdsl
from archdsl.diagnostics import DiagnosticError, Refusal
from archdsl.driver import open_program
from archdsl.graph import Graph
from archdsl.project.compiling import with_weights

DRAW = np.random.default_rng(11)

SPEC = """arch 1
network Net(classes = 5) {
  input x: f32[N, 3, 8, 8]
  stem: conv(4, 3)
  block: repeat 3 { conv(4, 3, bias = false); relu }
  global_avg_pool -> flatten
  fc: linear(classes)
  train output aux = stem -> conv(2, 1)
  output logits
  weights one {
    "stem" -> "features.0"
    "block.{i}" -> "features.{i + 1}"
    "aux" -> "side"
  }
  weights two {
    "stem.weight" -> permute("conv1.kernel", [2, 3, 1, 0])
    "stem" -> "conv1"
    "block.{i}.conv" -> "conv{i + 2}"
    "fc.weight" -> transpose("head.kernel")
    "fc.bias" -> unsqueeze("head.bias", [0, 2])
    "aux" -> "side"
  }
}
"""
ARRAYS = {
    "stem.weight": DRAW.normal(size=(4, 3, 3, 3)).astype("f4"),
    "stem.bias": DRAW.normal(size=4).astype("f4"),
    **{f"block.{i}.conv.weight": DRAW.normal(size=(4, 4, 3, 3)).astype("f4") for i in range(3)},
    "fc.weight": DRAW.normal(size=(5, 4)).astype("f4"),
    "fc.bias": DRAW.normal(size=5).astype("f4"),
}
ONE = {
    "features.0.weight": ARRAYS["stem.weight"],
    "features.0.bias": ARRAYS["stem.bias"],
    **{f"features.{i + 1}.conv.weight": ARRAYS[f"block.{i}.conv.weight"] for i in range(3)},
    "fc.weight": ARRAYS["fc.weight"],
    "fc.bias": ARRAYS["fc.bias"],
}
TWO = {
    "conv1.kernel": ARRAYS["stem.weight"].transpose(2, 3, 1, 0),
    "conv1.bias": ARRAYS["stem.bias"],
    **{f"conv{i + 2}.weight": ARRAYS[f"block.{i}.conv.weight"] for i in range(3)},
    "head.kernel": ARRAYS["fc.weight"].T,
    "head.bias": ARRAYS["fc.bias"].reshape(1, 5, 1),
}


def graph(text: str = SPEC) -> Graph:
    return archdsl.load(text, name="net.arch").graph()


def shuffled(arrays: make.Arrays) -> make.Arrays:
    names = list(arrays)
    np.random.default_rng(2).shuffle(names)
    return {name: arrays[name] for name in names}


def initialisers(path: Path) -> make.Arrays:
    model = onnx.load(path)
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}


def compiled(arrays: make.Arrays, folder: Path, spec: Graph | None = None) -> tuple[make.Arrays, str]:
    """The parameters of the model that the file's weights make, and what was told."""
    file = make.safetensors(folder / "w.safetensors", shuffled(arrays))
    found, told = with_weights(spec or graph(), file)
    archdsl.compile(found, folder / "m.onnx")
    return initialisers(folder / "m.onnx"), told[0]


def read_safetensors(path: Path) -> make.Arrays:
    """The float32 tensors of a file, read without archdsl."""
    raw = path.read_bytes()
    begin = 8 + int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8:begin])
    header.pop("__metadata__", None)
    return {
        name: np.frombuffer(raw[begin:][slice(*entry["data_offsets"])], "f4").reshape(entry["shape"])
        for name, entry in header.items()
    }


@pytest.mark.parametrize(
    ("arrays", "how"),
    [(ARRAYS, "by name"), (ONE, "by the map `one`"), (TWO, "by the map `two`")],
    ids=["own", "one", "two"],
)
def test_the_map_that_knows_the_names_is_taken(arrays: make.Arrays, how: str, tmp_path: Path) -> None:
    found, told = compiled(arrays, tmp_path)
    assert told == f"w.safetensors: 7 of 7 tensors matched {how}"
    assert found.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found[name], array)


def test_the_data_form_loads_the_same(tmp_path: Path) -> None:
    from archdsl import data
    from archdsl.source import Source

    text = data.to_json(graph())
    document = json.loads(text)
    assert document["maps"]["two"]["stem.weight"] == {"name": "conv1.kernel", "order": [2, 3, 1, 0]}
    assert document["maps"]["two"]["fc.bias"] == {"name": "head.bias", "shape": [1, 5, 1]}
    assert document["maps"]["one"]["block.1.conv.weight"] == "features.2.conv.weight"
    again = data.read(Source("net.json", text))
    assert data.to_json(again) == text
    found, told = compiled(TWO, tmp_path, again)
    assert told.endswith("7 of 7 tensors matched by the map `two`")
    np.testing.assert_array_equal(found["stem.weight"], ARRAYS["stem.weight"])


def test_conversion_happens_where_it_is_declared_only(tmp_path: Path) -> None:
    turned = {**ONE, "fc.weight": ARRAYS["fc.weight"].T}
    with pytest.raises(Refusal) as refused:
        compiled(turned, tmp_path)
    assert (
        refused.value.code == "E0903"
        and "`fc.weight` is f32[5, 4], but f32[4, 5] in the file" in refused.value.notes[0]
    )
    straight = {**TWO, "head.kernel": ARRAYS["fc.weight"]}
    with pytest.raises(Refusal) as refused:
        compiled(straight, tmp_path)
    assert "6 of 7 tensors match, 1 mismatched" in refused.value.message


def test_a_reshaped_tensor_is_not_copied_and_a_transposed_one_is(tmp_path: Path) -> None:
    text = """arch 1
network Net() {
  input x: f32[N, 64]
  linear(64, bias = false)
  weights flat { "linear.weight" -> reshape("w", [-1]) }
  weights turned { "linear.weight" -> transpose("w") }
}
"""
    values = DRAW.normal(size=(64, 64)).astype("f4")
    for arrays, inside in (({"w": values.reshape(-1)}, False), ({"w": values.T}, True)):
        found, _ = compiled(arrays, tmp_path, graph(text))
        np.testing.assert_array_equal(found["linear.weight"], values)
        assert ((tmp_path / "m.onnx").stat().st_size > values.nbytes) == inside


def test_heads_for_training_are_known_under_their_mapped_names(tmp_path: Path) -> None:
    program = archdsl.load(SPEC, name="net.arch")
    extra = {**ONE, "side.weight": np.zeros((2, 4, 1, 1), "f4"), "side.bias": np.zeros(2, "f4")}
    file = make.safetensors(tmp_path / "w.safetensors", extra)
    _, told = with_weights(program.graph(), file, training=lambda: program.graph(train=True))
    assert told == ["w.safetensors: 7 of 7 tensors matched by the map `one`; 2 in the file are not used"]
    with pytest.raises(Refusal, match="2 unexpected"):
        with_weights(program.graph(), file)


def test_structure_goes_by_roles_and_order_and_never_by_shape_alone(tmp_path: Path) -> None:
    layers = {f"l{i}.{path.rpartition('.')[2]}": path for i, path in enumerate(ARRAYS) if path != "stem.bias"}
    layers = {
        "l0.weight": "stem.weight",
        "l0.bias": "stem.bias",
        **{k: v for k, v in layers.items() if k != "l0.weight"},
    }
    layers = {name.replace("l6.bias", "l5.bias"): path for name, path in layers.items()}
    file = make.safetensors(tmp_path / "a.safetensors", {name: ARRAYS[path] for name, path in layers.items()})
    with pytest.raises(Refusal, match=r"3 are alike .*`--names order`"):
        with_weights(graph(), file)
    found, told = with_weights(graph(), file, names="order")
    assert told == ["a.safetensors: 7 of 7 tensors matched by order, as asked"]
    archdsl.compile(found, tmp_path / "a.onnx", external_data=False)
    for name, array in initialisers(tmp_path / "a.onnx").items():
        np.testing.assert_array_equal(array, ARRAYS[name])

    nameless = {f"t{i}": array for i, array in enumerate(ARRAYS.values())}
    other = {**{name: ARRAYS[path] for name, path in layers.items()}, "l9.weight": ARRAYS["block.0.conv.weight"]}
    for arrays in (nameless, other):
        file = make.safetensors(tmp_path / "b.safetensors", arrays)
        with pytest.raises(Refusal, match="0 of 7 tensors match, 7 missing"):
            with_weights(graph(), file)


@pytest.mark.parametrize(("name", "arrays"), [("one", ONE), ("two", TWO)], ids=["one", "two"])
def test_export_under_a_map_and_back(name: str, arrays: make.Arrays, tmp_path: Path) -> None:
    (tmp_path / "net.arch").write_text(SPEC, encoding="utf-8")
    make.safetensors(tmp_path / "w.safetensors", arrays)
    steps = (
        "archdsl compile net.arch --weights w.safetensors --no-external-data -o m.onnx",
        f"archdsl weights export net.arch m.onnx --names {name} -o out.safetensors",
        "archdsl weights map net.arch out.safetensors",
    )
    for step in steps:
        assert run(step, tmp_path).status == 0
    written = read_safetensors(tmp_path / "out.safetensors")
    assert written.keys() == arrays.keys()
    for key, array in arrays.items():
        np.testing.assert_array_equal(written[key], array)


def test_maps_on_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "net.arch").write_text(SPEC, encoding="utf-8")
    done = run("archdsl weights map net.arch --names one", tmp_path)
    assert done.status == 0 and "block.2.conv.weight  ->  features.3.conv.weight" in done.output
    for command in ("map net.arch --names on", "export net.arch w.safetensors --names zwei"):
        make.safetensors(tmp_path / "w.safetensors", ONE)
        done = run(f"archdsl weights {command}", tmp_path)
        assert done.status == 2 and "E0007" in done.output
    make.safetensors(tmp_path / "w.safetensors", {k: v for k, v in ONE.items() if k != "fc.bias"})
    done = run("archdsl weights export net.arch w.safetensors --names two -o x.safetensors", tmp_path)
    assert done.status == 1 and "missing: `fc.bias`" in done.output and not (tmp_path / "x.safetensors").exists()


def test_a_map_at_fault_is_told_where_it_is_used(tmp_path: Path) -> None:
    spec = graph(SPEC.replace('"stem" -> "features.0"', '"stem" -> "features.{classes + none}"'))
    assert compiled(ARRAYS, tmp_path, spec)[1].endswith("by name")
    with pytest.raises(DiagnosticError, match="E0204"):
        compiled(ONE, tmp_path, spec)


def test_work_on_a_map_is_bounded() -> None:
    rules = "; ".join(f'"a{i}" -> "b"' for i in range(15_000))
    variants = "\n".join(f"variant v{i} = Net()" for i in range(300))
    blocks = "repeat 60 { conv(1, 1, bias = false) }"
    text = f"arch 1\nnetwork Net() {{ input x: f32[N, 1, 8, 8]; {blocks}; weights m {{ {rules} }} }}\n{variants}\n"
    codes = [d.code for d in open_program(text).check()]
    assert codes[-1] == "E0501" and len(codes) < 5


def test_deeply_nested_rules_are_refused() -> None:
    nested = '{ "" -> "" ' * 99 + "}" * 99
    text = f'arch 1\nnetwork Net() {{ input x: f32[N, 1, 8, 8]; conv(1, 1); weights m {{ "" -> "" {nested} }} }}\n'
    with pytest.raises(DiagnosticError, match="E0511"):
        archdsl.load(text)


def test_one_fault_of_a_rule_that_many_parameters_meet() -> None:
    """The place is told once, however often the rule is evaluated there."""
    text = "arch 1\nnetwork Net() {\n  input x: f32[N, 8]\n  a: linear(8)\n  b: linear(8)\n"
    text += '  weights other { "{layer}.bias" -> unsqueeze("{layer}.b", [1e9]) }\n}\n'
    (fault,) = archdsl.load(text).check()
    assert fault.code == "E0204" and fault.span is not None and fault.span.text == "[1e9]"
