"""The form of an operator in PyTorch: a layer to keep, an expression to compute, or both."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from archdsl.diagnostics import Refusal
from archdsl.dims import Dim, symbols as symbols_of
from archdsl.element_types import ELEMENT_TYPES
from archdsl.graph import Node, Value
from archdsl.shapes import TensorType

DTYPES = {name: f"torch.{type.framework}" for name, type in ELEMENT_TYPES.items()}


class Call:
    """A constructor and its arguments: literals and further calls; names are ``None`` for positional ones."""

    __slots__ = ("args", "name", "suffix")

    def __init__(self, name: str, args: Sequence[tuple[str | None, Any, str]], suffix: str = "") -> None:
        self.name = name
        self.args = tuple(args)
        self.suffix = suffix


class Raw(str):
    """A piece of source text that is not a literal (``torch.float16``)."""

    __slots__ = ()


class Form:
    """``layer`` is what the module keeps under the operator's name; ``text`` computes the result.

    In ``text``, ``{0}``, ``{1}`` … stand for the inputs and then the symbols, ``{self}`` for the layer.
    """

    __slots__ = ("layer", "numbers", "reads", "text", "uses")

    def __init__(
        self, layer: Call | None, text: str, uses: Sequence[str] = (), numbers: Sequence[tuple[str, Any]] = (),
        reads: Sequence[Value] = (),
    ) -> None:  # fmt: skip
        self.layer = layer
        self.text = text
        self.uses = tuple(uses)
        self.numbers = tuple(numbers)
        self.reads = tuple(reads)
        """Symbols, and layers that lie elsewhere: they stand behind the inputs."""


def call(name: str, *positional: tuple[str, Any], **named: Any) -> Call:
    """``name(value, …, key=value, …)``; positional arguments come with the name their value has for the reader."""
    args: list[tuple[str | None, Any, str]] = [(None, value, word) for word, value in positional]
    args += [(key, value, key) for key, value in named.items() if value is not None]
    return Call(name, args)


class Site:
    """A node as its rule sees it."""

    def __init__(self, node: Node, symbols: Mapping[str, Value] | None = None) -> None:
        self.symbols = symbols or {}
        """The symbols that can be read from the network's inputs."""
        self.reads: list[Value] = []
        self.node = node
        self.op: Any = node.op
        self.types = [value.type for value in node.inputs]
        self.outs = [value.type for value in node.outputs]
        self.numbers: list[tuple[str, Any]] = []

    def operand(self, name: str) -> str:
        """The tensor that is given by name, in the text; ``None`` without one."""
        given: tuple[int, ...] = self.op.operand(name, range(len(self.types)))
        return f"{{{given[0]}}}" if given else "None"

    def number(self, word: str, value: Any) -> str:
        """A number in the text that may differ between the uses of one class."""
        self.numbers.append((word, value))
        return f"⟦{len(self.numbers) - 1}⟧"

    def layer(self, layer: Call, text: str = "{self}({0})", uses: Sequence[str] = ()) -> Form:
        """A layer, and how it is applied."""
        return Form(layer, text, uses, self.numbers, self.reads)

    def layer_of_body(self, text: str, uses: Sequence[str]) -> Form:
        """An expression with the module that the node's body is, which is there already."""
        return Form(None, text, uses, self.numbers, self.reads)

    def text(self, text: str, *, layer: Call | None = None, uses: Sequence[str] = ()) -> Form:
        """An expression; ``layer`` is the same as a module, for sequences."""
        return Form(layer, text, uses, self.numbers, self.reads)

    def dtype(self, slot: str = "weight") -> Raw | None:
        """The ``dtype`` argument where the parameters are not float32."""
        found = self.node.params.get(slot) or next(iter(self.node.params.values()), None)
        if found is None or found.type.dtype == "f32":
            return None
        return Raw(DTYPES[found.type.dtype])

    def sizes(self, after: Sequence[Dim], word: str = "size", *, infer: bool = False) -> str:
        """Sizes as a tuple: numbers, sizes of the inputs, one -1 (``infer``), or expressions over symbols."""
        known: dict[Dim, str] = {}
        for index, type in enumerate(self.types):
            for axis, size in enumerate(type.shape):
                if not isinstance(size, int):
                    known.setdefault(size, f"{{{index}}}.shape[{axis}]")
        open_, parts = infer, []
        for size in after:
            if isinstance(size, int):
                parts.append(self.number(word, size))
            elif size in known:
                parts.append(known[size])
            elif open_:
                open_ = False
                parts.append("-1")
            else:
                parts.append(self.computed(size))
        return "(" + ", ".join(parts) + ("," if len(parts) == 1 else "") + ")"

    def literal(self, size: Dim) -> str:
        """A size in its place: a number, or an expression over symbols."""
        return str(size) if isinstance(size, int) else self.computed(size)

    def computed(self, size: Dim) -> str:
        """A size as an expression over the symbols of the network's inputs. Refuses (E0601) symbols that none binds."""
        names = sorted(symbols_of(size))
        if missing := [name for name in names if name not in self.symbols]:
            raise Refusal(
                "E0601", f"`{self.op.name}` needs the size `{missing[0]}`, which no axis of the inputs has",
                help=f"bind it: `--bind {missing[0]}=…`",
            )  # fmt: skip
        for name in names:
            if self.symbols[name] not in self.reads:
                self.reads.append(self.symbols[name])
        return _WORD.sub(lambda word: self._read(word[0]), str(size))

    def _read(self, name: str) -> str:
        """A symbol of the inputs by itself, one that is found in the data as a size of what found it."""
        value = self.symbols[name]
        text = f"{{{len(self.types) + self.reads.index(value)}}}"
        if is_symbol(value):
            return text
        axis = next(axis for axis, size in enumerate(value.type.shape) if str(size) == name)
        return f"{text}.shape[{axis}]"


