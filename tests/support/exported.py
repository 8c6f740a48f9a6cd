"""Modules of PyTorch as archives of ``torch.export.save``."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch


def exported(
    module: torch.nn.Module, inputs: Sequence[torch.Tensor], path: Path, sizes: Mapping[int, Any] | None = None
) -> Path:
    """The module in a file; ``sizes`` are the axes of its first input that stay free."""
    free = None if sizes is None else (dict(sizes), *(None for _ in inputs[1:]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.export.export(module.eval(), tuple(inputs), dynamic_shapes=free, strict=False)
        torch.export.save(program, path)
    return path


class Function(torch.nn.Module):
    """A function as a module."""

    def __init__(self, function: Any) -> None:
        super().__init__()
        self.function = function

    def forward(self, *inputs: torch.Tensor) -> Any:
        return self.function(*inputs)
