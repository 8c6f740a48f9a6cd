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
    "hard_sigmoid": plain("F.hardsigmoid({0})", "nn.Hardsigmoid"),
    "tanh": plain("torch.tanh({0})", "nn.Tanh"),
    "softplus": plain("F.softplus({0})", "nn.Softplus"),
    "softsign": plain("F.softsign({0})", "nn.Softsign"),
    "step": plain("({0} >= 0).to({0}.dtype)"),
    "dropout": dropout,
    "drop_path": drop_path,
}
