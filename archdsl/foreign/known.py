"""Tensors of a foreign model whose elements are known: stored in the file, written out, or computed from sizes.

Elements are read when somebody asks for them, and weights are not asked. Sizes may be symbolic: then the elements are
:class:`~archdsl.dims.Dim`, in arrays of objects.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from math import isfinite, prod
from struct import pack
from typing import TYPE_CHECKING, Any, TypeVar

from archdsl.diagnostics import Refusal
from archdsl.dims import Dim, product
from archdsl.element_types import ELEMENT_TYPES, FLOATS
from archdsl.shapes import Shape
from archdsl.weights.tensor import Tensor

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]
else:
    Array = Any

T = TypeVar("T")
COMPUTED = 1 << 22
"""Integers of a tensor that is computed: 32 megabytes."""
QUANTIZED = frozenset({"i8", "u8", "i16", "u16"})
"""Integers that weights are stored as."""
LEAST = 1e4
"""What is added to scores that a mask takes away is below minus this."""
SMALL = 1 << 16
"""Elements up to which a tensor is computed at once; larger ones when they are needed."""


class Known:
    """A tensor that does not depend on what enters the model.

    ``file``: where it lies unchanged. ``weight``: whether its elements come from the file, and not from sizes alone.
    ``fill``: the number that all elements are, where that is known without reading.
    """

    __slots__ = ("_array", "_load", "dtype", "file", "fill", "learned", "name", "shape", "turned", "weight")

    def __init__(
        self,
        dtype: str,
        shape: Shape,
        *,
        array: Array | None = None,
        load: Callable[[], Array] | None = None,
        file: Tensor | None = None,
        fill: Any = None,
        name: str = "",
        weight: bool = False,
    ) -> None:
        self.dtype = dtype
        self.shape = shape
        self._array = array
        self._load = load
        self.file = file
        self.fill = fill
        self.name = name
        self.weight = weight
        self.learned = False
        """Whether it is a weight whatever its element type."""
        self.turned: dict[object, Known] = {}
        """The same tensor with axes in another order or parts of it, so that equal ones are one object."""

    @property
    def elements(self) -> Dim:
        """How many elements it has."""
        return product(self.shape)

    @property
    def is_parameter(self) -> bool:
        """Whether it is learned where it enters an operator as a tensor: several numbers of the file, and no mask."""
        count = self.elements
        if not self.weight or count == 0 or (count == 1 and not self.learned) or not self.plain:
            return False
        if self.fill is not None:
            return self.fill not in (0, 1) and self.fill > -LEAST
        return self.learned or self.dtype in QUANTIZED or (self.dtype in FLOATS and not self._masks())

    def _masks(self) -> bool:
        """Whether it is a mask that an exporter wrote out: zeros, ones and numbers that stand for minus infinity."""
        if len(self.shape) < 2 or not self.small:
            return False
        array = self.array()
        low, zeros, ones = array <= -LEAST, array == 0, array == 1
        kinds = bool(low.any()) + bool(zeros.any()) + bool(ones.any())
        return kinds > 1 and bool((low | zeros | ones).all())

    @property
    def sizes(self) -> tuple[int, ...]:
        """The shape of a tensor whose sizes are all numbers."""
        return tuple([size for size in self.shape if isinstance(size, int)])

    @property
    def plain(self) -> bool:
        """Whether all sizes are numbers."""
        return all(isinstance(size, int) for size in self.shape)

    @property
    def small(self) -> bool:
        """Whether its elements may be read to find out sizes."""
        count = self.elements
        return self._array is not None or (isinstance(count, int) and count <= SMALL)

    @property
    def symbolic(self) -> bool:
        """Whether some element, or a size, is a symbol's."""
        array = self._array
        return (array is not None and array.dtype == object) or not all(isinstance(size, int) for size in self.shape)

    def array(self) -> Array:
        """The elements; of type ``object`` where some are symbolic."""
        import numpy as np

        if self._array is None:
            if self.fill is not None:
                self._bound()
                self._array = np.full(self.sizes, self.fill, numpy_type(self.dtype))
            elif self._load is not None:
                self._bound()
                self._array = self._load()
            else:
                assert self.file is not None
                found = self.file.array()
                if not self.small:
                    return found  # a weight is not kept
                self._array = found
        return self._array

    def written(self) -> Any:
        """The elements as nested lists, with the fewest digits."""

        def shorter(one: Any) -> Any:
            return [*map(shorter, one)] if isinstance(one, list) else shortest(one, self.dtype)

        return shorter(self.array().tolist())

    def _bound(self) -> None:
        """Refuse (E1003) to compute integers without end: they are positions and sizes, and no weights."""
        if self.dtype not in FLOATS and self.dtype not in QUANTIZED and prod(self.sizes) > COMPUTED:
            raise Refusal("E1003", f"a table of {prod(self.sizes):,} integers is computed; at most {COMPUTED:,} are")

    def tensor(self) -> Tensor:
        """The tensor as a parameter's values."""
        if self.file is not None:
            return self.file
        assert len(self.sizes) == len(self.shape)
        return Tensor(self.name, self.dtype, self.sizes, None, lambda: as_bytes(self.array(), self.dtype))


def shortest(number: Any, dtype: str) -> Any:
    """The decimal with the fewest digits that is the same number of a type: 1e-05 for 9.999999747378752e-06 in f32.

    What is no float of four or two bytes stays as it is.
    """
    form, least = SHORTER.get(dtype, ("", 0))
    for digits in range(least, least + 4) if form and isinstance(number, float) and isfinite(number) else ():
        shorter = float(f"{number:.{digits}g}")
        with suppress(OverflowError):
            if pack(form, shorter) == pack(form, number):
                return shorter
    return number


SHORTER = {"f32": ("<f", 6), "f16": ("<e", 3)}
"""How floats are packed, and the digits that every one of them keeps."""


def numpy_type(dtype: str) -> str:
    """How NumPy holds an element type; bfloat16 as float32."""
    return "<f4" if dtype == "bf16" else ELEMENT_TYPES[dtype].stored


def as_bytes(array: Array, dtype: str) -> bytes:
    """The elements as a file has them."""
    import numpy as np

    if dtype != "bf16":
        return np.ascontiguousarray(array, numpy_type(dtype)).tobytes()
    bits = np.ascontiguousarray(array, "<f4").view("<u4")
    return bytes(((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2").tobytes())


def fixed(item: T) -> T | Known:
    """The tensor as one that is no parameter, whatever it is stored as: a scale, a bound, a table of frequencies."""
    if not isinstance(item, Known) or not item.weight:
        return item
    if fixed not in item.turned:
        item.turned[fixed] = Known(item.dtype, item.shape, load=item.array, fill=item.fill, name=item.name)
    return item.turned[fixed]
