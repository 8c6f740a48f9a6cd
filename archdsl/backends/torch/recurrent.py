"""Recurrent layers: PyTorch's own, and step by step what it does not have."""

from __future__ import annotations

from archdsl.backends.torch.form import Call, Form, Lowering, Site, call, fixed
from archdsl.backends.torch.simple_rules import unless

OWN = f"{__package__}.recurrent_layers"


def rnn(site: Site) -> Form:
    """``nn.RNN``."""
    return _own(site, "nn.RNN", nonlinearity=unless("tanh", site.op.activation))


def gru(site: Site) -> Form:
    """``nn.GRU``, which resets after the product; step by step where that is before."""
    return _steps(site, "GruResetBefore") if site.op.reset == "before" else _own(site, "nn.GRU")


def lstm(site: Site) -> Form:
    """``nn.LSTM``; step by step with peepholes."""
    if site.op.peephole:
        return _steps(site, "PeepholeLstm", projection=site.op.projection)
    return _own(site, "nn.LSTM", proj_size=site.op.projection)


def _own(site: Site, kind: str, **settings: int | str | None) -> Form:
    """A module of PyTorch's: alone where it gives what is asked for, else within a function."""
    op = site.op
    layer = call(
        kind, *_sizes(site), bias=unless(True, op.bias != "none"), batch_first=True,
        bidirectional=unless(False, op.both), **settings, dtype=site.dtype("weight_ih_l0"),
    )  # fmt: skip
    uses: tuple[str, ...] = ()
    if op.bias == "one":
        layer, uses = Call("one_bias", [(None, layer, "")]), (f"{OWN}:one_bias",)
    given = _given(site)
    if op.final or given or op.reverse:
        text = ", ".join(["recurrent({self}", "{0}", *given]) + ")"
        return site.layer(layer, text if op.final else f"{text}[0]", (*uses, f"{OWN}:recurrent"))
    return site.layer(layer, "{self}({0})[0]", uses)


def _steps(site: Site, kind: str, **settings: int | None) -> Form:
    op = site.op
    biases = {"two": 2, "one": 1, "none": 0}[op.bias]
    layer = call(
        kind, *_sizes(site), biases=biases, both=unless(False, op.both), **settings, dtype=site.dtype("weight_ih_l0")
    )
    text = ", ".join(["{self}({0}", *_given(site)]) + ")"
    return site.layer(layer, text if op.final else f"{text}[0]", (f"{OWN}:{kind}",))


def _sizes(site: Site) -> tuple[tuple[str, int], tuple[str, int]]:
    return ("in_features", fixed(site.types[0], -1)), ("features", site.op.features)


def _given(site: Site) -> list[str]:
    """The arguments besides the input."""
    op, places = site.op, [f"{{{i}}}" for i in range(len(site.types))]
    start, lengths = op.operand("start", places), op.operand("lengths", places)
    found = [f"start=({', '.join(start)},)" if len(start) == 1 else f"start=({', '.join(start)})"] if start else []
    found += [f"lengths={one}" for one in lengths]
    return [*found, "reverse=True"] if op.reverse else found


RULES: dict[str, Lowering] = {"rnn": rnn, "gru": gru, "lstm": lstm}
