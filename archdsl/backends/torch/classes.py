"""Classes for boxes; boxes that differ only in numbers share a class, with the numbers as its parameters."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from archdsl.backends.torch.form import Call, Raw, hint
from archdsl.backends.torch.forward import Forward, attribute, plain
from archdsl.backends.torch.helpers import needed
from archdsl.backends.torch.module_tree import Box, Item
from archdsl.backends.torch.render import Listed, Pair, Repeated, replaced, text
from archdsl.diagnostics import Refusal

RESERVED = frozenset({
    "training", "forward", "type", "half", "float", "double", "bfloat16", "to", "cpu", "cuda", "train", "eval",
    "apply", "parameters", "modules", "children", "buffers", "compile", "share_memory", "zero_grad", "state_dict",
    "requires_grad_", "extra_repr", "add_module", "ipu", "xpu", "mtia", "to_empty", "load_state_dict",
    "named_parameters",
    "named_modules", "named_children", "named_buffers", "register_buffer", "register_parameter", "register_module",
    "get_submodule", "get_parameter", "get_buffer", "set_submodule", "dump_patches", "call_super_init",
})  # fmt: skip
"""Names of ``nn.Module`` itself."""


DEEPEST = 10
"""Sequences inside of one another, at most; a box that holds more becomes a class."""


class Source:
    """The classes of one file."""

    def __init__(self, root: Box, outputs: Sequence[str], name: str, ties: Mapping[str, str]) -> None:
        self.outputs = outputs
        self.ties = ties
        """Paths of parameters -> the paths of those that they are."""
        self.network = class_name(name)
        self.texts: list[str] = []
        self.helpers = needed({use for item in root.nodes for use in item.form.uses})
        """Module and name of the functions and layers that the file brings along."""
        self.names = {name for _, name in self.helpers}
        self.made: dict[int, Any] = {}
        """Box -> the call that makes it."""
        for box in _innermost_first(root):
            box.called = box.called and bool(box.nodes or box is root)
            for kept in box.kept:
                if kept in RESERVED:
                    raise _reserved(box, kept)
        for height, boxes in sorted(_levels(root).items()):
            self._level(boxes, root, height)

    def _level(self, boxes: Sequence[Box], root: Box, height: int) -> None:
        groups: dict[str, list[Draft]] = {}
        for box in boxes:
            chain = None if box is root or height % DEEPEST == 0 else sequence(box, self.made)
            if chain is not None:
                self.made[id(box)] = chain
                continue
            draft = Draft(box, self.made, self.outputs if box is root else None)
            groups.setdefault(draft.key, []).append(draft)
        for drafts in groups.values():
            self._define(drafts)

    def _define(self, drafts: list[Draft]) -> None:
        """One class for drafts that are alike, and how each is made."""
        parameters, words = _parameters([draft.numbers for draft in drafts])
        name = self._name(drafts[0].box)
        ties = self.ties if drafts[0].box.outer is None else {}
        self.texts.append(drafts[0].text(name, parameters, words, ties))
        first = _first(words)
        for draft in drafts:
            values = {word: draft.numbers[first[word]][1] for word in parameters}
            self.made[id(draft.box)] = Call(name, [
                (None if i < 2 and _leading(word) else word, value, word)
                for i, (word, value) in enumerate(values.items())
            ])  # fmt: skip

    def _name(self, box: Box) -> str:
        """After the block that the scope is an application of, or after the scope."""
        name = self.network if box.outer is None else class_name(_block(box) or box.name)
        tried, i = name, 2
        while tried in self.names:
            tried, i = f"{name}{i}", i + 1
        self.names.add(tried)
        return tried


def _reserved(box: Box, name: str) -> Refusal:
    """The refusal of a label, at the first operator below it."""
    path = f"{box.path}.{name}" if box.path else name
    below = (item.node for item in box.nodes if f"{item.owner}.".startswith(f"{path}."))
    message = f"`{name}` is used by every PyTorch module and cannot name a layer"
    refusal = Refusal("E0604", message, help="give the layer another label")
    return refusal.located(next((node.origin.span for node in below), None))


def _block(box: Box) -> str:
    """The block that the scope is an application of, if it is one."""
    frame, outer = box.frame, box.outer
    if frame is None or frame.parent is None or (outer is not None and outer.frame is frame):
        return ""
    return frame.name


def _leading(word: str) -> bool:
    return "channels" in word or "features" in word


def class_name(text: str) -> str:
    """``layer1`` -> ``Layer1``, ``basic_block`` -> ``BasicBlock``."""
    parts = re.findall(r"[A-Za-z0-9]+", text)
    name = "".join(part[0].upper() + part[1:] for part in parts)
    if not name or name[0].isdigit():
        name = f"Block{name}"
    return name if name not in ("Tensor", "F", "OrderedDict", "True", "False", "None") else f"{name}Block"


def _innermost_first(root: Box) -> list[Box]:
    found, waiting = [], [root]
    while waiting:
        box = waiting.pop()
        found.append(box)
        waiting += [inner for inner in box.kept.values() if isinstance(inner, Box)]
    return found[::-1]


def _levels(root: Box) -> dict[int, list[Box]]:
    """The boxes by how many are inside of one another in them, themselves included."""
    heights: dict[int, int] = {}
    levels: dict[int, list[Box]] = {}
    for box in _innermost_first(root):
        inner = [kept for kept in box.kept.values() if isinstance(kept, Box)]
        heights[id(box)] = height = 1 + max((heights[id(one)] for one in inner), default=0)
        levels.setdefault(height, []).append(box)
    return levels


def sequence(box: Box, made: dict[int, Any]) -> Call | None:
    """``nn.Sequential`` where each step of the box is a layer on the result of the one before."""
    if not box.called or len(box.inputs) != 1 or len(box.outputs) != 1:
        return None
    layers: dict[str, Any] = {}
    (value,) = box.inputs
    read = {v: sum(v in s.inputs for s in box.steps) for v in box.inputs}
    for step in box.steps:
        inputs, outputs = (step.inputs, step.node.outputs) if isinstance(step, Item) else (step.inputs, step.outputs)
        if tuple(inputs) != (value,) or len(outputs) != 1:
            return None
        layer = _layer(step, box, made)
        if layer is None:
            return None
        layers[step.node.path.rpartition(".")[2] if isinstance(step, Item) else step.name] = layer
        (value,) = outputs
    if (
        value is not box.outputs[0]
        or set(box.kept) - set(layers)
        or len(layers) != len(box.steps)
        or max(read.values()) > 1
    ):
        return None
    if list(layers) == [str(i) for i in range(len(layers))]:
        return Call("nn.Sequential", [(None, item, "") for item in _runs(list(layers.values()))])
    if _block(box):
        return None  # a block with names of its own reads better as a class
    pairs = Listed([Pair(name, layer) for name, layer in layers.items()])
    return Call("nn.Sequential", [(None, Call("OrderedDict", [(None, pairs, "")]), "")])


def _layer(step: Item | Box, box: Box, made: dict[int, Any]) -> Any:
    if isinstance(step, Box):
        return made[id(step)] if step.path.rpartition(".")[0] == box.path and step.called else None
    own = step.owner == step.node.path and step.node.path.rpartition(".")[0] == box.path
    simple = step.form.text == "{self}({0})" or "{self}" not in step.form.text
    if not own or not simple or step.form.layer is None or step.form.numbers:
        return None
    name = step.node.path.rpartition(".")[2]
    return box.kept.get(name, step.form.layer)


def _runs(layers: list[Any]) -> list[Any]:
    """Repetitions for equal calls of our own classes, one after the other."""
    found: list[Any] = []
    texts = [text(layer, 0, -10_000) for layer in layers]
    at = 0
    while at < len(layers):
        end = at
        while end < len(layers) and texts[end] == texts[at]:
            end += 1
        if end - at > (2 if texts[at].startswith("nn.") else 1):
            found.append(Repeated(layers[at], end - at))
        else:
            found += layers[at:end]
        at = end
    return found


class Draft:
    """A class before its numbers are sorted into constants and parameters."""

    def __init__(self, box: Box, made: dict[int, Any], outputs: Sequence[str] | None) -> None:
        self.box = box
        self.outputs = outputs
        """The names of the network's outputs; ``None`` for inner boxes."""
        self.kept = {name: made[id(kept)] if isinstance(kept, Box) else kept for name, kept in box.kept.items()}
        self.forward = Forward(box) if box.called else None
        self.numbers: list[tuple[str, Any]] = []

        def hole(word: str, value: Any) -> Any:
            self.numbers.append((word, value))
            return Raw(f"⟦{len(self.numbers) - 1}⟧")

        self.holes = {name: replaced(kept, name, hole) for name, kept in self.kept.items()}
        self.offset = len(self.numbers)
        self.numbers += self.forward.numbers if self.forward else []
        shown = [f"{name} = {text(kept, 0, -100_000)}" for name, kept in self.holes.items()]
        lines = [*self.forward.lines, str(self.forward.results()), str(self.forward.arguments)] if self.forward else []
        self.key = "\n".join([str(outputs), *shown, "forward", *lines])

    def text(self, name: str, parameters: Sequence[str], words: Sequence[str | None], ties: Mapping[str, str]) -> str:
        """The class; ``words`` say for each number which parameter it is, if any. ``ties``: what is one parameter."""
        values = [Raw(word) if word else value for (_, value), word in zip(self.numbers, words)]
        doc = _block(self.box)
        lines = [f"class {name}(nn.Module):"]
        if doc and class_name(doc) == name:
            lines += [f'    """{doc}({", ".join(parameters)})."""', ""]
        lines += self._init(parameters, values, words)
        lines += [f"        {attribute(path)} = {attribute(of)}" for path, of in ties.items()]
        if self.forward:
            lines += ["", *self._forward(values, words)]
        return "\n".join(lines)

    def _init(self, parameters: Sequence[str], values: list[Any], words: Sequence[str | None]) -> list[str]:
        first = _first(words)
        typed = [f"{word}: {_hint(self.numbers[first[word]][1])}" for word in parameters]
        head = f"    def __init__({', '.join(['self', *typed])}) -> None:"
        if len(head) > 88:
            head = (
                "    def __init__(\n        self,\n" + "".join(f"        {one},\n" for one in typed) + "    ) -> None:"
            )
        lines = [head, "        super().__init__()"]
        lines += [f"        self.{word} = {word}" for word in dict.fromkeys(words[self.offset :]) if word]
        numbers = iter(values)
        for name, kept in self.kept.items():
            filled = replaced(kept, name, lambda _, value: next(numbers))
            if plain(name):
                lines.append(f"        self.{name} = {text(filled, 8, 16 + len(name))}")
            else:
                kind = "register_parameter" if isinstance(kept, Call) and kept.name == "nn.Parameter" else "add_module"
                added = Call(f"self.{kind}", [(None, Raw(f'"{name}"'), ""), (None, filled, "")])
                lines.append(f"        {text(added, 8, 8)}")
        return lines

    def _forward(self, values: list[Any], words: Sequence[str | None]) -> list[str]:
        assert self.forward is not None
        arguments, results = self.forward.arguments, self.forward.results()
        names = list(self.outputs or ())
        if len(names) > 1:
            gives, back = "dict[str, Tensor]", Listed([])
        else:
            gives, back = ("Tensor" if len(results) == 1 else f"tuple[{', '.join(['Tensor'] * len(results))}]"), None
        typed = [f"{name}: {hint(value)}" for name, value in zip(arguments, self.box.inputs)]
        head = f"    def forward({', '.join(['self', *typed])}) -> {gives}:"
        if len(head) > 88:
            inner = "".join(f"        {one},\n" for one in typed)
            head = f"    def forward(\n        self,\n{inner}    ) -> {gives}:"

        def number(match: re.Match[str]) -> str:
            index = int(match[1]) + self.offset
            return f"self.{words[index]}" if words[index] else repr(values[index])

        lines = [head]
        lines += [_broken(f"        {re.sub('⟦([0-9]+)⟧', number, line)}") for line in self.forward.lines]
        if back is not None:
            keys = [json.dumps(name, ensure_ascii=False) for name in names]
            pairs = [f"            {key}: {result}," for key, result in zip(keys, results)]
            return [*lines, "        return {", *pairs, "        }"]
        return [*lines, _broken(f"        return {', '.join(results)}")]


