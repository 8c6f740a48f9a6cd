"""Which operator set a model is written in.

The rule, which docs/onnx.md states for users: the oldest set from 17 on at which no operator of the network is
emulated at a cost, or the one that ``--opset`` asks for. What does not exist before a set is asked for with
``Emit.require``, what is only slower before it with ``Emit.prefer``. An operator whose kernels are of old sets holds
the whole model back.
"""

from __future__ import annotations

from archdsl.graph import Graph

OPSETS = (17, 26)
"""The oldest operator set written (and the default where it suffices), and the newest that a released runtime loads."""

CEILINGS = {"rnn": 21, "gru": 21, "lstm": 21}
"""Operators that keep a model at a set or below it: on NVIDIA GPUs ONNX Runtime has no kernels of 22 for these."""


def ceiling(graph: Graph) -> int:
    """The newest operator set that is chosen for a graph without being asked for."""
    return min([CEILINGS[node.op.name] for node in graph.all_nodes() if node.op.name in CEILINGS], default=OPSETS[1])
