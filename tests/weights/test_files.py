"""Readers of weight files: what hand-made files hold, and what damaged and hostile ones lead to."""

from __future__ import annotations

import argparse
import builtins
import datetime
import os
import struct
import subprocess
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import weight_files as make
from console import run

from archdsl import weights
from archdsl.diagnostics import Refusal

DRAW = np.random.default_rng(4)
ARRAYS = {
    "conv.weight": DRAW.normal(size=(4, 3, 2, 2)).astype("f4"),
    "conv.bias": DRAW.normal(size=4),
    "half": DRAW.normal(size=(3,)).astype("f2"),
    "count": np.array(7, "i8"),
    "columns": np.asfortranarray(DRAW.normal(size=(5, 6)).astype("f4")),
}


def onnx_file(path: Path, arrays: make.Arrays, external: bool = False) -> Path:
    import onnx
    from onnx import helper, numpy_helper

    tensors = [numpy_helper.from_array(np.ascontiguousarray(a).reshape(a.shape), n) for n, a in arrays.items()]
    model = helper.make_model(helper.make_graph([], "g", [], [], tensors))
    if external:
        onnx.save_model(model, path, save_as_external_data=True, location="w.data", size_threshold=0)
    else:
        onnx.save_model(model, path)
    return path


WRITERS = {
    "safetensors": lambda p: make.safetensors(p / "w.safetensors", ARRAYS),
    "torch": lambda p: make.torch_file(p / "w.pth", ARRAYS),
    "npz": lambda p: make.npz(p / "w.npz", ARRAYS),
    "npz compressed": lambda p: make.npz(p / "w.npz", ARRAYS, compressed=True),
    "onnx": lambda p: onnx_file(p / "w.onnx", ARRAYS),
    "onnx with external data": lambda p: onnx_file(p / "w.onnx", ARRAYS, external=True),
}


@pytest.mark.parametrize("kind", WRITERS)
def test_reader_gives_what_was_written(kind: str, tmp_path: Path) -> None:
    found = weights.read(WRITERS[kind](tmp_path))
    assert list(found) == list(ARRAYS)
    for name, array in ARRAYS.items():
        assert found[name].shape == array.shape
        np.testing.assert_array_equal(found[name].array(), array)
        assert found[name].array().dtype == array.dtype


def test_sharded_checkpoint(tmp_path: Path) -> None:
    names = list(ARRAYS)
    make.safetensors(tmp_path / "a.safetensors", {n: ARRAYS[n] for n in names[:2]})
    make.safetensors(tmp_path / "b.safetensors", {n: ARRAYS[n] for n in names[2:]})
    index = tmp_path / "model.safetensors.index.json"
    places = ", ".join(f'"{n}": "{"a" if i < 2 else "b"}.safetensors"' for i, n in enumerate(names))
    index.write_text('{"metadata": {}, "weight_map": {' + places + "}}")
    found = weights.read(index)
    assert all(np.array_equal(found[n].array(), ARRAYS[n]) for n in names)


def test_bfloat16_and_nested_state(tmp_path: Path) -> None:
    values = np.array([1.0, -2.5, 3.140625], "f4")
    bits = (values.view("u4") >> 16).astype("u2")
    inner = make.unicode("module.a") + make.tensor("0", "BFloat16Storage", 3, 0, (3,), (1,))
    data = b"\x80\x02}(" + make.unicode("epoch") + make.number(3) + make.unicode("state_dict") + b"}(" + inner + b"uu."
    found = weights.read(make.torch_zip(tmp_path / "w.pt", data, {"0": bits.tobytes()}))
    found = found.under("state_dict.module")
    assert list(found) == ["a"] and found["a"].dtype == "bf16"
    np.testing.assert_array_equal(found["a"].array(), values)