def _first(words: Sequence[str | None]) -> dict[str, int]:
    """Where each parameter occurs first."""
    return {word: i for i, word in reversed(list(enumerate(words))) if word}


def _hint(value: Any) -> str:
    if isinstance(value, tuple):
        return "tuple[int, ...]"
    return type(value).__name__


def _broken(line: str) -> str:
    """A line that is too long, broken after the brackets of its list."""
    if len(line) <= 88:
        return line
    parts = _SPLIT.fullmatch(line)
    if parts is not None:
        return _broken_split(*parts.groups())
    begin, end = line.find("(["), line.rfind("]")
    if begin < 0 or end < begin or "[" in line[begin + 2 : end]:
        return line
    items = line[begin + 2 : end].split(", ")
    tail = line[end + 1 :].lstrip(", ")
    rest = f"            {tail[:-1]},\n        )" if tail != ")" else "        )"
    inner = "".join(f"                {item},\n" for item in items)
    return f"{line[: begin + 1]}\n            [\n{inner}            ],\n{rest}"


_SPLIT = re.compile(r" {8}(\w+(?:, \w+)*) = torch\.split\((\w+), \((.*)\), (dim=[^,()]+)\)")


def _broken_split(targets: str, source: str, sizes: str, axis: str) -> str:
    """A ``torch.split`` into many parts: a name and a size on each line, where they do not fit on one."""
    left = targets if len(targets) <= 70 else "(\n" + _each(targets, 12) + " " * 8 + ")"
    middle = f"({sizes})" if len(sizes) <= 72 else "(\n" + _each(sizes, 16) + " " * 12 + ")"
    inner = "".join(f"{' ' * 12}{one},\n" for one in (source, middle, axis))
    return f"{' ' * 8}{left} = torch.split(\n{inner}{' ' * 8})"


def _each(items: str, indent: int) -> str:
    return "".join(f"{' ' * indent}{item},\n" for item in items.rstrip(", ").split(", "))


def _parameters(rows: list[list[tuple[str, Any]]]) -> tuple[list[str], list[str | None]]:
    """The numbers that differ between the rows, named; equal ones are the same parameter."""
    named: dict[tuple[Any, ...], str] = {}
    taken: set[str] = set()
    numbered: dict[str, int] = {}
    words: list[str | None] = []
    for column in zip(*rows):
        values = tuple(value for _, value in column)
        if all(value == values[0] and type(value) is type(values[0]) for value in values):
            words.append(None)
            continue
        if values not in named:
            name = word = re.sub(r"\W", "_", column[0][0]) or "n"
            while name in taken:
                numbered[word] = numbered.get(word, 1) + 1
                name = f"{word}_{numbered[word]}"
            named[values] = name
            taken.add(name)
        words.append(named[values])
    return sorted(named.values(), key=lambda word: not _leading(word)), words
