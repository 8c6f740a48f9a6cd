"""`archdsl verify` and `archdsl weights` on the command line, and models that refer to a safetensors file."""

from __future__ import annotations

import numpy as np
import pytest
import weight_files as make
from console import run
from effort import seconds_of

from archdsl import driver, weights


def test_verify_tells_equal_from_different(tmp_path) -> None:
    for seed, name in ((1, "a"), (1, "b"), (2, "c")):
        assert run(f"archdsl compile lenet5 --seed {seed} -o {name}.onnx", tmp_path).status == 0
    same = run("archdsl verify a.onnx --against b.onnx", tmp_path)
    assert same.status == 0 and "the same within" in same.output
    other = run("archdsl verify a.onnx --against c.onnx --layers", tmp_path)
    assert other.status == 1 and "first to differ: c1.conv" in other.output
    assert run("archdsl verify a.onnx --against gone.onnx", tmp_path).status == 2
    assert "is no .onnx or .pt2 file" in run("archdsl verify net.arch --against c.onnx", tmp_path).output
    assert "neither an .onnx or .pt2 file nor" in run("archdsl verify a.onnx --against cat.jpg", tmp_path).output
    assert run("archdsl verify a.onnx --against c.onnx --tolerance x", tmp_path).status == 2


def parameters(name: str) -> make.Arrays:
    program, variant = driver.resolve_target(name)
    draw = np.random.default_rng(5)
    found = program.graph(variant).parameters().values()
    return {p.path: draw.uniform(0.5, 1.5, [int(str(n)) for n in p.type.shape]).astype("f4") for p in found}


def test_a_safetensors_file_beside_the_model_is_not_copied(tmp_path) -> None:
    arrays = parameters("resnet18")
    make.safetensors(tmp_path / "w.safetensors", dict(reversed(arrays.items())))
    assert (tmp_path / "w.safetensors").stat().st_size > 45e6

    def written(option: str) -> None:
        assert run(f"archdsl compile resnet18 --weights {option} -o m.onnx", tmp_path).status == 0

    without, beside = (seconds_of(lambda o=option: written(o), 3) for option in ("none", "w.safetensors"))  # type: ignore[misc]
    assert (tmp_path / "m.onnx").stat().st_size < 1e6
    assert beside < 2 * without
    assert run("archdsl compile resnet18 --weights w.safetensors --no-external-data -o c.onnx", tmp_path).status == 0
    assert (tmp_path / "c.onnx").stat().st_size > 45e6
    assert run("archdsl verify m.onnx --against c.onnx --tolerance 0", tmp_path).status == 0
    found = weights.read(tmp_path / "m.onnx")
    assert all(np.array_equal(found[name].array(), array) for name, array in arrays.items())


def test_weights_command(tmp_path) -> None:
    assert run("archdsl compile lenet5 -o a.onnx", tmp_path).status == 0
    assert run("archdsl weights export a.onnx -o a.safetensors", tmp_path).status == 0
    one, other = weights.read(tmp_path / "a.onnx"), weights.read(tmp_path / "a.safetensors")
    assert all(np.array_equal(one[name].array(), other[name].array()) for name in other) and len(other) > 4
    assert "c1.conv.weight" in run("archdsl weights inspect a.safetensors", tmp_path).output
    assert run("archdsl weights map lenet5 a.safetensors", tmp_path).status == 0
    assert run("archdsl weights map squeezenet1_1 a.safetensors", tmp_path).status == 1
    assert run("archdsl weights export a.safetensors", tmp_path).status == 2
    assert run("archdsl weights look a.safetensors", tmp_path).status == 2


SHAPES = {"a.weight": (3, 2), "a.bias": (3,), "b.weight": (3, 2), "b.bias": (3,)}
NET = """arch 1
network Net() {
  input x: f32[N, 2]
  a: linear(3)
  cut: linear(2)
  b: linear(3)
}
"""


def values(shapes: dict[str, tuple[int, ...]]) -> make.Arrays:
    draw = np.random.default_rng(6)
    return {name: draw.normal(size=shape).astype("f4") for name, shape in shapes.items()}


FULL = {**SHAPES, "cut.weight": (2, 3), "cut.bias": (2,)}


@pytest.mark.parametrize(
    ("change", "options", "status", "told"),
    [
        ({}, "", 0, "6 of 6"),
        ({"cut.bias": None}, "", 1, "missing: `cut.bias`"),
        ({"cut.bias": None}, "--allow-missing 'cut.*'", 0, "1 keep"),
        ({"cut.bias": (3,)}, "", 1, "mismatched: `cut.bias` is f32[2], but f32[3] in the file"),
        ({"cut.bias": (3,)}, "--allow-missing cut.bias", 0, "1 keep"),
        ({"cut.weight": (3, 2)}, "", 1, "mismatched"),
        ({"more": (3,)}, "", 1, "unexpected: `more`"),
        ({"more": (3,)}, "--allow-unexpected 'm*'", 0, "1 in the file are not used"),
        ({"a.weigth": (3, 2), "a.weight": None}, "", 1, "the file has `a.weigth`"),
        (dict.fromkeys(FULL) | {"z": (3,)}, "--allow-missing '*' --allow-unexpected '*'", 1, "0 of 6 tensors match"),
        ({"a.num_batches_tracked": ()}, "", 0, "6 of 6"),
    ],
)
def test_what_is_left_over_is_told(change, options, status, told, tmp_path) -> None:
    (tmp_path / "net.arch").write_text(NET)
    shapes = {name: shape for name, shape in {**FULL, **change}.items() if shape is not None}
    make.safetensors(tmp_path / "w.safetensors", values(shapes))
    done = run(f"archdsl compile net.arch --weights w.safetensors {options} -o m.onnx", tmp_path)
    assert done.status == status and told in done.output, done.output
    assert (tmp_path / "m.onnx").exists() == (status == 0)


def test_structure_needs_order_and_role(tmp_path) -> None:
    (tmp_path / "net.arch").write_text(NET)
    names = {"a": "fc1", "cut": "fc2", "b": "fc3"}
    foreign = {f"{names[k.split('.')[0]]}.{k.split('.')[1]}": v for k, v in values(FULL).items()}
    order = ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias", "fc3.weight", "fc3.bias"]
    make.npz(tmp_path / "w.npz", {name: foreign[name] for name in order})
    done = run("archdsl compile net.arch --weights w.npz -o m.onnx", tmp_path)
    assert done.status == 1 and "2 are alike (`a` <- `fc1`, `b` <- `fc3`)" in done.output
    done = run("archdsl compile net.arch --weights w.npz --names order -o m.onnx", tmp_path)
    assert done.status == 0 and "by order, as asked" in done.output
    found = weights.read(tmp_path / "m.onnx")
    assert np.array_equal(found["b.weight"].array(), foreign["fc3.weight"])
    make.npz(tmp_path / "w.npz", {name: foreign[name] for name in [*order[2:], *order[:2]]})
    assert run("archdsl compile net.arch --weights w.npz --names order -o m.onnx", tmp_path).status == 1
