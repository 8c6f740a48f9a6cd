"""The view of a lowering rule: one node of ours, and ways to emit ONNX nodes for it.

Rules know no wire format and no names. A rule ends by calling :meth:`Emit.result` (the last ONNX node, which bears the
node's path and whose outputs bear the values' names) or :meth:`Emit.forward` (the operator disappears); everything
before that is a :meth:`Emit.helper`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

from archdsl.backends.onnx import types
from archdsl.backends.onnx.draft import Body, Custom, Emitted, NeedOpsetError, Writer, fixed, pack
from archdsl.backends.onnx.wire import Attribute
from archdsl.diagnostics import Refusal
from archdsl.dims import Dim
from archdsl.element_types import ELEMENT_TYPES, FLOATS, INTEGERS
from archdsl.graph import Node
from archdsl.shapes import Shape, TensorType
from archdsl.tape.empty import may_be_empty

__all__ = ["Body", "Custom", "Emit", "Emitted", "NeedOpsetError", "Writer", "fixed", "pack"]


class Emit:
    """A node of ours that is being lowered."""

    def __init__(self, writer: Writer, node: Node, carry: Mapping[str, str] | None = None) -> None:
        self.writer = writer
        self.node = node
        self.op: Any = node.op
        self.opset = writer.opset
        self.carry = carry or {}
        """Element types and those that stand in for them in all of this node."""
        self.ins = [writer.value_names[value] for value in node.inputs]
        self.types = [value.type for value in node.inputs]
        self.outs = [value.type for value in node.outputs]
        if carry:
            self.types, self.outs = list(map(self._carrying, self.types)), list(map(self._carrying, self.outs))
            self.ins = [self.cast(name, type.dtype) for name, type in zip(self.ins, self.types)]

    def _carrying(self, type: TensorType) -> TensorType:
        return TensorType(self.carry[type.dtype], type.shape) if type.dtype in self.carry else type

    def wide(self) -> Emit:
        """The same node with half types computed in ``f32``, where squares overflow and a small eps vanishes."""
        halves = {one for one in types.HALVES if any(type.dtype == one for type in self.types)}
        return Emit(self.writer, self.node, dict.fromkeys(halves, "f32")) if halves else self

    def param(self, slot: str) -> str:
        """The name of the parameter in ``slot``, or of the tensor that is given in its place."""
        if given := self.operand(slot):
            return given
        parameter = self.node.params[slot]
        self.writer.parameters[parameter.path] = parameter
        self.writer.dtypes[parameter.path] = parameter.type.dtype
        return self.cast(parameter.path, self.carry.get(parameter.type.dtype))

    def optional(self, slot: str) -> str:
        """As :meth:`param`, or ``""`` (an absent input) if the node has none."""
        return self.param(slot) if slot in self.node.params else self.operand(slot)

    def operand(self, name: str) -> str:
        """The tensor that is given by name, or ``""``."""
        op = self.node.op
        return next(iter(op.operand(name, self.ins)), "") if name in op.operands else ""

    def result(self, kind: str | Custom, inputs: Sequence[str], **attributes: Attribute | Body) -> None:
        """Emit the ONNX node that gives this node's outputs. Absent trailing inputs are left out."""
        names = [self.writer.fresh(value.name) for value in self.node.outputs]
        self.writer.value_names.update(zip(self.node.outputs, names))
        if not self.carry:
            self._emit(kind, self.node.path, inputs, names, attributes)
            return
        plain = kind.kind if isinstance(kind, Custom) else kind
        made = [
            self.writer.fresh(f"{self.node.path}/{plain}") if value.type.dtype in self.carry else name
            for value, name in zip(self.node.outputs, names)
        ]
        back = [(one, name, value) for one, name, value in zip(made, names, self.node.outputs) if one != name]
        self._emit(kind, made[0] if back else self.node.path, inputs, made, attributes)
        for i, (one, name, value) in enumerate(back):
            label = self.node.path if i == 0 else self.writer.fresh(f"{self.node.path}/Cast")
            self._emit("Cast", label, [one], [name], {"to": ELEMENT_TYPES[value.type.dtype].onnx})

    def helper(self, kind: str | Custom, inputs: Sequence[str], **attributes: Attribute | Body) -> str:
        """Emit an ONNX node on the way; gives the name of its output."""
        name = self.writer.fresh(f"{self.node.path}/{kind.kind if isinstance(kind, Custom) else kind}")
        self._emit(kind, name, inputs, [name], attributes)
        return name

    def settle(self) -> None:
        """Note the element types of the results, where no table of ONNX's types tells them."""
        self.writer.dtypes.update({self.writer.value_names[one]: one.type.dtype for one in self.node.outputs})

    def helpers(self, kind: str, inputs: Sequence[str], count: int, **attributes: Attribute | Body) -> list[str]:
        """Emit an ONNX node on the way that has several outputs; gives the names of the first ``count``."""
        name = self.writer.fresh(f"{self.node.path}/{kind}")
        names = [name, *(self.writer.fresh(f"{name}.{i}") for i in range(1, count))]
        self._emit(kind, name, inputs, names, attributes)
        return names

    def give(self, index: int, kind: str, inputs: Sequence[str], **attributes: Attribute | Body) -> None:
        """Emit the ONNX node that gives one of this node's outputs, where no single one gives them all."""
        value = self.node.outputs[index]
        self.writer.value_names[value] = name = self.writer.fresh(value.name)
        label = self.writer.fresh(f"{self.node.path}/{kind}") if index else self.node.path
        if value.type.dtype in self.carry:
            inputs, attributes = [self.helper(kind, inputs, **attributes)], {"to": ELEMENT_TYPES[value.type.dtype].onnx}
            kind = "Cast"
        self._emit(kind, label, inputs, [name], attributes)

    def once(self, key: Hashable, make: Callable[[], str]) -> str:
        """What ``make`` emits, which nodes that ask for the same ``key`` share."""
        known = self.writer.shared.get(key)
        if known is None:
            known = self.writer.shared[key] = make()
        return known

    def _emit(
        self,
        kind: str | Custom,
        name: str,
        inputs: Sequence[str],
        outputs: Sequence[str],
        attributes: dict[str, Attribute | Body],
    ) -> None:
        given = list(inputs)
        while given and not given[-1]:
            given.pop()
        dtypes = self.writer.dtypes
        domain = ""
        if isinstance(kind, Custom):
            domain, kind = self._imported(kind), kind.kind
        if isinstance(body := attributes.get("body"), Body):  # whose results have the types that it says
            dtypes.update(zip(outputs, [type.dtype for type in body.outputs.values()]))
            self.writer.emitted.append(Emitted(kind, name, given, outputs, attributes))
            return
        entering = [dtypes.get(one, "") for one in given]
        key = (domain, kind, *entering)
        known_results = self.writer.settled.get(key)
        if known_results is not None:
            dtypes.update(zip(outputs, known_results))
            self.writer.emitted.append(Emitted(kind, name, given, outputs, attributes, domain))
            return
        signature = None if domain else types.signature(kind)
        if signature is None:
            known = self.writer.dtypes.get(given[0], "") if given else ""
            self.writer.dtypes.update(dict.fromkeys(outputs, known))
            self.writer.emitted.append(Emitted(kind, name, given, outputs, attributes, domain))
            return
        bound = signature.bound(entering, kind, attributes)
        carried = self._carried(kind, signature, bound)
        self.writer.dtypes.update(zip(outputs, signature.results(bound)))
        if not carried:
            if kind not in types.SAID:
                self.writer.settled[key] = signature.results(bound)
            self.writer.emitted.append(Emitted(kind, name, given, outputs, attributes))
            return
        given = [one and self.cast(one, carried.get(signature.input(i))) for i, one in enumerate(given)]
        self._carry(kind, name, given, outputs, attributes, [carried.get(one) for one in signature.outputs])

    def _carried(self, kind: str, signature: types.Signature, bound: dict[str, str]) -> dict[str, str]:
        """The variables whose type another one carries; starts again with a newer operator set where one takes it.

        Refuses (E0601) a type that nothing carries.
        """
        found = {}
        for variable, dtype in bound.items():
            since = signature.since[variable]
            native = self.writer.native
            if dtype in since and (native or types.runs(kind, variable, dtype)):
                if since[dtype] > self.opset:
                    self.require(since[dtype], f"`{kind}` of {dtype}")
                continue
            wider = types.carrier(kind, dtype)
            if since.get(wider, types.NEVER) > self.opset or not (native or types.runs(kind, variable, wider)):
                raise self._refused(kind, dtype, dtype in since)
            found[variable] = wider
        return found

    def _refused(self, kind: str, dtype: str, valid: bool) -> Refusal:
        """The refusal of an element type: ONNX has it and ONNX Runtime does not, or neither has."""
        cast = f"convert what enters: `cast({'i64' if dtype in INTEGERS else 'f32'})`"
        if not valid:
            message = f"`{self.op.name}` of {dtype} cannot be said in ONNX: no operator set has `{kind}` of it"
            return Refusal("E0601", message, help=cast)
        message = f"ONNX Runtime has no kernel on the CPU for `{self.op.name}` of {dtype} (`{kind}`)"
        return Refusal("E0607", message, help=f"{cast}, or write it for another runtime with `--native`")

    def _carry(
        self,
        kind: str,
        name: str,
        inputs: Sequence[str],
        outputs: Sequence[str],
        attributes: dict[str, Attribute | Body],
        carried: Sequence[str | None],
    ) -> None:
        """The node in the carrying type, and a ``Cast`` to each output that it carries."""
        fresh = [self.writer.fresh(f"{name}/{kind}") if wider else out for out, wider in zip(outputs, carried)]
        back = [(made, out) for made, out in zip(fresh, outputs) if made != out]
        self.writer.emitted.append(Emitted(kind, fresh[0] if back else name, inputs, fresh, attributes))
        for i, (made, out) in enumerate(back):
            label = name if i == 0 else self.writer.fresh(f"{name}/Cast")
            to = ELEMENT_TYPES[self.writer.dtypes[out]].onnx
            self.writer.emitted.append(Emitted("Cast", label, [made], [out], {"to": to}))

    def cast(self, name: str, dtype: str | None) -> str:
        """A helper ``Cast``; the value itself where it has the type, or no other is asked for."""
        if dtype is None or self.writer.dtypes.get(name) == dtype:
            return name
        key = (name, dtype)
        if key not in self.writer.casts:
            self.writer.casts[key] = self.helper("Cast", [name], to=ELEMENT_TYPES[dtype].onnx)
        return self.writer.casts[key]

    def _imported(self, custom: Custom) -> str:
        """The domain, which the model will import; a model has one version of it."""
        version = self.writer.domains.setdefault(custom.domain, custom.version)
        if version != custom.version:
            message = f"two versions of the operators `{custom.domain}` are needed: {version} and {custom.version}"
            raise Refusal("E0601", message)
        return custom.domain

    def forward(self, *names: str) -> None:
        """Emit nothing: the outputs are these values (by default the inputs themselves)."""
        for value, name in zip(self.node.outputs, names or self.ins):
            self.writer.value_names[value] = self.cast(name, value.type.dtype) if self.carry else name

    def require(self, opset: int, what: str) -> None:
        """What a rule needs ``what`` for exists from ``opset`` on: the lowering starts again with it, or refuses
        (E0601) if an older one was asked for.
        """
        if self.opset >= opset:
            return
        if not self.writer.chosen:
            raise NeedOpsetError(opset, self.writer.newest)
        raise Refusal(
            "E0601",
            f"{what} needs the operator set {opset}, but {self.opset} was asked for",
            help=f"leave `--opset` out, or give {opset} or more",
        )

    def prefers(self, opset: int) -> bool:
        """Whether the lowering may use what exists from ``opset`` on and could do without: it starts again with it, if
        no other set was asked for and nothing in the graph holds it back (:meth:`at_most`).
        """
        if self.opset < opset and not self.writer.chosen and opset <= self.writer.newest:
            raise NeedOpsetError(opset, self.writer.newest)
        return self.opset >= opset

    def at_most(self, opset: int) -> None:
        """Nothing in this graph may ask for a newer set than this for the sake of speed alone."""
        if opset < self.writer.newest:
            self.writer.newest = opset
            if self.opset > opset and not self.writer.chosen:
                raise NeedOpsetError(0, opset)

    def ints(self, values: Sequence[int]) -> str:
        """A constant ``i64`` vector."""
        return self.writer.constant("i64", values, (len(values),), f"{self.node.path}/ints")

    def scalar(self, value: float, dtype: str | None = None) -> str:
        """A constant scalar, by default of the first input's element type."""
        dtype = dtype or self.types[0].dtype
        if dtype not in FLOATS and value == int(value):
            value = int(value)
        return self.writer.constant(dtype, (value,), (), f"{self.node.path}/scalar")

    def constant(self, dtype: str, values: Sequence[float], shape: Sequence[int]) -> str:
        """A constant tensor, elements in row-major order."""
        return self.writer.constant(dtype, values, shape, f"{self.node.path}/constant")

    def vector(self, sizes: Sequence[Dim]) -> str:
        """An ``i64`` vector of sizes, computed when the model runs where symbols occur."""
        if all(isinstance(dim, int) for dim in sizes):
            return self.ints(fixed(sizes))
        return self.once(("vector", *sizes), lambda: self._vector(sizes))

    def _vector(self, sizes: Sequence[Dim]) -> str:
        pieces: list[str] = []
        run: list[int] = []
        for dim in sizes:
            if isinstance(dim, int):
                run.append(dim)
                continue
            if run:
                pieces.append(self.ints(run))
                run = []
            pieces.append(self.writer.size(dim))
        if run:
            pieces.append(self.ints(run))
        return pieces[0] if len(pieces) == 1 else self.helper("Concat", pieces, axis=0)

    def target(self, source: Shape, shape: Shape) -> str:
        """The second input of ``Reshape``: -1 and 0 where they say it, else sizes computed when the model runs."""
        if any(map(may_be_empty, shape)):  # nothing follows from no elements: all sizes are said, 0 among them
            return self.vector(shape)
        static: list[int] = []
        for axis, dim in enumerate(shape):
            if isinstance(dim, int):
                static.append(dim)
            else:
                static.append(0 if axis < len(source) and source[axis] == dim else -1)
        return self.ints(static) if static.count(-1) <= 1 else self.vector(shape)

    def reshape(self, name: str, source: Shape, shape: Shape) -> str:
        """A helper ``Reshape``; the value itself where nothing changes."""
        if source == shape:
            return name
        return self.helper("Reshape", [name, self.target(source, shape)], **self.zeros(shape))

    def zeros(self, shape: Shape) -> dict[str, Attribute]:
        """The attributes of a ``Reshape`` to :meth:`target`: whether a 0 is a size, and not that of the input."""
        return {"allowzero": 1} if any(map(may_be_empty, shape)) else {}

    def reshape_like(self, name: str, like: str, type: TensorType, ahead: Sequence[int] = ()) -> str:
        """A helper ``Reshape`` to the shape of ``like``, which is ``type``; ``ahead``: axes they have in common."""
        kept = [0 if axis in ahead else (dim if isinstance(dim, int) else -1) for axis, dim in enumerate(type.shape)]
        shape = self.ints(kept) if kept.count(-1) <= 1 else self.helper("Shape", [like])
        return self.helper("Reshape", [name, shape])

    def reduce(self, kind: str, name: str, axes: Sequence[int], keep: bool) -> tuple[list[str], dict[str, Attribute]]:
        """Inputs and attributes of a ``Reduce…``: axes are an attribute before opset 18, then an input (sum: 13)."""
        if self.opset >= 18 or kind == "ReduceSum":
            return [name, self.ints(axes)], {"keepdims": int(keep)}
        return [name], {"axes": tuple(axes), "keepdims": int(keep)}
