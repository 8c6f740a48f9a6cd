"""Sliding windows, which convolutions and poolings share: their base, padding rules and output sizes."""

from __future__ import annotations

from fractions import Fraction
from math import gcd
from typing import TYPE_CHECKING

from archdsl.diagnostics import Refusal
from archdsl.dim_order import at_least
from archdsl.dims import Dim, ceildiv, floordiv
from archdsl.ops.base import Op
from archdsl.ops.look import MAX_PHASES, AxisWindow
from archdsl.shapes import TensorType

Pad = str | int | tuple[int, ...]
Pads = tuple[tuple[int, int], ...]


def per_axis(value: int | tuple[int, ...], rank: int, what: str) -> tuple[int, ...]:
    """One integer for each spatial axis."""
    if isinstance(value, int):
        return (value,) * rank
    if len(value) != rank:
        raise Refusal("E0205", f"{what} has {len(value)} entries for {rank} spatial axes")
    return value


def spatial(type: TensorType, name: str) -> tuple[Dim, ...]:
    """The sizes of the spatial axes of an N, C, spatial… tensor; refuses lower ranks."""
    if type.rank < 3:
        raise Refusal(
            "E0301", f"`{name}` needs a tensor [N, C, spatial…], not {type}",
            help="`reshape` or `unsqueeze` it first; `linear` takes [N, F]",
        )  # fmt: skip
    return type.shape[2:]


