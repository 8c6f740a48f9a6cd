"""Tensors without inputs (constants, parameters), and one-hot codes."""

from __future__ import annotations

from typing import Any

from archdsl.backends.torch.form import DTYPES, Form, Lowering, Raw, Site, call, fixed
from archdsl.backends.torch.simple_rules import real, unless
from archdsl.diagnostics import Refusal
from archdsl.element_types import FLOATS
from archdsl.ops.base import Initializer
from archdsl.ops.operand_checks import insertion


def constant(site: Site) -> Form:
    """``tensor`` with its values."""
    values = _nested(site.op.values)
    return site.text(f"torch.tensor({values}, dtype={DTYPES[site.op.dtype]})")


def _nested(values: Any) -> str:
    if isinstance(values, tuple):
        return "[" + ", ".join(map(_nested, values)) + "]"
    return real(values) if isinstance(values, float) else repr(values)


def filled(site: Site) -> Form:
    """``zeros`` or ``ones``."""
    return site.text(f"torch.{site.op.name}({site.sizes(site.op.size)}, dtype={DTYPES[site.op.dtype]})")


def positions(site: Site) -> Form:
    """``arange``, scaled and shifted."""
    op = site.op
    floats = op.dtype in FLOATS
    kind = f", dtype={DTYPES['f64' if op.dtype == 'f64' else 'f32']}" if floats else ""
    size = site.sizes([op.size])[1:-2]
    text = f"torch.arange({size}{kind})"
    step = real(op.step) if floats else int(op.step)
    if not isinstance(op.start, int | float):
        start = site.computed(op.start)
        start = f"({start})" if "//" in start or " - " in start else start
    else:
        start = real(op.start) if floats else str(int(op.start))
    text = text if op.step == 1 else f"{text} * {step}"
    text = text if op.start == 0 else f"{text} + {start}"
    wanted = op.dtype not in ("f32", "f64", "i64")
    return site.text(f"({text}).to({DTYPES[op.dtype]})" if wanted else text)


def param(site: Site) -> Form:
    """A parameter by itself; its initial values are the operator's."""
    (parameter,) = site.node.params.values()
    size = site.op.size
    dtype = site.dtype("")
    start = start_of(parameter.init, size, dtype)
    learned = parameter.trainable and parameter.type.dtype in FLOATS  # PyTorch has gradients of no integers
    layer = call("nn.Parameter", ("start", Raw(start)), requires_grad=unless(True, learned))
    return site.layer(layer, "{self}")


def start_of(init: Initializer, size: tuple[int, ...], dtype: Raw | None) -> str:
    """A tensor with initial values, as an expression."""
    kind = f", dtype={dtype}" if dtype else ""
    match init.scheme:
        case "zeros" | "ones":
            return f"torch.{init.scheme}({size}{kind})"
        case "constant":
            return f"torch.full({size}, {init.values[0]!r}{kind})"
        case "normal":
            return f"torch.empty({size}{kind}).normal_({init.values[0]!r}, {init.values[1]!r})"
        case "uniform":
            return f"torch.empty({size}{kind}).uniform_({init.values[0]!r}, {init.values[1]!r})"
        case "data":
            return f"torch.tensor({list(init.values)!r}{kind}).reshape({size})"
        case "loaded":  # its values lie in a file, which is loaded later
            return f"torch.zeros({size}{kind})"
        case "fan":
            half = (6 / max(init.fan_in, 1)) ** 0.5
            return f"torch.empty({size}{kind}).uniform_({-half!r}, {half!r})"
    raise Refusal("E0603", f"{init.scheme} weights cannot be written into a PyTorch module",
                  help="compile the network without `fold` and `merge`")  # fmt: skip


def one_hot(site: Site) -> Form:
    """``one_hot``, a function of ours, in the type asked for."""
    axis = insertion(site.op.axis, site.outs[0].rank, "one_hot")
    text = f"one_hot({{0}}, {fixed(site.outs[0], axis)}, {axis}).to({DTYPES[site.op.dtype]})"
    return site.text(text, uses=("one_hot",))


RULES: dict[str, Lowering] = {
    "constant": constant,
    "zeros": filled,
    "ones": filled,
    "positions": positions,
    "param": param,
    "one_hot": one_hot,
}
