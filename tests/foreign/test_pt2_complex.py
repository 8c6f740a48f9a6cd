"""Programs that compute in complex numbers: parameters and types are PyTorch's, and totals are lower bounds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from exported import Function, exported
from torch import nn
from torch.nn import functional

import archdsl
from archdsl.diagnostics import DiagnosticError
from archdsl.graph import Graph
from archdsl.ops.opaque import Opaque
from archdsl.weights import exported as weights

pytestmark = pytest.mark.reference
HEADS, SIZE, LONGEST = 2, 8, 12


def angles(length: int = LONGEST) -> torch.Tensor:
    rates = 1.0 / 10_000 ** (torch.arange(0, SIZE, 2).float() / SIZE)
    return torch.outer(torch.arange(length).float(), rates)


def turns(length: int = LONGEST) -> torch.Tensor:
    found = angles(length)
    return torch.polar(torch.ones_like(found), found)


class Attention(nn.Module):
    """Attention as in Llama: pairs of features are complex numbers, and turned."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.q, self.k, self.v, self.o = (nn.Linear(HEADS * SIZE, HEADS * SIZE, bias=False) for _ in range(4))
        self.kind = kind
        if kind == "attribute":
            self.freqs_cis = turns()
        elif kind != "computed":
            self.register_buffer("freqs_cis", turns(), persistent=kind != "not saved")

    def turned(self, x: torch.Tensor, freqs: torch.Tensor) -> torch.Tensor:
        pairs = torch.view_as_complex(x.float().reshape(*x.shape[:-1], -1, 2))
        if self.kind == "in place":
            return torch.view_as_real(pairs.mul_(freqs[:, None])).flatten(3).to(x.dtype)
        return torch.view_as_real(pairs * freqs.view(1, -1, 1, SIZE // 2)).flatten(3).type_as(x)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, length, width = x.shape
        freqs = turns(length) if self.kind == "computed" else self.freqs_cis[:length]
        q, k, v = (one(x).view(batch, length, HEADS, SIZE) for one in (self.q, self.k, self.v))
        if self.kind == "no gradient":
            with torch.no_grad():
                q, k = self.turned(q, freqs), self.turned(k, freqs)
        else:
            q, k = self.turned(q, freqs), self.turned(k, freqs)
        found = functional.scaled_dot_product_attention(*(one.transpose(1, 2) for one in (q, k, v)), is_causal=True)
        return self.o(found.transpose(1, 2).reshape(batch, length, width))  # type: ignore[no-any-return]


class Filter(nn.Module):
    """A filter of frequencies, whose weights are pairs of real numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.weight, self.mix = nn.Parameter(torch.randn(LONGEST // 2 + 1, SIZE, 2)), nn.Linear(SIZE, SIZE)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found = torch.fft.rfft(x, dim=1) * torch.view_as_complex(self.weight)
        return self.mix(torch.fft.irfft(found, n=x.shape[1], dim=1))  # type: ignore[no-any-return]


def read(net: nn.Module, x: torch.Tensor, path: Path, **sizes: Any) -> tuple[Graph, list[Opaque]]:
    """The graph of a model, with parameters and types as in PyTorch and totals that are not complete."""
    with torch.no_grad():
        wanted = net(x.clone())
    graph = archdsl.load(exported(net, [x], path, **sizes)).graph()
    table = archdsl.cost(graph)
    assert table.partial and ">=" in str(table)
    assert table.total("params") == sum(one.numel() for one in net.parameters())
    assert {name: one.type.shape for name, one in graph.parameters().items() if not one.buffer} == {
        name: tuple(one.shape) for name, one in net.named_parameters()
    }
    if not sizes:
        assert [value.type.shape for value in graph.outputs.values()] == [tuple(wanted.shape)]
    assert [value.type.dtype for value in graph.outputs.values()] == ["f32"]
    return graph, [node.op for node in graph.all_nodes() if isinstance(node.op, Opaque)]


@pytest.mark.parametrize("kind", ["buffer", "not saved", "attribute", "in place", "no gradient", "computed"])
def test_rotary_attention(kind: str, tmp_path: Path) -> None:
    graph, unknown = read(Attention(kind), torch.randn(2, LONGEST, HEADS * SIZE), tmp_path / "a.pt2")
    turned = [one for one in unknown if one.nodes >= 3]
    first = "polar" if kind == "computed" else "view_as_complex"
    assert [one.operator for one in turned] == [f"aten::{first}.default"] * 2
    assert [one.gives[0].shape for one in turned] == [(2, LONGEST, HEADS, SIZE // 2, 2)] * 2
    stored = [one for one in graph.parameters().values() if one.buffer and one.type.rank == 3]
    assert [one.type.shape for one in stored] == ([] if kind == "computed" else [(LONGEST, SIZE // 2, 2)])
    with pytest.raises(DiagnosticError) as found:
        archdsl.compile(graph, tmp_path / "a.onnx")
    assert {one.code for one in found.value.diagnostics} == {"E0601"}


def test_free_sizes(tmp_path: Path) -> None:
    sizes = {1: torch.export.Dim("length", max=LONGEST)}
    graph, _ = read(Attention("buffer"), torch.randn(2, 6, HEADS * SIZE), tmp_path / "a.pt2", sizes=sizes)
    (result,) = graph.outputs.values()
    assert result.type.shape[:2] == (2, graph.inputs[0].type.shape[1]) and len(graph.symbols()) == 1


def test_transforms(tmp_path: Path) -> None:
    """One node from the input to what the inverse gives."""
    graph, unknown = read(Filter(), torch.randn(2, LONGEST, SIZE), tmp_path / "a.pt2")
    assert [(one.operator, one.nodes) for one in unknown] == [("aten::fft_rfft.default", 4)]
    assert unknown[0].gives[0].shape == (2, LONGEST, SIZE)
    assert archdsl.cost(graph).total("macs") == 2 * LONGEST * SIZE * SIZE


def test_values_of_a_buffer(tmp_path: Path) -> None:
    """Parts lie beside each other, also of a buffer that is a view."""
    net = Attention("buffer")
    net.freqs_cis = turns(2 * LONGEST)[::2].T.contiguous().T
    found = weights.read(exported(net, [torch.randn(2, LONGEST, HEADS * SIZE)], tmp_path / "a.pt2"))
    assert np.array_equal(found.tensors["freqs_cis"].array(), torch.view_as_real(net.freqs_cis).numpy())


def written(x: torch.Tensor) -> torch.Tensor:
    torch.view_as_complex(x).mul_(2)
    return x + 1


REFUSED: dict[str, tuple[Callable[[torch.Tensor], torch.Tensor], torch.Tensor, str]] = {
    "output": (torch.view_as_complex, torch.randn(3, 2), "the output `view_as_complex` is of complex numbers"),
    "input": (torch.view_as_real, torch.randn(3, dtype=torch.complex64), "the input `inputs_0` is of complex numbers"),
    "memory": (written, torch.randn(3, 2), "shares its memory with what `mul_` wrote into"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_refused(kind: str, tmp_path: Path) -> None:
    function, x, message = REFUSED[kind]
    refused(Function(function), x, tmp_path / "a.pt2", message)


def test_a_complex_parameter_is_refused(tmp_path: Path) -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.w = nn.Parameter(torch.randn(3, dtype=torch.complex64))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return (x * self.w).abs()

    refused(Net(), torch.randn(3), tmp_path / "a.pt2", "the parameter `w` is of complex numbers")


def refused(net: nn.Module, x: torch.Tensor, path: Path, message: str) -> None:
    with pytest.raises(DiagnosticError) as found:
        archdsl.load(exported(net, [x], path)).graph()
    (one,) = found.value.diagnostics
    assert one.code == "E1003" and message in str(one.message) and one.span is not None
