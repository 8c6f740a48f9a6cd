"""Branches and loops of exported programs, beside PyTorch itself; and layers with a projection."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from exported import exported
from torch import nn
from torch._higher_order_ops.scan import scan
from torch._higher_order_ops.while_loop import while_loop

import archdsl
from archdsl.diagnostics import DiagnosticError

pytestmark = pytest.mark.reference


class Layers(nn.Module):
    """Two layers and what is made of them."""

    def __init__(self, apply: Callable[..., Any]) -> None:
        super().__init__()
        self.a, self.b, self.apply_them = nn.Linear(4, 4), nn.Linear(4, 4), apply

    def forward(self, *inputs: torch.Tensor) -> Any:
        return self.apply_them(self, *inputs)


def drawn(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


def by_rate(net: Any, x: torch.Tensor, rate: torch.Tensor) -> torch.Tensor:
    found: torch.Tensor = torch.cond(rate == 8000, lambda x: net.a(x), lambda x: net.b(net.b(x)), (x,))
    return found


def three_times(net: Any, x: torch.Tensor) -> torch.Tensor:
    def step(i: torch.Tensor, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return i + 2, net.a(x)

    found: torch.Tensor = while_loop(lambda i, x: i < 6, step, (torch.tensor(1), x))[1]
    return found


def along(net: Any, h: torch.Tensor, xs: torch.Tensor) -> Any:
    def step(h: torch.Tensor, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        h = torch.tanh(net.a(h) + x)
        return h, h * 2

    return scan(step, h, xs)


def views(net: Any, x: torch.Tensor) -> torch.Tensor:
    """The graph inside has a `mul` and a `view` of its own, and writes into them."""
    outer = (x * 1).view(-1)
    with torch.no_grad():
        inner = (x * 2).view(-1)
        inner.relu_()
    return outer + (x * 1).view(-1) + inner


def same(net: nn.Module, inputs: list[torch.Tensor], path: Path) -> Any:
    """The model is exact: its costs, and the outputs beside PyTorch's."""
    program = exported(net.eval(), inputs, path)
    graph = archdsl.load(program).graph()
    with torch.no_grad():
        wanted = net(*inputs)
    got = archdsl.run(graph, {value.name: one.numpy() for value, one in zip(graph.inputs, inputs)})
    for ours, theirs in zip(got.values(), wanted if isinstance(wanted, tuple) else [wanted]):
        assert np.abs(ours - theirs.numpy()).max() < 1e-5
    table = archdsl.cost(graph)
    assert not any(node.op.name == "opaque" for node in graph.all_nodes())
    return table.total("macs")


CASES: dict[str, tuple[Callable[..., Any], list[torch.Tensor], int]] = {
    "while": (three_times, [drawn(2, 4)], 3 * 2 * 16), "scan": (along, [drawn(2, 4), drawn(5, 2, 4)], 5 * 2 * 16),
    "views": (views, [drawn(2, 4)], 0),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_graphs_in_graphs(name: str, tmp_path: Path) -> None:
    apply, inputs, macs = CASES[name]
    assert same(Layers(apply), inputs, tmp_path / "net.pt2") == macs


def test_a_branch_on_an_input_asks_for_it(tmp_path: Path) -> None:
    net = Layers(by_rate).eval()
    x, rate = drawn(2, 4), torch.tensor(8000)
    program = exported(net, [x, rate], tmp_path / "net.pt2")
    with pytest.raises(DiagnosticError) as refused:
        archdsl.cost(program)
    (told,) = refused.value.diagnostics
    assert told.code == "E1002" and "`rate`" not in told.help and "--bind" in told.help
    name = told.help.partition("--bind ")[2].partition("=")[0]
    for value, layers in ((8000, 1), (16000, 2)):
        graph = archdsl.load(program).graph(bind={name: value})
        assert archdsl.cost(graph).total("macs") == layers * 2 * 16
        with torch.no_grad():
            wanted = net(x, torch.tensor(value)).numpy()
        assert np.abs(archdsl.run(graph, x.numpy())["output"] - wanted).max() < 1e-6


def test_what_the_data_decide_is_not_counted(tmp_path: Path) -> None:
    """A loop until a sum is large enough: nothing says how often, so the totals say that they are bounds."""

    def until(net: Any, x: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = while_loop(lambda x: x.sum() < 5, lambda x: net.a(x).abs() + 1, (x,))[0]
        return found

    printed = str(archdsl.cost(exported(Layers(until).eval(), [drawn(2, 4)], tmp_path / "net.pt2")))
    assert "higher_order.while_loop" in printed and ">= 0" in printed


@pytest.mark.parametrize("settings", [{}, {"num_layers": 2, "bidirectional": True}, {"bias": False}], ids=str)
def test_projections(settings: dict[str, Any], tmp_path: Path) -> None:
    """Four products with the input and the state, and one with the projection, for each step."""

    class Recurrent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn = nn.LSTM(4, 6, batch_first=True, proj_size=3, **settings)

        def forward(self, x: torch.Tensor) -> Any:
            y, (h, c) = self.rnn(x)
            return y, h, c

    count = 2 if settings.get("bidirectional") else 1
    macs = sum(count * 10 * (24 * (inputs + 3) + 18) for inputs in [4, 3 * count][: settings.get("num_layers", 1)])
    assert same(Recurrent(), [drawn(2, 5, 4)], tmp_path / "net.pt2") == macs
