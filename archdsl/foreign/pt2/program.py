"""The records of an exported program: its inputs, its calls of operators, and the types that it declares.

What is read is JSON of unknown origin: every record is checked as it is taken out. Sizes that are computed inside of
the program (``sym_size``, ``mul`` of sizes …) are declared as expressions of the symbols: nothing computes them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from archdsl.diagnostics import Refusal
from archdsl.dims import Dim
from archdsl.foreign.pt2.sizes import Sizes
from archdsl.record import Record
from archdsl.shapes import TensorType
from archdsl.weights.exported import COMPLEX, DTYPES, Saved
from archdsl.weights.tensor import MAX_RANK, malformed


class Ref(Record):
    """A tensor of the program, by its name."""

    name: str


class Unread(Record):
    """An argument of a kind that no rule needs: a device, a layout, a computed number."""

    kind: str


class Call:
    """One call of an operator: ``target`` is ``aten.conv2d.default``, ``scope`` the path of its module."""

    __slots__ = ("arguments", "name", "outputs", "scope", "source", "target")

    def __init__(
        self, target: str, arguments: dict[str, Any], outputs: tuple[str | None, ...], name: str, scope: str,
        source: str,
    ) -> None:  # fmt: skip
        self.target = target
        self.arguments = arguments
        self.outputs = outputs
        self.name = name
        self.scope = scope
        self.source = source

    @property
    def operator(self) -> str:
        """The operator without its overload: ``conv2d``; with its library, where that is not PyTorch's own."""
        library, _, rest = self.target.partition(".")
        plain = rest.rpartition(".")[0] or rest
        return plain if library == "aten" else f"{library}.{plain}"

    def refs(self) -> list[Ref]:
        """The tensors among its arguments, those in lists included."""
        found: list[Ref] = []
        for one in self.arguments.values():
            if isinstance(one, Ref):
                found.append(one)
            elif isinstance(one, list):
                found += [each for each in one if isinstance(each, Ref)]
        return found


class Body:
    """A graph of calls: that of the program, or one that an operator of higher order holds."""

    def __init__(self, saved: Saved, sizes: Sizes, graph: object) -> None:
        self.saved = saved
        self.sizes = sizes
        if not isinstance(graph, dict):
            malformed(saved.path, "its program has no graph")
        self.graph = graph
        self._types: dict[str, TensorType | None] = {}

    def part(self, name: str) -> Mapping[str, Any]:
        """A table of the graph."""
        found = self.graph.get(name)
        return found if isinstance(found, dict) else {}

    def listed(self, name: str) -> list[Any]:
        """A list of the graph."""
        found = self.graph.get(name)
        return found if isinstance(found, list) else []

    def declared(self, name: str) -> TensorType | None:
        """The type that the program declares of a tensor; ``None`` without one, or with one that is not known here."""
        if name not in self._types:
            self._types[name] = self._declared(name)
        return self._types[name]

    def is_complex(self, name: str) -> bool:
        """Whether the program declares a tensor of complex numbers."""
        meta = self.part("tensor_values").get(name)
        dtype = meta.get("dtype") if isinstance(meta, dict) else None
        return type(dtype) is int and dtype in COMPLEX

    def _declared(self, name: str) -> TensorType | None:
        meta = self.part("tensor_values").get(name)
        sizes = meta.get("sizes") if isinstance(meta, dict) else None
        if not isinstance(meta, dict) or not isinstance(sizes, list) or len(sizes) > MAX_RANK:
            return None
        dtype = DTYPES.get(meta["dtype"]) if type(meta.get("dtype")) is int else None
        if dtype is None:
            return None
        try:
            return TensorType(dtype, tuple(map(self.sizes.read, sizes)))
        except Refusal:
            return None

    def results(self) -> list[Ref]:
        """The tensors that the graph gives."""
        found = (self.argument(one) for one in self.listed("outputs"))
        return [one for one in found if isinstance(one, Ref)]

    def calls(self) -> Iterator[Call]:
        """The calls in order; refuses (E0902) what is none."""
        for entry in self.listed("nodes"):
            if not isinstance(entry, dict) or not isinstance(entry.get("target"), str):
                malformed(self.saved.path, "its graph holds something that is no call of an operator")
            yield self._call(entry)

    def _call(self, entry: Mapping[str, Any]) -> Call:
        target = entry["target"][:200].removeprefix("torch.ops.")
        arguments = {}
        for number, given in enumerate(_list(entry.get("inputs"))):
            if isinstance(given, dict):
                arguments[str(given.get("name") or number)[:80]] = self.argument(given.get("arg"))
        outputs = tuple(name for out in _list(entry.get("outputs")) for name in _names(out))
        meta = entry.get("metadata")
        meta = meta if isinstance(meta, dict) else {}
        name = entry.get("name") or (outputs[0] if outputs else "") or target
        return Call(
            target, arguments, outputs, str(name)[:200], _scope(meta.get("nn_module_stack")),
            _source(meta.get("stack_trace")),
        )  # fmt: skip

    def argument(self, given: object) -> Any:
        """An argument: numbers, texts and lists as Python has them, sizes as dimensions, tensors as :class:`Ref`."""
        if not isinstance(given, dict) or len(given) != 1:
            return Unread("")
        ((kind, value),) = given.items()
        if kind == "as_tensor":
            return Ref(_name(value))
        if kind in ("as_tensors", "as_optional_tensors"):
            return [self._optional(one) for one in _list(value)]
        if kind == "as_optional_tensor":
            return self._optional(value)
        if kind == "as_sym_int":
            return self._size(value)
        if kind == "as_sym_ints":
            return tuple(map(self._size, _list(value)))
        if kind == "as_scalar_type":
            return DTYPES.get(value, "") if type(value) is int else ""
        if kind == "as_none":
            return None
        if kind == "as_graph" and isinstance(value, dict):
            return Body(self.saved, self.sizes, value.get("graph"))
        return _plain(kind, value)

    def _optional(self, value: object) -> Ref | None:
        if isinstance(value, dict) and "as_none" in value:
            return None
        inner = value.get("as_tensor", value) if isinstance(value, dict) else value
        return Ref(_name(inner))

    def _size(self, value: object) -> Dim | Unread:
        known = value.get("as_int") if isinstance(value, dict) else None
        if type(known) is int:
            return known
        found = self.part("sym_int_values").get(_name({"name": value.get("as_name")} if isinstance(value, dict) else 0))
        return self.sizes.read(found)


