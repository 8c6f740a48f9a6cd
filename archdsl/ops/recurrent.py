"""Recurrent layers over [N, T, F]: Elman's, gated recurrent units, long short-term memory.

A step of a direction with d units is G products of the input and G of the last state with matrices of d rows: G = 1
(``rnn``), 3 (``gru``) or 4 (``lstm``). Parameters have the names, the layout and the order of gates of PyTorch's
one-layer modules; what these lack has names of the same form.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf, sqrt
from typing import ClassVar

from archdsl.diagnostics import Refusal
from archdsl.dims import Dim
from archdsl.element_types import FLOATS
from archdsl.ops.base import Ends, Initializer, Op, Types, Weight, Work, arg
from archdsl.ops.estimates import EVERYTHING, Interval, Moments
from archdsl.ops.kinds import Boolean, Choice, Integer, Operand, Optional
from archdsl.ops.look import AxisWindow, OneWindow, Window
from archdsl.ops.operand_checks import need_dtype, need_equal, need_rank, static_size, times
from archdsl.shapes import TensorType


class Recurrent(Op):
    """What the layers have in common: directions, biases, states, lengths."""

    role = "layer"
    feature_axis = -1
    results = -1
    sized_elsewhere = "first"

    gates: ClassVar[int]

    features: int
    both: bool
    reverse: bool
    bias: str
    final: bool
    start: int | None
    lengths: int | None

    def validate(self) -> None:
        if self.both and self.reverse:
            raise Refusal(
                "E0205", f"`both` of `{self.name}` has the reverse direction already",
                help="`reverse = true` is the one from the end alone",
            )  # fmt: skip

    @property
    def directions(self) -> tuple[str, ...]:
        """What the names of the parameters of each direction end with; of one alone nothing, whichever it is."""
        return ("", "_reverse") if self.both else ("",)

    @property
    def width(self) -> int:
        """The features that a direction gives."""
        return self.features

    @property
    def state_widths(self) -> tuple[int, ...]:
        """The features of each tensor of a state, for one direction."""
        return (self.width,)

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        x = ins[0]
        need_dtype(self.name, x, FLOATS)
        need_rank(self.name, x, 3, "[N, T, F]")
        static_size(x, -1, "the last axis")
        count = len(self.directions)
        given = self.operand("start", ins)
        states = [x.with_shape([x.shape[0], count * width]) for width in self.state_widths]
        if given and len(given) != len(states):
            wanted = "one tensor" if len(states) == 1 else "two tensors, `(h, c)`"
            raise Refusal("E0310", f"`start` of `{self.name}` is {wanted}, not {len(given)}")
        for one, state in zip(given, states):
            self._need_state(one, state)
        for lengths in self.operand("lengths", ins):
            self._need_lengths(lengths, x)
        outputs = x.with_shape([*x.shape[:2], count * self.width])
        return (outputs, *states) if self.final else (outputs,)

    def misread(self, ins: Types) -> tuple[str, str] | None:
        if str(ins[0].shape[1]) != "N":
            return None
        message = f"the steps of `{self.name}` are those of the second axis, and in {ins[0]} that is `N`, the batch"
        return message, "sequences are [N, T, F], the batch first: leave out what exchanges the axes"

    def _need_state(self, given: TensorType, wanted: TensorType) -> None:
        if given.dtype != wanted.dtype or given.rank != 2:
            raise Refusal(
                "E0303" if given.dtype == wanted.dtype else "E0309",
                f"a state at the start of `{self.name}` must be {wanted}, not {given}",
                help="the two directions lie side by side on the last axis" if self.both else "",
            )  # fmt: skip
        for i, what in enumerate(("sequences of the state and of the input", "features of the state")):
            need_equal(f"the {what}", given.shape[i], wanted.shape[i], (given, wanted))

    def _need_lengths(self, given: TensorType, x: TensorType) -> None:
        if given.dtype not in ("i64", "i32") or given.rank != 1:
            raise Refusal(
                "E0309",
                f"`lengths` of `{self.name}` must be i64[{x.shape[0]}], a number for each sequence, not {given}",
            )
        need_equal("the number of `lengths` and of sequences", given.shape[0], x.shape[0], (given, x))

    def weights(self, *ins: TensorType) -> tuple[Weight, ...]:
        found = []
        for direction in self.directions:
            found += [
                Weight(f"{slot}_l0{direction}", shape, self._initial(slot))
                for slot, shape in self._slots(ins[0]).items()
            ]
        return tuple(found)

    def _initial(self, slot: str) -> Initializer:
        """As PyTorch: all uniform, scaled by the number of units."""
        bound = 1 / sqrt(self.features)
        return Initializer("uniform", (-bound, bound))

    def _slots(self, x: TensorType) -> dict[str, tuple[int, ...]]:
        """The parameters of a direction."""
        rows, inputs = self.gates * self.features, static_size(x, -1, "the last axis")
        slots: dict[str, tuple[int, ...]] = {"weight_ih": (rows, inputs), "weight_hh": (rows, self.width)}
        if self.bias != "none":
            slots["bias_ih"] = (rows,)
        if self.bias == "two":
            slots["bias_hh"] = (rows,)
        return slots

    def integers(self, ins: Types, outs: Types, asked: Ends | None, entering: Sequence[Interval]) -> Mapping[int, Ends]:
        return dict.fromkeys(self.operand("lengths", range(len(ins))), (1, ins[0].shape[1]))

    def work(self, ins: Types, outs: Types) -> Work:
        x = ins[0]
        rows = self.gates * self.features
        inside = self._inside()
        biases = {"two": 2, "one": 1, "none": 0}[self.bias]
        one = Work(
            mac=rows * (x.shape[-1] + self.width) + inside.mac,
            add=rows * (1 + biases) + inside.add,
            mul=inside.mul,
            cmp=inside.cmp,
            special=inside.special,
        )
        steps: Dim = x.shape[0] * x.shape[1]
        return times(one, steps * len(self.directions))

    def _inside(self) -> Work:
        """The work of one step of one sequence besides the products with the input and the state, and their sum."""
        raise NotImplementedError

    def channel_layout(self, weight: Sequence[int]) -> None:
        return None  # no result is one sum of products

    def window(self, ins: Types, outs: Types) -> Window:
        return self.looks(ins, outs, 0, 0)

    def looks(self, ins: Types, outs: Types, source: int, result: int) -> Window:
        batch: OneWindow = AxisWindow(0)
        return (batch, *(None,) * (outs[result].rank - 1))

    def moments(self, entering: Sequence[Moments], ins: Types, outs: Types) -> Moments:
        """As if the inputs of a sequence were independent, at the initial weights."""
        mean, variance = entering[0]
        part = 1 / (3 * self.features)  # the variance of each weight and bias
        biases = {"two": 2, "one": 1, "none": 0}[self.bias] * part
        driven = static_size(ins[0], -1, "the last axis") * (variance + mean * mean) * part + biases
        return 0.0, self._variance(driven)

    def _variance(self, driven: float) -> float:
        """The variance of the outputs, where the input and the biases alone give each gate ``driven``."""
        raise NotImplementedError


def _squashed(variance: float) -> float:
    """About the variance of the hyperbolic tangent of something."""
    return variance / (1 + variance)


class Rnn(Recurrent):
    """Elman's recurrent layer: h_t = f(W x_t + b + U h_{t-1} + c), [N, T, F] -> [N, T, features].

    ``both`` puts the outputs of a second layer, which reads from the end, behind those of the first. ``lengths`` are
    the steps of each sequence, at least 1: what is behind them is not read, and 0 among the outputs. With ``final``
    the results are the outputs and the state after the last step of each sequence: [N, features].
    MACs: N * T * features * (F + features), for each direction.
    """

    name = "rnn"
    sources = "ONNX RNN; torch.nn.RNN; Elman 1990"
    elsewhere = ("elman", "simple_rnn", "vanilla_rnn")
    examples = (
        "rnn[8] : f32[N,T,5] -> f32[N,T,8]",
        "rnn[4, relu] : f32[2,3,5] -> f32[2,3,4]",
        "rnn[4, both=true, bias=one, final=true] : f32[2,T,5] -> f32[2,T,8], f32[2,8]",
        "rnn[4, lengths=1, reverse=true, bias=none] : f32[N,T,5], i64[N] -> f32[N,T,4]",
        "rnn[4, lengths=1, start=1, final=true] : f32[N,3,5], f32[N,4], i32[N] -> f32[N,3,4], f32[N,4]",
    )
    gates = 1

    features: int = arg(Integer(1), doc="units: output features of each direction")
    activation: str = arg(Choice(("tanh", "relu")), "tanh", doc="f")
    both: bool = arg(Boolean(), False, doc="a second layer that reads from the end, its outputs behind the first's")
    reverse: bool = arg(Boolean(), False, doc="read from the end")
    bias: str = arg(Choice(("two", "one", "none")), "two", doc="`two` as PyTorch; `one`, with the input's product")
    final: bool = arg(Boolean(), False, doc="give the last state as well")
    start: int | None = arg(Operand(), None, doc="the state before the first step; zeros if none")
    lengths: int | None = arg(Operand(), None, doc="the steps of each sequence, i64[N]; all if none")

    def _inside(self) -> Work:
        return times(Work(special=1) if self.activation == "tanh" else Work(cmp=1), self.features)

    def range(self, entering: Sequence[Interval]) -> Interval:
        low, high = (-1.0, 1.0) if self.activation == "tanh" else (0.0, inf)
        return low, high

    def _variance(self, driven: float) -> float:
        return _squashed(1.5 * driven) if self.activation == "tanh" else 0.5 * driven


class Gru(Recurrent):
    """A layer of gated recurrent units (arXiv:1406.1078): [N, T, F] -> [N, T, features].

    r and z are sigmoids of W x_t + b + U h_{t-1} + c, n_t = tanh(W x_t + b + r * (U h_{t-1} + c)), and
    h_t = (1 - z) * n_t + z * h_{t-1}. With ``reset = before``, as in the paper, n_t = tanh(W x_t + b +
    U (r * h_{t-1}) + c). The rows of a weight are those of r, z and n. ``both``, ``lengths`` and ``final`` as for
    ``rnn``. MACs: N * T * 3 * features * (F + features), for each direction.
    """

    name = "gru"
    sources = "ONNX GRU; torch.nn.GRU; arXiv:1406.1078"
    elsewhere = ("gated_recurrent_unit",)
    examples = (
        "gru[8] : f32[N,T,5] -> f32[N,T,8]",
        "gru[4, reset=before, bias=one] : f32[2,3,5] -> f32[2,3,4]",
        "gru[4, both=true, final=true] : f32[2,T,5] -> f32[2,T,8], f32[2,8]",
        "gru[4, lengths=1, reverse=true, bias=none] : f32[N,T,5], i64[N] -> f32[N,T,4]",
        "gru[4, lengths=1, both=true, reset=before, start=1, final=true] : f32[N,3,5], f32[N,8], i32[N]"
        " -> f32[N,3,8], f32[N,8]",
    )
    gates = 3

    features: int = arg(Integer(1), doc="units: output features of each direction")
    reset: str = arg(Choice(("after", "before")), "after", doc="of the product with the state, or before it")
    both: bool = arg(Boolean(), False, doc="a second layer that reads from the end, its outputs behind the first's")
    reverse: bool = arg(Boolean(), False, doc="read from the end")
    bias: str = arg(Choice(("two", "one", "none")), "two", doc="`two` as PyTorch; `one`, with the input's product")
    final: bool = arg(Boolean(), False, doc="give the last state as well")
    start: int | None = arg(Operand(), None, doc="the state before the first step; zeros if none")
    lengths: int | None = arg(Operand(), None, doc="the steps of each sequence, i64[N]; all if none")

    def _inside(self) -> Work:
        # Two sigmoids (1 add, 2 special each), tanh, r * …, (1 - z) * n + z * h.
        return times(Work(add=4, mul=3, special=5), self.features)

    def range(self, entering: Sequence[Interval]) -> Interval:
        if self.start is None:
            return -1.0, 1.0
        low, high = entering[1]
        return min(-1.0, low), max(1.0, high)

    def _variance(self, driven: float) -> float:
        return _squashed(driven) / 3


class Lstm(Recurrent):
    """A layer of long short-term memory with forget gates: [N, T, F] -> [N, T, features].

    i, f, g, o are W x_t + b + U h_{t-1} + c, of which i, f and o go through sigmoids and g through tanh;
    c_t = f * c_{t-1} + i * g and h_t = o * tanh(c_t). With ``peephole`` (weights p) i and f see p * c_{t-1}, and o
    sees p * c_t (Gers 2000). With ``projection`` (arXiv:1402.1128) h_t is multiplied by a matrix with so many rows. The
    rows of a weight are those of i, f, g, o; of peepholes i, f, o. ``both``, ``lengths`` and ``final`` as for
    ``rnn``; the state is (h, c). MACs: N * T * 4 * features * (F + features), for each direction.
    """

    name = "lstm"
    sources = "ONNX LSTM; torch.nn.LSTM; Hochreiter 1997"
    elsewhere = ("long_short_term_memory",)
    examples = (
        "lstm[8] : f32[N,T,5] -> f32[N,T,8]",
        "lstm[4, peephole=true, bias=one] : f32[2,3,5] -> f32[2,3,4]",
        "lstm[4, both=true, final=true] : f32[2,T,5] -> f32[2,T,8], f32[2,8], f32[2,8]",
        "lstm[4, lengths=1, reverse=true, bias=none] : f32[N,T,5], i64[N] -> f32[N,T,4]",
        "lstm[4, projection=3, final=true] : f32[N,T,5] -> f32[N,T,3], f32[N,3], f32[N,4]",
        "lstm[4, lengths=1, both=true, peephole=true, start=2, final=true] : f32[N,3,5], f32[N,8], f32[N,8], i32[N]"
        " -> f32[N,3,8], f32[N,8], f32[N,8]",
    )
    gates = 4

    features: int = arg(Integer(1), doc="units: output features of each direction")
    both: bool = arg(Boolean(), False, doc="a second layer that reads from the end, its outputs behind the first's")
    reverse: bool = arg(Boolean(), False, doc="read from the end")
    bias: str = arg(Choice(("two", "one", "none")), "two", doc="`two` as PyTorch; `one`, with the input's product")
    peephole: bool = arg(Boolean(), False, doc="the gates see the cell, each unit its own")
    projection: int | None = arg(Optional(Integer(1)), None, doc="output features of each direction, if not the units")
    final: bool = arg(Boolean(), False, doc="give the last state as well: outputs, h, c")
    start: int | None = arg(Operand(2), None, doc="the state before the first step, `(h, c)`; zeros if none")
    lengths: int | None = arg(Operand(), None, doc="the steps of each sequence, i64[N]; all if none")

    def validate(self) -> None:
        super().validate()
        if self.projection is not None and self.projection >= self.features:
            raise Refusal(
                "E0205", f"`projection` of `lstm` must be below the {self.features} units, not {self.projection}"
            )

    @property
    def width(self) -> int:
        return self.projection or self.features

    @property
    def state_widths(self) -> tuple[int, ...]:
        return self.width, self.features

    def _slots(self, x: TensorType) -> dict[str, tuple[int, ...]]:
        slots = super()._slots(x)
        if self.projection:
            slots["weight_hr"] = (self.projection, self.features)
        if self.peephole:
            slots["weight_ch"] = (3 * self.features,)
        return slots

    def _inside(self) -> Work:
        # Three sigmoids (1 add, 2 special each), two tanh, f * c + i * g, o * tanh(c); three peepholes.
        seen = 3 if self.peephole else 0
        one = times(Work(add=4 + seen, mul=3 + seen, special=8), self.features)
        return one.replace(mac=self.features * self.projection) if self.projection else one

    def range(self, entering: Sequence[Interval]) -> Interval:
        return EVERYTHING if self.final or self.projection else (-1.0, 1.0)

    def _variance(self, driven: float) -> float:
        cell = _squashed(driven) / 3
        output = _squashed(cell) / 4
        return output / 3 if self.projection else output
