"""Mutated weight files: bytes, opcodes, fields and sizes that are not what they were. Deterministic by seed and number.

    python tests/support/weight_mutants.py 10000 [SEED]

reads so many of them, matches each with a network and reads its tensors, and prints what took longer than two
seconds or more than 400 MiB, or ended otherwise than with a result or a code.
"""

from __future__ import annotations

import io
import json
import random
import struct
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import weight_files as make

from archdsl.diagnostics import DiagnosticError

SECONDS, MEBIBYTES = 2.0, 400
EXTREMES = (
    0,
    1,
    127,
    128,
    255,
    1 << 15,
    (1 << 16) - 1,
    1 << 20,
    (1 << 31) - 1,
    1 << 31,
    (1 << 32) - 1,
    1 << 40,
    (1 << 63) - 1,
)
KINDS = ("pth", "npz", "safetensors", "onnx", "json")
SPEC = """arch 1
network Net() {
  input x: f32[N, 3, 8, 8]
  conv: conv(4, 3)
  norm: batch_norm
  global_avg_pool -> flatten
  fc: linear(4)
  output y
  weights keras { "fc.weight" -> transpose("fc.weight") }
}
"""
SHAPES = {
    "conv.weight": (4, 3, 3, 3), "conv.bias": (4,), "norm.weight": (4,), "norm.bias": (4,), "norm.running_mean": (4,),
    "norm.running_var": (4,), "fc.weight": (4, 4), "fc.bias": (4,),
}  # fmt: skip


def arrays(draw: random.Random) -> make.Arrays:
    """The network's parameters, sometimes behind a prefix, renamed or in another order."""
    prefix = draw.choice(["", "", "module.", "model.", "a.b."])
    names = list(SHAPES)
    if draw.random() < 0.3:
        draw.shuffle(names)
    values = np.random.default_rng(draw.randrange(1 << 30))
    return {prefix + name: values.normal(size=SHAPES[name]).astype("f4") for name in names}


def written(folder: Path, kind: str, draw: random.Random) -> tuple[Path, Path]:
    """A good file of a kind: what is read, and the one of its files that is mutated."""
    tensors = arrays(draw)
    if kind == "pth":
        path = folder / "w.pth"
        inside = draw.choice([tensors, {"state_dict": tensors, "epoch": 3}, {"a": tensors, "b": {"c": tensors}}])
        make.nested(path, inside)
        return path, path
    if kind == "npz":
        path = make.npz(folder / "w.npz", tensors, compressed=draw.random() < 0.5)
        return path, path
    if kind == "safetensors":
        path = make.safetensors(folder / "w.safetensors", tensors)
        return path, path
    if kind == "onnx":
        from onnx import helper, numpy_helper, save_model

        inputs = [name for name in tensors if "conv" in name]
        node = helper.make_node("Conv", ["x", *inputs], ["y"], "/a/a.b/conv/Conv")
        initialisers = [numpy_helper.from_array(array, name) for name, array in tensors.items()]
        path = folder / "w.onnx"
        save_model(helper.make_model(helper.make_graph([node], "g", [], [], initialisers)), path)
        return path, path
    names = list(tensors)
    suffix = draw.choice(["safetensors", "bin"])
    write = make.safetensors if suffix == "safetensors" else make.torch_file
    for part in (0, 1):
        write(folder / f"p{part}.{suffix}", {name: tensors[name] for name in names[part::2]})
    index = folder / "w.index.json"
    index.write_text(json.dumps({"weight_map": {name: f"p{i % 2}.{suffix}" for i, name in enumerate(names)}}))
    return index, draw.choice([index, folder / f"p0.{suffix}"])


def damaged(data: bytes, draw: random.Random) -> bytes:
    """Bytes flipped, cut, doubled, put elsewhere, or numbers in their place that are extreme."""
    at = draw.randrange(max(len(data), 1))
    size = draw.choice([1, 2, 4, 8, 64, 1024])
    piece = data[at : at + size]
    match draw.randrange(8):
        case 0:
            return data[:at]
        case 1:
            return data[:at] + bytes([draw.randrange(256)]) + data[at + 1 :]
        case 2:
            return data[:at] + piece * draw.choice([2, 3, 1000]) + data[at + size :]
        case 3:
            return data[:at] + data[at + size :]
        case 4:
            other = draw.randrange(max(len(data), 1))
            return data[:at] + data[other : other + size] + data[at + size :]
        case 5:
            number = draw.choice(EXTREMES)
            width = draw.choice([w for w in (1, 2, 4, 8) if number < 1 << (8 * w)])
            return data[:at] + number.to_bytes(width, "little") + data[at + width :]
        case 6:
            return data[:at] + bytes(draw.randrange(256) for _ in range(size)) + data[at + size :]
        case _:
            return (
                data[:at]
                + draw.choice([b"", b"\xff", b"\x00", b"[", b"{", b"(", b"h\x00", b"\x80"]) * draw.choice([1, 9, 5000])
                + data[at:]
            )