_PLAIN = {"as_int": int, "as_float": (int, float), "as_bool": bool, "as_string": str}
_LISTS = {"as_ints": int, "as_floats": (int, float), "as_bools": bool, "as_strings": str}


def _plain(kind: str, value: object) -> Any:
    wanted: Any = _PLAIN.get(kind)
    if kind == "as_float" and value in ("Infinity", "-Infinity", "NaN"):
        return float(str(value).replace("Infinity", "inf"))
    if wanted is not None and isinstance(value, wanted):
        return value
    inside: Any = _LISTS.get(kind)
    if inside is not None and isinstance(value, list) and all(isinstance(one, inside) for one in value):
        return tuple(value)
    return Unread(kind)


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _name(value: object) -> str:
    found = value.get("name") if isinstance(value, dict) else None
    if not isinstance(found, str):
        raise Refusal("E0902", "the program names a tensor by something that is no name")
    return found


def _names(out: object) -> list[str | None]:
    """The names of what a call gives; ``None`` for what is nothing."""
    if not isinstance(out, dict) or len(out) != 1:
        return [None]
    ((kind, value),) = out.items()
    if kind == "as_tensor":
        return [_name(value)]
    if kind == "as_tensors":
        return [_name(one) for one in _list(value)]
    return [None]


_AGAIN = re.compile(r"@\d+")


def _scope(stack: object) -> str:
    """The path of the innermost module: ``layer1.0.conv1``; empty for the outermost."""
    if not isinstance(stack, str) or not stack:
        return ""
    parts = stack.rpartition(";")[2].split(",")
    path = parts[1] if len(parts) > 1 else ""
    return _AGAIN.sub("", path)[:500]


_LINE = re.compile(r'File "([^"\n]{1,500})", line (\d{1,9}), in')


def _source(trace: object) -> str:
    """The line of Python that the program comes from: the innermost one outside of PyTorch itself."""
    if not isinstance(trace, str):
        return ""
    found = [f"{file}:{line}" for file, line in _LINE.findall(trace)]
    own = [one for one in found if "/torch/" not in one.replace("\\", "/")]
    return (own or found or [""])[-1]
