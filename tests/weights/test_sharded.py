"""Checkpoints as transformers saves large ones: several files of tensors, and ``model.safetensors.index.json``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import weight_files as make
from console import run

import archdsl
from archdsl.backends.onnx.initialisers import INLINE

INDEX = "model.safetensors.index.json"
DRAW = np.random.default_rng(0)
SPEC = """arch 1
network Two() {
  input x: f32[N, 40]
  a: linear(30)
  b: linear(20)
  output y
}
"""
ARRAYS = {
    name: DRAW.normal(size=shape).astype("f4")
    for name, shape in {"a.weight": (30, 40), "a.bias": (30,), "b.weight": (20, 30), "b.bias": (20,)}.items()
}
FIRST, SECOND = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
PLACES = {"a.weight": FIRST, "a.bias": FIRST, "b.weight": SECOND, "b.bias": SECOND}


def written(folder: Path, places: dict[str, str] = PLACES) -> str:
    """The network, two shards and an index with these places, which is given as text."""
    (folder / "net.arch").write_text(SPEC)
    for file in (FIRST, SECOND):
        make.safetensors(folder / file, {name: ARRAYS[name] for name, place in PLACES.items() if place == file})
    text = json.dumps({"metadata": {"total_size": 7400}, "weight_map": places})
    (folder / INDEX).write_text(text)
    return text


def references(model: Path) -> dict[str, tuple[str, int, int]]:
    """Initialiser -> its file, offset and bytes; those that are in the model itself are checked to be small."""
    import onnx

    found = {}
    for tensor in onnx.load(model, load_external_data=False).graph.initializer:
        entry = {one.key: one.value for one in tensor.external_data}
        if entry:
            found[tensor.name] = (entry["location"], int(entry["offset"]), int(entry["length"]))
        else:
            assert len(tensor.raw_data) < INLINE, tensor.name
    return found


def test_the_model_refers_to_the_shards(tmp_path: Path) -> None:
    """Each weight to the very bytes of its own file; nothing is copied, and what comes out is what NumPy computes."""
    written(tmp_path)
    done = run(f"archdsl compile net.arch --weights {INDEX} -o net.onnx", tmp_path)
    assert done.status == 0 and "4 of 4 tensors matched by name" in done.output, done.output
    found = references(tmp_path / "net.onnx")
    assert {name: place[0] for name, place in found.items()} == {"a.weight": FIRST, "b.weight": SECOND}
    for name, (file, offset, length) in found.items():
        data = (tmp_path / file).read_bytes()[offset : offset + length]
        assert data == ARRAYS[name].tobytes()
    assert not list(tmp_path.glob("*.data"))
    x = DRAW.normal(size=(3, 40)).astype("f4")
    wanted = (x @ ARRAYS["a.weight"].T + ARRAYS["a.bias"]) @ ARRAYS["b.weight"].T + ARRAYS["b.bias"]
    np.testing.assert_allclose(archdsl.run(tmp_path / "net.onnx", x)["y"], wanted, rtol=1e-4, atol=1e-4)


def without(folder: Path) -> str:
    written(folder)
    (folder / SECOND).unlink()
    return f"there is no file `{SECOND}` in the same folder"


def twice_in_the_index(folder: Path) -> str:
    text = written(folder)
    (folder / INDEX).write_text(text.replace('"a.bias"', f'"a.weight": "{SECOND}", "a.bias"'))
    return "`a.weight` is there twice"


def twice_in_the_shards(folder: Path) -> str:
    written(folder)
    make.safetensors(folder / SECOND, {name: ARRAYS[name] for name in ("a.bias", "b.weight", "b.bias")})
    return f"`a.bias` is in `{FIRST}` and in `{SECOND}`"


def outside(folder: Path) -> str:
    written(folder, {**PLACES, "b.bias": "../other/" + SECOND})
    return f"its file `../other/{SECOND}` is not in the same folder"


def linked(folder: Path) -> str:
    written(folder)
    (folder.parent / "elsewhere").mkdir()
    (folder / SECOND).rename(folder.parent / "elsewhere" / SECOND)
    (folder / SECOND).symlink_to(folder.parent / "elsewhere" / SECOND)
    return f"error[E0001]: `{SECOND}` is a link that leads out of its folder"


def empty(folder: Path) -> str:
    written(folder, {})
    return "its `weight_map` is empty"


def cut(folder: Path) -> str:
    written(folder)
    (folder / SECOND).write_bytes((folder / SECOND).read_bytes()[:-100])
    return f"`{SECOND}` is damaged or not what its name says"


def elsewhere(folder: Path) -> str:
    written(folder, {**PLACES, "b.bias": FIRST})
    return f"`{FIRST}` has no tensor `b.bias`"


def no_names(folder: Path) -> str:
    written(folder, {**PLACES, "b.bias": 2})  # type: ignore[dict-item]
    return "it has no `weight_map` of names and files"


BAD: dict[str, Callable[[Path], str]] = {
    "a shard is missing": without, "a tensor is twice in the index": twice_in_the_index,
    "a tensor is in two shards": twice_in_the_shards, "a file outside of the folder": outside,
    "a link out of the folder": linked, "no tensor": empty, "a shard is cut off": cut,
    "a tensor is in another shard": elsewhere, "a place is no file": no_names,
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_is_told(case: str, tmp_path: Path) -> None:
    """With the file in which it is, and nothing is written."""
    folder = tmp_path / "model"
    folder.mkdir()
    wanted = BAD[case](folder)
    before = sorted(folder.iterdir())
    done = run(f"archdsl compile net.arch --weights {INDEX} -o net.onnx", folder)
    assert done.status in (1, 2) and wanted in done.output, done.output
    assert "E0001" in wanted or "error[E0902]" in done.output
    assert sorted(folder.iterdir()) == before


def test_a_shard_alone_lacks_the_others(tmp_path: Path) -> None:
    written(tmp_path)
    done = run(f"archdsl compile net.arch --weights {FIRST} -o net.onnx", tmp_path)
    assert done.status == 1 and "error[E0903]" in done.output and "b.weight" in done.output, done.output


@pytest.mark.reference
@pytest.mark.parametrize("name", ["llama", "qwen2"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_logits_of_transformers(name: str, dtype: str, tmp_path: Path) -> None:
    """What `save_pretrained` writes in pieces: in float32 nothing large is copied, from bfloat16 all is converted."""
    import torch
    from second import graph_of, lively, tensors
    from second_language import LANGUAGE
    from second_words import WORDS
    from torch_module import distance

    from archdsl.project.compiling import with_weights

    case = {**WORDS, **LANGUAGE}[name]()
    net: Any = lively(case.other()).float()
    with torch.no_grad():
        for value in net.parameters():  # not the buffers, of which a checkpoint has none
            value.copy_(value.to(getattr(torch, dtype)))
    state = {path: value.to(getattr(torch, dtype)) for path, value in net.state_dict().items()}
    net.save_pretrained(tmp_path, max_shard_size="8KB", state_dict=state)
    shards = sorted(path.name for path in tmp_path.glob("*.safetensors"))
    assert len(shards) >= 2 and (tmp_path / INDEX).is_file()
    graph, told = with_weights(graph_of(case), tmp_path / INDEX)
    count = len(graph.parameters())
    assert told[0].startswith(f"{INDEX}: {count} of {count} tensors matched"), told
    archdsl.compile(graph, tmp_path / "net.onnx")
    places = references(tmp_path / "net.onnx") if dtype == "float32" else {}
    assert {file for file, _, _ in places.values()} == (set(shards) if places else set())
    inputs = case.inputs(np.random.default_rng(3), case.sizes)
    with torch.no_grad():
        wanted = case.outputs(net, tensors(inputs))["logits"]
    assert distance(archdsl.run(tmp_path / "net.onnx", inputs)["logits"], wanted.numpy()) < 1e-5