def explicit_pads(pad: Pad, kernel: tuple[int, ...], dilation: tuple[int, ...]) -> Pads | None:
    """Begin and end padding of each axis; ``None`` where it depends on the size (``same_upper``, ``same_lower``)."""
    rank = len(kernel)
    if pad == "valid":
        return ((0, 0),) * rank
    if pad == "same":
        for k in kernel:
            if k % 2 == 0:
                raise Refusal(
                    "E0206", f"`pad = same` needs an odd kernel, not {k}",
                    help="use `pad = same_upper`, `pad = valid` or a number",
                )  # fmt: skip
        return tuple((d * (k - 1) // 2,) * 2 for k, d in zip(kernel, dilation))
    if isinstance(pad, str):
        return None
    if isinstance(pad, int):
        return ((pad, pad),) * rank
    if len(pad) == rank:
        return tuple((p, p) for p in pad)
    if len(pad) == 2 * rank:
        return tuple(zip(pad[:rank], pad[rank:]))
    raise Refusal("E0205", f"`pad` has {len(pad)} entries; {rank} spatial axes take 1, {rank} or {2 * rank}")


def data_dependent_pads(upper: bool, size: int, kernel: int, stride: int, dilation: int) -> tuple[int, int]:
    """TensorFlow's SAME: just enough for ``ceil(size / stride)`` outputs; the odd one at the end if ``upper``."""
    total = max((-(-size // stride) - 1) * stride + dilation * (kernel - 1) + 1 - size, 0)
    small, large = total // 2, total - total // 2
    return (small, large) if upper else (large, small)


def output_size(
    size: Dim, kernel: int, stride: int, dilation: int, pads: tuple[int, int] | None, *, ceil: bool = False
) -> Dim:
    """Positions of a window on an axis of ``size``; ``pads`` is ``None`` for TensorFlow's SAME.

    With ``ceil`` (PyTorch's ceil mode) the last window starts inside the input or its left padding.
    """
    if pads is None:
        return ceildiv(size, stride)
    begin, end = pads
    reach = dilation * (kernel - 1) + 1
    padded = size + begin + end
    if ceil:
        # The two limits differ by a constant, so that their minimum is known even for symbolic sizes.
        positions = floordiv(size + min(begin + end - reach + 2 * stride - 1, begin + stride - 1), stride)
    else:
        positions = floordiv(padded - reach, stride) + 1
    if at_least(positions, 1) is False:
        raise Refusal(
            "E0302", f"a window of {reach} does not fit into {padded} positions",
            note=f"size {size}, padding {begin} + {end}" if begin or end else "",
        )  # fmt: skip
    return positions


def resolve_pads(
    pad: Pad, type: TensorType, kernel: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...]
) -> Pads | None:
    """Begin and end padding of each spatial axis of ``type``; ``None`` while it depends on a symbolic size."""
    fixed = explicit_pads(pad, kernel, dilation)
    sizes = [size for size in type.shape[2:] if isinstance(size, int)]
    if fixed is not None or len(sizes) != len(kernel):
        return fixed
    upper = pad == "same_upper"
    return tuple(data_dependent_pads(upper, n, k, s, d) for n, k, s, d in zip(sizes, kernel, stride, dilation))


def sliding(axis: int, kernel: int, stride: int, dilation: int, begin: int) -> AxisWindow:
    """The receptive-field rule of a window on one axis."""
    extent = (kernel - 1) * dilation
    return AxisWindow(axis, extent, stride, Fraction(extent, 2) - begin, dilation)


def unslid(axis: int, kernel: int, stride: int, dilation: int, pads: tuple[int, int]) -> AxisWindow:
    """The receptive-field rule of a transposed window, which trims ``pads``: output y meets input x where
    y = stride * x - begin + dilation * tap, so x lies in an interval whose ends are fractions.
    """
    begin, extent = pads[0], Fraction((kernel - 1) * dilation, stride)
    window = AxisWindow(axis, extent, Fraction(1, stride), Fraction(begin, stride) - extent / 2)
    if dilation == 1 or stride > MAX_PHASES:
        return window
    # Only every (stride / common)-th tap meets an input, and the inputs it meets lie dilation / common apart.
    common = gcd(dilation, stride)
    apart = stride // common
    phases: list[tuple[int, int] | None] = []
    for y in range(begin, begin + stride):
        tap = y // common * pow(dilation // common, -1, apart) % apart
        last = tap + (kernel - 1 - tap) // apart * apart
        meets = y % common == 0 and tap < kernel
        phases.append(((y - dilation * last) // stride, (y - dilation * tap) // stride) if meets else None)
    return window.replace(spacing=dilation // common, phases=tuple(phases))


class Windowed(Op):
    """Base of what slides a window over the spatial axes of [N, C, spatial…].

    Its subclasses declare the fields ``kernel``, ``stride`` (``None``: the kernel) and ``pad``, each in its own order.
    """

    pools_maps = True

    if TYPE_CHECKING:
        kernel: int | tuple[int, ...]
        stride: int | tuple[int, ...] | None
        pad: Pad

    def validate(self) -> None:
        if self.pad == "same":
            kernel = (self.kernel,) if isinstance(self.kernel, int) else self.kernel
            explicit_pads("same", kernel, (1,) * len(kernel))

    def dilations(self, rank: int) -> tuple[int, ...]:
        """The distance between the taps on each of ``rank`` spatial axes."""
        return (1,) * rank

    def geometry(self, type: TensorType) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
        """Kernel, stride and dilation with one entry per spatial axis."""
        rank = len(spatial(type, self.name))
        kernel = per_axis(self.kernel, rank, "`kernel`")
        stride = kernel if self.stride is None else per_axis(self.stride, rank, "`stride`")
        return kernel, stride, self.dilations(rank)

    def pads(self, type: TensorType) -> Pads | None:
        """Begin and end padding per axis; ``None`` while it depends on a symbolic size."""
        return resolve_pads(self.pad, type, *self.geometry(type))

    def slides(self, type: TensorType) -> list[AxisWindow]:
        """The receptive-field rule of each spatial axis. TensorFlow's SAME with a stride shifts by what a symbolic size
        leaves over; without one it does not depend on the size.
        """
        pads = self.pads(type)
        found = []
        for i, (n, k, s, d) in enumerate(zip(type.shape[2:], *self.geometry(type))):
            if pads is not None:
                found.append(sliding(i + 2, k, s, d, pads[i][0]))
            elif isinstance(n, int) or s == 1:
                upper, size = self.pad == "same_upper", n if isinstance(n, int) else 1
                found.append(sliding(i + 2, k, s, d, data_dependent_pads(upper, size, k, s, d)[0]))
            else:
                found.append(sliding(i + 2, k, s, d, 0).replace(drift=(self.pad, n, k, s, d)))
        return found
