"""Networks of one or a few operators with sizes at their bounds, in every form in which a size can be given.

An operator's card has examples; a network is drawn from one by giving each size of its inputs another number, near the
bounds of what the operator takes, and by making some of them symbols.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from op_examples import Example

from archdsl import dims
from archdsl.dims import Dim, Expr
from archdsl.ops.base import REQUIRED, literal
from archdsl.shapes import TensorType

TAILS = (
    "", "", "", "", "relu", "max_pool(2)", "conv(4, 3, pad = valid)", "slice(-1, 1)", "slice(-1, 0, -2)",
    "pad_axes([1, 2], axis = -1, mode = reflect)", "reduce_sum(-1)", "resize(scale = 0.5)", "crop(3)", "flatten",
    "softmax(axis = -1)", "global_avg_pool", "pad_axes([0, 3], axis = -1)", "conv(4, 3, stride = 2, dilation = 2)",
    "avg_pool(3, stride = 2, ceil = true)", "linear(3)", "space_to_depth(2)", "select(-1, 2)", "top_k(2) -> concat(axis = 0)",
)  # fmt: skip
BOUNDS: dict[str, Callable[[int], tuple[int, int | None]]] = {
    "bounded": lambda size: (max(1, size - 1), size + 1),
    "exact": lambda size: (size, size),
    "empty": lambda size: (0, None),
}
"""Forms in which symbols have bounds: the least and the greatest size."""
NEAR = (1, 1, 2, 2, 3, 4, 5, 6, 7, 8, 9, 12, 16, 32)


class Sized(NamedTuple):
    """A network whose sizes are still to be given: the sizes of its symbols, and its text in a form."""

    example: Example
    sizes: dict[str, int]
    tails: tuple[str, ...]
    renamed: Mapping[int, Dim]
    """Sizes of the example that became others: numbers or symbols."""

    def text(self, form: str) -> str:
        """The text with sizes as ``form`` says: ``fixed``, ``free``, ``declared``, ``variant``, ``multiple``, or one of :data:`BOUNDS`."""
        names = [chr(ord("a") + i) for i in range(len(self.example.input_types))]
        inputs = [f"  input {name}: {self._type(type, form)}" for name, type in zip(names, self.example.input_types)]
        flow = f"({', '.join(names)}) -> " if len(names) > 1 else ""
        unused = "" if names else "  input x: f32[2]\n"
        body = "\n".join([f"  {flow}{self._call(form, names)}", *(f"  {tail}" for tail in self.tails if tail)])
        parameters = ", ".join(f"{name.lower()}_" for name in self.sizes) if form == "variant" else ""
        given = ", ".join(map(str, self.sizes.values()))
        variant = f"variant v = Net({given})\n" if form == "variant" else ""
        return f"arch 1\nnetwork Net({parameters}) {{\n{unused}" + "\n".join(inputs) + f"\n{body}\n}}\n{variant}"

    def _type(self, type: TensorType, form: str) -> str:
        return f"{type.dtype}[{', '.join(self._declared(dim, form) for dim in type.shape)}]"

    def _declared(self, dim: Dim, form: str) -> str:
        dim = self.renamed.get(dim, dim) if isinstance(dim, int) else dim
        if isinstance(dim, int) or form == "fixed":
            return str(dims.evaluate(dim, self.sizes))
        name = str(dim)
        if form == "free":
            return name
        if name not in self.sizes:  # 2 * H
            return f"{name} = {dims.evaluate(dim, self.sizes)}"
        if form == "variant":
            return f"{name} = {name.lower()}_"
        if form in BOUNDS:
            low, high = BOUNDS[form](self.sizes[name])
            return f"{name} = {self.sizes[name]} >= {low}" + ("" if high is None else f" <= {high}")
        if form == "multiple" and name.startswith("S") and self.sizes[name] % 2 == 0:
            return f"2 * {name} = {self.sizes[name]}"
        if form == "multiple" and name.startswith("S"):
            return f"{name} + 1 = {self.sizes[name]}" if self.sizes[name] > 1 else f"{name} = 1"
        return f"{name} = {self.sizes[name]}"

    def _call(self, form: str, names: list[str]) -> str:
        op, given = self.example.op, []
        for name, one in op.signature.items():
            value = getattr(op, name)
            if one.default is REQUIRED or value != one.default:
                text = names[-1] if isinstance(value, TensorType) else self._argument(value, form)
                given.append(f"{name} = {text}")
        return f"{op.name}({', '.join(given)})" if given else op.name

    def _argument(self, value: Any, form: str) -> str:
        if isinstance(value, Expr):
            return str(dims.evaluate(value, self.sizes) if form == "fixed" else value)
        if isinstance(value, tuple):
            return "[" + ", ".join(self._argument(item, form) for item in value) + "]"
        if isinstance(value, str) and value in self.sizes and form == "fixed":
            shape = self.example.input_types[0].shape
            return str(shape.index(dims.symbol(value)))
        return literal(value)


def drawn(example: Example, draw: random.Random) -> Sized:
    """A network of the example's operator with sizes near their bounds."""
    if any(isinstance(getattr(example.op, name), TensorType) for name in example.op.signature):
        types = [getattr(example.op, name) for name in example.op.signature]
        likes = tuple(t for t in types if isinstance(t, TensorType))
        example = Example(example.op, (*example.input_types, *likes), example.output_types, example.text)
    sizes = {name: draw.choice(NEAR) for name in example.symbols}
    renamed: dict[int, Dim] = {}
    for size in sorted({dim for type in example.input_types for dim in type.shape if isinstance(dim, int)}):
        value = size if draw.random() < 0.6 else max(1, draw.choice((*NEAR, size - 1, size + 1, 2 * size)))
        if draw.random() < 0.4:
            sizes[f"S{size}"] = value
            renamed[size] = dims.symbol(f"S{size}")
        else:
            renamed[size] = value
    tails = tuple(draw.choice(TAILS) for _ in range(draw.choice((1, 1, 2))))
    return Sized(example, sizes, tails, renamed)
