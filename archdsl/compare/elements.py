"""A network as the sequence of what it is made of, whatever its parts are called and in whichever order they stand.

What exporters fold, drop and add is passed through: norms, biases, views, casts, arithmetic with numbers. What they
write out is raised: ``x * sigmoid(x)`` is a ``silu``, two matrix products around a softmax are an ``attend``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property

from archdsl.compare.snapshot import Layer
from archdsl.dims import Dim, product
from archdsl.graph import Graph, Node, Value
from archdsl.ops.activation import HardSigmoid, Sigmoid
from archdsl.ops.arithmetic import Add, Max, Min, Mul
from archdsl.ops.attend import Attend
from archdsl.ops.conv import Conv
from archdsl.ops.elementary import Erf
from archdsl.ops.gated import Gelu, HardSwish, Silu
from archdsl.ops.join import Concat
from archdsl.ops.linear import Linear, MatMul
from archdsl.ops.opaque import Opaque
from archdsl.ops.pool import AvgPool, MaxPool
from archdsl.ops.pool_global import GlobalAvgPool
from archdsl.ops.reduce import ReduceMean
from archdsl.ops.softmax import Softmax
from archdsl.ops.windows import Windowed, output_size, resolve_pads

MOST_PASSED = 8
"""Elements that a value of none is told to come from."""
GATED = {Sigmoid.name: Silu.name, HardSigmoid.name: HardSwish.name, Erf.name: Gelu.name}
"""What an input times a function of itself is, by the function."""
COMMUTE = frozenset({Add.name, Mul.name, Max.name, Min.name})
Settings = Mapping[str, str]
NONE: Settings = {}


class Element:
    """A layer with weights, an activation, a pooling, a product of matrices, or a join of several."""

    __slots__ = ("depth", "layer", "made", "makers", "op", "settings", "shape")

    def __init__(
        self, op: str, layer: Layer, makers: tuple[Element, ...], settings: Settings = NONE, shape: str = ""
    ) -> None:
        self.op = op
        """``linear`` also for a convolution of one position."""
        self.settings = settings
        self.layer = layer
        self.makers = makers
        self.shape = shape
        """The sizes of its weight; empty without one."""
        self.made: tuple[int, int | None] = (0, layer.macs)
        """Elements of its weight, and its MACs."""
        self.depth: int = 1 + max([maker.depth for maker in makers], default=0)

    @property
    def path(self) -> str:
        """The operator's path."""
        return self.layer.path

    @property
    def token(self) -> tuple[object, ...]:
        """Equal for elements that do the same with weights of the same sizes."""
        return self.op, () if self.op == Linear.name else tuple(self.settings.items()), self.shape

    @property
    def name(self) -> str:
        """The operator's name as it is told."""
        return self.layer.op if self.shape else self.op


