"""Every operator a second time: what it computes, as one function of PyTorch's, and which configurations are legal.

A family's module declares both for each operator with :func:`operator`. The examples of the cards are held against the
reference (:func:`compute`), and so are the drawn configurations: :func:`compare` runs one in ONNX Runtime and as a
generated PyTorch module.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from onnx_case import LOOSE, NUMPY, comparable, generator, graph_of, model_of, randomise, run
from op_examples import Example
from torch import Tensor
from torch_module import distance, load_initialisers, module_of, outputs_of

from archdsl import dims, ops
from archdsl.backends.torch import backend as torch_backend
from archdsl.diagnostics import DiagnosticError, Refusal
from archdsl.graph import Graph
from archdsl.ops.base import Op
from archdsl.shapes import TensorType

TOLERANCE = 1e-5
Arrays = list[np.ndarray]


@dataclass(frozen=True)
class Case:
    """One configuration: arguments and inputs."""

    arguments: dict[str, Any]
    inputs: list[np.ndarray]
    free: tuple[int, ...] = field(default=())
    """Axes whose sizes the compiler must not know, if it can do without; the same for all inputs."""


class Draw:
    """Hypothesis with words for what operators take."""

    def __init__(self, data: st.DataObject) -> None:
        self.data = data

    def whole(self, low: int, high: int) -> int:
        return int(self.data.draw(st.integers(low, high)))

    def real(self, low: float, high: float) -> float:
        """With three digits, so that a text can hold it."""
        return self.whole(round(low * 1000), round(high * 1000)) / 1000

    def one(self, *choices: Any) -> Any:
        return self.data.draw(st.sampled_from(choices))

    def flag(self) -> bool:
        return bool(self.data.draw(st.booleans()))

    def sizes(self, rank: int, low: int = 1, high: int = 6) -> list[int]:
        return [self.whole(low, high) for _ in range(rank)]

    def shape(self, low: int = 1, high: int = 4) -> list[int]:
        """Of a tensor of any rank between these."""
        return self.sizes(self.whole(low, high), 1, 5)

    def each(self, rank: int, low: int, high: int) -> tuple[Any, list[int]]:
        """An argument for all axes or a list, and what it is for each."""
        if self.flag():
            value = self.whole(low, high)
            return value, [value] * rank
        values = self.sizes(rank, low, high)
        return values, values

    def axis(self, rank: int) -> tuple[Any, int]:
        """An axis as it may be written (counted from either end, or as a letter), and its index."""
        index = self.whole(0, rank - 1)
        letters = {"c": 1, "t": 1, "f": rank - 1, "h": rank - 2, "w": rank - 1}
        written = [index, index - rank, *(letter for letter, place in letters.items() if place == index)]
        return self.one(*written), index

    def axes(self, rank: int) -> tuple[Any, list[int]]:
        """One axis, or a list of several."""
        if self.flag():
            written, index = self.axis(rank)
            return written, [index]
        found = self.data.draw(st.lists(st.integers(0, rank - 1), min_size=1, max_size=rank, unique=True))
        return [self.one(a, a - rank) for a in found], sorted(found)

    def array(self, shape: Any, dtype: str = "f32", low: float = -4.0, high: float = 4.0) -> np.ndarray:
        """Different values between the bounds; integers take the bounds too."""
        values = generator("drawn", self.whole(0, 9999))
        if dtype == "bool":
            return values.integers(0, 2, shape).astype(bool)
        if dtype[0] in "iu":
            least = max(low, 0) if dtype[0] == "u" else low
            return values.integers(int(least), int(high) + 1, shape).astype(NUMPY[dtype])
        return np.asarray(values.uniform(low, high, shape)).astype(NUMPY[dtype])


Reference = Callable[..., Tensor | tuple[Tensor, ...]]
"""``reference(op, parameters, *inputs)``; parameters are by slot."""

REFERENCES: dict[str, Reference] = {}
CASES: dict[str, Callable[[Draw], Case]] = {}


def load() -> None:
    """Import the files of this folder, which declare what they have."""
    for family in iter_modules(__path__):
        import_module(f"drawn.{family.name}")


def cases() -> dict[str, Callable[[Draw], Case]]:
    """How configurations of each operator are drawn."""
    load()
    return CASES


def operator(name: str, reference: Reference) -> Callable[[Callable[[Draw], Case]], Callable[[Draw], Case]]:
    """Declare what an operator computes, and how its configurations are drawn."""

    def declare(function: Callable[[Draw], Case]) -> Callable[[Draw], Case]:
        assert name not in CASES
        REFERENCES[name], CASES[name] = reference, function
        return function

    return declare


def compute(op: Op, parameters: dict[str, np.ndarray], inputs: list[np.ndarray], double: bool = False) -> Arrays:
    """The outputs of an operator by its reference; in float64 (``double``) what is no float32 stays what it is."""
    load()
    if op.name not in REFERENCES:
        raise AssertionError(f"`{op.name}` has no reference: declare one in tests/support/drawn/")

    def tensor(x: np.ndarray) -> Tensor:
        found = torch.from_numpy(np.array(x))
        return found.double() if double and found.dtype == torch.float32 else found

    with torch.no_grad():
        result = REFERENCES[op.name](op, {slot: tensor(v) for slot, v in parameters.items()}, *map(tensor, inputs))
    return outputs_of(result)


def compare(name: str, case: Case) -> bool:
    """ONNX Runtime, the generated module and PyTorch's function agree; returns whether free sizes stayed free."""
    types = [TensorType(_name(x), x.shape) for x in case.inputs]
    example = _example(name, case, types)
    graph, loose = graph_of(example), _loose(name, case, types)
    model = model_of(loose or graph)
    weights = randomise(model, generator("parameters", name))
    results = {"ONNX Runtime": run(model, {f"x{i}": x for i, x in enumerate(case.inputs)})}
    if torch_backend.lowers(type(example.op)):
        results["the generated module"] = _module(graph, loose, model, case)
    parameters = {path.removeprefix("op").removeprefix("."): value for path, value in weights.items()}
    wanted = compute(example.op, parameters, case.inputs)
    exact: list[np.ndarray] = []
    for source, values in results.items():
        for i, (ours, theirs) in enumerate(zip(values, wanted, strict=True)):
            assert ours.shape == theirs.shape, (source, ours.shape, theirs.shape)
            assert ours.dtype == theirs.dtype, (source, ours.dtype, theirs.dtype)
            if example.op.draws:
                assert distance(comparable(example.op, ours), comparable(example.op, theirs)) <= LOOSE
            elif distance(ours, theirs) > TOLERANCE:
                exact = exact or compute(example.op, parameters, case.inputs, double=True)
                assert distance(ours, exact[i]) <= TOLERANCE, (source, distance(ours, theirs), distance(ours, exact[i]))
    return loose is not None