def test_what_scripts_save_beside_the_parameters_is_left_out(tmp_path: Path) -> None:
    """Options, paths, dates and counts, pickled by Python; nothing of them is made."""
    beside = {
        "args": argparse.Namespace(lr=0.1, out=Path("runs")), "steps": Counter([1, 2, 2]),
        "when": datetime.timedelta(1), "loss": np.float64(1.5),
    }  # fmt: skip
    inner = make.unicode("a") + make.tensor("0", "FloatStorage", 2, 0, (2,), (1,))
    for protocol in (2, 4):
        data = make.pickled(beside, protocol)[2 if protocol == 2 else 11 : -1]
        body = b"\x80\x02}(" + make.unicode("more") + data + make.unicode("model") + b"}(" + inner + b"uu."
        found = weights.read(make.torch_zip(tmp_path / "w.pt", body, {"0": np.array([1, 2], "f4").tobytes()}))
        assert list(found) == ["model.a"] and found["model.a"].array().tolist() == [1, 2]


def test_views_share_a_storage(tmp_path: Path) -> None:
    base = np.arange(12, dtype="f4")
    views = make.unicode("tail") + make.tensor("0", "FloatStorage", 12, 8, (4,), (1,))
    views += make.unicode("turned") + make.tensor("0", "FloatStorage", 12, 0, (4, 3), (1, 4))
    found = weights.read(make.torch_zip(tmp_path / "w.pt", b"\x80\x02}(" + views + b"u.", {"0": base.tobytes()}))
    np.testing.assert_array_equal(found["tail"].array(), base[8:])
    np.testing.assert_array_equal(found["turned"].array(), base.reshape(3, 4).T)


F4 = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
NPY = b"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n"


def safe(header: object, data: bytes = bytes(8)):
    return "w.safetensors", lambda p: make.raw_safetensors(p, header, data)


def torch(pickled: bytes, **extra: bytes):
    return "w.pth", lambda p: make.torch_zip(p, pickled, {"0": bytes(8)}, **extra)


def npz(header: bytes, data: bytes = bytes(8)):
    return "w.npz", lambda p: make.zipped(p, a__npy=make.npy(header, data))


def raw(name: str, data: bytes):
    return name, lambda p: p.write_bytes(data)


def one(*arguments: object) -> bytes:
    return b"\x80\x02}(" + make.unicode("a") + make.tensor(*arguments) + b"u."