class Made:
    """The elements of a graph in an order that depends on the wires alone, and what was passed through on the way."""

    def __init__(self, graph: Graph, layers: Iterable[Layer]) -> None:
        self._layers = {layer.path: layer for layer in layers}
        self._found: dict[Element, None] = {}
        self.norms = 0
        self.biased = 0
        """Layers with a bias."""
        makers: dict[Value, tuple[Element, ...]] = {}
        self._uses = Counter([*graph.outputs.values(), *(value for node in graph.all_nodes() for value in node.inputs)])
        self._walk(graph, makers)
        self._ends = [maker for value in graph.outputs.values() for maker in makers.get(value, ())]

    @cached_property
    def order(self) -> list[Element]:
        """What an element needs stands in front of it, the longest way to it first."""
        done: dict[Element, None] = {}
        for end in (*self._ends, *self._found):
            waiting = [end] if end in self._found else []
            while waiting:
                last = waiting[-1]
                open_ones = [one for one in last.makers if one not in done and one in self._found]
                if open_ones:
                    waiting.append(open_ones[0])
                else:
                    done[waiting.pop()] = None
        return list(done)

    def _walk(self, graph: Graph, makers: dict[Value, tuple[Element, ...]]) -> None:
        for node in graph.nodes:
            entering = [makers.get(value, ()) for value in node.inputs]
            if node.body is not None:
                makers.update(zip(node.body.inputs, entering))
                self._walk(node.body, makers)
                inner = [makers.get(value, ()) for value in node.body.outputs.values()]
                result = _several(inner)
            else:
                self.norms += node.op.role == "norm"
                self.biased += _is_weighted(node) and "bias" in node.params
                result = self._result(node, entering)
            makers.update(dict.fromkeys(node.outputs, result))

    def _result(self, node: Node, entering: Sequence[tuple[Element, ...]]) -> tuple[Element, ...]:
        passed = _several(entering)
        layer = self._layers[node.path]
        if node.op.role == "join":
            apart = dict.fromkeys(one for one in entering if one)
            if len(apart) < 2:  # with a number or a mask, or of one thing with what became of it
                return passed
            gate = _gate(node, list(apart))
            if gate is not None:
                gate.op = GATED[gate.op]
                return (gate,)
            operands = tuple(dict.fromkeys(one for several in apart for one in several))
            if node.op.name in COMMUTE:
                operands = tuple(sorted(operands, key=lambda one: -one.depth))
            return (self._added(Element(node.op.name, layer, operands)),)
        if self._follows_concat(node, passed):
            return (self._in_front(node, layer, passed[0]),)
        if _is_weighted(node) or _counts(node, layer):
            return (self._element(node, layer, entering, passed),)
        return passed

    def _follows_concat(self, node: Node, passed: tuple[Element, ...]) -> bool:
        """Whether it is an activation of each number by itself, of a concatenation that nothing else takes."""
        made = node.inputs[0].producer if node.inputs else None
        if made is None or made.op.name != Concat.name or node.op.role != "activation" or node.params:
            return False
        alone = self._uses[node.inputs[0]] == 1 and not {"axis", "axes"} & {*node.op._fields}
        return alone and len(passed) == 1 and passed[0].layer.path == made.path

    def _in_front(self, node: Node, layer: Layer, concat: Element) -> Element:
        """The concatenation of what the activation makes of each part, which is the same."""
        op, settings, shape = _described(node)
        parts = [self._added(Element(op, layer, (one,), settings, shape)) for one in concat.makers]
        self._found.pop(concat, None)
        return self._added(Element(concat.op, concat.layer, tuple(parts)))

    def _element(
        self, node: Node, layer: Layer, entering: Sequence[tuple[Element, ...]], passed: tuple[Element, ...]
    ) -> Element:
        if node.op.name == MatMul.name and len(entering) == 2 and [one.op for one in entering[0]] == [Softmax.name]:
            (soft,) = entering[0]
            if [one.op for one in soft.makers] == [MatMul.name]:
                (scores,) = soft.makers
                found = Element(Attend.name, layer, (*scores.makers, *entering[1]))
                found.made = 0, None if None in (scores.made[1], layer.macs) else _plus(scores.made[1], layer.macs)
                self._found.pop(soft, None)
                self._found.pop(scores, None)
                return self._added(found)
        op, settings, shape = _described(node)
        found = Element(op, layer, passed, settings, shape)
        if _is_weighted(node) and layer.params:
            found.made = sum(_number(product(sizes)) for sizes in _weights(node)), layer.macs
        return self._added(found)

    def _added(self, element: Element) -> Element:
        self._found[element] = None
        return element


def _plus(a: int | None, b: int | None) -> int:
    return (a or 0) + (b or 0)


def _several(entering: Iterable[tuple[Element, ...]]) -> tuple[Element, ...]:
    return tuple(dict.fromkeys(one for several in entering for one in several))[:MOST_PASSED]