def _name(x: np.ndarray) -> str:
    return next(name for name, dtype in NUMPY.items() if x.dtype == dtype)


def _example(name: str, case: Case, types: list[TensorType]) -> Example:
    op = ops.load(name).create(**case.arguments)
    return Example(op, tuple(types), op.shape(*types), f"{name}{case.arguments}")


def _loose(name: str, case: Case, types: list[TensorType]) -> Graph | None:
    """The graph that does not know the free sizes (equal sizes are one symbol); ``None`` where it has to."""
    if not case.free:
        return None
    symbolic = [
        type.with_shape(dims.symbol(f"S{n}") if i in case.free and n > 1 else n for i, n in enumerate(type.shape))
        for type in types
    ]
    try:
        graph = graph_of(_example(name, case, symbolic))
        model_of(graph)
    except (Refusal, DiagnosticError):
        return None
    return graph


def _module(graph: Graph, loose: Graph | None, model: Any, case: Case) -> list[np.ndarray]:
    try:
        net = module_of(loose or graph)
    except DiagnosticError:  # a size that PyTorch does not have at that place
        net = module_of(graph)
    if net.state_dict():
        load_initialisers(net, model)
    with torch.no_grad():
        return outputs_of(net(*(torch.from_numpy(np.array(x)) for x in case.inputs)))
