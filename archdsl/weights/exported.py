"""The archive that ``torch.export.save`` writes: a zip of a program in JSON and one member of raw bytes a weight.

Nothing in it is unpickled: ``data/sample_inputs`` and tensors that were saved by a pickle stay closed. What a member
unpacks to, how much JSON is parsed and how large tensors are is bounded before anything is read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any, NoReturn
from zipfile import ZIP_STORED

from archdsl.element_types import ELEMENT_TYPES
from archdsl.record import Record
from archdsl.weights.archive import Archive
from archdsl.weights.tensor import Checkpoint, Place, Tensor, check_shape, in_row_major, is_row_major, malformed, refuse

MAX_PROGRAM = 1 << 26
"""Bytes of the program; one of 5,000 operators has some ten million."""
MAX_ITEMS = 1_500_000
"""Objects, lists and members in a program: what parsing takes memory for."""
MAX_CONFIG = 1 << 25
SCHEMA = 8
"""The major version of the schema: ``torch/_export/serde/schema.py``."""

DTYPES = {1: "u8", 2: "i8", 3: "i16", 4: "i32", 5: "i64", 6: "f16", 7: "f32", 8: "f64", 12: "bool", 13: "bf16",
          28: "u16", 34: "u32", 35: "u64"}  # fmt: skip
"""``ScalarType`` of the schema -> element type. Floats of eight bits have none here."""
COMPLEX = {9: "f16", 10: "f32", 11: "f64"}
"""``ScalarType`` of complex numbers -> element type of their parts, which lie beside each other."""
EXPORT = "save it again with PyTorch 2.8 or newer: `torch.export.save(torch.export.export(model, inputs), path)`"


def read(path: Path) -> Checkpoint:
    """The parameters and buffers of a program, under PyTorch's own names; complex numbers have a last axis of 2."""
    saved = Saved(path)
    return Checkpoint(path, "torch.export", {name: saved.tensor(one) for name, one in saved.tensors.items()})


