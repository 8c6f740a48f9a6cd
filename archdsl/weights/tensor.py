"""Tensors in files: the places of their bytes, and how they are read when they are needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from archdsl.diagnostics import Refusal
from archdsl.element_types import ELEMENT_TYPES
from archdsl.files import open_file
from archdsl.ops.base import Initializer

if TYPE_CHECKING:
    import numpy as np

MAX_HEADER = 1 << 24
"""Bytes of a header, directory or pickle that are looked at; more is refused before it is read."""
MAX_TENSORS = 100_000
MAX_RANK = 64
MAX_NAME = 512
"""Characters of a tensor's name; those of PyTorch have some tens."""
MAX_GROWTH, FREE_GROWTH = 16, 1 << 26
"""What a file's tensors may have together: so many times the bytes of the file, and 64 MiB."""


def refuse(code: str, message: str, *, help: str = "", notes: tuple[str, ...] = ()) -> NoReturn:
    """Refuse a weight file."""
    raise Refusal(code, message, help=help, notes=notes)


def malformed(path: Path, what: str) -> NoReturn:
    """Refuse a file that contradicts its format, or ends early (E0902)."""
    refuse("E0902", f"`{path}` is damaged or not what its name says: {what}")


def once(path: Path) -> Callable[[list[tuple[str, Any]]], dict[str, Any]]:
    """For ``json.loads``: an object of the file as a dictionary; a name that is there twice is refused (E0902)."""

    def found(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for name, value in pairs:
            if name in made:
                malformed(path, f"`{name[:80]}` is there twice")
            made[name] = value
        return made

    return found


class Data(Protocol):
    """Bytes of a file: a memory map."""

    def __getitem__(self, key: slice, /) -> bytes: ...


class Mapped:
    """The bytes of a file, as long as it is open."""

    __slots__ = ("data",)

    def __init__(self, data: Data | None) -> None:
        self.data = data


SMALL = 1 << 16
"""Bytes that are taken from an open map; more is read from the file, so that its pages are not held."""


class Place:
    """``size`` bytes of a file, from ``offset``; ``mapped`` while it is open anyway."""

    __slots__ = ("mapped", "offset", "path", "size")

    def __init__(self, path: Path, offset: int, size: int, mapped: Mapped | None = None) -> None:
        self.path = path
        self.offset = offset
        self.size = size
        self.mapped = mapped

    def read(self, start: int, stop: int) -> bytes:
        """The bytes ``start`` to ``stop`` of it. Refuses (E0902) a file that has become shorter."""
        if self.mapped is not None and self.mapped.data is not None and stop - start <= SMALL:
            return self.mapped.data[self.offset + start : self.offset + stop]
        with open_file(self.path) as file:
            file.seek(self.offset + start)
            data = file.read(stop - start)
        if len(data) != stop - start:
            malformed(self.path, "it ends before its tensors do")
        return data


class Tensor:
    """One tensor of a weight file. Its bytes lie in ``place``, or are made by ``load`` where that needs work."""

    __slots__ = ("_load", "dtype", "name", "place", "shape")

    def __init__(
        self,
        name: str,
        dtype: str,
        shape: tuple[int, ...],
        place: Place | None,
        load: Callable[[], bytes] | None = None,
    ) -> None:
        self.name = name
        self.dtype = dtype
        self.shape = shape
        self.place = place
        self._load = load

    @property
    def elements(self) -> int:
        """The number of elements."""
        return prod(self.shape)

    @property
    def size(self) -> int:
        """The bytes of its elements in row-major order."""
        return self.elements * ELEMENT_TYPES[self.dtype].bytes

    def read(self, start: int = 0, stop: int | None = None) -> bytes:
        """Its bytes (little-endian, row-major) from ``start`` to ``stop``."""
        stop = self.size if stop is None else stop
        if self.place is not None:
            return self.place.read(start, stop)
        assert self._load is not None
        return self._load()[start:stop]

    def renamed(self, name: str) -> Tensor:
        """The same tensor under another name."""
        return Tensor(name, self.dtype, self.shape, self.place, self._load)

    def same_place(self, other: Tensor) -> bool:
        """Whether both are the same bytes of one file."""
        mine, its = self.place, other.place
        same = mine is not None and its is not None and (mine.path, mine.offset) == (its.path, its.offset)
        return self is other or (same and (self.dtype, self.shape) == (other.dtype, other.shape))

    def equals(self, other: Tensor) -> bool:
        """Whether both have the same values; only tensors of one shape and type are compared."""
        if (self.dtype, self.shape) != (other.dtype, other.shape):
            return False
        return self.same_place(other) or all(a == b for a, b in zip(self.stretches(), other.stretches()))

    def stretches(self) -> Iterator[bytes]:
        """All its bytes, a mebibyte at a time where they lie in a file."""
        step = 1 << 20 if self.place is not None else max(self.size, 1)
        return (self.read(start, min(start + step, self.size)) for start in range(0, self.size, step))

    def values(self, start: int = 0, stop: int | None = None) -> np.ndarray[Any, np.dtype[Any]]:
        """Elements ``start`` to ``stop``, flat; bfloat16 as float32."""
        import numpy as np

        type = ELEMENT_TYPES[self.dtype]
        width = type.bytes
        raw = np.frombuffer(self.read(start * width, None if stop is None else stop * width), type.stored)
        if self.dtype == "bf16":
            return (raw.astype("<u4") << 16).view("<f4")
        return raw

    def array(self) -> np.ndarray[Any, np.dtype[Any]]:
        """The whole tensor in its shape; bfloat16 as float32."""
        return self.values().reshape(self.shape)

    def __repr__(self) -> str:
        return f"Tensor({self.name!r}, {self.dtype}{list(self.shape)})"


class Checkpoint(Mapping[str, Tensor]):
    """The tensors of a weight file by name, in the file's order.

    ``keys_inside``: where a file holds dictionaries in dictionaries, as training scripts save them, those that hold
    tensors; names are then joined by dots. ``names`` is the map whose names and layout the file says it has (``own``:
    the network's), empty where it says nothing. ``notes`` are to be told with it.
    """

    def __init__(
        self,
        path: Path,
        format: str,
        tensors: Mapping[str, Tensor],
        notes: tuple[str, ...] = (),
        *,
        keys_inside: tuple[str, ...] = ("",),
        names: str = "",
    ) -> None:
        self.path = path
        self.format = format
        self.tensors = dict(tensors)
        self.notes = notes
        self.keys_inside = keys_inside
        self.names = names

    def under(self, key: str) -> Checkpoint:
        """The tensors whose names begin with ``key.``, without it; all of them for an empty one."""
        if not key:
            return self
        begin = f"{key}."
        tensors = {name.removeprefix(begin): t for name, t in self.tensors.items() if name.startswith(begin)}
        inside = tuple(k.removeprefix(begin) if k != key else "" for k in self.keys_inside if f"{k}.".startswith(begin))
        return Checkpoint(self.path, self.format, tensors, self.notes, keys_inside=inside or ("",), names=self.names)

    def __getitem__(self, name: str) -> Tensor:
        return self.tensors[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.tensors)

    def __len__(self) -> int:
        return len(self.tensors)


class Loaded(Initializer):
    """The initial value of a parameter that comes from a file; its shape is the parameter's."""

    tensor: Tensor | None = None


def check_shape(path: Path, name: str, shape: object) -> tuple[int, ...]:
    """A shape from a file: a short list of integers that are not negative. Refuses (E0902) anything else."""
    if not isinstance(shape, list | tuple) or len(shape) > MAX_RANK:
        malformed(path, f"the shape of `{name[:80]}` is not a list of sizes")
    for size in shape:
        if type(size) is not int or not 0 <= size < 1 << 48:
            malformed(path, f"the shape of `{name[:80]}` is not a list of sizes")
    if prod(shape) >= 1 << 48:
        malformed(path, f"`{name[:80]}` would have more elements than any file can hold")
    return tuple(shape)


def is_row_major(shape: Sequence[int], strides: Sequence[int]) -> bool:
    """Whether elements at these strides (in elements) lie one after the other, the last axis fastest."""
    step = 1
    for n, stride in zip(reversed(shape), reversed(strides)):
        if n != 1 and stride != step:
            return False
        step *= n
    return True


def in_row_major(elements: np.ndarray[Any, np.dtype[Any]], shape: Sequence[int], strides: Sequence[int]) -> bytes:
    """The bytes of a tensor of that shape in row-major order, whose first element is the first of ``elements``.

    Nothing of ``elements`` is read but what the tensor has; the caller has held the strides (in elements) against them.
    """
    from numpy.lib.stride_tricks import as_strided

    steps = [stride * elements.itemsize for stride in strides]
    return as_strided(elements, shape, steps).tobytes() if prod(shape) else b""
