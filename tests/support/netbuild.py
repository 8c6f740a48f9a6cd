"""Graphs by hand: operators applied to values, without any text. For tests of analyses."""

from __future__ import annotations

from collections import Counter
from typing import Any

from archdsl import ops
from archdsl.dims import Dim
from archdsl.graph import Graph, Node, Parameter, Value
from archdsl.shapes import TensorType
from archdsl.source import Origin


class Net:
    """Collects nodes: ``net.conv(x, 64, kernel=3)`` applies an operator and gives its (first) result."""

    def __init__(self, *shape: Dim, dtype: str = "f32") -> None:
        self.input = Value("image", TensorType(dtype, shape))
        self.nodes: list[Node] = []
        self.taps: dict[str, Value] = {}
        self.scope: list[str] = []
        self.used: Counter[str] = Counter()

    def __getattr__(self, op: str) -> Any:
        def apply(*args: Any, path: str | None = None, params: Any = None, **arguments: Any) -> Value:
            inputs = [a for a in args if isinstance(a, Value)]
            return self.apply(op, inputs, [a for a in args if not isinstance(a, Value)], path, params, **arguments)

        return apply

    def apply(
        self, name: str, inputs: list[Value], positional: list[Any], path: str | None = None,
        params: dict[str, Parameter] | None = None, **arguments: Any,
    ) -> Value:  # fmt: skip
        card = ops.load(name)
        op = card.create(**dict(zip(card.signature, positional)), **arguments)
        types = [value.type for value in inputs]
        at = ".".join([*self.scope, path or name])
        self.used[at] += 1
        at = f"{at}_{self.used[at]}" if self.used[at] > 1 else at
        if params is None:
            params = {}
            for w in op.weights(*types):
                type = TensorType(w.dtype or (types[0].dtype if types else "f32"), w.shape)
                params[w.slot] = Parameter(f"{at}.{w.slot}", type, w.init, w.buffer, not w.buffer)
        self.nodes.append(Node(op, inputs, op.shape(*types), at, params, Origin(None)))
        return self.nodes[-1].outputs[0]

    def graph(self, *outputs: Value, name: str = "Net", defaults: dict[str, int] | None = None) -> Graph:
        named = {f"output.{i}" if i else "output": value for i, value in enumerate(outputs)}
        return Graph(name, [self.input], self.nodes, named, taps=self.taps, defaults=defaults)


def resnet50(stride_in_3x3: bool = True, size: Dim = 224, batch: Dim = 1) -> Graph:
    """ResNet-50 as torchvision defines it, or with the stride in the first 1x1 (the paper's)."""
    net = Net(batch, 3, size, size)

    def conv_bn(x: Value, c: int, k: int, stride: int = 1) -> Value:
        return net.batch_norm(net.conv(x, c, k, stride=stride, bias=False))

    x = net.relu(conv_bn(net.input, 64, 7, 2))
    x = net.max_pool(x, 3, stride=2, pad=1)
    for stage, (width, count) in enumerate([(64, 3), (128, 4), (256, 6), (512, 3)]):
        for i in range(count):
            net.scope = [f"layer{stage + 1}", str(i)]
            s = 2 if stage and i == 0 else 1
            first, second = (1, s) if stride_in_3x3 else (s, 1)
            y = net.relu(conv_bn(x, width, 1, first))
            y = net.relu(conv_bn(y, width, 3, second))
            y = conv_bn(y, 4 * width, 1)
            skip = conv_bn(x, 4 * width, 1, s) if i == 0 else x
            x = net.relu(net.add(y, skip))
        net.taps[f"layer{stage + 1}"] = x
    net.scope = []
    x = net.flatten(net.global_avg_pool(x))
    return net.graph(net.linear(x, 1000, path="fc"), name="ResNet50", defaults={"N": 1})


def mobilenet_v2(size: Dim = 224, batch: Dim = 1) -> Graph:
    """MobileNetV2 at width 1."""
    net = Net(batch, 3, size, size)

    def conv_bn(x: Value, c: int, k: int, stride: int = 1, groups: int = 1, act: bool = True) -> Value:
        y = net.batch_norm(net.conv(x, c, k, stride=stride, groups=groups, bias=False))
        return net.relu6(y) if act else y

    x, c = conv_bn(net.input, 32, 3, 2), 32
    table = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]
    for t, out, n, stride in table:
        for i in range(n):
            s = stride if i == 0 else 1
            y = conv_bn(x, t * c, 1) if t > 1 else x
            y = conv_bn(conv_bn(y, t * c, 3, s, groups=t * c), out, 1, act=False)
            x, c = (net.add(x, y) if s == 1 and c == out else y), out
    x = net.flatten(net.global_avg_pool(conv_bn(x, 1280, 1)))
    return net.graph(net.linear(net.dropout(x, 0.2), 1000), name="MobileNetV2")
