"""``opaque``: an operator of a foreign model that is not known here."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from archdsl.diagnostics import Refusal
from archdsl.ops.base import Empties, Op, T, Types, Work, arg
from archdsl.ops.estimates import EVERYTHING, UNIT, Interval, Moments
from archdsl.ops.kinds import Integer, ListOf
from archdsl.ops.look import Window
from archdsl.ops.operand_checks import need_dtype, need_equal, need_rank, static_size, times
from archdsl.ops.unwritten_kinds import LONGEST, TensorTypes, Text
from archdsl.shapes import TensorType

MOST_VALUES = 1000
"""Numbers of one attribute that are kept: trees of decisions have millions."""


class Opaque(Op):
    """An operator that only its own runtime knows: the types that it gives are given, its arithmetic is not known.

    A node of it stands for a node of a foreign file; importers make it, and no text can. Every total that it enters is
    a lower bound, which holds no budget, and its results may see all of its inputs. ``operator`` is the domain and the
    name, ``com.microsoft::FusedConv``, with ``ai.onnx`` for ONNX's own. Where nothing tells the type of a result, the
    node stands for all ``nodes`` of the file that depend on it, up to results whose types are declared.
    """

    name = "opaque"
    arity: ClassVar[tuple[int, int | None]] = (0, None)
    results = -1
    foreign = True
    sources = "operators of other domains than ONNX's own"

    operator: str = arg(Text(), doc="domain and name: `ai.onnx.ml::Normalizer`")
    gives: tuple[TensorType, ...] = arg(TensorTypes(), doc="the types of its results")
    attributes: tuple[str, ...] = arg(ListOf(Text()), (), doc="`name = value` each, the value as JSON")
    version: int = arg(Integer(1), 1, doc="the version of the domain that the file imports")
    absent: tuple[int, ...] = arg(ListOf(Integer(0)), (), doc="the places among its inputs that are left empty")
    nodes: int = arg(Integer(1), 1, doc="of how many nodes of the file it is made")

    @classmethod
    def of(
        cls, domain: str, kind: str, gives: Sequence[TensorType], attributes: Mapping[str, Any] | None = None,
        *, version: int = 1, absent: Sequence[int] = (), nodes: int = 1,
    ) -> Op:  # fmt: skip
        """The operator with attributes as Python has them: numbers, texts, lists of these.

        Others (tensors, graphs) and long lists are kept by their name alone, and the node cannot be written again.
        """
        told = [f"{name} = {_shown(value)}" for name, value in sorted((attributes or {}).items())]
        operator = f"{domain or 'ai.onnx'}::{kind}"
        return cls.create(
            operator=operator, gives=tuple(gives), attributes=told, version=version, absent=absent, nodes=nodes
        )

    def validate(self) -> None:
        domain, _, kind = self.operator.rpartition("::")
        if not domain or not kind:
            raise Refusal("E0204", f"`operator` of `opaque` is a domain and a name, `a.b::C`, not `{self.operator}`")
        if not self.gives and self.foreign:
            raise Refusal("E0204", "`opaque` gives something: its types are needed")
        if any(" = " not in one for one in self.attributes):
            raise Refusal("E0204", "an attribute of `opaque` is `name = value`")

    @property
    def domain(self) -> str:
        """The set of operators; empty for ONNX's own."""
        domain = self.operator.rpartition("::")[0]
        return "" if domain == "ai.onnx" else domain

    @property
    def kind(self) -> str:
        """The name in its set."""
        return self.operator.rpartition("::")[2]

    @property
    def settings(self) -> dict[str, Any] | None:
        """The attributes; ``None`` where some were left out (:meth:`of`)."""
        found = {}
        for one in self.attributes:
            name, _, value = one.partition(" = ")
            try:
                found[name] = json.loads(value)
            except (json.JSONDecodeError, RecursionError):
                return None
        return found

    def placed(self, ins: Sequence[T]) -> list[T | None]:
        """What enters, each at its place among the inputs of the file's node; ``None`` where a place is empty."""
        found: list[T | None] = list(ins)
        for place in sorted(self.absent):
            found.insert(place, None)
        return found

    def __repr__(self) -> str:
        """As reports show it: ``opaque(ai.onnx.ml::Normalizer, norm = "L2")``."""
        return f"{self.name}({', '.join([self.operator, *self.attributes])})"

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        return self.gives

    def empty_axes(self) -> Empties:
        return "all"

    def work(self, ins: Types, outs: Types) -> Work | None:
        return None

    def range(self, entering: Sequence[Interval]) -> Interval:
        return EVERYTHING

    def moments(self, entering: Sequence[Moments], ins: Types, outs: Types) -> Moments:
        return entering[0] if entering else UNIT

    def window(self, ins: Types, outs: Types) -> Window:
        return (None,) * outs[0].rank

    def looks(self, ins: Types, outs: Types, source: int, result: int) -> Window:
        return (None,) * outs[result].rank


class DynamicQuantizeLSTM(Opaque):
    """ONNX Runtime's LSTM with weights of 8 bits: [T, N, F] -> [T, D, N, H], and the last h and c, [D, N, H] each.

    Its arithmetic is that of :class:`~archdsl.ops.recurrent.Lstm`; that input and state are made integers in each step
    is not counted. Weights are [D, F, 4 H] and [D, H, 4 H].
    """

    name = "dynamic_quantize_lstm"
    foreign = False
    sources = "com.microsoft DynamicQuantizeLSTM (ONNX Runtime)"
    arity = (3, 12)
    results = 3

    gives: tuple[TensorType, ...] = arg(TensorTypes(), (), doc="nothing: they follow")

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        x, weight, state = ins[:3]
        need_dtype(self.name, x, frozenset({"f32"}))
        need_rank(self.name, x, 3, "[T, N, F]")
        for one, inputs in ((weight, x.shape[-1]), (state, state.shape[-2] if state.rank == 3 else 0)):
            need_rank(self.name, one, 3, "[D, F, 4 H]")
            need_equal("the features of what enters and of the weight", one.shape[1], inputs, (one, x))
            need_equal("the gates of the two weights", one.shape[2], state.shape[1] * 4, (weight, state))
        count, units = state.shape[:2]
        (steps, batch), last = x.shape[:2], x.with_shape([count, x.shape[1], units])
        return x.with_shape([steps, count, batch, units]), last, last

    def work(self, ins: Types, outs: Types) -> Work:
        from archdsl.ops.recurrent import Lstm

        x, state = ins[0], ins[2]
        units, bias = static_size(state, 1, "the units"), self.placed(ins)[3:4]
        layer = Lstm(features=units, bias="two" if bias and bias[0] is not None else "none")
        one = layer.work((x.with_shape([x.shape[1], x.shape[0], x.shape[2]]),), outs)
        return times(one, state.shape[0])


_KEPT = "…"
"""In place of a value that is not kept; no JSON."""


def _shown(value: Any) -> str:
    items = value if isinstance(value, list | tuple) else [value]
    short = len(items) <= MOST_VALUES and all(isinstance(one, bool | int | float | str) for one in items)
    finite = short and all(not isinstance(one, float) or math.isfinite(one) for one in items)
    if not finite:
        return _KEPT
    text = json.dumps(list(value) if isinstance(value, tuple) else value)
    return text if len(text) < LONGEST // 2 else _KEPT
