"""How parameters begin."""

from __future__ import annotations

from math import sqrt

from archdsl.dims import Dim
from archdsl.ops.estimates import Moments
from archdsl.record import Record


class Initializer(Record):
    """How a parameter begins.

    ``scheme``: ``fan`` (the scheme chosen at compile time, scaled by ``fan_in``/``fan_out``), ``zeros``, ``ones``,
    ``constant`` (``values[0]``), ``uniform`` (``values`` = low, high), ``normal`` (``values`` = mean, deviation) or
    ``data`` (``values`` are the elements in row-major order).
    """

    scheme: str
    values: tuple[float, ...] = ()
    fan_in: int = 0
    fan_out: int = 0

    def distribution(self, scheme: str) -> tuple[str, float, float]:
        """``uniform`` with centre and half width, ``normal`` with mean and deviation, ``fill`` with a value; ``data``.

        ``scheme`` (``kaiming``, ``xavier_normal``, …) is that of the weights that are scaled by their fans.
        """
        match self.scheme:
            case "fan" if scheme == "zeros":
                return "fill", 0.0, 0.0
            case "fan":
                deviation = sqrt(self._variance(scheme.removesuffix("_normal")))
                if scheme.endswith("_normal"):
                    return "normal", 0.0, deviation
                return "uniform", 0.0, deviation * sqrt(3)
            case "zeros":
                return "fill", 0.0, 0.0
            case "ones":
                return "fill", 1.0, 0.0
            case "constant":
                return "fill", self.values[0], 0.0
            case "uniform":
                low, high = self.values
                return "uniform", low / 2 + high / 2, high / 2 - low / 2
            case "normal":
                mean, deviation = self.values
                return "normal", mean, deviation
            case "data":
                return "data", 0.0, 0.0
        raise ValueError(f"unknown initialiser {self.scheme!r}")

    def _variance(self, scheme: str) -> float:
        if scheme == "xavier":
            return 2 / max(self.fan_in + self.fan_out, 1)
        return (2 if scheme == "kaiming" else 1) / max(self.fan_in, 1)

    def moments(self, scheme: str) -> Moments:
        """Mean and variance of the elements that it gives."""
        kind, centre, spread = self.distribution(scheme)
        if kind == "data":
            mean = sum(self.values) / max(len(self.values), 1)
            return mean, sum((value - mean) ** 2 for value in self.values) / max(len(self.values), 1)
        return centre, spread * spread / 3 if kind == "uniform" else spread * spread


ZEROS = Initializer("zeros")
ONES = Initializer("ones")


def filled(value: float) -> Initializer:
    """The same number everywhere."""
    return Initializer("constant", (value,))


def fan(fan_in: Dim, fan_out: Dim) -> Initializer:
    """Scaled by the number of inputs and outputs of one unit."""
    assert isinstance(fan_in, int) and isinstance(fan_out, int)
    return Initializer("fan", fan_in=fan_in, fan_out=fan_out)
