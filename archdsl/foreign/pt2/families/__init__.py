"""How each operator of PyTorch is said with ours, a file for each family."""

from archdsl.foreign.pt2.families import (
    einsum as einsum,
    elementwise as elementwise,
    layers as layers,
    recurrent as recurrent,
    shapes as shapes,
)
