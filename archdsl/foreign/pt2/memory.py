"""What names stand for, and whose memory they show: PyTorch writes into tensors."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.diagnostics import Refusal
from archdsl.foreign.importer import Importer
from archdsl.foreign.known import Known
from archdsl.foreign.pt2.program import Call, Ref
from archdsl.graph import Value

Tensor = Value | Known
"""What a name stands for: something that depends on the inputs, or something that is known."""


class Complex:
    """Complex numbers: those that a call gives of its inputs; without a call a buffer, which enters as real numbers."""

    __slots__ = ("call", "inputs", "name", "number")

    def __init__(self, call: Call | None, inputs: Sequence[Item], name: str = "") -> None:
        self.call = call
        self.inputs = tuple(inputs)
        self.name = name
        self.number: int = 1 + max((one.number for one in self.inputs if isinstance(one, Complex)), default=0)
        """Complex inputs have lower ones."""


Item = Tensor | Complex


class Memory:
    """The names of a program. A write changes what its target means, and what the target is a slice of."""

    def __init__(self, importer: Importer) -> None:
        self.importer = importer
        self.env: dict[str, Item] = {}
        self.views: dict[str, str] = {}
        """Names of views -> the name whose memory they show."""
        self._roots: dict[str, str] = {}
        """Names of views -> the name that the memory belongs to."""
        self._sharing: dict[str, list[str]] = {}
        """What memory belongs to -> the names of its views, so that a write need not look at all names."""
        self.written: dict[str, str] = {}
        """Names whose memory was written through another name, with the operator that did."""
        self.slices: dict[str, tuple[int, int, int]] = {}
        """Names of views that are a stretch of one axis: the axis, and where it begins and ends."""

    def note(self, call: Call) -> None:
        """What shows whose memory, and who wrote into it: ``relu_(x)`` makes ``x`` mean the result, too."""
        first = next(iter(call.refs()), None)
        name = call.outputs[0]
        if first is None or name is None or name not in self.env:
            return
        if call.operator.endswith("_") and not call.operator.startswith("__"):
            if isinstance(self.env.get(first.name), Known) and isinstance(self.env[name], Known):
                return  # views of known arrays share their memory
            self._write(call, first.name, name)
        elif call.operator in _VIEWS:
            for one in call.outputs:
                if one is not None:
                    self._share(one, first.name)

    def _write(self, call: Call, target: str, name: str) -> None:
        """Let names mean what was written into their memory: that of the target, and of what it is a slice of."""
        base, root = self.views.get(target), self._root(target)
        kept = [target, name]
        if base is not None and base in self.env and base == root and target in self.slices:
            self.env[base] = self._replaced(self.env[base], self.env[name], *self.slices[target])
            kept.append(base)
        for other in (root, *self._sharing.get(root, ())):
            if other in self.env and other not in kept:
                self.written[other] = call.operator
        self.env[target] = self.env[name]
        self._share(name, target)

    def _replaced(self, base: Item, part: Item, axis: int, start: int, stop: int) -> Tensor:
        """The base with a stretch of one axis replaced."""
        if isinstance(base, Complex) or isinstance(part, Complex):
            raise _complex("what is written into")
        whole, inner = (one if isinstance(one, Value) else self.importer.value(one, "constant") for one in (base, part))
        size, path = whole.type.shape[axis], f"{inner.name}.written"
        parts = [inner]
        if start:
            parts = [*self.importer.apply("slice", [whole], f"{path}.front", axis=axis, stop=start), *parts]
        if stop != size:
            parts += self.importer.apply("slice", [whole], f"{path}.behind", axis=axis, start=stop)
        return self.importer.apply("concat", parts, path, axis=axis)[0] if len(parts) > 1 else inner

    def _share(self, name: str, of: str) -> None:
        root = self._root(of)
        self.views[name], self._roots[name] = of, root
        self._sharing.setdefault(root, []).append(name)

    def _root(self, name: str) -> str:
        return self._roots.get(name, name)

    def tensor(self, ref: Ref) -> Tensor:
        """As :meth:`item`; refuses (E1003) complex numbers, too."""
        found = self.item(ref)
        if isinstance(found, Complex):
            raise _complex(f"`{ref.name[:80]}`")
        return found

    def item(self, ref: Ref) -> Item:
        """What a name stands for; refuses (E1001) one that nothing made."""
        if ref.name in self.written:
            raise Refusal(
                "E1003", f"`{ref.name}` shares its memory with what `{self.written[ref.name]}` wrote into",
                help="export without such writes: `torch.export.export(…).run_decompositions({})`",
            )  # fmt: skip
        found = self.env.get(ref.name)
        if found is None:
            raise Refusal("E1001", f"nothing makes `{ref.name[:80]}`, which is used here")
        return found


def _complex(what: str) -> Refusal:
    return Refusal("E1003", f"{what} is of complex numbers, which are not supported here")


_VIEWS = frozenset({
    "view", "reshape", "select", "slice", "transpose", "permute", "unsqueeze", "squeeze", "expand", "t", "split",
    "split_with_sizes", "chunk", "unbind", "narrow", "flatten", "unflatten", "swapaxes", "expand_as", "reshape_as",
    "view_as", "alias", "detach", "diagonal", "movedim", "contiguous", "to", "dropout", "view_as_complex",
    "view_as_real", "real", "imag",
})  # fmt: skip
"""Operators whose result may show the memory of their first argument."""
