"""PyTorch's ``.pth`` and ``.pt``: a zip archive of a pickle and one member of raw bytes for each storage.

Read without PyTorch, by :mod:`archdsl.weights.unpickle`. The files from before PyTorch 1.6 (a bare pickle, or a tar)
and TorchScript programs are told apart and refused with the remedy.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from pathlib import Path
from typing import Any

from archdsl.element_types import ELEMENT_TYPES
from archdsl.files import open_file
from archdsl.weights.archive import Archive
from archdsl.weights.tensor import (
    MAX_HEADER,
    MAX_TENSORS,
    Checkpoint,
    Place,
    Tensor,
    check_shape,
    malformed,
    refuse,
)
from archdsl.weights.unpickle import Global, Machine

STORAGES = {type.storage: name for name, type in ELEMENT_TYPES.items() if type.storage}
INSIDE = ("state_dict", "model_state_dict", "model", "state_dict_ema", "model_ema", "module", "network", "params")
"""Where training scripts keep the parameters in a larger dictionary."""


class Storage:
    """One member of raw bytes: ``count`` elements."""

    __slots__ = ("count", "dtype", "member")

    def __init__(self, dtype: str, member: str, count: int) -> None:
        self.dtype = dtype
        self.member = member
        self.count = count


class View:
    """A tensor as it is pickled: a storage seen through an offset and strides."""

    __slots__ = ("offset", "shape", "storage", "strides")

    def __init__(self, storage: Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> None:
        self.storage = storage
        self.offset = offset
        self.shape = shape
        self.strides = strides


def read(path: Path) -> Checkpoint:
    """The tensors of the file's state dictionary."""
    with open_file(path) as file:
        begin = file.read(512)
    if begin[:2] != b"PK":
        _refuse_legacy(path, begin)
    archive = Archive(path)
    root = next((name.removesuffix("data.pkl") for name in archive.members if name.endswith("data.pkl")), None)
    if root is None:
        malformed(path, "the archive has no data.pkl")
    if root + "constants.pkl" in archive.members or any(n.startswith(root + "code/") for n in archive.members):
        refuse("E0901", f"`{path}` is a TorchScript program, not a checkpoint",
               help='`torch.save(torch.jit.load("old.pt").state_dict(), "weights.pth")`')  # fmt: skip
    if root + "byteorder" in archive.members and archive.read(root + "byteorder", 16) != b"little":
        malformed(path, "it was written on a big-endian machine")
    storage = _storages(archive, root)
    found = Machine(path, archive.read(root + "data.pkl", MAX_HEADER), _table(path), storage).run()
    state, notes = _state(path, found)
    return Checkpoint(path, "PyTorch", {name: _tensor(archive, name, view) for name, view in state.items()}, notes)


def _refuse_legacy(path: Path, begin: bytes) -> None:
    remedy = 'with PyTorch: `torch.save(torch.load("old.pth", weights_only=True), "new.pth")`'
    if begin[:1] == b"\x80":
        refuse("E0901", f"`{path}` is a bare pickle, as PyTorch wrote before version 1.6", help=remedy)
    if begin[257:262] == b"ustar":
        refuse("E0901", f"`{path}` is a tar archive, as PyTorch wrote before version 0.1.12", help=remedy)
    malformed(path, "it is neither a zip archive nor a pickle")