CASES = {
    "empty safetensors": raw("w.safetensors", b""),
    "header longer than the file": raw("w.safetensors", struct.pack("<Q", 1 << 62) + b"{}"),
    "header cut off": raw("w.safetensors", struct.pack("<Q", 20) + b'{"a": '),
    "header no json": safe(b"not json"),
    "header a list": safe([1]),
    "header nested without end": safe(b"[" * 100_000),
    "header not utf-8": safe(b"\xff\xfe{}"),
    "no tensors": safe({}, b""),
    "a name twice": safe(b'{"a": {}, "a": {}}'),
    "entry without a type": safe({"a": {"shape": [2], "data_offsets": [0, 8]}}),
    "unknown type": safe({"a": {**F4, "dtype": "F8_E4M3"}}),
    "negative size": safe({"a": {**F4, "shape": [-2]}}),
    "size no number": safe({"a": {**F4, "shape": ["2"]}}),
    "absurd sizes": safe({"a": {**F4, "shape": [1 << 40, 1 << 40]}}),
    "too short for its shape": safe({"a": {**F4, "shape": [3]}}),
    "offsets beyond the file": safe({"a": {**F4, "data_offsets": [0, 1 << 40]}}),
    "offsets reversed": safe({"a": {**F4, "data_offsets": [8, 0]}}),
    "overlapping tensors": safe({"a": F4, "b": F4}),
    "bytes that belong to nothing": safe({"a": F4}, bytes(16)),
    "index without a map": raw("w.json", b"{}"),
    "index no json": raw("w.json", b"\x00"),
    "index leads elsewhere": raw("w.json", b'{"weight_map": {"a": "../../etc/passwd"}}'),
    "index names no file": raw("w.json", b'{"weight_map": {"a": "gone.safetensors"}}'),
    "no zip": raw("w.npz", b"PK\x03\x04 no archive"),
    "npz of something else": ("w.npz", lambda p: make.zipped(p, readme__txt=b"hello")),
    "npy without magic": ("w.npz", lambda p: make.zipped(p, a__npy=b"hello, this is no array")),
    "npy of objects": npz(NPY.replace(b"<f4", b"|O")),
    "npy header is code": npz(b"__import__('os').system('touch ran')\n"),
    "npy header lacks a key": npz(b"{'descr': '<f4'}\n"),
    "npy big-endian": npz(NPY.replace(b"<f4", b">f4")),
    "bare pickle": raw("w.pth", make.pickled({"a": 1})),
    "tar": raw("w.pth", bytes(257) + b"ustar" + bytes(300)),
    "neither zip nor pickle": raw("w.pth", b"hello"),
    "zip without a pickle": ("w.pth", lambda p: make.zipped(p, a__txt=b"")),
    "TorchScript": torch(one("0", "FloatStorage", 2, 0, (2,), (1,)), **{"constants.pkl": b""}),
    "big-endian storages": torch(one("0", "FloatStorage", 2, 0, (2,), (1,)), byteorder=b"big"),
    "pickle calls os.system": torch(make.pickled(make.Exploit(os.system, "touch ran"))),
    "pickle calls eval": torch(make.pickled(make.Exploit(builtins.eval, "open('ran', 'w')"))),
    "pickle calls exec, protocol 4": torch(make.pickled(make.Exploit(builtins.exec, "open('ran', 'w')"), 4)),
    "pickle calls Popen": torch(make.pickled(make.Exploit(subprocess.Popen, ["touch", "ran"]))),
    "pickle calls getattr": torch(make.pickled(make.Exploit(getattr, "", "join"))),
    "pickle calls a marker": torch(b"\x80\x02ctorch\nFloatStorage\n)R."),
    "pickle calls a string": torch(b"\x80\x02" + make.unicode("a") + b")R."),
    "pickle with INST": torch(b"(S'touch ran'\nios\nsystem\n."),
    "pickle with OBJ": torch(b"(cos\nsystem\n" + make.unicode("touch ran") + b"o."),
    "pickle with an extension": torch(b"\x80\x02\x82\x01."),
    "pickle builds a state": torch(b"\x80\x02ccollections\nOrderedDict\n}b."),
    "pickle cut off": torch(b"\x80\x02}("),
    "pickle pops nothing": torch(b"\x80\x020."),
    "pickle remembers nothing": torch(b"\x80\x02h\x05."),
    "pickle of a huge string": torch(b"\x80\x04\x8d" + struct.pack("<Q", 1 << 60) + b"."),
    "pickle of a number": torch(b"\x80\x02K\x01."),
    "pickle without tensors": torch(b"\x80\x02}" + make.unicode("a") + b"K\x01s."),
    "tensor beyond its storage": torch(one("0", "FloatStorage", 2, 1, (2,), (1,))),
    "tensor with a negative stride": torch(one("0", "FloatStorage", 2, 1, (2,), (-1,))),
    "tensor with a negative offset": torch(one("0", "FloatStorage", 2, -1, (2,), (1,))),
    "tensor of another rank than strides": torch(one("0", "FloatStorage", 2, 0, (2,), (1, 1))),
    "storage of another size": torch(one("0", "FloatStorage", 3, 0, (2,), (1,))),
    "storage that is not there": torch(one("../0", "FloatStorage", 2, 0, (2,), (1,))),
    "storage of an unknown type": torch(one("0", "QInt8Storage", 2, 0, (2,), (1,))),
    "not a protobuf": raw("w.onnx", b"\xff\xff\xff\xff"),
    "empty onnx": raw("w.onnx", b""),
    "onnx field beyond its end": raw("w.onnx", b"\x3a\x7f\x00"),
    "unknown kind": raw("w.tar.gz", b""),
    "a name of half a character": safe(b'{"\\ud800": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}'),
    "index of too many tensors": raw(
        "w.json", b'{"weight_map": {' + b", ".join(b'"%d": "a"' % i for i in range(100_001)) + b"}}"
    ),
}


