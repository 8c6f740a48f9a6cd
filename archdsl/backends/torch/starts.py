"""Layers whose weights begin as the spec says it, and not as PyTorch does."""

from __future__ import annotations

from math import prod

from archdsl.backends.torch.constant import start_of
from archdsl.backends.torch.form import Call, Form, Raw, Site, call
from archdsl.ops.start import outline


def begun(site: Site, layer: Call, text: str = "{self}({0})", uses: tuple[str, ...] = ()) -> Form:
    """The layer, and how it is applied; where ``init`` is given, with that weight."""
    given = site.op.init
    if given == type(site.op).signature["init"].default:
        return site.layer(layer, text, uses)
    weight = site.node.params["weight"]
    sizes = tuple(int(str(size)) for size in weight.type.shape)
    if isinstance(given, tuple):  # as few numbers as are given: the copy repeats them
        start = start_of(weight.init.replace(values=weight.init.values[: prod(outline(given))]), outline(given), None)
    else:
        start = start_of(weight.init, sizes, None)
    return site.layer(call("starting", ("layer", layer), ("start", Raw(start))), text, (*uses, "starting"))
