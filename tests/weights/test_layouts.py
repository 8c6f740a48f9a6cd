"""Checkpoints as frameworks write them: matched by name, or refused with the sentence that helps."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import weight_files as make
from console import Done, run
from onnx import TensorProto, helper, numpy_helper

import archdsl

DRAW = np.random.default_rng(12)

NET = """arch 1
network Net() {
  input x: f32[N, 3, 8, 8]
  conv1: conv(4, 3, bias = false)
  bn1: batch_norm
  relu
  conv2: conv(4, 3, bias = false)
  bn2: batch_norm
  global_avg_pool -> flatten
  fc: linear(4)
  output y
}
"""
SHAPES = {
    "conv1.weight": (4, 3, 3, 3), "bn1.weight": (4,), "bn1.bias": (4,), "bn1.running_mean": (4,),
    "bn1.running_var": (4,), "conv2.weight": (4, 4, 3, 3), "bn2.weight": (4,), "bn2.bias": (4,),
    "bn2.running_mean": (4,), "bn2.running_var": (4,), "fc.weight": (4, 4), "fc.bias": (4,),
}  # fmt: skip


def state(prefix: str = "") -> make.Arrays:
    return {prefix + name: DRAW.uniform(0.5, 1.5, shape).astype("f4") for name, shape in SHAPES.items()}


def mapped(folder: Path, file: str, options: str = "", spec: str = NET) -> Done:
    (folder / "net.arch").write_text(spec)
    return run(f"archdsl weights map net.arch {file} {options}", folder)


def loads(folder: Path, file: str, arrays: make.Arrays, options: str = "") -> None:
    """Every parameter has the tensor of its name."""
    line = f"archdsl compile net.arch --weights {file} {options} --no-external-data -o net.onnx"
    assert run(line, folder).status == 0
    found = {t.name: numpy_helper.to_array(t) for t in onnx.load(folder / "net.onnx").graph.initializer}
    for name in SHAPES:
        (theirs,) = (key for key in arrays if key == name or key.endswith(f".{name}"))
        np.testing.assert_array_equal(found[name], arrays[theirs])


def test_lightning(tmp_path: Path) -> None:
    make.nested(tmp_path / "w.ckpt", {"epoch": 3, "state_dict": state("model."), "hyper_parameters": {"lr": 1}})
    done = mapped(tmp_path, "w.ckpt")
    assert done.status == 0 and "matched by name, without `model.` in the file" in done.output, done.output


@pytest.mark.parametrize("prefix", ["_orig_mod.", "module.", "module._orig_mod."])
def test_compiled_and_parallel(prefix: str, tmp_path: Path) -> None:
    arrays = state(prefix)
    make.torch_file(tmp_path / "w.pt", arrays)
    done = mapped(tmp_path, "w.pt")
    assert done.status == 0 and f"12 of 12 tensors matched by name, without `{prefix}`" in done.output, done.output
    loads(tmp_path, "w.pt", arrays)


def test_ema_beside_raw(tmp_path: Path) -> None:
    raw, smooth = state(), state("module.")
    make.nested(tmp_path / "w.pth", {"model": raw, "model_ema": smooth, "epoch": 3})
    done = mapped(tmp_path, "w.pth")
    assert done.status == 1 and "has the network's parameters 2 times" in done.output, done.output
    assert "`--key model` or `--key model_ema.module` chooses" in done.output
    loads(tmp_path, "w.pth", raw, "--key model")
    loads(tmp_path, "w.pth", smooth, "--key model_ema")


GPT = """arch 1
network GPT(words = 11, d = 4) {
  input tokens: i64[N, T = 6]
  wte: embedding(words, d)
  c_fc: linear(d)
  c_fc -> matmul(transpose(wte.weight))
  output logits
  weights nanogpt { "wte" -> "transformer.wte"; "c_fc" -> "transformer.h.0.mlp.c_fc" }
}
"""
GPT_SHAPES = {"transformer.wte.weight": (11, 4), "transformer.h.0.mlp.c_fc.weight": (4, 4),
              "transformer.h.0.mlp.c_fc.bias": (4,)}  # fmt: skip


def gpt(prefix: str, tied: bool) -> make.Arrays:
    found = {prefix + name: DRAW.normal(size=shape).astype("f4") for name, shape in GPT_SHAPES.items()}
    words = found[f"{prefix}transformer.wte.weight"]
    found[f"{prefix}lm_head.weight"] = words if tied else words + 1
    return found


def test_nano_gpt(tmp_path: Path) -> None:
    """A compiled model, its head tied and saved twice, the optimiser and a loss that is a tensor beside it."""
    arrays = gpt("_orig_mod.", tied=True)
    moments = {"state": {"0": {"step": np.array(3, "f4"), "exp_avg": np.ones((11, 4), "f4")}}}
    inside = {"model": arrays, "optimizer": moments, "iter_num": 5, "best_val_loss": np.array(1.5, "f4")}
    make.nested(tmp_path / "ckpt.pt", inside)
    done = mapped(tmp_path, "ckpt.pt", spec=GPT)
    assert done.status == 0 and "3 of 3 tensors matched by the map `nanogpt`" in done.output, done.output
    assert "`_orig_mod.lm_head.weight` is `_orig_mod.transformer.wte.weight` once more" in done.output


def test_tied_heads(tmp_path: Path) -> None:
    """A head that is equal is passed over; one that is not is told."""
    make.safetensors(tmp_path / "w.safetensors", gpt("", tied=True))
    assert mapped(tmp_path, "w.safetensors", spec=GPT).status == 0
    make.safetensors(tmp_path / "w.safetensors", gpt("", tied=False))
    done = mapped(tmp_path, "w.safetensors", spec=GPT)
    assert done.status == 1 and "--  lm_head.weight" in done.output, done.output


@pytest.mark.parametrize("suffix", ["bin", "safetensors"])
def test_sharded(suffix: str, tmp_path: Path) -> None:
    arrays, places = state("model."), {}
    write = make.safetensors if suffix == "safetensors" else make.torch_file
    for number, part in enumerate((list(arrays)[:5], list(arrays)[5:])):
        write(tmp_path / f"m-{number}.{suffix}", {name: arrays[name] for name in part})
        places |= dict.fromkeys(part, f"m-{number}.{suffix}")
    (tmp_path / f"m.{suffix}.index.json").write_text(json.dumps({"metadata": {}, "weight_map": places}))
    assert mapped(tmp_path, f"m.{suffix}.index.json").status == 0
    loads(tmp_path, f"m.{suffix}.index.json", arrays)


def test_keras(tmp_path: Path) -> None:
    """Kernels as Keras keeps them are refused, and what the message says helps."""
    arrays = state()
    turned = {n: a.transpose(2, 3, 1, 0) if a.ndim == 4 else a.T if a.ndim == 2 else a for n, a in arrays.items()}
    make.npz(tmp_path / "w.npz", turned)
    done = mapped(tmp_path, "w.npz")
    assert done.status == 1 and "as Keras and TensorFlow keep them" in done.output, done.output
    rule = 'weights keras { "conv1.weight" -> permute("conv1.weight", [2, 3, 1, 0]) }'
    assert rule in done.output
    rules = rule.replace(" }", "; ") + '"conv2.weight" -> permute("conv2.weight", [2, 3, 1, 0]); '
    spec = NET.replace("  output y", f'  output y\n  {rules}"fc.weight" -> transpose("fc.weight") }}')
    done = mapped(tmp_path, "w.npz", spec=spec)
    assert done.status == 0 and "by the map `keras`" in done.output, done.output
    loads(tmp_path, "w.npz", arrays)


def exported(path: Path, arrays: make.Arrays, folded: bool, names: str = "torchscript") -> None:
    """The network as PyTorch's exporters write it. ``torchscript`` renames what it has computed and calls nodes after
    modules; ``dynamo`` keeps the names of weights and makes one of them for a bias.
    """
    parts: make.Arrays = {}
    nodes = []
    value = "x"
    for i in (1, 2):
        weight = arrays[f"conv{i}.weight"]
        inputs = [f"conv{i}.weight"]
        if folded:
            scale = arrays[f"bn{i}.weight"] / np.sqrt(arrays[f"bn{i}.running_var"] + 1e-5)
            bias = arrays[f"bn{i}.bias"] - arrays[f"bn{i}.running_mean"] * scale
            dynamo = [f"conv{i}.weight", f"conv{i}.weight_bias"]
            inputs = dynamo if names == "dynamo" else [f"onnx::Conv_{9 * i}", f"onnx::Conv_{9 * i + 1}"]
            parts |= {inputs[0]: (weight * scale[:, None, None, None]).astype("f4"), inputs[1]: bias.astype("f4")}
        else:
            parts[inputs[0]] = weight
        nodes.append(helper.make_node("Conv", [value, *inputs], [f"c{i}"], f"/conv{i}/Conv", pads=[1, 1, 1, 1]))
        value = f"c{i}"
        if not folded:
            norm = [f"bn{i}.{role}" for role in ("weight", "bias", "running_mean", "running_var")]
            parts |= {name: arrays[name] for name in norm}
            nodes.append(helper.make_node("BatchNormalization", [value, *norm], [f"n{i}"], f"/bn{i}/BatchNorm"))
            value = f"n{i}"
        if i == 1:
            nodes.append(helper.make_node("Relu", [value], ["r"], "/Relu"))
            value = "r"
    parts |= {"fc.weight": arrays["fc.weight"], "fc.bias": arrays["fc.bias"], "val_0": np.array([1, 4], "i8")}
    nodes.append(helper.make_node("GlobalAveragePool", [value], ["p"]))
    nodes.append(helper.make_node("Reshape", ["p", "val_0"], ["f"]))
    nodes.append(helper.make_node("Gemm", ["f", "fc.weight", "fc.bias"], ["y"], "/fc/Gemm", transB=1))
    info = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in (("x", [1, 3, 8, 8]), ("y", [1, 4]))]
    tensors = [numpy_helper.from_array(array, name) for name, array in parts.items()]
    model = helper.make_model(helper.make_graph(nodes, "g", info[:1], info[1:], tensors))
    model.ir_version, model.opset_import[0].version = 8, 17
    onnx.checker.check_model(model, full_check=True)
    onnx.save_model(model, path)


@pytest.mark.parametrize(
    ("folded", "names"),
    [(False, "torchscript"), (True, "torchscript"), (True, "dynamo")],
    ids=["kept", "folded by torchscript", "folded by dynamo"],
)
def test_exported_onnx(folded: bool, names: str, tmp_path: Path) -> None:
    """The same outputs as the exported model has, by ONNX Runtime."""
    import onnxruntime

    exported(tmp_path / "w.onnx", state(), folded, names)
    done = mapped(tmp_path, "w.onnx")
    assert done.status == 0 and "12 of 12 tensors matched by name" in done.output, done.output
    assert ("2 norms are folded in the file" in done.output) == folded
    assert run("archdsl compile net.arch --weights w.onnx -o net.onnx", tmp_path).status == 0
    x = DRAW.normal(size=(1, 3, 8, 8)).astype("f4")
    (wanted,) = onnxruntime.InferenceSession(tmp_path / "w.onnx").run(None, {"x": x})
    (found,) = archdsl.run(tmp_path / "net.onnx", x).values()
    assert np.abs(found - wanted).max() <= 1e-5 * np.abs(wanted).max()


def test_norms_that_are_folded_into_what_has_no_bias_left_are_explained(tmp_path: Path) -> None:
    arrays = {name: array for name, array in state().items() if not name.startswith("bn")}
    make.npz(tmp_path / "w.npz", arrays)
    done = mapped(tmp_path, "w.npz")
    assert done.status == 1 and "has folded the norms (2, as `bn1`)" in done.output, done.output


def test_a_file_of_another_variant(tmp_path: Path) -> None:
    """The message names the variant that it is of."""
    family = NET.replace("network Net()", "network Net(c = 4)").replace("conv(4,", "conv(c,")
    spec = family + "variant narrow = Net()\nvariant wide = Net(c = 8)\n"
    (tmp_path / "net.arch").write_text(spec)
    assert run("archdsl compile net.arch:wide -o wide.onnx", tmp_path).status == 0
    for line in ("weights map net.arch wide.onnx", "compile net.arch --weights wide.onnx -o x.onnx"):
        done = run(f"archdsl {line}", tmp_path)
        assert done.status == 1 and "the file fits the variant `wide` (12 of 12 tensors)" in done.output, done.output


@pytest.mark.reference
@pytest.mark.parametrize("kept", [True, False], ids=["kept", "folded"])
@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v2", "densenet121"])
def test_what_pytorch_exports_gives_the_same_scores(name: str, kept: bool, tmp_path: Path) -> None:
    import torch
    from torch_lively import enliven, pictures
    from torch_models import torchvision_models
    from torch_module import distance

    x = pictures(1, 3, 224, 224)
    net = enliven(getattr(torchvision_models(), name)().eval(), x)
    mode = torch.onnx.TrainingMode
    options = {"do_constant_folding": False, "training": mode.PRESERVE} if kept else {}
    with torch.no_grad():
        wanted = net(x).numpy()
        torch.onnx.export(net, (x,), str(tmp_path / "w.onnx"), dynamo=False, **options)
    done = archdsl.compile(name, tmp_path / "m.onnx", weights=tmp_path / "w.onnx")
    assert any("norms are folded" in note for note in done.notes) != kept
    (found,) = archdsl.run(tmp_path / "m.onnx", x.numpy()).values()
    assert distance(found, wanted) <= 1e-4