_WORD = re.compile(r"[^\W\d]\w*(?:\.\w+)*")


def symbol_value(name: str) -> Value:
    """What stands for a symbol of the network's inputs: a number that modules hand down."""
    return Value(name, _SYMBOL)


_SYMBOL = TensorType("i64", ())


def is_symbol(value: Value) -> bool:
    """Whether a value stands for a symbol."""
    return value.type is _SYMBOL


def handed(form: Form, layer: Value, count: int) -> Form:
    """The form with its layer as a value that is handed down, behind the ``count`` inputs and what is read."""
    text = form.text.replace("{self}", f"{{{count + len(form.reads)}}}")
    return Form(form.layer, text, form.uses, form.numbers, (*form.reads, layer))


def layer_value(path: str, layer: Call) -> Value:
    """What stands for a layer, or a parameter by itself, that lies at a path."""
    return Value(path, _PARAMETER if layer.name == "nn.Parameter" else _LAYER)


_LAYER, _PARAMETER = TensorType("i64", ()), TensorType("i64", ())


def is_layer(value: Value) -> bool:
    """Whether a value stands for a layer, or a parameter, that modules hand down."""
    return value.type is _LAYER or value.type is _PARAMETER


def is_parameter(value: Value) -> bool:
    """Whether a value stands for a parameter by itself."""
    return value.type is _PARAMETER


def hint(value: Value) -> str:
    """The type of an argument."""
    return "int" if is_symbol(value) else "nn.Module" if value.type is _LAYER else "Tensor"


def within(value: Value, path: str) -> bool:
    """Whether it is a layer below a path, where it can be reached by its name."""
    return is_layer(value) and (not path or value.name.startswith(f"{path}."))


Lowering = Callable[[Site], Form]
"""What a row of a family's ``RULES`` is."""


def fixed(type: TensorType, axis: int) -> int:
    """A size that is known while compiling."""
    size = type.shape[axis]
    assert isinstance(size, int)
    return size


def short(values: Sequence[int]) -> int | tuple[int, ...]:
    """One number where all axes have the same."""
    return values[0] if len(set(values)) == 1 else tuple(values)
