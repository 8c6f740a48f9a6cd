"""Name maps at random: no tensor is ever loaded into another's place without a word."""

from __future__ import annotations

import random
from math import prod
from pathlib import Path

from hypothesis import HealthCheck, given, settings, strategies as st

from archdsl.diagnostics import DiagnosticError
from archdsl.weights.match import match, settle
from archdsl.weights.tensor import Checkpoint, Tensor

WORDS = ("q", "k", "v", "fc", "a", "b", "model", "net", "0", "1", "proj")


def layers(draw: random.Random) -> dict[str, tuple[int, ...]]:
    """Names of parameters and shapes: few shapes, so that many tensors could take one another's place."""
    found: dict[str, tuple[int, ...]] = {}
    for _ in range(draw.randrange(1, 7)):
        path = ".".join(draw.choice(WORDS) for _ in range(draw.randrange(1, 4)))
        shape = draw.choice([(3, 3), (3, 3), (2, 3)])
        found |= {f"{path}.weight": shape, f"{path}.bias": shape[:1]}
    return found


class Parameters:
    """What matching asks of a graph."""

    def __init__(self, shapes: dict[str, tuple[int, ...]]) -> None:
        from archdsl.graph import Parameter
        from archdsl.ops.base import Initializer
        from archdsl.shapes import TensorType

        self.name = "Net"
        self.maps: dict[str, object] = {}
        self.made = {path: Parameter(path, TensorType("f32", s), Initializer("zeros")) for path, s in shapes.items()}

    def parameters(self) -> dict[str, object]:
        return dict(self.made)


def checkpoint(shapes: dict[str, tuple[int, ...]]) -> Checkpoint:
    """Every tensor has values of its own."""

    def tensor(name: str, shape: tuple[int, ...]) -> Tensor:
        return Tensor(name, "f32", shape, None, lambda: random.Random(name).randbytes(4 * prod(shape)))

    return Checkpoint(Path("w.pth"), "drawn", {name: tensor(name, shape) for name, shape in shapes.items()})


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False), st.sampled_from(["", "", "model.", "a.", "module.model.", "q.", "0.1."]))
def test_no_tensor_takes_the_place_of_another(draw: random.Random, prefix: str) -> None:
    """Prefixes on either side, renamed layers, tensors in another order, missing and more: where it loads, every
    parameter has the tensor that was made of it.
    """
    ours = layers(draw)
    theirs = dict(ours)
    if draw.random() < 0.3:
        ours = {f"enc.{name}": shape for name, shape in ours.items()}
    origin = dict(zip(theirs, ours))
    if draw.random() < 0.5:
        origin = {(renamed(name, draw) if draw.random() < 0.3 else name): path for name, path in origin.items()}
    names = list(origin)
    draw.shuffle(names)
    shapes = {prefix + name: ours[origin[name]] for name in names}
    if draw.random() < 0.3:
        shapes |= {f"{draw.choice(WORDS)}.{name}": shape for name, shape in list(shapes.items())[:2]}
    if draw.random() < 0.2:
        shapes.pop(next(iter(shapes)))
    if not shapes:
        return
    found = checkpoint(shapes)
    try:
        matching = match(Parameters(ours), found)  # type: ignore[arg-type]
        settle(matching)
    except DiagnosticError as error:
        assert error.diagnostics[0].code == "E0903"
        return
    for path, tensor in matching.pairs.items():
        assert origin.get(tensor.name.removeprefix(prefix)) == path, matching.how


def renamed(name: str, draw: random.Random) -> str:
    """A layer under a name that no layer has."""
    layer, _, role = name.rpartition(".")
    return f"{layer}x{draw.randrange(1000)}.{role}"
