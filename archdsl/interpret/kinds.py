"""Kinds of a block's own parameters, as written after the colon."""

from __future__ import annotations

from functools import cache
from typing import Any, ClassVar

from archdsl.diagnostics import Refusal, did_you_mean
from archdsl.interpret.branches import Branches
from archdsl.interpret.code import BodyBlock
from archdsl.interpret.values import BlockValue, Table, describe, is_flow
from archdsl.ops.kinds import Axis, Boolean, Dimension, DType, Integer, Kind, Number, refuse


class BlockKind(Kind):
    """A block."""

    takes_values: ClassVar[bool] = True
    body: ClassVar[str] = "{ … }"

    @property
    def text(self) -> str:
        return "a block"

    def check(self, value: Any, what: str) -> Any:
        if isinstance(value, Branches):
            raise Refusal("E0204", f"{what} must be one block, not a list of branches", help="leave out the `|`")
        if not isinstance(value, BlockValue):
            help = "write the layers in braces: `{ conv(64, 3) -> relu }`"
            if isinstance(value, str) and value.isidentifier():
                help = f"without quotes: `{value}`"
            raise Refusal("E0204", f"{what} must be a block, not {describe(value)}", help=help)
        return value


class BranchesKind(Kind):
    """A list of blocks: ``{ | a | b }``, or a list."""

    takes_values: ClassVar[bool] = True
    body: ClassVar[str] = "{ | … | … }"

    @property
    def text(self) -> str:
        return "a list of blocks"

    def check(self, value: Any, what: str) -> Any:
        if isinstance(value, Branches):
            return value
        if isinstance(value, BodyBlock):
            raise Refusal(
                "E0204",
                f"{what} must be branches",
                help="begin each branch with `|`, in a loop, too: `{ repeat 4 as i { | … } }`",
            )
        if isinstance(value, tuple) and all(isinstance(v, BlockValue) for v in value):
            return value
        raise Refusal("E0204", f"{what} must be a list of blocks, not {describe(value)}")


class TensorKind(Kind):
    """A tensor or a tuple of tensors."""

    takes_tensors: ClassVar[bool] = True

    @property
    def text(self) -> str:
        return "a tensor"

    def check(self, value: Any, what: str) -> Any:
        if not is_flow(value):
            raise Refusal("E0204", f"{what} must be a tensor, not {describe(value)}")
        return value


class TableKind(Kind):
    """A table."""

    takes_values: ClassVar[bool] = True

    @property
    def text(self) -> str:
        return "a table"

    def check(self, value: Any, what: str) -> Any:
        if not isinstance(value, Table):
            raise Refusal("E0204", f"{what} must be a table, not {describe(value)}")
        return value


class Text(Kind):
    """A string."""

    @property
    def text(self) -> str:
        return "a string"

    def check(self, value: Any, what: str) -> Any:
        if not isinstance(value, str):
            raise refuse(what, "a string", value)
        return value


class Items(Kind):
    """A list; of one kind, where that is given."""

    item: Kind | None = None

    @property
    def text(self) -> str:
        return f"[{self.item.text}]" if self.item else "a list"

    def check(self, value: Any, what: str) -> Any:
        if not isinstance(value, tuple):
            raise refuse(what, "a list", value)
        return value if self.item is None else tuple(self.item.check(v, f"each entry of {what}") for v in value)


_KINDS: dict[str, Kind] = {
    "int": Integer(), "float": Number(), "bool": Boolean(), "string": Text(), "dim": Dimension(None), "dtype": DType(),
    "axis": Axis(), "block": BlockKind(), "[block]": BranchesKind(), "tensor": TensorKind(), "table": TableKind(),
    "list": Items(), "shape": Items(Dimension(None)),
}  # fmt: skip


@cache
def parameter_kind(text: str) -> Kind:
    """The kind that ``text`` names; refuses unknown ones."""
    if text in _KINDS:
        return _KINDS[text]
    if text.startswith("[") and text.endswith("]") and text[1:-1] in _KINDS:
        return Items(_KINDS[text[1:-1]])
    known = ", ".join(f"`{name}`" for name in _KINDS)
    raise Refusal(
        "E0201", f"there is no kind of value called `{text}`",
        help=did_you_mean(text, _KINDS, f"kinds are {known}"),
    )  # fmt: skip
