"""What an operator is to memory and to other tools: views, activations, norms, layers with weights.

The rules that cost anything (``shape``, ``weights``, ``work``, ``window``) are on the cards. What is here only says
which operators a runtime treats alike, so it is kept in one place, by name.
"""

from __future__ import annotations

from archdsl.graph import Node

VIEWS = frozenset({
    "identity", "dropout", "drop_path", "flatten", "reshape", "squeeze", "unsqueeze",
})  # fmt: skip
"""The output is the input under another shape (dropout: in inference); nothing is computed and nothing is copied."""

ADDS = frozenset({"add", "sub"})
"""Joins whose result may be written over one of their inputs at fusion level ``full``."""


def family(node: Node) -> str:
    """The module that defines the operator: ``conv``, ``pool``, ``norm``, ``activation``, ``linear``."""
    return type(node.op).__module__.rpartition(".")[2]


def is_view(node: Node) -> bool:
    """Whether the node only renames its input."""
    return node.op.name in VIEWS


def is_activation(node: Node) -> bool:
    """Whether the node is an elementwise activation function of one tensor."""
    return family(node).startswith("activation") and len(node.inputs) == 1


def is_norm(node: Node) -> bool:
    """Whether the node is a normalisation with stored statistics, which a runtime folds into the layer before it."""
    return node.op.name == "batch_norm"


def is_layer(node: Node) -> bool:
    """Whether the node is a convolution or a linear map with weights of its own."""
    return family(node) in ("conv", "linear") and bool(node.params)


def is_source(node: Node) -> bool:
    """Whether the node holds data of the model (a raw parameter, a constant) instead of computing anything."""
    return not node.inputs