OPCODES = (b"}", b"]", b"(", b")", b"\x8f", b"h\x00", b"q\x00", b"\x85", b"\x86", b"\x87", b"t", b"u", b"s", b"a", b"e",
           b"R", b"\x81", b"b", b"Q", b"N", b"\x93", b"0", b"\x94", b"K\x07", b"ctorch\nSize\n", b"ccollections\nOrderedDict\n",
           b"ctorch\nFloatStorage\n", b"ctorch._utils\n_rebuild_tensor_v2\n", b"ctorch._utils\n_rebuild_parameter\n",
           b"J\xff\xff\xff\x7f", b"\x8a\x08" + bytes([255] * 7) + b"\x7f", make.unicode("a" * 60))  # fmt: skip


def opcodes(data: bytes, draw: random.Random) -> bytes:
    """Opcodes put into a pickle, once or very often, and what they make used again."""
    for _ in range(draw.choice([1, 1, 3, 10])):
        at = draw.randrange(2, max(len(data), 3))
        word = b"".join(draw.choice(OPCODES) for _ in range(draw.choice([1, 1, 2, 4])))
        data = data[:at] + word * draw.choice([1, 1, 2, 100, 100_000]) + data[at:]
    return data[: 20 << 20]


def rezipped(data: bytes, draw: random.Random) -> bytes:
    """An archive whose members are mutated and whose directory agrees with them, so that the mutation is read."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        names = old.namelist()
        chosen = draw.choice(names)
        for name in names:
            content = old.read(name)
            if name == chosen or (name.endswith("data.pkl") and draw.random() < 0.5):
                content = draw.choice([opcodes, damaged] if name.endswith(".pkl") else [damaged])(content, draw)
            new.writestr(name, content, draw.choice([zipfile.ZIP_STORED, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]))
        if draw.random() < 0.1:
            for i in range(draw.choice([1, 1000, 5000])):
                new.writestr(f"{i}.npy", make.npy(b"{'descr': '<f4', 'fortran_order': False, 'shape': (0,), }\n", b""))
    return out.getvalue()


def numbers(data: bytes, draw: random.Random) -> bytes:
    """Numbers of a JSON header exchanged for extreme ones, and entries repeated."""
    begin = 8 if data[:1] != b"{" else 0
    end = begin + (int.from_bytes(data[:8], "little") if begin else len(data))
    text = data[begin:end].decode("latin-1")
    places = [i for i, c in enumerate(text) if c.isdigit()] or [0]
    for _ in range(draw.choice([1, 2, 5])):
        at = draw.choice(places)
        with_ = draw.choice(
            [*map(str, EXTREMES), "-1", "1e400", "1" * 4000, "[]", "{}", '"x"', "null", "true", "[" * 2000]
        )
        text = text[:at] + with_ * draw.choice([1, 1, 1, 1000]) + text[at + 1 :]
    head = text.encode("latin-1")
    return (struct.pack("<Q", len(head)) if begin else b"") + head + data[end:]


def mutants(folder: Path, count: int, seed: int = 1, begin: int = 0) -> Iterator[tuple[int, str, Path]]:
    """Numbered files, each in the place of the one before it."""
    for number in range(begin, count):
        draw = random.Random(f"{seed}.{number}")
        kind = KINDS[number % len(KINDS)]
        path, target = written(folder, kind, draw)
        data = target.read_bytes()
        ways: list[Callable[[bytes, random.Random], bytes]] = [damaged]
        if target.suffix in (".pth", ".npz", ".bin"):
            ways = [damaged, rezipped, rezipped, rezipped]
        elif target.suffix in (".safetensors", ".json"):
            ways = [damaged, numbers, numbers]
        for _ in range(draw.choice([1, 1, 2])):
            try:
                data = draw.choice(ways)(data, draw)
            except Exception:  # zlib's and zipfile's share no base
                data = damaged(data, draw)  # mutated already, so that it is no archive any more
        target.write_bytes(data)
        yield number, kind, path


def outcome(path: Path, graph: object) -> str:
    """``loaded``, or the code of the refusal."""
    from archdsl import weights
    from archdsl.project.checkpoints import match_weights

    try:
        for tensor in weights.read(path).values():
            tensor.array()
        found = match_weights(graph, path)  # type: ignore[arg-type]
        str(found), found.summary, found.help
    except DiagnosticError as error:
        return error.diagnostics[0].code
    return "loaded"


def attack(count: int, seed: int = 1) -> tuple[Counter[str], list[str]]:
    """How so many of them ended, and what was wrong."""
    from memory import peak

    import archdsl

    graph = archdsl.load(SPEC, name="net.arch").graph()
    ends: Counter[str] = Counter()
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for number, kind, path in mutants(Path(folder), count, seed):
            before, started = peak(), time.process_time()
            try:
                end = outcome(path, graph)
            except Exception as error:
                end = type(error).__name__
                wrong.append(f"{number} ({kind}): {error!r}")
            ends[f"{kind} {end}"] += 1
            seconds, grown = time.process_time() - started, peak() - before
            if seconds > SECONDS or grown > MEBIBYTES:
                wrong.append(f"{number} ({kind}): {seconds:.1f} s, {grown} MiB, {end}")
    return ends, wrong


if __name__ == "__main__":
    ended, bad = attack(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    print(*(f"{count:6} {end}" for end, count in sorted(ended.items())), sep="\n")
    print(*bad, f"{sum(ended.values())} files, {len(bad)} wrong", sep="\n")
    sys.exit(bool(bad))
