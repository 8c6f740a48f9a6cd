"""The ``forward`` of a box: one line for each step, with a few variable names used again and again."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator, Mapping
from heapq import heappop, heappush
from itertools import chain, count
from typing import Any

from archdsl.backends.torch.form import is_layer, is_parameter, is_symbol, symbol_value
from archdsl.backends.torch.module_tree import Box, Item, Step
from archdsl.dim_solve import readings
from archdsl.dims import Dim, Symbol, limits, symbols
from archdsl.graph import Value

NAMES = ("x", "y", "z", "u", "v", "w")
TAKEN = frozenset({"self", "torch", "nn", "F", "Tensor", "OrderedDict", *keyword.kwlist})
_RANKED = re.compile(r"[x-zuvw]|t\d+")
"""Variables of ours; an argument that is named after an input keeps its name for itself."""
_PLACE = re.compile(r"\{(self|\d+)\}")
_NUMBER = re.compile(r"⟦(\d+)⟧")


class Forward:
    """Lines, argument names, results; ``numbers`` are what ``⟦0⟧``, ``⟦1⟧`` … in the lines stand for."""

    def __init__(self, box: Box) -> None:
        self.box = box
        self.numbers: list[tuple[str, Any]] = []
        self.last = _last_uses(box)
        self.names: dict[Value, str] = {}
        self.taken: set[str] = set()
        """Names of arguments, which stay what they are."""
        self.free: list[tuple[tuple[int, int], str]] = []
        """A heap of variables that can be used again, the simplest name first."""
        self.fresh = self._fresh()
        self.arguments = self._arguments()
        layers = [
            value for step in box.steps for value in _ends(step)[0] if is_layer(value) and value not in self.names
        ]
        self.names.update({value: self._reference(value.name, is_parameter(value)) for value in layers})
        self.lines = [*self._readings(), *(self._line(index, step) for index, step in enumerate(box.steps))]

    def results(self) -> list[str]:
        """The variables of the results."""
        return [self.names[value] for value in self.box.outputs]

    def _arguments(self) -> list[str]:
        for value in self.box.inputs:
            name = "".join(c if c.isascii() and (c.isalnum() or c == "_") else "_" for c in value.name)
            if is_symbol(value) or is_layer(value):
                name = self._own(value)
            elif self.box.path or not name.isidentifier() or name in TAKEN or name in self.taken:
                name = next(self.fresh)
            self.names[value] = name
            self.taken.add(name)
        return [self.names[value] for value in self.box.inputs]

    def _own(self, value: Value) -> str:
        """The variable of a symbol or a layer: its name, unless that is taken."""
        name = value.name.rpartition(".")[2]
        name = name if name.isidentifier() else f"layer_{name}"
        while name in TAKEN or name in self.taken:
            name += "_"
        self.names[value] = name
        self.taken.add(name)
        return name

    def _readings(self) -> list[str]:
        """In the network itself: ``H = x.shape[2] // 16``, for each symbol that is needed somewhere."""
        if self.box.path:
            return []
        found = readings([value.type.shape for value in self.box.inputs])
        needed = {value.name: value for item in self.box.nodes for value in item.form.reads if not is_layer(value)}
        limited = [name for name in self._symbols() if _held(name, "") and name in found]
        for limit in limited:
            needed.setdefault(str(limit), symbol_value(str(limit)))
        for name in [*found][::-1]:  # what one is read with is needed as well
            if name in needed:
                for other in symbols(found[name].factor) | symbols(found[name].rest):
                    needed.setdefault(other, symbol_value(other))
        names = {name: self._own(needed[name]) for name in found if name in needed}
        lines = []
        for name, variable in names.items():
            tensor, axis, factor, rest = found[name]
            size = f"{self.names[self.box.inputs[tensor]]}.shape[{axis}]"
            size = size if rest == 0 else f"{size} - {_written(rest, names)}"
            size = size if factor == 1 else f"{f'({size})' if rest != 0 else size} // {_written(factor, names)}"
            lines.append(f"{variable} = {size}")
        return lines + [line for limit in limited for line in _held(limit, names[str(limit)])]

    def _symbols(self) -> list[Symbol]:
        """The symbols of the inputs, with their bounds."""
        return sorted({name for value in self.box.inputs for dim in value.type.shape for name in limits(dim)})

    def _fresh(self) -> Iterator[str]:
        for name in chain(NAMES, (f"t{i}" for i in count(1))):
            if name not in self.taken:
                yield name

    def _line(self, index: int, step: Step) -> str:
        """``y = …``; variables that are not needed after the step are free for its results."""
        text = self._text(step)
        inputs, outputs = _ends(step)
        for value in dict.fromkeys(inputs):
            free = self.last.get(value) == index and not is_layer(value)
            if free and _RANKED.fullmatch(self.names[value]):
                heappush(self.free, (_rank(self.names[value]), self.names[value]))
        targets = []
        for value in outputs:
            if value not in self.last:
                targets.append("_")
                continue
            self.names[value] = heappop(self.free)[1] if self.free else next(self.fresh)
            targets.append(self.names[value])
        return f"{', '.join(targets)} = {text}"

    def _text(self, step: Step) -> str:
        inputs = [self.names[value] for value in _ends(step)[0]]
        if isinstance(step, Box):
            return f"{self._reference(step.path)}({', '.join(inputs)})"
        offset = len(self.numbers)
        self.numbers += step.form.numbers
        text = _NUMBER.sub(lambda m: f"⟦{int(m[1]) + offset}⟧", step.form.text)
        kept = step.form.layer
        alone = kept is not None and kept.name == "nn.Parameter"
        layer = self._reference(step.owner, alone) if "{self}" in text else ""
        return _PLACE.sub(lambda m: layer if m[1] == "self" else inputs[int(m[1])], text)

    def _reference(self, path: str, parameter: bool = False) -> str:
        inner = path[len(self.box.path) + 1 :] if self.box.path else path
        *modules, last = inner.split(".")
        own = f'.get_parameter("{last}")' if parameter and not plain(last) else access(last)
        return "self" + "".join(map(access, modules)) + own


