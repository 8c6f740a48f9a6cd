"""The options of a PyTorch module, and the report on a written one."""

from __future__ import annotations

from archdsl import registry


class TorchOptions(registry.Options):
    """Options of the PyTorch backend. Initial weights are PyTorch's own, but for what ``param`` says."""
