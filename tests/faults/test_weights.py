"""Weights from files: names that decide whatever stands before them, and files as people have them."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import weight_files as make
from console import run
from faults import again, archdsl, fault

DRAW = np.random.default_rng(10)

ATTENTION = """arch 1
network Attn(d = 8) {
  input x: f32[N, T = 5, d]
  q_proj: x -> linear(d)
  k_proj: x -> linear(d)
  v_proj: x -> linear(d)
  matmul(q_proj * (d ** -0.5), transpose(k_proj)) -> softmax -> matmul(v_proj)
  out_proj: linear(d)
  output y
}
"""
LAYERS = ("k_proj", "v_proj", "q_proj", "out_proj")
"""BART's order: not the order of use."""


def attention(prefix: str = "") -> make.Arrays:
    """Weights of the network, in BART's order."""
    found = {}
    for layer in LAYERS:
        found[f"{prefix}{layer}.weight"] = DRAW.normal(size=(8, 8)).astype("f4")
        found[f"{prefix}{layer}.bias"] = DRAW.normal(size=8).astype("f4")
    return found


def expected(arrays: make.Arrays, x: np.ndarray, prefix: str = "") -> np.ndarray:
    """The network in NumPy."""

    def linear(layer: str, x: np.ndarray) -> np.ndarray:
        return x @ arrays[f"{prefix}{layer}.weight"].T + arrays[f"{prefix}{layer}.bias"]

    scores = linear("q_proj", x) * 8**-0.5 @ linear("k_proj", x).swapaxes(1, 2)
    scores = np.exp(scores - scores.max(-1, keepdims=True))
    return linear("out_proj", scores / scores.sum(-1, keepdims=True) @ linear("v_proj", x))


def error(folder: Path, file: str, arrays: make.Arrays, prefix: str = "", options: str = "") -> float:
    """Compile with a file's weights, and how far the outputs are from NumPy's."""
    import archdsl as package

    done = archdsl(folder, f"compile net.arch --weights {file} {options} -o net.onnx", net__arch=ATTENTION)
    assert done.status == 0, done.output
    x = DRAW.normal(size=(1, 5, 8)).astype("f4")
    (found,) = package.run(folder / "net.onnx", x).values()
    return float(np.abs(found - expected(arrays, x, prefix)).max())


def nested(folder: Path, **inside: object) -> None:
    """A PyTorch file ``w.pth`` of dictionaries in dictionaries."""
    make.nested(folder / "w.pth", inside)


@fault(
    "F01",
    "a prefix that was not `module.` made all names unknown, and then the order of the file decided",
    "any prefix (module. model. _orig_mod. net.), several stacked, with tensors beside, one of the network, "
    "on both sides; names that are renamed altogether (order is asked for)",
)
@pytest.mark.parametrize("prefix", ["model.", "module.", "_orig_mod.", "module.model.", "a.b.c.", "net._orig_mod."])
def test_names_decide_behind_a_prefix(prefix: str, tmp_path: Path) -> None:
    arrays = attention(prefix)
    nested(tmp_path, state_dict=arrays)
    assert error(tmp_path, "w.pth", arrays, prefix) < 1e-4


@again("F01")
def test_one_tensor_too_many_is_told_and_the_rest_is_known(tmp_path: Path) -> None:
    arrays = attention("model.")
    nested(tmp_path, state_dict={**arrays, "model.extra.weight": DRAW.normal(size=(3, 3)).astype("f4")})
    done = archdsl(tmp_path, "compile net.arch --weights w.pth -o net.onnx", net__arch=ATTENTION)
    assert done.status == 1 and "8 of 8 tensors match, 1 unexpected" in done.output, done.output
    assert error(tmp_path, "w.pth", arrays, "model.", "--allow-unexpected '*extra*'") < 1e-4


@again("F01")
def test_a_prefix_of_the_network_is_left_out(tmp_path: Path) -> None:
    body = ATTENTION[ATTENTION.index("  q_proj") : ATTENTION.index("  output")].replace(": x ->", ": in ->")
    spec = f"arch 1\nblock attention(d) {{\n{body}}}\nnetwork Net(d = 8) {{\n  input x: f32[N, T = 5, d]\n"
    spec += "  encoder: attention(d)\n  output y\n}\n"
    for prefix in ("", "model."):
        arrays = attention(prefix)
        make.npz(tmp_path / "w.npz", arrays)
        done = archdsl(tmp_path, "weights map net.arch w.npz", net__arch=spec)
        assert done.status == 0, done.output
        for layer in LAYERS:
            assert f"encoder.{layer}.weight <- {prefix}{layer}.weight" in " ".join(done.output.split())


