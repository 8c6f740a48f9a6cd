"""Operators without parameters as expressions, and as modules where PyTorch has one."""

from __future__ import annotations

from typing import Any

from archdsl.backends.torch.form import DTYPES, Form, Rule, Site, call
from archdsl.backends.torch.layers import real
from archdsl.element_types import FLOATS
from archdsl.ops.operand_checks import insertion, resolve_axes
from archdsl.shapes import resolve_axis


def plain(text: str, module: str = "") -> Rule:
    """An expression of the inputs; ``module`` is the layer of the same function."""
    return lambda site: site.text(text, layer=call(module) if module else None)


def chain(symbol: str, function: str = "") -> Rule:
    """A binary operator or function over any number of inputs, from the left."""

    def rule(site: Site) -> Form:
        text = "{0}"
        for i in range(1, len(site.types)):
            text = f"{function}({text}, {{{i}}})" if function else f"{text} {symbol} {{{i}}}"
        return site.text(text)

    return rule


def average(site: Site) -> Form:
    terms = " + ".join(f"{{{i}}}" for i in range(len(site.types)))
    return site.text(f"({terms}) / {len(site.types)}" if len(site.types) > 1 else "{0}")


def leaky_relu(site: Site) -> Form:
    return site.text(f"F.leaky_relu({{0}}, {site.op.slope!r})", layer=call("nn.LeakyReLU", ("slope", site.op.slope)))


def elu(site: Site) -> Form:
    return site.text(f"F.elu({{0}}, {site.op.alpha!r})", layer=call("nn.ELU", ("alpha", site.op.alpha)))


def gelu(site: Site) -> Form:
    return site.text(f'F.gelu({{0}}, approximate="{site.op.approximate}")')


def along(text: str) -> Rule:
    """An expression with ``AXIS``, the operator's axis."""
    return lambda site: site.text(text.replace("AXIS", str(resolve_axis(site.op.axis, site.types[0]))))


def clip(site: Site) -> Form:
    bounds = [f"{n}={real(v)}" for n, v in (("min", site.op.low), ("max", site.op.high)) if v is not None]
    return site.text(f"torch.clamp({{0}}, {', '.join(bounds)})" if bounds else "{0}")


def cast(site: Site) -> Form:
    return site.text(f"{{0}}.to({DTYPES[site.op.dtype]})")


def power(site: Site) -> Form:
    return site.text("{0} ** {1}" if site.op.exponent is None else f"{{0}} ** {site.op.exponent!r}")


def reduction(text: str) -> Rule:
    """A reduction: ``AXES`` and ``KEEP`` in the text."""

    def rule(site: Site) -> Form:
        axes = tuple(sorted(resolve_axes(site.op.axis, site.types[0])))
        if not axes:
            return site.text("{0}")
        return site.text(text.replace("AXES", str(axes)).replace("KEEP", str(site.op.keep)))

    return rule


def _kept(site: Site) -> str:
    """An argument that keeps small integers what they are: PyTorch's sums and products of them are ``i64``."""
    dtype = site.types[0].dtype
    return "" if dtype in FLOATS or dtype == "i64" else f", dtype={DTYPES[dtype]}"


def reduce_sum(site: Site) -> Form:
    return reduction(f"torch.sum({{0}}, dim=AXES, keepdim=KEEP{_kept(site)})")(site)


def reduce_prod(site: Site) -> Form:
    text = "{0}"
    for axis in sorted(resolve_axes(site.op.axis, site.types[0]), reverse=True):
        text = f"torch.prod({text}, dim={axis}, keepdim={site.op.keep}{_kept(site)})"
    return site.text(text)


def cumsum(site: Site) -> Form:
    return along(f"torch.cumsum({{0}}, dim=AXIS{_kept(site)})")(site)


def position(name: str) -> Rule:
    def rule(site: Site) -> Form:
        axis = resolve_axis(site.op.axis, site.types[0])
        return site.text(f"torch.{name}({{0}}, dim={axis}, keepdim={site.op.keep})")

    return rule