def _gate(node: Node, entering: list[tuple[Element, ...]]) -> Element | None:
    """The activation by which what enters it is multiplied."""
    if node.op.name != Mul.name or len(entering) != 2:
        return None
    for (gate, *more), other in (entering, reversed(entering)):
        if not more and gate.op in GATED and gate.makers == other:
            return gate
    return None


def _weights(node: Node) -> list[Sequence[Dim]]:
    return [p.type.shape for p in node.params.values() if p.trainable and len(p.type.shape) > 1]


def _is_weighted(node: Node) -> bool:
    return node.op.role not in ("norm", "source") and bool(_weights(node))


def _counts(node: Node, layer: Layer) -> bool:
    op = node.op
    if op.role in ("norm", "source", "view"):
        return False
    named = (
        op.role == "activation" or isinstance(op, Windowed) or op.name in (Erf.name, Opaque.name, GlobalAvgPool.name)
    )
    return named or bool(layer.macs) or layer.macs is None or _averages(node)


def _averages(node: Node) -> bool:
    """Whether it is the mean over all positions of maps."""
    if node.op.name == AvgPool.name:
        return all(size == 1 for size in node.outputs[0].type.shape[2:])
    rank = node.inputs[0].type.rank if node.inputs else 0
    axes = getattr(node.op, "axes", None)
    return node.op.name == ReduceMean.name and rank > 2 and axes in (tuple(range(2, rank)), tuple(range(2 - rank, 0)))


def _described(node: Node) -> tuple[str, Settings, str]:
    """The name, the settings and the sizes of the weight of an element, said in one way."""
    op, shapes = node.op, _weights(node)
    shape = "; ".join("x".join(map(str, sizes)) for sizes in shapes)
    if isinstance(op, Windowed) and not _averages(node):
        settings = dict(window(node))
        if op.name == Conv.name and len(shapes) == 1 and {*shapes[0][2:]} == {1} and _plain(settings):
            return Linear.name, settings, "x".join(map(str, shapes[0][:2]))
        return op.name, settings, shape
    if isinstance(op, Linear) and len(shapes) == 1:
        sizes = shapes[0][::-1] if getattr(op, "transposed", False) is True else shapes[0]
        return op.name, {"features": str(sizes[0])}, "x".join(map(str, sizes))
    return (GlobalAvgPool.name if _averages(node) else op.name), NONE, shape


def _plain(settings: Settings) -> bool:
    return settings["stride"] == "1" and settings["pad"] == "0" and settings["groups"] == "1"


def window(node: Node) -> Iterator[tuple[str, str]]:
    """The settings of a window, said in one way."""
    op, x = node.op, node.inputs[0].type
    assert isinstance(op, Windowed)
    kernel, stride, dilation = op.geometry(x)
    for name in ("channels", "groups"):
        if name in op._fields:
            yield name, str(getattr(op, name))
    yield from (("kernel", _sizes(kernel)), ("stride", _sizes(stride)), ("dilation", _sizes(dilation)))
    pad = getattr(op, "pad", "valid")
    pads = resolve_pads(pad, x, kernel, stride, dilation)
    if pads is None:
        yield "pad", str(pad)
    elif op.name == MaxPool.name:  # what is padded at the ends is as much as windows reach out
        begins = [begin for begin, _ in pads]
        floor = [
            output_size(size, k, s, d, (begin, begin))
            for size, k, s, d, begin in zip(x.shape[2:], kernel, stride, dilation, begins)
        ]
        yield "pad", _sizes(begins)
        yield "rounded up", str(floor != list(node.outputs[0].type.shape[2:])).lower()
    elif all(begin == end for begin, end in pads):
        yield "pad", _sizes([begin for begin, _ in pads])
    else:
        yield "pad", "[" + ", ".join(str(n) for side in zip(*pads) for n in side) + "]"


def _sizes(sizes: Sequence[int]) -> str:
    return str(sizes[0]) if len(set(sizes)) == 1 else "x".join(map(str, sizes))


def _number(dim: Dim) -> int:
    return dim if isinstance(dim, int) else 0