def _table(path: Path) -> dict[str, Callable[..., Any] | None]:
    """What a pickle may name: markers of types, and functions that describe tensors."""

    def rebuild(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> View:
        if not isinstance(storage, Storage) or type(offset) is not int or offset < 0:
            malformed(path, "a tensor in its pickle has no storage")
        sizes, steps = check_shape(path, "a tensor", shape), check_shape(path, "a tensor", strides)
        if len(sizes) != len(steps):
            malformed(path, "a tensor in its pickle has more or fewer strides than sizes")
        last = offset + sum((n - 1) * step for n, step in zip(sizes, steps)) if prod(sizes) else offset - 1
        if last >= storage.count:
            malformed(path, f"a tensor in its pickle reaches beyond the {storage.count:,} elements of its storage")
        return View(storage, offset, sizes, steps)

    def parameter(data: Any, *_: Any) -> View:
        if not isinstance(data, View):
            malformed(path, "a parameter in its pickle is not a tensor")
        return data

    table: dict[str, Callable[..., Any] | None] = {
        "collections.OrderedDict": lambda *pairs: dict(*pairs) if not pairs or isinstance(pairs[0], list) else {},
        "torch._utils._rebuild_tensor_v2": rebuild,
        "torch._utils._rebuild_parameter": parameter,
        "torch.Size": lambda *sizes: tuple(*sizes),
    }
    return table | {f"torch.{name}": None for name in STORAGES}


def _storages(archive: Archive, root: str) -> Callable[[Any], Storage]:
    """Persistent ids are ``("storage", type, key, device, elements)``."""

    def storage(identity: Any) -> Storage:
        match identity:
            case ("storage", Global(name=name), str(key), str(), int(count)):
                dtype, member = STORAGES.get(name.removeprefix("torch.")), f"{root}data/{key}"
            case _:
                dtype, member, key, count = None, "", "", 0
        if dtype is None or member not in archive.members:
            malformed(archive.path, f"its pickle names a storage `{key[:40]}` that is not there")
        size = archive.members[member].file_size
        if count < 0 or count * ELEMENT_TYPES[dtype].bytes != size:
            malformed(archive.path, f"the storage `{key[:40]}` has {size:,} bytes for {count:,} elements of {dtype}")
        return Storage(dtype, member, count)

    return storage


def _state(path: Path, found: Any) -> tuple[dict[str, View], tuple[str, ...]]:
    """The mapping of names to tensors in a saved object, and notes on how it was found."""
    notes: list[str] = []
    for _ in range(3):
        state = {k: v for k, v in found.items() if isinstance(k, str)} if isinstance(found, dict) else {}
        tensors = {k: v for k, v in state.items() if isinstance(v, View)}
        inner = next((key for key in INSIDE if isinstance(state.get(key), dict)), None)
        if tensors or inner is None:
            break
        notes.append(f"the parameters are in its `{inner}`")
        found = state[inner]
    if not tensors:
        malformed(path, "it does not hold a dictionary of names and tensors")
    if len(tensors) > MAX_TENSORS:
        malformed(path, f"it has {len(tensors):,} tensors")
    if all(name.startswith("module.") for name in tensors):
        notes.append("the prefix `module.` (DataParallel) is removed")
        tensors = {name.removeprefix("module."): view for name, view in tensors.items()}
    return tensors, tuple(notes)


def _tensor(archive: Archive, name: str, view: View) -> Tensor:
    dtype = view.storage.dtype
    width = ELEMENT_TYPES[dtype].bytes
    place = archive.place(view.storage.member)
    size = prod(view.shape) * width
    if place is not None and _contiguous(view):
        return Tensor(name, dtype, view.shape, Place(archive.path, place.offset + view.offset * width, size))
    return Tensor(name, dtype, view.shape, None, lambda: _gathered(archive, view))


def _contiguous(view: View) -> bool:
    step = 1
    for n, stride in zip(reversed(view.shape), reversed(view.strides)):
        if n != 1 and stride != step:
            return False
        step *= n
    return True


def _gathered(archive: Archive, view: View) -> bytes:
    """The elements of a tensor that does not lie in row-major order."""
    import numpy as np

    type = ELEMENT_TYPES[view.storage.dtype]
    data = np.frombuffer(archive.read(view.storage.member, view.storage.count * type.bytes), type.stored)
    strides = [step * type.bytes for step in view.strides]
    return np.lib.stride_tricks.as_strided(data[view.offset :], view.shape, strides).tobytes()
