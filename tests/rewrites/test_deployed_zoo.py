"""The zoo with `--deploy`: each norm and each channel scale that is left is left for a reason."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from paths import SPECS
from zoo_models import VARIANTS, symbolic

from archdsl.graph import Graph, Node, Value
from archdsl.rewrites.merge import deployed

pytestmark = pytest.mark.slow

MACS = {
    entry["name"]: entry["measured"]["macs"]
    for entry in json.loads((SPECS / "figures.json").read_text(encoding="utf-8"))
}
SMALLEST = list({VARIANTS[name].stem: name for name in sorted(MACS, key=lambda name: -MACS[name])}.values())
"""Of each family the variant with the least arithmetic."""
SUMS = {"conv", "linear", "deform_conv", "conv_transpose"}
PASS = {"dropout", "flatten", "reshape", "identity"}


def left(graph: Graph) -> list[tuple[str, str]]:
    """Norms, and products with one learned number a channel, and what stands in front of each."""
    nodes = graph.all_nodes()
    uses = Counter(value for node in nodes for value in node.inputs)
    uses.update(graph.outputs.values())
    owners = Counter(path for node in nodes for path in {p.path for p in node.params.values()})
    found = []
    for node in nodes:
        for value in scaled(node):
            while value.producer is not None and value.producer.op.name in PASS and uses[value] == 1:
                value = value.producer.inputs[0]
            before = value.producer
            what = before.op.name if before is not None else "an input"
            if before is not None and what in SUMS:
                shared = any(owners[p.path] > 1 for p in before.params.values())
                what = "shared" if shared else "read twice" if uses[value] > 1 else f"nothing: {what}"
            found.append((node.path, what))
    return found


def scaled(node: Node) -> list[Value]:
    """What a norm normalises, or what is multiplied."""
    if node.op.name == "batch_norm":
        return [node.inputs[0]]
    if node.op.name != "mul" or len(node.inputs) != 2:
        return []
    for value, other in (node.inputs, node.inputs[::-1]):
        shape = [size for size in other.type.shape if size != 1]
        channels = {value.type.shape[1], value.type.shape[-1]} if value.type.rank > 1 else set()
        if (
            other.producer is not None
            and other.producer.op.name == "param"
            and len(shape) == 1
            and shape[0] in channels
        ):
            return [value]
    return []


def test_what_is_left_stands_behind_no_layer_of_its_own() -> None:
    """It is in front of an activation, behind a sum or a concatenation; or the layer is read by others, or its weights."""
    reasons: Counter[str] = Counter()
    for name in SMALLEST:
        found = left(deployed(symbolic(name)))
        assert [path for path, what in found if what.startswith("nothing")] == [], name
        reasons.update({what for _, what in found})
    assert {"add", "concat", "shared", "read twice"} <= reasons.keys()


@pytest.mark.parametrize("name", ["fastvit_t8", "convnext_atto", "repvgg_a0", "mobileone_s0", "resnet50"])
def test_nothing_is_left_of_what_can_be_merged(name: str) -> None:
    assert left(symbolic(name)) and not left(deployed(symbolic(name)))
