"""Blocks with parameters, as every call sees them."""

from __future__ import annotations

from typing import Any, Self

from archdsl.diagnostics import Refusal
from archdsl.interpret.env import Env
from archdsl.interpret.values import BlockValue
from archdsl.modules.words import CHOICE_WORDS
from archdsl.ops.kinds import Kind, Like
from archdsl.shapes import AXES
from archdsl.source import Span
from archdsl.tape.poison import POISON


class Formal:
    """One parameter of a block: its name, what it takes (``None``: any value but a tensor), and whether it must be
    given. What its kind says of it is kept beside it, because every argument of every call asks.
    """

    __slots__ = (
        "accepted",
        "body",
        "by_name",
        "choices",
        "kind",
        "like",
        "name",
        "required",
        "takes_blocks",
        "takes_tensors",
        "takes_values",
    )

    def __init__(self, name: str, kind: Kind | None, required: bool) -> None:
        self.name = name
        self.kind = kind
        self.required = required
        self.choices: frozenset[str] = frozenset(kind.choices) if kind is not None else frozenset()
        self.accepted: dict[tuple[type, Any], Any] = {}
        """Plain values that were checked before, and what they were normalised to."""
        self.like = isinstance(kind, Like)
        self.body = kind.body if kind is not None else ""
        self.takes_blocks = not self.choices and (kind is None or bool(self.body))
        self.takes_tensors = kind is not None and kind.takes_tensors
        self.by_name = kind is not None and kind.by_name
        self.takes_values = kind is not None and kind.takes_values


ANYTHING = Formal("", None, False)
"""The parameter of a block that is not known: a bare name may be a choice of it."""
ANYTHING.choices = CHOICE_WORDS | AXES.keys()


class Parametric(BlockValue):
    """A block with parameters, some of them given (``bound``)."""

    formals: tuple[Formal, ...]
    runs_poisoned = False
    """Whether it is worth applying with a refused argument: a block's body may hold faults of its own."""
    is_defined = False
    """Whether it is defined in the language, so that its definition can be changed."""
    is_function = False
    """Whether it is a function of numbers, which is called and is no value."""

    def __init__(self) -> None:
        self.bound: dict[str, Any] = {}
        self.defaults: dict[str, Any] = {}
        self.written: Span | None = None
        """Where the call stands that gave the arguments."""

    def _copy(self) -> Self:
        cls = type(self)
        copy = cls.__new__(cls)
        copy.__dict__ = self.__dict__.copy()
        return copy

    def with_bound(self, given: dict[str, Any], written: Span | None = None) -> Self:
        """The block with further arguments."""
        copy = self._copy()
        copy.bound = {**self.bound, **given}
        copy.written = written or self.written
        return copy

    def as_value(self) -> Self:
        """The block where its name stands for itself. Refuses (E0204) functions of numbers."""
        if self.is_function:
            raise Refusal("E0204", f"`{self.name}` is a function of numbers: call it, `{self.name}(…)`")
        return self

    def with_defaults(self, defaults: dict[str, Any]) -> Self:
        """The block with the arguments that an enclosing ``with`` gives; explicit ones win."""
        if not defaults:
            return self
        copy = self._copy()
        copy.defaults = defaults
        return copy

    def settle(self, env: Env, span: Span) -> Any:
        """What a call without tensors gives: the block, or the tensor of an operator that takes none."""
        return self

    def refused(self) -> Any:
        """The block to use after one of its arguments was refused."""
        return POISON

    def effective(self) -> dict[str, Any]:
        """The arguments, those of an enclosing ``with`` included. Refuses (E0203) to be without a required one."""
        found = {**self.defaults, **self.bound}
        for formal in self.formals:
            if formal.required and formal.name not in found:
                raise self._missing(formal)
        return found

    def _missing(self, formal: Formal) -> Refusal:
        required = [f for f in self.formals if f.required]
        last = required[-1]
        body = ""
        if last is self.formals[-1] and last.body:
            required.pop()
            body = f" {last.body}"
        call = f"({', '.join(f.name for f in required)})" if required else ""
        what = "a body" if body and formal is last else f"the argument `{formal.name}`"
        call = call.replace("(join)", "(concat)")
        help = f"write `{self.name}{call}{body}`"
        if self.name == "dense":
            help += "; a fully connected layer is `linear(…)`"
        return Refusal("E0203", f"`{self.name}` needs {what}", help=help)