def _held(limit: Symbol, variable: str) -> list[str]:
    """The lines that refuse a size that the symbol cannot have."""
    low = "" if limit.least == 0 else f"{limit.least} <= "
    high = "" if limit.most is None else f" <= {limit.most}"
    if not low + high:
        return []
    declared = limit.bounds if str(limit.bounds) != str(limit) else f"{limit} >= {limit.least}"
    return [
        f"if not {low}{variable}{high}:",
        f'    raise ValueError(f"{limit} is {{{variable}}}, but declared as {declared}")',
    ]


def _written(dim: Dim, names: Mapping[str, str]) -> str:
    text = re.sub(r"[^\W\d]\w*", lambda word: names[word[0]], str(dim))
    return f"({text})" if " " in text else text


def access(name: str) -> str:
    """How a module's attribute is read."""
    return f".{name}" if plain(name) else f'.get_submodule("{name}")'


def attribute(path: str) -> str:
    """How a parameter is read from the outermost module."""
    *modules, name = path.split(".")
    return "self" + "".join(map(access, modules)) + f".{name}"


def plain(name: str) -> bool:
    """Whether a name can be used after a dot."""
    return name.isidentifier() and not keyword.iskeyword(name)


def _rank(name: str) -> tuple[int, int]:
    return (NAMES.index(name), 0) if name in NAMES else (len(NAMES), int(name[1:]) if name[1:].isdigit() else 0)


def _ends(step: Step) -> tuple[list[Value], list[Value]]:
    if isinstance(step, Item):
        return list(step.inputs), list(step.node.outputs)
    return step.inputs, step.outputs


def _last_uses(box: Box) -> dict[Value, int]:
    """The last step that reads each value; results are read after all of them."""
    last: dict[Value, int] = {}
    for index, step in enumerate(box.steps):
        for value in _ends(step)[0]:
            last[value] = index
    for value in box.outputs:
        last[value] = len(box.steps)
    return last