def top_k(site: Site) -> Form:
    return site.text(f"torch.topk({{0}}, {site.op.k}, dim={resolve_axis(site.op.axis, site.types[0])})")


def flatten(site: Site) -> Form:
    axis = resolve_axis(site.op.axis, site.types[0])
    return site.text(f"torch.flatten({{0}}, {axis})", layer=call("nn.Flatten", ("axis", axis)))


def reshape(site: Site) -> Form:
    return site.text(f"{{0}}.reshape({site.sizes(site.outs[0].shape, infer=True)[1:-1].rstrip(',')})")


def squeeze(site: Site) -> Form:
    axes = tuple(sorted(resolve_axes(site.op.axis, site.types[0])))
    return site.text(f"torch.squeeze({{0}}, {axes})" if axes else "{0}")


def unsqueeze(site: Site) -> Form:
    text = "{0}"
    for axis in site.op.added(site.types[0]):
        text = f"torch.unsqueeze({text}, {axis})"
    return site.text(text)


def permute(site: Site) -> Form:
    return site.text(f"torch.permute({{0}}, {site.op.resolved(site.types[0])})")


def broadcast_to(site: Site) -> Form:
    before, after = site.types[0].shape, site.outs[0].shape
    new = len(after) - len(before)
    sizes = [-1 if i >= new and before[i - new] == size else size for i, size in enumerate(after)]
    return site.text(f"{{0}}.expand{site.sizes(sizes)}")


def concat(site: Site) -> Form:
    axis = resolve_axis(site.op.axis, site.types[0])
    items = ", ".join(f"{{{i}}}" for i in range(len(site.types)))
    return site.text(f"torch.cat([{items}], dim={axis})")


def stack(site: Site) -> Form:
    axis = insertion(site.op.axis, site.outs[0].rank, "stack")
    items = ", ".join(f"{{{i}}}" for i in range(len(site.types)))
    return site.text(f"torch.stack([{items}], dim={axis})")


def split(site: Site) -> Form:
    axis = resolve_axis(site.op.axis, site.types[0])
    if isinstance(site.op.parts, int):
        text = f"torch.chunk({{0}}, {site.op.parts}, dim={axis})"
    else:
        text = f"torch.split({{0}}, {site.sizes([t.shape[axis] for t in site.outs])}, dim={axis})"
    return site.text(text + ("[0]" if len(site.outs) == 1 else ""))


def where(site: Site) -> Form:
    return site.text("torch.where({0}, {1}, {2})")


def causal_mask(site: Site) -> Form:
    mask = "torch.ones({0}.shape[-2:], dtype=torch.bool, device={0}.device).triu(1)"
    return site.text(f'{{0}}.masked_fill({mask}, float("-inf"))')


def slice_(site: Site) -> Form:
    axis, (x,) = resolve_axis(site.op.axis, site.types[0]), site.types
    start, stop = site.op.bounds(x)
    first, last = site.sizes([start])[1:-2], "" if stop == x.shape[axis] else site.sizes([stop])[1:-2]
    step = f":{site.op.step}" if site.op.step != 1 else ""
    place = ":, " * axis + f"{'' if first == '0' else first}:{last}{step}"
    return site.text(f"{{0}}[{place}]")


def select(site: Site) -> Form:
    return site.text(f"{{0}}.select({resolve_axis(site.op.axis, site.types[0])}, {site.op.index})")


def gather(site: Site) -> Form:
    axis = resolve_axis(site.op.axis, site.types[0])
    return site.text("{0}[" + ":, " * axis + f"{list(site.op.indices)}]")


def take(site: Site) -> Form:
    return site.text("{0}[" + ":, " * resolve_axis(site.op.axis, site.types[0]) + "{1}]")


def reverse(site: Site) -> Form:
    return site.text(f"torch.flip({{0}}, {tuple(sorted(resolve_axes(site.op.axis, site.types[0])))})")


