"""Matrix products and tables of vectors."""

from __future__ import annotations

from archdsl.backends.torch.form import Form, Lowering, Site, call, fixed
from archdsl.backends.torch.simple_rules import plain, unless
from archdsl.backends.torch.starts import begun


def linear(site: Site) -> Form:
    """``Linear``."""
    op = site.op
    if op.weight:
        bias = call("Affine", ("features", (op.features,)), scale=False, shift=True, dtype=site.dtype("bias"))
        turned = ".t()" if op.transposed else ""
        text = f"F.linear({{0}}, {site.operand('weight')}{turned}"
        return site.layer(bias, f"{text}, {{self}}.bias)", ("Affine",)) if op.bias else site.text(f"{text})")
    features = ("in_features", fixed(site.types[0], -1))
    name, uses = ("TurnedLinear", ("TurnedLinear",)) if op.transposed else ("nn.Linear", ())
    layer = call(name, features, ("features", op.features), bias=unless(True, op.bias), dtype=site.dtype())
    return begun(site, layer, uses=uses)


def embedding(site: Site) -> Form:
    """``Embedding``."""
    op = site.op
    return begun(site, call("nn.Embedding", ("count", op.count), ("features", op.features), dtype=site.dtype()))


RULES: dict[str, Lowering] = {
    "linear": linear,
    "matmul": plain("{0} @ {1}"),
    "embedding": embedding,
}
