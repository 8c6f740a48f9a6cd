"""Which operator set a model is written in.

The rule, which docs/onnx.md states for users: the oldest set from 17 on at which no operator of the network is
emulated at a cost, or the one that ``--opset`` asks for. What does not exist before a set is asked for with
``Emit.require``, what is only slower before it with ``Emit.prefers``; an operator whose kernels are of old sets holds
the whole model back with ``Emit.at_most``.
"""

OPSETS = (17, 26)
"""The oldest operator set written (and the default where it suffices), and the newest that a released runtime loads."""