@again("F01")
def test_order_decides_only_where_it_is_asked_for(tmp_path: Path) -> None:
    arrays = {name.replace("_proj", "y"): value for name, value in attention().items()}
    make.npz(tmp_path / "w.npz", arrays)
    done = archdsl(tmp_path, "compile net.arch --weights w.npz -o net.onnx", net__arch=ATTENTION)
    assert done.status == 1 and "`q_proj` <- `ky`" in done.output and "`--names order`" in done.output, done.output
    assert not (tmp_path / "net.onnx").exists()
    done = archdsl(tmp_path, "weights map net.arch w.npz --names order", net__arch=ATTENTION)
    assert done.status == 0 and "by order, as asked" in done.output, done.output


GPT = """arch 1
network Mlp(d = 6) {
  input x: f32[N, d]
  c_fc: linear(d)
  c_proj: linear(d)
  output y
  weights gpt2 { "c_fc.weight" -> transpose("c_fc.weight"); "c_proj.weight" -> transpose("c_proj.weight") }
}
"""


def mlp() -> make.Arrays:
    """Matrices as GPT-2 keeps them: [in, out], and square."""
    shapes = {"c_fc.weight": (6, 6), "c_fc.bias": (6,), "c_proj.weight": (6, 6), "c_proj.bias": (6,)}
    return {name: DRAW.normal(size=shape).astype("f4") for name, shape in shapes.items()}


def mlp_error(folder: Path, line: str, turned: bool, arrays: make.Arrays) -> float:
    import archdsl as package

    done = archdsl(folder, line, net__arch=GPT)
    assert done.status == 0, done.output
    x = DRAW.normal(size=(3, 6)).astype("f4")
    (found,) = package.run(folder / "net.onnx", x).values()
    for layer in ("c_fc", "c_proj"):
        matrix = arrays[f"{layer}.weight"]
        x = x @ (matrix if turned else matrix.T) + arrays[f"{layer}.bias"]
    return float(np.abs(found - x).max())


@fault(
    "F06",
    "of two maps that fit equally the network's own names were always taken",
    "transposed and permuted square matrices, maps that exchange names, two declared maps, the own round trip by "
    "safetensors and by ONNX, a map that is asked for",
)
def test_a_declared_map_wins_a_tie(tmp_path: Path) -> None:
    arrays = mlp()
    make.npz(tmp_path / "w.npz", arrays)
    line = "compile net.arch --weights w.npz -o net.onnx"
    assert mlp_error(tmp_path, line, True, arrays) < 1e-4
    done = archdsl(tmp_path, line)
    assert "`gpt2`" in done.output and "--names own" in done.output, done.output


@again("F06")
def test_names_forces_a_map(tmp_path: Path) -> None:
    arrays = mlp()
    make.npz(tmp_path / "w.npz", arrays)
    for names, turned in (("gpt2", True), ("own", False)):
        line = f"compile net.arch --weights w.npz --names {names} -o net.onnx"
        assert mlp_error(tmp_path, line, turned, arrays) < 1e-4


@again("F06")
def test_the_own_round_trip_verifies(tmp_path: Path) -> None:
    steps = (
        "compile net.arch -o a.onnx",
        "weights export net.arch a.onnx --names gpt2 -o theirs.safetensors",
        "weights export a.onnx -o ours.safetensors",
        "compile net.arch --weights theirs.safetensors -o b.onnx",
        "compile net.arch --weights a.onnx -o c.onnx",
        "verify a.onnx --against b.onnx",
        "verify a.onnx --against c.onnx",
        "compile net.arch --weights ours.safetensors -o d.onnx",
        "verify a.onnx --against d.onnx",
    )
    for step in steps:
        done = archdsl(tmp_path, step, net__arch=GPT)
        assert done.status == 0, (step, done.output)


@again("F06")
def test_two_declared_maps_that_fit_equally_are_not_chosen_between(tmp_path: Path) -> None:
    spec = GPT.replace("  weights", '  weights one { "c_fc.weight" -> transpose("c_fc.weight") }\n  weights')
    make.npz(tmp_path / "w.npz", mlp())
    done = archdsl(tmp_path, "compile net.arch --weights w.npz -o net.onnx", net__arch=spec)
    assert done.status == 1 and "`--names one` or `--names gpt2`" in done.output, done.output


@fault(
    "F15",
    "a dictionary with a tensor of its own was taken for the state dictionary",
    "a tensor beside, several, metrics in a dictionary, the state of an optimiser (keys that are numbers)",
)
def test_a_tensor_beside_the_state_dictionary(tmp_path: Path) -> None:
    arrays = attention()
    loss = np.array(1.5, "f4")
    optimiser = {"state": {"0": {"step": loss, "exp_avg": DRAW.normal(size=(8, 8)).astype("f4")}}}
    for beside in ({"best_val_loss": loss}, {"a": loss, "b": loss, "metrics": {"top1": loss}}, {"opt": optimiser}):
        nested(tmp_path, model=arrays, **beside)
        assert error(tmp_path, "w.pth", arrays) < 1e-4


