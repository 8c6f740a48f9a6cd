"""Gated activations: a function of PyTorch, and its layer where there is one."""

from __future__ import annotations

from archdsl.backends.torch.form import Form, Lowering, Site
from archdsl.backends.torch.simple_rules import plain


def gelu(site: Site) -> Form:
    """``gelu``, exact or by ``tanh``."""
    return site.text(f'F.gelu({{0}}, approximate="{site.op.approximate}")')


RULES: dict[str, Lowering] = {
    "gelu": gelu,
    "silu": plain("F.silu({0})", "nn.SiLU"),
    "hard_swish": plain("F.hardswish({0})", "nn.Hardswish"),
    "mish": plain("F.mish({0})", "nn.Mish"),
}
