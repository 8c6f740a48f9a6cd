"""Weight files made by hand, byte by byte: an independent statement of the formats."""

from __future__ import annotations

import io
import json
import pickle
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

Arrays = dict[str, np.ndarray]
SAFE = {"float32": "F32", "float64": "F64", "float16": "F16", "int64": "I64"}
STORAGE = {"float32": "FloatStorage", "float64": "DoubleStorage", "float16": "HalfStorage", "int64": "LongStorage"}


def safetensors(path: Path, arrays: Arrays) -> Path:
    header, data = {}, b""
    for name, array in arrays.items():
        raw = np.ascontiguousarray(array).tobytes()
        header[name] = {"dtype": SAFE[str(array.dtype)], "shape": list(array.shape),
                        "data_offsets": [len(data), len(data) + len(raw)]}  # fmt: skip
        data += raw
    text = json.dumps(header).encode()
    return raw_safetensors(path, text + b" " * (-len(text) % 8), data)


def raw_safetensors(path: Path, header: object, data: bytes) -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


def unicode(text: str) -> bytes:
    return b"X" + struct.pack("<I", len(text)) + text.encode()


def number(value: int) -> bytes:
    return b"J" + struct.pack("<i", value)


def numbers(values: tuple[int, ...]) -> bytes:
    return b"(" + b"".join(map(number, values)) + b"t"


def tensor(key: str, kind: str, count: int, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> bytes:
    """The opcodes that torch.save writes for one tensor."""
    storage = b"(" + unicode("storage") + f"ctorch\n{kind}\n".encode() + unicode(key) + unicode("cpu")
    storage += number(count) + b"tQ"
    rest = number(offset) + numbers(shape) + numbers(strides) + b"\x89ccollections\nOrderedDict\n)R"
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + rest + b"tR"


def state(arrays: Arrays) -> tuple[bytes, dict[str, bytes]]:
    body, members = b"", {}
    for key, (name, array) in enumerate(arrays.items()):
        strides = tuple(step // array.itemsize for step in array.strides)
        body += unicode(name) + tensor(str(key), STORAGE[str(array.dtype)], array.size, 0, array.shape, strides)
        members[str(key)] = array.ravel(order="K").tobytes()
    return b"\x80\x02}(" + body + b"u.", members


def torch_zip(path: Path, pickled: bytes, members: dict[str, bytes], **extra: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickled)
        for key, data in members.items():
            archive.writestr(f"archive/data/{key}", data)
        for name, data in extra.items():
            archive.writestr(f"archive/{name}", data)
    return path


def torch_file(path: Path, arrays: Arrays) -> Path:
    return torch_zip(path, *state(arrays))


def nested(path: Path, inside: Mapping[str, object]) -> Path:
    """A PyTorch file of dictionaries in dictionaries, as training scripts save them: tensors, and integers."""
    members: dict[str, bytes] = {}

    def opcodes(value: object) -> bytes:
        if isinstance(value, Mapping):
            return b"}(" + b"".join(unicode(str(key)) + opcodes(one) for key, one in value.items()) + b"u"
        if isinstance(value, np.ndarray):
            key = str(len(members))
            members[key] = value.tobytes()
            strides = tuple(step // value.itemsize for step in value.strides)
            return tensor(key, STORAGE[str(value.dtype)], value.size, 0, value.shape, strides)
        return number(int(str(value)))

    return torch_zip(path, b"\x80\x02" + opcodes(inside) + b".", members)


def npz(path: Path, arrays: Arrays, compressed: bool = False) -> Path:
    (np.savez_compressed if compressed else np.savez)(path, **arrays)
    return path


def npy(header: bytes, data: bytes) -> bytes:
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


def zipped(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "."), data)
    return path


class Exploit:
    """Pickles into a call."""

    def __init__(self, function: object, *arguments: object) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> object:
        return self.call


def pickled(value: object, protocol: int = 2) -> bytes:
    stream = io.BytesIO()
    pickle.Pickler(stream, protocol).dump(value)
    return stream.getvalue()
