"""The arithmetic of the closed forms: parameters and multiply-accumulates, layer by layer."""

from __future__ import annotations

Count = tuple[int, int]
"""Trainable parameters, multiply-accumulates at batch 1."""


class Sheet:
    """A running sum, with the channels and the side of the (square) map it has come to."""

    def __init__(self, channels: int, side: int) -> None:
        self.c, self.side, self.sum = channels, side, [0, 0]

    def conv(self, out: int, k: int | tuple[int, int], stride: int = 1, pad: int | None = None, *, groups: int = 1,
             bias: bool = False, bn: bool = True, total_pad: int | None = None) -> Sheet:  # fmt: skip
        """``pad`` keeps the size if not given. A kernel that is not square has odd sides, stride 1 and that padding."""
        height, width = k if isinstance(k, tuple) else (k, k)
        if height == width:
            total = total_pad if total_pad is not None else 2 * (height // 2 if pad is None else pad)
            self.side = (self.side + total - height) // stride + 1
        weights = out * (self.c // groups) * height * width
        self.sum[0] += weights + (out if bias else 0) + (2 * out if bn else 0)
        self.sum[1] += weights * self.side**2
        self.c = out
        return self

    def biased(self, out: int, k: int, stride: int = 1, pad: int | None = None, **more: int) -> Sheet:
        """A convolution with bias and without normalisation."""
        return self.conv(out, k, stride, pad, bias=True, bn=False, **more)

    def pool(self, k: int, stride: int, pad: int = 0, *, ceil: bool = False) -> Sheet:
        span = self.side + 2 * pad - k
        self.side = (-(-span // stride) if ceil else span // stride) + 1
        return self

    def linear(self, out: int, inputs: int | None = None) -> Sheet:
        inputs = inputs or self.c
        self.sum[0] += inputs * out + out
        self.sum[1] += inputs * out
        self.c = out
        return self

    def at(self, channels: int, side: int) -> Sheet:
        """Another map, counted in the same sum."""
        other = Sheet(channels, side)
        other.sum = self.sum
        return other

    def branch(self) -> Sheet:
        """A branch that starts here: counted in the same sum, while this map stays as it is."""
        return self.at(self.c, self.side)

    @property
    def count(self) -> Count:
        return self.sum[0], self.sum[1]
