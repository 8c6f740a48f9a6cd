"""Recurrent layers in forms that ours have not, step by step: other activations, clipped ones, coupled gates.

The equations are those of ONNX's LSTM, GRU and RNN. What depends on the sequence alone is computed at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from archdsl.foreign.known import Known, fixed
from archdsl.foreign.onnx.call import Call, Item
from archdsl.foreign.onnx.families.control import looped
from archdsl.graph import Value

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
PLAIN = {"relu": "relu", "tanh": "tanh", "sigmoid": "sigmoid", "softsign": "softsign", "softplus": "softplus"}
WITH_ALPHA = {"leakyrelu": 0.01, "elu": 1.0, "hardsigmoid": 0.2}
"""Activations that take a number from ``activation_alpha`` -> what it is where none is given."""


class Steps:
    """One direction of a layer."""

    def __init__(
        self, call: Call, slots: Mapping[str, Known], features: int, functions: Sequence[tuple[str, float, float]]
    ) -> None:
        self.call, self.slots, self.features, self.functions = call, slots, features, functions
        self.clip = call.attr("clip")

    def run(self, x: Value, starts: Sequence[Value], *, reverse: bool) -> list[Value]:
        """The states after the last step, [N, H] each, and the outputs of all steps, [T, N, H]."""
        driven = self.linear(x, "w", GATES[self.call.node.op])
        kinds: dict[str, Callable[..., list[Item]]] = {"LSTM": self.lstm, "GRU": self.gru, "RNN": self.rnn}
        step = kinds[self.call.node.op]
        return looped(self.call, [driven], [0], starts, lambda held, slices: step(slices[0], *held), reverse=reverse)

    def linear(self, x: Value, name: str, gates: int) -> Value:
        """Products with some rows of a matrix, and its bias."""
        weights = {"weight": self.slots[name]}
        if f"{name} bias" in self.slots:
            weights["bias"] = self.slots[f"{name} bias"]
        width = gates * self.features
        return self.call.apply("linear", x, weights=weights, features=width, bias="bias" in weights)

    def parts(self, x: Value, count: int) -> Sequence[Value]:
        return [x] if count == 1 else self.call.apply_all("split", x, parts=count, axis=-1)

    def __call__(self, which: int, x: Value, *, clipped: bool = True) -> Value:
        """An activation. ONNX Runtime clips what enters gates, and no state of a cell."""
        call, (name, alpha, beta) = self.call, self.functions[which]
        if self.clip and clipped:
            x = call.apply("clip", x, low=-self.clip, high=self.clip)
        if name in PLAIN:
            return call.apply(PLAIN[name], x)
        if name == "hardsigmoid":
            return call.apply("hard_sigmoid", x, alpha=alpha, beta=beta)
        return call.apply("leaky_relu", x, slope=alpha) if name == "leakyrelu" else call.apply("elu", x, alpha=alpha)

    def one_less(self, x: Value) -> Value:
        return self.call.apply("sub", self.call.apply("constant", values=1.0, dtype=x.type.dtype), x)

    def lstm(self, driven: Value, h: Value, c: Value) -> list[Item]:
        call = self.call
        i, o, f, g = self.parts(call.apply("add", driven, self.linear(h, "r", 4)), 4)
        seen = [self.call.as_value(self.slots[name], name) for name in ("pi", "po", "pf") if name in self.slots]
        if seen:
            i, f = (call.apply("add", a, call.apply("mul", p, c)) for a, p in ((i, seen[0]), (f, seen[2])))
        i = self(0, i)
        f = self.one_less(i) if call.attr("input_forget", 0) else self(0, f)
        c = call.apply("add", call.apply("mul", f, c), call.apply("mul", i, self(1, g)))
        o = self(0, call.apply("add", o, call.apply("mul", seen[1], c)) if seen else o)
        h = call.apply("mul", o, self(2, c, clipped=False))
        return [h, c, h]

    def gru(self, driven: Value, h: Value) -> list[Item]:
        call = self.call
        z, r, g = self.parts(driven, 3)
        zh, rh = self.parts(self.linear(h, "r", 2), 2)
        z, r = self(0, call.apply("add", z, zh)), self(0, call.apply("add", r, rh))
        if call.attr("linear_before_reset", 0):
            held = call.apply("mul", r, self.linear(h, "r2", 1))
        else:
            held = self.linear(call.apply("mul", r, h), "r2", 1)
        new = call.apply("mul", self.one_less(z), self(1, call.apply("add", g, held)))
        h = call.apply("add", new, call.apply("mul", z, h))
        return [h, h]

    def rnn(self, driven: Value, h: Value) -> list[Item]:
        h = self(0, self.call.apply("add", driven, self.linear(h, "r", 1)))
        return [h, h]


def functions(call: Call, directions: int) -> list[tuple[str, float, float]] | None:
    """The activations with their numbers, those of all directions one behind the other; ``None`` for others."""
    usual = {"LSTM": ("sigmoid", "tanh", "tanh"), "GRU": ("sigmoid", "tanh"), "RNN": ("tanh",)}[call.node.op]
    given = [
        one.decode() if isinstance(one, bytes) else str(one) for one in call.node.attributes.get("activations", [])
    ]
    names = [one.lower() for one in given] or [*usual] * directions
    alphas, betas = iter(call.numbers("activation_alpha") or []), iter(call.numbers("activation_beta") or [])
    found = []
    for name in names:
        alpha = next(alphas, WITH_ALPHA[name]) if name in WITH_ALPHA else 0.0
        found.append((name, float(alpha), float(next(betas, 0.5)) if name == "hardsigmoid" else 0.0))
    known = all(name in PLAIN or name in WITH_ALPHA for name in names)
    return found if known and len(names) == len(usual) * directions else None


def by_steps(call: Call, tensors: Mapping[str, Known], features: int, part: Any) -> list[Item]:
    """Outputs [T, D, N, H] and states [D, N, H]; ``part``: rows of one direction of a stored tensor."""
    kind, direction = call.node.op, call.attr("direction", "forward")
    first, count = bool(call.attr("layout", 0)), 2 if direction == "bidirectional" else 1
    x = call.apply("permute", call.value(0), order=[1, 0, 2]) if first else call.value(0)
    steps, batch, _ = x.type.shape
    named = functions(call, count)
    if named is None or call.given(4) is not None:
        made = x.type.with_shape([batch, steps, count, features] if first else [steps, count, batch, features])
        state = x.type.with_shape([batch, count, features] if first else [count, batch, features])
        call.not_supported("other activations, or clipped ones", made, *[state] * (1 + (kind == "LSTM")))
    found = []
    for i in range(count):
        starts = [_start(call, at, i, [batch, features], x.type.dtype) for at in ((5, 6) if kind == "LSTM" else (5,))]
        own = named[i * len(named) // count : (i + 1) * len(named) // count]
        one = Steps(call, _slots(kind, tensors, i, features, part), features, own)
        found.append(one.run(x, starts, reverse=direction == "reverse" or i == 1))
    outputs = call.apply("stack", *[one[-1] for one in found], axis=1)
    states = [call.apply("stack", *list(one), axis=1 if first else 0) for one in zip(*[one[:-1] for one in found])]
    return [call.apply("permute", outputs, order=[2, 0, 1, 3]) if first else outputs, *states]


def _start(call: Call, at: int, direction: int, shape: list[Any], dtype: str) -> Value:
    """A state at the start, [N, H]; zeros where none is given."""
    item = call.given(at)
    if item is None:
        return call.apply("zeros", size=shape, dtype=dtype)
    axis = 1 if call.attr("layout", 0) else 0
    return call.apply("select", call.as_value(fixed(item), "state"), axis=axis, index=direction)


def _slots(kind: str, tensors: Mapping[str, Known], direction: int, features: int, part: Any) -> dict[str, Known]:
    """The weights of one direction: gates as ONNX has them, those of a GRU's new state apart."""

    def rows(name: str, start: int, gates: int) -> Known:
        found: Known = part(tensors[name], direction, start * features, gates * features, tuple(range(gates)), features)
        return found

    gates = GATES[kind]
    first = 2 if kind == "GRU" else gates
    slots = {"w": rows("W", 0, gates), "r": rows("R", 0, first)}
    if kind == "GRU":
        slots["r2"] = rows("R", 2, 1)
    if "B" in tensors:
        slots |= {"w bias": rows("B", 0, gates), "r bias": rows("B", gates, first)}
        if kind == "GRU":
            slots["r2 bias"] = rows("B", gates + 2, 1)
    if "P" in tensors:
        slots |= {name: rows("P", i, 1) for i, name in enumerate(("pi", "po", "pf"))}
    return slots
