"""Activations: a function of PyTorch, and its layer where there is one."""

from __future__ import annotations

from archdsl.backends.torch.form import Form, Lowering, Site, call, fixed
from archdsl.backends.torch.simple_rules import plain


def leaky_relu(site: Site) -> Form:
    """``leaky_relu`` with its slope."""
    return site.text(f"F.leaky_relu({{0}}, {site.op.slope!r})", layer=call("nn.LeakyReLU", ("slope", site.op.slope)))


def prelu(site: Site) -> Form:
    """``PReLU``, one slope for each channel or one for all."""
    count = fixed(next(iter(site.node.params.values())).type, 0)
    return site.layer(call("nn.PReLU", ("channels", count), dtype=site.dtype()))


def elu(site: Site) -> Form:
    """``elu`` with its limit."""
    return site.text(f"F.elu({{0}}, {site.op.alpha!r})", layer=call("nn.ELU", ("alpha", site.op.alpha)))


def hard_sigmoid(site: Site) -> Form:
    """``hardsigmoid``, which knows one slope; any other is written out."""
    alpha, beta = site.op.alpha, site.op.beta
    if (alpha, beta) == (1 / 6, 0.5):
        return site.text("F.hardsigmoid({0})", layer=call("nn.Hardsigmoid"))
    return site.text(f"({{0}} * {alpha!r} + {beta!r}).clamp(0, 1)")


def dropout(site: Site) -> Form:
    """``Dropout``, which only training sees."""
    return site.layer(call("nn.Dropout", ("p", site.op.p)))


def drop_path(site: Site) -> Form:
    """``DropPath``, a layer of ours."""
    return site.layer(call("DropPath", ("p", site.op.p)), uses=("DropPath",))


RULES: dict[str, Lowering] = {
    "identity": plain("{0}", "nn.Identity"),
    "relu": plain("F.relu({0})", "nn.ReLU"),
    "relu6": plain("F.relu6({0})", "nn.ReLU6"),
    "leaky_relu": leaky_relu,
    "prelu": prelu,
    "elu": elu,
    "selu": plain("F.selu({0})", "nn.SELU"),
    "sigmoid": plain("torch.sigmoid({0})", "nn.Sigmoid"),
    "hard_sigmoid": hard_sigmoid,
    "tanh": plain("torch.tanh({0})", "nn.Tanh"),
    "softplus": plain("F.softplus({0})", "nn.Softplus"),
    "softsign": plain("F.softsign({0})", "nn.Softsign"),
    "step": plain("({0} >= 0).to({0}.dtype)"),
    "dropout": dropout,
    "drop_path": drop_path,
}
