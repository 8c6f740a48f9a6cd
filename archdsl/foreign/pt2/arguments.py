"""The arguments of one call, and what its rule makes nodes with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from archdsl.diagnostics import Refusal
from archdsl.dims import Dim
from archdsl.foreign.known import Known
from archdsl.foreign.pt2.memory import Memory, Tensor
from archdsl.foreign.pt2.program import Body, Call, Ref, Unread
from archdsl.foreign.pt2.scopes import Scopes
from archdsl.graph import Value
from archdsl.ops.base import Op
from archdsl.shapes import TensorType

Results = Tensor | Sequence[Tensor | None] | None
"""What a call gives; ``None``: no operator of ours says it with these arguments."""
Rule = Callable[["Args"], Results]
RULES: dict[str, Rule] = {}
"""Operator without its overload -> how it is said with ours."""


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Register a rule for these operators."""

    def register(made: Rule) -> Rule:
        RULES.update(dict.fromkeys(names, made))
        return made

    return register


class Args:
    """The arguments of one call, for its rule, and what the rule makes nodes with."""

    def __init__(self, memory: Memory, scopes: Scopes, body: Body, call: Call) -> None:
        self.memory = memory
        self.scopes = scopes
        self.body = body
        self.call = call

    # arguments

    def get(self, name: str, default: Any = None) -> Any:
        """An argument that is no tensor. Refuses (E1003) one that is computed while the model runs."""
        found = self.call.arguments.get(name, default)
        if isinstance(found, Unread | Ref):
            raise Refusal("E1003", f"`{name}` of `{self.call.target}` is computed while the model runs")
        return found

    def tensor(self, name: str) -> Tensor | None:
        """An argument that is a tensor; ``None`` where it is left out."""
        found = self.call.arguments.get(name)
        return self.memory.tensor(found) if isinstance(found, Ref) else None

    def known(self, name: str) -> Known | None:
        """A tensor of the file, or one that is known."""
        found = self.tensor(name)
        return found if isinstance(found, Known) else None

    def value(self, name: str = "self", dtype: str | None = None) -> Value:
        """An argument as a value; a number becomes a constant of the element type ``dtype``."""
        found = self.tensor(name)
        if found is not None:
            return self.materialised(found)
        number = self.get(name)
        if not isinstance(number, bool | int | float):
            raise Refusal("E1001", f"`{name}` of `{self.call.target}` is missing")
        return self.number(number, dtype or "f32")

    def values(self, name: str) -> list[Value]:
        """A list of tensors as values."""
        return [self.materialised(self.memory.tensor(one)) for one in self.call.arguments.get(name) or ()]

    def tensors(self) -> list[Tensor]:
        """All arguments that are tensors, those in lists included."""
        return [self.memory.tensor(one) for one in self.call.refs()]

    @property
    def declared(self) -> TensorType:
        """The type that the file says of the first result."""
        name = self.call.outputs[0]
        found = self.body.declared(name) if name else None
        if found is None:
            raise Refusal("E1003", f"the type of what `{self.call.target}` gives is not known")
        return found

    def used(self, number: int) -> bool:
        """Whether something uses a result."""
        return any(name in self.scopes.used for name in self.call.outputs[number : number + 1])

    # nodes

    def path(self, base: str, part: str = "") -> str:
        """The path of a node that is made for the call."""
        return self.scopes.path(self.call, base, part)

    def materialised(self, tensor: Tensor) -> Value:
        """A tensor as a value: weights that no layer owns become parameters of their own."""
        if isinstance(tensor, Value):
            return tensor
        return self.memory.importer.value(tensor, tensor.name or self.path("constant", "constant"))

    def apply(
        self, op: str | Op, inputs: Sequence[Value], *, part: str = "", base: str = "", **arguments: Any
    ) -> tuple[Value, ...]:
        """Nodes for an operator; ``part`` tells those of one call apart that are not its result."""
        weights = arguments.pop("weights", None)
        name = base or (op if isinstance(op, str) else op.name)
        return self.memory.importer.apply(op, inputs, self.path(name, part), weights, **arguments)

    def one(self, op: str, *inputs: Value, part: str = "", **arguments: Any) -> Value:
        """As :meth:`apply`, of an operator with one result."""
        return self.apply(op, inputs, part=part, **arguments)[0]

    def number(self, value: float, dtype: str) -> Value:
        """A number as a constant."""
        return self.one("constant", part="constant", values=value, dtype=dtype)

    def cast(self, value: Value, dtype: str) -> Value:
        """A value with another element type."""
        return value if value.type.dtype == dtype else self.one("cast", value, part="cast", dtype=dtype)

    def shaped(self, value: Value, shape: Sequence[Dim], part: str = "") -> Value:
        """A value with its elements in another shape."""
        return value if value.type.shape == tuple(shape) else self.one("reshape", value, part=part, to=list(shape))

    def axis(self, name: str = "dim", default: Any = None, rank: int | None = None) -> int:
        """An axis, counted from 0."""
        found = self.get(name, default)
        if type(found) is not int:
            raise Refusal("E1001", f"`{name}` of `{self.call.target}` is no axis")
        return found + (rank if rank is not None else self.value().type.rank) if found < 0 else found

    def axes(self, name: str = "dim", rank: int | None = None) -> list[int]:
        """Several axes, counted from 0; all of them where none is given."""
        rank = rank if rank is not None else self.value().type.rank
        found = self.get(name)
        listed = list(range(rank)) if found is None or found == () else [found] if isinstance(found, int) else found
        return [one % rank if rank else 0 for one in listed]