class Payload(Record):
    """Where a tensor of the program lies: in which member, at which strides (in elements); ``member`` is empty where it
    was saved by a pickle.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    member: str
    offset: int
    strides: tuple[int, ...]
    trained: bool
    """Whether it is a parameter, and no buffer."""
    complex: bool = False
    """Whether it is of complex numbers: they are told as real ones with a last axis of 2."""

    @property
    def identity(self) -> tuple[object, ...]:
        """Equal for tied tensors, which are one tensor."""
        return (self.member, self.offset, self.shape, self.strides, self.dtype) if self.member else (self.name,)


class Saved:
    """An opened archive: its program as parsed JSON, and its tensors by name."""

    def __init__(self, path: Path, content: bytes | None = None) -> None:
        self.path = path
        self._content = content
        self.archive = Archive(path, content)
        self.root, self.model = self._find()
        self.program = self._json(self.model, MAX_PROGRAM)
        self._check_version()
        name = self.model.removeprefix(f"{self.root}models/").removesuffix(".json")
        self.tensors = self._payloads("weights", f"{name}_weights_config.json")
        self.constants = self._payloads("constants", f"{name}_constants_config.json")
        self.firsts = {one.identity: one.name for one in reversed(self.tensors.values())}
        """Identities of weights -> the first name of each."""

    def _find(self) -> tuple[str, str]:
        """The folder in which everything lies, and the member that is the program."""
        members = self.archive.members
        models = [name for name in members if name.endswith(".json") and name.split("/")[-2:-1] == ["models"]]
        if len(models) > 1:
            known = ", ".join(f"`{name}`" for name in sorted(models)[:5])
            refuse("E0902", f"`{self.path}` holds several models: {known}", help="save each in a file of its own")
        if not models:
            self._refuse_other(members)
        return models[0].rpartition("models/")[0], models[0]

    def _refuse_other(self, members: Mapping[str, object]) -> NoReturn:
        """Refuse (E0902) an archive that holds something else, with what it probably is."""
        if "serialized_exported_program.json" in members:
            refuse("E0902", f"`{self.path}` is an exported program as PyTorch saved it before 2.8", help=EXPORT)
        if any(name.endswith(("constants.pkl", "code/__torch__.py")) for name in members):
            refuse("E0902", f"`{self.path}` is a TorchScript program, not an exported one", help=EXPORT)
        refuse("E0902", f"`{self.path}` holds no exported program", help=EXPORT)

    def _json(self, member: str, limit: int) -> dict[str, Any]:
        """A member as JSON; refuses (E0902) what is none, or too much."""
        data = self.archive.read(member, limit)
        if sum(map(data.count, (b"{", b"[", b","))) > MAX_ITEMS:
            malformed(self.path, f"`{member[-80:]}` has more than {MAX_ITEMS:,} items")
        try:
            found = json.loads(data)
        except (ValueError, RecursionError):
            malformed(self.path, f"`{member[-80:]}` is not complete JSON")
        if not isinstance(found, dict):
            malformed(self.path, f"`{member[-80:]}` is no JSON object")
        return found

    def _check_version(self) -> None:
        version = self.program.get("schema_version")
        major = version.get("major") if isinstance(version, dict) else None
        if major != SCHEMA:
            told = f"version {str(major)[:20]} of the schema; version {SCHEMA} is read"
            refuse("E0902", f"`{self.path}` has {told}", help=EXPORT)

    def _payloads(self, folder: str, config: str) -> dict[str, Payload]:
        member = f"{self.root}data/{folder}/{config}"
        if member not in self.archive.members:
            return {}
        listed = self._json(member, MAX_CONFIG).get("config")
        if not isinstance(listed, dict):
            malformed(self.path, f"`{member[-80:]}` has no `config`")
        found: dict[str, Payload] = {}
        for name, entry in listed.items():
            if isinstance(entry, dict) and isinstance(entry.get("tensor_meta"), dict):
                found[name] = self._payload(name, entry, f"{self.root}data/{folder}/")
        return found

    def _payload(self, name: str, entry: Mapping[str, Any], folder: str) -> Payload:
        meta = entry["tensor_meta"]
        shape = check_shape(self.path, name, known_sizes(meta.get("sizes")))
        strides = check_shape(self.path, name, known_sizes(meta.get("strides")))
        (offset,) = check_shape(self.path, name, known_sizes([meta.get("storage_offset")]))
        code = meta["dtype"] if type(meta.get("dtype")) is int else 0
        dtype = COMPLEX.get(code) or DTYPES.get(code)
        if dtype is None:
            refuse("E0902", f"`{name[:80]}` in `{self.path}` has an element type that is not read")
        if len(strides) != len(shape):
            malformed(self.path, f"`{name[:80]}` has {len(strides)} strides for {len(shape)} axes")
        if code in COMPLEX:
            shape, strides, offset = (*shape, 2), (*[2 * step for step in strides], 1), 2 * offset
        member = "" if entry.get("use_pickle") else f"{folder}{str(entry.get('path_name'))[:200]}"
        if member:
            self._check_member(name, member, dtype, shape, offset, strides)
        return Payload(name, dtype, shape, member, offset, strides, entry.get("is_param") is True, code in COMPLEX)

    def _check_member(
        self, name: str, member: str, dtype: str, shape: tuple[int, ...], offset: int, strides: tuple[int, ...]
    ) -> None:
        """Refuse (E0902) a tensor that its member does not hold. Nothing is read for it."""
        info = self.archive.members.get(member)
        if info is None:
            malformed(self.path, f"the bytes of `{name[:80]}` are missing")
        if info.compress_type != ZIP_STORED:  # torch.export.save never does that: what it unpacks to has no bound
            malformed(self.path, f"the bytes of `{name[:80]}` are compressed")
        last = offset + sum(step * (n - 1) for n, step in zip(shape, strides)) + 1 if prod(shape) else 0
        if last * ELEMENT_TYPES[dtype].bytes > info.file_size:
            malformed(self.path, f"`{name[:80]}` needs {last:,} elements, and its member has {info.file_size:,} bytes")

    def tensor(self, payload: Payload) -> Tensor:
        """A tensor of the program: its bytes stay in the archive."""
        width = ELEMENT_TYPES[payload.dtype].bytes
        size = prod(payload.shape) * width

        def load() -> bytes:
            return self._gathered(payload)

        if not payload.member or not is_row_major(payload.shape, payload.strides) or self._content is not None:
            return Tensor(payload.name, payload.dtype, payload.shape, None, load)
        place = self.archive.place(payload.member)
        assert place is not None
        at = Place(self.path, place.offset + payload.offset * width, size)
        return Tensor(payload.name, payload.dtype, payload.shape, at)

    def _gathered(self, payload: Payload) -> bytes:
        """The elements of a tensor in row-major order."""
        if not payload.member:
            refuse("E0902", f"`{payload.name[:80]}` in `{self.path}` was saved by a pickle, which is not opened")
        import numpy as np

        type = ELEMENT_TYPES[payload.dtype]
        data = self.archive.read(payload.member, self.archive.members[payload.member].file_size)
        flat = np.frombuffer(data, type.stored)[payload.offset :]
        return in_row_major(flat, payload.shape, payload.strides)


def known_sizes(sizes: object) -> list[object]:
    """Sizes that are numbers, as the schema writes them (``{"as_int": 64}``); ``None`` stands for any other."""
    if not isinstance(sizes, list):
        return [None]
    return [size.get("as_int") if isinstance(size, dict) else None for size in sizes]
