"""One node of an ONNX model with what enters it, as the rules of operators see it.

Opsets say the same thing in several ways (an attribute, later an input); the rules ask here, and see one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from archdsl.diagnostics import Refusal
from archdsl.foreign.deciding import depends
from archdsl.foreign.known import Known, shortest
from archdsl.foreign.names import path_part
from archdsl.graph import Value
from archdsl.shapes import TensorType

if TYPE_CHECKING:
    from archdsl.foreign.importer import Importer
    from archdsl.foreign.onnx.model import Graph, Node

Item = Value | Known
"""A tensor of the model: computed at run time, or known."""
Result = Item | Sequence[Item]
Rule = Callable[["Call"], Result]
RULES: dict[tuple[str, str], Rule] = {}
"""Domain and operator -> how it becomes nodes of ours."""
KNOWN: dict[tuple[str, str], Rule] = {}
"""Domain and operator -> how it is computed where all that enters is known."""


def rule(*names: str, domain: str = "") -> Callable[[Rule], Rule]:
    """The rule of some operators."""

    def register(made: Rule) -> Rule:
        RULES.update(dict.fromkeys([(domain, name) for name in names], made))
        return made

    return register


def known(*names: str, domain: str = "") -> Callable[[Rule], Rule]:
    """How some operators are computed."""

    def register(made: Rule) -> Rule:
        KNOWN.update(dict.fromkeys([(domain, name) for name in names], made))
        return made

    return register


class Call:
    """A node. ``inputs`` are in the order of ONNX; one that is left out is ``None``."""

    __slots__ = ("declared", "importer", "inputs", "leaf", "node", "probe", "run_graph", "scope", "version")

    def __init__(
        self,
        node: Node,
        inputs: Sequence[Item | None],
        version: int,
        importer: Importer,
        scope: str,
        leaf: bool,
        run_graph: Callable[[Graph, dict[str, Item]], list[Item]],
        probe: Callable[[Graph, dict[str, Item]], list[Known] | None],
        declared: Callable[[str], TensorType | None],
    ) -> None:
        self.node = node
        self.inputs = inputs
        self.version = version
        self.importer = importer
        self.scope = scope
        """The module that the node is from, as a path."""
        self.leaf = leaf
        """Whether that module has no other node, so that its path is the node's."""
        self.run_graph = run_graph
        """Runs a graph of the node, which sees the values around it and those given by name; its outputs."""
        self.probe = probe
        """The same where all is computed from what is known; otherwise ``None``, and nothing is made."""
        self.declared = declared
        """The type that the file declares for a result, by its name."""

    # what enters

    def given(self, index: int) -> Item | None:
        """Input number ``index``; ``None`` where there is none."""
        return self.inputs[index] if index < len(self.inputs) else None

    def item(self, index: int) -> Item:
        """Input number ``index``, which must be there."""
        found = self.given(index)
        if found is None:
            raise Refusal("E1001", f"`{self.node.op}` has no input {index}")
        return found

    def value(self, index: int) -> Value:
        """The same as a value of the graph."""
        return self.as_value(self.item(index), str(index))

    def as_value(self, item: Item, name: str = "") -> Value:
        """A tensor as a value of the graph."""
        if isinstance(item, Value):
            return item
        return self.importer.value(
            item, item.name if "." in item.name else self.path(item.name or f"{self.node.op}_{name}")
        )

    def type(self, index: int) -> TensorType:
        """The type of an input."""
        return type_of(self.item(index))

    def no_weights(self) -> None:
        """What the file has for this node are numbers of the computation, and no layer's weights."""
        for item in self.inputs:
            if isinstance(item, Known):
                item.weight = False

    def stored(self, index: int, what: str) -> Known:
        """An input that has to be known; refuses (E1002) one that is computed."""
        found = self.item(index)
        if not isinstance(found, Known):
            raise self.depends(found, what)
        return found

    def depends(self, value: Value, what: str) -> Refusal:
        """The refusal (E1002) of something that the file computes from an input."""
        return depends(value, what, self.node.op)

    # arguments

    def attr(self, name: str, default: Any = None) -> Any:
        """An attribute; texts as such."""
        found = self.node.attributes.get(name)
        if found is None:
            return default
        if isinstance(found, bytes):
            return found.decode("utf-8", "replace")
        return found

    def numbers(self, attribute: str, index: int | None = None) -> list[Any] | None:
        """Numbers that are an attribute or, in later opsets, an input; ``None`` where there is neither."""
        found = self.node.attributes.get(attribute) if attribute else None
        if found is not None:
            return [*found] if isinstance(found, list) else [found]
        if index is None or self.given(index) is None:
            return None
        what = f"the input `{attribute or index}`"
        known = self.stored(index, what)
        return [shortest(one, known.dtype) for one in known.array().ravel().tolist()]

    def integers(self, attribute: str, index: int | None = None) -> list[int] | None:
        """The same, where only integers will do; refuses (E1002) sizes that are symbols."""
        found = self.numbers(attribute, index)
        if found is None:
            return None
        return [self.integer(one, f"`{attribute}`") for one in found]

    def integer(self, size: Any, what: str) -> int:
        """A size that has to be a number."""
        if isinstance(size, bool | int) or (isinstance(size, float) and size == int(size)):
            return int(size)
        importer = self.importer
        raise Refusal(
            "E1002", f"{what} of `{self.node.op}` depends on {importer.named_symbols([size])}",
            help=importer.help_to_bind([size]),
        )  # fmt: skip

    def axis(self, default: int | None, rank: int, attribute: str = "axis") -> int:
        """An axis as a number from 0."""
        found = self.attr(attribute, default)
        if not isinstance(found, int) or not -rank <= found < max(rank, 1):
            raise Refusal("E1001", f"`{self.node.op}` has no axis {found} in {rank}")
        return found % max(rank, 1)

    def axes(self, found: Sequence[int] | None, rank: int) -> list[int]:
        """Axes as numbers from 0; all of them where none are given."""
        if found is None:
            return list(range(rank))
        for one in found:
            if not -rank <= one < rank:
                raise Refusal("E1001", f"`{self.node.op}` has no axis {one} in {rank}")
        return [one % rank for one in found]

    # results

    def path(self, name: str) -> str:
        """The path of something in the module that the node is from."""
        clean = path_part(name)
        return f"{self.scope}.{clean}" if self.scope else clean

    def apply(self, op: Any, *inputs: Value, weights: dict[str, Known] | None = None, **arguments: Any) -> Value:
        """Apply an operator of ours that has one result."""
        return self.apply_all(op, *inputs, weights=weights, **arguments)[0]

    def apply_all(
        self, op: Any, *inputs: Value, weights: dict[str, Known] | None = None, **arguments: Any
    ) -> tuple[Value, ...]:
        """Apply an operator of ours; all results."""
        name = op if isinstance(op, str) else op.name
        path = self.scope if self.leaf and self.scope not in self.importer.tape.paths else self.path(name)
        return self.importer.apply(op, inputs, path, weights, **arguments)

    def not_supported(self, what: str, *types: TensorType) -> NoReturn:
        """Refuse (E1003) a form of the operator that has no counterpart; ``types``: of its results, where known."""
        raise NotSupportedError(what, *types)


class NotSupportedError(Exception):
    """A form of an operator that has no counterpart here."""

    def __init__(self, what: str, *types: TensorType) -> None:
        super().__init__(what)
        self.types = types


def type_of(item: Item) -> TensorType:
    """The type of a tensor."""
    return item.type if isinstance(item, Value) else TensorType(item.dtype, item.shape)
