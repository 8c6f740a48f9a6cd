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
    MAX_NAME,
    MAX_TENSORS,
    Checkpoint,
    Place,
    Tensor,
    check_shape,
    in_row_major,
    is_row_major,
    malformed,
    refuse,
)
from archdsl.weights.unpickle import Global, Machine

STORAGES = {type.storage: name for name, type in ELEMENT_TYPES.items() if type.storage}
INERT = (
    "argparse.Namespace", "collections.Counter", "datetime.date", "datetime.datetime", "datetime.timedelta",
    "numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar", "numpy.dtype", "_codecs.encode",
    "pathlib.PosixPath", "pathlib.WindowsPath", "pathlib.PurePosixPath", "pathlib.PureWindowsPath", "torch.device",
    "torch.torch_version.TorchVersion", "pytorch_lightning.utilities.parsing.AttributeDict",
    "lightning.pytorch.utilities.parsing.AttributeDict", "lightning_fabric.utilities.data.AttributeDict",
    "lightning.fabric.utilities.data.AttributeDict",
)  # fmt: skip
"""What training scripts save beside the parameters: options, dates, paths, numbers. All become an empty thing."""
MARKERS = ("float16", "float32", "float64", "bfloat16", "int32", "int64", "bool")
"""Element types of PyTorch as values."""
MAX_DEPTH = 6
"""Dictionaries in dictionaries, as training scripts save them."""


class Storage:
    """One member of raw bytes: ``count`` elements."""

    __slots__ = ("count", "dtype", "member")

    def __init__(self, dtype: str, member: str, count: int) -> None:
        self.dtype = dtype
        self.member = member
        self.count = count


class Inert(dict[Any, Any]):
    """What stands in a file for an object that is not needed. It takes a state and items, and nobody looks at them."""


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
    views, keys = _views(path, found)
    tensors = {name: _tensor(archive, name, view) for name, view in views.items()}
    return Checkpoint(path, "PyTorch", tensors, keys_inside=keys)


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

    def size(sizes: Any = ()) -> tuple[int, ...]:
        return check_shape(path, "a tensor", sizes)

    table: dict[str, Callable[..., Any] | None] = {
        "collections.OrderedDict": lambda *pairs: dict(*pairs) if not pairs or isinstance(pairs[0], list) else {},
        "torch._utils._rebuild_tensor_v2": rebuild,
        "torch._utils._rebuild_parameter": parameter,
        "torch.Size": size,
    }
    markers = [*STORAGES, *MARKERS]
    return table | dict.fromkeys(INERT, lambda *_: Inert()) | {f"torch.{name}": None for name in markers}


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


class _Found:
    """All tensors of a saved object, by the keys that lead to them, joined by dots; and the dictionaries that hold
    tensors. Lists, and dictionaries whose keys are numbers (the state of an optimiser), hold no parameters.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.views: dict[str, View] = {}
        self.keys: dict[str, None] = {}
        self.entries = 0

    def descend(self, table: dict[Any, Any], key: str, above: tuple[int, ...]) -> None:
        """Collect what is below a key. One dictionary may be in many places, and in itself."""
        self.entries += len(table)
        if self.entries > 4 * MAX_TENSORS or len(self.views) > MAX_TENSORS:
            malformed(self.path, f"it has more than {MAX_TENSORS:,} tensors")
        for word, value in table.items():
            if not isinstance(word, str):
                continue
            if len(key) + len(word) >= MAX_NAME:
                if isinstance(value, View):
                    malformed(self.path, f"a tensor in it has a name of {len(word):,} characters")
                continue
            name = f"{key}.{word}" if key else word
            if isinstance(value, View):
                self.views[name] = value
                self.keys[key] = None
            elif type(value) is dict and id(value) not in above and len(above) < MAX_DEPTH:
                self.descend(value, name, (*above, id(value)))


def _views(path: Path, found: Any) -> tuple[dict[str, View], tuple[str, ...]]:
    """The tensors of a saved object, and the keys of the dictionaries that hold some."""
    if isinstance(found, View):
        malformed(path, "it holds one tensor without a name")
    inside = _Found(path)
    if isinstance(found, dict):
        inside.descend(found, "", (id(found),))
    if not inside.views:
        malformed(path, "it does not hold a dictionary of names and tensors")
    return inside.views, tuple(inside.keys)


def _tensor(archive: Archive, name: str, view: View) -> Tensor:
    dtype = view.storage.dtype
    width = ELEMENT_TYPES[dtype].bytes
    place = archive.place(view.storage.member)
    size = prod(view.shape) * width
    if place is None:  # torch.save never does that: what a member unpacks to has no bound
        malformed(archive.path, f"its storage `{view.storage.member[-40:]}` is compressed")
    if is_row_major(view.shape, view.strides):
        return Tensor(name, dtype, view.shape, Place(archive.path, place.offset + view.offset * width, size))
    return Tensor(name, dtype, view.shape, None, lambda: _gathered(place, view))


def _gathered(place: Place, view: View) -> bytes:
    """The elements of a tensor that does not lie in row-major order; nothing else of its storage is read."""
    import numpy as np

    type = ELEMENT_TYPES[view.storage.dtype]
    if not prod(view.shape):
        return b""
    with open_file(place.path) as file:
        data = np.memmap(file, type.stored, "r", place.offset, (view.storage.count,))
    return in_row_major(data[view.offset :], view.shape, view.strides)
