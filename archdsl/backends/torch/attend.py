"""Attention: PyTorch's own function where its options say the same, else one of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archdsl.backends.torch.form import Form, Lowering, Site

if TYPE_CHECKING:
    import torch
    import torch.nn.functional as F  # noqa: N812
    from torch import Tensor

OWN = f"{__name__}:attend_masked"


def attend(site: Site) -> Form:
    """``scaled_dot_product_attention``; with what it has not, our function."""
    op, (q, k) = site.op, site.types[:2]
    mask = "".join(", {3}" for _ in op.operand("mask", site.types))
    settings = {"scale": op.scale, "sliding_window": op.sliding_window, "softcap": op.softcap}
    words = {name: value for name, value in settings.items() if value is not None}
    if mask or not words.keys() <= {"scale"} or (op.causal and q.shape[2] != k.shape[2]):
        words |= {"causal": True} if op.causal else {}
        return site.text(f"attend_masked({{0}}, {{1}}, {{2}}{mask}{_named(words)})", uses=(OWN,))
    words |= {"is_causal": True} if op.causal else {}
    words |= {"enable_gqa": True} if q.shape[1] != k.shape[1] else {}
    return site.text(f"F.scaled_dot_product_attention({{0}}, {{1}}, {{2}}{_named(words)})")


def _named(words: dict[str, Any]) -> str:
    return "".join(f", {name}={value!r}" for name, value in words.items())


# fmt: off
def attend_masked(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    mask: Tensor | None = None,
    scale: float | None = None,
    causal: bool = False,
    sliding_window: int | None = None,
    softcap: float | None = None,
) -> Tensor:
    """Attention with positions aligned at their ends; what sees nothing is zero."""
    past = k.shape[2] - q.shape[2]
    near = torch.ones(q.shape[2], k.shape[2], dtype=torch.bool, device=q.device)
    if causal:
        near = near.tril(past)
    elif sliding_window is not None:
        near = near.tril(past + sliding_window - 1)
    if sliding_window is not None:
        near = near.triu(past - sliding_window + 1)
    bias = torch.zeros_like(near, dtype=q.dtype).masked_fill(~near, float("-inf"))
    if mask is not None and mask.dtype == torch.bool:
        bias = torch.where(mask, bias, float("-inf"))
    elif mask is not None:
        bias = bias + mask
    seen = bias.amax(-1, keepdim=True) > float("-inf")
    bias = bias.masked_fill(~seen, 0.0)
    gqa = q.shape[1] != k.shape[1]
    if softcap is None:
        y = F.scaled_dot_product_attention(q, k, v, bias, scale=scale, enable_gqa=gqa)
        return y.masked_fill(~seen, 0.0)
    groups = q.shape[1] // k.shape[1]
    k, v = k.repeat_interleave(groups, 1), v.repeat_interleave(groups, 1)
    scale = q.shape[3] ** -0.5 if scale is None else scale
    scores = torch.tanh(q @ k.transpose(2, 3) * (scale / softcap)) * softcap
    return ((scores + bias).softmax(-1) @ v).masked_fill(~seen, 0.0)


RULES: dict[str, Lowering] = {"attend": attend}