def test_there_are_enough_hostile_files() -> None:
    assert len(CASES) >= 30


@pytest.mark.parametrize("case", CASES)
def test_bad_file_is_refused_and_leaves_nothing(case: str, tmp_path: Path) -> None:
    name, write = CASES[case]
    write(tmp_path / name)
    done = run(f"archdsl compile lenet5 --weights {name} -o model.onnx", tmp_path)
    assert done.status in (1, 2), done.output
    assert "error[E090" in done.output and name in done.output
    assert sorted(p.name for p in tmp_path.iterdir()) == [name]


@pytest.mark.parametrize("kind", ["safetensors", "torch", "npz compressed", "onnx"])
def test_every_truncation_is_refused_or_harmless(kind: str, tmp_path: Path) -> None:
    file = WRITERS[kind](tmp_path)
    whole = file.read_bytes()
    for size in range(0, len(whole), max(len(whole) // 60, 1)):
        file.write_bytes(whole[:size])
        try:
            found = weights.read(file)
            [t.array() for t in found.values()]
        except Refusal as refusal:
            assert refusal.code == "E0902"


@pytest.mark.skipif(os.name == "nt", reason="POSIX pipes")
@pytest.mark.parametrize("suffix", [".safetensors", ".json", ".npz", ".onnx", ".pth"])
def test_pipes_are_no_weight_files(suffix: str, tmp_path: Path) -> None:
    """Nobody writes into it: to open it would wait for ever. And no file takes its place."""
    os.mkfifo(tmp_path / f"pipe{suffix}")
    done = run(f"archdsl weights inspect pipe{suffix}", tmp_path)
    assert done.status == 2 and "error[E0001]" in done.output, done.output
    make.safetensors(tmp_path / "w.safetensors", ARRAYS)
    done = run(f"archdsl weights export w.safetensors -o pipe{suffix}", tmp_path)
    assert done.status == 2 and "error[E0005]" in done.output, done.output
    assert (tmp_path / f"pipe{suffix}").is_fifo()


def test_names_do_not_steer_the_terminal(tmp_path: Path) -> None:
    make.raw_safetensors(tmp_path / "w.safetensors", {"a\x1b]0;b\x07\nc\u202e": F4}, bytes(8))
    for command in ("inspect w.safetensors", "map lenet5 w.safetensors"):
        shown = run(f"archdsl weights {command}", tmp_path).output
        assert "a\N{SYMBOL FOR ESCAPE}]0;b\N{SYMBOL FOR BELL}\N{SYMBOL FOR LINE FEED}c\ufffd" in shown
        assert not any(steers in shown for steers in "\x1b\x07\u202e")


def test_maps_give_names_of_plain_text(tmp_path: Path) -> None:
    text = 'arch 1\nnetwork Net() { input x: f32[N, 3]; fc: linear(2); weights t { "fc" -> "a\\nb" } }\n'
    (tmp_path / "net.arch").write_text(text)
    done = run("archdsl check net.arch", tmp_path)
    assert done.status == 1 and "error[E0205]" in done.output and "plain text" in done.output


def test_export_keeps_every_tensor_and_its_source(tmp_path: Path) -> None:
    arrays = {**ARRAYS, "a/b": DRAW.normal(size=(700, 500)).astype("f4")}
    make.torch_file(tmp_path / "w.pth", arrays)
    assert run("archdsl weights export w.pth", tmp_path).status == 0
    found = weights.read(tmp_path / "w.safetensors")
    assert found.keys() == arrays.keys()
    assert all(np.array_equal(found[name].array(), array) for name, array in arrays.items())
    (tmp_path / "index.json").write_text('{"weight_map": {"a/b": "w.safetensors"}}')
    done = run("archdsl weights export index.json -o w.safetensors", tmp_path)
    assert done.status == 2 and "error[E0006]" in done.output