def constant(site: Site) -> Form:
    values = _nested(site.op.values)
    return site.text(f"torch.tensor({values}, dtype={DTYPES[site.op.dtype]})")


def _nested(values: Any) -> str:
    if isinstance(values, tuple):
        return "[" + ", ".join(map(_nested, values)) + "]"
    return real(values) if isinstance(values, float) else repr(values)


def filled(site: Site) -> Form:
    return site.text(f"torch.{site.op.name}({site.sizes(site.op.size)}, dtype={DTYPES[site.op.dtype]})")


RULES: dict[str, Rule] = {
    "identity": plain("{0}", "nn.Identity"),
    "relu": plain("F.relu({0})", "nn.ReLU"),
    "relu6": plain("F.relu6({0})", "nn.ReLU6"),
    "leaky_relu": leaky_relu,
    "elu": elu,
    "selu": plain("F.selu({0})", "nn.SELU"),
    "gelu": gelu,
    "sigmoid": plain("torch.sigmoid({0})", "nn.Sigmoid"),
    "silu": plain("F.silu({0})", "nn.SiLU"),
    "hard_sigmoid": plain("F.hardsigmoid({0})", "nn.Hardsigmoid"),
    "hard_swish": plain("F.hardswish({0})", "nn.Hardswish"),
    "tanh": plain("torch.tanh({0})", "nn.Tanh"),
    "softplus": plain("F.softplus({0})", "nn.Softplus"),
    "softsign": plain("F.softsign({0})", "nn.Softsign"),
    "mish": plain("F.mish({0})", "nn.Mish"),
    "step": plain("({0} >= 0).to({0}.dtype)"),
    "softmax": along("F.softmax({0}, dim=AXIS)"),
    "log_softmax": along("F.log_softmax({0}, dim=AXIS)"),
    **{name: plain(f"torch.{name}({{0}})") for name in
       ("neg", "abs", "sign", "exp", "log", "sqrt", "reciprocal", "erf", "sin", "cos", "floor", "ceil", "round")},
    "clip": clip,
    "cast": cast,
    "add": chain("+"),
    "mul": chain("*"),
    "max": chain("", "torch.maximum"),
    "min": chain("", "torch.minimum"),
    "average": average,
    "sub": chain("-"),
    "div": chain("/"),
    "pow": power,
    "equal": chain("=="),
    "not_equal": chain("!="),
    "less": chain("<"),
    "less_equal": chain("<="),
    "greater": chain(">"),
    "greater_equal": chain(">="),
    "logical_and": chain("&"),
    "logical_or": chain("|"),
    "logical_not": plain("~{0}"),
    "where": where,
    "causal_mask": causal_mask,
    "matmul": plain("{0} @ {1}"),
    "reduce_sum": reduce_sum,
    "reduce_mean": reduction("torch.mean({0}, dim=AXES, keepdim=KEEP)"),
    "reduce_max": reduction("torch.amax({0}, dim=AXES, keepdim=KEEP)"),
    "reduce_min": reduction("torch.amin({0}, dim=AXES, keepdim=KEEP)"),
    "reduce_prod": reduce_prod,
    "reduce_l1": reduction("torch.sum(torch.abs({0}), dim=AXES, keepdim=KEEP)"),
    "reduce_l2": reduction("torch.sqrt(torch.sum({0} * {0}, dim=AXES, keepdim=KEEP))"),
    "argmax": position("argmax"),
    "argmin": position("argmin"),
    "top_k": top_k,
    "cumsum": cumsum,
    "flatten": flatten,
    "reshape": reshape,
    "squeeze": squeeze,
    "unsqueeze": unsqueeze,
    "permute": permute,
    "transpose": permute,
    "broadcast_to": broadcast_to,
    "concat": concat,
    "stack": stack,
    "split": split,
    "slice": slice_,
    "select": select,
    "gather": gather,
    "take": take,
    "reverse": reverse,
    "constant": constant,
    "zeros": filled,
    "ones": filled,
}  # fmt: skip