@fault(
    "F17",
    "the dictionary of parameters was looked for under eight names",
    "any key, at any depth (net, generator, ckpt.net), with prefixes in it",
)
@pytest.mark.parametrize("keys", [("net",), ("generator",), ("ckpt", "net"), ("a", "b", "c")], ids=".".join)
def test_any_key_may_hold_the_parameters(keys: tuple[str, ...], tmp_path: Path) -> None:
    arrays = attention("module.")
    inside: object = arrays
    for key in reversed(keys):
        inside = {key: inside, "epoch": 7}
    nested(tmp_path, **inside)  # type: ignore[arg-type]
    assert error(tmp_path, "w.pth", arrays, "module.") < 1e-4


@fault(
    "F19",
    "the first of several state dictionaries was taken",
    "state_dict and state_dict_ema, model and model_ema, dictionaries with other prefixes in them, prefixes of one "
    "dictionary (model. and ema.), keys with dots; one dictionary under two keys is no choice",
)
def test_several_state_dictionaries_are_listed_and_chosen_from(tmp_path: Path) -> None:
    raw, smooth = attention(), attention("module.")
    nested(tmp_path, train={"state_dict": raw, "state_dict_ema": smooth})
    line = "compile net.arch --weights w.pth -o net.onnx"
    done = archdsl(tmp_path, line, net__arch=ATTENTION)
    assert done.status == 1 and "error[E0903]" in done.output, done.output
    assert "--key train.state_dict`" in done.output and "--key train.state_dict_ema" in done.output
    assert error(tmp_path, "w.pth", raw, "", "--key train.state_dict") < 1e-4
    assert error(tmp_path, "w.pth", smooth, "module.", "--key train.state_dict_ema") < 1e-4
    done = archdsl(tmp_path, line + " --key train.state_dict_em")
    assert done.status == 2 and "train.state_dict_ema" in done.output, done.output


@again("F19")
def test_prefixes_are_chosen_from_as_well(tmp_path: Path) -> None:
    raw, smooth = attention("model."), attention("ema.module.")
    make.safetensors(tmp_path / "w.safetensors", {**raw, **smooth})
    done = archdsl(tmp_path, "compile net.arch --weights w.safetensors -o net.onnx", net__arch=ATTENTION)
    assert done.status == 1 and "`--key model`" in done.output and "`--key ema.module`" in done.output, done.output
    assert error(tmp_path, "w.safetensors", raw, "model.", "--key model") < 1e-4
    assert error(tmp_path, "w.safetensors", smooth, "ema.module.", "--key ema") < 1e-4


@fault(
    "F20",
    "every index was taken for one of safetensors files",
    "pytorch_model.bin.index.json, .pth and .npz shards, indices of files that cannot be read (.h5, .msgpack)",
)
@pytest.mark.parametrize("suffix", ["bin", "pth", "npz", "safetensors"])
def test_shards_of_every_kind(suffix: str, tmp_path: Path) -> None:
    arrays = attention("model.")
    places = {}
    for number, names in enumerate((list(arrays)[:3], list(arrays)[3:]), 1):
        file = f"pytorch_model-0000{number}-of-00002.{suffix}"
        write = {"npz": make.npz, "safetensors": make.safetensors}.get(suffix, make.torch_file)
        write(tmp_path / file, {name: arrays[name] for name in names})
        places |= dict.fromkeys(names, file)
    index = f"pytorch_model.{suffix}.index.json"
    (tmp_path / index).write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": places}))
    assert error(tmp_path, index, arrays, "model.") < 1e-4


@again("F20")
def test_an_index_of_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "tf_model.h5.index.json").write_text('{"weight_map": {"a": "tf_model-1.h5"}}')
    done = run("archdsl weights inspect tf_model.h5.index.json", tmp_path)
    assert done.status in (1, 2) and "error[E0901]" in done.output and "tf_model-1.h5" in done.output, done.output


@fault(
    "R8",
    "a pickle's calls copied what they were given, and nothing bounded how often",
    "torch.Size of a string, OrderedDict of a long list, long tuples of arguments, nested dictionaries and lists, objects "
    "of one byte each, views without strides, packed members, headers of safetensors and npz, fields of ONNX",
)
@pytest.mark.skipif(sys.platform == "win32", reason="the memory of a child")
def test_a_small_file_stays_small(tmp_path: Path) -> None:
    text = b"X" + struct.pack("<I", 1 << 20) + b"a" * (1 << 20)
    body = b"\x80\x02" + text + b"q\x00(" + b"ctorch\nSize\nh\x00\x85R" * 60 + b"t."
    with zipfile.ZipFile(tmp_path / "w.pth", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", body)
    assert (tmp_path / "w.pth").stat().st_size < 2000
    code = (
        "import archdsl\nfrom memory import peak\n"
        "try:\n    archdsl.read_weights('w.pth')\n"
        "except archdsl.DiagnosticError as error:\n    print(error.diagnostics[0].code)\n"
        "print(peak())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    refused, size = done.stdout.split()
    assert refused == "E0902" and int(size) < 200, done.stdout
